"""The commands ``demo`` and ``info``: make a cohort, count a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from cxrlib.catalogue import split_paths
from cxrlib.cli.messages import reported_errors, tell_problems, write_result
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, DataOption, Format, FormatOption
from cxrlib.cohort import Cohort, count_cohort, load_cohort
from cxrlib.errors import CohortError
from cxrlib.progress import ProgressLine
from cxrlib.store import Store

__all__ = ["load_named", "register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(demo)
    app.command()(info)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    seed: Annotated[int | None, typer.Option(help="Another seed makes other patients.")] = None,
    patients: Annotated[int, typer.Option(help="Number of patients.", min=24)] = 250,
) -> None:
    """Generate the synthetic demo cohort."""
    with reported_errors("nothing was written"):
        root = _generate_demo(folder, seed=seed, n_patients=patients)
        typer.echo(str(root))


def info(
    data: DataOption = None, cache: CacheOption = DEFAULT_CACHE, form: FormatOption = Format.text
) -> None:
    """Count what a cohort holds and name what cannot be used."""
    with reported_errors():
        cohort = load_named(data, cache)
        counts = count_cohort(cohort)
        write_result(counts, form, extra={"problems": cohort.problems.to_dict("records")})
        if form is Format.text:
            tell_problems(cohort)


def load_named(data: Path | None, cache: Path) -> Cohort:
    """Load the named cohort, or generate and load the demo."""
    if data is not None and not data.exists() and len(split_paths(str(data))) > 1:
        raise CohortError(
            f"CXR_DATA names several cohorts ({str(data)!r}). This command takes one: name it with "
            "--data."
        )
    store = Store(cache)
    root = data or _generate_demo(cache / "demo", seed=None, n_patients=250)
    return load_cohort(root, store=store, on_progress=ProgressLine())


def _generate_demo(folder: Path, *, seed: int | None, n_patients: int) -> Path:
    """Generate the demo unless it is there; only now import what draws it."""
    from cxrlib.synthetic import generate_demo

    options = {} if seed is None else {"seed": seed}
    return generate_demo(folder, n_patients=n_patients, on_progress=ProgressLine(), **options)
