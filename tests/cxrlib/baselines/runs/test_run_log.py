"""The run log: nothing that was made is lost, by damage or by two processes at once."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.baselines.runs import (
    TABLES,
    RunRecord,
    RunSpec,
    format_record,
    keep_run,
    list_runs,
    write_entry,
)
from cxrlib.baselines.runs.run_log import read_record
from cxrlib.baselines.tasks import find_task
from cxrlib.errors import SelectionError
from cxrlib.storage import Store

FINGERPRINT = "c" * 64
SURVIVAL, ICU = find_task("survival"), find_task("icu-stay")


def make_record(number: int, spec: RunSpec | None = None) -> RunRecord:
    """Make a record with one score."""
    scores = pd.DataFrame(columns=list(TABLES["scores"]))
    scores.loc[0] = ["mean", "auroc", 0.5 + number / 1000, 0.1, 0.4, None, 9, 8, 2, 50, 0, ""]
    scores.loc[1] = ["mean", "auprc", None, None, None, None, 9, 8, 0, 0, 0, "Too few."]
    scores.loc[2] = ["Asia", "auroc", 0.5, None, None, None, 9, 8, 1, 0, 0, ""]
    return RunRecord(
        id=f"{number:012x}",
        spec=(spec or RunSpec(SURVIVAL, "outputs")).to_dict(),
        fingerprint=FINGERPRINT,
        versions={"numpy": "1"},
        made=1000.0 - number,
        seconds=0.5,
        n_images=9,
        n_persons=8,
        features_title="18 outputs",
        notes=(),
        tables={
            "folds": pd.DataFrame(columns=list(TABLES["folds"])),
            "predictions": pd.DataFrame(columns=list(TABLES["predictions"])),
            "scores": scores.astype({"value": float, "sd": float, "low": float, "high": float}),
        },
    )


def write_run(store: Store, record: RunRecord) -> None:
    """Keep a run and enter it."""
    store.write_file("runs", f"{record.id}.json", format_record(record))
    write_entry(store, record)


def damage(store: Store, folder: str, number: int) -> None:
    """Cut a file of a run short."""
    path = next((store.root / folder).glob(f"*{number:012x}.json"))
    path.write_bytes(path.read_bytes()[:-5])


def test_runs_are_listed_in_the_order_they_were_made(tmp_path: Path) -> None:
    """By time, whatever their ids."""
    store = Store(tmp_path)
    for number in (1, 2, 3):
        write_run(store, make_record(number))
    assert [int(entry.id, 16) for entry in list_runs(store, FINGERPRINT)] == [3, 2, 1]
    entry = list_runs(store, FINGERPRINT)[0]
    assert entry.spec == RunSpec(SURVIVAL, "outputs")
    assert entry.words == "survival; outputs; linear; corrected, by region"
    assert (entry.n_images, entry.n_persons, entry.features_title) == (9, 8, "18 outputs")


def test_headlines_are_those_over_all_groups(tmp_path: Path) -> None:
    """Means and pooled scores, with the reason where there is none; groups are not repeated."""
    store = Store(tmp_path)
    write_run(store, make_record(1))
    entry = list_runs(store, FINGERPRINT)[0]
    mean, missing = entry.find("mean", "auroc"), entry.find("mean", "auprc")
    assert mean is not None
    assert (mean.value, mean.low, mean.high) == (0.501, 0.4, None)
    assert missing is not None
    assert (missing.value, missing.reason) == (None, "Too few.")
    assert entry.find("Asia", "auroc") is None


def test_each_task_and_cohort_has_its_own_runs(tmp_path: Path) -> None:
    """A run counts for its own task and cohort only; a changed window is another task."""
    store = Store(tmp_path)
    write_run(store, make_record(1))
    write_run(store, make_record(2, RunSpec(ICU, "outputs")))
    write_run(store, make_record(3, RunSpec(replace(ICU, before=14), "outputs")))
    write_run(store, replace(make_record(4), fingerprint="d" * 64))
    assert len(list_runs(store, FINGERPRINT, SURVIVAL)) == 1
    assert len(list_runs(store, FINGERPRINT, ICU)) == 1
    assert len(list_runs(store, FINGERPRINT)) == 3
    assert len(list_runs(store, "d" * 64)) == 1


def test_an_entry_is_written_once(tmp_path: Path) -> None:
    """A run made again keeps the time at which it was first made."""
    store = Store(tmp_path)
    write_run(store, make_record(1))
    write_run(store, replace(make_record(1), made=5000.0))
    (entry,) = list_runs(store, FINGERPRINT)
    assert entry.made == 999.0


def test_an_entry_follows_its_run(tmp_path: Path) -> None:
    """A run that was made anew to other scores stands in the book with these."""
    store = Store(tmp_path)
    write_run(store, make_record(1))
    other = replace(make_record(2), id=f"{1:012x}", made=5000.0)
    write_run(store, other)
    (entry,) = list_runs(store, FINGERPRINT)
    found = entry.find("mean", "auroc")
    assert found is not None
    assert (entry.made, found.value) == (999.0, 0.502)


def test_list_runs_calls_features_by_their_present_title(tmp_path: Path) -> None:
    """One page has one name for a feature set, whichever version made the run."""
    store = Store(tmp_path)
    former = {
        "Which fields are recorded": "Missing-data pattern only",
        "8 outputs of Texture measures (no network)": "8 outputs of Simple texture (no AI model)",
        "Intermediate features of Texture measures (no network)": (
            "Embedding of Simple texture (no AI model)"
        ),
        "Intermediate features of DenseNet-121, all": "Embedding of DenseNet-121, all",
        "Which fields are recorded.csv": "Which fields are recorded.csv",
    }
    for number, title in enumerate(former):
        write_run(store, replace(make_record(number), features_title=title))
    titles = [entry.features_title for entry in list_runs(store, FINGERPRINT)]
    assert titles == list(reversed(former.values()))


def test_a_damaged_entry_is_mended_of_the_run(tmp_path: Path) -> None:
    """The run's own record says all that its line in the book said."""
    store = Store(tmp_path)
    for number in (1, 2):
        write_run(store, make_record(number))
    before = list_runs(store, FINGERPRINT)
    damage(store, "run-book", 1)
    assert list_runs(store, FINGERPRINT) == before
    assert list_runs(store, FINGERPRINT) == before


