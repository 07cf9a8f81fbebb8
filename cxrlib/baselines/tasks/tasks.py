"""Tasks: what is predicted from an image, of which images, and how that is written in one line.

The seven tasks of Cohen et al. 2020b (section 5, Tables 5 and 6) are data; readers form others
from yes/no and number columns, of the record or their own. A task knows no cohort:
`cxrlib.baselines.tasks.task_rows` takes its rows.
"""

import difflib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxrlib.baselines.tasks.own_columns import (
    OwnColumn,
    list_findings,
    parse_own_column,
    read_own_labels,
    settle_column,
)
from cxrlib.cohort import (
    MAX_DAYS,
    XRAY_VIEWS,
    YES_NO_CATEGORIES,
    YES_NO_COLUMNS,
    Cohort,
    parse_number,
    split_quoted,
)
from cxrlib.errors import SelectionError
from cxrlib.selection import (
    exclude_high,
    exclude_low,
    format_plain_number,
    read_comparison,
    split_high,
    split_low,
)

FORMED = "formed"
"""The name of every task that a reader forms from a column."""

Class = Literal["positive", "negative", ""]
MARKS = ',;:="'  # signs of the line that a task is written in


@dataclass(frozen=True)
class Task:
    """Hold what is predicted, and of which images.

    Parameters
    ----------
    name : str
        "covid-19", "viral-or-bacterial", "survival", "icu-stay", "intubated",
        "geographic-extent" or "opacity" for the paper's, "formed" for any other.
    title : str
    kind : {"classes", "number"}
    column : str
        A column of the cohort's table, "covid-19" or "viral", which are read off the finding, or
        one of one's own: "extra:NAME", "extra:NAME:VALUE", "number:NAME", "finding:PATH".
    positive, negative : str
        Words for the classes, the paper's True and False; "" for numbers.
    event : {"positive", "negative", ""}
        Which class is the clinical event, such as death; "" where neither is, and for numbers.
    views : tuple of str, default ("PA", "AP")
    after, before : float or None, default 0 and 8
        Days; an image's day lies strictly between the two. None where that end is open. With
        both open there is no window, and images without a day stay. Where an end belongs to the
        window this is the next number beyond it: "up to day 7" is before 7.000000000000001.
    with_day_0 : bool, default False
        Whether day 0 is let in where the window begins after it.
    without : tuple of (str, str)
        Columns of yes and no with the answer that leaves an image out.
    needs_finding : bool, default True
        Whether images with the finding "todo", "Unknown" or blank are left out.
    unit : str
        Of a number.

    Raises
    ------
    SelectionError
        If the parts do not go together; the message names the value.
    """

    name: str
    title: str
    kind: Literal["classes", "number"]
    column: str
    positive: str
    negative: str
    event: Class
    views: tuple[str, ...] = ("PA", "AP")
    after: float | None = 0
    before: float | None = 8
    with_day_0: bool = False
    without: tuple[tuple[str, str], ...] = ()
    needs_finding: bool = True
    unit: str = ""

    def __post_init__(self) -> None:
        """Check the parts; views and exclusions lose their repeats and stand in one order."""
        _get_label(self.column)
        own = parse_own_column(self.column)
        if own is not None:  # one spelling, whatever was quoted
            object.__setattr__(self, "column", own.to_text())
        _check_window(self.after, self.before, with_day_0=self.with_day_0)
        object.__setattr__(self, "views", _order_views(self.views))
        object.__setattr__(self, "without", _order_without(self.without))
        for end in ("after", "before"):
            value = getattr(self, end)
            # Plus 0: of two zeros that are equal one would be written as -0.
            object.__setattr__(self, end, None if value is None else float(value) + 0.0)

    @property
    def is_published(self) -> bool:
        """Tell whether this is one of the paper's tasks as the paper has it."""
        return self in PAPER_TASKS

    @property
    def has_window(self) -> bool:
        """Tell whether an image's day decides on whether it is taken."""
        return self.after is not None or self.before is not None

    def to_text(self) -> str:
        """Write the task as one line, for the command line and the address.

        Only what differs from the paper's task, or from the defaults of a formed one, is
        written; `read_task` reads it back.

        Examples
        --------
        >>> replace(find_task("icu-stay"), before=14, with_day_0=True).to_text()
        'icu-stay; days=0..14; with day 0'
        """
        origin = _start(self.name, self.column)
        terms = [f"column={self.column}" if self.name == FORMED else self.name]
        if self.views != origin.views:
            terms.append(f"views={','.join(self.views)}")
        if (self.after, self.before) != (origin.after, origin.before):
            terms.append(_format_window(self.after, self.before))
        if self.with_day_0 != origin.with_day_0:
            terms.append("with day 0")
        if self.without != origin.without:
            pairs = [f"{column}:{answer}" for column, answer in self.without]
            terms.append(f"without={','.join(pairs) or 'nothing'}")
        if self.needs_finding != origin.needs_finding:
            terms.append(f"finding={'usable' if self.needs_finding else 'any'}")
        return "; ".join(terms)

    def describe_window(self) -> str:
        """Say in words which days an image's day must be.

        Examples
        --------
        >>> find_task("survival").describe_window()
        'after day 0 and before day 8'
        """
        ends = list(_describe_ends(self.after, self.before))
        if self.with_day_0:
            ends[0] = "from day 0"
        return " and ".join(ends) or "any day, recorded or not"


