"""The commands ``loco`` and ``reproduce``: baselines with one region held out at a time."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pandas as pd
import typer

from cxrlib import __version__
from cxrlib.cli.cohorts import describe_cohort, load_named, load_tested
from cxrlib.cli.messages import EXIT_PARTLY, NO_FILE, print_missing, reported_errors, visible
from cxrlib.cli.options import (
    DEFAULT_CACHE,
    CacheOption,
    DataOption,
    TestOnOption,
    WhereOption,
    take_groups,
)
from cxrlib.cohort import Cohort, JoinedCohort, attach_labels, read_label_file
from cxrlib.errors import SelectionError
from cxrlib.notebook import PRETRAINED, LocoRun, check_report_path
from cxrlib.number_text import format_units
from cxrlib.reports import (
    csv_with_header,
    format_document,
    gather_checks,
    gather_parts,
    list_provenance,
    make_run_document,
    write_export,
)
from cxrlib.storage import EmbeddingStore, Store, to_records
from cxrlib.system import ProgressLine

if TYPE_CHECKING:
    from cxrlib.baselines.evaluation import LocoSettings
    from cxrlib.baselines.features import Features
    from cxrlib.baselines.runs import ImageAdds, Reproduction, Run, RunSpec, Unaltered

__all__ = ["register"]

# Spelled out for the help and the types; a test compares them with the library's.
ProtocolName = Literal["published", "corrected"]
WithinName = Literal["group", "source"]
MOST_RESAMPLES = 10_000
MOST_PERMUTATIONS = 10_000
LARGEST_SEED = 2**32 - 1


class ScoreFormat(StrEnum):
    """How scores are written."""

    csv = "csv"
    json = "json"


class RunTable(StrEnum):
    """Which table of a run is written as CSV."""

    scores = "scores"
    folds = "folds"
    predictions = "predictions"
    shortcuts = "shortcuts"
    image_adds = "image-adds"
    unaltered = "unaltered"
    published = "published"
    flow = "flow"
    null = "null"
    shift = "shift"


class ReproducedTable(StrEnum):
    """Which table of a reproduction is written as CSV."""

    scores = "scores"
    counts = "counts"


AUTO = "auto"
DEFAULT_FEATURES = "outputs"

OutOption = Annotated[
    Path | None, typer.Option("--out", help="File to write instead of standard output.")
]


def _check_hold_out(text: str) -> str:
    """Return what is held out in its one spelling, or refuse it."""
    from cxrlib.baselines.evaluation import parse_hold_out

    try:
        return parse_hold_out(text).to_text()
    except SelectionError as error:
        raise typer.BadParameter(str(error)) from error


@dataclass(frozen=True)
class EvaluationOptions:
    """How an evaluation is made."""

    model: Annotated[
        str,
        typer.Option(
            help="linear (logistic regression with C, or ridge regression with its penalty, chosen "
            "inside the training images), linear:C (C fixed, such as linear:0.1), forest, "
            "boosting, neighbours, or paper (as in the paper). By default linear, with the "
            "protocol published paper."
        ),
    ] = ""

    protocol: Annotated[
        ProtocolName,
        typer.Option(
            help="published: as in the paper; corrected: scaled features, no person or article in "
            "both training and test."
        ),
    ] = "corrected"
    hold_out: Annotated[
        str,
        typer.Option(
            callback=_check_hold_out,
            help="Group to hold out, one at a time: region, sub-region, country or source; "
            "column:NAME for the values of a column; persons:5 for parts of the persons, "
            "persons:5x10 to deal them ten times.",
        ),
    ] = "region"
    strict: Annotated[
        bool, typer.Option("--strict", help="Keep each source in training or in test, not both.")
    ] = False
    erase: Annotated[
        str,
        typer.Option(
            help="Erase the linear trace of a shortcut from the features: view, source, recorded, "
            "age-sex, or several joined by a plus."
        ),
    ] = ""
    match: Annotated[
        str,
        typer.Option(
            help="Match the classes by view, source or view+source, in training and in test."
        ),
    ] = ""
    where: WhereOption = ""
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of bootstrap and forest.")
    ] = 0
    resamples: Annotated[
        int,
        typer.Option(
            min=0, max=MOST_RESAMPLES, help="Bootstrap over patients for 95 % intervals; 0: none."
        ),
    ] = 1000

    def make_settings(self, tested_on: str = "") -> "LocoSettings":
        """Give the same as the library takes it; a cohort to test on takes the group's place."""
        # Imported here: it brings what --help need not wait for.
        from cxrlib.baselines.evaluation import LocoSettings, find_protocol

        return LocoSettings(
            protocol=find_protocol(self.protocol),
            hold_out=f"cohort:{tested_on}" if tested_on else self.hold_out,
            is_strict=self.strict,
            seed=self.seed,
            n_resamples=self.resamples,
            estimator=self.model,
            erase=self.erase,
            match=self.match,
        )


