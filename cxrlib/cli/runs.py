"""The commands ``runs`` and ``compare``: the runs of a cohort, and two of them in pairs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pandas as pd
import typer

from cxrlib.cli.cohorts import load_tested
from cxrlib.cli.loco import check_folder, write_bytes
from cxrlib.cli.messages import EXIT_ERROR, EXIT_PARTLY, reported_errors, visible
from cxrlib.cli.options import DEFAULT_CACHE, CacheOption, DataOption, TestOnOption
from cxrlib.cohort import Cohort, LabelFile, attach_labels, read_label_file
from cxrlib.errors import SelectionError
from cxrlib.reports import (
    csv_with_header,
    format_document,
    list_provenance,
    make_comparison_document,
    make_runs_document,
)
from cxrlib.storage import Store

if TYPE_CHECKING:
    from cxrlib.baselines.features import Features
    from cxrlib.baselines.runs import Run, RunEntry

__all__ = ["register"]

# Spelled out for the help; a test compares them with the library's.
Sort = Literal[
    "run", "made", "task", "outcome", "features", "estimator", "protocol", "held_out", "strict",
    "removal", "filters", "fold", "metric", "value", "low", "high", "reason", "n_images",
    "n_persons", "seconds", "kept", "note",
]  # fmt: skip
SHOWN = ("run", "made", "task", "features", "estimator", "protocol", "held_out", "filters")
WIDEST = 40  # signs of a cell of the table on a terminal


class ListFormat(StrEnum):
    """How runs and differences are written."""

    table = "table"
    csv = "csv"
    json = "json"


FormatChoice = Annotated[
    ListFormat, typer.Option("--format", help="table: to read; csv or json: all that is known.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="File to write instead of standard output.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Id of a run, or how it begins; runs lists them.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(runs)
    app.command()(compare)


def runs(
    data: DataOption = None,
    test_on: TestOnOption = None,
    task: Annotated[
        str, typer.Option(help="Only runs of this task, written as for loco; by default of all.")
    ] = "",
    text: Annotated[
        str, typer.Option(help="Only runs whose description, id or note has these words.")
    ] = "",
    sort: Annotated[Sort, typer.Option(help="Column to sort by.")] = "made",
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    note: Annotated[
        list[str] | None,
        typer.Option(metavar="RUN=TEXT", help="Note on a run; a blank text takes it away."),
    ] = None,
    form: FormatChoice = ListFormat.table,
    out: OutOption = None,
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """List all runs that were made on a cohort, by command, page and notebook."""
    with reported_errors():
        check_folder(out)
        # Imported here: they bring scikit-learn's neighbours, which --help need not wait for.
        from cxrlib.baselines.runs import filter_entries, list_runs, tabulate_runs
        from cxrlib.baselines.tasks import read_task

        asked = read_task(task) if task else None
        cohort, store = load_tested(data, test_on, cache), Store(cache)
        _write_notes(store, list_runs(store, cohort.fingerprint), note or [])
        entries = list_runs(store, cohort.fingerprint)
        kept = filter_entries(entries, text=text, task=asked)
        if not kept:
            raise SelectionError(_describe_none(len(entries)))
        table = tabulate_runs(kept)
        table = table.sort_values(sort, ascending=not descending, kind="stable")
        if form is ListFormat.json:
            by_id = {entry.id: entry for entry in kept}
            listed = [by_id[run_id] for run_id in table["run"]]
            document = make_runs_document(cohort, listed, len(entries))
            write_bytes(format_document(document) + b"\n", out)
        elif form is ListFormat.csv:
            write_bytes(csv_with_header(table, list_provenance(cohort)), out)
        else:
            write_bytes(_format_table(_shorten_runs(table)), out)
        _tell(store, cohort, kept, len(entries))


def compare(
    first: RunArgument,
    second: RunArgument,
    data: DataOption = None,
    test_on: TestOnOption = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(help="Label file that a run was made with; repeatable."),
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(help="Feature file that a run was made of; repeatable."),
    ] = None,
    form: FormatChoice = ListFormat.table,
    out: OutOption = None,
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Compare two runs of one outcome on the images that both have: first minus second.

    Both are scored on the same resamples of patients. Days, views, filters, features and models
    may differ.
    """
    with reported_errors():
        check_folder(out)
        from cxrlib.baselines.features import read_feature_file
        from cxrlib.baselines.runs import compare_runs, find_entry, list_runs

        label_files = {each.name: each for each in map(read_label_file, labels or [])}
        feature_files = {each.name: each for each in map(read_feature_file, features or [])}
        cohort, store = load_tested(data, test_on, cache), Store(cache)
        entries = list_runs(store, cohort.fingerprint)
        pair = (find_entry(entries, first), find_entry(entries, second))
        _check_used(pair, label_files, feature_files)
        found = compare_runs(
            *(_take_run(cohort, store, entry, label_files, feature_files) for entry in pair)
        )
        if form is ListFormat.json:
            document = make_comparison_document(cohort, found, pair)
            write_bytes(format_document(document) + b"\n", out)
        if found.table is None:
            typer.echo(visible(f"Error: {found.reason}"), err=True)
            raise typer.Exit(EXIT_ERROR)
        words = [f"Run {entry.id}: {entry.words}" for entry in pair]
        if form is ListFormat.csv:
            lines = [*list_provenance(cohort), *words, found.describe_images(), *found.remarks]
            write_bytes(csv_with_header(found.table, lines), out)
        elif form is ListFormat.table:
            write_bytes(_format_table(_shorten_differences(found.table)), out)
        for line in (*words, "First minus second.", found.describe_images(), *found.remarks):
            typer.echo(visible(line), err=True)
        if found.table["difference"].isna().all():
            raise typer.Exit(EXIT_PARTLY)


