"""Leaks: a column that gives the label away is found and named; noise is not."""

from pathlib import Path

import numpy as np
import pytest

from cxrlib.baselines.features import (
    describe_leaks,
    find_leaks,
    has_other_columns,
    list_feature_sets,
    load_features,
)
from cxrlib.baselines.features.shortcuts import read_shortcut
from cxrlib.baselines.tasks import TaskRows, find_task, read_task, take_rows
from cxrlib.cohort import Cohort
from cxrlib.storage import Store
from cxrlib.summary import RECORDED_COLUMNS
from tests.own_cohort_factory import make_own_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a cohort of which some columns give others away."""
    n = 60
    later = [i % 2 == 0 for i in range(n)]
    grade = [(3 + i % 2 if yes else 1 + i % 4 // 2) for i, yes in enumerate(later)]
    own: dict[str, list[object]] = {
        "ward": [f"w{each}" for each in grade],
        "went_icu": ["Y" if yes else "N" for yes in later],
        "crp2": [5.0 * i for i in range(n)],
        "crp3": [(i + 0.1) ** 2 for i in range(n)],
    }
    return make_own_cohort(tmp_path_factory.mktemp("leaks") / "c", own=own)


def take(cohort: Cohort, line: str) -> TaskRows:
    """Take the rows of a task."""
    return take_rows(cohort, read_task(line, cohort))


def test_find_leaks_names_copies_patterns_and_categories(cohort: Cohort) -> None:
    """A copy is the label; a length of stay gives it away by being there; noise does not."""
    found = {leak.column: leak for leak in find_leaks(take(cohort, "column=extra:Later"))}
    assert set(found) == {"extra:copy", "extra:icu_los", "extra:ward", "went_icu"}
    assert {name for name, leak in found.items() if leak.is_label} == {"extra:copy", "went_icu"}
    assert found["extra:icu_los"].by == "pattern"
    assert all(leak.score == 1 and leak.n_images == 60 for leak in found.values())
    assert found["extra:icu_los"].describe() == (
        "Whether “icu los” is filled in gives the label away: AUROC 1.00 alone (60 images)."
    )


def test_find_leaks_of_numbers_uses_ranks(cohort: Cohort) -> None:
    """A number that another follows without being equal is given away."""
    (leak,) = find_leaks(take(cohort, "column=number:crp2"))
    assert (leak.column, leak.is_label) == ("extra:crp3", True)
    assert "rank correlation 1.00 alone" in leak.describe()
    assert find_leaks(take(cohort, "column=number:crp")) == ()


def test_find_leaks_raises_no_alarm_on_noise() -> None:
    """Of 200 columns of noise none gives a label away, in cohorts of 10 to 200 images."""
    from cxrlib.baselines.features.leaks import GIVES_AWAY, _could_be_chance, _score

    rng = np.random.default_rng(0)
    n_alarms = 0
    for n in (10, 20, 60, 200):
        y = (np.arange(n) % 2 == 0).astype(float)
        for _ in range(200):
            score = _score(rng.normal(size=n), y, is_class=True)[0]
            could = _could_be_chance(score, y, is_class=True, n_columns=200)
            n_alarms += score >= GIVES_AWAY and not could
        assert _could_be_chance(1.0, y, is_class=True, n_columns=200) == (n < 20)
    assert n_alarms == 0


def test_score_of_a_column_is_scikit_learns() -> None:
    """Ranks with ties give the AUROC, whichever way the column points."""
    from sklearn.metrics import roc_auc_score

    from cxrlib.baselines.features.leaks import _score

    rng = np.random.default_rng(1)
    for _ in range(20):
        y = rng.integers(0, 2, 50).astype(float)
        x = rng.integers(0, 6, 50).astype(float)
        expected = roc_auc_score(y, x)
        assert _score(x, y, is_class=True)[0] == pytest.approx(max(expected, 1 - expected))


def test_describe_leaks_of_the_papers_tasks_asks_extra_columns_only(cohort: Cohort) -> None:
    """The record's own columns are judged by the shortcuts that are there; extra ones are new."""
    rows = take_rows(cohort, find_task("icu-stay"))
    assert find_leaks(rows) == ()  # no image has a day
    rows = take(cohort, "icu-stay; days=any")
    assert {leak.column for leak in find_leaks(rows)} == {
        *("extra:Later", "extra:copy", "extra:icu_los", "extra:ward")
    }
    assert len(list(describe_leaks(rows, most=2))) == 3


def test_recorded_shortcut_leaves_out_what_is_the_label(cohort: Cohort) -> None:
    """A column of the record that is the label under another name is not in the pattern."""
    shortcut = read_shortcut("recorded", take(cohort, "column=extra:Later"))
    assert "Went to the ICU" not in shortcut.table
    assert any(f"comes from it: {RECORDED_COLUMNS['went_icu']}" in line for line in shortcut.origin)


def test_other_columns_are_a_shortcut_of_their_own(cohort: Cohort, tmp_path: Path) -> None:
    """Values with blanks marked, without the label and its copies; the length of stay is in it."""
    rows = take(cohort, "column=extra:Later")
    store = Store(tmp_path)
    features = load_features("columns", rows, store)
    assert "extra:icu_los is filled in" in features.columns
    assert not any("Later" in each or "copy" in each for each in features.columns)
    assert np.isfinite(features.matrix).all()
    assert any("Left out because it is the label: copy" in each for each in features.origin)
    assert has_other_columns(rows)
    assert [each.name for each in list_feature_sets(cohort, store)][-1] == "columns"


def test_other_columns_are_not_there_without_extra_columns(tmp_path: Path) -> None:
    """A cohort of known columns has the shortcuts that it had."""
    from tests.run_cohort_factory import make_run_cohort

    known = make_run_cohort(tmp_path / "c")
    assert not has_other_columns(take_rows(known, find_task("survival")))
    assert has_other_columns(take_rows(known, read_task("column=sex"))) is False
    names = [each.name for each in list_feature_sets(known, Store(tmp_path / "s"))]
    assert "columns" not in names
