"""What charts of scores share: numbers behind them, axes, words of a cell."""

import math

import pandas as pd

from cxrlib.baselines.evaluation import format_fold
from cxrlib.charts.scores import Series, find_chance, list_scores, make_axis, read_scores
from cxrlib.charts.scores.series import describe_cell, list_folds
from tests.score_tables import make_folds, make_scores


def test_numbers_behind_a_chart_are_those_of_the_scores():
    """A row a series and fold, with chance, null, the paper's number and the classes."""
    scores = make_scores()
    series = Series("a", scores, printed={"Asia": 0.89}, null={"Asia": (0.35, 0.66)})
    table = list_scores([series, Series("b", scores, "shortcut")], "auroc", folds=make_folds())
    assert len(table) == 2 * len(scores)
    row = table[(table["series"] == "a") & (table["fold"] == "Asia")].iloc[0]
    found = row[["value", "low", "high", "chance", "null_low", "null_high", "published"]]
    assert found.tolist() == [0.75, 0.55, 0.9, 0.5, 0.35, 0.66, 0.89]
    assert (row["n_positive"], row["n_negative"]) == (15, 31)
    out = table[(table["series"] == "b") & (table["fold"] == "Oceania")].iloc[0]
    assert math.isnan(out["value"])
    assert out["reason"]
    assert list(list_scores([], "auroc").columns) == list(table.columns)


def test_sums_come_last_whatever_their_place():
    """Groups in the order of their first appearance."""
    first, second = make_scores().iloc[::-1], make_scores()
    tables = [read_scores(each, "auroc") for each in (first, second)]
    assert list_folds(tables) == ["Oceania", "Europe", "Asia", "Americas", "mean", "pooled"]


def test_axes_are_the_same_whatever_the_numbers():
    """Pages do not jump; only an error has no end of its own."""
    assert make_axis("auroc", [0.5]) == make_axis("auroc", [0.9, math.nan])
    assert (make_axis("r2", [-5.0]).low, make_axis("r2", []).high) == (-1.0, 1.0)
    assert make_axis("mae", [1.0, 1.1, 40.0]).high < 3
    assert make_axis("mae", []).high > 0
    assert make_axis("mae", [0.0]).high > 0
    assert make_axis("auroc", [], title="AUROC of the class").title == "AUROC of the class"


def test_chance_without_classes_is_none():
    """Numbers have no classes, a fold of one class no chance."""
    folds = pd.DataFrame({"fold": ["Asia"], "n_positive": [0], "n_negative": [0]})
    assert find_chance("auprc", folds) == {}
    assert find_chance("auprc") == {}
    assert find_chance("auroc", make_folds()) == {}


def test_a_cell_says_all_that_is_known():
    """Score, interval, counts, dropped resamples, chance, paper, null; else the reason."""
    series = Series("set", make_scores(), printed={"Asia": 0.89}, null={"Asia": (0.35, 0.66)})
    rows = read_scores(series.scores, "auroc")
    words = describe_cell(
        series, "Asia", rows["Asia"], "auroc", "region", {"Asia": (15, 31)}, {"Asia": 0.3}
    )
    for part in (
        *("Asia, set", "AUROC 0.75", "95 % interval 0.55 to 0.90", "990 resamples used, 10"),
        *("15 of 46 images positive, 43 persons", "chance 0.30", "printed in the paper: 0.89"),
        "permuted labels, middle 95 %: 0.35 to 0.66",
    ):
        assert part in words
    words = describe_cell(series, "Oceania", rows["Oceania"], "auroc", "region", {}, {})
    assert "not estimable\n1 person of the class 'yes'" in words


def test_folds_are_named_by_what_is_held_out():
    """Plurals too."""
    assert format_fold("pooled", "country") == "Pooled within countries"
    assert format_fold("mean", "source", {"n_folds": 1}) == "Mean over 1 source"
    assert format_fold("mean", "region", {"n_folds": math.nan}, with_sd=True) == (
        "Mean ± SD over regions"
    )
    assert format_fold("", "source") == "not recorded"
