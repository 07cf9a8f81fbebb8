"""Leave one region out: the published loop's digits, no leak, nothing dropped in silence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import (
    CORRECTED,
    FOLD_COLUMNS,
    HOLD_OUTS,
    MEAN,
    POOLED,
    PREDICTION_COLUMNS,
    PROTOCOLS,
    PUBLISHED,
    SCORE_COLUMNS,
    LocoResult,
    LocoSettings,
    plan_loco,
    predict_dealings,
    run_loco,
)
from cxrlib.baselines.evaluation.loco import compute_values, score_seeds
from cxrlib.baselines.evaluation.protocols import Protocol
from cxrlib.baselines.evaluation.scores import METRICS
from cxrlib.baselines.features import Features, features_from_matrix
from cxrlib.baselines.tasks import PAPER_TASKS, Task, TaskRows, find_task, take_rows
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.synthetic.records import simulate_courses
from tests.cohort_factory import SCORES_FILE, make_cohort
from tests.published_loop import run_published_loop
from tests.task_rows_factory import CLASSES, NUMBER, draw_features, draw_rows, make_rows

NAMES = tuple(task.name for task in PAPER_TASKS)
AS_PUBLISHED = LocoSettings(PUBLISHED, n_resamples=0)
QUICK = LocoSettings(n_resamples=50)
#: Without a penalty to choose, which the notes would name.
PLAIN = replace(QUICK, estimator="paper")


def find(result: LocoResult, fold: str, metric: str, column: str = "value") -> Any:
    """Find a number in the table of scores."""
    scores = result.scores
    row = scores[(scores["fold"] == fold) & (scores["metric"] == metric)]
    assert len(row) == 1
    return row[column].iloc[0]


def give(rows: TaskRows, matrix: np.ndarray, kind: Any = "outside") -> Features:
    """Give each row its numbers."""
    features = features_from_matrix(np.atleast_2d(matrix.T).T, list(rows.table["image_id"]))
    return replace(features, kind=kind)


def assert_same(first: LocoResult, second: LocoResult) -> None:
    """All tables are equal to the last digit."""
    for name in ("folds", "predictions", "scores"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
    assert first.notes == second.notes


# ---- the published protocol


def assert_as_the_loop(rows: TaskRows, features: Features, *, is_ordered: bool = False) -> None:
    """Compare with the plain loop, run in the rows' order (for a network in that of their ids)."""
    table = rows.table.sort_values("image_id") if is_ordered else rows.table
    plain = run_published_loop(
        table["region"].to_numpy(dtype=object),
        table["y"].to_numpy(dtype=float),
        features.take(list(table["image_id"])),
        is_class=rows.task.kind == "classes",
        is_network=features.kind == "pixels",
    )
    result = run_loco(rows, features, AS_PUBLISHED)
    seeds = score_seeds(result)
    ours = seeds[~seeds["metric"].str.endswith("_event")]
    keys = ["fold", "metric", "seed"]
    joined = plain.merge(ours, on=keys, how="outer", suffixes=("_plain", ""))
    assert len(plain) > 0
    np.testing.assert_allclose(joined["value"], joined["value_plain"], rtol=1e-9, atol=1e-12)
    for metric in plain["metric"].unique():
        values = plain.loc[plain["metric"] == metric, "value"]
        assert find(result, MEAN, metric) == pytest.approx(values.mean(), rel=1e-9, abs=1e-12)
        sd = find(result, MEAN, metric, "sd")
        assert sd == pytest.approx(values.std(ddof=1), rel=1e-6, abs=1e-9, nan_ok=True)
    for line in plain.groupby(["fold", "metric"], as_index=False)["value"].mean().itertuples():
        value = find(result, str(line.fold), str(line.metric))
        assert value == pytest.approx(line.value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_columns", [1, 18, 150])
def test_published_is_the_plain_loop(name: str, n_columns: int) -> None:
    """The same digits on random features for all seven tasks, narrow and wide."""
    rows = draw_rows(n_columns, task=find_task(name), n_persons=14, n_each=2)
    assert_as_the_loop(rows, draw_features(rows, n_columns))


@pytest.mark.parametrize("name", NAMES)
def test_published_prevalence_is_the_plain_loop(name: str) -> None:
    """One constant column: 0.5, the prevalence, and a correlation of 0."""
    rows = draw_rows(3, task=find_task(name), n_persons=9)
    assert_as_the_loop(rows, give(rows, np.ones(len(rows.table)), "prevalence"))


def test_the_published_network_is_the_plain_loop() -> None:
    """Three seeds, and the mean over regions and seeds."""
    rows = draw_rows(4, n_persons=10)
    assert_as_the_loop(rows, replace(draw_features(rows, 6), kind="pixels"), is_ordered=True)


@pytest.fixture(scope="module")
def real_cohort(real_root: Path) -> Cohort:
    """Load the real collection's records; its images play no part with random features."""
    return load_cohort(real_root, inspect_images=False)


@pytest.mark.parametrize("name", NAMES)
def test_published_is_the_plain_loop_on_the_collection(real_cohort: Cohort, name: str) -> None:
    """The collection's rows and labels, random features."""
    rows = take_rows(real_cohort, find_task(name), need_file=False)
    for n_columns in (18, 1024):
        assert_as_the_loop(rows, draw_features(rows, n_columns))


# ---- shape


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("task", [CLASSES, NUMBER])
@pytest.mark.parametrize("hold_out", HOLD_OUTS)
def test_tables_are_whole(protocol: Protocol, task: Task, hold_out: str) -> None:
    """Every group and score has a row; where there is no number there is a reason."""
    rows = draw_rows(1, task=task, n_persons=9, n_each=2)
    rows.table["source"] = [f"site{i % 8}" if i % 8 else "" for i in range(len(rows.table))]
    settings = LocoSettings(protocol, hold_out, n_resamples=60)
    result = run_loco(rows, draw_features(rows), settings)
    folds, scores, predictions = result.folds, result.scores, result.predictions
    assert tuple(folds.columns) == FOLD_COLUMNS
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert tuple(predictions.columns) == PREDICTION_COLUMNS
    metrics = METRICS["classes" if task is CLASSES else "number"]
    pooled = "auroc" if task is CLASSES else "concordance"
    expected = [(fold, metric) for metric in metrics for fold in folds["fold"]]
    expected += [(MEAN, metric) for metric in metrics] + [(POOLED, pooled)]
    assert list(zip(scores["fold"], scores["metric"], strict=True)) == expected
    assert (scores["value"].isna() <= (scores["reason"] != "")).all()
    is_bare = scores["value"].notna() & scores["low"].isna()
    assert (is_bare <= scores["reason"].str.startswith("No interval")).all()
    has = scores[scores["low"].notna()]
    assert ((has["low"] < has["high"]) & (has["reason"] == "")).all()
    assert (has["n_used"] + has["n_dropped"] == 60).all()
    assert (folds["is_scored"] == (folds["reason"] == "")).all()
    tested = folds[folds["is_tested"]]
    assert (
        predictions.groupby("fold").size().to_dict()
        == tested.set_index("fold")["n_images"].to_dict()
    )
    if task is CLASSES:
        assert (folds["n_positive"] + folds["n_negative"] == folds["n_images"]).all()
        sums = folds["n_train_positive"] + folds["n_train_negative"]
        assert (sums == folds["n_train_images"]).all()


def test_means_deviations_and_counts_are_those_of_the_rows() -> None:
    """The mean and the standard deviation (n - 1) of the scored; counts of images and persons."""
    rows = draw_rows(2, n_persons=24, n_each=3)
    result = run_loco(rows, draw_features(rows), QUICK)
    folds, scores = result.folds, result.scores
    assert folds["is_scored"].sum() == 4
    groups = scores[~scores["fold"].isin([MEAN, POOLED])]
    for metric in METRICS["classes"]:
        values = groups.loc[groups["metric"] == metric, "value"]
        assert find(result, MEAN, metric) == pytest.approx(values.mean())
        assert find(result, MEAN, metric, "sd") == pytest.approx(values.std(ddof=1))
    assert find(result, MEAN, "auroc", "n_folds") == 4
    assert find(result, MEAN, "auroc", "n_images") == 4 * 24 * 3
    assert find(result, MEAN, "auroc", "n_persons") == 4 * 24
    smaller = folds[["n_train_positive", "n_train_negative"]].min(axis=1)
    np.testing.assert_allclose(folds["events_per_parameter"], smaller / 5)


def test_the_pooled_score_counts_pairs_within_regions() -> None:
    """Pairs of two regions do not count; those of regions without a score of their own do."""
    rows = draw_rows(5, n_persons=7)
    result = run_loco(rows, draw_features(rows), QUICK)
    assert not result.folds["is_scored"].all()
    right = pairs = 0.0
    for _, group in result.predictions.groupby("fold"):
        for positive in group[group["y"] == 1]["value"]:
            for negative in group[group["y"] == 0]["value"]:
                right += (positive > negative) + (positive == negative) / 2
                pairs += 1
    assert find(result, POOLED, "auroc") == pytest.approx(right / pairs)


# ---- invariance


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("kind", "n_columns"), [("outside", 3), ("outside", 120), ("pixels", 9)])
def test_order_of_rows_changes_nothing(protocol: Protocol, kind: Any, n_columns: int) -> None:
    """Not a digit, whichever of table and features is in another order."""
    rows = draw_rows(6, n_persons=8, n_each=2)
    features = replace(draw_features(rows, n_columns), kind=kind)
    settings = LocoSettings(protocol, n_resamples=40)
    first = run_loco(rows, features, settings)
    places = np.random.default_rng(0).permutation(len(rows.table))
    shuffled = replace(rows, table=rows.table.iloc[places].reset_index(drop=True))
    assert_same(first, run_loco(shuffled, features, settings))
    turned = replace(
        features, image_ids=features.image_ids[::-1], matrix=features.matrix[::-1].copy()
    )
    assert_same(first, run_loco(shuffled, turned, settings))
    assert_same(first, run_loco(rows, features, settings))


