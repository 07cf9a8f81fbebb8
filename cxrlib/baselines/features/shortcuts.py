"""Shortcuts: what could predict a label without looking at the lungs.

View, source, which fields are recorded, age and sex of the same images. Where one of these does
as well as an extractor's numbers, those may have read no more of the image than that. None looks
at the label, and no image's values depend on another image.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import UNKNOWN, YES_NO_COLUMNS
from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr
from cxrlib.summary import RECORDED_COLUMNS

if TYPE_CHECKING:
    from cxrlib.baselines.tasks import TaskRows

SHORTCUT_TITLES = {
    "view": "View only",
    "source": "Source only",
    "recorded": "Missing-data pattern only",
    "age-sex": "Age and sex only",
}
SHORTCUTS = tuple(SHORTCUT_TITLES)

# Names of the columns of "recorded" are part of its key, and so of the id of every run on it: they
# stay when titles change.
_RECORDED_NAMES = {
    "offset": "Day", "sex": "Sex", "age": "Age", "finding": "Finding",
    "RT_PCR_positive": "RT-PCR positive", "survival": "Survival", "went_icu": "Went to the ICU",
    "in_icu": "In the ICU at the image", "intubated": "Intubated",
    "intubation_present": "Tube at the image", "extubated": "Extubated",
    "needed_supplemental_O2": "Needed oxygen", "temperature": "Temperature",
    "pO2_saturation": "Oxygen", "leukocyte_count": "Leukocytes",
    "neutrophil_count": "Neutrophils", "lymphocyte_count": "Lymphocytes", "view": "View",
    "date": "Date", "location": "Location", "article": "Article", "license": "Licence",
    "clinical_notes": "Clinical notes",
}  # fmt: skip

AGE_WHERE_BLANK = 50.0
"""Years; stands for a blank age beside a column that says so. A constant of no data: a mean would
carry something of the images that a model is tested on."""

# A test or an answer that is recorded because of the label says nothing new. In the public
# collection 130 of 131 images of the COVID-19 task with COVID-19 have an RT-PCR written down and
# none of the others; "extubated" is asked of who was intubated.
_SAME_AS_LABEL = {
    "covid-19": ("finding", "RT_PCR_positive"),
    "viral": ("finding", "RT_PCR_positive"),
    "intubated": ("intubated", "extubated"),
    "extubated": ("extubated", "intubated"),
}


@dataclass(frozen=True, eq=False)
class Shortcut:
    """Hold the numbers of a shortcut.

    Parameters
    ----------
    name, title : str
    table : DataFrame of float
        A row an image, in the order of the task's rows; columns with their names.
    origin : tuple of str
        What the columns are, and which were left out, in sentences.
    """

    name: str
    title: str
    table: pd.DataFrame
    origin: tuple[str, ...]
    __repr__ = short_repr


def read_shortcut(name: str, rows: "TaskRows") -> Shortcut:
    """Read a shortcut off the rows of a task.

    A shortcut in which all images are alike is one constant column, and says so: it can then tell
    nothing, which is an answer too.

    Parameters
    ----------
    name : {"view", "source", "recorded", "age-sex"}
    rows : TaskRows

    Returns
    -------
    Shortcut

    Raises
    ------
    SelectionError
        If there is no such shortcut.
    """
    readers = {
        "view": _read_view,
        "source": _read_source,
        "recorded": _read_recorded,
        "age-sex": _read_age_and_sex,
    }
    if name not in readers:
        raise SelectionError(
            f"There is no shortcut {name[:60]!r}. Choose one of: {', '.join(SHORTCUTS)}."
        )
    table, origin = readers[name](rows)
    if not len(table.columns):
        table = pd.DataFrame({"constant": np.ones(len(rows.table))})
        origin = (*origin, "All images have the same value, so it cannot predict anything.")
    return Shortcut(name, SHORTCUT_TITLES[name], table.astype(np.float64), origin)


def list_label_columns(column: str) -> tuple[str, ...]:
    """List the columns of a cohort's table that the label of a task is, or gives away by itself.

    Examples
    --------
    >>> list_label_columns("went_icu"), list_label_columns("viral")
    (('went_icu',), ('finding', 'RT_PCR_positive'))
    """
    return _SAME_AS_LABEL.get(column, (column,))


def _read_view(rows: "TaskRows") -> tuple[pd.DataFrame, tuple[str, ...]]:
    return _mark_values(rows.table["view"]), ("One 0/1 column per view.",)


def _read_source(rows: "TaskRows") -> tuple[pd.DataFrame, tuple[str, ...]]:
    words = "One 0/1 column per source: the site that hosts the article."
    return _mark_values(rows.table["source"]), (words,)


def _mark_values(values: pd.Series) -> pd.DataFrame:
    """Give each value a column of 0 and 1, in the order of the values; none where all are alike."""
    words = values.fillna("").replace("", NOT_RECORDED).astype("str")
    names = sorted(words.unique())
    marks = {name: words.eq(name).to_numpy(dtype=np.float64) for name in names}
    return pd.DataFrame(marks if len(marks) > 1 else {}, index=range(len(words)))


def _read_recorded(rows: "TaskRows") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Mark the fields that hold anything, "unclear" too, but for the label's."""
    images = rows.cohort.table.set_index("image_id").loc[rows.table["image_id"]]
    label = list_label_columns(rows.task.column)
    fields = [column for column in RECORDED_COLUMNS if column not in label]
    marks = {column: _find_recorded(images, column) for column in fields}
    varying = {name: marks[name] for name in fields if marks[name].any() and not marks[name].all()}
    left_out = [RECORDED_COLUMNS[column] for column in label if column in RECORDED_COLUMNS]
    same = [RECORDED_COLUMNS[column] for column in fields if column not in varying]
    origin = ["One 0/1 column per field: whether it was filled in."]
    if left_out:
        origin.append(f"Left out because the label comes from it: {', '.join(left_out)}.")
    if same:
        origin.append(f"Left out because recorded for all images or none: {', '.join(same)}.")
    table = pd.DataFrame(varying, index=range(len(images)))
    return table.rename(columns=_RECORDED_NAMES), tuple(origin)


