"""What ``map`` takes from the command line: a bad state, patients, rows, a reference, settings."""

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from cxrlib.cohort.metadata import parse_number
from cxrlib.errors import SelectionError
from cxrlib.maps.bad_state_definitions import DEFINITIONS, SEVERITIES
from cxrlib.maps.map_settings import VIEWS
from cxrlib.maps.surfaces import SurfaceWish

__all__ = [
    "BandwidthOption",
    "ColourOption",
    "FitOption",
    "PatientOption",
    "PatientsOption",
    "ReferenceOption",
    "RowsOption",
    "StateOption",
    "SurfaceKind",
    "SurfaceOption",
    "WithinOption",
    "list_patients_asked",
    "read_surface",
]

SurfaceKind = Literal["density", "share", "none"]
NONE = "none"
_SEVERITY = re.compile(r"(severity|geographic|extent|opacity)[\s_a-z]*(?:>=|=|≥|\s)\s*(\S+)")

StateOption = Annotated[
    str,
    typer.Option(
        "--state",
        help="What is bad in the shading: 'ICU or tube' (the paper's), ICU, tube, 'ICU, tube or "
        "death', 'extent>=4' or 'opacity>=3' (severity scores), filters (what --where keeps), or "
        "none for no shading. Hyphens can stand for spaces.",
    ),
]
SurfaceOption = Annotated[
    SurfaceKind,
    typer.Option(
        "--surface", help="Shading: density of bad images, or their share among known ones."
    ),
]
WithinOption = Annotated[
    str | None, typer.Option("--within", help="Shade by images of this view only, such as AP.")
]
BandwidthOption = Annotated[
    float | None,
    typer.Option(
        "--bandwidth",
        help="Of the shading, in map units; by default the paper's 1, or with --method pca the "
        "same share of the map's spread.",
    ),
]
ColourOption = Annotated[
    str,
    typer.Option(
        "--colour",
        "--color",
        help="What points are coloured by: state, view, region, source, age, ... or 'output NAME'.",
    ),
]
PatientOption = Annotated[
    list[str] | None, typer.Option("--patient", help="Draw this patient's path; repeatable.")
]
PatientsOption = Annotated[
    str, typer.Option("--patients", help="Draw these patients' paths, parted by commas: 178,205.")
]
RowsOption = Annotated[
    str,
    typer.Option(
        "--rows",
        help="Ring the images in these rows of metadata.csv (the header is row 1), as in the "
        "page's address: 12-15,40. A .parquet then holds these only.",
    ),
]
ReferenceOption = Annotated[
    Path | None,
    typer.Option(
        "--reference",
        help="Folder of a second cohort, embedded by the same extractor: drawn behind, counted "
        "nowhere.",
    ),
]
FitOption = Annotated[
    Literal["placed", "fitted"],
    typer.Option(
        "--reference-fit",
        help="A second cohort is placed by its nearest images, or fitted with the map, which is "
        "then another one (the paper's way).",
    ),
]


def read_surface(
    state: str,
    *,
    kind: SurfaceKind = "density",
    within: str | None = None,
) -> SurfaceWish:
    """Read what is bad, as written on the command line.

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
            f"A bad state is not defined by {state[:60]!r}. There are "
            f"{', '.join(repr(each) for each in DEFINITIONS if each != 'severity')}, "
            "'extent>=4', 'opacity>=3' and 'none'."
        )
    score = "opacity_mean" if found[1] == "opacity" else next(iter(SEVERITIES))
    return SurfaceWish(kind, "severity", score, at_least, within)


def _fold(text: str) -> str:
    """Write a name so that hyphens, commas and capitals make no difference."""
    return " ".join(re.split(r"[\s,_-]+", text.strip().casefold()))


def list_patients_asked(patient: list[str] | None, patients: str) -> list[str]:
    """Join both ways to name patients, each once.

    Examples
    --------
    >>> list_patients_asked(["178"], "205, 178")
    ['178', '205']
    """
    parted = [each.strip() for each in patients.split(",")]
    return list(dict.fromkeys([*(patient or []), *filter(None, parted)]))
