"""The rows of a task in a cohort: its images with their labels, and why others are left out.

One image a row. A row whose image has no readable file has a label and no features: it goes in
a step of its own, so that the counts before it are those of the metadata alone.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrlib.aliases import NOT_RECORDED
from cxrlib.baselines.tasks.own_columns import parse_own_column
from cxrlib.baselines.tasks.tasks import (
    DERIVED,
    TASK_COLUMNS,
    Task,
    read_labels,
    split_after,
    split_before,
)
from cxrlib.cohort import EXTRA, UNKNOWN, XRAY_VIEWS, Cohort, SelectionStep
from cxrlib.errors import SelectionError
from cxrlib.number_text import FEW, format_units
from cxrlib.selection import LAST, Selection, find_all_reasons, format_plain_number
from cxrlib.summary import Comparison, compare_groups

ROW_COLUMNS = (
    *("image_id", "row", "patient_id", "person_id", "article", "source"),
    *("region", "sub_region", "country", "view", "offset", "sex", "age", "label", "y"),
    *("finding", "finding_type", "date", "location", "license"),
)
"""Columns of `TaskRows.table`."""

FLOW_COLUMNS = (
    *("step", "title", "n_images", "n_patients", "n_persons"),
    *("n_removed_images", "n_removed_patients", "reasons"),
)

"""Columns of `TaskRows.flow`."""

MOST_REASONS = 12  # of a step, written out
LONGEST = 60  # signs of a value within a reason

CLASS_GROUPINGS = ("region", "sub-region", "country", "source", "article", "view", "sex")
"""What classes can be counted by."""

# What those who are labelled are compared with the others by.
_COMPARED = (
    *("age", "sex", "view", "region", "source"),
    *("covid", "survival", "went_icu", "intubated", "in_icu"),
)

# What can be groups besides places, sites, views and sex.
_GROUPING_WORDS = ("finding", "finding_type", "date", "location", "license")

# What a step is called that leaves images out by an answer.
_WITHOUT_STEPS = {
    ("intubation_present", "yes"): ("no tube", "Not intubated at time of image, or not recorded"),
    ("in_icu", "yes"): ("not in the ICU", "Not in ICU at time of image, or not recorded"),
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
        negative one, or the number. After them come the extra columns of the cohort as
        "extra:NAME", in words, and "cohort" where two were joined; what can be a group is "" where
        it is not recorded.
    flow : DataFrame
        A row a step, with `FLOW_COLUMNS`: ``step``, its short name; ``title``, in words; then
        what is left, patients and persons of X-rays, and what went, patients being those of whom
        nothing is left; ``reasons``, in words with counts, most frequent first.
    steps : tuple of SelectionStep
        The same for `cxrlib.charts.cohort.flow`.
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
    reasons: np.ndarray


def take_rows(
    cohort: Cohort,
    task: Task,
    *,
    selection: Selection | None = None,
    need_file: bool = True,
    but: Collection[str] = (),
    as_published: bool = False,
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
    but : collection of str, optional
        Ids of images that stay all the same: their features were made elsewhere.
    as_published : bool, default False
        Whether a task of AP images leaves AP Erect out, as the published protocol does. Else they
        are AP images of people who stand or sit, where they count as frontal
        (`Cohort.frontal_views`).

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
    views = task.views if as_published else _widen_views(cohort, task)
    steps = list(_list_steps(cohort, task, labels, views))
    if need_file:
        status = table["file_status"]
        stays = status.eq("ok") | table["image_id"].isin(but)
        title = "With a readable file, or features" if but else "With a readable file"
        steps.append(_Step("with a file", title, _list_reasons("file: ", status, stays)))
    if selection is not None and not selection.is_empty:
        steps.append(_Step("in the filters", "Within the filters", _filter(cohort, selection)))
    left, flow, done = _count_steps(table, steps)
    return TaskRows(task, cohort, _lay_out(table[left], labels[left], task), flow, done)


# ---- the steps


def _check_views(table: pd.DataFrame, task: Task) -> None:
    """Refuse a view that there is not, which is rather misspelt than missing."""
    for view in task.views:
        if view not in XRAY_VIEWS and not (table["view"] == view).any():
            there = ", ".join(sorted(table.loc[table["is_xray"], "view"].dropna().unique()))
            raise SelectionError(f"There is no view {view[:60]!r}. The cohort has {there}.")


def _widen_views(cohort: Cohort, task: Task) -> tuple[str, ...]:
    """Add AP Erect to AP in a cohort where it counts as frontal."""
    is_erect = "AP" in task.views and "AP Erect" in cohort.frontal_views
    return (*task.views, "AP Erect") if is_erect and "AP Erect" not in task.views else task.views


def _list_steps(
    cohort: Cohort, task: Task, labels: pd.Series, wanted: Sequence[str]
) -> Iterator[_Step]:
    """List the steps that a task's definition makes, in the order of the flow."""
    table = cohort.table
    views = _read_words(table["view"])
    yield _Step("X-ray", "X-rays", _list_reasons("modality ", table["modality"], table["is_xray"]))
    words = " or ".join(wanted)
    yield _Step("view", f"View {words}", _list_reasons("view ", views, np.isin(views, wanted)))
    if task.needs_finding:
        why = _list_reasons("finding ", table["finding"], table["usable_finding"])
        yield _Step("usable finding", "With a diagnosis", why)
    why = _find_label_reasons(table, task, labels)
    yield _Step("labelled", f"{task.title}: recorded", why)
    if task.has_window:
        yield _Step("window", f"Taken {task.describe_window()}", _find_day_reasons(table, task))
    for column, answer in task.without:
        name, words = _WITHOUT_STEPS.get(
            (column, answer),
            (f"{column} not {answer}", f"{TASK_COLUMNS[column].title}: not {answer!r}"),
        )
        answers = _read_words(table[column])
        why = _list_reasons(f"{TASK_COLUMNS[column].title}: ", answers, answers != answer)
        yield _Step(name, words, why)