def test_the_seed_changes_intervals_only() -> None:
    """Nor does the number of resamples change a value."""
    rows = draw_rows(7)
    features = draw_features(rows)
    first, second = (run_loco(rows, features, LocoSettings(seed=seed)) for seed in (0, 1))
    assert first.scores["value"].equals(second.scores["value"])
    assert (first.scores["low"] != second.scores["low"]).any()
    bare = run_loco(rows, features, LocoSettings(n_resamples=0))
    assert bare.scores["value"].equals(first.scores["value"])
    assert bare.scores[["low", "high"]].isna().all(axis=None)
    plan = plan_loco(rows, features, LocoSettings())
    values = compute_values(plan, predict_dealings(plan))
    keys = list(zip(first.scores["fold"], first.scores["metric"], strict=True))
    np.testing.assert_array_equal([values[key] for key in keys], first.scores["value"])


def test_scale_of_features_is_no_matter_when_corrected() -> None:
    """The published protocol depends on units, the corrected one does not."""
    rows = draw_rows(8)
    features = draw_features(rows)
    scaled = give(rows, features.matrix * [0.01, 1, 5, 1000] + [1, 2, 3, 4])
    first, second = (run_loco(rows, each, QUICK).predictions for each in (features, scaled))
    np.testing.assert_allclose(first["value"], second["value"], atol=1e-6)


