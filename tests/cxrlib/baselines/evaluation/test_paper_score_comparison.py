"""Tests of scores beside the paper's: the rule, the counts, and what is said of each pair."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from cxrlib.baselines.evaluation import (
    CORRECTED,
    FOLD_COLUMNS,
    PAPER_SCORE_COLUMNS,
    PUBLISHED,
    SCORE_COLUMNS as OUR_COLUMNS,
    LocoResult,
    LocoSettings,
    compare_class_counts,
    compare_scores,
    count_score_verdicts,
    describe_score_comparison,
    list_not_run,
    run_loco,
)
from cxrlib.baselines.evaluation.paper_score_comparison import (
    SCORE_VERDICTS,
    WHOLE,
    Confusion,
    list_confusions,
)
from cxrlib.baselines.features import features_from_matrix
from cxrlib.baselines.tasks import TaskRows, find_task, take_rows
from cxrlib.cohort import load_cohort
from cxrlib.literature import MEAN, PUBLISHED_TASKS, find_scores
from tests.cohort_factory import make_cohort

AS_PUBLISHED = LocoSettings(protocol=PUBLISHED, n_resamples=0)


def copy_rows(task_name: str, *, is_synthetic: bool = False) -> TaskRows:
    """Make rows with as many images as the paper's, class by class and region by region."""
    task = PUBLISHED_TASKS[task_name]
    parts = {**task.tests, "Unknown": subtract(task.whole, task.tested)}
    lines = [
        {"region": region, "y": 1.0 if i < (counts.n_positive or 0) else 0.0}
        for region, counts in parts.items()
        for i in range(counts.n_images)
    ]
    table = pd.DataFrame(lines)
    table["image_id"] = [f"image{i}" for i in range(len(table))]
    cohort: Any = SimpleNamespace(is_synthetic=is_synthetic)
    found = find_task(task_name)
    return TaskRows(found, cohort, table, pd.DataFrame(), ())


def subtract(first: Any, second: Any) -> Any:
    """Take counts away from counts."""
    rest = first.n_images - second.n_images
    if first.n_positive is None:
        return type(first)(rest)
    n_positive = first.n_positive - second.n_positive
    return type(first)(rest, n_positive, rest - n_positive)


def predict_pixels(rows: TaskRows) -> pd.DataFrame:
    """Make predictions by three seeds that score what the paper prints of pixels."""
    parts = []
    for fold, counts in PUBLISHED_TASKS[rows.task.name].tests.items():
        table = rows.table[rows.table["region"] == fold]
        printed = find_scores(rows.task.name, features="pixels", fold=fold)
        for seed in range(3):
            cell = {score.metric: score.value for score in printed if score.seed == seed}
            found = list_confusions(
                *(counts.n_positive or 0, counts.n_negative or 0),
                auroc=cell["auroc"],
                auprc=cell["auprc"],
            )[0]
            rank = table.groupby("y").cumcount()
            called = rank < np.where(table["y"] == 1, found.n_hits, found.n_false_alarms)
            told = table[["image_id", "y"]].assign(chosen=called.astype(float), value=0.0)
            parts.append(told.assign(person_id=told["image_id"], fold=fold, seed=seed))
    return pd.concat(parts, ignore_index=True)


def copy_paper(
    task: str,
    features: str,
    *,
    add: float = 0.0,
    rows: TaskRows | None = None,
    settings: LocoSettings = AS_PUBLISHED,
) -> LocoResult:
    """Make a result whose scores are the paper's own, or all beside it."""
    rows = rows or copy_rows(task)
    found: dict[tuple[str, str], list[float]] = {}
    sds: dict[tuple[str, str], float] = {}
    for printed in find_scores(task, features=features):
        key = (printed.fold, printed.metric)
        found.setdefault(key, []).append(printed.value)
        sds[key] = float("nan") if printed.sd is None else printed.sd
    scores = pd.DataFrame(columns=list(OUR_COLUMNS), index=range(len(found)))
    scores[["fold", "metric"]] = list(found)
    scores["value"] = [float(np.mean(values)) + add for values in found.values()]
    scores["sd"] = list(sds.values())
    scores["reason"] = ""
    folds = pd.DataFrame(columns=list(FOLD_COLUMNS), index=range(len(PUBLISHED_TASKS[task].tests)))
    folds["fold"], folds["is_scored"] = list(PUBLISHED_TASKS[task].tests), True
    matrix = np.ones((len(rows.table), 1))
    numbers = features_from_matrix(matrix, list(rows.table["image_id"]), ["x"], features)
    predictions = pd.DataFrame()
    if features == "pixels":
        numbers, predictions = replace(numbers, kind="pixels"), predict_pixels(rows)
    return LocoResult(rows, numbers, settings, folds, predictions, scores, ())


