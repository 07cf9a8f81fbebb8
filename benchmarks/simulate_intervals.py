"""Measure how often intervals hold the truth, by simulation with a known truth.

Each row of the table is one kind of interval in one situation: persons are drawn from populations
whose true scores are known in closed form, evaluated as the library does, and the interval is
asked whether it holds the true score. Nominal is 95 %. Seeded: the same table comes out again.
``docs/intervals.md`` shows it.

Features are normal, one column (``columns = 1``) or several of which one tells something. What an
interval is about is named in its row: *these models* are those fitted in the simulation, in other
persons of the same groups (and sites); *other sites* and *a new region* are drawn anew.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.integrate import quad
from scipy.special import expit, ndtr, ndtri

from cxrlib.baselines.evaluation import LocoSettings, one_thread, region_shift
from cxrlib.baselines.evaluation.fold_scores import (
    FoldCase,
    FoldDraws,
    average_draws,
    draw_scores,
    measure_size,
    pool_draws,
)
from cxrlib.baselines.evaluation.intervals import Estimate, subtract_estimates
from cxrlib.baselines.evaluation.models import Design, Fit, choose_model, fit_model
from cxrlib.baselines.evaluation.protocols import CORRECTED
from cxrlib.baselines.evaluation.sensitivity import predict_next

N_RESAMPLES = 400
SEED = 20


@dataclass(frozen=True)
class Situation:
    """Hold what a row simulates.

    Parameters
    ----------
    n_positive, n_negative : int
        Persons of each class in each region; of a number their sum.
    auroc : float
        That the telling column reaches in a large population; of a number its correlation.
    noise : {"image", "person"}
        Where most of the noise is: three quarters of its variance.
    images : float
        Images a person on average; 1 for one each.
    n_regions, n_columns : int
    is_class : bool
    """

    n_positive: int
    n_negative: int
    auroc: float
    noise: str = "person"
    images: float = 2.0
    n_regions: int = 2
    n_columns: int = 4
    is_class: bool = True


@dataclass(frozen=True, eq=False)
class Region:
    """Hold the images of a region."""

    x: np.ndarray
    y: np.ndarray
    persons: np.ndarray


def draw_region(situation: Situation, rng: np.random.Generator) -> Region:
    """Draw the persons of a region with their images."""
    n = situation.n_positive + situation.n_negative
    counts = rng.geometric(1 / situation.images, n) if situation.images > 1 else np.ones(n, int)
    persons = np.repeat(np.arange(n), counts)
    share = {"person": 0.75, "image": 0.25}[situation.noise]
    noise = np.sqrt(share) * rng.standard_normal((n, situation.n_columns))[persons]
    noise += np.sqrt(1 - share) * rng.standard_normal((len(persons), situation.n_columns))
    if situation.is_class:
        y = np.repeat([1.0, 0.0], [situation.n_positive, situation.n_negative])[persons]
        noise[:, 0] += find_shift(situation) * y
        return Region(noise, y, persons)
    own = np.sqrt(share) * rng.standard_normal(n)[persons]
    own += np.sqrt(1 - share) * rng.standard_normal(len(persons))
    y = situation.auroc * noise[:, 0] + np.sqrt(1 - situation.auroc**2) * own
    return Region(noise, y, persons)


def find_shift(situation: Situation) -> float:
    """Find how far the classes lie apart in the telling column, in standard deviations."""
    return float(np.sqrt(2) * ndtri(situation.auroc))


def evaluate(regions: list[Region], situation: Situation, columns: slice) -> list[FoldCase]:
    """Hold each region out, fit on the others, predict it; as a run does."""
    name, kind = ("linear:1", "classes") if situation.is_class else ("paper", "number")
    model = choose_model(name, kind, "network")
    cases = []
    for place, region in enumerate(regions):
        others = [each for number, each in enumerate(regions) if number != place]
        x, y = (np.concatenate([getattr(each, name) for each in others]) for name in ("x", "y"))
        # The model's answers at the origin and on the axes say what it is, and so its true score.
        n_columns = x[:, columns].shape[1]
        axes = np.vstack([np.zeros(n_columns), np.eye(n_columns)])
        design = Design(x[:, columns], np.vstack([region.x[:, columns], axes]))
        whole = fit_model(design, y, model, extended_iterations=True)
        n = len(region.y)
        fit = Fit(whole.value[:n], whole.chosen[:n], whole.is_converged)
        answers = whole.value[n:]
        cases.append(
            FoldCase(
                name=f"region {place}",
                y=region.y,
                persons=region.persons,
                fits=(fit,),
                kind="classes" if situation.is_class else "number",
                event="positive" if situation.is_class else "",
                protocol=CORRECTED,
                train_size=measure_size(y, is_class=situation.is_class),
            )
        )
        cases[-1].__dict__["truth"] = find_truth(
            situation, answers[1:] - answers[0], float(answers[0])
        )
    return cases


def find_truth(situation: Situation, weights: np.ndarray, constant: float) -> dict[str, float]:
    """Find the true scores of a linear model in a region, in closed form."""
    length = float(np.linalg.norm(weights)) or 1.0
    if not situation.is_class:
        return _find_number_truth(situation, weights, constant, length)
    shift = weights[0] * find_shift(situation)
    apart = shift / length
    share = situation.n_positive / (situation.n_positive + situation.n_negative)
    return {
        "auroc": float(ndtr(apart / np.sqrt(2))),
        "auprc": _integrate_precision(apart, share),
        "recall": float(ndtr((shift + constant) / length)),
    }


def _find_number_truth(
    situation: Situation, weights: np.ndarray, constant: float, length: float
) -> dict[str, float]:
    slope = situation.auroc
    correlation = slope * weights[0] / length
    variance = 1 + length**2 - 2 * slope * weights[0]
    spread = np.sqrt(variance)
    mae = spread * np.sqrt(2 / np.pi) * np.exp(-(constant**2) / (2 * variance))
    mae += constant * (1 - 2 * ndtr(-constant / spread))
    return {
        "correlation": float(correlation),
        "r2": float(1 - variance - constant**2),
        "mae": float(mae),
        "concordance": float(0.5 + np.arcsin(correlation) / np.pi),
    }


def _integrate_precision(apart: float, share: float) -> float:
    """Integrate the precision over the recall, of normal values with so many positives."""

    def precision(recall: float) -> float:
        threshold = ndtri(1 - recall) + apart
        above = share * recall
        return float(above / (above + (1 - share) * ndtr(-threshold)))

    return float(quad(precision, 1e-9, 1, limit=200)[0])


# ---- kinds of intervals


@dataclass
class Tally:
    """Count how often an interval held the truth."""

    n: int = 0
    n_shown: int = 0
    n_held: int = 0
    n_optimistic: int = 0
    width: float = 0.0

    def add(self, low: float, high: float, truth: float) -> None:
        """Take an interval into account; NaN where none was shown."""
        self.n += 1
        if np.isnan(low) or np.isnan(high):
            return
        self.n_shown += 1
        self.n_held += low <= truth <= high
        self.n_optimistic += low > truth
        self.width += high - low


Kind = Callable[[list[FoldCase], list[FoldDraws]], tuple[float, float, float]]


def _bound(estimate: Estimate, truth: float) -> tuple[float, float, float]:
    return (*estimate.find_interval()[:2], truth)


def measure_group(metric: str) -> Kind:
    """Measure the score of one group."""
    return lambda cases, draws: _bound(
        draws[0].estimate(metric), cases[0].__dict__["truth"][metric]
    )


def measure_mean(metric: str) -> Kind:
    """Measure the mean over groups."""
    return lambda cases, draws: _bound(
        average_draws(draws, metric)[0],
        float(np.mean([case.__dict__["truth"][metric] for case in cases])),
    )


def measure_pooled(cases: list[FoldCase], draws: list[FoldDraws]) -> tuple[float, float, float]:
    """Measure the pooled score."""
    metric = "auroc" if draws[0].persons.is_class else "concordance"
    pairs = np.array([each.pairs[1] for each in draws])
    truths = np.array([case.__dict__["truth"][metric] for case in cases])
    return _bound(pool_draws(draws), float((pairs * truths).sum() / pairs.sum()))


CLASS_KINDS: dict[str, Kind] = {
    "group, AUROC": measure_group("auroc"),
    "group, AUPRC": measure_group("auprc"),
    "group, recall": measure_group("recall"),
    "mean, AUROC": measure_mean("auroc"),
    "pooled, AUROC": measure_pooled,
}
NUMBER_KINDS: dict[str, Kind] = {
    "group, correlation": measure_group("correlation"),
    "group, mean absolute error": measure_group("mae"),
    "mean, correlation": measure_mean("correlation"),
    "pooled, concordance": measure_pooled,
}


def simulate(situation: Situation, n: int) -> dict[str, Tally]:
    """Simulate a situation n times, and tally each kind of interval and the paired difference."""
    kinds = CLASS_KINDS if situation.is_class else NUMBER_KINDS
    tallies = {name: Tally() for name in kinds}
    if situation.is_class and situation.n_columns > 1:
        tallies["difference of means, AUROC"] = Tally()
    for number in range(n):
        rng = np.random.default_rng([SEED, number])
        regions = [draw_region(situation, rng) for _ in range(situation.n_regions)]
        cases = evaluate(regions, situation, slice(None))
        draws = [draw_scores(case, N_RESAMPLES, number) for case in cases]
        for name, kind in kinds.items():
            tallies[name].add(*kind(cases, draws))
        if "difference of means, AUROC" in tallies:
            bounds = measure_difference(regions, situation, cases, draws, number)
            tallies["difference of means, AUROC"].add(*bounds)
    return tallies


def measure_difference(
    regions: list[Region],
    situation: Situation,
    cases: list[FoldCase],
    draws: list[FoldDraws],
    number: int,
) -> tuple[float, float, float]:
    """Measure all columns less the first two, on the same persons and resamples."""
    fewer = evaluate(regions, situation, slice(0, 2))
    others = [draw_scores(case, N_RESAMPLES, number) for case in fewer]
    cells = subtract_estimates(average_draws(draws, "auroc")[0], average_draws(others, "auroc")[0])
    truth = np.mean([each.__dict__["truth"]["auroc"] for each in cases])
    truth -= np.mean([each.__dict__["truth"]["auroc"] for each in fewer])
    return float(str(cells["low"])), float(str(cells["high"])), float(truth)


# ---- other sites, another region


def simulate_sites(n_sites: int, auroc: float, n: int) -> dict[str, Tally]:
    """Draw sites with a noise of their own, and resample persons and sites of one group."""
    tallies = {"persons of these sites": Tally(), "bootstrap over sources": Tally()}
    shift, own = np.sqrt(2) * ndtri(auroc), 0.7
    for number in range(n):
        rng = np.random.default_rng([SEED, 1, number])
        site = np.repeat(np.arange(n_sites), 6)
        y = (rng.random(len(site)) < 0.5).astype(float)
        moved = own * rng.standard_normal(n_sites)
        value = shift * y + moved[site] + np.sqrt(1 - own**2) * rng.standard_normal(len(site))
        fit = Fit(value, (value > shift / 2).astype(float), is_converged=True)
        case = FoldCase("g", y, np.arange(len(site)), (fit,), "classes", "positive", CORRECTED, 1e9)
        for name, persons, unit in (
            ("persons of these sites", case.persons, "person"),
            ("bootstrap over sources", site, "source"),
        ):
            drawn = draw_scores(replace(case, persons=persons, unit=unit), N_RESAMPLES, number)
            low, high, _ = drawn.estimate("auroc").find_interval()
            # Of two images of other sites; few pairs are of one site.
            tallies[name].add(low, high, auroc)
    return tallies


def simulate_next(n_groups: int, spread: float, n: int) -> Tally:
    """Draw groups whose true scores vary, and predict that of one more."""
    tally = Tally()
    for number in range(n):
        rng = np.random.default_rng([SEED, 2, number])
        truths = expit(1.1 + spread * rng.standard_normal(n_groups + 1))
        known = []
        for place, truth in enumerate(truths[:-1]):
            y = np.repeat([1.0, 0.0], [10, 20])
            value = np.sqrt(2) * ndtri(truth) * y + rng.standard_normal(len(y))
            fit = Fit(value, (value > 0).astype(float), is_converged=True)
            persons = np.arange(len(y))
            case = FoldCase(f"g{place}", y, persons, (fit,), "classes", "positive", CORRECTED, 1e9)
            known.append(draw_scores(case, 0, number).estimate("auroc"))
        _, low, high = predict_next(known)
        tally.add(low, high, float(truths[-1]))
    return tally


def simulate_shift(n_persons: int, local: float, n: int) -> Tally:
    """Compare models from inside and outside; the truth is the mean over all simulations."""
    found = []
    settings = LocoSettings(n_resamples=40)
    for number in range(n):
        rng = np.random.default_rng([SEED, 3, number])
        group = np.repeat(np.array(["a", "b"], dtype=object), n_persons)
        y = np.tile([1.0, 0.0], n_persons)
        sign = np.where(group == "a", 1.0, 1.0 - 2 * local)
        x = rng.standard_normal((2 * n_persons, 3))
        x[:, 0] += 1.2 * y * sign
        persons = np.array([f"p{place}" for place in range(2 * n_persons)], dtype=object)
        units = np.arange(2 * n_persons)
        model = choose_model("linear:1", "classes", "network")
        images = region_shift._Images(group, persons, units, y, x, True, model)
        compared = region_shift._compare_group(images, "a", settings, 4, lambda _: None)
        found.append(region_shift._describe(images, "a", compared))
    table = pd.DataFrame(found)
    tally = Tally()
    for low, high in table[["low", "high"]].to_numpy():
        tally.add(low, high, float(table["difference"].mean()))
    return tally


# ---- the table


PERSONS = ((5, 5), (5, 20), (12, 24), (40, 40))
NOISES = {
    "1 image a person": (1.0, "person"),
    "2, alike": (2.0, "person"),
    "5, alike": (5.0, "person"),
    "5, apart": (5.0, "image"),
}
"""Images of a person, and whether they are alike: where most of the noise is."""
ABOUT = {
    "group": "these models, other persons of the group",
    "mean": "these models, other persons of these groups",
    "pooled": "these models, other persons of these groups",
    "difference": "these models, other persons of these groups",
    "persons of these sites": "another group of sites (for comparison: it is not about them)",
    "bootstrap over sources": "other sites of the group",
    "next": "one more group",
    "shift": "models trained on other persons of both groups",
}


def list_rows(n: int) -> Iterator[dict[str, object]]:
    """Simulate everything, one row a kind, number of persons, truth and noise."""
    for noise, (images, where) in NOISES.items():
        yield from list_score_rows(noise, images, where, n)
    for n_sites in (6, 10, 20):
        for auroc in (0.5, 0.8, 0.95):
            for kind, tally in simulate_sites(n_sites, auroc, n).items():
                yield make_row(kind, f"{n_sites} sites of 6", auroc, "by site", tally)
    for n_groups in (4, 8, 12):
        for spread in (0.0, 0.5, 1.0):
            tally = simulate_next(n_groups, spread, n)
            yield make_row(f"next group of {n_groups}", "10 and 20", 0.75, f"SD {spread:g}", tally)
    for n_persons in (20, 40):
        for local in (0.0, 1.0):
            tally = simulate_shift(n_persons, local, max(n // 5, 10))
            half = n_persons // 2
            truth = "reversed" if local else "none"
            yield make_row("shift, AUROC", f"{half} and {half}", truth, "1 image a person", tally)


def list_score_rows(noise: str, images: float, where: str, n: int) -> Iterator[dict[str, object]]:
    """Simulate scores of classes and of numbers under one kind of noise."""
    for auroc in (0.5, 0.8, 0.95):
        for n_positive, n_negative in PERSONS:
            situation = Situation(n_positive, n_negative, auroc, where, images)
            for kind, tally in simulate(situation, n).items():
                yield make_row(kind, f"{n_positive} and {n_negative}", auroc, noise, tally)
    for correlation in (0.0, 0.7):
        for n_persons in (10, 20, 40):
            situation = Situation(n_persons, 0, correlation, where, images, is_class=False)
            for kind, tally in simulate(situation, n).items():
                yield make_row(kind, str(n_persons), correlation, noise, tally)


def make_row(kind: str, persons: str, truth: object, noise: str, tally: Tally) -> dict[str, object]:
    """Make a row of the table."""
    shown = max(tally.n_shown, 1)
    return {
        "kind": kind,
        "persons": persons,
        "truth": truth,
        "noise": noise,
        "n": tally.n,
        "shown": tally.n_shown,
        "held": tally.n_held / shown,
        "too high": tally.n_optimistic / shown,
        "width": tally.width / shown,
    }


def main() -> None:
    """Simulate, print each row as it is done, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400, help="simulations a row")
    parser.add_argument("--out", default="", help="a CSV file for the table")
    args = parser.parse_args()
    started, rows = time.monotonic(), []
    with one_thread():
        for row in list_rows(args.runs):
            rows.append(row)
            print(
                f"{row['kind']:<28} {row['persons']:<14} {row['truth']!s:<9} {row['noise']:<17} "
                f"held {row['held']:6.1%}  too high {row['too high']:5.1%}  "
                f"width {row['width']:.2f}  shown {row['shown']} of {row['n']}",
                flush=True,
            )
    table = pd.DataFrame(rows)
    if args.out:
        table.to_csv(args.out, index=False)
    low = table[(table["shown"] > 0) & (table["held"] < 0.93)]
    print(f"{len(table)} rows in {time.monotonic() - started:.0f} s; below 93 %: {len(low)}")
    if len(low):
        print(low.to_string(index=False))


if __name__ == "__main__":
    main()
