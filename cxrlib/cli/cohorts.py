"""The commands ``demo`` and ``info``: generate the demo cohort, count a cohort."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cxrlib import NOTICE
from cxrlib.cli.messages import (
    EXIT_PARTLY,
    print_lacks,
    print_problems,
    print_readings,
    print_result,
    reported_errors,
    visible,
)
from cxrlib.cli.options import (
    DEFAULT_CACHE,
    CacheOption,
    DataOption,
    Format,
    FormatOption,
    WhereOption,
)
from cxrlib.cohort import (
    Cohort,
    count_cohort,
    is_lacking,
    join_cohorts,
    list_lacking_columns,
    list_missing_files,
    split_paths,
    write_template,
)
from cxrlib.errors import CohortError
from cxrlib.notebook import DEMO_PATIENTS, load_cohort, load_demo, make_demo
from cxrlib.selection import Selection, check_selection, explain_out, parse_where, select
from cxrlib.storage import Store

__all__ = ["choose_images", "describe_cohort", "load_named", "load_tested", "register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(demo)
    app.command()(template)
    app.command()(info)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to create.")],
    seed: Annotated[int | None, typer.Option(help="Another seed gives other patients.")] = None,
    patients: Annotated[int, typer.Option(help="Number of patients.", min=24)] = DEMO_PATIENTS,
) -> None:
    """Generate the synthetic demo cohort."""
    with reported_errors("nothing was written"):
        root = make_demo(folder, seed=seed, n_patients=patients)
        typer.echo(str(root))


def template(
    folder: Annotated[Path, typer.Argument(help="Folder to create.")],
) -> None:
    """Write an empty cohort to fill: metadata.csv with its header, images/, and what goes where."""
    with reported_errors("nothing was written"):
        typer.echo(str(write_template(folder)))
        typer.echo(
            "Put your images into images/ and a row for each into metadata.csv; columns.md says "
            f"what each column means. Then: python -m cxrlib info --data {folder}",
            err=True,
        )


def info(
    data: DataOption = None,
    where: WhereOption = "",
    cache: CacheOption = DEFAULT_CACHE,
    form: FormatOption = Format.text,
) -> None:
    """Count the images and patients of a cohort, filtered or not; list problems of its files.

    Ends with code 3 where it has no X-ray, no file that can be used, or no value in the column
    view, finding or offset.
    """
    with reported_errors():
        selection = parse_where(where)
        cohort = load_named(data, cache)
        chosen = choose_images(cohort, selection)
        extra: dict[str, Any] = {
            "notes": list(cohort.notes),
            "problems": cohort.problems.to_dict("records"),
            "readings": cohort.readings.to_dict("records"),
            "missing_files": list_missing_files(cohort).to_dict("records"),
            "lacking_columns": list_lacking_columns(cohort).to_dict("records"),
            "extra_columns": [asdict(column) for column in cohort.extra],
        }
        if not selection.is_empty:
            extra["where"] = selection.to_where()
            extra["left_out"] = explain_out(cohort, selection).to_dict("records")
        print_result(count_cohort(chosen), form, extra=extra)
        if form is Format.text:
            for note in cohort.notes:
                typer.echo(visible(f"Note: {note}"))
            for column in cohort.extra:
                typer.echo(visible(f"Extra column {column.name!r}: {column.describe()}"))
            print_readings(cohort)
            print_problems(cohort)
            print_lacks(cohort)
        if is_lacking(cohort):
            raise typer.Exit(EXIT_PARTLY)


def choose_images(cohort: Cohort, selection: Selection) -> Cohort:
    """Apply filters; a value that the cohort does not have is refused."""
    if selection.is_empty:
        return cohort
    check_selection(cohort, selection)
    return select(cohort, selection)


def load_named(data: Path | None, cache: Path) -> Cohort:
    """Load the named cohort, or generate and load the demo."""
    if data is not None and not data.exists() and len(split_paths(str(data))) > 1:
        raise CohortError(
            f"CXR_DATA names several cohorts ({str(data)!r}). This command takes one: name it with "
            "--data."
        )
    return load_demo(cache=cache) if data is None else load_cohort(data, cache=cache)


def load_tested(data: Path | None, test_on: Path | None, cache: Path) -> Cohort:
    """Load the named cohort; joined with a second one to test on where that is named."""
    cohort = load_named(data, cache)
    if test_on is None:
        return cohort
    return join_cohorts(cohort, load_named(test_on, cache), store=Store(cache))


def describe_cohort(cohort: Cohort) -> dict[str, Any]:
    """Describe the cohort that numbers written as JSON belong to, the notice first."""
    return {
        "notice": NOTICE,
        "name": cohort.name,
        "fingerprint": cohort.fingerprint,
        "is_synthetic": cohort.is_synthetic,
        **({"cohort_notes": list(cohort.notes)} if cohort.notes else {}),
        "date": date.today().isoformat(),
    }
