"""The filters: which column each one reads, which values it knows, which rows it leaves out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.flags import FLAGS, list_flags
from cxrlib.metadata import XRAY_VIEWS, YES_NO_CATEGORIES
from cxrlib.regions import UNKNOWN

__all__ = [
    "FILTERS",
    "NOT_RECORDED",
    "Choice",
    "Filter",
    "find_reasons",
    "list_choices",
    "name_number",
]

NOT_RECORDED = "not recorded"


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
        In words, before a value: "In the ICU" "yes".
    kind : {"choice", "tree", "range", "flags"}
        One of some values; a path whose levels are parted by "/"; numbers from one to
        another, both included; flags to leave out.
    """

    name: str
    column: str
    label: str
    kind: str = "choice"


FILTERS: dict[str, Filter] = {
    each.name: each
    for each in (
        Filter("view", "view", "View"),
        Filter("region", "region", "Region"),
        Filter("sub_region", "sub_region", "Sub-region"),
        Filter("country", "country", "Country"),
        Filter("finding", "finding", "Finding", "tree"),
        Filter("sex", "sex", "Sex"),
        Filter("age", "age", "Age", "range"),
        Filter("day", "offset", "Day", "range"),
        Filter("survival", "survival", "Survival"),
        Filter("went_icu", "went_icu", "Ever in the ICU"),
        Filter("in_icu", "in_icu", "In the ICU at the image"),
        Filter("intubated", "intubated", "Ever intubated"),
        Filter("intubation_present", "intubation_present", "Tube at the image"),
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


class Choice(NamedTuple):
    """Hold a value of a filter, the X-rays that have it and their patients."""

    value: str
    n_images: int
    n_patients: int


def name_number(number: float) -> str:
    """Write a number without a needless point: "7", "0.5".

    Examples
    --------
    >>> name_number(7.0), name_number(0.5), name_number(-36525.0)
    ('7', '0.5', '-36525')
    """
    return str(int(number)) if float(number).is_integer() else repr(float(number))


# ---- which values there are


def list_choices(cohort: Cohort, name: str) -> list[Choice]:
    """List the values that a filter can take, with what each would leave by itself.

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
    table = cohort.table[cohort.table["is_xray"]]
    patients = table["patient_id"]
    if which.kind == "flags":
        flags = list_flags(cohort).loc[table.index]
        return [
            Choice(flag, int(flags[flag].sum()), int(patients[flags[flag]].nunique()))
            for flag in FLAGS
        ]
    values = read_values(table, which)
    pairs = pd.DataFrame({"value": values, "patient_id": patients})
    if which.kind == "tree":
        pairs = pairs.assign(value=pairs["value"].map(_list_levels)).explode("value")
    counts = pairs.groupby("value", sort=False)["patient_id"].agg(["size", "nunique"])
    choices = [Choice(str(value), int(n), int(m)) for value, n, m in counts.itertuples()]
    return sorted(choices, key=lambda choice: _rank(which, choice))


def _rank(which: Filter, choice: Choice) -> tuple[bool, float, str]:
    """Give the place of a value in its list."""
    is_last = choice.value in LAST
    if which.kind == "range":
        return is_last, 0.0 if is_last else float(choice.value), choice.value
    if which.kind == "tree":
        return is_last, 0.0, choice.value
    known = KNOWN_ORDERS.get(which.name, ())
    place = known.index(choice.value) - 1e9 if choice.value in known else -choice.n_images
    return is_last, float(place), choice.value


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


def read_values(table: pd.DataFrame, which: Filter) -> pd.Series:
    """Read a filter's value of each row, as text.

    Parameters
    ----------
    table : DataFrame
        Rows of a cohort's table.
    which : Filter
        Not one of flags.

    Returns
    -------
    Series of str
        "not recorded" where there is none, on the table's index.
    """
    column = table[which.column]
    if which.kind == "range":
        named = {number: name_number(number) for number in column.dropna().unique()}
        return column.map(named).astype("str").fillna(NOT_RECORDED)
    values = column.astype("str").fillna(NOT_RECORDED)
    if which.kind != "tree":
        return values
    paths = {value: _list_levels(value)[-1] for value in values.unique()}
    return values.map(paths)


def _list_levels(path: str) -> list[str]:
    """List a finding and the levels above it, the uppermost first.

    Examples
    --------
    >>> _list_levels("Pneumonia / Viral/SARS")
    ['Pneumonia', 'Pneumonia/Viral', 'Pneumonia/Viral/SARS']
    """
    parts = [part.strip() for part in path.split("/")]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


# ---- which rows go


def find_reasons(
    cohort: Cohort, name: str, wanted: tuple[str, ...] | tuple[float, float]
) -> pd.Series:
    """Say of each row why a filter leaves it out.

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
    Series of str
        A reason in words, missing where the row stays. A row whose value is not recorded
        stays only if "not recorded" was asked for.

    Raises
    ------
    SelectionError
        If there is no such filter.
    """
    which = get_filter(name)
    if which.kind == "flags":
        return _find_flagged(cohort, [str(flag) for flag in wanted])
    if which.kind == "range":
        low, high = wanted
        return _find_outside(cohort.table[which.column], which, float(low), float(high))
    values = read_values(cohort.table, which)
    keep = set(wanted)
    stays = values.isin([v for v in values.unique() if keep.intersection(_name_as(which, v))])
    return (_name_noun(which) + values).mask(stays)


def _name_as(which: Filter, value: str) -> Iterable[str]:
    """List the names under which a row of this value is found."""
    return _list_levels(value) if which.kind == "tree" else [value]


def _name_noun(which: Filter) -> str:
    """Give the words before a value: "view L", "ever intubated: no"."""
    label = (
        which.label if which.label.startswith("RT") else which.label.lower().replace("icu", "ICU")
    )
    return f"{label}: " if KNOWN_ORDERS.get(which.name) == YES_NO_CATEGORIES else f"{label} "


def _find_flagged(cohort: Cohort, wanted: list[str]) -> pd.Series:
    """Name the first of the flags that a row has."""
    flags = list_flags(cohort)
    reasons = pd.Series(pd.NA, index=flags.index, dtype="str")
    for flag in reversed(wanted):
        if flag in flags:
            reasons = reasons.mask(flags[flag], flag)
    return reasons


def _find_outside(numbers: pd.Series, which: Filter, low: float, high: float) -> pd.Series:
    """Say which end a number lies beyond, or that there is none."""
    noun = _name_noun(which)
    values = numbers.astype("float64")
    reasons = pd.Series(pd.NA, index=numbers.index, dtype="str")
    reasons = reasons.mask(values < low, f"{noun}below {name_number(low)}")
    reasons = reasons.mask(values > high, f"{noun}above {name_number(high)}")
    return reasons.mask(values.isna(), f"{noun}{NOT_RECORDED}")
