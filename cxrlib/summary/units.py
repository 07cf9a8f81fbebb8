"""The unit of analysis: images, patients or persons.

A patient (an id as recorded) or a person counts once in a row, with the first value recorded
in each column over their images in that row, in the file's order: this is how Table 3 of
Cohen et al. 2020b takes patients. Someone with images in two rows, such as two views, counts
in both, so that each row is what the cohort would be if only that row's images were there.
"""

import weakref
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.cohort import YES_NO_CATEGORIES, YES_NO_COLUMNS, Cohort, is_usable
from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr

UNITS = ("image", "patient", "person")

BLANK = -1
"""The code of what is not recorded."""

YES, NO, UNCLEAR = 0, 1, 2
MALE, FEMALE = 0, 1


@dataclass(frozen=True)
class Units:
    """Hold what a table counts, a place a unit.

    Parameters
    ----------
    group : ndarray of int
        The row of the table in which it counts.
    name : ndarray of int
        Which image, patient or person it is.
    person : ndarray of int
        The person it is of, else the patient where persons are not known: for resampling.
    numbers : dict of str to ndarray of float
        Of age, NaN where not recorded.
    codes : dict of str to ndarray of int
        Of sex, covid and the yes/no columns; `BLANK` where not recorded.
    owner : {"person", "patient"}
        Which of the two.
    images, of_image : ndarray of int
        The X-rays in any group, and the unit of each.
    """

    group: np.ndarray
    name: np.ndarray
    person: np.ndarray
    owner: str
    numbers: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    images: np.ndarray
    of_image: np.ndarray
    __repr__ = short_repr

    def have_any(self, marks: np.ndarray) -> np.ndarray:
        """Find which units have a marked image in their group.

        Parameters
        ----------
        marks : ndarray of bool, shape (n_xrays,)

        Returns
        -------
        ndarray of bool, shape (n_units,)
        """
        found = np.zeros(len(self.group), dtype=bool)
        found[self.of_image[marks[self.images]]] = True
        return found


@dataclass(frozen=True)
class Images:
    """Hold the X-rays of a cohort as numbers, in the file's order.

    Parameters
    ----------
    table : DataFrame
        Their rows of the cohort's table.
    views : ndarray of object
        The view of each; NaN where not recorded.
    names : dict of str to ndarray of int
        By unit, which image, patient or person each is; no "person" if not known.
    numbers, codes : dict of str to ndarray
        As in `Units`.
    """

    table: pd.DataFrame
    views: np.ndarray
    names: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    __repr__ = short_repr


# A cohort's table never changes, and the tables of a page all read the same columns.
_READ: weakref.WeakKeyDictionary[Cohort, Images] = weakref.WeakKeyDictionary()


def check_unit(unit: str, cohort: Cohort) -> str:
    """Return a unit if the cohort can be counted by it.

    Raises
    ------
    SelectionError
        If there is no such unit, or persons are not known.
    """
    if unit not in UNITS:
        raise SelectionError(f"There is no unit {unit[:60]!r}. Choose one of: {', '.join(UNITS)}.")
    if unit == "person" and "person" not in read_images(cohort).names:
        raise SelectionError(
            "Persons are not known, because the images of this cohort were not inspected. Count "
            "patients, or load the cohort with its images inspected."
        )
    return unit


def read_images(cohort: Cohort) -> Images:
    """Read the X-rays of a cohort as numbers; they are remembered while the cohort is held."""
    if cohort not in _READ:
        rows = cohort.table
        if not rows["is_xray"].all():
            rows = rows[rows["is_xray"]]
        if not rows["row"].is_monotonic_increasing:
            rows = rows.sort_values("row", kind="stable")
        names = {"image": np.arange(len(rows)), "patient": pd.factorize(rows["patient_id"])[0]}
        if not rows["person_id"].isna().any():
            names["person"] = pd.factorize(rows["person_id"])[0]
        numbers = {"age": rows["age"].to_numpy(dtype=float, na_value=np.nan)}
        views = rows["view"].to_numpy(dtype=object)
        _READ[cohort] = Images(rows, views, names, numbers, _encode(rows))
    return _READ[cohort]


def _encode(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Turn words into codes."""
    n_answers = YES_NO_CATEGORIES.index("not recorded")
    codes = {}
    for column in YES_NO_COLUMNS:
        answers = pd.Categorical(rows[column], categories=list(YES_NO_CATEGORIES)).codes
        codes[column] = np.where(answers >= n_answers, BLANK, answers).astype(int)
    codes["sex"] = pd.Categorical(rows["sex"], categories=["M", "F"]).codes.astype(int)
    findings = rows["finding"].to_numpy(dtype=object, na_value="")
    covid = {text: _encode_covid(text) for text in dict.fromkeys(findings)}
    codes["covid"] = np.array([covid[text] for text in findings], dtype=int)
    return codes


def _encode_covid(finding: str) -> int:
    """Encode whether a finding contains COVID-19; blank where there is no diagnosis."""
    if not is_usable(finding):
        return BLANK
    return YES if "covid-19" in finding.casefold() else NO


def take_units(cohort: Cohort, unit: str, groups: np.ndarray) -> Units:
    """Take the units of each group.

    Parameters
    ----------
    cohort : Cohort
    unit : {"image", "patient", "person"}
    groups : ndarray of int, shape (n_xrays,)
        The group of each X-ray in the file's order; a negative one is in none.

    Returns
    -------
    Units
        By group, then in the file's order.

    Raises
    ------
    SelectionError
        If there is no such unit, or persons are not known.
    """
    images = read_images(cohort)
    names = images.names[check_unit(unit, cohort)]
    inside = np.flatnonzero(groups >= 0)
    pairs = groups[inside] * (len(names) + 1) + names[inside]
    _, first, place = np.unique(pairs, return_index=True, return_inverse=True)
    owner = "person" if "person" in images.names else "patient"

    def take(values: np.ndarray, blank: float) -> np.ndarray:
        found = np.full(len(first), blank, dtype=values.dtype)
        known = ~np.isnan(values[inside]) if np.isnan(blank) else values[inside] != blank
        # Backwards: where a place is written twice the last one stays, which is the first.
        found[place[known][::-1]] = values[inside][known][::-1]
        return found

    return Units(
        group=groups[inside][first],
        name=names[inside][first],
        person=images.names[owner][inside][first],
        owner=owner,
        numbers={column: take(values, np.nan) for column, values in images.numbers.items()},
        codes={column: take(values, BLANK) for column, values in images.codes.items()},
        images=inside,
        of_image=place,
    )


def count_conflicts(cohort: Cohort, unit: str, column: str) -> int:
    """Count the patients or persons with more than one value in a column of `Units`."""
    images = read_images(cohort)
    names = images.names[check_unit(unit, cohort)]
    values = images.numbers[column] if column in images.numbers else images.codes[column]
    known = np.isfinite(values) & (values != BLANK)
    # As whole numbers, so that a pair is one: ages have at most a few decimals.
    pairs = np.unique(names[known] * 1e6 + np.round(values[known] * 1e3))
    return int((np.bincount((pairs // 1e6).astype(int)) > 1).sum())
