"""The rows of a task in a cohort: which images it has, with their labels, and why others go.

One image a row. A row whose image has no readable file has a label and no features: it goes in
a step of its own, so that the counts before it are those of the metadata alone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort, SelectionStep
from cxrlib.comparison import Comparison, compare_groups
from cxrlib.errors import SelectionError
from cxrlib.filters import LAST, NOT_RECORDED, name_number
from cxrlib.intervals import name_units
from cxrlib.metadata import XRAY_VIEWS
from cxrlib.regions import UNKNOWN
from cxrlib.selection import Selection, find_all_reasons
from cxrlib.tasks import DERIVED, TASK_COLUMNS, Task, read_labels

__all__ = [
    "CLASS_GROUPINGS",
    "FLOW_COLUMNS",
    "ROW_COLUMNS",
    "TaskRows",
    "compare_labelled",
    "count_classes",
    "narrow_rows",
    "take_rows",
]

ROW_COLUMNS = (
    *("image_id", "row", "patient_id", "person_id", "article", "source"),
    *("region", "sub_region", "country", "view", "offset", "sex", "age", "label", "y"),
)
"""Columns of `TaskRows.table`."""

FLOW_COLUMNS = (
    *("step", "title", "n_images", "n_patients", "n_persons"),
    *("n_removed_images", "n_removed_patients", "reasons"),
)

"""Columns of `TaskRows.flow`."""

CLASS_GROUPINGS = ("region", "sub-region", "country", "source", "article", "view", "sex")
"""What classes can be counted by."""

# What those who are labelled are compared with the others by.
_COMPARED = (
    *("age", "sex", "view", "region", "source"),
    *("covid", "survival", "went_icu", "intubated", "in_icu"),
)

# What a step is called that leaves images out by an answer.
_WITHOUT_STEPS = {
    ("intubation_present", "yes"): ("no tube", "No tube in place at the image"),
    ("in_icu", "yes"): ("not in the ICU", "Not in the ICU at the image"),
}


@dataclass(frozen=True, eq=False)
class TaskRows:
    """Hold the images of a task with their labels.

    Parameters
    ----------
    task : Task
    cohort : Cohort
        The whole one they were taken from.
    table : DataFrame
        A row an image in the file's order, on the index 0 to n - 1, with `ROW_COLUMNS`:
        person_id is the patient's where persons are not known; article, source and sex are ""
        and region, sub_region and country "Unknown" where blank; offset and age are floats with
        NaN; label is the class, or the number, in words; y is 1 for the positive class, 0 for the
        negative one, or the number.
    flow : DataFrame
        A row a step, with `FLOW_COLUMNS`: ``step``, its short name; ``title``, in words; then
        what is left, patients and persons of X-rays, and what went, patients being those of whom
        nothing is left; ``reasons``, in words with counts, most frequent first.
    steps : tuple of SelectionStep
        The same for `cxrlib.charts.flow`.
    """

    task: Task
    cohort: Cohort
    table: pd.DataFrame
    flow: pd.DataFrame
    steps: tuple[SelectionStep, ...]

    def __repr__(self) -> str:
        return f"TaskRows({self.task.to_text()!r}, {len(self.table)} images)"

    @property
    def n_images(self) -> int:
        """Number of rows."""
        return len(self.table)

    @property
    def n_patients(self) -> int:
        """Number of patient ids."""
        return int(self.table["patient_id"].nunique())

    @property
    def n_persons(self) -> int:
        """Number of persons."""
        return int(self.table["person_id"].nunique())


class _Step(NamedTuple):
    """Hold one step: its short name, its title, and why each row goes (None where it stays)."""

    name: str
    title: str
    reasons: pd.Series


def take_rows(
    cohort: Cohort, task: Task, *, selection: Selection | None = None, need_file: bool = True
) -> TaskRows:
    """Take the images of a task.

    Parameters
    ----------
    cohort : Cohort
        The whole one.
    task : Task
    selection : Selection, optional
        Filters; they come last, so that the counts before them are the task's.
    need_file : bool, default True
        Whether images without a readable file go. Without them nothing can be extracted;
        shortcuts and counts of labels need none.

    Returns
    -------
    TaskRows
        Empty where nothing is left: the flow says why.

    Raises
    ------
    SelectionError
        If the cohort's X-rays have never had a view that the task asks for.
    """
    table = cohort.table
    _check_views(table, task)
    labels = read_labels(cohort, task.column)
    steps = list(_list_steps(cohort, task, labels))
    if need_file:
        steps.append(_Step("with a file", "With a readable file", _find_file_reasons(table)))
    if selection is not None and not selection.is_empty:
        steps.append(_Step("in the filters", "Kept by the filters", _filter(cohort, selection)))
    left, flow, told = _count_steps(table, steps)
    return TaskRows(task, cohort, _lay_out(table[left], labels[left], task), flow, told)


# ---- the steps


def _check_views(table: pd.DataFrame, task: Task) -> None:
    """Refuse a view that there is not, which is rather misspelt than missing."""
    for view in task.views:
        if view not in XRAY_VIEWS and not (table["view"] == view).any():
            there = ", ".join(sorted(table.loc[table["is_xray"], "view"].dropna().unique()))
            raise SelectionError(f"There is no view {view[:60]!r}. The cohort has {there}.")


def _list_steps(cohort: Cohort, task: Task, labels: pd.Series) -> Iterator[_Step]:
    """List the steps that a task's definition makes, in the order of the flow."""
    table = cohort.table
    modality = "modality " + table["modality"].fillna(NOT_RECORDED)
    yield _Step("X-ray", "X-rays", _explain(modality, table["is_xray"]))
    views = table["view"].fillna(NOT_RECORDED)
    words = " or ".join(task.views)
    yield _Step("view", f"View {words}", _explain("view " + views, views.isin(task.views)))
    finding = "finding " + table["finding"].fillna(NOT_RECORDED)
    if task.needs_finding:
        yield _Step(
            "usable finding", "With a usable finding", _explain(finding, table["usable_finding"])
        )
    yield _Step("labelled", f"{task.title}: labelled", _find_label_reasons(table, task, labels))
    if task.has_window:
        yield _Step("window", f"Day: {task.describe_window()}", _find_day_reasons(table, task))
    for column, answer in task.without:
        name, words = _WITHOUT_STEPS.get(
            (column, answer), (f"{column} not {answer}", f"{column} is not {answer!r}")
        )
        keep = table[column].astype("str") != answer
        why = pd.Series(f"{TASK_COLUMNS[column].title}: {answer}", index=table.index)
        yield _Step(name, words, _explain(why, keep))


