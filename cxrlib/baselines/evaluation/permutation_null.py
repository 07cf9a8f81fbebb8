"""The permutation null of a leave-one-region-out score: scores under permuted labels.

Labels are permuted over persons within the held-out groups, and every model is fitted again. So
each group keeps how many of its persons have which label: a score that only tells groups apart,
or that rests on few persons, comes out as high under the null as it does by luck.

A person's labels move together, in the order of the image ids: taken over by a person with more
images they begin again, with fewer the last are not used. Where all images of a person have one
label, as an outcome has, this exchanges labels among persons and p is exact if persons of a group
are exchangeable; where labels differ within persons, as severity does, it is close to that. Persons
of one site resemble each other and are not exchangeable with those of another: within sites
(``within="source"``) only persons of one site exchange labels.
"""

import logging
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats, Progress, ShouldStop
from cxrlib.baselines.evaluation.evaluation_key import make_evaluation_key
from cxrlib.baselines.evaluation.groupings import list_groups, name_sources
from cxrlib.baselines.evaluation.intervals import LEVEL
from cxrlib.baselines.evaluation.loco import compute_values
from cxrlib.baselines.evaluation.loco_plan import (
    LocoPlan,
    plan_loco,
    predict_dealings,
    take_estimator,
)
from cxrlib.baselines.evaluation.protocols import LocoSettings
from cxrlib.baselines.evaluation.scores import POOLED
from cxrlib.baselines.features import Features
from cxrlib.baselines.tasks import TaskRows
from cxrlib.errors import SelectionError
from cxrlib.html_repr import format_html
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store

logger = logging.getLogger(__name__)

KIND = "nulls"
#: Raised when labels are permuted or scored otherwise: every stored null is then computed anew.
NULL_VERSION = 1
#: The same of those within sources: raised when images without a source were no longer one.
WITHIN_VERSION = 2
N_PERMUTATIONS = 200
Within = Literal["group", "source"]
WITHIN: tuple[Within, ...] = ("group", "source")
"""Within what labels are permuted: the held-out groups, or the sites of each."""
PERMUTATIONS = (1, 10_000)  # fewest and most
#: The number under which the scores of the labels as they are stand in `PermutationNull.values`.
OBSERVED = -1
KEEP_EVERY = 5.0  # seconds between writings of what is done
LOWER_IS_BETTER = ("mae",)
# Labels that leave a fold without one of the classes cannot be fitted: others are drawn.
MOST_DRAWS = 1000
# Scores are ratios of whole numbers: those that differ by less are equal.
ROUNDING = 1e-9

_VALUES = ("permutation", "fold", "metric", "value")
_TABLE = ("fold", "metric", "observed", "n", "n_at_least", "p", "low", "middle", "high", "reason")


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class PermutationNull:
    """Hold the scores of permuted labels.

    Parameters
    ----------
    values : DataFrame
        A row a score: permutation (from 0; `OBSERVED` for the labels as they are), fold, metric,
        value, NaN where it is not defined.
    n_wanted, n_done : int
        Permutations asked for, and done.
    within : {"group", "source"}
        Within what they exchange labels.
    """

    values: pd.DataFrame
    n_wanted: int
    n_done: int
    within: Within = "group"
    __repr__ = short_repr

    def _repr_html_(self) -> str:
        heading = f"{self.n_done:,} of {format_units(self.n_wanted, 'permutation')} of the labels"
        return format_html(heading, self.table)

    @property
    def is_complete(self) -> bool:
        """Whether all permutations that were asked for are done."""
        return self.n_done >= self.n_wanted

    @property
    def table(self) -> pd.DataFrame:
        """Set each score beside those of permuted labels.

        Returns
        -------
        DataFrame
            fold, metric, observed; ``n`` permutations with this score, and how many of them have
            at least as good a one, ``n_at_least``; ``p``, (1 + n_at_least) / (1 + n), never 0;
            ``low``, ``middle`` and ``high``, the 2.5, 50 and 97.5 % of the permuted; ``reason``:
            why there is none, "" else. Before all permutations are done there is no p: who looks
            and stops when it is small finds small ones too often.
        """
        permuted = self.values[self.values["permutation"] != OBSERVED]
        by_score = dict(list(permuted.groupby(["fold", "metric"], sort=False)["value"]))
        observed = self.values[self.values["permutation"] == OBSERVED]
        rows = [
            _judge(fold, metric, value, by_score.get((fold, metric)))
            for fold, metric, value in observed[["fold", "metric", "value"]].itertuples(index=False)
        ]
        table = pd.DataFrame(rows, columns=list(_TABLE))
        if not self.is_complete:
            hidden = table["reason"].eq("")
            table.loc[hidden, ["p", "low", "middle", "high"]] = np.nan
            table.loc[hidden, "n_at_least"] = 0
            table.loc[hidden, "reason"] = (
                f"{self.n_done:,} of {format_units(self.n_wanted, 'permutation')} done: p is given "
                "when all are."
            )
        return table

    def describe(self, fold: str = POOLED, metric: str | None = None) -> str:
        """Describe how one score compares with those of permuted labels."""
        table = self.table
        found = table[(table["fold"] == fold) & (table["metric"].eq(metric) if metric else True)]
        if found.empty:
            return f"There is no score {metric or ''} of {fold}.".replace("  ", " ")
        row: dict[Hashable, Any] = found.to_dict("records")[0]
        if row["reason"]:
            return f"No p-value: {row['reason']}"
        verb = "scores" if row["n_at_least"] == 1 else "score"
        where = "sources" if self.within == "source" else "groups"
        return (
            f"{format_p(row)}: {row['n_at_least']:,} of {format_units(row['n'], 'permutation')} "
            f"{verb} at least as well. Labels are permuted over patients within {where}: exact if "
            f"patients of one {where[:-1]} are exchangeable. 95 % of permutations score "
            f"{row['low']:.2f} to {row['high']:.2f}."
        )