@dataclass(frozen=True)
class CheckOptions:
    """What is computed of a run besides, and the report."""

    null: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_PERMUTATIONS,
            help="Permutation test with so many permutations of the labels, chosen before; what "
            "was done before is kept.",
        ),
    ] = None
    within: Annotated[
        WithinName,
        typer.Option(
            help="Permute labels over patients within each held-out group, or within each source "
            "of it, where patients resemble each other (stricter)."
        ),
    ] = "group"
    shift: Annotated[
        bool, typer.Option("--shift", help="Compare models from inside and outside each group.")
    ] = False
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write the report too: FILE.html, FILE.zip (page, tables, manifest) or a folder."
        ),
    ] = None


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(take_groups(loco))
    app.command()(reproduce)


def loco(
    *,
    task: Annotated[
        str,
        typer.Option(
            help="A task of the paper (covid-19, viral-or-bacterial, survival, icu-stay, "
            'intubated, geographic-extent, opacity), a variant of one ("icu-stay; '
            '0<=days<14"), or a column ("column=survival; views=PA"): of the record, extra:NAME '
            "for one that metadata.csv or --labels has besides, extra:NAME:VALUE for a category "
            "against the rest, finding:PATH, sex."
        ),
    ],
    features: Annotated[
        str,
        typer.Option(
            help="auto (outputs of the extractor that embed takes by default), outputs, embedding, "
            "4-outputs, lung-opacity, pixels or prevalence; the same of another extractor "
            "(texture:outputs); a shortcut (view, source, recorded, age-sex); a stored set of your "
            "own (features list); a sum of these (texture:outputs+age-sex); or FILE.parquet or "
            "FILE.csv with a column image_id and one column of numbers per feature, or FILE.npy "
            "with its ids in FILE.ids.txt."
        ),
    ] = AUTO,
    data: DataOption = None,
    test_on: TestOnOption = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="FILE.csv or FILE.parquet with a column image_id or patient_id and one column "
            "per label: column=extra:NAME then predicts it."
        ),
    ] = None,
    evaluation: EvaluationOptions,
    checks: CheckOptions,
    form: Annotated[
        ScoreFormat, typer.Option("--format", help="csv: one table; json: the whole run.")
    ] = ScoreFormat.csv,
    table: Annotated[RunTable, typer.Option(help="Table to write as CSV.")] = RunTable.scores,
    out: OutOption = None,
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Predict a label with each region held out: scores, intervals and shortcuts."""
    with reported_errors("nothing was written"):
        check_folder(out)
        if checks.report is not None:
            check_report_path(checks.report)
            if out is not None and out.absolute() == checks.report.absolute():
                raise typer.BadParameter("--out and --report name one file. Give each its own.")
        if checks.null is None and checks.within != "group":
            raise typer.BadParameter("--within needs --null, as in --null 1000 --within source.")
        # Imported here: they bring scikit-learn's neighbours, which --help need not wait for.
        from cxrlib.baselines.runs import make_run
        from cxrlib.baselines.tasks import read_task

        is_chosen = features == AUTO
        chosen = _choose_features(Store(cache))
        features = chosen if is_chosen else _fill_in(features, chosen)
        numbers = _read_features(features)
        # Of a file its name: where it lies changes no digit and has no place in an export.
        name = features if numbers is None else numbers.name
        read_task(task)  # refuses before anything is read
        cohort, spec = _load_asked(task, name, data, test_on, labels, evaluation, cache)
        run = make_run(cohort, Store(cache), spec, features=numbers)
        told = _run_checks(run, Store(cache), checks)
        is_empty = False
        command = spec.to_command()  # nor has the cohort's folder
        beside = _compute_beside(run, Store(cache))
        if form is ScoreFormat.json:
            write_bytes(format_document(_gather_run(run, cohort, Store(cache))) + b"\n", out)
        else:
            written = _choose_table(run, table, beside, Store(cache))
            _write_csv(written, _describe_run_header(run, cohort, command), out)
            is_empty = written.empty
            told += [f"The table {table.value!r} of this run is empty."] * is_empty
        if checks.report is not None:
            LocoRun(run, cohort, Store(cache)).save_report(checks.report)
        if is_chosen and features != DEFAULT_FEATURES:
            typer.echo(
                "The pretrained network's weights are not on this machine, so the texture outputs "
                f"were used. To use the network: python -m cxrlib embed --extractor {PRETRAINED} "
                "(downloads 28 MB), then loco again.",
                err=True,
            )
        if numbers is not None:  # ids that match no image: nobody sees them else
            told += run.result.features.origin[len(numbers.origin) :]
        told += beside.list_words(run)
        _report_run(run, cohort, told, is_empty=is_empty)


def reproduce(
    data: DataOption = None,
    task: Annotated[
        list[str] | None, typer.Option(help="Only this task of the paper; repeat for several.")
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(help="Only this feature set of the paper; repeat for several."),
    ] = None,
    form: Annotated[
        ScoreFormat, typer.Option("--format", help="csv: one table; json: everything.")
    ] = ScoreFormat.csv,
    table: Annotated[
        ReproducedTable,
        typer.Option(help="Table to write as CSV; counts: classes by task and region."),
    ] = ReproducedTable.scores,
    out: OutOption = None,
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Run the paper's baselines as published and compare each score with the printed one.

    Feature sets that cannot run, such as those of a network without its weights, are listed with
    the reason. Pixels take minutes: name the other sets with --features to skip them.
    """
    with reported_errors("finished runs are kept"):
        check_folder(out)
        from cxrlib.baselines.runs import list_published_runs, reproduce_scores

        list_published_runs(task or (), features or ())  # refuses before anything is read
        cohort = load_named(data, cache)
        found = reproduce_scores(
            cohort,
            Store(cache),
            tasks=task or (),
            features=features or (),
            on_progress=ProgressLine(),
        )
        if form is ScoreFormat.json:
            _write_json(_describe_reproduction(found, cohort), out)
        else:
            chosen = found.counts if table is ReproducedTable.counts else found.scores
            _write_csv(chosen, _describe_reproduction_header(found, cohort), out)
        for words in (found.describe(), *found.notes):
            typer.echo(visible(words), err=True)
        if found.scores["ours"].isna().all():
            raise typer.Exit(EXIT_PARTLY)