def _read_words(column: pd.Series) -> np.ndarray:
    """Read a column of words, shape (n_images,)."""
    return column.astype(object).fillna(NOT_RECORDED).to_numpy(dtype=object)


def _list_reasons(
    noun: str, words: pd.Series | np.ndarray, keep: pd.Series | np.ndarray
) -> np.ndarray:
    """Give the reason of each row that goes, its value after a noun; None where it stays."""
    words = _read_words(words) if isinstance(words, pd.Series) else words
    reasons = [
        None if stays else noun + _shorten(str(word))
        for word, stays in zip(words, keep, strict=True)
    ]
    return np.array(reasons, dtype=object)


def _shorten(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"


def _find_label_reasons(table: pd.DataFrame, task: Task, labels: pd.Series) -> np.ndarray:
    """Say why a row has no label."""
    own = parse_own_column(task.column)
    if task.column in DERIVED or (own is not None and own.kind == "finding"):
        return _list_reasons("finding ", table["finding"], labels.notna())
    column = task.column if own is None else own.column
    return _list_reasons(f"{task.title}: ", table[column], labels.notna())


def _find_day_reasons(table: pd.DataFrame, task: Task) -> np.ndarray:
    """Say why a row's day lies outside the window."""
    day = table["offset"].to_numpy(dtype=float, na_value=np.nan)
    reasons = np.full(len(day), None, dtype=object)
    if task.after is not None:
        end, is_in = split_after(task.after)
        word = format_plain_number(end)
        reasons[day <= task.after] = f"before day {word}" if is_in else f"day {word} or before"
    if task.after == 0:
        # Told apart: day 0 is the one that can be let in.
        reasons[day < 0] = "day before 0"
        reasons[day == 0] = None if task.with_day_0 else "day 0"
    if task.before is not None:
        end, is_in = split_before(task.before)
        word = format_plain_number(end)
        reasons[day >= task.before] = f"after day {word}" if is_in else f"day {word} or after"
    reasons[np.isnan(day)] = "day not recorded"
    return reasons


def _filter(cohort: Cohort, selection: Selection) -> np.ndarray:
    """Say which filter leaves a row out, the first of them."""
    reasons = np.full(cohort.n_images, None, dtype=object)
    for _, why in reversed(list(find_all_reasons(cohort, selection).items())):
        reasons = np.where(why.notna(), why, reasons)
    return reasons


# ---- counting


def _count_steps(
    table: pd.DataFrame, steps: list[_Step]
) -> tuple[np.ndarray, pd.DataFrame, tuple[SelectionStep, ...]]:
    """Apply the steps; return which rows are left, the flow, and the steps as a cohort's."""
    # CT rows bring patients of their own: those of X-rays are counted, as everywhere.
    is_xray = table["is_xray"].to_numpy(dtype=bool)
    patients = np.where(is_xray, pd.factorize(table["patient_id"])[0], -1)
    persons = np.where(is_xray, pd.factorize(_derive_persons(table))[0], -1)
    left = np.ones(len(table), dtype=bool)
    done = [_make_step("All rows", patients, [])]
    lines = [_make_line("all rows", done[0], _count_owners(persons), done[0])]
    for step in steps:
        goes = np.array([why is not None for why in step.reasons], dtype=bool)
        gone = step.reasons[left & goes]
        left &= ~goes
        done.append(_make_step(step.title, patients[left], gone))
        lines.append(_make_line(step.name, done[-1], _count_owners(persons[left]), done[-2]))
    return left, pd.DataFrame(lines, columns=list(FLOW_COLUMNS)), tuple(done)


def _count_owners(codes: np.ndarray) -> int:
    """Count patients or persons by their codes; a negative one is none."""
    return len(np.unique(codes[codes >= 0]))


def _make_step(title: str, patients: np.ndarray, gone: Iterable[str]) -> SelectionStep:
    """Tell what a step left, and for which reasons the others went, the most frequent first."""
    counts = sorted(Counter(map(str, gone)).items(), key=lambda pair: (-pair[1], pair[0]))
    return SelectionStep(title, len(patients), _count_owners(patients), dict(counts))


def _make_line(
    name: str, step: SelectionStep, n_persons: int, before: SelectionStep
) -> tuple[object, ...]:
    """Write a step as a line of the flow, with `FLOW_COLUMNS`."""
    return (
        *(name, step.label, step.n_images, step.n_patients, n_persons),
        *(before.n_images - step.n_images, before.n_patients - step.n_patients),
        _format_reasons(step.removed),
    )


def _format_reasons(removed: dict[str, int]) -> str:
    """Write reasons with their counts, the rare ones of very many as one."""
    named = list(removed.items())
    words = [f"{n:,} {why}" for why, n in named[:MOST_REASONS]]
    rest = named[MOST_REASONS:]
    if rest:
        n_rest = sum(n for _, n in rest)
        words.append(f"{n_rest:,} for {format_units(len(rest), 'other reason')}")
    return ", ".join(words)


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
            f"The step {title!r} has {len(reasons)} reasons for "
            f"{format_units(rows.n_images, 'row')}:"
            " it needs one for each, None where the row stays."
        )
    stays = [why is None for why in reasons]
    table = rows.table[stays].reset_index(drop=True)
    patients = pd.factorize(table["patient_id"])[0]
    done = _make_step(title, patients, [why for why in reasons if why is not None])
    line = _make_line(step, done, int(table["person_id"].nunique()), rows.steps[-1])
    flow = pd.concat([rows.flow, pd.DataFrame([line], columns=list(FLOW_COLUMNS))])
    return replace(rows, table=table, flow=flow.reset_index(drop=True), steps=(*rows.steps, done))