# ---- planted truths


def test_a_perfect_feature_scores_one() -> None:
    """Its interval has a lower bound all the same: few persons do not make it certain."""
    rows = draw_rows(9)
    result = run_loco(rows, give(rows, rows.table["y"].to_numpy()), QUICK)
    for metric in METRICS["classes"]:
        assert find(result, MEAN, metric) == 1
    assert find(result, POOLED, "auroc") == 1
    for fold in (MEAN, POOLED):
        assert find(result, fold, "auroc", "high") == 1
        assert 0.5 < find(result, fold, "auroc", "low") < 0.99
    numbers = draw_rows(9, task=NUMBER)
    # Least squares: a penalty, however small, keeps predictions a little towards their mean.
    result = run_loco(numbers, give(numbers, numbers.table["y"].to_numpy()), PLAIN)
    assert find(result, MEAN, "correlation") == pytest.approx(1)
    assert find(result, MEAN, "mae") == pytest.approx(0, abs=1e-9)
    assert find(result, POOLED, "concordance") == 1


def test_a_shortcut_holds_in_a_random_split_only() -> None:
    """Which hospital it is tells the label where its region was seen, and nothing elsewhere."""
    rows = draw_rows(10, n_persons=30)
    rng = np.random.default_rng(0)
    is_referred = rng.random(len(rows.table)) < np.where(rows.table["y"] == 1, 0.96, 0.04)
    hospital = rows.table["region"] + np.where(is_referred, " referral", " other")
    features = give(rows, np.c_[pd.get_dummies(hospital), rng.normal(size=len(hospital))])
    severity = give(rows, rows.table["y"].to_numpy() + 0.7 * rng.normal(size=len(hospital)))
    parts = np.array([f"part {part}" for part in rng.integers(0, 4, len(rows.table))], dtype=object)
    split = replace(rows, table=rows.table.assign(region=parts))
    assert find(run_loco(split, features), POOLED, "auroc") >= 0.9
    held_out = run_loco(rows, features)
    for fold in ("Asia", "Europe", MEAN, POOLED):
        low, high = (find(held_out, fold, "auroc", column) for column in ("low", "high"))
        assert low <= 0.5 <= high
    for each in (split, rows):
        assert find(run_loco(each, severity), POOLED, "auroc") >= 0.75