def format_p(row: Mapping[Hashable, Any]) -> str:
    """Format the p of a row of `PermutationNull.table`; of no permutation as good, its bound.

    Examples
    --------
    >>> format_p({"p": 1 / 201, "n": 200, "n_at_least": 0})
    'p < 0.005'
    >>> format_p({"p": 5 / 201, "n": 200, "n_at_least": 4})
    'p = 0.025'
    """
    if row["n_at_least"] == 0:
        return f"p < {1 / row['n']:.2g}"
    return f"p = {row['p']:.2g}"


def _judge(
    fold: str, metric: str, observed: float, permuted: pd.Series | None
) -> dict[str, object]:
    """Give the row of one score."""
    row: dict[str, object] = {"fold": fold, "metric": metric, "observed": observed, "n": 0}
    row |= {"n_at_least": 0, **dict.fromkeys(("p", "low", "middle", "high"), np.nan)}
    if np.isnan(observed):
        return row | {"reason": "This score is not estimable for the true labels."}
    values = np.empty(0) if permuted is None else permuted.to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return row | {"reason": "No permutation is finished yet."}
    sign = -1 if metric in LOWER_IS_BETTER else 1
    n_at_least = int((sign * values >= sign * observed - ROUNDING).sum())
    low, middle, high = np.quantile(values, [0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2])
    return row | {
        "n": len(values),
        "n_at_least": n_at_least,
        "p": (1 + n_at_least) / (1 + len(values)),
        "low": float(low),
        "middle": float(middle),
        "high": float(high),
        "reason": "",
    }


def compute_permutation_null(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings | None = None,
    *,
    n: int = N_PERMUTATIONS,
    within: Within = "group",
    store: Store | None = None,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    estimator: Any = None,  # noqa: ANN401 (any object with fit)
) -> PermutationNull:
    """Permute labels over persons within the held-out groups, and fit every model again.

    Each permutation has its own seed: more of them go on where fewer ended.

    Parameters
    ----------
    rows : TaskRows
    features : Features
    settings : LocoSettings, optional
        The corrected protocol over regions by default.
    n : int, default 200
        Permutations, chosen before: p is never below 1 / (n + 1), and there is none before all
        are done.
    within : {"group", "source"}
        Whether labels are exchanged within held-out groups, or within the sites of each, where
        persons of one site resemble each other.
    store : Store, optional
        Where what is done is kept, and taken up again.
    on_progress : callable, optional
        Called before each permutation.
    should_stop : callable, optional
        Asked before each permutation; what it stops is kept and returned as it is.
    estimator : object, optional
        As `cxrlib.baselines.evaluation.run_loco` takes it.

    Raises
    ------
    SelectionError
        If n is not 1 to 10,000, for pixels, where no two persons of one site differ in label, or
        as `cxrlib.baselines.evaluation.run_loco`.
    """
    settings = take_estimator(settings or LocoSettings(), estimator)
    _check(features, n)
    known = None
    if store is not None:
        known = load_permutation_null(rows, features, settings, store, within=within)
    plan = plan_loco(rows, features, settings, estimator=estimator)
    _check_exchange(plan, within)
    pieces = [_score(plan, None, within) if known is None else known.values]
    done = kept = 0 if known is None else known.n_done
    written = time.monotonic()
    try:
        while done < n and not (should_stop is not None and should_stop()):
            if on_progress is not None:
                on_progress("Running permutations", done, n)
            pieces.append(_score(plan, done, within))
            done += 1
            if store is not None and time.monotonic() - written > KEEP_EVERY:
                pieces = [_keep(pieces, rows, features, settings, store, within, n)]
                kept, written = done, time.monotonic()
    finally:
        # After an interruption too: each permutation is whole.
        if store is not None and (done > kept or known is None):
            pieces = [_keep(pieces, rows, features, settings, store, within, n)]
    if on_progress is not None and done >= n:
        on_progress("Running permutations", done, n)
    return _take(pd.concat(pieces, ignore_index=True), n, within)


