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
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.special import ndtr, ndtri

from cxrlib.baselines.evaluation.fold_scores import (
    FoldCase,
    FoldDraws,
    average_draws,
    draw_scores,
    measure_size,
    pool_draws,
)
from cxrlib.baselines.evaluation.intervals import Estimate
from cxrlib.baselines.evaluation.models import Design, fit_model
from cxrlib.baselines.evaluation.protocols import CORRECTED

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
    method = "logistic" if situation.is_class else "linear"
    cases = []
    for place, region in enumerate(regions):
        others = [each for number, each in enumerate(regions) if number != place]
        x, y = (np.concatenate([getattr(each, name) for each in others]) for name in ("x", "y"))
        design = Design(x[:, columns], region.x[:, columns])
        fit = fit_model(design, y, method, extended_iterations=True)
        # What the model is, to know its true score: its answers at the origin and on the axes.
        axes = np.vstack([np.zeros(x[:, columns].shape[1]), np.eye(x[:, columns].shape[1])])
        answers = fit_model(Design(design.train, axes), y, method, extended_iterations=True).value
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


def simulate(situation: Situation, kinds: dict[str, Kind], n: int) -> Iterator[tuple[str, Tally]]:
    """Simulate a situation n times, and tally each kind of interval."""
    tallies = {name: Tally() for name in kinds}
    for number in range(n):
        rng = np.random.default_rng([SEED, number])
        regions = [draw_region(situation, rng) for _ in range(situation.n_regions)]
        cases = evaluate(regions, situation, slice(None))
        draws = [draw_scores(case, N_RESAMPLES, number) for case in cases]
        for name, kind in kinds.items():
            tallies[name].add(*kind(cases, draws))
    yield from tallies.items()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    args = parser.parse_args()
    for images, noise in ((1, "person"), (2, "person"), (5, "image"), (5, "person")):
        for n, m, nr in ((5, 5, 2), (10, 10, 2), (10, 30, 2), (40, 40, 2), (10, 10, 4)):
            for cols in (1, 4):
                for auroc in (0.5, 0.8, 0.95):
                    sit = Situation(n, m, auroc, noise, images, nr, cols)
                    kinds = {
                        "group": measure_group("auroc"),
                        "mean": measure_mean("auroc"),
                        "pooled": measure_pooled,
                        "auprc": measure_group("auprc"),
                        "recall": measure_group("recall"),
                    }
                    out = []
                    for name, t in simulate(sit, kinds, args.runs):
                        k = max(t.n_shown, 1)
                        out.append(
                            f"{name} {100 * t.n_held / k:.0f}({100 * t.n_optimistic / k:.0f})w{t.width / k:.2f}"
                            + (f"!{t.n - t.n_shown}" if t.n > t.n_shown else "")
                        )
                    print(images, noise, n, m, nr, cols, auroc, " ".join(out), flush=True)


if __name__ == "__main__":
    main()
