"""Reports of runs: every part says whose it is, every run is listed, nothing takes effect."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from cxrlib import NOTICE
from cxrlib.baselines.evaluation import PUBLISHED, LocoSettings
from cxrlib.baselines.features.shortcuts import SHORTCUT_TITLES
from cxrlib.baselines.runs import Run, RunEntry, RunSpec, list_runs, make_run
from cxrlib.baselines.tasks import find_task, read_task
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.reports import make_manifest, make_run_report, pack_report
from cxrlib.reports.methods_paragraph import describe_methods
from cxrlib.reports.reporting_checklists import ITEMS
from cxrlib.reports.run_manifest import format_run_time
from cxrlib.reports.run_page_sections import ReportPart
from cxrlib.reports.run_report import FILES, list_image_licences, list_predictions, list_run_table
from cxrlib.storage import Store
from tests.run_cohort_factory import make_outside, make_run_cohort

FEW = LocoSettings(n_resamples=50)
SPEC = RunSpec(find_task("survival"), "outside", FEW)
TODAY = date(2026, 1, 2)
HOSTILE = '<img src=x onerror="alert(1)">{{7*7}}&amp;'

Made = tuple[Cohort, Run, list[RunEntry]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make three runs of one task; the second is looked at."""
    cohort = make_run_cohort(tmp_path_factory.mktemp("report") / "c")
    store = Store(tmp_path_factory.mktemp("cache"))
    make_run(cohort, store, replace(SPEC, features="view"))
    run = make_run(cohort, store, SPEC, features=make_outside(cohort, name=HOSTILE))
    make_run(cohort, store, replace(SPEC, features="age-sex"))
    return cohort, run, list_runs(store, cohort.fingerprint, SPEC.task)


@pytest.fixture(scope="module")
def files(made: Made) -> dict[str, bytes]:
    """Write its report."""
    cohort, run, runs = made
    return make_run_report(run, cohort, runs, today=TODAY)


