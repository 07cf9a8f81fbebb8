"""Measure how often the intervals of figures hold the truth, by simulation with a known truth.

The runs are whole ones of generated persons (see `benchmarks.simulate_intervals`); the models are
linear, so that what they would do with more persons of the same groups is known. Seeded.
``docs/intervals.md`` shows the table.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtr, ndtri

from benchmarks.simulate_intervals import (
    SEED,
    Region,
    Situation,
    Tally,
    draw_region,
    find_shift,
    find_truth,
    make_row,
)
from cxrlib.baselines.evaluation import (
    LocoResult,
    LocoSettings,
    bin_predictions,
    check_calibration,
    compute_importance,
    compute_net_benefit,
    confuse,
    fit_recalibration,
    one_thread,
    run_loco,
    trace_curves,
)
from tests.evaluation_rows_factory import make_features, make_rows

N_RESAMPLES = 200
GROUPS = ("Asia", "Europe")
POOLED = "pooled"
PLACES = {"roc": (0.1, 0.2, 0.5, 0.8), "precision-recall": (0.2, 0.5, 0.8, 1.0)}
THRESHOLDS = (0.1, 0.3, 0.5, 0.7)
# Places of a normal variable with equal shares of it between.
_NORMAL = ndtri((np.arange(2000) + 0.5) / 2000)

Bounds = tuple[str, float, float, float]
"""What it is of, low, high and the truth."""


class Line:
    """Hold the log-odds of a group's model among more of its persons: normal in each class."""

    def __init__(self, situation: Situation, weights: np.ndarray, constant: float) -> None:
        self.share = situation.n_positive / (situation.n_positive + situation.n_negative)
        self.spread = float(np.linalg.norm(weights)) or 1e-12
        self.means = (constant, constant + float(weights[0]) * find_shift(situation))

    def rise(self, threshold: float | np.ndarray, label: int) -> np.ndarray:
        """Give the share of a class above a threshold of the log-odds."""
        return np.asarray(ndtr((self.means[label] - threshold) / self.spread))

    def draw(self, label: int) -> np.ndarray:
        """Give the log-odds of a class at equal shares."""
        return self.means[label] + self.spread * _NORMAL


def make_run(situation: Situation, number: int) -> tuple[LocoResult, list[Region]]:
    """Draw the groups and run the corrected protocol with C = 1, or least squares."""
    rng = np.random.default_rng([SEED, 5, number])
    regions = [draw_region(situation, rng) for _ in GROUPS]
    persons = [
        f"{name} {person}"
        for name, each in zip(GROUPS, regions, strict=True)
        for person in each.persons
    ]
    rows = make_rows(
        np.concatenate([each.y for each in regions]),
        region=np.repeat(GROUPS, [len(each.y) for each in regions]).tolist(),
        person=persons,
        task="icu-stay" if situation.is_class else "geographic-extent",
    )
    x = np.concatenate([each.x for each in regions])
    model = "linear:1" if situation.is_class else "paper"
    settings = LocoSettings(estimator=model, n_resamples=N_RESAMPLES, seed=number)
    return run_loco(rows, make_features(rows, x), settings), regions


def read_models(result: LocoResult, regions: list[Region]) -> list[tuple[np.ndarray, float]]:
    """Read the models off their predictions: weights and constant, by group."""
    found = []
    for name, region in zip(GROUPS, regions, strict=True):
        own = result.predictions[result.predictions["fold"].eq(name)]
        order = own.sort_values("image_id")["value"].to_numpy(dtype=float)
        design = np.column_stack([region.x, np.ones(len(region.x))])
        answer = np.linalg.lstsq(design, order, rcond=None)[0]
        found.append((answer[:-1], float(answer[-1])))
    return found


# ---- classes


def measure_classes(situation: Situation, number: int) -> Iterator[Bounds]:
    """Measure every figure of a run of classes."""
    result, regions = make_run(situation, number)
    lines = [Line(situation, *model) for model in read_models(result, regions)]
    images = np.array([len(each.y) for each in regions], dtype=float)
    pairs = np.array([each.y.sum() * (1 - each.y).sum() for each in regions])
    ill = np.array([each.y.sum() for each in regions])
    for kind, of in (("roc", pairs), ("precision-recall", ill)):
        yield from _measure_curve(result, kind, lines, of)
    yield from _measure_rates(result, lines, images)
    yield from _measure_benefit(result, lines, images)
    yield from _measure_recalibration(result, lines, images)
    yield from _measure_bins(result, lines, images)