def _check(features: Features, n: int) -> None:
    """Refuse what cannot be done."""
    low, high = PERMUTATIONS
    if not low <= n <= high:
        raise SelectionError(f"n={n!r} permutations is out of range: use {low} to {high:,}.")
    if features.kind == "pixels":
        raise SelectionError(
            "A permutation test on pixels fits thousands of networks, which takes hours. Choose "
            "another feature set."
        )


def _check_exchange(plan: LocoPlan, within: Within) -> None:
    """Refuse to permute where that changes nothing."""
    if within == "group":
        return
    blocks = pd.MultiIndex.from_arrays([_list_blocks(plan, within), plan.persons])
    labels = pd.Series(plan.labels.y).groupby(blocks).agg(tuple)
    differs = labels.groupby(level=0).nunique() > 1
    if not differs.any():
        raise SelectionError(
            "In no source do two patients differ in label, so permuting labels within sources "
            "changes nothing: what tells sources apart cannot be told from what tells patients "
            "apart. Permute within the held-out groups, and read p with care."
        )


def _score(plan: LocoPlan, permutation: int | None, within: Within) -> pd.DataFrame:
    """Score a permutation of the labels, or the labels as they are."""
    y = None if permutation is None else _draw_labels(plan, permutation, within)
    plan = plan if y is None else plan.match(y)
    values = compute_values(plan, predict_dealings(plan, y), y)
    number = OBSERVED if permutation is None else permutation
    rows = [(number, fold, metric, value) for (fold, metric), value in values.items()]
    return pd.DataFrame(rows, columns=list(_VALUES))


# ---- permuting


def permute_labels(
    y: Floats,
    groups: NDArray[np.object_],
    persons: NDArray[np.object_],
    rng: np.random.Generator,
) -> Floats:
    """Exchange the labels of persons within groups.

    Parameters
    ----------
    y : ndarray of float, shape (n_images,)
    groups, persons : ndarray of str or int, shape (n_images,)
        Someone with images in two groups is taken as two.
    rng : Generator

    Returns
    -------
    ndarray of float, shape (n_images,)
        A person's labels are those of another (or the same) of the group, in the images' order.

    Examples
    --------
    >>> y, groups = np.array([1.0, 1, 0, 0]), np.array(["Asia"] * 3 + ["Europe"])
    >>> persons = np.array(["a", "a", "b", "c"])
    >>> permute_labels(y, groups, persons, np.random.default_rng(3))
    array([0., 0., 1., 0.])
    """
    names = pd.MultiIndex.from_arrays([groups, persons])
    units, of_image = np.unique(names.to_numpy(), return_inverse=True)
    group_of = pd.factorize(np.array([group for group, _ in units], dtype=object))[0]
    donors = np.empty(len(units), dtype=np.intp)
    for group in range(group_of.max(initial=-1) + 1):
        mine = np.flatnonzero(group_of == group)
        donors[mine] = rng.permutation(mine)
    order = np.argsort(of_image, kind="stable")
    n_of = np.bincount(of_image, minlength=len(units))
    starts = np.cumsum(n_of) - n_of
    place = np.empty(len(y), dtype=np.intp)
    place[order] = np.arange(len(y)) - starts[of_image[order]]
    donor = donors[of_image]
    return np.asarray(y[order][starts[donor] + place % n_of[donor]], dtype=np.float64)


