"""The report of a run: a page with figures, its tables as CSV, and a manifest as JSON.

Every file can be read alone: each holds the notice, the cohort, the run and the command line that
repeats it. The report lists every run of the cohort and task, not only the chosen one. It contains
no image, only the licences of those that were used.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from cxrlib.baselines.evaluation import compare_scores, describe_held_out
from cxrlib.baselines.runs import (
    Run,
    RunEntry,
    compare_shortcuts,
    describe_spec,
)
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.literature import METADATA_LICENCE, credit, licence_of
from cxrlib.reports.provenance import csv_with_header, list_provenance
from cxrlib.reports.report_part import ReportPart
from cxrlib.reports.reporting_checklists import answer_items
from cxrlib.reports.run_documents import format_document
from cxrlib.reports.run_manifest import (
    format_run_time,
    list_used_images,
    make_manifest,
)
from cxrlib.reports.run_page import ReportContents, make_page
from cxrlib.storage import to_records

FILES = (
    *("report.html", "manifest.json", "scores.csv", "folds.csv", "predictions.csv", "flow.csv"),
    *("shortcuts.csv", "differences.csv", "published.csv", "runs.csv", "licences.csv", "items.csv"),
)
"""Files of every report."""

Manifest = Mapping[str, Any]


def make_run_report(
    run: Run,
    cohort: Cohort,
    runs: Sequence[RunEntry],
    *,
    more: Sequence[ReportPart] = (),
    today: date | None = None,
) -> dict[str, bytes]:
    """Write the report of a run.

    Parameters
    ----------
    run : Run
    cohort : Cohort
        The whole one it was made on.
    runs : sequence of RunEntry
        All that were made on the cohort and task: `cxrlib.baselines.runs.list_runs`.
    more : sequence of ReportPart
        What else was computed of the run: `cxrlib.reports.gather_parts`.
    today : date, optional
        When it is written.

    Returns
    -------
    dict of str to bytes
        `FILES` and one a further part, by name.

    Raises
    ------
    SelectionError
        If the run is not among the runs, or a further part's name is taken or no file name.
    """
    _check_run(run, runs)
    _check_names(more)
    differences = compare_shortcuts(run)
    published = compare_scores(run.result)
    manifest = _fill_manifest(
        make_manifest(run, cohort, runs, today=today), run, more, differences, published
    )
    items = answer_items(manifest)
    lines = _list_origin(run, cohort, manifest)
    tables = {
        **_list_own_tables(run),
        "differences.csv": differences,
        "published.csv": published,
        "runs.csv": list_run_table(runs, run.id),
        "licences.csv": list_image_licences(run, cohort),
        "items.csv": items,
        **{f"{part.name}.csv": part.table for part in more},
    }
    files = {name: csv_with_header(table, lines) for name, table in tables.items()}
    contents = ReportContents(
        run, cohort, runs, manifest, items, differences, published, more, lines
    )
    files["report.html"] = make_page(contents).encode("utf-8", "replace")
    files["manifest.json"] = _format_manifest(manifest, files)
    return {name: files[name] for name in (*FILES, *(f"{part.name}.csv" for part in more))}


def make_run_document(
    run: Run,
    cohort: Cohort,
    runs: Sequence[RunEntry],
    *,
    more: Sequence[ReportPart] = (),
    today: date | None = None,
) -> dict[str, Any]:
    """Gather all of a run as plain values: the manifest of its report, but for hashes of files.

    The command line and the page write the same. ``docs/run-json.md`` describes the keys.

    Parameters
    ----------
    run, cohort, runs, more, today
        As of `make_run_report`.

    Raises
    ------
    SelectionError
        As `make_run_report`.
    """
    _check_run(run, runs)
    _check_names(more)
    manifest = make_manifest(run, cohort, runs, today=today)
    tables = compare_shortcuts(run), compare_scores(run.result)
    return _fill_manifest(manifest, run, more, *tables) | {"files": {}}


def _fill_manifest(
    manifest: dict[str, Any],
    run: Run,
    more: Sequence[ReportPart],
    differences: pd.DataFrame,
    published: pd.DataFrame,
) -> dict[str, Any]:
    """Add the tables of a report to its manifest."""
    return manifest | {
        "predictions": to_records(list_predictions(run)),
        "differences": to_records(differences),
        "published": to_records(published),
        "more": {part.name: to_records(part.table) for part in more},
    }


def _check_run(run: Run, runs: Sequence[RunEntry]) -> None:
    if run.id not in {entry.id for entry in runs}:
        raise SelectionError(
            f"Run {run.id} is not among the {len(runs):,} runs given. Pass all runs of its cohort "
            "and task, as listed by cxrlib.baselines.runs.list_runs."
        )


def _list_own_tables(run: Run) -> dict[str, pd.DataFrame]:
    """List the tables that are of the run alone, by their files."""
    return {
        "scores.csv": run.scores,
        "folds.csv": run.folds,
        "predictions.csv": list_predictions(run),
        "flow.csv": run.flow,
        "shortcuts.csv": run.shortcut_scores,
    }


def pack_report(files: Mapping[str, bytes]) -> bytes:
    """Pack the files of a report into one ZIP file; the same files give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)  # of the year 1980
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return target.getvalue()