def _pick(table: pd.DataFrame, fold: str, **cells: object) -> pd.Series:
    found = table[table["fold"].eq(fold)]
    for name, value in cells.items():
        is_it = np.isclose(found[name], value) if isinstance(value, float) else found[name] == value
        found = found[is_it]
    return found.iloc[0] if len(found) else pd.Series(dtype=float)


def _height(line: Line, kind: str, place: float) -> float:
    """Give the true height of a curve."""
    if kind == "roc":
        return float(line.rise(line.means[0] - line.spread * ndtri(place), 1))
    threshold = -np.inf if place == 1 else line.means[1] - line.spread * ndtri(place)
    found, alarms = line.share * place, (1 - line.share) * float(line.rise(threshold, 0))
    return found / (found + alarms)


def _measure_curve(
    result: LocoResult, kind: str, lines: list[Line], weights: np.ndarray
) -> Iterator[Bounds]:
    table = trace_curves(result, kind)  # type: ignore[arg-type]
    for place in PLACES[kind]:
        heights = np.array([_height(line, kind, place) for line in lines])
        truths = {GROUPS[0]: heights[0], POOLED: (weights * heights).sum() / weights.sum()}
        for fold, truth in truths.items():
            row = _pick(table, fold, part="band", x=place)
            if len(row):
                name = "group" if fold != POOLED else POOLED
                yield f"{name}, {kind} at {place:g}", row["low"], row["high"], float(truth)


def _measure_rates(result: LocoResult, lines: list[Line], images: np.ndarray) -> Iterator[Bounds]:
    table = confuse(result)
    n_ill = images * [line.share for line in lines]
    found = np.array([float(line.rise(0.0, 1)) for line in lines])
    alarms = np.array([float(line.rise(0.0, 0)) for line in lines])
    for fold, use in ((GROUPS[0], slice(0, 1)), (POOLED, slice(None))):
        ill, well = n_ill[use], (images - n_ill)[use]
        right, wrong = (ill * found[use]).sum(), (well * alarms[use]).sum()
        truths = {
            "sensitivity": right / ill.sum(),
            "specificity": 1 - wrong / well.sum(),
            "precision": right / (right + wrong),
        }
        row, name = _pick(table, fold), "group" if fold != POOLED else POOLED
        for rate, truth in truths.items():
            yield f"{name}, {rate}", row[f"{rate}_low"], row[f"{rate}_high"], float(truth)


def _measure_benefit(result: LocoResult, lines: list[Line], images: np.ndarray) -> Iterator[Bounds]:
    table = compute_net_benefit(result, THRESHOLDS)
    for threshold in THRESHOLDS:
        odds = threshold / (1 - threshold)
        worth = np.array(
            [
                each.share * float(each.rise(logit(threshold), 1))
                - (1 - each.share) * odds * float(each.rise(logit(threshold), 0))
                for each in lines
            ]
        )
        for fold, truth in ((GROUPS[0], worth[0]), (POOLED, np.average(worth, weights=images))):
            row = _pick(table, fold, threshold=threshold)
            name = "group" if fold != POOLED else POOLED
            if len(row):
                yield f"{name}, net benefit at {threshold:g}", row["low"], row["high"], float(truth)


def _measure_recalibration(
    result: LocoResult, lines: list[Line], images: np.ndarray
) -> Iterator[Bounds]:
    table, large = fit_recalibration(result), check_calibration(result)
    off = np.array(
        [
            (1 - each.share) * expit(each.draw(0)).mean()
            + each.share * expit(each.draw(1)).mean()
            - each.share
            for each in lines
        ]
    )
    for fold, use in ((GROUPS[0], slice(0, 1)), (POOLED, slice(None))):
        name = "group" if fold != POOLED else POOLED
        truths = _recalibrate(lines[use], images[use])
        row = _pick(table, fold)
        for what, truth in truths.items():
            yield f"{name}, {what}", row[f"{what}_low"], row[f"{what}_high"], truth
        row = _pick(large, fold)
        truth = float(np.average(off[use], weights=images[use]))
        yield f"{name}, predicted less observed", row["low"], row["high"], truth