def _find_recorded(images: pd.DataFrame, column: str) -> np.ndarray:
    """Tell which images have anything in a field, shape (n_images,)."""
    if column in YES_NO_COLUMNS:
        return images[column].astype("str").ne(NOT_RECORDED).to_numpy(dtype=bool)
    if column == "finding":
        return images["usable_finding"].to_numpy(dtype=bool)
    if column == "location":
        return images["country"].ne(UNKNOWN).to_numpy(dtype=bool)
    return images[column].notna().to_numpy(dtype=bool)


def _read_age_and_sex(rows: "TaskRows") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give age in years with its blanks marked, and a column for each sex recorded."""
    sexes = _mark_values(rows.table["sex"])
    sexes = sexes.rename(columns={"M": "male", "F": "female", NOT_RECORDED: "sex not recorded"})
    if rows.task.column == "age":
        return sexes, ("One 0/1 column per sex.", "Age is the label and is left out.")
    age = rows.table["age"].to_numpy(dtype=np.float64)
    blank = np.isnan(age)
    columns = {"age": np.where(blank, AGE_WHERE_BLANK, age)}
    if blank.any() and not blank.all():
        columns["age not recorded"] = blank.astype(np.float64)
    if len(np.unique(columns["age"])) < 2:
        del columns["age"]
    origin = (
        f"Age in years (where not recorded {AGE_WHERE_BLANK:g}, with a 0/1 column that says so); "
        "one 0/1 column per sex.",
    )
    return pd.concat([pd.DataFrame(columns, index=range(len(age))), sexes], axis=1), origin
