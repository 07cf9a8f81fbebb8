"""The walk: it begins as published, ends as corrected, and each change is seen at its own step."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import (
    CORRECTED,
    PUBLISHED,
    LocoSettings,
    compute_protocol_steps,
    run_loco,
)
from cxrlib.baselines.evaluation.protocol_steps import PROTOCOL_STEP_COLUMNS
from cxrlib.baselines.tasks import find_task, take_rows
from cxrlib.cohort import load_cohort
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows

FEW = LocoSettings(n_resamples=50)


def take_scores(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Take one score and the pooled one of an evaluation."""
    mine = scores[(scores["metric"] == metric) | (scores["fold"] == "pooled")]
    return mine[["fold", "value", "low", "high", "reason"]].reset_index(drop=True)


@pytest.mark.parametrize(
    ("task", "metric", "is_strict"),
    [("icu-stay", None, False), ("icu-stay", "auprc", True), ("opacity", None, False)],
)
def test_it_leads_from_the_published_to_the_corrected_number(
    task: str, metric: str | None, is_strict: bool
) -> None:
    """Both ends are those evaluations, to the digit, intervals included."""
    rows, rng = draw_rows(0, task=task)
    rows.table["source"] = [f"s{n}" for n in rng.integers(0, 40, 90)]
    features = make_features(rows, rng.normal(size=(90, 2)))
    settings = LocoSettings(n_resamples=50, is_strict=is_strict)
    walk = compute_protocol_steps(rows, features, settings, metric)
    assert tuple(walk.columns) == PROTOCOL_STEP_COLUMNS
    assert walk["metric"].iloc[0] == (metric or ("correlation" if task == "opacity" else "auroc"))
    last = walk["step"].max()
    for step, each in (
        (0, LocoSettings(PUBLISHED, n_resamples=50)),
        (last, LocoSettings(CORRECTED, n_resamples=50, is_strict=is_strict)),
    ):
        scores = run_loco(rows, features, each).scores
        mine = walk[walk["step"] == step].reset_index(drop=True)
        expected = take_scores(scores, walk["metric"].iloc[0])
        pd.testing.assert_frame_equal(mine[["fold", "value", "low", "high", "reason"]], expected)


def test_changes_add_up() -> None:
    """From the first to the last number of each fold."""
    rows, rng = draw_rows(1)
    walk = compute_protocol_steps(rows, make_features(rows, rng.normal(size=(90, 2))), FEW)
    for _, group in walk.groupby("fold"):
        assert np.isnan(group["change"].iloc[0])
        total = group["change"].iloc[1:].sum()
        assert total == pytest.approx(group["value"].iloc[-1] - group["value"].iloc[0])


def test_a_person_on_both_sides_is_seen_at_that_step_alone() -> None:
    """A feature that names the person is known from the same person's other images."""
    rng = np.random.default_rng(2)
    # Persons 0 to 15 have an image in each region, the others in one.
    person = np.array([*range(24), *range(16), *range(24, 32)])
    region = ["Asia"] * 24 + ["Europe"] * 24
    y = np.tile([0.0, 1, 1, 0], 8)[person]
    rows = make_rows(y, region=region, person=[f"p{p:02d}" for p in person])
    matrix = np.eye(32)[person] + 0.01 * rng.normal(size=(48, 32))
    walk = compute_protocol_steps(rows, make_features(rows, matrix), FEW)
    pooled = walk[walk["fold"] == "pooled"].set_index("words")
    assert pooled.loc["Ranked on decision values, not on the predicted class", "value"] > 0.8
    assert pooled.loc["No person in both training and test", "change"] < -0.1
    assert (pooled["change"].iloc[-2:] == 0).all()


def test_wide_features_in_their_row_space_change_nothing() -> None:
    """The step is there for wide features only, and moves no number."""
    rows, rng = draw_rows(3, n_images=40, n_persons=40)
    words = "Wide features reduced without loss (predictions unchanged)"
    wide = compute_protocol_steps(rows, make_features(rows, rng.normal(size=(40, 60))), FEW)
    step = wide[wide["words"] == words]
    assert len(step)
    assert step["change"].abs().max() < 1e-6
    narrow = compute_protocol_steps(rows, make_features(rows, rng.normal(size=(40, 3))), FEW)
    assert words not in set(narrow["words"])


def test_few_persons_end_a_score_at_the_last_step_with_a_reason() -> None:
    """A region of one positive image has a published number and no corrected one."""
    y = np.array([1.0, 0, 0, *np.tile([0, 1], 20)])
    rows = make_rows(y, region=["Asia"] * 3 + ["Europe"] * 40)
    walk = compute_protocol_steps(
        rows, make_features(rows, np.random.default_rng(4).normal(size=(43, 1))), FEW
    )
    asia = walk[walk["fold"] == "Asia"]
    assert asia["value"].iloc[:-1].notna().all()
    assert np.isnan(asia["value"].iloc[-1])
    assert "not estimable below 5" in asia["reason"].iloc[-1]
    assert np.isnan(asia["change"].iloc[-1])


def test_what_cannot_be_walked_is_refused() -> None:
    """An unknown score, and pixels."""
    rows, rng = draw_rows(5)
    features = make_features(rows, rng.normal(size=(90, 1)))
    with pytest.raises(SelectionError, match=r"no score 'mae'\. There are auroc"):
        compute_protocol_steps(rows, features, FEW, "mae")
    object.__setattr__(features, "kind", "pixels")
    with pytest.raises(SelectionError, match="takes minutes"):
        compute_protocol_steps(rows, features, FEW)


@pytest.mark.parametrize("task", ["covid-19", "survival", "icu-stay", "geographic-extent"])
def test_on_the_collection_guards_change_nothing(real_root: Path, task: str) -> None:
    """Nobody and no article is in two regions; the rule on few persons ends the mean of classes."""
    cohort = load_cohort(real_root, inspect_images=False)
    rows = take_rows(cohort, find_task(task), need_file=False)
    noise = np.random.default_rng(0).normal(size=(len(rows.table), 4))
    walk = compute_protocol_steps(rows, make_features(rows, noise), LocoSettings(n_resamples=0))
    guards = walk[
        walk["words"].str.startswith("No ") & walk["words"].str.endswith("training and test")
    ]
    assert guards["words"].nunique() == 2
    assert (guards["change"].dropna() == 0).all()
    mean = walk[walk["fold"] == "mean"].set_index("step")["value"]
    assert np.isfinite(mean.iloc[0])
    assert np.isnan(mean.iloc[-1]) == (task != "geographic-extent")


def test_places_may_be_called_as_scores_are() -> None:
    """A country called "mean" is a group among others at each step."""
    rng = np.random.default_rng(3)
    place = np.repeat(["mean", "pooled", "Italy"], 20)
    rows = make_rows(rng.integers(0, 2, 60), region=["Europe"] * 60, country=place)
    settings = LocoSettings(hold_out="country", n_resamples=0)
    walk = compute_protocol_steps(rows, make_features(rows, rng.normal(size=(60, 2))), settings)
    assert not walk.duplicated(["step", "fold", "metric"]).any()
    assert {"mean", "pooled", "mean (country)", "pooled (country)"} <= set(walk["fold"])
