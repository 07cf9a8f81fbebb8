"""The syntax of filters on the command line: ``view=AP,PA; age=20..60``."""

import difflib
import math

from cxrlib.cohort import parse_number
from cxrlib.errors import SelectionError
from cxrlib.quality import FLAGS
from cxrlib.selection.filters import FILTERS, format_plain_number

Range = tuple[float, float]
Term = tuple[str, ...] | Range

ALIASES = {"license": "licence", "offset": "day", "rt_pcr_positive": "rt_pcr"}


def format_term(name: str, value: Term) -> str:
    """Format one filter; an open end of a range is left out.

    Examples
    --------
    >>> format_term("age", (20.0, math.inf)), format_term("country", ("Korea, South", "Peru"))
    ('age=20..', 'country="Korea, South",Peru')
    """
    if FILTERS[name].kind != "range":
        return f"{name}={','.join(_quote(str(each)) for each in value)}"
    low, high = ("" if math.isinf(float(end)) else format_plain_number(float(end)) for end in value)
    return f"{name}={low}..{high}"


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
        name, value = _split_term(term)
        if name in terms:
            raise SelectionError(
                f"The filter {name!r} is given twice. Give it once, its values separated by commas."
            )
        if FILTERS[name].kind == "range":
            terms[name] = _parse_range(name, value)
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


def _split_term(term: str) -> tuple[str, str]:
    """Split name=value; return the filter's own name."""
    name, equals, value = term.partition("=")
    name = name.strip().casefold().replace("-", "_").replace(" ", "_")
    name = ALIASES.get(name, name)
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


def _parse_range(name: str, text: str) -> Range:
    """Read from..to."""
    low, dots, high = text.partition("..")
    ends = [
        open_end if not part.strip() else parse_number(part)
        for part, open_end in ((low, -math.inf), (high, math.inf))
    ]
    if not dots or ends[0] is None or ends[1] is None:
        raise SelectionError(
            f"The range {name}={text[:60]} is not understood. Write {name}=20..60, {name}=20.. "
            f"or {name}=..60."
        )
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