# ---- options


def _load_asked(
    task: str,
    features: str,
    data: Path | None,
    test_on: Path | None,
    labels: Path | None,
    evaluation: EvaluationOptions,
    cache: Path,
) -> tuple[Cohort, "RunSpec"]:
    """Load the cohort with all that belongs to it, and write down what is asked for."""
    from cxrlib.baselines.runs import RunSpec
    from cxrlib.baselines.tasks import read_task

    if test_on is not None and evaluation.hold_out != "region":
        raise SelectionError(
            "--test-on tests on a whole cohort, so nothing else is held out. Leave --hold-out "
            "away, or --test-on."
        )
    file = None if labels is None else read_label_file(labels)
    cohort = load_tested(data, test_on, cache)
    tested_on = cohort.test_name if isinstance(cohort, JoinedCohort) else ""
    if file is not None:
        cohort = attach_labels(cohort, file)
    settings = evaluation.make_settings(tested_on)
    # Of a file its name: where it lies changes no digit and has no place in an export.
    name = "" if file is None else file.name
    return cohort, RunSpec(read_task(task, cohort), features, settings, evaluation.where, name)


def check_folder(path: Path | None) -> None:
    """Refuse a place that cannot be written, before anything is computed."""
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(
            f"--out {str(path)!r}: folder {str(path.parent)!r} does not exist."
        )
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"--out {str(path)!r} is a folder. Name a file.")