def _list_blocks(plan: LocoPlan, within: Within) -> NDArray[np.object_]:
    """Name the block within which each image's person exchanges labels."""
    groups = list_groups(plan.rows.table, plan.settings.hold_out)
    if within == "group":
        return groups
    sources = name_sources(plan.rows.table)
    return np.array([f"{g}\0{s}" for g, s in zip(groups, sources, strict=True)], object)


def _draw_labels(plan: LocoPlan, permutation: int, within: Within) -> Floats:
    """Permute the labels of a plan so that every model can be fitted and every fold scored.

    The labels as they are can be too: p is that of such permutations.
    """
    rng = np.random.default_rng([plan.settings.seed, permutation])
    blocks = _list_blocks(plan, within)
    for _ in range(MOST_DRAWS):
        y = permute_labels(plan.labels.y, blocks, plan.persons, rng)
        if _can_fit(plan, y):
            return y
    raise SelectionError(
        f"None of {MOST_DRAWS:,} permutations leaves both classes in every fold: one class has too "
        "few persons for a permutation test."
    )


def _can_fit(plan: LocoPlan, y: Floats) -> bool:
    """Tell whether all folds have both classes on both sides."""
    if not plan.labels.is_class:
        return True
    names = {fold.name for fold in plan.tested}
    plan = plan.match(y)
    return names == {fold.name for fold in plan.tested} and all(
        0 < y[places].sum() < len(places)
        for fold in plan.tested
        for places in (fold.train, fold.test)
    )


# ---- keeping


def make_permutation_null_key(
    rows: TaskRows, features: Features, settings: LocoSettings, within: Within = "group"
) -> str:
    """Return the name of a null in the store: all that its numbers depend on, but how many."""
    settings = replace(settings, n_resamples=0)
    versions = (NULL_VERSION, *([] if within == "group" else [within, WITHIN_VERSION]))
    return make_evaluation_key("null", rows, features, settings, versions)


def load_permutation_null(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings,
    store: Store,
    *,
    n: int | None = None,
    within: Within = "group",
) -> PermutationNull | None:
    """Load what is done of a null from the store, None where it is nothing. Computes nothing.

    Where more was computed than is asked for, the first n are taken; by default as many as were
    asked for when they were computed, so that page, report and command line name one p.
    """
    key = make_permutation_null_key(rows, features, settings, within)
    values = store.read_table(KIND, key)
    if values is None:
        return None
    problem = _find_damage(values)
    if problem:
        logger.warning(
            "The stored permutation null %s cannot be used (%s). Compute it again.", key, problem
        )
        return None
    if n is None:
        asked = (store.read_info(KIND, key) or {}).get("n")
        n = asked if type(asked) is int and 0 < asked <= PERMUTATIONS[1] else 0
        n = max(n, int(values["permutation"].max()) + 1)
    return _take(values, n, within)


def _take(values: pd.DataFrame, n: int, within: Within) -> PermutationNull:
    """Take the first permutations."""
    n_done = min(n, int(values["permutation"].max()) + 1)
    taken = values[values["permutation"] < n].reset_index(drop=True)
    return PermutationNull(taken, n, n_done, within)


def _keep(
    pieces: list[pd.DataFrame],
    rows: TaskRows,
    features: Features,
    settings: LocoSettings,
    store: Store,
    within: Within,
    n: int,
) -> pd.DataFrame:
    """Write what is done, and how many were asked for."""
    values = pd.concat(pieces, ignore_index=True)
    info = {
        "task": rows.task.to_text(),
        "features": features.name,
        "protocol": settings.protocol.name,
        "hold_out": settings.hold_out,
        "seed": settings.seed,
        "within": within,
        "n": n,
    }
    key = make_permutation_null_key(rows, features, settings, within)
    store.write_table(KIND, key, values, info=info)
    return values


def _find_damage(values: pd.DataFrame) -> str:
    """Say what is wrong with stored scores, as a clause, or ""."""
    if tuple(values.columns) != _VALUES:
        return "its columns are others"
    if not pd.api.types.is_integer_dtype(values["permutation"]) or not pd.api.types.is_float_dtype(
        values["value"]
    ):
        return "its numbers are none"
    by_permutation = values.groupby("permutation", sort=True)
    numbers = list(by_permutation.groups)
    if numbers != list(range(OBSERVED, len(numbers) + OBSERVED)):
        return "permutations are missing"
    scores = [tuple(zip(g["fold"], g["metric"], strict=True)) for _, g in by_permutation]
    return "" if len(set(scores)) == 1 else "scores are missing"
