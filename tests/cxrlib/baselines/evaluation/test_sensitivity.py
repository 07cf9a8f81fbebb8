"""The sensitivity analysis: each check changes what it says, and says why where it cannot."""

from dataclasses import replace

import numpy as np
import pytest

from cxrlib.baselines.evaluation import LocoResult, LocoSettings, analyse_sensitivity, run_loco
from cxrlib.baselines.evaluation.intervals import Estimate
from cxrlib.baselines.evaluation.sensitivity import choose_headline, judge_sensitivity, predict_next
from tests.evaluation_rows_factory import REGIONS, draw_rows, make_features

SETTINGS = LocoSettings(n_resamples=200)


def run_sites(seed: int = 0, *, n_sites: int = 12, tells: str = "label") -> LocoResult:
    """Evaluate a feature that follows the label, or names the site that the label follows."""
    rows, rng = draw_rows(seed, n_images=180, n_persons=180)
    table = rows.table
    place = rng.integers(n_sites, size=180)
    table["source"] = [
        f"{region} {number}" for region, number in zip(table["region"], place, strict=True)
    ]
    if tells == "site":
        table["y"] = (place < n_sites // 2).astype(float)
    y = table["y"].to_numpy()
    signal = y if tells == "label" else (place < n_sites // 2)
    return run_loco(rows, make_features(rows, (signal + rng.normal(size=180))[:, None]), SETTINGS)


def test_analyse_sensitivity_lists_every_check() -> None:
    """The run's own line is that of its scores; every line has its counts."""
    result = run_sites()
    guarded = replace(result, settings=replace(result.settings, is_strict=True))
    table = analyse_sensitivity(result, guarded, "auroc").set_index("check")
    assert table.index.tolist() == [
        *("run", "person-weighted", "source-guard", "source-bootstrap", "next-group")
    ]
    mean = result.scores[result.scores["fold"].eq("mean") & result.scores["metric"].eq("auroc")]
    columns = ["value", "low", "high", "n_images", "n_persons", "n_folds"]
    assert table.loc["run", columns].tolist() == mean[columns].iloc[0].tolist()
    # One image a person: a vote each changes nothing.
    assert table.loc["person-weighted", "value"] == pytest.approx(table.loc["run", "value"])
    assert table.loc["source-bootstrap", "value"] == table.loc["run", "value"]
    assert (
        "3 regions with an interval, and a prediction needs 4" in table.loc["next-group", "reason"]
    )


def test_analyse_sensitivity_draws_sources_together() -> None:
    """Where the site decides on label and feature, other sites vary more than other persons."""
    table = analyse_sensitivity(run_sites(1, tells="site"), "not run", "auroc").set_index("check")
    persons, sources = table.loc["run"], table.loc["source-bootstrap"]
    assert sources["high"] - sources["low"] > 1.3 * (persons["high"] - persons["low"])
    assert table.loc["source-guard", "reason"] == "not run"


def test_analyse_sensitivity_needs_sources_enough() -> None:
    """Four sites of a class are too few, and are counted."""
    table = analyse_sensitivity(run_sites(n_sites=4), "not run", "auroc").set_index("check")
    assert "have too few sources" in table.loc["source-bootstrap", "reason"]


def test_person_weights_count_a_person_once() -> None:
    """Images of one person, repeated, change the score by image and not that by person."""
    rows, rng = draw_rows(2, n_images=90, n_persons=90)
    x = rows.table["y"].to_numpy() + rng.normal(size=90)
    once = run_loco(rows, make_features(rows, x[:, None]), SETTINGS)
    tripled = replace(
        once, predictions=once.predictions.iloc[np.repeat(np.arange(90), np.r_[[20] * 9, [1] * 81])]
    )
    tripled.predictions["image_id"] = [f"i{n}" for n in range(len(tripled.predictions))]
    by_person = [
        analyse_sensitivity(
            replace(each, rows=replace(each.rows, table=_list_rows(each))), "not run", "auroc"
        )
        .set_index("check")
        .loc["person-weighted", "value"]
        for each in (once, tripled)
    ]
    assert by_person[0] == pytest.approx(by_person[1])


def _list_rows(result: LocoResult):
    """Make rows of what was predicted."""
    return result.predictions[["image_id", "person_id"]].assign(source="one")


def make_groups(values: list[float]) -> list[Estimate]:
    """Make groups with such scores."""
    return [Estimate("auroc", v, np.empty(0), np.zeros_like, 40) for v in values]


def test_predict_next_holds_other_groups() -> None:
    """Groups that differ make it wide; many that agree bring it near their mean."""
    wide = predict_next(make_groups([0.55, 0.65, 0.75, 0.85, 0.9]))
    narrow = predict_next(make_groups([0.74, 0.76] * 10))
    assert wide[2] - wide[1] > 0.3
    assert narrow[0] == pytest.approx(0.75, abs=1e-3)
    assert 0.70 < narrow[1] < 0.75 < narrow[2] < 0.80


def test_predict_next_is_students_on_the_scale_of_log_odds() -> None:
    """Written out; a perfect score is half a person away from the bound."""
    from scipy.stats import t

    low, high = predict_next(make_groups([0.6, 0.7, 0.8, 1.0, 0.9]))[1:]
    place = np.array([0.6, 0.7, 0.8, 1 - 1 / 80, 0.9])
    place = np.log(place / (1 - place))
    half = t.ppf(0.975, 4) * place.std(ddof=1) * np.sqrt(1.2)
    wanted = 1 / (1 + np.exp(-(place.mean() + np.array([-half, half]))))
    assert (low, high) == pytest.approx(tuple(wanted))


def test_choose_headline_prefers_the_mean() -> None:
    """The pooled score answers where there is no mean; nothing where there is neither."""
    scores = run_sites().scores
    assert choose_headline(scores, "auroc") == "mean"
    no_mean = scores.copy()
    no_mean.loc[no_mean["fold"] == "mean", "value"] = np.nan
    assert choose_headline(no_mean, "auroc") == "pooled"
    no_mean["value"] = np.nan
    assert choose_headline(no_mean, "auroc") == ""


@pytest.mark.parametrize(
    ("sides", "p", "wanted", "decided"),
    [
        ("+++", None, "above", "source-bootstrap"),
        ("++?", None, "above", "source-guard"),
        ("+0+", None, "neither", "source-guard"),
        ("+??", None, "above", "run"),
        ("0++", None, "neither", "run"),
        ("---", None, "below", "source-bootstrap"),
        ("???", None, "", ""),
        ("+++", 0.2, "neither", "within-source"),
        ("+++", 0.01, "above", "within-source"),
    ],
)
def test_judge_sensitivity_takes_the_strictest(
    sides: str, p: float | None, wanted: str, decided: str
) -> None:
    """Above chance only where every check that can be estimated says so."""
    ends = {"+": (0.6, 0.9), "0": (0.4, 0.9), "-": (0.1, 0.4), "?": (np.nan, np.nan)}
    table = analyse_sensitivity(run_sites(), "not run", "auroc")
    checks = ["run", "source-guard", "source-bootstrap"]
    for check, side in zip(checks, sides, strict=True):
        table.loc[table["check"] == check, ["low", "high"]] = ends[side]
    verdict = judge_sensitivity(table, 0.5, p)
    assert (verdict.side, verdict.check) == (wanted, decided)


def test_regions_are_the_groups_of_these_tests() -> None:
    """What the factory draws is what the reasons count."""
    assert len(REGIONS) == 3