def _explain(reasons: pd.Series, keep: pd.Series) -> pd.Series:
    """Give the reason of each row that goes, None where it stays."""
    return reasons.astype(object).where(~keep.astype(bool), None)


def _find_label_reasons(table: pd.DataFrame, task: Task, labels: pd.Series) -> pd.Series:
    """Say why a row has no label."""
    if task.column in DERIVED:
        words = "finding " + table["finding"].fillna(NOT_RECORDED)
    elif task.kind == "classes":
        words = f"{task.title}: " + table[task.column].astype("str")
    else:
        words = pd.Series(f"{task.title}: {NOT_RECORDED}", index=table.index)
    return _explain(words, labels.notna())


def _find_day_reasons(table: pd.DataFrame, task: Task) -> pd.Series:
    """Say why a row's day lies outside the window."""
    day = table["offset"].to_numpy(dtype=float, na_value=np.nan)
    low = -np.inf if task.after is None else task.after
    high = np.inf if task.before is None else task.before
    reasons = np.full(len(day), None, dtype=object)
    reasons[day <= low] = f"day {name_number(low)} or before" if np.isfinite(low) else None
    if task.after == 0:
        reasons[day < 0] = "day before 0"
        reasons[day == 0] = None if task.with_day_0 else "day 0"
    reasons[day >= high] = f"day {name_number(high)} or after" if np.isfinite(high) else None
    reasons[np.isnan(day)] = "day not recorded"
    return pd.Series(reasons, index=table.index, dtype=object)


def _find_file_reasons(table: pd.DataFrame) -> pd.Series:
    status = table["file_status"]
    return _explain("file: " + status, status == "ok")


