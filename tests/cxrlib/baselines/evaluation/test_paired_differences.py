"""Differences of two evaluations: the same resamples for both."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import (
    PUBLISHED,
    LocoResult,
    LocoSettings,
    compare_results,
    run_loco,
)
from cxrlib.baselines.evaluation.paired_differences import DIFFERENCE_COLUMNS
from cxrlib.baselines.features import features_from_matrix
from cxrlib.baselines.tasks import Task
from cxrlib.errors import SelectionError
from tests.task_rows_factory import CLASSES, NUMBER, draw_features, draw_rows

SETTINGS = LocoSettings(n_resamples=200)


def run_pair(seed: int = 0, **changes: Any) -> tuple[LocoResult, LocoResult]:
    """Run a feature that tells something and one that adds a little noise to it."""
    rows = draw_rows(seed, n_each=2)
    rng = np.random.default_rng(seed)
    y = rows.table["y"].to_numpy()
    first = y[:, None] + rng.normal(size=(len(y), 1))
    second = first + 0.2 * rng.normal(size=first.shape)
    names = list(rows.table["image_id"])
    settings = replace(SETTINGS, **changes)
    one, two = (
        run_loco(rows, features_from_matrix(matrix, names), settings) for matrix in (first, second)
    )
    return one, two


def test_differences_are_those_of_the_scores() -> None:
    """Row by row, the mean and the pooled included."""
    first, second = run_pair()
    table = compare_results(first, second)
    assert tuple(table.columns) == DIFFERENCE_COLUMNS
    keys = ["fold", "metric"]
    assert table[keys].equals(first.scores[keys])
    expected = first.scores["value"] - second.scores["value"]
    np.testing.assert_allclose(table["difference"], expected, atol=1e-12)
    missing = table["difference"].isna()
    assert (table["reason"][missing] == first.scores["reason"][missing]).all()
    assert missing.any()


def test_pairs_are_sharper_than_two_intervals() -> None:
    """Like features rise and fall together: their difference is known better than either."""
    first, second = run_pair()
    table, scores = compare_results(first, second), first.scores
    for fold in ("Asia", "mean", "pooled"):
        chosen = (table["fold"] == fold) & (table["metric"] == "auroc")
        row, score = table[chosen].iloc[0], scores[chosen].iloc[0]
        assert 0 < row["high"] - row["low"] < 0.5 * (score["high"] - score["low"])
        assert row["low"] <= row["difference"] <= row["high"]


def test_differences_turn_round() -> None:
    """The second less the first is the same with the sign turned."""
    first, second = run_pair(1)
    one, two = compare_results(first, second), compare_results(second, first)
    for column, other in (("difference", "difference"), ("low", "high"), ("high", "low")):
        np.testing.assert_allclose(one[column], -two[other], atol=1e-12)


def test_an_evaluation_does_not_differ_from_itself() -> None:
    """Zero everywhere, and no interval is made of it."""
    first, _ = run_pair(2)
    table = compare_results(first, first)
    known = table[table["difference"].notna()]
    assert (known["difference"] == 0).all()
    assert known["low"].isna().all()
    assert known["reason"].str.contains("both score the same in all|too few|needs|R²").all()


@pytest.mark.parametrize("task", [CLASSES, NUMBER])
def test_protocols_can_be_compared(task: Task) -> None:
    """Guards take training images only: the same images are tested."""
    rows = draw_rows(3, task=task, n_persons=30)
    features = draw_features(rows)
    corrected = run_loco(rows, features, SETTINGS)
    published = run_loco(rows, features, replace(SETTINGS, protocol=PUBLISHED))
    table = compare_results(corrected, published)
    expected = corrected.scores["value"] - published.scores["value"]
    np.testing.assert_allclose(table["difference"], expected, atol=1e-9)


def test_random_features_do_not_differ() -> None:
    """Two sets that say nothing: the intervals of the difference hold 0 at the nominal rate."""
    n_missed = 0
    for seed in range(30):
        rows = draw_rows(seed, n_persons=16)
        settings = LocoSettings(n_resamples=200, seed=seed)
        one, two = (run_loco(rows, draw_features(rows, p, seed=seed), settings) for p in (3, 4))
        table = compare_results(one, two)
        row = table[table["fold"] == "pooled"].iloc[0]
        n_missed += not row["low"] <= 0 <= row["high"]
    # With 5 % more than 6 of 30 are missed once in a thousand times.
    assert n_missed <= 6, n_missed


def test_what_is_not_alike_cannot_be_compared() -> None:
    """Other images, labels, tasks or groups have no paired difference."""
    rows = draw_rows(4)
    features = draw_features(rows)
    first = run_loco(rows, features, SETTINGS)
    fewer = replace(rows, table=rows.table.iloc[1:])
    turned = replace(rows, table=rows.table.assign(y=1 - rows.table["y"]))
    for other in (fewer, turned):
        with pytest.raises(SelectionError, match="The evaluations differ"):
            compare_results(first, run_loco(other, features, SETTINGS))
    countries = run_loco(rows, features, replace(SETTINGS, hold_out="country"))
    with pytest.raises(SelectionError, match=r"holds out regions, the other countries"):
        compare_results(first, countries)
    other_place = rows.table.assign(region=rows.table["region"].replace({"Asia": "Africa"}))
    moved = run_loco(replace(rows, table=other_place), features, SETTINGS)
    with pytest.raises(SelectionError, match="The evaluations differ"):
        compare_results(first, moved)


def test_nothing_tested_is_no_error() -> None:
    """Reasons stand in every row."""
    rows = draw_rows(5)
    rows = replace(rows, table=rows.table.assign(region="Asia"))
    result = run_loco(rows, draw_features(rows), SETTINGS)
    table = compare_results(result, result)
    assert table["difference"].isna().all()
    assert (table["reason"] != "").all()
    assert isinstance(table, pd.DataFrame)


def test_what_only_the_second_cannot_score_has_its_reason() -> None:
    """A group scored as published only has no difference, whichever comes first."""
    rows = draw_rows(6)
    table = rows.table
    is_asia = table["region"] == "Asia"
    table.loc[is_asia, "y"] = 1.0
    table.loc[table.index[is_asia][:2], "y"] = 0.0  # two persons: too few when corrected
    features = draw_features(rows)
    published = run_loco(rows, features, replace(SETTINGS, protocol=PUBLISHED))
    corrected = run_loco(rows, features, SETTINGS)
    for pair in ((published, corrected), (corrected, published)):
        found = compare_results(*pair).set_index(["fold", "metric"]).loc[("Asia", "auroc")]
        assert np.isnan(found["difference"])
        assert "2 persons of the class" in found["reason"]
        assert "below 5" in found["reason"]