def _recalibrate(lines: list[Line], images: np.ndarray) -> dict[str, float]:
    """Regress the class on the log-odds in the population, by Newton's method."""
    x = np.concatenate([each.draw(label) for each in lines for label in (0, 1)])
    y = np.repeat([0.0, 1.0] * len(lines), len(_NORMAL))
    share = [
        (each.share if label else 1 - each.share) * n
        for each, n in zip(lines, images, strict=True)
        for label in (0, 1)
    ]
    w = np.repeat(share, len(_NORMAL))
    design, at = np.column_stack([np.ones(len(x)), x]), np.array([0.0, 0.1])
    for _ in range(50):
        p = expit(design @ at)
        curvature = (design * (w * p * (1 - p))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), design.T @ (w * (y - p)))
        at = at + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return {"intercept": float(at[0]), "slope": float(at[1])}


def _measure_bins(result: LocoResult, lines: list[Line], images: np.ndarray) -> Iterator[Bounds]:
    table = bin_predictions(result)
    p = expit(result.predictions["value"].to_numpy(dtype=float))
    edges = logit(np.clip(np.quantile(p, np.linspace(0, 1, 6)), 1e-12, 1 - 1e-12))
    edges[0], edges[-1] = -np.inf, np.inf
    for row in table.to_dict("records"):
        low, high = edges[row["bin"] - 1], edges[row["bin"]]
        inside = [
            [n * s * float(each.rise(low, k) - each.rise(high, k)) for k, s in shares]
            for each, n in zip(lines, images, strict=True)
            for shares in [((0, 1 - each.share), (1, each.share))]
        ]
        well, ill = np.sum(inside, axis=0)
        if well + ill > 0:
            yield "all, share in a bin", row["low"], row["high"], float(ill / (well + ill))


# ---- numbers and coefficients


def measure_numbers(situation: Situation, number: int) -> Iterator[Bounds]:
    """Measure predicted against observed of a number, in one group."""
    result, regions = make_run(situation, number)
    weights, constant = read_models(result, regions)[0]
    slope = situation.auroc * weights[0] / float(weights @ weights)
    row = _pick(fit_recalibration(result), GROUPS[0])
    yield "group, slope", row["slope_low"], row["slope_high"], float(slope)
    truth = -float(slope) * constant
    yield "group, intercept", row["intercept_low"], row["intercept_high"], truth
    row = _pick(check_calibration(result), GROUPS[0])
    yield "group, predicted less observed", row["low"], row["high"], constant


def measure_coefficients(situation: Situation, n: int) -> dict[str, Tally]:
    """Measure coefficients; their truth is the mean over all simulations."""
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for number in range(n):
        result, _ = make_run(situation, number)
        table = compute_importance(result, n_refits=60)
        table = table[table["fold"].eq("mean")].set_index("feature")
        for place, name in enumerate(sorted(table.index)):
            kind = "coefficient that tells" if place == 0 else "coefficient that does not"
            found[kind].append(tuple(table.loc[name, ["value", "low", "high"]].astype(float)))
    tallies = {}
    for kind, rows in found.items():
        values = np.array(rows)
        truth = float(values[:, 0].mean()) if "tells" in kind else 0.0
        tallies[kind] = Tally()
        for _, low, high in values:
            tallies[kind].add(low, high, truth)
    return tallies


# ---- persons dealt several times