def _choose_features(store: Store) -> str:
    """Choose a set as `embed` chooses its extractor; a network's embeddings do without weights."""
    from cxrlib.embedding.extractors import find_weights

    embedded = {info.name for info in EmbeddingStore(store).list_extractors()}
    is_here = PRETRAINED in embedded or find_weights(PRETRAINED) is not None
    return DEFAULT_FEATURES if is_here else f"texture:{DEFAULT_FEATURES}"


def _fill_in(features: str, chosen: str) -> str:
    """Write "auto" within a sum out."""
    from cxrlib.baselines.features import join_sum, split_sum

    return join_sum([chosen if part == AUTO else part for part in split_sum(features)])


def _read_features(text: str) -> "Features | None":
    """Read a file of features; None where the text is the name of a set."""
    from cxrlib.baselines.features import FILE_ENDINGS, read_feature_file

    if not text.casefold().endswith(FILE_ENDINGS):
        return None

    return read_feature_file(Path(text))


# ---- what is written


def _run_checks(run: "Run", store: Store, checks: CheckOptions) -> list[str]:
    """Run what was asked for besides, and say in sentences what came out."""
    from cxrlib.baselines.evaluation import (
        choose_score,
        compute_permutation_null,
        compute_region_shift,
    )

    of = (run.result.rows, run.result.features, run.result.settings)
    told = []
    if checks.null is not None:
        null = compute_permutation_null(
            *of, n=checks.null, within=checks.within, store=store, on_progress=ProgressLine()
        )
        told.append(f"Permutation test: {null.describe(*choose_score(run.scores))}")
    if checks.shift:
        table = compute_region_shift(*of, store, on_progress=ProgressLine()).table
        n = int(table["difference"].notna().sum())
        told.append(f"Region shift: {n:,} of {format_units(len(table), 'comparison')} estimable.")
    return told


def _gather_run(run: "Run", cohort: Cohort, store: Store) -> dict[str, Any]:
    """Lay all of a run out as plain values, as its report and the page do."""
    from cxrlib.baselines.runs import list_runs

    entries = list_runs(store, cohort.fingerprint, run.spec.task)
    return make_run_document(run, cohort, entries, more=gather_parts(run, store))


def _describe_run_header(run: "Run", cohort: Cohort, command: str) -> list[str]:
    """List what a table of a run says of itself, the notice first."""
    from cxrlib.baselines.evaluation import describe_held_out

    settings, features = run.spec.settings, run.result.features
    strict = ", strict (each source in training or in test)" if settings.is_strict else ""
    strict += f", {settings.removal}" if settings.removal else ""
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return [
        *list_provenance(cohort, filters=run.spec.selection.describe()),
        f"Run {run.id}: {command}",
        run.counts.describe(),
        f"Task: {run.spec.task.title} ({run.spec.task.to_text()})",
        f"Features: {features.title}; {features.n_parameters:,} parameters; key {features.key}",
        *features.origin,
        f"Model: {run.spec.describe_model()}",
        f"Protocol: {settings.protocol.name}{strict}. {' '.join(settings.protocol.describe())}",
        f"Evaluation: {describe_held_out(settings.hold_out)}. "
        f"Intervals: 95 %, bootstrap over patients, {settings.n_resamples:,} resamples, "
        f"seed {settings.seed}",
        f"Versions: {versions}",
        *run.notes,
    ]


@dataclass(frozen=True)
class _Beside:
    """Hold what stands beside a run: what its features add, and the unaltered score."""

    adds: "ImageAdds | None"
    unaltered: "Unaltered | None"
    refused: str

    def list_words(self, run: "Run") -> list[str]:
        """List the sentences that are shown on the page, on the run's first score."""
        metric = str(run.scores["metric"].iloc[0])
        unaltered = [] if self.unaltered is None else [self.unaltered.describe(metric)]
        return [*unaltered, *([] if self.adds is None else self.adds.describe(metric))]


def _compute_beside(run: "Run", store: Store) -> _Beside:
    """Compute what stands beside a run; features that use no image add nothing."""
    from cxrlib.baselines.runs import compare_unaltered, compute_image_adds

    adds, refused = None, ""
    try:
        adds = compute_image_adds(run, store)
    except SelectionError as error:
        refused = str(error)
    unaltered = compare_unaltered(run, store) if run.spec.settings.removal else None
    return _Beside(adds, unaltered, refused)