def test_the_demos_severity_holds_everywhere_and_its_style_does_not(tmp_path: Path) -> None:
    """What is planted is found: severity in both, style within regions only."""
    simulated = simulate_courses(seed=20200918, n_patients=250)
    pd.DataFrame(simulated.rows).to_csv(tmp_path / "metadata.csv", index=False)
    cohort = load_cohort(tmp_path, inspect_images=False)
    rows = take_rows(cohort, find_task("icu-stay"), need_file=False)
    names = cohort.table.set_index("image_id")["filename"][rows.table["image_id"]]
    shots = {task.filename: task.shot for task in simulated.tasks}
    severity = np.array([np.mean(shots[name].zone_severity) for name in names])
    style = np.array([float(shots[name].patient.hospital.style_sign) for name in names])
    places = pd.get_dummies(rows.table["region"]).to_numpy(dtype=float)
    by_place = give(rows, np.c_[places, places * style[:, None]])
    rng = np.random.default_rng(0)
    part = {person: f"part {rng.integers(4)}" for person in rows.table["person_id"].unique()}
    mixed = rows.table.assign(region=rows.table["person_id"].map(part))
    split = replace(rows, table=mixed)
    for each in (split, rows):
        assert find(run_loco(each, give(rows, severity)), POOLED, "auroc") >= 0.75
    assert find(run_loco(split, by_place), POOLED, "auroc") >= 0.75
    assert find(run_loco(rows, give(rows, style)), POOLED, "auroc", "high") < 0.5


def count_missed(task: Task, n_runs: int, n_columns: int) -> dict[str, tuple[int, int]]:
    """Count the intervals that miss 0.5 on random features, and all; by group or not."""
    counts = {"group": [0, 0], MEAN: [0, 0], POOLED: [0, 0]}
    metric = "auroc" if task is CLASSES else "concordance"
    for seed in range(n_runs):
        rows = draw_rows(seed, task=task, n_persons=16, n_each=1 + seed % 2)
        settings = LocoSettings(seed=seed, n_resamples=300)
        scores = run_loco(rows, draw_features(rows, n_columns, seed=seed), settings).scores
        scores = scores[(scores["metric"] == metric) & scores["low"].notna()]
        missed = (scores["low"] > 0.5) | (scores["high"] < 0.5)
        for fold, is_missed in zip(scores["fold"], missed, strict=True):
            kind = fold if fold in (MEAN, POOLED) else "group"
            counts[kind][0] += int(is_missed)
            counts[kind][1] += 1
    return {kind: (missed, n) for kind, (missed, n) in counts.items()}


