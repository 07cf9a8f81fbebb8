"""Groupings: parts of persons are fair and the same again; columns are groups; words are plain."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import (
    HOLD_OUTS,
    Labels,
    LocoSettings,
    describe_grouping,
    format_held_out,
    list_groups,
    make_folds,
    name_group,
    parse_hold_out,
    run_loco,
)
from cxrlib.baselines.evaluation.loco_result import read_cases, take_first_dealing
from cxrlib.errors import SelectionError
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows, shuffle_rows

PARTS = LocoSettings(hold_out="persons:4", n_resamples=0)


def make_table(n_persons: int, seed: int = 0, *, numbers: bool = False) -> pd.DataFrame:
    """Draw images of persons with one label each, up to six images a person."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n_persons), rng.integers(1, 7, n_persons))
    y = rng.normal(size=n_persons) if numbers else (rng.random(n_persons) < 0.3).astype(float)
    return pd.DataFrame({"person_id": [f"p{i}" for i in person], "y": y[person]})


@pytest.mark.parametrize("text", [*HOLD_OUTS, "column:a b:c", "persons:5", "persons:5x10"])
def test_parse_hold_out_reads_back(text: str) -> None:
    """One spelling, and settings keep it."""
    assert parse_hold_out(text).to_text() == text
    assert LocoSettings(hold_out=text).hold_out == text
    assert LocoSettings(hold_out="persons:05x1").hold_out == "persons:5"


@pytest.mark.parametrize(
    "text", ["planet", "persons", "persons:1", "persons:51", "persons:5x0", "persons:5x101",
             "persons:-5", "persons:5.5", "persons:x", "column:", "column", "persons:٥"]
)  # fmt: skip
def test_parse_hold_out_refuses_with_what_there_is(text: str) -> None:
    """The message names the text and what to write."""
    with pytest.raises(SelectionError, match=r"Cannot hold out by .*persons:5"):
        parse_hold_out(text)


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("repeat", [0, 1, 7])
def test_deal_persons_is_fair_and_keeps_persons_whole(numbers: bool, repeat: int) -> None:
    """Parts differ by at most one person, in all and in each class; means of numbers are alike."""
    table = make_table(83, numbers=numbers)
    groups = list_groups(table, "persons:5", repeat=repeat)
    persons = table.assign(part=groups).drop_duplicates("person_id")
    assert table.assign(part=groups).groupby("person_id")["part"].nunique().eq(1).all()
    counts = persons["part"].value_counts()
    assert (len(counts), counts.max() - counts.min()) == (5, 1)
    if numbers:
        assert persons.groupby("part")["y"].mean().abs().max() < 0.5
    else:
        positive = persons.groupby("part")["y"].sum()
        assert positive.max() - positive.min() <= 1


def test_deal_persons_does_not_depend_on_the_order_of_rows() -> None:
    """Shuffled rows are dealt alike, and a second dealing is another."""
    table = make_table(60)
    order = np.random.default_rng(1).permutation(len(table))
    groups = list_groups(table, "persons:5")
    shuffled = list_groups(table.iloc[order].reset_index(drop=True), "persons:5")
    assert (shuffled == groups[order]).all()
    again = list_groups(table, "persons:5", repeat=1)
    assert 0.6 < (again != groups).mean() < 0.95


def test_deal_persons_needs_a_person_a_part() -> None:
    """Fewer are refused with the number that would do."""
    with pytest.raises(SelectionError, match=r"3 persons cannot be dealt into 5 parts.*persons:3"):
        list_groups(make_table(3), "persons:5")


def test_list_groups_takes_extra_and_recorded_columns() -> None:
    """Blanks are unknown; a group called as a score is renamed; strangers are refused."""
    rows, _ = draw_rows(0)
    table = rows.table.assign(**{"extra:site": ["A", "mean", ""] * 30})
    groups = list_groups(table, "column:site")
    assert set(groups) == {"A", "mean (column)", "Unknown"}
    assert (list_groups(table, "column:region") == list_groups(table, "region")).all()
    words = r"no column 'sites' to hold out by\. Did you mean column:site\? Use 'site'"
    with pytest.raises(SelectionError, match=words):
        list_groups(table, "column:sites")
    with pytest.raises(SelectionError, match="no cohort 'b'"):
        list_groups(table, "cohort:b")