@pytest.mark.parametrize("task", list(PUBLISHED_TASKS))
def test_the_papers_own_scores_agree_from_equal_counts(task: str) -> None:
    """With the paper's images and numbers every score agrees, the means of seeds too."""
    for features in dict.fromkeys(score.features for score in find_scores(task)):
        table = compare_scores(copy_paper(task, features))
        assert tuple(table.columns) == PAPER_SCORE_COLUMNS
        assert set(table["verdict"]) == {"agrees"}
        assert table["same_counts"].all()
        assert not table.duplicated(["fold", "metric"]).any()
        if features != "pixels":
            assert len(table) == len(find_scores(task, features=features))


def test_another_number_from_equal_counts_is_a_difference() -> None:
    """And from other counts a different cohort: one image more in training is enough."""
    table = compare_scores(copy_paper("icu-stay", "outputs", add=0.02))
    assert set(table["verdict"]) == {"difference"}
    assert table["explanation"].str.contains("Possible causes: code").all()

    rows = copy_rows("icu-stay")
    extra = pd.DataFrame([{"region": "Unknown", "y": 1.0, "image_id": "one more"}])
    more = replace(rows, table=pd.concat([rows.table, extra], ignore_index=True))
    table = compare_scores(copy_paper("icu-stay", "outputs", add=0.02, rows=more))
    assert set(table["verdict"]) == {"different cohort"}
    asia = table[(table["fold"] == "Asia") & (table["metric"] == "auroc")].iloc[0]
    assert asia["explanation"] == (
        "Same number in Asia (1 positive and 9 negative images); 17 positive and 27 negative "
        "images in the whole task, 18 positive and 27 negative images here. In the paper, 1 of 1 "
        "positive and 2 of 9 negative images were predicted positive."
    )


def test_an_equal_number_from_other_counts_agrees_and_says_so() -> None:
    """Equal numbers of other images reproduce nothing: the words stand beside the verdict."""
    rows = copy_rows("icu-stay")
    fewer = replace(rows, table=rows.table.iloc[1:].reset_index(drop=True))
    table = compare_scores(copy_paper("icu-stay", "prevalence", rows=fewer))
    assert set(table["verdict"]) == {"agrees"}
    assert not table["same_counts"].any()
    assert table["explanation"].str.startswith("Equal, although the cohorts differ: ").all()


def test_a_mean_agrees_with_its_deviation_only() -> None:
    """0.81 ± 0.10 is printed as a pair: another deviation is another number."""
    result = copy_paper("icu-stay", "outputs")
    result.scores.loc[result.scores["fold"] == MEAN, "sd"] += 0.02
    table = compare_scores(result)
    is_mean = table["fold"] == MEAN
    assert set(table.loc[is_mean, "verdict"]) == {"difference"}
    assert set(table.loc[~is_mean, "verdict"]) == {"agrees"}


def test_half_a_digit_may_be_rounded_to_either_side() -> None:
    """0.885 and 0.894 print as 0.89, 0.896 does not."""
    for add, verdict in ((0.005, "agrees"), (-0.005, "agrees"), (0.006, "difference")):
        table = compare_scores(copy_paper("icu-stay", "outputs", add=add))
        assert set(table.loc[table["fold"] != MEAN, "verdict"]) == {verdict}


def test_seeds_stand_as_their_mean_and_agree_one_by_one() -> None:
    """Three printed lines of pixels are one line here, and all are told."""
    result = copy_paper("icu-stay", "pixels")
    table = compare_scores(result)
    asia = table[(table["fold"] == "Asia") & (table["metric"] == "auroc")].iloc[0]
    assert asia["paper"] == pytest.approx((0.56 + 0.50 + 0.50) / 3)
    assert (
        "By seed 0.56, 0.50 and 0.50 in the paper, 0.56, 0.50 and 0.50 here;"
        in (asia["explanation"])
    )
    # Which line is which seed is not printed: the order of the seeds changes no verdict.
    turned = result.predictions.assign(seed=2 - result.predictions["seed"])
    assert set(compare_scores(replace(result, predictions=turned))["verdict"]) == {"agrees"}
    # Other predictions whose mean is nearly the same are other predictions.
    is_asia = result.predictions["fold"] == "Asia"
    same = result.predictions.assign(chosen=result.predictions["chosen"].where(~is_asia, other=0.0))
    table = compare_scores(replace(result, predictions=same)).set_index(["fold", "metric"])
    assert table["verdict"].to_dict()["Asia", "auroc"] == "difference"
    assert table["verdict"].to_dict()["Europe", "auroc"] == "agrees"


