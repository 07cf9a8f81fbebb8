"""The syntax of filters on the command line: ``view=AP,PA; age=20..60``."""

import difflib
import math

from cxrlib.cohort import parse_number
from cxrlib.errors import SelectionError
from cxrlib.quality import FLAGS
from cxrlib.selection.filters import FILTERS, format_plain_number
from cxrlib.selection.range_ends import (
    exclude_high,
    exclude_low,
    read_comparison,
    split_high,
    split_low,
)

Range = tuple[float, float]
Term = tuple[str, ...] | Range

ALIASES = {"license": "licence", "offset": "day", "days": "day", "rt_pcr_positive": "rt_pcr"}
BETWEEN = "days"
"""As in a task, days=0..8 are those between; of any other range both ends belong to it."""


def format_term(name: str, value: Term) -> str:
    """Format one filter; an open end of a range is left out.

    Examples
    --------
    >>> format_term("age", (20.0, math.inf)), format_term("country", ("Korea, South", "Peru"))
    ('age=20..', 'country="Korea, South",Peru')
    >>> format_term("day", (exclude_low(0.0), 7.0))
    '0<day<=7'
    """
    if FILTERS[name].kind != "range":
        return f"{name}={','.join(_quote(str(each)) for each in value)}"
    least, most = float(value[0]), float(value[1])
    (low, has_low), (high, has_high) = split_low(least), split_high(most)
    if has_low and has_high:
        ends = ("" if math.isinf(end) else format_plain_number(end) for end in (least, most))
        return f"{name}={'..'.join(ends)}"
    below = f"<{'=' * has_high}{format_plain_number(high)}" if not math.isinf(high) else ""
    if math.isinf(low):
        return f"{name}{below}"
    if not below:
        return f"{name}>{'=' * has_low}{format_plain_number(low)}"
    return f"{format_plain_number(low)}<{'=' * has_low}{name}{below}"


def _quote(value: str) -> str:
    """Put a value into double quotes where it would be misread without them."""
    if value != value.strip() or not value or any(sign in value for sign in ',;="'):
        return '"' + value.replace('"', '""') + '"'
    return value


def read_terms(text: str) -> dict[str, Term]:
    """Read filters by name from a line.

    Parameters
    ----------
    text : str
        See `cxrlib.selection.parse_where`.

    Raises
    ------
    SelectionError
        If the line is not understood; the message names the term.
    """
    terms: dict[str, Term] = {}
    for term in _split(text, ";"):
        if not term.strip():
            continue
        compared = _read_compared(term)
        name, value = _split_term(term) if compared is None else (compared[0], "")
        if name in terms:
            raise SelectionError(
                f"The filter {name!r} is given twice. Give it once, its values separated by commas."
            )
        if compared is not None:
            terms[name] = compared[1:]
        elif FILTERS[name].kind == "range":
            is_between = term.partition("=")[0].strip().casefold() == BETWEEN
            terms[name] = _parse_range(name, value, is_between=is_between)
        else:
            terms[name] = _parse_values(name, value)
    return terms


def _split(text: str, mark: str) -> list[str]:
    """Split text at a mark, but not within double quotes."""
    parts, within = [""], False
    for sign in text:
        within ^= sign == '"'
        if sign == mark and not within:
            parts.append("")
        else:
            parts[-1] += sign
    if within:
        raise SelectionError(f"A double quote in {text[:80]!r} is not closed. Close it.")
    return parts


def _read_compared(term: str) -> tuple[str, float, float] | None:
    """Read a range written with signs, such as day<=7; None for any other term."""
    compared = read_comparison(term)
    if compared is None:
        return None
    name = _spell(compared[0])
    if name not in FILTERS or FILTERS[name].kind != "range":
        ranges = ", ".join(each for each in FILTERS if FILTERS[each].kind == "range")
        raise SelectionError(
            f"{term.strip()[:80]!r} compares what is no number. Ranges are {ranges}."
        )
    return name, *compared[1:]


def _spell(name: str) -> str:
    """Return a filter's own name."""
    name = name.strip().casefold().replace("-", "_").replace(" ", "_")
    return ALIASES.get(name, name)


def _split_term(term: str) -> tuple[str, str]:
    """Split name=value; return the filter's own name."""
    name, equals, value = term.partition("=")
    name = _spell(name)
    if not equals or not value.strip():
        raise SelectionError(
            f"The filter {term.strip()[:80]!r} has no value. Write name=value, as in "
            "'view=AP,PA; age=20..60'."
        )
    if name not in FILTERS:
        near = difflib.get_close_matches(name, FILTERS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(FILTERS)}."
        raise SelectionError(f"There is no filter {name[:60]!r}. {hint}")
    return name, value.strip()


def _parse_range(name: str, text: str, *, is_between: bool) -> Range:
    """Read from..to; `is_between`: neither end belongs to it."""
    low, dots, high = text.partition("..")
    ends = [
        open_end if not part.strip() else parse_number(part)
        for part, open_end in ((low, -math.inf), (high, math.inf))
    ]
    if not dots or ends[0] is None or ends[1] is None:
        raise SelectionError(
            f"The range {name}={text[:60]} is not understood. Write {name}=20..60, {name}=20.. "
            f"or {name}=..60, both ends included, or {name}<60."
        )
    if is_between:
        return exclude_low(ends[0]), exclude_high(ends[1])
    return ends[0], ends[1]


def _parse_values(name: str, text: str) -> tuple[str, ...]:
    """Read values separated by commas, some of them in quotes."""
    values = []
    for part in _split(text, ","):
        value = part.strip()
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = value[1:-1].replace('""', '"')
        if name == "without" and value not in FLAGS:
            value = value.replace("-", " ")
        if not value:
            raise SelectionError(
                f"The filter {name}={text[:60]} has a blank value. Remove the comma, or write "
                "'not recorded'."
            )
        values.append(value)
    return tuple(values)