def _derive_persons(table: pd.DataFrame) -> pd.Series:
    """Give each row's person, its patient where persons are not known."""
    return table["person_id"].fillna(table["patient_id"])


def _lay_out(rows: pd.DataFrame, labels: pd.Series, task: Task) -> pd.DataFrame:
    """Make the table of a task's rows."""
    rows = rows.sort_values("row", kind="stable")
    found = rows[[name for name in ROW_COLUMNS if name in rows]].copy()
    found["person_id"] = _derive_persons(rows)
    for column in ("article", "source", "sex", *_GROUPING_WORDS):
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
    more = {str(name): _read_groups(rows[name]) for name in rows if _is_grouping(str(name))}
    return found[list(ROW_COLUMNS)].assign(**more).reset_index(drop=True)


def _is_grouping(column: str) -> bool:
    """Tell whether a column of the cohort beyond those of its record can be groups."""
    return column.startswith(EXTRA) or column == "cohort"


def _read_groups(values: pd.Series) -> pd.Series:
    """Read a column in words, "" where it is not recorded."""
    if pd.api.types.is_numeric_dtype(values):
        words = ["" if pd.isna(value) else format_plain_number(float(value)) for value in values]
        return pd.Series(words, index=values.index, dtype="str")
    return values.astype(object).fillna("").replace(NOT_RECORDED, "").astype("str")


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
        someone has images of both classes. Of one with numbers mean and sd (ddof 1; both NaN of
        fewer than `cxrlib.number_text.FEW` images), lowest and highest.

    Raises
    ------
    SelectionError
        If classes are not counted by that.
    """
    if by not in CLASS_GROUPINGS:
        raise SelectionError(
            f"Classes cannot be counted by {by[:60]!r}. There are {', '.join(CLASS_GROUPINGS)}."
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
    mean, sd = (y.mean(), y.std(ddof=1)) if len(y) >= FEW else (np.nan, np.nan)
    return {"mean": mean, "sd": sd, "lowest": y.min(), "highest": y.max()}


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
        As in `cxrlib.summary.compare_groups`.

    Returns
    -------
    Comparison
        Without the columns that the task is made of. Where a group is empty no difference has an
        interval, and the reason says so.
    """
    _check_views(cohort.table, task)
    labels = read_labels(cohort, task.column)
    could = pd.Series(True, index=cohort.table.index)
    for step in _list_steps(cohort, task, labels, _widen_views(cohort, task)):
        if step.name != "labelled":
            could &= np.array([why is None for why in step.reasons], dtype=bool)
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