def _choose_table(run: "Run", table: RunTable, beside: _Beside, store: Store) -> pd.DataFrame:
    """Take a run's table."""
    if table is RunTable.image_adds:
        if beside.adds is None:
            raise SelectionError(beside.refused)
        return beside.adds.table
    if table is RunTable.unaltered:
        if beside.unaltered is None:
            raise SelectionError(
                "There is no unaltered score beside this run: nothing was taken away. Give --erase "
                "or --match."
            )
        return beside.unaltered.table
    if table in (RunTable.null, RunTable.shift):
        parts = {part.name: part for part in gather_checks(run, store)}
        if table.value not in parts:
            raise SelectionError(
                f"The table {table.value!r} of this run was not computed yet. Add "
                f"{'--null 1000' if table is RunTable.null else '--shift'}."
            )
        return parts[table.value].table
    if table is RunTable.shortcuts:
        return run.shortcut_scores
    if table is RunTable.published:
        from cxrlib.baselines.evaluation import compare_scores

        return compare_scores(run.result)
    tables = {
        RunTable.scores: run.scores,
        RunTable.folds: run.folds,
        RunTable.predictions: run.predictions,
        RunTable.flow: run.flow,
    }
    return tables[table]


def _describe_reproduction(found: "Reproduction", cohort: Cohort) -> dict[str, Any]:
    """Lay all of a reproduction out as plain values."""
    from cxrlib.baselines.evaluation import count_score_verdicts, list_versions

    return describe_cohort(cohort) | {
        "cxrlib": __version__,
        "protocol": "published",
        "versions": list_versions(),
        "summary": found.describe(),
        "verdicts": count_score_verdicts(found.scores),
        "notes": list(found.notes),
        "not_run": [asdict(each) for each in found.not_run],
        "counts": to_records(found.counts),
        "scores": to_records(found.scores),
    }


def _describe_reproduction_header(found: "Reproduction", cohort: Cohort) -> list[str]:
    """List what a table of a reproduction says of itself, the notice first."""
    from cxrlib.baselines.evaluation import PUBLISHED, list_versions

    versions = ", ".join(f"{name} {version}" for name, version in list_versions().items())
    return [
        *list_provenance(cohort),
        f"Protocol: {PUBLISHED.name}. {' '.join(PUBLISHED.describe())}",
        f"Versions: {versions}",
        found.describe(),
        *found.notes,
    ]


def _write_json(answer: dict[str, Any], out: Path | None) -> None:
    # Text of files may hold lone surrogates: escapes keep it within any encoding.
    write_bytes(json.dumps(answer, indent=2, allow_nan=False).encode("ascii") + b"\n", out)


def _write_csv(table: pd.DataFrame, lines: list[str], out: Path | None) -> None:
    write_bytes(csv_with_header(table, lines), out)


def write_bytes(data: bytes, out: Path | None) -> None:
    """Write to a file, whole or not at all, or to standard output."""
    if out is None:
        typer.echo(data.decode("utf-8"), nl=False)
        return
    write_export(out, data)


def _report_run(run: "Run", cohort: Cohort, told: list[str], *, is_empty: bool) -> None:
    """Say on standard error what must be known, and name the images that could not be used."""
    for words in (*told, run.counts.describe(), *run.notes):
        typer.echo(visible(words), err=True)
    for name, reason in run.refused.items():
        typer.echo(visible(f"Shortcut {name!r} was not run: {reason}"), err=True)
    missing = run.result.features.missing
    table = cohort.table
    no_file = set(table.loc[table["file_status"] == NO_FILE, "image_id"]) & missing.keys()
    print_missing(len(no_file))
    for image_id, reason in missing.items():
        if image_id in no_file:
            continue
        typer.echo(visible(f"Not used: {image_id}: {reason}"), err=True)
    nothing = run.scores["value"].isna().all()
    if nothing:
        reasons = [str(each) for each in run.scores["reason"] if each]
        typer.echo(visible(f"No score can be given. {' '.join(dict.fromkeys(reasons))}"), err=True)
    if missing or nothing or is_empty:
        raise typer.Exit(EXIT_PARTLY)