def test_a_printed_cell_tells_what_was_predicted() -> None:
    """Where one table of hits fits, or none but that of one class; silence where many do."""
    for task, features, fold, words in (
        ("icu-stay", "outputs", "Asia", "In the paper, 1 of 1 positive and 2 of 9 negative images"),
        (
            "survival",
            "intermediate",
            "Asia",
            "predicts one class only has exactly these two scores.",
        ),
        ("icu-stay", "prevalence", MEAN, ""),
        ("opacity", "outputs", "Asia", ""),
        ("covid-19", "outputs", "Europe", ""),
    ):
        table = compare_scores(copy_paper(task, features))
        told = table.loc[table["fold"] == fold, "explanation"].unique().tolist()
        assert len(told) == 1
        assert (words in told[0]) if words else told == [""]


def test_another_protocol_is_not_comparable() -> None:
    """An AUROC that ranks is not the printed one, however near; nor is a strict run."""
    for settings in (LocoSettings(protocol=CORRECTED), replace(AS_PUBLISHED, is_strict=True)):
        table = compare_scores(copy_paper("icu-stay", "outputs", settings=settings))
        assert set(table["verdict"]) == {"not comparable"}
        assert table["explanation"].str.contains(settings.protocol.name).all()
        assert table["explanation"].str.contains(f"of the model '{settings.model}'").all()


def test_nothing_stands_beside_what_the_paper_does_not_have() -> None:
    """Own tasks, changed tasks, own features, other places held out: an empty table."""
    result = copy_paper("icu-stay", "outputs")
    changed = replace(find_task("icu-stay"), before=14)
    for other in (
        replace(result, rows=replace(result.rows, task=changed)),
        replace(result, features=replace(result.features, name="texture:outputs")),
        replace(result, settings=replace(AS_PUBLISHED, hold_out="country")),
    ):
        table = compare_scores(other)
        assert table.empty
        assert tuple(table.columns) == PAPER_SCORE_COLUMNS
        assert sum(count_score_verdicts(table).values()) == 0


def test_a_synthetic_cohort_agrees_with_nothing() -> None:
    """Whatever its numbers are."""
    rows = copy_rows("icu-stay", is_synthetic=True)
    table = compare_scores(copy_paper("icu-stay", "outputs", rows=rows))
    assert set(table["verdict"]) == {"different cohort"}
    assert not table["same_counts"].any()
    assert table["explanation"].str.startswith("Synthetic cohort").all()


def test_regions_that_one_side_tests_are_named() -> None:
    """A mean over another set of regions says which, and what it is without them."""
    result = copy_paper("icu-stay", "outputs")
    extra = result.folds.iloc[[0]].assign(fold="Unknown")
    line = result.scores.iloc[[0]].assign(fold="Unknown", metric="auroc", value=0.1)
    more = replace(
        result,
        folds=pd.concat([result.folds, extra], ignore_index=True),
        scores=pd.concat([result.scores, line], ignore_index=True),
    )
    table = compare_scores(more)
    told = table.loc[(table["fold"] == MEAN) & (table["metric"] == "auroc"), "explanation"].item()
    assert "Tested here and not in the paper: Unknown. Without Unknown our score is 0.81" in told
    fewer = replace(result, folds=result.folds[result.folds["fold"] != "Asia"])
    table = compare_scores(fewer)
    told = table.loc[table["fold"] == MEAN, "explanation"].iloc[0]
    assert "Tested in the paper and not here: Asia." in told
    assert not table.loc[table["fold"] == MEAN, "same_counts"].any()


def test_images_without_features_are_not_counted() -> None:
    """The counts beside a score are of the images that it was taken from."""
    result = copy_paper("icu-stay", "outputs")
    kept = list(result.rows.table["image_id"])[1:]
    part = features_from_matrix(np.ones((len(kept), 1)), kept, ["x"], "outputs")
    table = compare_scores(replace(result, features=part))
    assert set(table["n_task_images_ours"]) == {43}
    assert not table["same_counts"].any()


def test_what_cannot_run_has_its_line_and_reason() -> None:
    """Counts of both sides, no number of ours."""
    table = list_not_run(copy_rows("survival"), "outputs", "No weights are here.")
    assert len(table) == len(find_scores("survival", features="outputs"))
    assert set(table["verdict"]) == {"not run"}
    assert table["explanation"].str.startswith("No weights are here.").all()
    assert table["ours"].isna().all()
    assert (table["n_images_ours"] == table["n_images_paper"]).all()
    assert "8 were not run" in describe_score_comparison(table)
    assert list(count_score_verdicts(table)) == list(SCORE_VERDICTS)