def most_missed(n: int) -> int:
    """Count how many of n intervals may miss: more do by chance once in a thousand."""
    from scipy.stats import binom

    return int(binom.ppf(0.999, n, 0.05))


def test_random_features_are_covered() -> None:
    """Intervals of groups, the mean and the pooled score hold 0.5 at the nominal rate."""
    for kind, (missed, n) in count_missed(CLASSES, 60, 4).items():
        assert n >= 55
        assert missed <= most_missed(n), kind


@pytest.mark.slow
@pytest.mark.parametrize("n_columns", [4, 18, 200])
@pytest.mark.parametrize("task", [CLASSES, NUMBER])
def test_random_features_are_covered_often(task: Task, n_columns: int) -> None:
    """The same with enough samples to see a rate of 92 %."""
    for kind, (missed, n) in count_missed(task, 400, n_columns).items():
        if n:
            assert missed <= most_missed(n), (kind, missed, n)


# ---- leaks


def test_unknown_places_train_and_are_not_tested() -> None:
    """Their labels matter to the others' predictions."""
    rows = draw_rows(11)
    features = draw_features(rows)
    first = run_loco(rows, features, QUICK)
    assert set(first.predictions["fold"]) == {"Americas", "Asia", "Europe", "Oceania"}
    known = replace(rows, table=rows.table[rows.table["region"] != "Unknown"])
    second = run_loco(known, features, QUICK)
    assert (first.predictions["value"] != second.predictions["value"]).all()


@pytest.mark.parametrize(
    ("column", "settings"),
    [
        ("person_id", QUICK),
        ("article", QUICK),
        ("source", replace(QUICK, is_strict=True)),
    ],
)
def test_what_is_shared_teaches_nothing(column: str, settings: LocoSettings) -> None:
    """Features of images that share with Asia's do not matter to it; published they do."""
    rows = draw_rows(12)
    table = rows.table.copy()
    is_asia = table["region"] == "Asia"
    sharing = np.flatnonzero(table["region"] == "Europe")[:6]
    shared = table.loc[is_asia, column].iloc[0]
    table.loc[sharing, column] = shared
    rows = replace(rows, table=table)
    features = draw_features(rows)
    spoilt = features.matrix.copy()
    spoilt[sharing] += 5

    def predict(matrix: np.ndarray, chosen: LocoSettings) -> np.ndarray:
        predictions = run_loco(rows, give(rows, matrix), chosen).predictions
        return predictions.loc[predictions["fold"] == "Asia", "value"].to_numpy()

    first, second = predict(features.matrix, settings), predict(spoilt, settings)
    np.testing.assert_array_equal(first, second)
    as_published = replace(settings, protocol=PUBLISHED, is_strict=False)
    first, second = predict(features.matrix, as_published), predict(spoilt, as_published)
    assert (first != second).any()


def test_what_guards_cost_is_counted() -> None:
    """What the strict guard would take is in the table and the notes before it is asked for."""
    rows = draw_rows(13, n_persons=10)
    rows.table["source"] = ["shared", *rows.table["source"][1:-1], "shared"]
    features = draw_features(rows)
    loose, strict = (
        run_loco(rows, features, replace(PLAIN, is_strict=is_strict)) for is_strict in (False, True)
    )
    assert loose.folds["n_sharing_source"].tolist() == [1, 0, 0, 0, 1]
    assert loose.folds["n_guarded"].tolist() == [0] * 5
    assert strict.folds["guarded_by"].tolist() == ["source 1", "", "", "", "source 1"]
    assert (loose.folds["n_train_images"] - strict.folds["n_train_images"]).sum() == 2
    assert loose.notes == (
        "Training images that share a source with held-out images (kept): Americas 1.",
    )
    assert strict.notes == ()


# ---- what cannot be estimated


