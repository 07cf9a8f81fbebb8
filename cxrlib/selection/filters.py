"""The filters: the column of each, its values, and the rows it leaves out."""

import weakref
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import UNKNOWN, XRAY_VIEWS, YES_NO_CATEGORIES, Cohort
from cxrlib.errors import SelectionError
from cxrlib.quality import FLAGS, list_flags
from cxrlib.selection.range_ends import split_high, split_low


@dataclass(frozen=True)
class Filter:
    """Hold what a filter is.

    Parameters
    ----------
    name : str
        As in a selection, in the address and on the command line.
    column : str
        Column of the cohort's table; "" for flags.
    label : str
        In words: "In ICU at time of image".
    kind : {"choice", "tree", "range", "flags"}
        One of some values; a path with levels separated by "/"; numbers from one to another,
        both included; flags to leave out.
    unit : str
        After a range's numbers: "years"; "" where the label says it.
    """

    name: str
    column: str
    label: str
    kind: str = "choice"
    unit: str = ""


FILTERS: dict[str, Filter] = {
    each.name: each
    for each in (
        Filter("view", "view", "View"),
        Filter("region", "region", "Region"),
        Filter("sub_region", "sub_region", "Sub-region"),
        Filter("country", "country", "Country"),
        Filter("finding", "finding", "Finding", "tree"),
        Filter("sex", "sex", "Sex"),
        Filter("age", "age", "Age", "range", "years"),
        Filter("day", "offset", "Day", "range"),
        Filter("survival", "survival", "Survival"),
        Filter("went_icu", "went_icu", "Ever in ICU"),
        Filter("in_icu", "in_icu", "In ICU at time of image"),
        Filter("intubated", "intubated", "Ever intubated"),
        Filter("intubation_present", "intubation_present", "Intubated at time of image"),
        Filter("rt_pcr", "RT_PCR_positive", "RT-PCR positive"),
        Filter("source", "source", "Source"),
        Filter("licence", "license", "Licence"),
        Filter("without", "", "Without", "flags"),
    )
}
"""The filters by name, in the order in which they are applied and shown."""

# Orders that readers expect; other values follow by their counts.
KNOWN_ORDERS: dict[str, tuple[str, ...]] = {
    "view": XRAY_VIEWS,
    "sex": ("F", "M"),
    **dict.fromkeys(
        ("survival", "went_icu", "in_icu", "intubated", "intubation_present", "rt_pcr"),
        YES_NO_CATEGORIES,
    ),
}
LAST = (NOT_RECORDED, UNKNOWN)

# What a value says by itself; others are named with their filter: "view PA".
STATEMENTS: dict[str, dict[str, str]] = {
    "sex": {"F": "female", "M": "male"},
    "survival": {"yes": "survived", "no": "died"},
    "went_icu": {"yes": "ever in ICU", "no": "never in ICU"},
    "in_icu": {"yes": "in ICU at time of image", "no": "not in ICU at time of image"},
    "intubated": {"yes": "intubated", "no": "never intubated"},
    "intubation_present": {
        "yes": "intubated at time of image",
        "no": "not intubated at time of image",
    },
    "rt_pcr": {"yes": "RT-PCR positive", "no": "RT-PCR negative"},
}


class Choice(NamedTuple):
    """Hold a value of a filter with its numbers of X-rays and patients."""

    value: str
    n_images: int
    n_patients: int


def format_plain_number(number: float) -> str:
    """Format a number without a needless point: "7", "0.5".

    Examples
    --------
    >>> format_plain_number(7.0), format_plain_number(0.5), format_plain_number(-36525.0)
    ('7', '0.5', '-36525')
    """
    return str(int(number)) if float(number).is_integer() else repr(float(number))


# ---- the values of each row


class _Coded(NamedTuple):
    """Hold a filter's value of each row: ``values[codes]``."""

    codes: np.ndarray
    values: tuple[str, ...]


class _Remembered:
    """Hold what was read of a cohort, for as long as somebody holds the cohort."""

    def __init__(self) -> None:
        self.coded: dict[str, _Coded] = {}
        self.choices: dict[str, list[Choice]] = {}
        self.flags: pd.DataFrame | None = None


