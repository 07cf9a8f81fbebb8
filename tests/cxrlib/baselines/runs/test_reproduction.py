"""Tests of the paper's baselines run again: all of them, in order, each with its reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cxrlib.baselines.evaluation import PUBLISHED, LocoSettings
from cxrlib.baselines.evaluation.paper_score_comparison import NOT_RUN
from cxrlib.baselines.runs import (
    RunSpec,
    list_published_runs,
    list_runs,
    make_run,
    reproduce_scores,
)
from cxrlib.baselines.runs.reproduction import REPRODUCTION_COLUMNS
from cxrlib.baselines.tasks import find_task
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.literature import MEAN, PUBLISHED_TASKS
from cxrlib.literature.paper_scores import PUBLISHED_SCORES
from cxrlib.storage import Store
from tests.cohort_factory import make_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Make a cohort of two regions with a label of every class, without severity scores."""
    rows: list[dict[str, object]] = [
        {
            "offset": 1 + i % 7,
            "location": ("Lyon, France", "Tokyo, Japan")[i % 2],
            "went_icu": "YN"[i // 2 % 2],
            "survival": "YN"[i // 2 % 2],
            "intubated": "YN"[i // 2 % 2],
            "finding": ("Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial")[i // 2 % 2],
            "doi": f"10.1000/{i}",
        }
        for i in range(24)
    ]
    root = make_cohort(tmp_path_factory.mktemp("reproduction") / "c", rows)
    return load_cohort(root)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give an empty store."""
    return Store(tmp_path / "cache")


def test_the_pairs_are_the_papers() -> None:
    """Forty rows of Tables 5 and 6, none twice; pixels for classes only."""
    pairs = list_published_runs()
    assert len(pairs) == len(set(pairs)) == 40
    assert [pair for pair in pairs if pair[0] == "opacity" and pair[1] == "pixels"] == []
    printed = [(s.task, s.features) for s in PUBLISHED_SCORES if s.fold == MEAN]
    assert list(pairs) == list(dict.fromkeys(printed))
    assert list_published_runs(features=["prevalence"]) == tuple(
        (task, "prevalence") for task in PUBLISHED_TASKS
    )


def test_what_the_paper_does_not_have_is_refused() -> None:
    """A name that is not there, and a pair that is not."""
    with pytest.raises(SelectionError, match="no task 'icu'"):
        list_published_runs(["icu"])
    with pytest.raises(SelectionError, match="no feature set 'texture:outputs'"):
        list_published_runs(features=["texture:outputs"])
    with pytest.raises(SelectionError, match="has no scores of pixels for opacity"):
        list_published_runs(["opacity"], ["pixels"])


def test_every_printed_score_has_a_line(cohort: Cohort, store: Store) -> None:
    """What ran has a number and a run; what could not, its reason and what to do."""
    sets, tasks = ["outputs", "prevalence"], ["icu-stay", "opacity"]
    seen: list[tuple[int, int]] = []
    found = reproduce_scores(
        cohort,
        store,
        tasks=tasks,
        features=sets,
        on_progress=lambda _, done, total: seen.append((done, total)),
    )
    assert seen == [(i, 4) for i in range(5)]
    assert tuple(found.scores.columns) == REPRODUCTION_COLUMNS
    printed = [s for s in PUBLISHED_SCORES if s.features in sets and s.task in tasks]
    key = ["task", "features", "fold", "metric"]
    assert sorted(map(tuple, found.scores[key].to_numpy())) == sorted(
        (s.task, s.features, s.fold, s.metric) for s in printed
    )
    ran = found.scores["run"] != ""
    assert ((found.scores["verdict"] == NOT_RUN) == ~ran).all()
    assert set(found.scores.loc[ran, "features"]) == {"prevalence"}
    assert found.scores.loc[ran & found.scores["fold"].isin(["Asia", MEAN]), "ours"].notna().any()
    # No network is embedded here, and the cohort has no severity scores.
    assert {(each.task, each.features) for each in found.not_run} == {
        ("icu-stay", "outputs"),
        ("opacity", "outputs"),
        ("opacity", "prevalence"),
    }
    network = next(each for each in found.not_run if each.features == "outputs")
    assert "densenet121-res224-all" in network.reason
    assert "python -m cxrlib embed" in network.advice
    # What to do is long and the same for both: it is said once.
    assert sum(network.advice in note for note in found.notes) == 1
    told = found.scores.loc[found.scores["features"] == "outputs", "explanation"]
    assert not told.str.contains(network.advice, regex=False).any()
    assert "not run" in found.describe()
    counts = found.counts.set_index(["task", "region"])
    assert counts.loc[("icu-stay", "Asia"), "n_positive_ours"] == 6


def test_its_runs_are_those_of_the_page(cohort: Cohort, store: Store) -> None:
    """The same id and the same digits as a run that is asked for by itself; it is in the book."""
    found = reproduce_scores(cohort, store, tasks=["survival"], features=["prevalence"])
    spec = RunSpec(find_task("survival"), "prevalence", LocoSettings(protocol=PUBLISHED))
    run = make_run(cohort, store, spec)
    assert run.was_stored
    assert set(found.scores["run"]) == {run.id}
    mean = run.scores[(run.scores["fold"] == MEAN) & (run.scores["metric"] == "auprc")]
    ours = found.scores[(found.scores["fold"] == MEAN) & (found.scores["metric"] == "auprc")]
    assert ours["ours"].item() == mean["value"].item()
    entries = list_runs(store, cohort.fingerprint, find_task("survival"))
    assert [entry.id for entry in entries] == [run.id]


def test_it_stops_between_runs(cohort: Cohort, store: Store) -> None:
    """What was run before is kept."""
    asked: Iterator[bool] = iter([False] * 40 + [True] * 1000)
    with pytest.raises(RunStoppedError):
        reproduce_scores(cohort, store, features=["prevalence"], should_stop=lambda: next(asked))
    assert list_runs(store, cohort.fingerprint)


def test_the_collections_baseline_prevalence(real_root: Path, store: Store) -> None:
    """Beside each printed cell; nothing differs from equal counts, since no counts are equal.

    What predicts one class only scores 0.50 and the prevalence: it agrees wherever the tested
    classes are the paper's.
    """
    cohort = load_cohort(real_root, inspect_images=False)
    found = reproduce_scores(cohort, store, features=["prevalence"])
    assert found.not_run == ()
    scores = found.scores
    assert len(scores) == 54
    assert set(scores["verdict"]) == {"agrees", "different cohort"}
    assert not scores["same_counts"].any()
    auroc = scores[scores["metric"] == "auroc"]
    assert set(auroc["ours"]) == {0.5}
    assert set(auroc["verdict"]) == {"agrees"}
    correlation = scores[scores["metric"] == "correlation"]
    assert set(correlation["verdict"]) == {"agrees"}
    same_test = (scores["n_positive_paper"] == scores["n_positive_ours"]) & (
        scores["n_negative_paper"] == scores["n_negative_ours"]
    )
    auprc = scores[(scores["metric"] == "auprc") & (scores["fold"] != MEAN)]
    assert set(auprc.loc[same_test, "verdict"]) == {"agrees"}
    assert (scores["verdict"] == "agrees").sum() == 34
    # Five images of Americas have severity scores here: the paper tests Asia and Europe only.
    told = scores[(scores["task"] == "opacity") & (scores["fold"] == MEAN)]["explanation"]
    assert told.str.contains("not in the paper: Americas").all()
