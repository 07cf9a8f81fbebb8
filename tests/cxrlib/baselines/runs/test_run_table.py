"""All runs of a cohort in one table: found, filtered, noted, counted by outcome and cohort."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxrlib.baselines.evaluation import PUBLISHED, LocoSettings
from cxrlib.baselines.features import Features
from cxrlib.baselines.runs import (
    BOOK,
    LONGEST_NOTE,
    NOTES,
    RUN_TABLE_COLUMNS,
    Run,
    RunCounts,
    RunEntry,
    RunSpec,
    choose_entry_headline,
    count_runs,
    filter_entries,
    find_entry,
    list_runs,
    make_run,
    tabulate_runs,
    write_note,
)
from cxrlib.baselines.runs.run_log import Headline
from cxrlib.baselines.tasks import find_task, read_task
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.run_cohort_factory import make_outside, make_run_cohort

FEW = LocoSettings(n_resamples=20)
SPECS = (
    RunSpec(find_task("survival"), "outside", FEW),
    RunSpec(find_task("survival"), "outside", replace(FEW, protocol=PUBLISHED), "view=PA"),
    RunSpec(read_task("survival; days<=5"), "outside", FEW),
    RunSpec(read_task("column=age"), "outside", FEW),
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load 48 X-rays in three regions."""
    return make_run_cohort(tmp_path_factory.mktemp("table") / "c")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Give a cache of this file's."""
    return Store(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def runs(cohort: Cohort, store: Store) -> list[Run]:
    """Make four runs of three tasks."""
    features: Features = make_outside(cohort)
    return [make_run(cohort, store, spec, features=features) for spec in SPECS]


def test_table_has_each_run_with_its_score(cohort: Cohort, store: Store, runs: list[Run]) -> None:
    """The digits are the run's own, of the mean or else the pooled; all tasks are there."""
    table = tabulate_runs(list_runs(store, cohort.fingerprint))
    assert tuple(table.columns) == RUN_TABLE_COLUMNS
    assert table["run"].tolist() == [run.id for run in runs]
    assert table["task"].tolist() == ["survival", "survival", "survival; days<=5", "column=age"]
    assert table["filters"].tolist() == ["", "view=PA", "", ""]
    for row, run in zip(table.to_dict("records"), runs, strict=True):
        scores = run.scores.set_index(["fold", "metric"])
        assert row["value"] == scores.loc[(row["fold"], row["metric"]), "value"]
        assert row["metric"] == ("correlation" if run is runs[-1] else "auroc")
        assert row["n_images"] == len(run.result.rows.table)
        assert row["outcome"] == run.spec.task.column


def test_counts_tell_task_outcome_and_cohort(cohort: Cohort, store: Store, runs: list[Run]) -> None:
    """Two of the task, one of the outcome with other days, four of the cohort."""
    assert runs[0].spec.task == SPECS[0].task
    counts = count_runs(store, cohort.fingerprint, SPECS[0].task)
    assert counts == RunCounts(2, 1, 4)
    assert count_runs(store, cohort.fingerprint, SPECS[2].task) == RunCounts(1, 2, 4)
    assert count_runs(store, cohort.fingerprint, SPECS[3].task) == RunCounts(1, 0, 4)
    assert count_runs(store, "0" * 64, SPECS[3].task) == RunCounts(0, 0, 0)
    read = make_run(cohort, store, SPECS[0], features=make_outside(cohort))
    assert read.counts == counts
    assert "2 runs were made on this cohort and task; 1 on this outcome" in counts.describe()


def test_a_lost_entry_still_counts(cohort: Cohort, tmp_path: Path) -> None:
    """Of its task, as its file's name says, and of the cohort."""
    store = Store(tmp_path)
    make_run(cohort, store, SPECS[0], features=make_outside(cohort))
    (name,) = store.list_files(BOOK)
    store.write_file(BOOK, name, b"damaged")
    assert count_runs(store, cohort.fingerprint, SPECS[0].task) == RunCounts(1, 0, 1)
    assert count_runs(store, cohort.fingerprint, SPECS[2].task) == RunCounts(0, 0, 1)
    assert len(tabulate_runs([RunEntry("f" * 12, None)])) == 1


def test_entries_are_filtered_by_words_and_task(
    cohort: Cohort, store: Store, runs: list[Run]
) -> None:
    """All words must be found, in description, id or note, whatever their case."""
    entries = list_runs(store, cohort.fingerprint)
    assert len(filter_entries(entries)) == len(runs)
    assert [e.id for e in filter_entries(entries, text="PUBLISHED view")] == [runs[1].id]
    assert [e.id for e in filter_entries(entries, text=runs[2].id)] == [runs[2].id]
    assert filter_entries(entries, text="published age-sex") == []
    found = filter_entries(entries, task=SPECS[0].task)
    assert [e.id for e in found] == [runs[0].id, runs[1].id]


def test_entries_are_found_by_the_beginning_of_their_id() -> None:
    """What fits none, several, or is too short is refused; a whole id fits itself."""
    ids = ("abcdef012345", "abcdef999999", "0123456789ab")
    entries = [RunEntry(run_id, None) for run_id in ids]
    assert find_entry(entries, "0123").id == ids[2]
    assert find_entry(entries, ids[0].upper()).id == ids[0]
    for text, words in {
        "abcdef": "abcdef012345, abcdef999999",
        "012": "at least 4",
        "ffff": "no run 'ffff' among the 3",
        "": "no run ''",
    }.items():
        with pytest.raises(SelectionError, match=words):
            find_entry(entries, text)


def test_notes_are_plain_text_of_one_line(
    cohort: Cohort, store: Store, runs: list[Run], caplog: pytest.LogCaptureFixture
) -> None:
    """Control characters go, a long one is refused, a blank one is taken away."""
    kept = write_note(store, runs[0].id, "a\x1b[31m\n<b>b</b> \ud800 # c ")
    assert kept == "a [31m <b>b</b> # c"
    assert list_runs(store, cohort.fingerprint)[0].note == kept
    assert list_runs(store, cohort.fingerprint, SPECS[0].task)[0].note == kept
    with pytest.raises(SelectionError, match="Shorten it to 500"):
        write_note(store, runs[0].id, "x" * (LONGEST_NOTE + 1))
    assert list_runs(store, cohort.fingerprint)[0].note == kept
    for damage in (b"[" * 5000, b"\xff", b'{"a": 1}', b"3"):
        store.write_file(NOTES, f"{runs[0].id}.json", damage)
        assert list_runs(store, cohort.fingerprint)[0].note == ""
    store.write_file(NOTES, f"{runs[0].id}.json", b'"' + b"y" * 5000 + b'"')
    assert len(list_runs(store, cohort.fingerprint)[0].note) == LONGEST_NOTE
    assert write_note(store, runs[0].id, " ") == ""
    assert list_runs(store, cohort.fingerprint)[0].note == ""
    assert "is damaged" in caplog.text


def test_choose_entry_headline_follows_the_rule_of_page_and_command() -> None:
    """The mean where it is estimable, else the pooled score, else why there is none."""
    mean, pooled, none = (
        Headline("mean", "auroc", 0.6, 0.5, 0.7, ""),
        Headline("pooled", "concordance", 0.7, 0.6, 0.8, ""),
        Headline("mean", "auroc", None, None, None, "1 region with a score"),
    )
    entry = RunEntry("a", None, headlines=(mean, pooled))
    assert choose_entry_headline(entry) == mean
    assert choose_entry_headline(replace(entry, headlines=(none, pooled))) == pooled
    assert choose_entry_headline(replace(entry, headlines=(none,))) == none
    assert choose_entry_headline(replace(entry, headlines=())) is None
