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
from cxrlib.baselines.features.label_columns import list_label_columns
from cxrlib.baselines.features.leaks import find_filled, find_leaks, list_other_columns
from cxrlib.baselines.tasks import FORMED, parse_own_column
from cxrlib.cohort import EXTRA, UNKNOWN, YES_NO_COLUMNS, format_plainly
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
COLUMNS = "columns"
"""A shortcut of those cohorts and tasks that have other columns: their values, blanks marked."""
COLUMNS_TITLE = "Other recorded columns"

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
    name : {"view", "source", "recorded", "age-sex", "columns"}
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
        COLUMNS: _read_columns,
    }
    if name not in readers:
        raise SelectionError(
            f"There is no shortcut {name[:60]!r}. Choose one of: {', '.join(readers)}."
        )
    table, origin = readers[name](rows)
    if not len(table.columns):
        table = pd.DataFrame({"constant": np.ones(len(rows.table))})
        origin = (*origin, "All images have the same value, so it cannot predict anything.")
    return Shortcut(
        name, (SHORTCUT_TITLES | {COLUMNS: COLUMNS_TITLE})[name], table.astype(np.float64), origin
    )


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
    label = (*list_label_columns(rows.task.column), *_list_same(rows))
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


def has_other_columns(rows: "TaskRows") -> bool:
    """Tell whether a task has columns of the record beside those that other shortcuts have."""
    return bool(_list_valued(rows))


def _list_valued(rows: "TaskRows") -> list[str]:
    """List the columns whose values may predict: extra ones, and of own tasks the record's."""
    is_own = parse_own_column(rows.task.column) is not None
    if not (rows.cohort.extra or is_own):
        return []
    theirs = {"sex", "age", "finding"}  # which other shortcuts have, or which is what is seen
    others = list_other_columns(rows, with_record=is_own)
    return [column for column in others if column not in theirs]


def _list_same(rows: "TaskRows") -> tuple[str, ...]:
    """List the columns that are the label of a task under another name; of the paper's none."""
    if rows.task.name != FORMED:
        return ()
    return tuple(leak.column for leak in find_leaks(rows) if leak.is_label)


def _read_columns(rows: "TaskRows") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give the values of the other columns, with a column that marks where one is filled in."""
    images = rows.cohort.table.set_index("image_id").loc[rows.table["image_id"]]
    same = [leak.column for leak in find_leaks(rows) if leak.is_label]
    marks: dict[str, np.ndarray] = {}
    used = [column for column in _list_valued(rows) if column not in same]
    for column in used:
        marks |= _mark_column(images[column], column)
    varying = {name: values for name, values in marks.items() if np.ptp(values) > 0}
    names = [_name_column(column) for column in used]
    origin = [f"Values, and whether there is one, of: {', '.join(names) or 'no column'}."]
    if same:
        left_out = ", ".join(_name_column(column) for column in same)
        origin.append(f"Left out because it is the label: {left_out}.")
    return pd.DataFrame(varying, index=range(len(images))), tuple(origin)


def _name_column(column: str) -> str:
    return RECORDED_COLUMNS.get(column, format_plainly(column.removeprefix(EXTRA)))


def _mark_column(values: pd.Series, column: str) -> dict[str, np.ndarray]:
    """Turn a column into numbers: 0 where there is no value, beside a column that says so."""
    filled = find_filled(values)
    marks = {f"{column} is filled in": filled.astype(np.float64)}
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=0.0)
        return marks | {column: np.where(filled, numbers, 0.0)}
    words = values.astype(object).where(filled, "").astype("str")
    names = sorted(set(words) - {""})
    if len(names) > MOST_VALUES:  # notes and ids: whether there are any
        return marks
    return marks | {f"{column} is {name}": words.eq(name).to_numpy(np.float64) for name in names}


MOST_VALUES = 50


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
