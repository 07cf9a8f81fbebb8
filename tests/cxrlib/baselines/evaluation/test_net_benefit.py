"""Net benefit: a slow reference, treating all, refusals."""

import numpy as np
import pytest

from cxrlib.baselines.evaluation import LocoResult, LocoSettings, compute_net_benefit, run_loco
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows


def make_result(strength: float = 1.0, **settings: object) -> LocoResult:
    """Predict labels that one feature tells of."""
    rows, rng = draw_rows(1, n_images=120)
    matrix = rng.normal(size=(120, 2))
    matrix[:, 0] += strength * rows.table["y"]
    return run_loco(rows, make_features(rows, matrix), LocoSettings(**settings))


def test_net_benefit_is_finds_less_weighted_false_alarms() -> None:
    """Image by image, in a group and in all."""
    result = make_result()
    table = compute_net_benefit(result)
    for fold, own in [*result.predictions.groupby("fold"), ("pooled", result.predictions)]:
        for row in table[table["fold"] == fold].to_dict("records"):
            t, expected = row["threshold"], 0.0
            for y, value in zip(own["y"], own["value"], strict=True):
                if 1 / (1 + np.exp(-value)) > t:
                    expected += 1 if y else -t / (1 - t)
            assert row["model"] == pytest.approx(expected / len(own))
            share = own["y"].mean()
            assert row["treat_all"] == pytest.approx(share - (1 - share) * t / (1 - t))
            assert row["treat_none"] == 0
            if not row["reason"]:
                assert row["low"] <= row["model"] <= row["high"]


def test_a_perfect_model_is_worth_the_share_of_the_class() -> None:
    """At every threshold, and never less than treating all."""
    table = compute_net_benefit(make_result(60.0), (0.1, 0.3, 0.5))
    pooled = table[table["fold"] == "pooled"]
    assert (pooled["model"] >= pooled["treat_all"]).all()
    assert pooled["model"].tolist() == pytest.approx([pooled["model"].iloc[0]] * 3, abs=0.02)


def test_a_threshold_that_nobody_reaches_is_not_certain() -> None:
    """No image is called in any resample: more persons might be, rightly or not."""
    rows = make_rows(np.arange(60) % 2, region=["Asia", "Asia", "Europe", "Europe"] * 15)
    features = make_features(rows, np.random.default_rng(0).normal(size=(60, 1)))
    settings = LocoSettings(n_resamples=50, estimator="linear:0.001")
    for row in compute_net_benefit(run_loco(rows, features, settings), [0.8]).to_dict("records"):
        assert row["model"] == 0
        assert row["low"] < -0.05
        assert row["high"] > 0.05


def test_at_threshold_0_all_are_treated() -> None:
    """So both are the share of the class."""
    row = compute_net_benefit(make_result(), [0.0]).iloc[-1]
    assert row["model"] == pytest.approx(row["treat_all"])


def test_few_persons_have_no_net_benefit() -> None:
    """One row says why."""
    y = [1.0, 0, 0, *np.tile([0.0, 1], 30)]
    rows = make_rows(y, region=["Oceania"] * 3 + ["Asia"] * 20 + ["Europe"] * 40)
    features = make_features(rows, np.random.default_rng(0).normal(size=(63, 1)))
    table = compute_net_benefit(run_loco(rows, features, LocoSettings(n_resamples=20)))
    own = table[table["fold"] == "Oceania"]
    assert len(own) == 1
    assert "not estimable below 5" in own["reason"].iloc[0]


def test_thresholds_that_have_none_are_refused() -> None:
    """At 1 a false alarm weighs without end."""
    with pytest.raises(SelectionError, match=r"Threshold 1\.0 has no net benefit"):
        compute_net_benefit(make_result(n_resamples=0), [1.0])
    with pytest.raises(SelectionError, match="Threshold nan"):
        compute_net_benefit(make_result(n_resamples=0), [float("nan")])
