"""Subgroups: scored within held-out groups, refused where few, nobody lost."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxrlib.baselines.evaluation import (
    CORRECTED,
    PUBLISHED,
    LocoResult,
    LocoSettings,
    run_loco,
    score_subgroups,
)
from cxrlib.baselines.evaluation.subgroups import SUBGROUP_COLUMNS, derive_age_groups
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows, shuffle_rows


def run(
    seed: int, protocol=CORRECTED, task: str = "icu-stay", n_resamples: int = 200
) -> LocoResult:
    """Evaluate a feature that follows the label in women only."""
    rows, rng = draw_rows(seed, n_images=120, n_persons=120, task=task)
    table = rows.table
    table["sex"] = np.where(np.arange(120) % 2, "F", "M")
    table["age"] = rng.uniform(20, 90, 120)
    table.loc[:2, "age"] = np.nan
    y = table["y"].to_numpy()
    signal = np.where(table["sex"] == "F", y - y.mean(), 0) + 0.3 * rng.normal(size=120)
    features = make_features(rows, signal[:, None])
    return run_loco(rows, features, LocoSettings(protocol, n_resamples=n_resamples))


def test_a_planted_difference_is_seen() -> None:
    """The feature is good for women and chance for men; intervals hold the scores."""
    table = score_subgroups(run(0)).set_index("group")
    assert tuple(table.reset_index()[list(SUBGROUP_COLUMNS)].columns) == SUBGROUP_COLUMNS
    assert table.loc["female", "low"] > 0.8
    assert table.loc["male", "low"] < 0.5 < table.loc["male", "high"]
    known = table[table["reason"] == ""]
    assert ((known["low"] <= known["value"]) & (known["value"] <= known["high"])).all()
    assert (known["n_used"] + known["n_dropped"] == 200).all()


@pytest.mark.parametrize(("protocol", "by"), [(CORRECTED, "value"), (PUBLISHED, "chosen")])
def test_pairs_are_of_one_region(protocol, by: str) -> None:
    """A slow count over regions gives the same."""
    result = run(1, protocol, n_resamples=0)
    table = score_subgroups(result).set_index("group")
    rows = result.rows.table.set_index("image_id")
    for group, sign in (("female", "F"), ("male", "M")):
        tested = result.predictions
        mine = tested[(rows["sex"] == sign).reindex(tested["image_id"]).to_numpy()]
        right = total = 0.0
        for _, part in mine.groupby("fold"):
            pairs = part["y"].sum() * (1 - part["y"]).sum()
            right += pairs * roc_auc_score(part["y"], part[by])
            total += pairs
        assert table.loc[group, "value"] == pytest.approx(right / total)
        assert table.loc[group, "n_images"] == len(mine)
        assert table.loc[group, "n_folds"] == 3


def test_nobody_is_lost() -> None:
    """Each grouping holds every tested image once, those not recorded in a row of their own."""
    table = score_subgroups(run(2, n_resamples=0))
    assert table.groupby("grouping")["n_images"].sum().to_dict() == {"sex": 120, "age": 120}
    last = table[table["group"] == "not recorded"].iloc[0]
    assert (last["grouping"], last["n_images"]) == ("age", 3)
    assert np.isnan(last["value"])
    assert last["reason"].endswith("of the smaller class: not estimable below 5.")


def test_several_seeds_of_one_image_are_one_image() -> None:
    """The network on pixels predicts each image three times; images and persons count once."""
    result = run(3, n_resamples=50)
    three = pd.concat([result.predictions.assign(seed=seed) for seed in range(3)])
    object.__setattr__(result, "predictions", three.reset_index(drop=True))
    pd.testing.assert_frame_equal(score_subgroups(result), score_subgroups(run(3, n_resamples=50)))


def test_numbers_have_no_classes() -> None:
    """Of severity the concordance is scored."""
    table = score_subgroups(run(4, task="geographic-extent")).set_index("group")
    assert (table["metric"] == "concordance").all()
    assert table["n_positive_persons"].isna().all()
    assert table.loc["female", "value"] > 0.8


def test_ages_at_the_edges() -> None:
    """A group begins with its first year."""
    ages = pd.Series([0, 39.9, 40, 59.9, 60, 79.9, 80, 104, np.nan])
    assert derive_age_groups(ages).tolist() == [
        *["under 40"] * 2,
        *["40–59"] * 2,
        *["60–79"] * 2,
        *["80 and over"] * 2,
        "not recorded",
    ]


def test_the_order_of_rows_changes_nothing() -> None:
    """Intervals included."""
    rows, rng = draw_rows(5)
    rows.table["sex"] = np.where(np.arange(90) % 2, "F", "M")
    features = make_features(rows, rng.normal(size=(90, 2)))
    settings = LocoSettings(n_resamples=50)
    tables = [
        score_subgroups(run_loco(each, features, settings))
        for each in (rows, shuffle_rows(rows, 3))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_score_subgroups_bounds_as_the_run_does() -> None:
    """A subgroup that everybody is in has the pooled score of the run, by draws of its own."""
    rows, rng = draw_rows(8, n_images=60, n_persons=60)
    table = rows.table
    table["region"] = np.where(np.arange(60) % 2, "Asia", "Europe")
    table["sex"] = "F"
    table["y"] = (np.arange(60) < 12).astype(float)
    features = make_features(rows, rng.normal(size=(60, 1)))
    result = run_loco(rows, features, LocoSettings(n_resamples=2000))
    found = score_subgroups(result).set_index("group").loc["female"]
    assert (found["n_persons"], found["n_positive_persons"]) == (60, 12)
    pooled = result.scores[result.scores["fold"] == "pooled"].iloc[0]
    assert found["value"] == pooled["value"]
    assert (found["low"], found["high"]) == pytest.approx((pooled["low"], pooled["high"]), abs=0.02)


def test_pairs_of_few_persons_are_no_score_of_a_subgroup() -> None:
    """Twelve women, but only one of each label in a region that has both."""
    women = ["Asia"] * 2 + ["Europe"] * 5 + ["Oceania"] * 5
    regions = [*women, *["Asia", "Europe", "Oceania"] * 8]
    y = [1, 0, *[1] * 5, *[0] * 5, *np.repeat([0, 1] * 4, 3)]
    rows = make_rows(y, region=regions, sex=["F"] * 12 + ["M"] * 24)
    features = make_features(rows, np.random.default_rng(0).normal(size=(36, 2)))
    table = score_subgroups(run_loco(rows, features, LocoSettings(n_resamples=20)))
    row = table[table["group"] == "female"].iloc[0]
    assert np.isnan(row["value"])
    assert row["reason"].startswith("Only pairs within a region count. 1 person")