def test_few_persons_have_no_score_of_their_own() -> None:
    """Five persons in the smaller class; a mean needs two regions; the published rule differs."""
    labels = {"Asia": [1] * 6 + [0] * 6, "Europe": [1] * 9 + [0] * 4, "Oceania": [1] * 3}
    lines = [{"region": region, "y": y} for region, ys in labels.items() for y in ys]
    rows = make_rows(pd.DataFrame(lines, dtype=object))
    rows.table["y"] = rows.table["y"].astype(float)
    features = draw_features(rows)
    result = run_loco(rows, features, QUICK)
    assert np.isfinite(find(result, "Asia", "auroc"))
    reason = "4 persons of the class 'stayed': not estimable below 5."
    assert find(result, "Europe", "auroc", "reason") == reason
    reason = "3 images, all 'went': a score needs both classes."
    assert find(result, "Oceania", "auroc", "reason") == reason
    reason = "1 region with a score: a mean needs 2."
    assert find(result, MEAN, "auroc", "reason") == reason
    assert find(result, POOLED, "auroc", "n_folds") == 2
    published = run_loco(rows, features, replace(QUICK, protocol=PUBLISHED))
    assert find(published, MEAN, "auroc", "n_folds") == 2
    assert published.folds["is_scored"].tolist() == [True, True, False]


def test_a_constant_predicts_no_order() -> None:
    """AUROC is 0.5; the correlation is 0 as printed in the paper, or not estimable."""
    rows, numbers = draw_rows(14), draw_rows(14, task=NUMBER)
    for protocol in PROTOCOLS:
        settings = replace(QUICK, protocol=protocol)
        result = run_loco(rows, give(rows, np.ones(len(rows.table)), "prevalence"), settings)
        assert find(result, MEAN, "auroc") == find(result, POOLED, "auroc") == 0.5
        assert find(result, MEAN, "auroc", "sd") == 0
        constant = give(numbers, np.ones(len(numbers.table)), "prevalence")
        result = run_loco(numbers, constant, settings)
        assert find(result, POOLED, "concordance") == 0.5
        if protocol is PUBLISHED:
            assert find(result, MEAN, "correlation") == 0
        else:
            assert np.isnan(find(result, MEAN, "correlation"))
            assert "same value" in find(result, "Asia", "correlation", "reason")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bad_input_has_reasons(protocol: Protocol) -> None:
    """One class, one person, one region, one row, constant labels: never a crash."""
    settings = LocoSettings(protocol, n_resamples=20)
    for task in (CLASSES, NUMBER):
        full = draw_rows(15, task=task, n_persons=5).table
        cases = {
            "one class": full.assign(y=1.0),
            "one person": full.assign(person_id="one"),
            "one region": full.assign(region="Asia"),
            "unknown only": full.assign(region="Unknown"),
            "one row": full.iloc[:1],
            "two rows": full.iloc[[0, -1]],
            "one article": full.assign(article="doi"),
        }
        for case, table in cases.items():
            rows = make_rows(table.reset_index(drop=True), task)
            features = draw_features(rows, 2)
            for each in (features, replace(features, kind="pixels"))[: 1 + (task is CLASSES)]:
                scores = run_loco(rows, each, settings).scores
                assert (scores["reason"][scores["value"].isna()] != "").all(), case
                is_bare = scores["value"].notna() & scores["low"].isna()
                assert (scores["reason"][is_bare] != "").all(), case


def test_few_persons_have_no_interval() -> None:
    """Nor has the mean that one of its groups has none of: nothing counts as certain."""
    rows = draw_rows(16, n_persons=5)
    table = rows.table
    table.loc[table["region"] == "Asia", "person_id"] = "one"
    table.loc[table["region"] == "Asia", "y"] = [0.0, 1.0, 0.0, 1.0, 1.0]
    result = run_loco(rows, draw_features(rows), replace(QUICK, protocol=PUBLISHED))
    assert np.isfinite(find(result, "Asia", "auroc"))
    reason = "No interval: 1 person of the smaller class, and it needs 5."
    assert find(result, "Asia", "auroc", "reason") == reason
    assert np.isfinite(find(result, MEAN, "auroc"))
    assert np.isnan(find(result, MEAN, "auroc", "low"))
    assert "have too few persons" in find(result, MEAN, "auroc", "reason")