def _filter(cohort: Cohort, selection: Selection) -> pd.Series:
    """Say which filter leaves a row out, the first of them."""
    reasons = find_all_reasons(cohort, selection)
    first = pd.Series(None, index=cohort.table.index, dtype=object)
    for column in reasons:
        first = first.where(first.notna() | reasons[column].isna(), reasons[column])
    return first


# ---- counting


def _count_steps(
    table: pd.DataFrame, steps: list[_Step]
) -> tuple[pd.Series, pd.DataFrame, tuple[SelectionStep, ...]]:
    """Apply the steps; return the rows left, the flow and the steps as a cohort tells them."""
    owners = pd.DataFrame({"patient": table["patient_id"], "person": _name_persons(table)})
    # CT rows bring patients of their own: those of X-rays are counted, as everywhere.
    owners = owners.where(table["is_xray"])
    left = pd.Series(True, index=table.index)
    told = [SelectionStep("All rows", len(table), owners["patient"].nunique(), {})]
    lines = [_write_line("all rows", told[0], owners["person"].nunique(), told[0])]
    for step in steps:
        gone = step.reasons[left].dropna()
        left &= step.reasons.isna()
        told.append(_tell_step(step.title, owners["patient"][left], gone))
        n_persons = owners["person"][left].nunique()
        lines.append(_write_line(step.name, told[-1], n_persons, told[-2]))
    return left, pd.DataFrame(lines, columns=list(FLOW_COLUMNS)), tuple(told)


def _tell_step(title: str, patients: pd.Series, gone: pd.Series) -> SelectionStep:
    """Tell what a step left, and for which reasons the others went, the most frequent first."""
    counts = sorted(Counter(map(str, gone)).items(), key=lambda pair: (-pair[1], pair[0]))
    return SelectionStep(title, len(patients), int(patients.nunique()), dict(counts))


def _write_line(
    name: str, step: SelectionStep, n_persons: int, before: SelectionStep
) -> tuple[object, ...]:
    """Write a step as a line of the flow, with `FLOW_COLUMNS`."""
    return (
        *(name, step.label, step.n_images, step.n_patients, n_persons),
        *(before.n_images - step.n_images, before.n_patients - step.n_patients),
        ", ".join(f"{n:,} {why}" for why, n in step.removed.items()),
    )


def narrow_rows(
    rows: TaskRows, reasons: Sequence[str | None], *, step: str, title: str
) -> TaskRows:
    """Leave out rows for reasons that only a later stage knows, as one step more of the flow.

    Parameters
    ----------
    rows : TaskRows
    reasons : sequence of str or None
        Why each row of the table goes; None where it stays.
    step, title : str
        Of the flow: its short name, and in words what stays.

    Returns
    -------
    TaskRows
        Numbered anew.

    Raises
    ------
    SelectionError
        If there is not one reason a row.
    """
    if len(reasons) != rows.n_images:
        raise SelectionError(
            f"The step {title!r} has {len(reasons)} reasons for {name_units(rows.n_images, 'row')}:"
            " it needs one for each, None where the row stays."
        )
    why = pd.Series(list(reasons), index=rows.table.index, dtype=object)
    table = rows.table[why.isna()].reset_index(drop=True)
    told = _tell_step(title, table["patient_id"], why.dropna())
    line = _write_line(step, told, int(table["person_id"].nunique()), rows.steps[-1])
    flow = pd.concat([rows.flow, pd.DataFrame([line], columns=list(FLOW_COLUMNS))])
    return replace(rows, table=table, flow=flow.reset_index(drop=True), steps=(*rows.steps, told))


def _name_persons(table: pd.DataFrame) -> pd.Series:
    """Give each row's person, its patient where persons are not known."""
    return table["person_id"].fillna(table["patient_id"])