def test_a_lost_run_still_counts(tmp_path: Path) -> None:
    """With entry and run damaged the line says so, and stays however often it is read."""
    store = Store(tmp_path)
    for number in (1, 2):
        write_run(store, make_record(number))
    damage(store, "run-book", 1)
    damage(store, "runs", 1)
    for _ in range(2):
        lost, fine = list_runs(store, FINGERPRINT, SURVIVAL)
        assert lost.spec is None
        assert "Run it again" in lost.words
        assert fine.spec is not None
    assert len(list_runs(store, FINGERPRINT, SURVIVAL)) == 2
    write_run(store, make_record(1))
    assert len(list_runs(store, FINGERPRINT, SURVIVAL)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"version": 9},
        {"id": "0" * 12},
        {"spec": {"task": "x"}},
        {"headlines": [[1]]},
        {"headlines": [["mean", "auroc", "x", None, None, ""]]},
        {"made": "now"},
        {"made": float("nan")},
        {"made": 1e300},  # no calendar can write it
        {"made": -1.0},
        {"seconds": float("inf")},
        {"n_images": "9"},
        {"n_images": -9},
        {"features_title": "\ud800"},
        {"spec": {**RunSpec(SURVIVAL, "outputs").to_dict(), "task": 5}},
        {"spec": {**RunSpec(SURVIVAL, "outputs").to_dict(), "features": "\ud800"}},
    ],
)
def test_nonsense_in_an_entry_is_damage(change: dict[str, object], tmp_path: Path) -> None:
    """An entry that anyone may have written is mended, never shown."""
    store = Store(tmp_path)
    write_run(store, make_record(1))
    before = list_runs(store, FINGERPRINT)
    (name,) = store.list_files("run-book")
    data = store.read_file("run-book", name)
    assert data is not None
    store.write_file("run-book", name, json.dumps(json.loads(data) | change).encode())
    assert list_runs(store, FINGERPRINT) == before


def test_other_files_in_the_book_are_passed_over(tmp_path: Path) -> None:
    """Only what is named as an entry is one."""
    store = Store(tmp_path)
    write_run(store, make_record(1))
    (tmp_path / "run-book" / f"{FINGERPRINT[:32]}.note.txt").write_text("mine")
    assert len(list_runs(store, FINGERPRINT)) == 1


def test_kept_runs_are_marked_and_unmarked(tmp_path: Path) -> None:
    """The mark is the reader's; the run stays whatever it is."""
    store = Store(tmp_path)
    write_run(store, make_record(1))
    run_id = f"{1:012x}"
    for is_kept in (True, True, False):
        keep_run(store, run_id, is_kept=is_kept)
        (entry,) = list_runs(store, FINGERPRINT)
        assert entry.is_kept is is_kept


def test_a_fingerprint_is_asked_for_whole(tmp_path: Path) -> None:
    """A shortened one would list nothing, or other cohorts' runs."""
    with pytest.raises(SelectionError, match="fingerprint"):
        list_runs(Store(tmp_path), "c" * 8)


def test_no_record_where_none_was_made(tmp_path: Path) -> None:
    """Nothing is read of an empty cache, and no folder made in it."""
    store = Store(tmp_path / "cache")
    assert read_record(store, f"{1:012x}") is None
    assert list_runs(store, FINGERPRINT) == []
    assert not (tmp_path / "cache").exists()


WRITER = """
import sys
from pathlib import Path
from cxrlib.storage.store import Store
from tests.cxrlib.baselines.runs.test_run_log import make_record, write_run

store, first = Store(Path(sys.argv[1])), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for number in range(first, first + 40, 1):
    write_run(store, make_record(number))
"""


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    """Two that write at once, half of the runs the same ones: all are in the book."""
    root = Path(__file__).parents[4]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), first],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            text=True,
        )
        for first in ("0", "20")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n", timeout=120)
        assert writer.returncode == 0
    entries = list_runs(Store(tmp_path), FINGERPRINT, SURVIVAL)
    assert sorted(int(entry.id, 16) for entry in entries) == list(range(60))
    assert all(entry.spec is not None for entry in entries)