def test_images_without_features_are_left_out_and_counted() -> None:
    """Not silently; and where none has any that is an error."""
    rows = draw_rows(17)
    whole = draw_features(rows)
    part = replace(whole, image_ids=whole.image_ids[5:], matrix=whole.matrix[5:].copy())
    result = run_loco(rows, part, QUICK)
    assert len(result.rows.table) == len(rows.table) - 5
    assert result.notes[0].startswith("5 of 120 images have no values")
    strange = features_from_matrix(np.ones((2, 1)), ["x", "y"])
    with pytest.raises(SelectionError, match="cover none of the task's 120 images"):
        run_loco(rows, strange, QUICK)
    with pytest.raises(SelectionError, match="has no images"):
        run_loco(replace(rows, table=rows.table.iloc[:0]), whole, QUICK)


def test_a_task_without_labels_says_where_they_went(tmp_path: Path) -> None:
    """Without the file of severity scores there is nothing to predict, and that is why."""
    root = make_cohort(tmp_path / "cohort", [{}, {}])
    (root / "annotations" / SCORES_FILE).unlink()
    cohort = load_cohort(root, inspect_images=False)
    rows = take_rows(cohort, find_task("opacity"), need_file=False)
    features = features_from_matrix(np.ones((2, 1)), list(cohort.table["image_id"]))
    with pytest.raises(SelectionError, match=r"recorded' left none \(2 .*not recorded\)"):
        run_loco(rows, features)


def test_features_that_are_no_numbers_are_refused() -> None:
    """Image, column and value are named."""
    rows = draw_rows(18)
    features = draw_features(rows)
    for value in (np.nan, np.inf):
        matrix = features.matrix.copy()
        matrix[3, 1] = value
        with pytest.raises(SelectionError, match=rf"of image 'image0003' is {value}"):
            run_loco(rows, replace(features, matrix=matrix), QUICK)


def test_constant_features_and_bad_fits_are_noted() -> None:
    """A reader is told what was not learnt of, and what was not fitted to the end."""
    rows = draw_rows(19)
    matrix = np.c_[draw_features(rows, 6).matrix, np.ones((len(rows.table), 2))]
    notes = run_loco(rows, give(rows, matrix), PLAIN).notes
    assert notes == ("2 of 8 features are constant and carry no information.",)
    wild = give(rows, np.exp(4 * draw_features(rows, 40).matrix))
    notes = run_loco(rows, wild, replace(PLAIN, protocol=PUBLISHED)).notes
    assert any("did not converge" in note for note in notes)


def test_a_person_in_two_regions_is_noted() -> None:
    """The mean draws them in each on their own."""
    rows = draw_rows(20)
    rows.table.loc[rows.table.index[[0, 30]], "person_id"] = "twin"
    notes = run_loco(rows, draw_features(rows), PLAIN).notes
    assert notes == (
        "1 person has images of more than one region; the bootstrap draws them separately in each.",
    )


def test_pixels_do_not_predict_numbers() -> None:
    """The paper has no such model."""
    rows = draw_rows(21, task=NUMBER)
    with pytest.raises(SelectionError, match="Pixels predict classes only"):
        run_loco(rows, replace(draw_features(rows), kind="pixels"), QUICK)


def test_the_network_is_not_trained_on_too_few() -> None:
    """Each fold says so; nothing is fitted and nothing scored."""
    rows = make_rows(pd.DataFrame({"region": ["Asia", "Europe"] * 6, "y": [0.0, 0, 1, 1] * 3}))
    pixels = replace(draw_features(rows, 9), kind="pixels")
    result = run_loco(rows, pixels, QUICK)
    assert result.predictions.empty
    assert result.folds["reason"].str.contains("the network holds out a tenth").all()
    assert result.scores["value"].isna().all()


def test_it_can_be_stopped() -> None:
    """Between fits."""
    rows = draw_rows(22)
    answers = iter([False, True])
    with pytest.raises(RunStoppedError):
        run_loco(rows, draw_features(rows), QUICK, should_stop=lambda: next(answers))


def test_the_corrected_protocol_is_the_default() -> None:
    """With a thousand resamples, over regions."""
    rows = draw_rows(23)
    features = draw_features(rows)
    assert_same(run_loco(rows, features), run_loco(rows, features, LocoSettings(CORRECTED)))
