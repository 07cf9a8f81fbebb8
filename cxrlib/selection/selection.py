"""The selection: the images of a cohort that are included, as one value.

The same selection is in the address of a page, on the command line and in the header of an
export. It chooses rows of results; no model or map changes.
"""

import difflib
import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from cxrlib.cohort import Cohort, Keeping, parse_number
from cxrlib.errors import SelectionError
from cxrlib.quality import FLAGS
from cxrlib.selection.filter_syntax import format_term, read_terms
from cxrlib.selection.filters import (
    FILTERS,
    STATEMENTS,
    describe_value,
    find_reasons,
    format_plain_number,
    get_filter,
    list_choices,
    list_numbers,
    lower_label,
)
from cxrlib.selection.range_ends import split_high, split_low

Range = tuple[float, float]

OPEN_ENDS = {"age": ("youngest", "oldest"), "day": ("first", "last")}
"""Words for the ends of a range that is open, in the address and on sliders."""

MOST_NAMED = 3  # values of a filter named in its chip


@dataclass(frozen=True)
class UnknownValue:
    """Hold a requested value that cannot be used, and what would be right."""

    name: str
    value: str
    hint: str

    def __str__(self) -> str:
        which = FILTERS[self.name]
        if which.kind == "range":
            return f"{which.label} {self.value[:60]!r} is not understood. {self.hint}"
        noun = "the flag" if which.kind == "flags" else lower_label(which)
        return f"No image has {noun} {self.value[:60]!r}. {self.hint}"


