"""Sensitivity analysis: the answer under stricter assumptions.

The default asks how well the models do in other persons of the same groups. Persons of one site
resemble each other, and a site can lie on both sides of a split: then neither the persons nor the
test are as many as they seem. Each check changes one assumption; the verdict is that of the
strictest check that can be estimated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.aliases import Floats
from cxrlib.baselines.evaluation.fold_scores import (
    FoldCase,
    FoldDraws,
    average_draws,
    draw_scores,
    pool_draws,
)
from cxrlib.baselines.evaluation.groupings import format_held_out, name_sources, parse_hold_out
from cxrlib.baselines.evaluation.intervals import LEVEL, Estimate, find_reach
from cxrlib.baselines.evaluation.loco_result import LocoResult, read_cases
from cxrlib.baselines.evaluation.scores import MEAN, POOLED, POOLED_METRICS

FEWEST_FOR_PREDICTION = 4
"""Groups below which a prediction for another group does not hold what it promises."""

SENSITIVITY_COLUMNS = (
    *("check", "title", "fold", "metric", "value", "low", "high"),
    *("n_images", "n_persons", "n_folds", "reason"),
)

RUN, WEIGHTED, GUARDED, BY_SOURCE, NEXT = (
    *("run", "person-weighted", "source-guard", "source-bootstrap"),
    "next-group",
)
"""Checks by name, in the order of the table."""
WITHIN_SOURCE = "within-source"
"""The permutation test within sources, where it was done."""
VERDICT_CHECKS = (RUN, GUARDED, BY_SOURCE)
"""Checks that decide on the verdict, from the default to the strictest."""


@dataclass(frozen=True, eq=False)
class _Setting:
    """Hold what all checks of a run have in common."""

    result: LocoResult
    fold: str
    metric: str
    names: tuple[str, ...]


def choose_headline(scores: pd.DataFrame, metric: str) -> str:
    """Choose what answers for all groups: the mean, or the pooled score where there is none.

    Returns
    -------
    str
        "mean", "pooled" or "" where neither is estimable.
    """
    for fold, of in ((MEAN, scores["metric"].eq(metric)), (POOLED, True)):
        found = scores[scores["fold"].eq(fold) & of]
        if found["value"].notna().any():
            return fold
    return ""


def choose_score(scores: pd.DataFrame, metric: str = "") -> tuple[str, str]:
    """Choose the score that answers for all groups, estimable or not: its row and its metric.

    Parameters
    ----------
    scores : DataFrame
        Of a result; fold, metric and value.
    metric : str, optional
        Of the mean, by default the task's first; the pooled score has one of its own.
    """
    metric = metric or str(scores["metric"].iloc[0])
    fold = choose_headline(scores, metric) or POOLED
    pooled = scores.loc[scores["fold"] == POOLED, "metric"]
    return fold, str(pooled.iloc[0]) if fold == POOLED else metric


def analyse_sensitivity(
    result: LocoResult, guarded: LocoResult | str, metric: str, fold: str = ""
) -> pd.DataFrame:
    """Set a score over all groups beside the same under stricter assumptions.

    Parameters
    ----------
    result : LocoResult
    guarded : LocoResult or str
        The same run with each source in training or in test, or why there is none.
    metric : str
        Of the mean; the pooled score has one of its own.
    fold : {"", "mean", "pooled"}
        By default the mean, or the pooled score where there is no mean.

    Returns
    -------
    DataFrame
        A row a check, with `SENSITIVITY_COLUMNS`:

        run
            As it is.
        person-weighted
            Each person counts once, however many images of theirs there are.
        source-guard
            No source in both training and test.
        source-bootstrap
            The interval is over other sources of these groups, not other persons.
        next-group
            The interval holds the score in another group of this kind (a prediction interval).
            ``value`` is the mean over groups on the scale of log-odds.

        ``reason`` says why a value or an interval is missing.
    """
    fold = fold or choose_headline(result.scores, metric)
    if not fold:
        return pd.DataFrame(columns=list(SENSITIVITY_COLUMNS))
    of = POOLED_METRICS[result.rows.task.kind] if fold == POOLED else metric
    names = _list_parts(result, fold, of)
    setting = _Setting(result, fold, of, names)
    rows = [
        _take_row(setting, result, RUN),
        _weigh_persons(setting),
        _take_row(setting, guarded, GUARDED),
        _draw_sources(setting),
        _predict_next(setting),
    ]
    return pd.DataFrame(rows, columns=list(SENSITIVITY_COLUMNS))


def _list_parts(result: LocoResult, fold: str, metric: str) -> tuple[str, ...]:
    """List the groups that a score over all of them is made of."""
    if fold == POOLED:
        tested = result.folds["is_tested"].astype(bool)
        return tuple(result.folds.loc[tested, "fold"])
    scores = result.scores[result.scores["metric"].eq(metric) & result.scores["value"].notna()]
    scored = set(result.folds.loc[result.folds["is_scored"].astype(bool), "fold"])
    return tuple(name for name in scores["fold"] if name in scored)


def _title(check: str, group: str) -> str:
    return {
        RUN: "This run",
        WEIGHTED: "Each patient counted once",
        GUARDED: "Each source in training or in test",
        BY_SOURCE: "Bootstrap over sources",
        NEXT: f"Prediction for another {group}",
    }[check]


def _start(setting: _Setting, check: str) -> dict[str, object]:
    """Begin the row of a check."""
    return {
        "check": check,
        "title": _title(check, setting.result.settings.group),
        "fold": setting.fold,
        "metric": setting.metric,
        **dict.fromkeys(("value", "low", "high"), np.nan),
        "reason": "",
    }


def _take_row(setting: _Setting, result: LocoResult | str, check: str) -> dict[str, object]:
    """Take the row of a score that an evaluation has."""
    row = _start(setting, check)
    if isinstance(result, str):
        return row | {"reason": result}
    scores = result.scores
    found = scores[scores["fold"].eq(setting.fold) & scores["metric"].eq(setting.metric)]
    cells = found.iloc[0]
    names = ("value", "low", "high", "n_images", "n_persons", "n_folds", "reason")
    return row | {name: cells[name] for name in names}


def _count(setting: _Setting) -> dict[str, object]:
    """Count what the run's own score is of."""
    own = _take_row(setting, setting.result, RUN)
    return {name: own[name] for name in ("n_images", "n_persons", "n_folds")}