def _lay_out(rows: pd.DataFrame, labels: pd.Series, task: Task) -> pd.DataFrame:
    """Make the table of a task's rows."""
    rows = rows.sort_values("row", kind="stable")
    found = rows[[name for name in ROW_COLUMNS if name in rows]].copy()
    found["person_id"] = _name_persons(rows)
    for column in ("article", "source", "sex"):
        found[column] = rows[column].fillna("")
    for column in ("region", "sub_region", "country"):
        found[column] = rows[column].fillna(UNKNOWN)
    for column in ("offset", "age"):
        found[column] = rows[column].to_numpy(dtype=float, na_value=np.nan)
    found["y"] = labels[rows.index]
    if task.kind == "classes":
        found["label"] = found["y"].map({1.0: task.positive, 0.0: task.negative}).astype("str")
    else:
        found["label"] = found["y"].map(lambda y: f"{y:.6g}").astype("str")
    return found[list(ROW_COLUMNS)].reset_index(drop=True)


# ---- who is in which class


def count_classes(rows: TaskRows, by: str = "region") -> pd.DataFrame:
    """Count the images and persons of each class, or describe the numbers, group by group.

    Parameters
    ----------
    rows : TaskRows
    by : str, default "region"
        One of `CLASS_GROUPINGS`.

    Returns
    -------
    DataFrame
        A row a group, the largest first, "Unknown" and "not recorded" last: group, n_images,
        n_persons. Of a task with classes n_positive and n_negative (images),
        n_positive_persons and n_negative_persons, which add up to more than n_persons where
        someone has images of both classes. Of one with numbers mean, sd (ddof 1; NaN of one
        image), lowest and highest.

    Raises
    ------
    SelectionError
        If classes are not counted by that.
    """
    if by not in CLASS_GROUPINGS:
        raise SelectionError(
            f"Classes are not counted by {by[:60]!r}. There are {', '.join(CLASS_GROUPINGS)}."
        )
    table = rows.table
    groups = table[by.replace("-", "_")].replace("", NOT_RECORDED)
    count = _count_two if rows.task.kind == "classes" else _describe_numbers
    parts = sorted(
        ((str(group), part) for group, part in table.groupby(groups)),
        key=lambda pair: (pair[0] in LAST, -len(pair[1]), pair[0]),
    )
    lines = [
        (group, len(part), int(part["person_id"].nunique()), *count(part).values())
        for group, part in parts
    ]
    columns = ["group", "n_images", "n_persons", *count(table)]
    return pd.DataFrame(lines, columns=columns)


def _count_two(part: pd.DataFrame) -> dict[str, float]:
    """Count images and persons of both classes."""
    positive, negative = part[part["y"] == 1], part[part["y"] == 0]
    return {
        "n_positive": len(positive),
        "n_negative": len(negative),
        "n_positive_persons": int(positive["person_id"].nunique()),
        "n_negative_persons": int(negative["person_id"].nunique()),
    }


def _describe_numbers(part: pd.DataFrame) -> dict[str, float]:
    """Describe the numbers of some images."""
    y = part["y"]
    return {"mean": y.mean(), "sd": y.std(ddof=1), "lowest": y.min(), "highest": y.max()}


def compare_labelled(
    cohort: Cohort,
    task: Task,
    *,
    unit: str = "person",
    n_resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare who has a label with who has none, among the images a task would take.

    A score says nothing of those without a label; where they differ, it may not hold for them.

    Parameters
    ----------
    cohort : Cohort
        The whole one.
    task : Task
        Its views, its window, what it leaves out and whether it wants a usable finding choose
        the images; what is not labelled is set against what is.
    unit : {"person", "patient", "image"}, default "person"
        Patients are taken where persons are not known.
    n_resamples, seed
        As in `cxrlib.comparison.compare_groups`.

    Returns
    -------
    Comparison
        Without the columns that the task is made of. Where a group is empty no difference has an
        interval, and the reason says so.
    """
    _check_views(cohort.table, task)
    labels = read_labels(cohort, task.column)
    could = pd.Series(True, index=cohort.table.index)
    for step in _list_steps(cohort, task, labels):
        if step.name != "labelled":
            could &= step.reasons.isna()
    if unit == "person" and cohort.n_persons is None:
        unit = "patient"
    own = {task.column, *(column for column, _ in task.without)}
    if task.column in DERIVED:
        own.add("covid")
    return compare_groups(
        cohort,
        could & labels.notna(),
        could & labels.isna(),
        names=("labelled", "not labelled"),
        unit=unit,
        variables=tuple(name for name in _COMPARED if name not in own),
        n_resamples=n_resamples,
        seed=seed,
    )