def test_make_folds_over_persons_leaks_nobody() -> None:
    """No person is on both sides, in any dealing, without any guard."""
    table = make_table(50).assign(article="", source="")
    labels = Labels(table["y"].to_numpy(), True)
    for repeat in range(3):
        for fold in make_folds(table, labels, hold_out="persons:5", repeat=repeat):
            train, test = (set(table["person_id"].iloc[each]) for each in (fold.train, fold.test))
            assert not train & test
            assert fold.is_tested


def test_make_folds_over_persons_lets_one_article_of_all_stand() -> None:
    """A cohort published in one article trains all the same; two articles are kept apart."""
    table = make_table(40).assign(article="10.1/a", source="")
    labels = Labels(table["y"].to_numpy(), True)
    guards = ("person", "article")
    folds = make_folds(table, labels, hold_out="persons:4", guards=guards)
    assert all(fold.is_tested and "article" not in fold.removed for fold in folds)
    table["article"] = np.where(np.arange(len(table)) % 2, "10.1/a", "10.1/b")
    folds = make_folds(table, labels, hold_out="persons:4", guards=guards)
    assert all(fold.removed["article"] > 0 for fold in folds)


@pytest.mark.parametrize("hold_out", ["persons:4", "persons:4x5"])
def test_run_loco_over_persons_finds_what_is_planted(hold_out: str) -> None:
    """A perfect feature reaches 1; noise stays near 0.5; each image is predicted once a dealing."""
    rows, rng = draw_rows(3, n_images=150, n_persons=120)
    y = rows.table["y"].to_numpy()
    settings = LocoSettings(hold_out=hold_out, n_resamples=20)
    for features, low, high in (
        (np.c_[y, rng.normal(size=len(y))], 1, 1),
        (rng.normal(size=(len(y), 3)), 0.3, 0.7),
    ):
        result = run_loco(rows, make_features(rows, features), settings)
        scores = result.scores.set_index(["fold", "metric"])["value"]
        assert low <= scores["pooled", "auroc"] <= high
        assert low <= scores["mean", "auroc"] <= high
        assert [name for name, metric in scores.index if metric == "auroc"][:4] == [
            f"part {i} of 4" for i in range(1, 5)
        ]
        first = take_first_dealing(result.predictions)
        assert sorted(first["image_id"]) == sorted(rows.table["image_id"])


def test_run_loco_over_repeats_averages_scores_of_single_dealings() -> None:
    """Pairs are compared in the parts of each dealing, each fitted alone; scikit-learn agrees."""
    from sklearn.metrics import roc_auc_score

    from cxrlib.baselines.evaluation.loco_plan import plan_loco, predict_folds

    rows, rng = draw_rows(5)
    features = make_features(rows, rng.normal(size=(len(rows.table), 4)))
    settings = LocoSettings(hold_out="persons:3x4", n_resamples=200)
    found = run_loco(rows, features, settings)
    plan = plan_loco(rows, features, settings)
    right = pairs = 0.0
    alone = []
    for repeat in range(4):
        dealt = plan if repeat == 0 else plan.repeats[repeat - 1]
        groups = list_groups(plan.rows.table, "persons:3", repeat=repeat)
        predictions = predict_folds(dealt)
        for fold in dealt.tested:
            assert (groups[fold.test] == fold.name).all()
            y, value = plan.labels.y[fold.test], predictions[fold.name][0].value
            score, n = roc_auc_score(y, value), y.sum() * (1 - y).sum()
            right, pairs = right + n * score, pairs + n
            alone.append(score)
    scores = found.scores.set_index(["fold", "metric"])
    assert scores["value"]["pooled", "auroc"] == pytest.approx(right / pairs, abs=1e-12)
    assert scores["value"]["mean", "auroc"] == pytest.approx(np.mean(alone), abs=1e-12)
    assert scores["sd"]["mean", "auroc"] == pytest.approx(np.std(alone, ddof=1), abs=1e-12)
    assert scores["n_persons"]["pooled", "auroc"] == rows.table["person_id"].nunique()
    assert found.predictions.groupby("dealing")["image_id"].nunique().tolist() == [90] * 4
    assert any("means over 4 dealings" in note for note in found.notes)