# ---- checks


def _check_window(after: float | None, before: float | None, *, with_day_0: bool) -> None:
    """Refuse a window that holds no day."""
    low = -math.inf if after is None else float(after)
    high = math.inf if before is None else float(before)
    # Written so that NaN, which compares with nothing, fails too.
    if not low < high:
        asked = f"after {after!r} and before {before!r}"
        if not math.isnan(low) and not math.isnan(high):
            asked = " and ".join(_describe_ends(after, before))
        raise SelectionError(
            f"No day is {asked}. Give the smaller number first, as in days=0..8, or days=any for "
            "no window."
        )
    if any(abs(end) > MAX_DAYS for end in (after, before) if end is not None):
        raise SelectionError(
            f"Days beyond {MAX_DAYS:,} (a hundred years) are not allowed. Leave an open end blank, "
            "as in days=0.."
        )
    if with_day_0 and after != 0:
        raise SelectionError(
            f"'with day 0' needs a window that starts at day 0, and this one starts at {after!r}. "
            "Remove 'with day 0', or start the window there, as in days=0..8."
        )


def _order_views(views: Iterable[str]) -> tuple[str, ...]:
    """Return views once each, known ones in their order first."""
    if isinstance(views, str):
        views = (views,)
    there = dict.fromkeys(views)
    for view in there:
        if not view.strip() or view != view.strip() or any(mark in view for mark in MARKS):
            raise SelectionError(
                f"There is no view {view[:60]!r}. X-rays have {', '.join(XRAY_VIEWS)}."
            )
    if not there:
        raise SelectionError("A task needs at least one view, such as PA.")
    known = [view for view in XRAY_VIEWS if view in there]
    return (*known, *sorted(there.keys() - set(known)))