def _check_names(more: Sequence[ReportPart]) -> None:
    names = [part.name for part in more]
    taken = {name.partition(".")[0] for name in FILES}
    for name in names:
        if not re.fullmatch(r"[a-z0-9-]{1,40}", name) or name in taken or names.count(name) > 1:
            raise SelectionError(
                f"{name[:60]!r} cannot name a part of the report: use lower-case letters, digits "
                f"and '-', and none of {', '.join(sorted(taken))}."
            )


def _format_manifest(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """Write the manifest with the hashes of the files that it goes with."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    return format_document({**manifest, "files": hashes})


def _list_origin(run: Run, cohort: Cohort, manifest: Manifest) -> list[str]:
    """List the provenance that every table begins with."""
    made_by, settings = manifest["made_by"], run.spec.settings
    return [
        *list_provenance(cohort, filters=run.spec.selection.describe())[:-1],
        f"Run {run.id}: {describe_spec(run.spec)}",
        f"Features: {run.result.features.title}",
        f"Model: {run.spec.describe_model()}",
        f"Protocol: {settings.protocol.name}, {describe_held_out(settings.hold_out)}",
        run.counts.describe().removesuffix("."),
        f"To repeat this run: {run.spec.to_command()}",
        *([] if cohort.is_synthetic else [METADATA_LICENCE]),
        f"Made by cxrlib {made_by['cxrlib']} on {made_by['written']}",
    ]


# ---- tables


def list_predictions(run: Run) -> pd.DataFrame:
    """List the prediction for each image, with its patient and what is recorded.

    Returns
    -------
    DataFrame
        A row an image and seed: image_id, row, patient_id, view, offset, label, then the columns
        of the run's predictions.
    """
    names = ["image_id", "row", "patient_id", "view", "offset", "label"]
    known = run.result.rows.table[names]
    table = run.predictions.merge(known, on="image_id", how="left", validate="many_to_one")
    return table[[*names, *(name for name in run.predictions if name != "image_id")]]


def list_run_table(runs: Sequence[RunEntry], this: str = "") -> pd.DataFrame:
    """List all runs of a cohort and task, a row a run and score over all groups.

    Parameters
    ----------
    runs : sequence of RunEntry
    this : str, optional
        Id of the run that is marked.
    """
    rows = []
    for number, entry in enumerate(runs, start=1):
        spec = entry.spec
        first = {
            "number": number,
            "run": entry.id,
            "is_this": entry.id == this,
            "is_kept": entry.is_kept,
            "made": format_run_time(entry.made),
            "words": entry.words,
            "features": entry.features_title,
            "model": "" if spec is None else spec.settings.model,
            "protocol": "" if spec is None else spec.settings.protocol.name,
            "hold_out": "" if spec is None else spec.settings.hold_out,
            "where": "" if spec is None else spec.where,
            "n_images": entry.n_images,
            "n_persons": entry.n_persons,
        }
        rows += [first | each._asdict() for each in entry.headlines] or [first]
    columns = (*_RUN_COLUMNS, "fold", "metric", "value", "low", "high", "reason")
    table = pd.DataFrame(rows, columns=list(columns))
    return table.astype(dict.fromkeys(("value", "low", "high"), float))


_RUN_COLUMNS = (
    *("number", "run", "is_this", "is_kept", "made", "words", "features", "model"),
    *("protocol", "hold_out", "where", "n_images", "n_persons"),
)


def list_image_licences(run: Run, cohort: Cohort) -> pd.DataFrame:
    """List the licence of each image that a run used.

    Returns
    -------
    DataFrame
        A row an image: image_id, row, patient_id, filename, article, source, license as recorded,
        licence as read, passing_on, holds_back, address, credit.
    """
    rows = list_used_images(run, cohort)
    names = ["image_id", "row", "patient_id", "filename", "article", "source", "license"]
    table = rows[names].reset_index(drop=True)
    records = table.to_dict("records")
    licences = [licence_of(row, is_synthetic=cohort.is_synthetic) for row in records]
    return table.assign(
        licence=[licence.name for licence in licences],
        passing_on=[licence.passing_on for licence in licences],
        holds_back=[licence.words for licence in licences],
        address=[licence.url for licence in licences],
        credit=[credit(row, is_synthetic=cohort.is_synthetic) for row in records],
    )