def test_a_resample_over_repeats_draws_each_person_once_for_all_dealings() -> None:
    """Whoever is drawn twice counts twice in every part of every dealing."""
    rows, rng = draw_rows(5)
    features = make_features(rows, rng.normal(size=(len(rows.table), 2)))
    result = run_loco(rows, features, LocoSettings(hold_out="persons:3x4", n_resamples=0))
    drawn: dict[str, np.ndarray] = {}
    for case in read_cases(result).values():
        assert len(case.dealings) == 3
        for each in (case, *case.dealings):
            weights = each.weigh(20, 0)[1:]
            for place, person in enumerate(each.persons):
                np.testing.assert_array_equal(
                    weights[:, place], drawn.setdefault(person, weights[:, place])
                )
    totals = np.sum(list(drawn.values()), axis=0)
    assert len(drawn) == rows.table["person_id"].nunique()
    assert (totals == len(drawn)).all()


def test_run_loco_over_persons_is_invariant_to_the_order_of_rows() -> None:
    """Shuffled rows give the same scores."""
    rows, rng = draw_rows(4)
    features = make_features(rows, rng.normal(size=(len(rows.table), 4)))
    first, second = (run_loco(each, features, PARTS) for each in (rows, shuffle_rows(rows, 1)))
    pd.testing.assert_frame_equal(first.scores, second.scores)


def score_noise(hold_out: str) -> np.ndarray:
    """Give the pooled scores of forty cohorts of noise."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = make_rows(np.arange(48) % 2, region=["Asia"] * 48)
        features = make_features(rows, rng.normal(size=(48, 3)))
        settings = LocoSettings(hold_out=hold_out, n_resamples=0, estimator="linear:1")
        result = run_loco(rows, features, settings)
        found.append(result.scores.set_index(["fold", "metric"])["value"]["pooled", "auroc"])
    return np.array(found)


def test_run_loco_over_persons_is_not_biased_on_noise() -> None:
    """Over many cohorts of noise the pooled score of one dealing is 0.5."""
    found = score_noise("persons:4")
    assert abs(found.mean() - 0.5) < 3 * found.std() / np.sqrt(len(found))


def test_run_loco_over_repeats_is_not_biased_on_noise() -> None:
    """Averaged predictions would score 0.46: each image would be ranked without itself."""
    found = score_noise("persons:4x6")
    assert abs(found.mean() - 0.5) < 3 * found.std() / np.sqrt(len(found))
    assert found.mean() > 0.48


@pytest.mark.parametrize(
    ("hold_out", "one", "many"),
    [
        ("region", "region", "3 regions"),
        ("column:hospital_name", "“hospital name” group", "3 “hospital name” groups"),
        ("column:<b>*x*</b>", "“‹b› x ‹/b›” group", "3 “‹b› x ‹/b›” groups"),
        ("persons:5x10", "part of the persons", "3 parts of the persons"),
        ("cohort:b", "cohort", "3 cohorts"),
    ],
)
def test_name_group_is_plain_words(hold_out: str, one: str, many: str) -> None:
    """A name can be put into any sentence, and through the words once more."""
    assert (name_group(hold_out), name_group(one)) == (one, one)
    assert format_held_out(3, hold_out) == format_held_out(3, one) == many
    assert describe_grouping(hold_out)