def _order_without(without: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return exclusions once each, in the order of the columns and answers."""
    asked = {(column, answer) for column, answer in without}
    for column, answer in sorted(asked):
        if column not in YES_NO_COLUMNS:
            raise SelectionError(
                f"Images cannot be left out by {column[:60]!r}: it is not a yes/no column. "
                f"There are {', '.join(YES_NO_COLUMNS)}; use filters for other columns."
            )
        if answer not in YES_NO_CATEGORIES:
            raise SelectionError(
                f"The column {column} has no answer {answer[:60]!r}. There are "
                f"{', '.join(YES_NO_CATEGORIES)}."
            )
    pairs = ((column, answer) for column in YES_NO_COLUMNS for answer in YES_NO_CATEGORIES)
    return tuple(pair for pair in pairs if pair in asked)


# ---- the columns that can be predicted

_ANY_DAY: dict[str, Any] = {"after": None, "before": None}


@dataclass(frozen=True)
class TaskLabel:
    """Hold what a column is called when it is predicted; each part as in `Task`.

    Parameters
    ----------
    title : str
    positive, negative, event : str
        "" for a column of numbers.
    unit : str
    needs_finding : bool
    is_any_day : bool
        Of the tasks made of it, unless asked for otherwise.
    """

    title: str
    positive: str = ""
    negative: str = ""
    event: Class = ""
    unit: str = ""
    needs_finding: bool = True
    is_any_day: bool = False


TASK_COLUMNS: dict[str, TaskLabel] = {
    # Read off the finding, which must then be usable anyway.
    "covid-19": TaskLabel(
        "COVID-19", "COVID-19", "other pneumonia or finding", "negative", needs_finding=False
    ),
    "viral": TaskLabel("Viral or bacterial", "viral", "bacterial", "negative", needs_finding=False),
    "survival": TaskLabel("Survival", "survived", "died", "negative"),
    "went_icu": TaskLabel("ICU stay", "went to the ICU", "never in the ICU", "positive"),
    "intubated": TaskLabel("Intubated", "intubated", "never intubated", "positive"),
    "in_icu": TaskLabel("In ICU at time of image", "in the ICU", "not in the ICU", "positive"),
    "intubation_present": TaskLabel(
        "Intubated at time of image", "tube in place", "no tube", "positive"
    ),
    "needed_supplemental_O2": TaskLabel("Needed oxygen", "oxygen", "no oxygen", "positive"),
    "extubated": TaskLabel("Extubated", "extubated", "not extubated"),
    "RT_PCR_positive": TaskLabel("RT-PCR positive", "positive RT-PCR", "negative RT-PCR"),
    "sex": TaskLabel("Sex", "male", "female"),
    "geographic_mean": TaskLabel("Geographic extent (0-8)", unit="points"),
    "opacity_mean": TaskLabel("Opacity (0-6)", unit="points"),
    "age": TaskLabel("Age", unit="years"),
    "offset": TaskLabel("Day of image", unit="days"),
    "temperature": TaskLabel("Temperature", unit="°C"),
    "pO2_saturation": TaskLabel("Oxygen"),
    "leukocyte_count": TaskLabel("Leukocytes", unit="10^9/L"),
    "neutrophil_count": TaskLabel("Neutrophils", unit="10^9/L"),
    "lymphocyte_count": TaskLabel("Lymphocytes", unit="10^9/L"),
}
"""What can be predicted of every cohort: yes/no columns, sex, number columns, and what a finding
says; columns of one's own are in `cxrlib.baselines.tasks.own_columns`.

The words of classes are part of a run's id and stay; titles are not.
"""

DERIVED = ("covid-19", "viral")
"""What is read off the finding."""


def _start(name: str, column: str) -> Task:
    """Return the paper's task of a name, or a formed one of a column with its defaults."""
    return find_task(name) if name != FORMED else _form(column)


def _get_label(column: str) -> TaskLabel:
    """Return what a column is called, or refuse it."""
    own = parse_own_column(column)
    if own is not None:
        positive, negative = own.classes
        # A record of one's own need not have days and findings; a finding is usable anyway.
        is_any_day = own.kind != "finding"
        return TaskLabel(own.title, positive, negative, needs_finding=False, is_any_day=is_any_day)
    if column not in TASK_COLUMNS:
        near = difflib.get_close_matches(column, TASK_COLUMNS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(TASK_COLUMNS)}."
        raise SelectionError(
            f"{column[:60]!r} cannot be predicted: it is neither a yes/no nor a number column. "
            f"{hint} For a column that metadata.csv has besides write extra:NAME; for a finding "
            "finding:PATH."
        )
    return TASK_COLUMNS[column]


def _form(column: str, *, name: str = FORMED, **changes: object) -> Task:
    """Make a task of a column."""
    label = _get_label(column)
    parts: dict[str, Any] = {
        "name": name,
        "title": label.title,
        "kind": "classes" if label.positive else "number",
        "column": column,
        "positive": label.positive,
        "negative": label.negative,
        "event": label.event,
        "needs_finding": label.needs_finding,
        "unit": label.unit,
    }
    parts |= _ANY_DAY if label.is_any_day else {}
    return Task(**{**parts, **changes})


# ---- the paper's tasks

_NO_TUBE = ("intubation_present", "yes")

PAPER_TASKS: tuple[Task, ...] = (
    _form("covid-19", name="covid-19"),
    _form("viral", name="viral-or-bacterial"),
    _form("survival", name="survival", without=(_NO_TUBE,)),
    _form("went_icu", name="icu-stay", without=(("in_icu", "yes"), _NO_TUBE)),
    _form("intubated", name="intubated", without=(_NO_TUBE,)),
    _form("geographic_mean", name="geographic-extent", **_ANY_DAY),
    _form("opacity_mean", name="opacity", **_ANY_DAY),
)
"""The tasks of Tables 5 and 6 of Cohen et al. 2020b, in their order."""


def find_task(name: str) -> Task:
    """Return one of the paper's tasks by its name.

    Raises
    ------
    SelectionError
        If there is none of that name.

    Examples
    --------
    >>> find_task("icu-stay").column
    'went_icu'
    >>> find_task("icu")
    Traceback (most recent call last):
    cxrlib.errors.SelectionError: There is no task 'icu'. There are covid-19, ...
    """
    for task in PAPER_TASKS:
        if task.name == name:
            return task
    names = [task.name for task in PAPER_TASKS]
    near = difflib.get_close_matches(name.casefold(), names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(names)}."
    raise SelectionError(
        f"There is no task {name[:60]!r}. {hint} For a task of your own write 'column=survival'."
    )


# ---- one line


def split_after(after: float) -> tuple[float, bool]:
    """Return the day to write for `Task.after`, and whether it belongs to the window.

    Examples
    --------
    >>> split_after(0.0), split_after(read_task("survival; days>=1").after)
    ((0.0, False), (1.0, True))
    """
    # The end of a range that an end of a window lies outside of, and the other way round.
    day, is_outside = split_high(after)
    return day, not is_outside


def split_before(before: float) -> tuple[float, bool]:
    """Return the day to write for `Task.before`, and whether it belongs to the window.

    Examples
    --------
    >>> split_before(8.0), split_before(read_task("survival; days<=7").before)
    ((8.0, False), (7.0, True))
    """
    day, is_outside = split_low(before)
    return day, not is_outside


def _describe_ends(after: float | None, before: float | None) -> Iterator[str]:
    """Describe the ends of a window that are not open."""
    if after is not None:
        day, is_in = split_after(float(after))
        yield f"{'from' if is_in else 'after'} day {format_plain_number(day)}"
    if before is not None:
        day, is_in = split_before(float(before))
        yield f"{'up to' if is_in else 'before'} day {format_plain_number(day)}"


def _format_window(after: float | None, before: float | None) -> str:
    """Write a window: days=0..8 where no end belongs to it, as ever, else with signs."""
    if after is None and before is None:
        return "days=any"
    low = (0.0, False) if after is None else split_after(after)
    high = (0.0, False) if before is None else split_before(before)
    texts = [format_plain_number(day) for day, _ in (low, high)]
    if not low[1] and not high[1]:
        ends = zip((after, before), texts, strict=True)
        return f"days={'..'.join('' if end is None else text for end, text in ends)}"
    if before is None:
        return f"days>={texts[0]}"
    below = f"days<{'=' * high[1]}{texts[1]}"
    return below if after is None else f"{texts[0]}<{'=' * low[1]}{below}"


def read_task(text: str, cohort: Cohort | None = None) -> Task:
    """Read a task from one line.

    Parameters
    ----------
    text : str
        The name of one of the paper's tasks, or ``column=NAME``; after it, separated by ";", what
        differs: ``views=PA,AP``, ``days<=7`` or ``0<days<8`` (the days as `--where` has them;
        ``day=1..7``, both ends included; ``days=0..8``, the days between; either end may be left
        out; ``days=any`` for no window), ``with day 0``, ``without=in_icu:yes`` (several parted
        by commas; ``without=nothing``), ``finding=any`` or ``finding=usable``. NAME is one of
        `TASK_COLUMNS` or a column of one's own: ``extra:NAME`` (yes/no), ``extra:NAME:VALUE`` (a
        category against the rest), ``number:NAME``, ``finding:PATH``; in double quotes where it
        holds one of the signs , ; : = or a quote.
    cohort : Cohort, optional
        An extra column of it that holds numbers may then be written ``extra:NAME``.

    Returns
    -------
    Task

    Raises
    ------
    SelectionError
        If the line is not understood; the message names the term.

    Examples
    --------
    >>> read_task("icu-stay; views=PA; days=0..14; with day 0").describe_window()
    'from day 0 and before day 14'
    """
    if text.count('"') % 2:
        raise SelectionError(
            f"A double quote in the task {text[:80]!r} has no partner. Write a quote within a name "
            'twice, as in column=extra:"a ""b""".'
        )
    first, *rest = [term.strip() for term in split_quoted(text, ";")]
    name, equals, column = first.partition("=")
    if equals and name.strip().casefold() != "column":
        raise SelectionError(
            f"A task starts with its name or its column, not with {first[:60]!r}. Write 'icu-stay; "
            "days=0..14' or 'column=survival; days=0..14'."
        )
    if equals and cohort is not None:
        column = settle_column(cohort, column.strip())
    origin = _form(column.strip()) if equals else find_task(first)
    changes: dict[str, Any] = {}
    for term in filter(None, rest):
        for part, value in _read_term(term).items():
            if part in changes:
                raise SelectionError(f"The task has {term[:60]!r} twice. Give it once.")
            changes[part] = value
    return replace(origin, **changes)


def _read_term(term: str) -> dict[str, Any]:
    """Read one term into parts of a task."""
    compared = read_comparison(term)
    if compared is not None and compared[0] in ("day", "days"):
        return _take_window(*compared[1:])
    name, equals, value = (part.strip() for part in term.partition("="))
    name = name.casefold()
    if name == "with day 0" and not equals:
        return {"with_day_0": True}
    if name == "views" and value:
        return {"views": tuple(_read_view(view) for view in value.split(","))}
    if name in ("day", "days") and value:
        return _read_window(value, is_between=name == "days")
    if name == "without" and value:
        return {"without": () if value == "nothing" else _read_without(value)}
    if name == "finding" and value in ("any", "usable"):
        return {"needs_finding": value == "usable"}
    raise SelectionError(
        f"{term[:60]!r} is not understood in a task. Write views=PA,AP or days<=7 or 'with day "
        "0' or without=in_icu:yes or finding=any, separated by ';'."
    )


def _read_view(text: str) -> str:
    """Return a view as it is recorded, whatever the case of its letters."""
    known = {view.casefold(): view for view in XRAY_VIEWS}
    return known.get(text.strip().casefold(), text.strip())


def _take_window(low: float, high: float) -> dict[str, Any]:
    """Take the first and the last number of a range of days as the ends of a window around it."""
    # Day 0 has a word of its own.
    after = 0.0 if low == 0 else exclude_high(low)
    ends = {"after": after, "before": exclude_low(high)}
    window: dict[str, Any] = {n: None if math.isinf(end) else end for n, end in ends.items()}
    return {**window, "with_day_0": True} if low == 0 else window


def _read_window(text: str, *, is_between: bool) -> dict[str, Any]:
    """Read from..to, or any; `is_between`: neither end belongs to it."""
    if text == "any":
        return dict(_ANY_DAY)
    low, dots, high = (part.strip() for part in text.partition(".."))
    ends = [parse_number(part) if part else None for part in (low, high)]
    is_read = [end is not None or not part for end, part in zip(ends, (low, high), strict=True)]
    if not dots or not all(is_read) or not (low or high):
        raise SelectionError(
            f"The days {text[:60]!r} are not understood. Write 0<days<8 or days<=7, day=1..7 with "
            "both ends included, days=0..8 for the days after 0 and before 8, or days=any."
        )
    if not is_between:
        least, most = ends
        return _take_window(
            -math.inf if least is None else least, math.inf if most is None else most
        )
    return {"after": ends[0], "before": ends[1]}


def _read_without(text: str) -> tuple[tuple[str, str], ...]:
    """Read column:answer, several parted by commas."""
    pairs = []
    for part in text.split(","):
        column, colon, answer = (each.strip() for each in part.partition(":"))
        if not colon:
            raise SelectionError(
                f"without={text[:60]} is not understood. Write a column with its answer, as in "
                "without=in_icu:yes."
            )
        pairs.append((column, answer))
    return tuple(pairs)


# ---- in a cohort


def read_labels(cohort: Cohort, column: str) -> pd.Series:
    """Read the label of each image, whatever the image.

    Parameters
    ----------
    cohort : Cohort
    column : str
        One of `TASK_COLUMNS`, or one's own.

    Returns
    -------
    Series of float
        On the index of the cohort's table: 1 for the positive class, 0 for the negative one, or
        the number; NaN where there is no label. "unclear" is none.
    """
    table = cohort.table
    own = parse_own_column(column)
    if own is not None:
        return read_own_labels(cohort, own)
    if column == "sex":
        return table["sex"].map({"M": 1.0, "F": 0.0}).astype(float)
    if column == "covid-19":
        has_it = table["finding"].fillna("").str.casefold().str.contains("covid-19", regex=False)
        return has_it.astype(float).where(table["usable_finding"])
    if column == "viral":
        return table["finding_type"].map({"Viral": 1.0, "Bacterial": 0.0}).astype(float)
    if column in YES_NO_COLUMNS:
        return table[column].astype("str").map({"yes": 1.0, "no": 0.0}).astype(float)
    _get_label(column)
    values = table[column].to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(values, index=table.index).where(np.isfinite(values))


@dataclass(frozen=True)
class TaskColumn:
    """Hold a column that could be predicted, and of how many X-rays it is known.

    Parameters
    ----------
    column, title : str
    kind : {"classes", "number"}
    positive, negative : str
        Words for the classes.
    n_labelled, n_positive, n_negative : int
        X-rays, of any view and day; the classes are 0 for numbers.
    n_persons : int
        With a labelled X-ray; patients where persons are not known.
    reason : str
        Why nothing can be learnt of it here; "" if it can.
    """

    column: str
    title: str
    kind: Literal["classes", "number"]
    positive: str
    negative: str
    n_labelled: int
    n_positive: int
    n_negative: int
    n_persons: int
    reason: str


def list_task_columns(cohort: Cohort) -> tuple[TaskColumn, ...]:
    """List what can be predicted, with the X-rays of which it is known.

    First what every cohort's record has, then its extra columns (each category of one for itself),
    then its findings.
    """
    xrays = cohort.table["is_xray"]
    persons = cohort.table["person_id"].fillna(cohort.table["patient_id"])
    found = []
    for column in (*TASK_COLUMNS, *_list_own(cohort)):
        labels = read_labels(cohort, column)[xrays].dropna()
        found.append(_count_column(_form(column), labels, int(persons[labels.index].nunique())))
    return tuple(found)


def _list_own(cohort: Cohort) -> Iterator[str]:
    """List the columns of one's own that a cohort has, and its findings."""
    for extra in cohort.extra:
        if extra.kind in ("yes/no", "number"):
            yield OwnColumn("number" if extra.kind == "number" else "extra", extra.name).to_text()
        elif extra.kind == "category":
            for value, _ in extra.values:
                yield OwnColumn("extra", extra.name, value).to_text()
    for finding in list_findings(cohort):
        yield OwnColumn("finding", finding).to_text()


def _count_column(task: Task, labels: pd.Series, n_persons: int) -> TaskColumn:
    n_positive, n_negative = 0, 0
    if task.kind == "classes":
        n_positive, n_negative = int((labels == 1).sum()), int((labels == 0).sum())
    reason = ""
    if not len(labels):
        reason = "It is not recorded for any X-ray."
    elif labels.nunique() < 2:
        only = (
            (task.positive if n_positive else task.negative)
            if task.kind == "classes"
            else format_plain_number(float(labels.iloc[0]))
        )
        reason = f"All {len(labels):,} X-rays with a value have {only!r}."
    return TaskColumn(
        column=task.column,
        title=task.title,
        kind=task.kind,
        positive=task.positive,
        negative=task.negative,
        n_labelled=len(labels),
        n_positive=n_positive,
        n_negative=n_negative,
        n_persons=n_persons,
        reason=reason,
    )


def form_task(
    cohort: Cohort,
    column: str,
    *,
    views: Iterable[str] = ("PA", "AP"),
    after: float | EllipsisType | None = ...,
    before: float | EllipsisType | None = ...,
    with_day_0: bool = False,
    without: Iterable[tuple[str, str]] = (),
    needs_finding: bool | None = None,
) -> Task:
    """Form a task from a yes/no or number column, or a category against the rest.

    Parameters
    ----------
    cohort : Cohort
        It must have the column, with two values at least.
    column : str
        One of `TASK_COLUMNS`, or one's own.
    views, after, before, with_day_0, without
        As in `Task`; a column of one's own has no window unless one is given.
    needs_finding : bool, optional
        As in `Task`; by default True, but where the label is read off the finding.

    Raises
    ------
    SelectionError
        If the column can not be predicted, or the parts do not go together.
    """
    task = _form(settle_column(cohort, column))
    xrays = cohort.table["is_xray"]
    choice = _count_column(task, read_labels(cohort, task.column)[xrays].dropna(), 0)
    if choice.reason:
        raise SelectionError(
            f"{choice.title} cannot be predicted in {cohort.name!r}: {choice.reason[0].lower()}"
            f"{choice.reason[1:]} Choose a column with two values."
        )
    return replace(
        task,
        views=tuple(views),
        after=task.after if after is ... else after,
        before=task.before if before is ... else before,
        with_day_0=with_day_0,
        without=tuple(without),
        needs_finding=task.needs_finding if needs_finding is None else needs_finding,
    )
