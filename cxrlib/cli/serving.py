"""The command ``serve``: prepare the first cohort, then run the dashboard."""

import os
import runpy
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cxrlib.cli.cohorts import load_named
from cxrlib.cli.maps import choose_extractor_name, embed_cohort
from cxrlib.cli.messages import reported_errors, visible
from cxrlib.cli.options import (
    DEFAULT_CACHE,
    CacheOption,
    CohortsOption,
    ExtractorOptions,
    check_extractor,
    take_groups,
)
from cxrlib.cohort import METADATA_FILE, Cohort, join_paths
from cxrlib.embedding.extractors import ExtractorInfo, find_weights
from cxrlib.errors import CohortError, SelectionError
from cxrlib.jobs import TRUST_VARIABLE
from cxrlib.maps import default_settings, explain_no_map, find_maps, load_map
from cxrlib.notebook import map_images
from cxrlib.storage import Store, hash_file, is_checkout
from cxrlib.system import PACKAGE_FOLDER
from cxrlib.uploads import ALLOW_VARIABLE, WEIGHTS_VARIABLE

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(take_groups(serve))


def serve(
    *,
    data: CohortsOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    embedding: ExtractorOptions,
    cache: CacheOption = DEFAULT_CACHE,
    allow_uploads: Annotated[
        bool,
        typer.Option(
            "--allow-uploads",
            help="Let visitors place their own X-ray on the map. It is read in memory by "
            "a separate process and never stored.",
        ),
    ] = False,
) -> None:
    """Embed and map the first cohort where needed, then serve the dashboard."""
    with reported_errors():
        check_extractor(embedding.extractor, cache)
        _check_port(port)
        others = [_check_cohort(path) for path in (data or [])[1:]]
        cohort = load_named(data[0] if data else None, cache)
        paths = join_paths([cohort.root, *others])
        store = Store(cache)
        # Resolved once: "auto" says on standard error what it takes.
        embedding = replace(embedding, extractor=choose_extractor_name(embedding))
        ready = _find_ready(cohort, store, embedding.extractor, embedding.weights)
        used = ready
        if used is None:
            _, used = embed_cohort(cohort, store, embedding)
            if reason := explain_no_map(cohort):  # the other pages work without
                typer.echo(visible(reason), err=True)
            else:
                map_images(cohort, used, store, default_settings(cohort))
    os.environ["CXR_DATA"] = paths
    os.environ["CXR_CACHE"] = str(cache.resolve())
    os.environ["CXR_EXTRACTOR"] = used.key
    # What the shell happens to hold allows nothing: only the option does.
    os.environ[ALLOW_VARIABLE] = "1" if allow_uploads else "0"
    if embedding.weights is not None:
        os.environ[WEIGHTS_VARIABLE] = str(embedding.weights.resolve())
    if embedding.trust_sha256 is not None:  # a job's record alone cannot make a pickle trusted
        os.environ[TRUST_VARIABLE] = embedding.trust_sha256
    typer.echo(f"Serving {cohort.name} on http://localhost:{port} (stop with Ctrl+C)")
    sys.stdout.flush()
    _run_server(port, in_this_process=ready is not None)


def _check_cohort(path: Path) -> Path:
    """Return a folder, resolved; raise where it is no cohort, before anything is computed."""
    if not (path / METADATA_FILE).is_file():
        raise CohortError(
            f"There is no {METADATA_FILE} in {str(path)!r}. Give a folder in the collection's "
            "layout, or omit this --data."
        )
    return path.resolve()


def _run_server(port: int, *, in_this_process: bool) -> None:
    """Run Streamlit; in this process where nothing heavy was imported, which saves a second."""
    main_script = _find_dashboard() / "app.py"
    os.chdir(main_script.parent)  # Streamlit looks for its settings here, Python for `ui`
    options = ["run", str(main_script), "--server.port", str(port)]
    if in_this_process:
        sys.argv = ["streamlit", *options]
        runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    else:
        os.execv(sys.executable, [sys.executable, "-m", "streamlit", *options])  # noqa: S606


def _find_dashboard() -> Path:
    """Find the folder of the dashboard's main script: the checkout, or the installed package's."""
    return PACKAGE_FOLDER if is_checkout() else PACKAGE_FOLDER / "cxrlib" / "dashboard"


def _check_port(port: int) -> None:
    """Raise if a port is in use, before anything is computed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError as error:
            raise SelectionError(
                f"Port {port} cannot be used: {error.strerror}. Choose another: make app PORT=8600 "
                "or serve --port 8600."
            ) from error


def _find_ready(
    cohort: Cohort, store: Store, name: str, weights: Path | None
) -> ExtractorInfo | None:
    """Return the extractor if every image is embedded and mapped: then nothing is to be done."""
    sha256 = _hash_weights(name, weights)
    for info in find_maps(cohort, store, settings=default_settings(cohort), names=(name,)):
        if sha256 in (None, info.weights_sha256):
            mapped = load_map(cohort, store, settings=default_settings(cohort), extractor=info.key)
            if mapped.is_complete:
                return info
    return None


def _hash_weights(name: str, weights: Path | None) -> str | None:
    """Hash the weights file that would be used; None where the extractor has none."""
    path = weights or find_weights(name)
    return None if path is None or not path.is_file() else hash_file(path)
