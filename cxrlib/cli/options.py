"""The options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from cxrlib.embedding.extractors import EXTRACTOR_NAMES
from cxrlib.storage.cache_folder import find_default_cache, is_checkout

__all__ = [
    "DEFAULT_CACHE",
    "CacheOption",
    "CohortsOption",
    "DataOption",
    "DeviceOption",
    "ExtractorOption",
    "Format",
    "FormatOption",
    "TrustOption",
    "WeightsOption",
    "WhereOption",
]


class Format(StrEnum):
    """How results are written."""

    text = "text"
    json = "json"


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="CXR_DATA",
        help="Cohort folder with metadata.csv and images/; the demo cohort where none is named.",
    ),
]
CohortsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        envvar="CXR_DATA",
        help="Cohort folder; repeat it for several, the first is opened on. The demo is always "
        "there as well.",
    ),
]
DEFAULT_CACHE = find_default_cache()


def _announce_cache(cache: Path) -> Path:
    """Return the folder; name it where nobody chose it and it is not the checkout's own."""
    if cache == DEFAULT_CACHE and not is_checkout():
        typer.echo(f"Results are kept in {cache} (--cache or CXR_CACHE names another).", err=True)
    return cache


CacheOption = Annotated[
    Path,
    typer.Option(
        "--cache",
        envvar="CXR_CACHE",
        callback=_announce_cache,
        show_default="cache/ of a checkout, else the user's cache folder",
        help="Folder of everything computed.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="Text or JSON.")]


def _check_extractor(name: str) -> str:
    """Return an extractor's name, or say which there are."""
    if name not in ("auto", *EXTRACTOR_NAMES):
        raise typer.BadParameter(f"{name!r} is not one of: auto, {', '.join(EXTRACTOR_NAMES)}.")
    return name


ExtractorOption = Annotated[
    str,
    typer.Option(
        "--extractor",
        callback=_check_extractor,
        help="auto (the pretrained network if its weights are here, else texture) or one of: "
        + ", ".join(EXTRACTOR_NAMES),
    ),
]
WeightsOption = Annotated[
    Path | None, typer.Option("--weights", help="Weights file of the network.")
]
TrustOption = Annotated[
    str | None,
    typer.Option(
        "--trust-sha256",
        help="SHA-256 of a pickled weights file you trust: unpickling runs code from the file.",
    ),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option("--device", help="Where the network runs; auto takes the fastest there is."),
]

WhereOption = Annotated[
    str,
    typer.Option(
        "--where",
        help="Choose images, as the dashboard's filters do: "
        '"view=AP,PA; region=Europe; day=..7; without=near-duplicate".',
    ),
]