@dataclass(frozen=True)
class Selection:
    """Hold the filters; () or None where one is not used.

    Values of one filter are alternatives; an image must pass all filters. Order and repeats of
    values have no meaning and are not kept.

    Parameters
    ----------
    view, region, sub_region, country, finding, sex : tuple of str
        A finding stands for all below it: "Pneumonia/Viral" keeps "Pneumonia/Viral/SARS".
    age, day : tuple of two float or None
        Years, and days of the offset; both ends belong to it, infinite where open.
    survival, went_icu, in_icu, intubated, intubation_present, rt_pcr : tuple of str
        "yes", "no", "unclear", "not recorded".
    source, licence : tuple of str
    without : tuple of str
        Flags of images to leave out, see `cxrlib.quality.FLAGS`.

    Raises
    ------
    SelectionError
        If a range has no numbers or ends before it begins.

    Examples
    --------
    >>> Selection(view=("PA", "AP"), day=(0, 7)).to_where()
    'view=AP,PA; day=0..7'
    """

    view: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    sub_region: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    finding: tuple[str, ...] = ()
    sex: tuple[str, ...] = ()
    age: Range | None = None
    day: Range | None = None
    survival: tuple[str, ...] = ()
    went_icu: tuple[str, ...] = ()
    in_icu: tuple[str, ...] = ()
    intubated: tuple[str, ...] = ()
    intubation_present: tuple[str, ...] = ()
    rt_pcr: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if FILTERS[field.name].kind == "range":
                object.__setattr__(self, field.name, _check_range(field.name, value))
            else:
                object.__setattr__(self, field.name, tuple(sorted(set(value))))

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the filters in use, in the order in which they are applied."""
        return tuple(name for name in FILTERS if getattr(self, name))

    @property
    def is_empty(self) -> bool:
        """Whether no filter is in use."""
        return not self.active

    @property
    def key(self) -> str:
        """Short hash for caches, equal for equal selections."""
        return hashlib.sha256(self.to_where().encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def drop(self, name: str) -> "Selection":
        """Return the selection without one of its filters."""
        nothing: Any = None if get_filter(name).kind == "range" else ()
        return replace(self, **{name: nothing})

    def describe(self) -> list[str]:
        """Describe what each filter in use keeps, one line per filter."""
        return [describe_filter(name, getattr(self, name)) for name in self.active]

    def to_query(self) -> dict[str, list[str]]:
        """Convert the selection to parameters of an address, one per value.

        `urllib.parse.urlencode(query, doseq=True)` makes what widgets bound to the address
        write themselves.
        """
        query = {}
        for name in self.active:
            value = getattr(self, name)
            is_range = FILTERS[name].kind == "range"
            query[name] = _format_ends(name, value) if is_range else list(value)
        return query

    @classmethod
    def from_query(
        cls, query: Mapping[str, str | Sequence[str]], cohort: Cohort
    ) -> tuple["Selection", list[UnknownValue]]:
        """Read a selection from the parameters of an address.

        Parameters
        ----------
        query : mapping
            Values by parameter; what is no filter is passed over, as are blank values.
        cohort : Cohort
            Says which values there are.

        Returns
        -------
        selection : Selection
            Of what can be used.
        unknown : list of UnknownValue
            The rest, to be reported.
        """
        known: dict[str, tuple[str, ...] | Range | None] = {}
        unknown: list[UnknownValue] = []
        for name in FILTERS:
            asked = query.get(name, [])
            values = [v for v in ([asked] if isinstance(asked, str) else asked) if v]
            if not values:
                continue
            if FILTERS[name].kind == "range":
                known[name], strangers = _read_ends(cohort, name, values)
                unknown += strangers
                continue
            strangers = _find_strangers(cohort, name, values)
            unknown += strangers
            known[name] = tuple({*values} - {each.value for each in strangers})
        return cls(**known), unknown  # type: ignore[arg-type]

    def to_where(self) -> str:
        """Convert the selection to one line for the command line; see `parse_where`."""
        return "; ".join(format_term(name, getattr(self, name)) for name in self.active)


# ---- ranges


def _check_range(name: str, value: Range | None) -> Range | None:
    """Return a range as two floats, or None where both ends are open."""
    if value is None:
        return None
    low, high = float(value[0]), float(value[1])
    # Written so that NaN, which compares with nothing, fails too.
    if not (low <= high and low < math.inf and high > -math.inf):
        raise SelectionError(
            f"The range {name}={low}..{high} is empty. Give the smaller number first."
        )
    return None if math.isinf(low) and math.isinf(high) else (low, high)


def _format_ends(name: str, value: Range) -> list[str]:
    words = OPEN_ENDS[name]
    return [
        word if math.isinf(end) else format_plain_number(end)
        for word, end in zip(words, value, strict=True)
    ]


def _read_ends(
    cohort: Cohort, name: str, values: Sequence[str]
) -> tuple[Range | None, list[UnknownValue]]:
    """Read the two ends of a range as a slider does; what is not an end is open, and returned.

    Both ends on the same open one, as "oldest" to "oldest", mean the outermost number that is
    recorded.
    """
    words = dict(zip(OPEN_ENDS[name], (-math.inf, math.inf), strict=True))
    first, last = OPEN_ENDS[name]
    hint = f"Give two ends, as in {name}=5&{name}=60; {first!r} and {last!r} are open ends."
    if len(values) != 2:
        return None, [UnknownValue(name, " and ".join(values), hint)]
    read = [words.get(value, parse_number(value)) for value in values]
    strangers = [
        UnknownValue(name, value, hint)
        for value, end in zip(values, read, strict=True)
        if end is None
    ]
    ends = [
        open_end if end is None else end
        for end, open_end in zip(read, (-math.inf, math.inf), strict=True)
    ]
    low, high = min(ends), max(ends)
    numbers = list_numbers(cohort, name)
    if math.isinf(low) and low == high and numbers:
        low, high = (low, numbers[0]) if low < 0 else (numbers[-1], high)
    elif low == high and math.isinf(low):
        return None, strangers
    return (low, high), strangers


# ---- values of the cohort


def _find_strangers(cohort: Cohort, name: str, values: Sequence[str]) -> list[UnknownValue]:
    """List the values that a cohort does not have."""
    which = FILTERS[name]
    known = (
        list(FLAGS)
        if which.kind == "flags"
        else [choice.value for choice in list_choices(cohort, name)]
    )
    strangers = [value for value in dict.fromkeys(values) if value not in known]
    return [UnknownValue(name, value, _suggest(value, known)) for value in strangers]


def _suggest(value: str, known: Sequence[str]) -> str:
    """Suggest a similar value, or list the values of the cohort."""
    folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(value.casefold(), folded, n=1)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    if not known:
        return "The cohort has no value for this filter."
    more = f" and {len(known) - 8} more" if len(known) > 8 else ""
    return f"The cohort has {', '.join(map(repr, known[:8]))}{more}."


def check_selection(cohort: Cohort, selection: Selection) -> Selection:
    """Return a selection if the cohort has all its values.

    Raises
    ------
    SelectionError
        If it lacks one; the message names it and those of the cohort.
    """
    for name in selection.active:
        if FILTERS[name].kind != "range":
            for stranger in _find_strangers(cohort, name, getattr(selection, name)):
                raise SelectionError(str(stranger))
    return selection


# ---- in words


def describe_filter(name: str, value: tuple[str, ...] | Range) -> str:
    """Describe what one filter keeps: "View AP, PA", "Day up to 7", "Died"."""
    which = get_filter(name)
    if which.kind == "range":
        unit = f" {which.unit}" if which.unit else ""
        return f"{which.label} {_describe_range(float(value[0]), float(value[1]))}{unit}"
    named = [str(v) for v in value[:MOST_NAMED]]
    more = f" and {len(value) - MOST_NAMED} more" if len(value) > MOST_NAMED else ""
    if name in STATEMENTS:
        text = " or ".join(describe_value(which, each) for each in named)
        return f"{text[0].upper()}{text[1:]}{more}"
    return f"{which.label} {', '.join(named)}{more}"


def _describe_range(low: float, high: float) -> str:
    (least, has_least), (most, has_most) = split_low(low), split_high(high)
    if has_least and has_most and not math.isinf(low) and not math.isinf(high):
        return f"{format_plain_number(low)} to {format_plain_number(high)}"
    lower = f"{'from' if has_least else 'above'} {format_plain_number(least)}"
    upper = f"{'up to' if has_most else 'below'} {format_plain_number(most)}"
    ends = [lower] * (not math.isinf(low)) + [upper] * (not math.isinf(high))
    return " and ".join(ends)


# ---- the command line


def parse_where(text: str) -> Selection:
    """Read a selection from one line.

    Parameters
    ----------
    text : str
        Terms ``name=value,value`` separated by ";". A range is ``day=1..7``, both ends
        included, either of which may be left out; or written with signs: ``day<=7``, ``age>65``,
        ``0<day<8``. ``days=0..8`` are the days between, as in a task. A value with
        ``, ; =`` or a quote is written in double quotes, quotes within it doubled. In flags "-"
        can replace a space.

    Returns
    -------
    Selection
        Not compared with a cohort: see `check_selection`.

    Raises
    ------
    SelectionError
        If the line is not understood; the message names the term.

    Examples
    --------
    >>> parse_where("view=AP,PA; region=Europe; day=..7").describe()
    ['View AP, PA', 'Region Europe', 'Day up to 7']
    """
    return Selection(**read_terms(text))  # type: ignore[arg-type]


# ---- selecting


def select(cohort: Cohort, selection: Selection) -> Cohort:
    """Keep the X-rays that a selection asks for.

    Parameters
    ----------
    cohort : Cohort
    selection : Selection
        Values that the cohort does not have match no image: see `check_selection`.

    Returns
    -------
    Cohort
        With a step for rows that are no X-rays, if there are any, and a step per filter; each
        gives the number of rows left out for each reason.
    """
    steps = [] if cohort.table["is_xray"].all() else [cohort.keeping_xrays]
    for name, why in find_all_reasons(cohort, selection).items():
        label = describe_filter(str(name), getattr(selection, str(name)))
        steps.append(Keeping(why.isna(), label, why))
    return cohort.select_in_steps(steps) if steps else cohort


def find_all_reasons(cohort: Cohort, selection: Selection) -> pd.DataFrame:
    """Find why each filter in use leaves each row out.

    Returns
    -------
    DataFrame of object
        A row an image, a column a filter; None where the filter keeps the image.
    """
    reasons = {
        name: find_reasons(cohort, name, getattr(selection, name)) for name in selection.active
    }
    return pd.DataFrame(reasons, index=cohort.table.index, dtype=object)


def _find_xray_reasons(cohort: Cohort, selection: Selection) -> tuple[pd.DataFrame, pd.Series]:
    """Return `find_all_reasons` of the X-rays, and their patients."""
    xrays = cohort.table["is_xray"]
    return find_all_reasons(cohort, selection)[xrays], cohort.table.loc[xrays, "patient_id"]


def explain_out(cohort: Cohort, selection: Selection) -> pd.DataFrame:
    """Count why a selection leaves images out of a cohort.

    Returns
    -------
    DataFrame
        A row a filter and reason: filter (name), reason (words), n_images and n_patients
        (images left out for this reason first, in the order of the filters, and their
        patients, some of whom have other images left), n_only (images that no other filter
        leaves out). Filters in their order, most frequent reasons first. The n_images add
        up to all X-rays left out.
    """
    reasons, of_patients = _find_xray_reasons(cohort, selection)
    n_images: Counter[tuple[int, str]] = Counter()
    n_only: Counter[tuple[int, str]] = Counter()
    patients: dict[tuple[int, str], set[str]] = {}
    for patient, row in zip(of_patients, reasons.to_numpy(), strict=True):
        places = [place for place, reason in enumerate(row) if reason is not None]
        if places:
            why = (places[0], row[places[0]])
            n_images[why] += 1
            n_only[why] += len(places) == 1
            patients.setdefault(why, set()).add(patient)
    order = sorted(n_images, key=lambda why: (why[0], -n_images[why], why[1]))
    lines = [
        (selection.active[why[0]], why[1], n_images[why], len(patients[why]), n_only[why])
        for why in order
    ]
    columns = ["filter", "reason", "n_images", "n_patients", "n_only"]
    return pd.DataFrame(lines, columns=columns).astype(dict.fromkeys(columns[2:], "int64"))


@dataclass(frozen=True)
class Loosening:
    """Hold what would be left without one filter."""

    name: str
    label: str
    n_images: int
    n_patients: int


def find_loosening(cohort: Cohort, selection: Selection) -> list[Loosening]:
    """Find the single filters without which more images are left, the most helpful first.

    The cohort is the one before the selection; the list is empty if removing none helps.
    """
    reasons, of_patients = _find_xray_reasons(cohort, selection)
    keeps = reasons.isna()
    n_now = int(keeps.all(axis=1).sum())
    found = []
    for name in selection.active:
        left = keeps.index[keeps.drop(columns=name).all(axis=1)]
        if len(left) > n_now:
            n_patients = int(of_patients.loc[left].nunique())
            label = describe_filter(name, getattr(selection, name))
            found.append(Loosening(name, label, len(left), n_patients))
    return sorted(found, key=lambda each: -each.n_images)