def read_manifest(files: dict[str, bytes]) -> dict[str, Any]:
    """Read a manifest that holds no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    manifest: dict[str, Any] = json.loads(files["manifest.json"], parse_constant=refuse)
    return manifest


def read_csv(data: bytes) -> tuple[list[str], pd.DataFrame]:
    """Part a CSV into its header lines and its table."""
    lines = data.decode().splitlines(keepends=True)
    n = next(i for i, line in enumerate(lines) if not line.startswith("# "))
    return lines[:n], pd.read_csv(io.StringIO("".join(lines[n:])), dtype=str, keep_default_na=False)


def test_every_part_has_the_notice_and_names_the_run(made: Made, files: dict[str, bytes]) -> None:
    """A file that is passed on alone still says what it is and what it is not for."""
    cohort, run, _ = made
    assert tuple(files) == FILES
    for name, data in files.items():
        text = data.decode()
        for words in (NOTICE, cohort.fingerprint, run.id, "python -m cxrlib loco"):
            assert words in text, (name, words)


def test_the_notice_stands_below_each_figure(files: dict[str, bytes]) -> None:
    """A figure that is cut out of the page takes the notice along."""
    page = files["report.html"].decode()
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, re.S)
    assert len(captions) >= 2
    assert all(NOTICE in caption for caption in captions)
    assert len(re.findall(r'role="img" aria-label="[^"]{40,}"', page)) == len(captions)


def test_all_runs_are_listed_not_the_chosen_one(made: Made, files: dict[str, bytes]) -> None:
    """Page, table and manifest hold each run of the task, this one marked."""
    _, run, runs = made
    page, manifest = files["report.html"].decode(), read_manifest(files)
    _, table = read_csv(files["runs.csv"])
    ids = [entry.id for entry in runs]
    assert len(ids) == 3
    assert [entry["id"] for entry in manifest["runs"]] == ids
    assert list(dict.fromkeys(table["run"])) == ids
    assert set(table.loc[table["is_this"] == "True", "run"]) == {run.id}
    assert all(each in page for each in ids)
    assert "3 runs were made on this cohort and task." in page


def test_a_lost_run_is_listed_as_such(made: Made) -> None:
    """What the book could not mend still counts, here as well."""
    cohort, run, runs = made
    report = make_run_report(run, cohort, [*runs, RunEntry("f" * 12, None)], today=TODAY)
    assert "Run it again" in report["report.html"].decode()
    _, table = read_csv(report["runs.csv"])
    assert table["run"].iloc[-1] == "f" * 12


def test_tables_hold_the_digits_of_the_run(made: Made, files: dict[str, bytes]) -> None:
    """What is written is what was computed, to the last digit."""
    _, run, _ = made
    _, scores = read_csv(files["scores.csv"])
    known = run.scores["value"].notna()
    written = scores["value"][known.to_numpy()].astype(float).tolist()
    assert written == run.scores.loc[known, "value"].tolist()
    _, predictions = read_csv(files["predictions.csv"])
    assert predictions["value"].astype(float).tolist() == run.predictions["value"].tolist()
    assert {"row", "patient_id", "label", "fold"} <= set(predictions.columns)


def test_predictions_name_each_image_once_a_seed(made: Made) -> None:
    """No row is lost or doubled by what is put beside it."""
    _, run, _ = made
    table = list_predictions(run)
    assert len(table) == len(run.predictions)
    assert table["label"].isin(["survived", "died"]).all()


def test_the_manifest_says_all_that_was_done(made: Made, files: dict[str, bytes]) -> None:
    """Cohort, flow, protocol, versions, seeds, runs; and hashes of the other files."""
    import hashlib

    cohort, run, _ = made
    manifest = read_manifest(files)
    assert manifest["cohort"]["fingerprint"] == cohort.fingerprint
    assert manifest["flow"][-1]["n_images"] == 48
    assert manifest["protocol"]["name"] == "corrected"
    assert manifest["protocol"]["seed"] == 0
    assert manifest["run"]["versions"] == run.versions
    assert manifest["run"]["link"] == run.spec.to_query()
    assert len(manifest["scores"]) == len(run.scores)
    assert manifest["made_by"]["written"] == "2026-01-02"
    others = {name: data for name, data in files.items() if name != "manifest.json"}
    assert manifest["files"] == {
        name: hashlib.sha256(data).hexdigest() for name, data in others.items()
    }


def test_texts_from_outside_take_no_effect(files: dict[str, bytes]) -> None:
    """A feature set's name is anybody's text: on the page it is text."""
    assert HOSTILE not in files["report.html"].decode()
    assert "&lt;img src=x onerror=" in files["report.html"].decode()
    assert b"<" not in files["manifest.json"]


def test_the_page_fetches_nothing(files: dict[str, bytes]) -> None:
    """The page's own policy lets it ask nothing of the network, and it holds no such tag."""
    page = files["report.html"].decode()
    assert "default-src 'none'" in page
    assert not re.search(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=", page)
    assert page.count("plotly.js v") == 1


def test_licences_are_of_the_images_used(made: Made) -> None:
    """Each image once, with what its licence lets a copy do; none leaves with the report."""
    cohort, run, _ = made
    table = list_image_licences(run, cohort)
    assert set(table["image_id"]) == set(run.result.rows.table["image_id"])
    assert table["image_id"].is_unique
    by_licence = table.groupby("licence")["passing_on"].unique().str.join(", ").to_dict()
    assert by_licence == {
        "CC BY-NC-SA 4.0": "changed copies",
        "none recorded": "nothing",
        "CC BY-NC-ND": "unchanged copies only",
    }


def test_items_are_all_there(files: dict[str, bytes]) -> None:
    """Both guidelines whole, those of the author say so."""
    _, items = read_csv(files["items.csv"])
    assert len(items) == len(ITEMS)
    assert (items["answer"] == "author").any()


def test_a_run_among_others_only(made: Made) -> None:
    """A report of a run that is not in its book would hide it."""
    cohort, run, runs = made
    with pytest.raises(SelectionError, match="is not among the 2 runs"):
        make_run_report(run, cohort, [entry for entry in runs if entry.id != run.id])


def test_further_parts_are_sections_and_files(made: Made) -> None:
    """What was computed besides stands on the page and in a file of its own."""
    cohort, run, runs = made
    table = pd.DataFrame({"fold": ["Asia"], "p": [0.04]})
    part = ReportPart("null", "Chance", ("Labels were permuted.",), table, go.Figure, "A bar.")
    report = make_run_report(run, cohort, runs, more=[part], today=TODAY)
    assert (*FILES, "null.csv") == tuple(report)
    lines, read = read_csv(report["null.csv"])
    assert NOTICE in lines[0]
    assert read["p"].tolist() == ["0.04"]
    assert "Labels were permuted." in report["report.html"].decode()
    for name in ("scores", "../x", "PermutationNull", ""):
        with pytest.raises(SelectionError, match="cannot name a part"):
            make_run_report(run, cohort, runs, more=[replace(part, name=name)])
    with pytest.raises(SelectionError, match="cannot name a part"):
        make_run_report(run, cohort, runs, more=[part, part])


def test_the_same_report_twice_is_the_same_archive(made: Made, files: dict[str, bytes]) -> None:
    """Packed, it opens, and its bytes depend on nothing but the files."""
    cohort, run, runs = made
    again = make_run_report(run, cohort, runs, today=TODAY)
    assert {n: again[n] for n in FILES if n.endswith("csv")} == {
        n: files[n] for n in FILES if n.endswith("csv")
    }
    packed = pack_report(files)
    assert packed == pack_report(files)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {info.filename for info in archive.infolist()} == set(FILES)


def test_spreadsheets_run_nothing(made: Made) -> None:
    """A cell that looks like a formula is text, in the list of runs as well."""
    cohort, run, runs = made
    odd = replace(runs[0], features_title="=1+1")
    report = make_run_report(run, cohort, [odd, *runs[1:]], today=TODAY)
    cells = csv.reader(io.StringIO(report["runs.csv"].decode()))
    assert not any(cell.startswith("=") for row in cells for cell in row)


# ---- other runs


@pytest.mark.parametrize(
    ("task", "settings", "words"),
    [
        ("survival", replace(FEW, protocol=PUBLISHED), "the predicted class"),
        ("survival", replace(FEW, hold_out="country", is_strict=True), "No source"),
        ("column=age", FEW, "Ridge regression"),
        ("survival", replace(FEW, n_resamples=0), "No intervals"),
        ("survival; days=0..3", FEW, "before day 3"),
    ],
)
def test_any_run_has_its_report(
    task: str, settings: LocoSettings, words: str, made: Made, tmp_path: Path
) -> None:
    """Numbers, published scores, few rows: the methods say what was done, and nothing fails."""
    cohort, store = made[0], Store(tmp_path)
    spec = RunSpec(read_task(task), "outside", settings)
    run = make_run(cohort, store, spec, features=make_outside(cohort))
    runs = list_runs(store, cohort.fingerprint, spec.task)
    manifest = make_manifest(run, cohort, runs, today=TODAY)
    json.dumps(manifest, allow_nan=False)
    assert words in describe_methods(manifest)
    report = make_run_report(run, cohort, runs, today=TODAY)
    assert NOTICE.encode() in report["report.html"]


def test_one_region_only_is_reported(made: Made, tmp_path: Path) -> None:
    """Where nothing can be held out the report says so."""
    cohort, store = made[0], Store(tmp_path)
    spec = replace(SPEC, where="region=Asia")
    run = make_run(cohort, store, spec, features=make_outside(cohort))
    runs = list_runs(store, cohort.fingerprint, spec.task)
    page = make_run_report(run, cohort, runs)["report.html"].decode()
    assert "not estimable" in page
    assert "Filters: Region Asia." in page


def test_the_real_icu_task_is_told_with_its_shortcuts(real_root: Path, tmp_path: Path) -> None:
    """A reader of the report sees that what is recorded scores above 0.9 by the paper's metric."""
    cohort, store = load_cohort(real_root, inspect_images=False), Store(tmp_path)
    spec = RunSpec(
        find_task("icu-stay"), "prevalence", LocoSettings(protocol=PUBLISHED, n_resamples=100)
    )
    run = make_run(cohort, store, spec)
    means = run.shortcut_scores.query("fold == 'mean' and metric == 'auroc'")
    assert means.set_index("features").loc["recorded", "value"] > 0.9
    files = make_run_report(run, cohort, list_runs(store, cohort.fingerprint, spec.task))
    manifest = read_manifest(files)
    assert manifest["flow"][-1]["n_images"] == 45
    assert (
        f"Shortcut, does not use the image: {SHORTCUT_TITLES['recorded']}"
        in files["report.html"].decode()
    )
    _, licences = read_csv(files["licences.csv"])
    assert (licences["passing_on"] == "nothing").sum() == 12


def test_list_of_no_runs_has_its_columns() -> None:
    """An empty book is an empty table, not an error."""
    assert {"run", "value", "reason"} <= set(list_run_table([]).columns)
    assert format_run_time(0.0) == ""