# A cohort's table never changes, and every run of a page asks the same of it.
_REMEMBERED: weakref.WeakKeyDictionary[Cohort, _Remembered] = weakref.WeakKeyDictionary()


def _remember(cohort: Cohort) -> _Remembered:
    return _REMEMBERED.setdefault(cohort, _Remembered())


def get_filter(name: str) -> Filter:
    """Return a filter by its name.

    Raises
    ------
    SelectionError
        If there is none of that name.
    """
    if name not in FILTERS:
        raise SelectionError(f"There is no filter {name[:60]!r}. There are {', '.join(FILTERS)}.")
    return FILTERS[name]


def _read_coded(cohort: Cohort, which: Filter) -> _Coded:
    """Read a filter's value of each row as text, "not recorded" where it is blank."""
    remembered = _remember(cohort).coded
    if which.name not in remembered:
        column = cohort.table[which.column]
        if which.kind == "range":
            texts = [NOT_RECORDED if pd.isna(n) else format_plain_number(n) for n in column]
        else:
            texts = [NOT_RECORDED if pd.isna(text) else str(text) for text in column]
        if which.kind == "tree":
            texts = [list_levels(text)[-1] for text in texts]
        codes, values = pd.factorize(np.array(texts, dtype=object))
        remembered[which.name] = _Coded(codes, tuple(values))
    return remembered[which.name]


def _read_flags(cohort: Cohort) -> pd.DataFrame:
    remembered = _remember(cohort)
    if remembered.flags is None:
        remembered.flags = list_flags(cohort)
    return remembered.flags


def list_levels(path: str) -> list[str]:
    """List a finding and the levels above it, the top level first.

    Examples
    --------
    >>> list_levels("Pneumonia / Viral/SARS")
    ['Pneumonia', 'Pneumonia/Viral', 'Pneumonia/Viral/SARS']
    """
    parts = [part.strip() for part in path.split("/")]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


# ---- which values there are


def list_choices(cohort: Cohort, name: str) -> list[Choice]:
    """List the values of a filter, with what each would keep by itself.

    Parameters
    ----------
    cohort : Cohort
        Its X-rays are counted.
    name : str
        One of `FILTERS`.

    Returns
    -------
    list of Choice
        In the order to show: a known order first, then the most frequent; "not recorded"
        and "Unknown" last. Findings are listed as a tree, every level with all below it;
        numbers and flags in their own order, flags with the images that have them.

    Raises
    ------
    SelectionError
        If there is no such filter.
    """
    which = get_filter(name)
    remembered = _remember(cohort).choices
    if name not in remembered:
        count = _count_flags if which.kind == "flags" else _count_values
        remembered[name] = count(cohort, which)
    return list(remembered[name])


def _count_flags(cohort: Cohort, which: Filter) -> list[Choice]:
    """Count the X-rays that have each flag."""
    xrays = cohort.table["is_xray"]
    flags, patients = _read_flags(cohort)[xrays], cohort.table.loc[xrays, "patient_id"]
    return [
        Choice(flag, int(flags[flag].sum()), int(patients[flags[flag]].nunique())) for flag in FLAGS
    ]


def _count_values(cohort: Cohort, which: Filter) -> list[Choice]:
    """Count the X-rays that have each value."""
    codes, values = _read_coded(cohort, which)
    xrays = cohort.table["is_xray"]
    pairs = pd.DataFrame(
        {
            "value": np.array(values, dtype=object)[codes[xrays]],
            "patient_id": cohort.table["patient_id"][xrays].to_numpy(),
        }
    )
    if which.kind == "tree":
        pairs = pairs.assign(value=pairs["value"].map(list_levels)).explode("value")
    counts = pairs.groupby("value", sort=False)["patient_id"].agg(["size", "nunique"])
    choices = [Choice(str(value), int(n), int(m)) for value, n, m in counts.itertuples()]
    return sorted(choices, key=lambda choice: _rank(which, choice))