def _combine(setting: _Setting, draws: Sequence[FoldDraws]) -> Estimate:
    """Combine groups as the run's score does."""
    if setting.fold == MEAN:
        return average_draws(draws, setting.metric)[0]
    return pool_draws([each for each in draws if each.pairs[1] > 0])


def _list_cases(setting: _Setting, units: pd.Series | None = None) -> list[FoldCase]:
    cases = read_cases(setting.result, units)
    return [cases[name] for name in setting.names]


def _draw(setting: _Setting, cases: Sequence[FoldCase], *, weighs_persons: bool) -> list[FoldDraws]:
    """Score cases over resamples of what is drawn together."""
    settings = setting.result.settings
    return [
        draw_scores(case, settings.n_resamples, settings.seed, weighs_persons=weighs_persons)
        for case in cases
    ]


def _weigh_persons(setting: _Setting) -> dict[str, object]:
    """Score with one vote a person, divided over their images."""
    estimate = _combine(setting, _draw(setting, _list_cases(setting), weighs_persons=True))
    return _fill(setting, WEIGHTED, estimate)


def _fill(setting: _Setting, check: str, estimate: Estimate) -> dict[str, object]:
    """Fill the row of a check with an estimate and its interval."""
    low, high, reason = estimate.find_interval()
    values = {"value": estimate.value, "low": low, "high": high, "reason": reason}
    return _start(setting, check) | _count(setting) | values


def _draw_sources(setting: _Setting) -> dict[str, object]:
    """Draw sources in place of persons."""
    table = setting.result.rows.table.set_index("image_id")
    cases = _list_cases(setting, name_sources(table))
    return _fill(setting, BY_SOURCE, _combine(setting, _draw(setting, cases, weighs_persons=False)))


# ---- the verdict


@dataclass(frozen=True)
class Verdict:
    """Hold how a score lies to chance, by the strictest check that can be estimated.

    Parameters
    ----------
    side : {"above", "below", "neither", ""}
        "" where no check has an interval: nothing is said.
    check : str
        What decides: the first check that does not tell the score from chance; where all do, the
        strictest of them.
    is_default : bool
        Whether the run's own interval says the same.
    """

    side: str
    check: str
    is_default: bool = True


