"""Ages, days and sizes as plain tables, a row each, for charts.

Blanks are kept as missing values, so that a chart can give their number.
"""

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.summary.units import read_images, take_units


def list_ages(cohort: Cohort, *, unit: str = "patient") -> pd.DataFrame:
    """List the age of each patient: the first that is recorded (Figure 1 of Cohen et al. 2020b).

    Parameters
    ----------
    cohort : Cohort
        Its X-rays are used.
    unit : {"patient", "person", "image"}, default "patient"

    Returns
    -------
    DataFrame
        id (of the unit), age (years, NaN where not recorded), sex ("M", "F" or missing),
        region (of the first image) and n_images.

    Raises
    ------
    SelectionError
        If there is no such unit, or persons are not known.
    """
    images = read_images(cohort)
    units = take_units(cohort, unit, np.zeros(len(images.table), dtype=int))
    first = images.table.iloc[np.unique(units.of_image, return_index=True)[1]]
    sexes = np.array(["M", "F", None], dtype=object)  # the last is -1, not recorded
    return pd.DataFrame(
        {
            "id": first[f"{unit}_id"].to_numpy(dtype=object),
            "age": units.numbers["age"],
            "sex": pd.array(sexes[units.codes["sex"]], dtype="str"),
            "region": first["region"].to_numpy(dtype=object),
            "n_images": np.bincount(units.of_image, minlength=len(first)),
        }
    ).astype({"id": "str", "region": "str"})


def list_offsets(cohort: Cohort) -> pd.DataFrame:
    """List the day of each image (Figure 2 of Cohen et al. 2020b).

    Day 0 is symptom onset or admission; which one is not recorded. Day 5 is also used for "a few
    days".

    Returns
    -------
    DataFrame
        image_id, patient_id, view and offset (days, NaN where not recorded), in file order.
    """
    table = read_images(cohort).table
    columns = table[["image_id", "patient_id", "view"]].reset_index(drop=True)
    return columns.assign(offset=table["offset"].to_numpy(dtype=float, na_value=np.nan))


def list_image_sizes(cohort: Cohort) -> pd.DataFrame:
    """List the height and width of each image file.

    Returns
    -------
    DataFrame
        image_id, view, width, height (pixels, NaN where there is no readable file or the
        images were not inspected), in file order.
    """
    table = read_images(cohort).table
    sizes = {
        side: table[side].to_numpy(dtype=float, na_value=np.nan) for side in ("width", "height")
    }
    columns = table[["image_id", "view"]].reset_index(drop=True)
    return columns.assign(**sizes)