def _write_notes(store: Store, entries: "list[RunEntry]", notes: list[str]) -> None:
    """Write the notes that are given as RUN=TEXT."""
    from cxrlib.baselines.runs import find_entry, write_note

    for each in notes:
        run_id, equals, text = each.partition("=")
        if not equals:
            raise SelectionError(f"--note {each[:40]!r} is not RUN=TEXT, as in --note 3f2a='odd'.")
        write_note(store, find_entry(entries, run_id).id, text)


def _describe_none(n_cohort: int) -> str:
    """Say why no run is listed."""
    if n_cohort:
        return f"None of the {n_cohort:,} runs of this cohort is of this task and text."
    return (
        "No run was made on this cohort yet. Make one: python -m cxrlib loco --data DIR --task "
        "icu-stay"
    )


def _tell(store: Store, cohort: Cohort, kept: "list[RunEntry]", n_cohort: int) -> None:
    """Say how many runs were made, of each task that is listed."""
    from cxrlib.baselines.runs import count_runs

    tasks = {entry.spec.task for entry in kept if entry.spec is not None}
    if len(tasks) == 1:
        words = count_runs(store, cohort.fingerprint, tasks.pop()).describe()
    else:
        words = f"{len(kept):,} of {n_cohort:,} runs of this cohort."
    typer.echo(f"{words} The best of many looks good by chance alone.", err=True)


def _check_used(
    pair: "tuple[RunEntry, RunEntry]",
    labels: "dict[str, LabelFile]",
    features: "dict[str, Features]",
) -> None:
    """Refuse a file that neither run was made with: a slip would go unseen."""
    specs = [entry.spec for entry in pair if entry.spec is not None]
    for option, given, used in (
        ("--labels", labels, {spec.labels for spec in specs}),
        ("--features", features, {spec.features for spec in specs}),
    ):
        if strange := sorted(set(given) - used):
            raise SelectionError(f"{option} {strange[0]!r}: neither run was made with this file.")


def _take_run(
    cohort: Cohort,
    store: Store,
    entry: "RunEntry",
    labels: "dict[str, LabelFile]",
    features: "dict[str, Features]",
) -> "Run":
    """Read a run of the log, or make it again where it is stored no more."""
    from cxrlib.baselines.features import FILE_ENDINGS
    from cxrlib.baselines.runs import find_run, make_run

    spec = entry.spec
    if spec is None:
        raise SelectionError(f"Run {entry.id} cannot be compared. {entry.words}")
    if spec.labels:
        if spec.labels not in labels:
            raise SelectionError(
                f"Run {entry.id} was made with the label file {spec.labels!r}. Give it too: "
                "--labels FILE."
            )
        cohort = attach_labels(cohort, labels[spec.labels])
    numbers = features.get(spec.features)
    if numbers is None and spec.features.casefold().endswith(FILE_ENDINGS):
        raise SelectionError(
            f"Run {entry.id} was made of the feature file {spec.features!r}, whose numbers are not "
            "kept. Give it too: --features FILE."
        )
    run = find_run(cohort, store, spec, features=numbers)
    run = run or make_run(cohort, store, spec, features=numbers)
    if run.id != entry.id:
        files = " or of other contents of its files" if spec.labels or numbers is not None else ""
        words = f"Run {entry.id} was made by another version{files}: it was made again, as run "
        typer.echo(visible(f"{words}{run.id}."), err=True)
    return run


# ---- to read


def _shorten_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Take what tells runs apart, and the score in words."""
    from cxrlib.baselines.evaluation import format_interval, format_metric, is_number

    scores = [
        f"{format_metric(row['metric'])} {format_interval(row)}, {row['fold']}"
        if is_number(row["value"])
        else "not estimable"
        for row in table.to_dict("records")
    ]
    strict = table["strict"].eq(True).map({True: ", strict", False: ""})
    shown = table[list(SHOWN)].assign(protocol=table["protocol"] + strict, score=scores)
    counts = table[["n_images", "n_persons"]].set_axis(["images", "persons"], axis=1)
    return pd.concat([shown, counts, table[["note"]]], axis=1)


def _shorten_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Take differences with their intervals, or the reason why there is none."""
    from cxrlib.baselines.evaluation import format_interval, format_metric, is_number

    return pd.DataFrame(
        {
            "held out": row["fold"],
            "score": format_metric(row["metric"]),
            "difference (95 % interval)": format_interval({**row, "value": row["difference"]})
            if is_number(row["difference"])
            else "not estimable",
            "reason": row["reason"],
        }
        for row in table.to_dict("records")
    )


def _format_table(table: pd.DataFrame) -> bytes:
    """Format a table for a terminal: columns as wide as their longest cell, within bounds."""
    head = [[str(name) for name in table.columns]]
    texts = table.astype(object).where(table.notna(), "").to_numpy(dtype=object).tolist()
    rows = head + [[_shorten(visible(str(cell))) for cell in row] for row in texts]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _shorten(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