def judge_sensitivity(table: pd.DataFrame, chance: float, p: float | None = None) -> Verdict:
    """Judge whether a score is told from chance under every check that can be estimated.

    Parameters
    ----------
    table : DataFrame
        As `analyse_sensitivity` returns it.
    chance : float
    p : float, optional
        Of the permutation test within sources, where it was done.
    """
    sides = {}
    for cells in table.to_dict("records"):
        low, high = float(cells["low"]), float(cells["high"])
        if cells["check"] in VERDICT_CHECKS and np.isfinite(low) and np.isfinite(high):
            side = "above" if low > chance else "below" if high < chance else "neither"
            sides[str(cells["check"])] = side
    if not sides:
        return Verdict("", "")
    first = next(iter(sides.values()))
    if p is not None and first == "above":
        sides[WITHIN_SOURCE] = "above" if p <= 1 - LEVEL else "neither"
    other = next((check for check, side in sides.items() if side in ("neither", "")), None)
    if other is None and len(set(sides.values())) > 1:
        other = next(check for check, side in sides.items() if side != first)
    if other is not None:
        return Verdict("neither", other, first == "neither")
    return Verdict(first, list(sides)[-1])


# ---- another group


def _predict_next(setting: _Setting) -> dict[str, object]:
    """Predict the score in another group of the kind that is held out."""
    hold_out = setting.result.settings.hold_out
    if parse_hold_out(hold_out).kind == "persons":
        reason = "Parts of the persons are of the same places: nothing is said of another place."
        return _start(setting, NEXT) | _count(setting) | {"reason": reason}
    draws = _draw(setting, _list_cases(setting), weighs_persons=False)
    metric = _find_group_metric(setting)
    parts = [each.estimate(metric) for each in draws] if metric else []
    ends = [(each, each.find_interval()) for each in parts]
    known = [each for each, (*_, reason) in ends if not reason]
    row = _start(setting, NEXT) | {"metric": metric or setting.metric} | _count(setting)
    row["n_folds"] = len(known)
    if len(known) < FEWEST_FOR_PREDICTION:
        have = format_held_out(len(known), hold_out)
        return row | {
            "reason": f"Not estimable: {have} with an interval, and a prediction needs "
            f"{FEWEST_FOR_PREDICTION}."
        }
    if not setting.result.settings.n_resamples:
        return row
    value, low, high = predict_next(known)
    return row | {"value": value, "low": low, "high": high}


def _find_group_metric(setting: _Setting) -> str:
    """Find the score of single groups that can be brought to an unbounded scale; "" if none."""
    metric = {POOLED_METRICS["number"]: "correlation"}.get(setting.metric, setting.metric)
    return metric if metric not in ("r2", "mae") else ""


def predict_next(known: Sequence[Estimate]) -> tuple[float, float, float]:
    """Predict the score in another group, from those of some.

    On the scale of log-odds (a correlation: of Fisher) groups are taken as normal, and the interval
    is that of one more: Student's t times their standard deviation times sqrt(1 + 1 / k). The
    standard deviation holds what chance adds to each score, so that the interval is too wide rather
    than too narrow. Splitting it off (Paule and Mandel, with Hartung and Knapp's interval) held
    only 87 % in the simulation where eight groups differ a little.

    Parameters
    ----------
    known : sequence of Estimate
        One a group.

    Returns
    -------
    value, low, high : float
        The value is the mean on that scale.
    """
    least = -1.0 if known[0].metric == "correlation" else 0.0
    place = np.array([_stretch(each, least) for each in known])
    reach = find_reach(len(known)) * place.std(ddof=1) * np.sqrt(1 + 1 / len(known))
    ends = np.array([place.mean(), place.mean() - reach, place.mean() + reach])
    value, low, high = _shrink(ends, least)
    return float(value), float(low), float(high)


def _stretch(estimate: Estimate, least: float) -> float:
    """Bring a score to a scale without bounds; one near a bound is half a person away from it."""
    half = (1 - least) / (2 * estimate.n_independent)
    score = min(max(estimate.value, least + half), 1 - half)
    return float(np.log((score - least) / (1 - score)))


def _shrink(places: Floats, least: float) -> Floats:
    """Bring places on that scale back."""
    return np.asarray(least + (1 - least) / (1 + np.exp(-places)))