def simulate_dealings(situation: Situation, hold_out: str, n: int) -> dict[str, Tally]:
    """Simulate runs over parts of the persons; the truth is the mean over all their models."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for number in range(n):
        region = draw_region(situation, np.random.default_rng([SEED, 6, number]))
        persons = [f"{person:03d}" for person in region.persons]
        rows = make_rows(region.y, region=["Asia"] * len(persons), person=persons)
        settings = LocoSettings(
            estimator="linear:1", n_resamples=N_RESAMPLES, seed=number, hold_out=hold_out
        )
        result = run_loco(rows, make_features(rows, region.x), settings)
        x = pd.DataFrame(region.x, index=rows.table["image_id"])
        table = result.predictions.assign(dealing=result.predictions.get("dealing", 1))
        alone, pairs = [], []
        for _, own in table.groupby(["dealing", "fold"]):
            design = np.column_stack([x.loc[own["image_id"]], np.ones(len(own))])
            weights = np.linalg.lstsq(design, own["value"].to_numpy(float), rcond=None)[0][:-1]
            alone.append(find_truth(situation, weights, 0.0)["auroc"])
            pairs.append(own["y"].sum() * (1 - own["y"]).sum())
        scores = result.scores.set_index(["fold", "metric"])
        for fold, truth in (("mean", np.mean(alone)), (POOLED, np.average(alone, weights=pairs))):
            row = scores.loc[(fold, "auroc")]
            tallies[f"{hold_out}, {fold}"].add(float(row["low"]), float(row["high"]), float(truth))
    return tallies


def list_dealing_rows(n: int) -> Iterator[dict[str, object]]:
    """Simulate parts of the persons, dealt once and five times."""
    for hold_out in ("persons:5", "persons:5x5"):
        for noise, (images, where) in NOISES.items():
            for n_positive, n_negative in ((12, 24), (40, 40)):
                for auroc in (0.5, 0.8, 0.95):
                    situation = Situation(
                        *(n_positive, n_negative, auroc, where, images), n_columns=2
                    )
                    for kind, tally in simulate_dealings(situation, hold_out, n).items():
                        yield make_row(kind, f"{n_positive} and {n_negative}", auroc, noise, tally)


# ---- the table


PERSONS = ((5, 5), (5, 20), (12, 24), (40, 40))
NOISES = {"1 image a person": (1.0, "person"), "5, alike": (5.0, "person")}


def simulate(situation: Situation, n: int) -> dict[str, Tally]:
    """Simulate a situation n times."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    measure = measure_classes if situation.is_class else measure_numbers
    for number in range(n):
        for name, low, high, truth in measure(situation, number):
            tallies[name].add(float(low), float(high), truth)
    return tallies


def list_rows(n: int, n_coefficients: int) -> Iterator[dict[str, object]]:
    """Simulate everything, a row a figure, number of persons, truth and noise."""
    for noise, (images, where) in NOISES.items():
        for n_positive, n_negative in PERSONS:
            persons = f"{n_positive} and {n_negative}"
            for auroc in (0.5, 0.8, 0.95):
                situation = Situation(n_positive, n_negative, auroc, where, images)
                for kind, tally in simulate(situation, n).items():
                    yield make_row(kind, persons, auroc, noise, tally)
            situation = Situation(n_positive, n_negative, 0.8, where, images)
            for kind, tally in measure_coefficients(situation, n_coefficients).items():
                yield make_row(kind, persons, 0.8, noise, tally)
        for n_persons in (10, 20, 40):
            for correlation in (0.0, 0.7):
                situation = Situation(n_persons, 0, correlation, where, images, is_class=False)
                for kind, tally in simulate(situation, n).items():
                    yield make_row(f"number: {kind}", str(n_persons), correlation, noise, tally)


def main() -> None:
    """Simulate, print each row as it is done, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="simulations a row")
    parser.add_argument("--only", default="", choices=["", "figures", "dealings"])
    parser.add_argument("--coefficients", type=int, default=40, help="of coefficients")
    parser.add_argument("--out", default="", help="a CSV file for the table")
    args = parser.parse_args()
    started, rows = time.monotonic(), []
    with one_thread():
        parts = {
            "figures": lambda: list_rows(args.runs, args.coefficients),
            "dealings": lambda: list_dealing_rows(args.runs),
        }
        for row in (r for name, part in parts.items() if args.only in ("", name) for r in part()):
            rows.append(row)
            if args.out:
                pd.DataFrame(rows).to_csv(args.out, index=False)
            print(
                f"{row['kind']:<36} {row['persons']:<10} {row['truth']!s:<5} {row['noise']:<17} "
                f"held {row['held']:6.1%}  too high {row['too high']:5.1%}  "
                f"width {row['width']:.2f}  shown {row['shown']} of {row['n']}",
                flush=True,
            )
    print(f"{len(rows)} rows in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
