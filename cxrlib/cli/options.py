"""The options that several commands share."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from cxrlib.embedding import list_own_sets
from cxrlib.embedding.extractors import EXTRACTOR_NAMES, list_extractor_names
from cxrlib.storage import Store, find_default_cache, is_checkout

__all__ = [
    "DEFAULT_CACHE",
    "CacheOption",
    "CohortsOption",
    "DataOption",
    "ExtractorOptions",
    "Format",
    "FormatOption",
    "WhereOption",
    "check_extractor",
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
TestOnOption = Annotated[
    Path | None,
    typer.Option(
        "--test-on",
        help="Folder of a second cohort: train on --data, test on this one. Nobody is on both "
        "sides.",
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


def check_extractor(name: str, cache: Path) -> str:
    """Return the name of an extractor, or of a stored set of a cache; refuse any other."""
    names = ("auto", *list_extractor_names())
    own = [] if name in names else [each.name for each in list_own_sets(Store(cache))]
    if name not in (*names, *own):
        raise typer.BadParameter(
            f"{name!r} is not one of: {', '.join([*names, *own])}.",
            param_hint="'--extractor'",
        )
    return name


@dataclass(frozen=True)
class ExtractorOptions:
    """Options for how images are embedded."""

    extractor: Annotated[
        str,
        typer.Option(
            help="auto (the pretrained network if its weights are on this machine, else texture) "
            "or one of: " + ", ".join(EXTRACTOR_NAMES) + "; one that an installed package brings; "
            "or a stored feature set (features list).",
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
