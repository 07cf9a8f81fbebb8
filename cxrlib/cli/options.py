"""The options that several commands share."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from cxrlib.embedding.extractors import EXTRACTOR_NAMES
from cxrlib.storage import find_default_cache, is_checkout

__all__ = [
    "DEFAULT_CACHE",
    "CacheOption",
    "CohortsOption",
    "DataOption",
    "ExtractorOptions",
    "Format",
    "FormatOption",
    "WhereOption",
    "take_groups",
]


class Format(StrEnum):
    """Formats of results."""

    text = "text"
    json = "json"


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="CXR_DATA",
        help="Cohort folder with metadata.csv and images/. Default: the demo cohort.",
    ),
]
CohortsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        envvar="CXR_DATA",
        help="Cohort folder; repeatable, the first is shown first. The demo cohort is always "
        "included.",
    ),
]
DEFAULT_CACHE = find_default_cache()


def _announce_cache(cache: Path) -> Path:
    """Return the folder; print it where it is the default outside a checkout."""
    if cache == DEFAULT_CACHE and not is_checkout():
        typer.echo(f"Results are kept in {cache} (change it with --cache or CXR_CACHE).", err=True)
    return cache


CacheOption = Annotated[
    Path,
    typer.Option(
        "--cache",
        envvar="CXR_CACHE",
        callback=_announce_cache,
        show_default="cache/ of a checkout, else the user's cache folder",
        help="Folder for computed results.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="Text or JSON.")]


def _check_extractor(name: str) -> str:
    """Return an extractor's name, or refuse it."""
    if name not in ("auto", *EXTRACTOR_NAMES):
        raise typer.BadParameter(f"{name!r} is not one of: auto, {', '.join(EXTRACTOR_NAMES)}.")
    return name


@dataclass(frozen=True)
class ExtractorOptions:
    """Options for how images are embedded."""

    extractor: Annotated[
        str,
        typer.Option(
            callback=_check_extractor,
            help="auto (the pretrained network if its weights are on this machine, else texture) "
            "or one of: " + ", ".join(EXTRACTOR_NAMES),
        ),
    ] = "auto"
    weights: Annotated[Path | None, typer.Option(help="Weights file of the network.")] = None
    trust_sha256: Annotated[
        str | None,
        typer.Option(
            help="SHA-256 of a pickled weights file you trust: unpickling runs code from the file.",
        ),
    ] = None
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        typer.Option(help="Device for the network; auto takes the fastest available."),
    ] = "auto"


WhereOption = Annotated[
    str,
    typer.Option(
        "--where",
        help="Filter images, as in the dashboard: "
        '"view=AP,PA; region=Europe; days<=7; without=near-duplicate". Days as in --task: days<=7, '
        "0<days<8, day=1..7 (ends included), days=0..8 (between).",
    ),
]


def take_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take options by the group.

    A parameter whose type is a dataclass stands for its fields, which become options in its
    place.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name not in groups:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
            continue
        types = get_type_hints(groups[name], include_extras=True)
        parameters += [
            Parameter(
                each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=types[each.name]
            )
            for each in fields(groups[name])
        ]

    @wraps(command)
    def run(**values: object) -> None:
        for name, kind in groups.items():
            values[name] = kind(**{each.name: values.pop(each.name) for each in fields(kind)})
        command(**values)

    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
