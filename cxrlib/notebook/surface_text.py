"""A map's density layer in one text, as the command line and notebooks name it."""

import re
from typing import Literal, get_args

from cxrlib.cohort import parse_number
from cxrlib.errors import SelectionError
from cxrlib.maps import DEFINITIONS, SEVERITIES, VIEWS, SurfaceWish

SurfaceKind = Literal["density", "share", "none"]
NONE = "none"
_SEVERITY = re.compile(r"(severity|geographic|extent|opacity)[\s_a-z]*(?:>=|=|≥|\s)\s*(\S+)")


def read_surface(
    state: str,
    *,
    kind: SurfaceKind = "density",
    within: str | None = None,
) -> SurfaceWish:
    """Read the density layer as written on the command line.

    Raises
    ------
    SelectionError
        If there is no such definition or view, or a threshold is no number.

    Examples
    --------
    >>> read_surface("icu-tube-or-death").definition, read_surface("opacity>=3").at_least
    ('ICU, tube or death', 3.0)
    """
    if kind not in get_args(SurfaceKind) or _fold(state) == NONE:
        kind = "none"
    if within is not None and within not in VIEWS:
        raise SelectionError(f"There is no view {within[:60]!r} on a map: use {', '.join(VIEWS)}.")
    wish = SurfaceWish(kind=kind, view=within)
    if kind == "none":
        return wish
    folded = {_fold(name): name for name in DEFINITIONS}
    folded |= {"with deaths": "ICU, tube or death"}
    folded |= dict.fromkeys(("filter", "filters"), "current filter")
    if name := folded.get(_fold(state)):
        return SurfaceWish(kind, name, view=within)
    found = _SEVERITY.fullmatch(state.strip().casefold())
    at_least = None if found is None else parse_number(found[2])
    if found is None or at_least is None:
        raise SelectionError(
            f"State {state[:60]!r} is not known. Use one of: "
            f"{', '.join(repr(each) for each in DEFINITIONS if each != 'severity')}, "
            "'extent>=4', 'opacity>=3', 'none'."
        )
    score = "opacity_mean" if found[1] == "opacity" else next(iter(SEVERITIES))
    return SurfaceWish(kind, "severity", score, at_least, within)


def _fold(text: str) -> str:
    """Fold a name so that hyphens, commas and capitals make no difference."""
    return " ".join(re.split(r"[\s,_-]+", text.strip().casefold()))