def _rank(which: Filter, choice: Choice) -> tuple[bool, float, str]:
    """Find the place of a value in its list."""
    is_last = choice.value in LAST
    if which.kind == "range":
        return is_last, 0.0 if is_last else float(choice.value), choice.value
    if which.kind == "tree":
        return is_last, 0.0, choice.value
    known = KNOWN_ORDERS.get(which.name, ())
    place = known.index(choice.value) - 1e9 if choice.value in known else -choice.n_images
    return is_last, float(place), choice.value


def list_numbers(cohort: Cohort, name: str) -> list[float]:
    """List the recorded numbers of a range, the smallest first.

    Raises
    ------
    SelectionError
        If there is no such range.
    """
    which = get_filter(name)
    if which.kind != "range":
        raise SelectionError(f"The filter {name!r} has no numbers. Ranges are age and day.")
    choices = list_choices(cohort, name)
    return [float(choice.value) for choice in choices if choice.value != NOT_RECORDED]


# ---- which rows go


def find_reasons(
    cohort: Cohort, name: str, wanted: tuple[str, ...] | tuple[float, float]
) -> pd.Series:
    """Find why a filter leaves each row out.

    Parameters
    ----------
    cohort : Cohort
    name : str
        One of `FILTERS`.
    wanted : tuple
        Values to keep, any of them; for a range its two ends, both included; for flags
        those to leave out.

    Returns
    -------
    Series of object
        A reason in words, None where the row stays, on the table's index. A row whose value
        is not recorded stays only if "not recorded" was asked for, so never in a range.

    Raises
    ------
    SelectionError
        If there is no such filter.
    """
    which = get_filter(name)
    if which.kind == "flags":
        reasons = _find_flagged(_read_flags(cohort), [str(flag) for flag in wanted])
    elif which.kind == "range":
        low, high = (float(end) for end in wanted)
        reasons = _find_outside(cohort.table[which.column], which, low, high)
    else:
        coded = _read_coded(cohort, which)
        kept = {*map(str, wanted)}
        levels = list_levels if which.kind == "tree" else lambda value: [value]
        by_value = [
            None if kept.intersection(levels(value)) else describe_value(which, value)
            for value in coded.values
        ]
        reasons = np.array([*by_value, None], dtype=object)[coded.codes]
    return pd.Series(reasons, index=cohort.table.index, dtype=object)


def describe_value(which: Filter, value: str) -> str:
    """Describe a value within a sentence: "view PA", "died", "survival: not recorded".

    Examples
    --------
    >>> describe_value(FILTERS["view"], "PA"), describe_value(FILTERS["survival"], "no")
    ('view PA', 'died')
    """
    is_answer = KNOWN_ORDERS.get(which.name) == YES_NO_CATEGORIES
    plain = f"{lower_label(which)}{':' if is_answer else ''} {value}"
    return STATEMENTS.get(which.name, {}).get(value, plain)


def lower_label(which: Filter) -> str:
    """Return a filter's label as it is written within a sentence."""
    label = which.label
    return label if label.startswith("RT-PCR") else label[0].lower() + label[1:]


def _find_flagged(flags: pd.DataFrame, wanted: list[str]) -> np.ndarray:
    """Find the first of the flags that a row has."""
    reasons = np.full(len(flags), None, dtype=object)
    for flag in reversed([flag for flag in FLAGS if flag in wanted]):
        reasons[flags[flag].to_numpy()] = flag
    return reasons


def _find_outside(numbers: pd.Series, which: Filter, low: float, high: float) -> np.ndarray:
    """Find the end that a number is beyond, or that it is not recorded."""
    noun = f"{lower_label(which)} "
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    reasons = np.full(len(values), None, dtype=object)
    (least, has_least), (most, has_most) = split_low(low), split_high(high)
    least_word, most_word = (
        format_plain_number(end) if np.isfinite(end) else "" for end in (least, most)
    )
    reasons[values < low] = (
        f"{noun}below {least_word}" if has_least else f"{noun}{least_word} or below"
    )
    reasons[values > high] = (
        f"{noun}above {most_word}" if has_most else f"{noun}{most_word} or above"
    )
    reasons[np.isnan(values)] = f"{noun}{NOT_RECORDED}"
    return reasons