def test_a_real_run_stands_beside_the_paper(tmp_path: Path) -> None:
    """A small cohort of two regions, from the file to the verdicts."""
    lines: list[dict[str, object]] = [
        {
            "offset": 1 + i % 7,
            "went_icu": "YN"[i % 2],
            "location": ("Lyon, France", "Japan")[i % 3 > 0],
        }
        for i in range(24)
    ]
    cohort = load_cohort(make_cohort(tmp_path / "c", lines, images={}), inspect_images=False)
    rows = take_rows(cohort, find_task("icu-stay"), need_file=False)
    ids = list(rows.table["image_id"])
    features = features_from_matrix(np.arange(len(ids), dtype=float), ids, ["x"], "lung-opacity")
    table = compare_scores(run_loco(rows, features, AS_PUBLISHED))
    assert set(table["fold"]) == {MEAN, "Asia", "Europe"}
    assert table["ours"].notna().all()
    europe = table[table["fold"] == "Europe"].iloc[0]
    assert (europe["n_images_ours"], europe["n_positive_ours"]) == (8, 4)
    assert set(table["n_task_images_ours"]) == {24}


def test_classes_stand_beside_the_papers() -> None:
    """The whole task, then each region, tested or not."""
    table = compare_class_counts([copy_rows("icu-stay"), copy_rows("opacity")])
    icu = table[table["task"] == "icu-stay"].set_index("region")
    assert list(icu.index) == [WHOLE, "Asia", "Europe", "Unknown"]
    assert icu.loc[[WHOLE, "Asia", "Europe"], "same_counts"].all()
    assert icu["n_images_paper"].isna().tolist() == [False, False, False, True]
    assert icu["n_images_ours"].iloc[-1] == 6
    opacity = table[table["task"] == "opacity"]
    assert opacity["n_positive_ours"].isna().all()
    assert list(opacity["n_images_ours"]) == [94, 36, 41, 17]


@pytest.fixture(scope="module")
def real_rows(real_root: Path) -> list[TaskRows]:
    """Take the rows of all tasks of the collection, files or not."""
    cohort = load_cohort(real_root, inspect_images=False)
    return [take_rows(cohort, find_task(name), need_file=False) for name in PUBLISHED_TASKS]


def test_the_collections_classes_beside_the_papers(real_rows: list[TaskRows]) -> None:
    """No task has the paper's counts any more; Asia and Oceania still have them by class."""
    table = compare_class_counts(real_rows)
    assert not table.loc[table["region"] == WHOLE, "same_counts"].any()
    same = table[table["same_counts"]]
    assert sorted(zip(same["task"], same["region"], strict=True)) == [
        ("covid-19", "Asia"),
        ("covid-19", "Oceania"),
        ("icu-stay", "Asia"),
        ("intubated", "Asia"),
        ("survival", "Asia"),
        ("viral-or-bacterial", "Oceania"),
    ]
    # The collection has grown: no class is smaller, but of scored images, some of which it lost.
    classes = table[table["n_positive_paper"].notna()]
    assert (classes["n_positive_ours"] >= classes["n_positive_paper"]).all()
    assert (classes["n_negative_ours"] >= classes["n_negative_paper"]).all()


# ---- scores of predicted classes


def every_confusion(n_positive: int, n_negative: int) -> list[Confusion]:
    """List all tables of two classes."""
    return [
        Confusion(n_positive, n_negative, n_hits, n_false_alarms)
        for n_hits in range(n_positive + 1)
        for n_false_alarms in range(n_negative + 1)
    ]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (4, 3), (7, 2)])
def test_scores_are_scikit_learns(size: tuple[int, int]) -> None:
    """AUROC, balanced accuracy and average precision of the classes themselves."""
    for found in every_confusion(*size):
        y = np.repeat([1, 0], size)
        chosen = np.zeros(sum(size), dtype=int)
        chosen[: found.n_hits] = 1
        chosen[size[0] : size[0] + found.n_false_alarms] = 1
        assert found.auroc == pytest.approx(roc_auc_score(y, chosen))
        assert found.auroc == pytest.approx(balanced_accuracy_score(y, chosen))
        assert found.auprc == pytest.approx(average_precision_score(y, chosen))


def test_a_pair_of_scores_finds_its_table() -> None:
    """Rounded scores lead back to the table they were made of, among others."""
    for found in every_confusion(5, 8):
        auroc, auprc = round(found.auroc, 2), round(found.auprc, 2)
        assert found in list_confusions(5, 8, auroc=auroc, auprc=auprc)


def test_scores_that_rank_fit_no_table() -> None:
    """An AUROC that no balanced accuracy can be finds nothing."""
    assert list_confusions(1, 9, auroc=0.80, auprc=0.33) == ()
    assert list_confusions(3, 4, auroc=0.75, auprc=0.60)[0] == Confusion(3, 4, 3, 2)


def test_who_calls_nothing_positive_scores_the_prevalence() -> None:
    """One class only, either one: 0.50 and the prevalence."""
    for n_hits, n_false_alarms in ((0, 0), (3, 5)):
        found = Confusion(3, 5, n_hits, n_false_alarms)
        assert (found.auroc, found.auprc) == (0.5, 3 / 8)
