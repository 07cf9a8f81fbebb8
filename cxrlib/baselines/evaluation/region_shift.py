"""Region shift: the same images predicted by models from outside and from inside their region.

A score in a held-out region is low where the images are hard, where little can be learnt from
so few, or where the model comes from elsewhere. Only the last is a shift. So the same test images
are predicted by a model trained in their own region on other people, and by one trained outside
it on as many images with the same shares of the classes.

Both models of a pair see the same test images, and only images tested together are compared with
each other: across parts of a cross-validation, values of different models would be compared,
and what is left out of training would be ranked too low.
"""

import functools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats, Progress, ShouldStop
from cxrlib.baselines.evaluation.estimators import is_slow, parse_estimator
from cxrlib.baselines.evaluation.evaluation_key import make_evaluation_key
from cxrlib.baselines.evaluation.groupings import list_groups
from cxrlib.baselines.evaluation.models import Model, choose_model, fit_model, make_design
from cxrlib.baselines.evaluation.protocols import (
    CORRECTED,
    LocoSettings,
    Protocol,
    describe_too_few,
)
from cxrlib.baselines.evaluation.resampling import count_persons, find_percentiles
from cxrlib.baselines.evaluation.scores import POOLED, POOLED_METRICS, sum_pairs
from cxrlib.baselines.evaluation.shortcut_removal import Trace, erase_trace, read_trace
from cxrlib.baselines.features import Features
from cxrlib.baselines.tasks import TaskRows
from cxrlib.cohort import UNKNOWN
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store

logger = logging.getLogger(__name__)

KIND = "shifts"
#: Raised when images are compared otherwise: every stored comparison is then made anew.
SHIFT_VERSION = 1

N_REPEATS = 20
#: Each fits all models again, about twenty a region: fewer than of other intervals.
N_RESAMPLES = 100
MOST_PARTS = 5
#: Share of the variance of resamples that is never taken for that of parting.
LEAST_LEFT = 0.2
#: Persons of the smaller class that a model must be able to learn from: five less the tested one.
FEWEST_TRAINING = 4
_GUARDS = {"person": "person_id", "article": "article", "source": "source"}

SHIFT_COLUMNS = (
    *("fold", "metric", "outside", "inside", "difference", "low", "high", "n_images"),
    *("n_persons", "n_train", "n_train_positive", "n_repeats", "n_used", "n_dropped", "reason"),
)
_REPEATS = ("fold", "repeat", "outside", "inside")
_NUMBERS = ("outside", "inside", "difference", "low", "high")

Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class RegionShift:
    """Hold how images are predicted from outside and from inside their region.

    Parameters
    ----------
    table : DataFrame
        A row a region, then "pooled" over the pairs of regions that can be compared, with
        `SHIFT_COLUMNS`: ``outside`` and ``inside`` are the scores, ``difference`` is inside less
        outside, ``low`` and ``high`` its 95 % interval, n_images and n_persons those tested,
        ``n_train`` and ``n_train_positive`` the images that each model learnt from, on both sides;
        n_used and n_dropped count resamples. ``reason`` says why there is no comparison.
    repeats : DataFrame
        A row a region and repeat: fold, repeat, outside, inside. Repeats part the persons and
        draw the training images anew.
    """

    table: pd.DataFrame
    repeats: pd.DataFrame
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class _Images:
    """Hold the images of a task, sorted by id so that the order of rows changes nothing.

    Parameters
    ----------
    group, person : ndarray of str
    unit : ndarray of int
        Images that share what must not be on both sides have one number.
    y : ndarray of float
    x : ndarray of float, shape (n_images, n_columns)
    is_class : bool
    model : Model
    trace : Trace or None
        What is erased from the features of each model.
    """

    group: NDArray[np.object_]
    person: NDArray[np.object_]
    unit: Ints
    y: Floats
    x: Floats
    is_class: bool
    model: Model
    trace: Trace | None = None

    def take(self, places: Ints) -> "_Images":
        """Take images, some perhaps several times; copies keep their unit, and so stay together."""
        arrays = ("group", "person", "unit", "y", "x")
        trace = None if self.trace is None else self.trace.take(places)
        return replace(self, **{name: getattr(self, name)[places] for name in arrays}, trace=trace)

    @property
    def metric(self) -> str:
        """The score: either is the share of pairs ranked rightly."""
        return POOLED_METRICS["classes" if self.is_class else "number"]

    @property
    def label(self) -> Ints:
        """The class of each image; of numbers one for all, as they have no shares."""
        return self.y.astype(np.intp) if self.is_class else np.zeros(len(self.y), dtype=np.intp)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Hold how the images of a region are parted, and what each part's models may learn from.

    Parameters
    ----------
    tests, inside, outside : list of ndarray of int
        By part of each repeat.
    repeat : list of int
        Of each part.
    sizes : ndarray of int
        Images of each class that every model learns from.
    """

    tests: list[Ints]
    inside: list[Ints]
    outside: list[Ints]
    repeat: list[int]
    sizes: Ints


@dataclass(frozen=True, eq=False)
class _Compared:
    """Hold what the comparison of a region counted, or why there is none.

    Parameters
    ----------
    sums : ndarray of float, shape (3, n_repeats)
        Pairs ranked rightly from outside, from inside, and all pairs.
    resampled : ndarray of float, shape (3, n_resamples)
        The same of each resample.
    sizes : ndarray of int
        Images of each class that every model learnt from.
    reason : str
    """

    sums: Floats
    resampled: Floats
    sizes: Ints
    reason: str = ""


def compare_region_shift(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings | None = None,
    *,
    n_repeats: int = N_REPEATS,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RegionShift:
    """Compare models from outside and from inside each region on the same images.

    A region is parted in up to five parts, no person (and, as the protocol guards it, article or
    source) in two of them. Each part is predicted from the other parts, and from outside the
    region; both models learn from the same number of images of each class, drawn person by
    person. The score is the share of pairs, tested together, that are ranked rightly.

    For the interval persons are drawn with replacement inside and outside, and all models fitted
    again: who was there to learn from is chance as well.

    Parameters
    ----------
    rows : TaskRows
    features : Features
    settings : LocoSettings, optional
        The corrected protocol by default. A protocol says how features are scaled, what ranks, and
        what is kept apart. At most `N_RESAMPLES` of its resamples are made.
    n_repeats : int, default 20
    on_progress : callable, optional
        Called after each resample; it counts those of all regions.
    should_stop : callable, optional
        Asked before each region and resample.

    Raises
    ------
    SelectionError
        For pixels and slow models: thousands of networks or forests would take days.
    RunStoppedError
        When `should_stop` said so.
    """
    settings = settings or LocoSettings()
    if features.kind == "pixels":
        raise SelectionError(
            "The comparison fits thousands of models, which takes days with pixels. Choose another "
            "feature set."
        )
    if reason := refuse_region_shift(settings):
        raise SelectionError(reason)
    images = _take_images(rows, features, settings)
    names = sorted({*images.group} - {UNKNOWN})
    n_resamples = min(settings.n_resamples, N_RESAMPLES)

    def step(place: int, done: int) -> None:
        if should_stop is not None and should_stop():
            raise RunStoppedError("The region-shift comparison was stopped.")
        if on_progress is not None:
            n_done, n_in_all = place * n_resamples + done, len(names) * n_resamples
            on_progress("Comparing resamples", n_done, n_in_all)

    compared = {
        name: _compare_group(images, name, settings, n_repeats, functools.partial(step, place))
        for place, name in enumerate(names)
    }
    step(len(names), 0)
    table = [_describe(images, name, each) for name, each in compared.items()]
    table.append(_pool(images, compared))
    return RegionShift(pd.DataFrame(table, columns=list(SHIFT_COLUMNS)), _list_repeats(compared))


def refuse_region_shift(settings: LocoSettings) -> str:
    """Say why there is no comparison with the settings of a run, or nothing.

    Examples
    --------
    >>> refuse_region_shift(LocoSettings(estimator="forest"))
    "The comparison fits thousands of models, which takes too long with 'forest'. Choose a linear \
model or 'neighbours'."
    """
    if settings.match:
        return (
            "A region shift draws its own training images, so its classes cannot be matched by "
            f"{settings.match}. Erase the shortcut instead, or compare without matching."
        )
    if not is_slow(settings.model):
        return ""
    return (
        "The comparison fits thousands of models, which takes too long with "
        f"{parse_estimator(settings.model).text or settings.model!r}. Choose a linear model or "
        "'neighbours'."
    )


# ---- keeping


def compute_region_shift(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings,
    store: Store,
    *,
    n_repeats: int = N_REPEATS,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RegionShift:
    """Load a comparison from the store, or make and keep it; see `compare_region_shift`."""
    known = load_region_shift(rows, features, settings, store, n_repeats=n_repeats)
    if known is not None:
        return known
    found = compare_region_shift(
        *(rows, features, settings),
        n_repeats=n_repeats,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    key = make_region_shift_key(rows, features, settings, n_repeats)
    info = {"task": rows.task.to_text(), "features": features.name}
    store.write_table(KIND, f"{key}-repeats", found.repeats, info=info)
    store.write_table(KIND, key, found.table, info=info)
    return found


def load_region_shift(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings,
    store: Store,
    *,
    n_repeats: int = N_REPEATS,
) -> RegionShift | None:
    """Load a comparison from the store, None where it was not made. Computes nothing."""
    key = make_region_shift_key(rows, features, settings, n_repeats)
    table, repeats = store.read_table(KIND, key), store.read_table(KIND, f"{key}-repeats")
    if table is None or repeats is None:
        return None
    problem = _find_damage(table, repeats)
    if problem:
        logger.warning(
            "The stored region shift %s cannot be used (%s). Compute it again.", key, problem
        )
        return None
    return RegionShift(table, repeats)


def _find_damage(table: pd.DataFrame, repeats: pd.DataFrame) -> str:
    """Say what is wrong with a stored comparison, as a clause, or ""."""
    if tuple(table.columns) != SHIFT_COLUMNS or tuple(repeats.columns) != _REPEATS:
        return "its columns are others"
    numbers = [*(table[name] for name in _NUMBERS), repeats["outside"], repeats["inside"]]
    # Where nothing can be compared a column has no type: all of it is missing.
    if not all(pd.api.types.is_float_dtype(each) or each.isna().all() for each in numbers):
        return "its numbers are none"
    return "" if len(table) and table["fold"].iloc[-1] == POOLED else "rows are missing"


def make_region_shift_key(
    rows: TaskRows, features: Features, settings: LocoSettings, n_repeats: int = N_REPEATS
) -> str:
    """Return the name of a comparison in the store: all that its numbers depend on."""
    settings = replace(settings, n_resamples=min(settings.n_resamples, N_RESAMPLES))
    return make_evaluation_key("shift", rows, features, settings, (SHIFT_VERSION, n_repeats))


# ---- images


def _take_images(rows: TaskRows, features: Features, settings: LocoSettings) -> _Images:
    """Take the images that have features."""
    table = rows.table[rows.table["image_id"].isin(features.image_ids)].sort_values("image_id")
    guards = dict.fromkeys(["person", *settings.guards])
    return _Images(
        group=list_groups(table, settings.hold_out),
        person=table["person_id"].to_numpy(dtype=object),
        unit=_join_units(table, [_GUARDS[guard] for guard in guards]),
        y=table["y"].to_numpy(dtype=np.float64),
        x=features.take(table["image_id"].tolist()),
        is_class=rows.task.kind == "classes",
        model=choose_model(settings.model, rows.task.kind, features.kind),
        trace=read_trace(replace(rows, table=table.reset_index(drop=True)), settings.erase),
    )


def _join_units(table: pd.DataFrame, columns: list[str]) -> Ints:
    """Give images that share anything, even by way of a third, one number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_images, places, nodes, n_nodes = len(table), [], [], len(table)
    for column in columns:
        values = table[column].to_numpy(dtype=object, na_value="")
        codes, known = pd.factorize(np.array([str(v).strip() or None for v in values], object))
        places.append(np.flatnonzero(codes >= 0))
        nodes.append(n_nodes + codes[codes >= 0])
        n_nodes += len(known)
    ends = (np.concatenate(places), np.concatenate(nodes))
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(n_nodes, n_nodes))
    _, numbers = connected_components(graph, directed=False)
    return np.asarray(numbers[:n_images], dtype=np.intp)


# ---- one region


def _compare_group(
    images: _Images,
    name: str,
    settings: LocoSettings,
    n_repeats: int,
    step: Callable[[int], None],
) -> _Compared:
    """Compare in one region, repeatedly, and in resamples."""
    step(0)
    rng = np.random.default_rng([settings.seed, *name.encode()])
    test = np.flatnonzero(images.group == name)
    reason = _refuse(images, test)
    plan = None if reason else _make_plan(images, test, rng, n_repeats)
    if plan is not None:
        reason = _refuse_plan(images, plan)
    if plan is None or reason:
        return _Compared(np.zeros((3, 0)), np.zeros((3, 0)), np.zeros(2, dtype=np.intp), reason)
    sums = _predict_parts(images, plan, settings.protocol, rng)
    if not sums[2].any():
        reason = "No two images tested together have different labels."
        return _Compared(np.zeros((3, 0)), np.zeros((3, 0)), plan.sizes, reason)
    resampled = np.zeros((3, min(settings.n_resamples, N_RESAMPLES)))
    for place in range(resampled.shape[1]):
        step(place)
        resampled[:, place] = _resample(images, test, settings.protocol, rng)
    return _Compared(sums, resampled, plan.sizes)


def _refuse(images: _Images, test: Ints) -> str:
    """Say why a region cannot be tested from inside, or nothing."""
    n_few = _count_fewest(images, test, images.person)
    if reason := describe_too_few(n_few, is_class=images.is_class):
        return reason
    if _count_fewest(images, test, images.unit) < 2:
        return (
            "All images of one class share a person, an article or a source, so no model of the "
            "region can be trained without them."
        )
    return ""


def _resample(images: _Images, test: Ints, protocol: Protocol, rng: np.random.Generator) -> Floats:
    """Draw persons inside and outside, and compare once; NaN where it cannot be."""
    others = np.setdiff1d(np.arange(len(images.y)), test)
    drawn = [_draw_persons(images, places, rng) for places in (test, others)]
    again = images.take(np.concatenate(drawn))
    tested = np.arange(len(drawn[0]))
    if _count_fewest(again, tested, again.unit) < 2:
        return np.full(3, np.nan)
    plan = _make_plan(again, tested, rng, 1)
    if not plan.sizes[: 2 if images.is_class else 1].all():
        return np.full(3, np.nan)
    return np.asarray(_predict_parts(again, plan, protocol, rng)[:, 0])


def _draw_persons(images: _Images, places: Ints, rng: np.random.Generator) -> Ints:
    """Draw as many persons as there are, with replacement, with all of their images."""
    codes, names = pd.factorize(images.person[places], sort=True)
    n_of = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
    return np.repeat(places, n_of[codes])


def _make_plan(images: _Images, test: Ints, rng: np.random.Generator, n_repeats: int) -> _Plan:
    """Part a region often enough, and find what each part's models may learn from."""
    n_parts = min(MOST_PARTS, _count_fewest(images, test, images.unit))
    parted = [(r, part) for r in range(n_repeats) for part in _part(images, test, n_parts, rng)]
    tests = [part for _, part in parted]
    inside = [np.setdiff1d(test, part) for part in tests]
    others = np.setdiff1d(np.arange(len(images.y)), test)
    outside = [others[~np.isin(images.unit[others], images.unit[part])] for part in tests]
    sizes = _find_sizes(images, inside, outside)
    return _Plan(tests, inside, outside, [repeat for repeat, _ in parted], sizes)


def _refuse_plan(images: _Images, plan: _Plan) -> str:
    """Say why a model would learn from too few, or nothing."""
    for pools, where in ((plan.inside, "inside"), (plan.outside, "outside")):
        few = min(_count_fewest(images, pool, images.person) for pool in pools)
        if few < FEWEST_TRAINING:
            which = " of the smaller class" if images.is_class else ""
            return (
                f"{format_units(few, 'person')}{which} left for training {where} the region: not "
                f"estimable below {FEWEST_TRAINING}."
            )
    return ""


def _count_fewest(images: _Images, rows: Ints, names: NDArray) -> int:
    """Count the distinct names of the class that has fewest."""
    return count_persons(images.y[rows], names[rows], is_class=images.is_class).fewest


def _part(images: _Images, test: Ints, n_parts: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Part a region by units, those with a rare class dealt first so that each part has some."""
    units = np.unique(images.unit[test])
    label = images.label[test]
    rare = int(np.argmin(np.bincount(label, minlength=2))) if images.is_class else 0
    has_rare = np.isin(units, images.unit[test][label == rare])
    order = rng.permutation(len(units))
    order = order[np.argsort(~has_rare[order], kind="stable")]
    part_of = np.empty(len(units), dtype=np.intp)
    part_of[order] = np.arange(len(units)) % n_parts
    of_image = part_of[np.searchsorted(units, images.unit[test])]
    for part in range(n_parts):
        yield test[of_image == part]


def _find_sizes(images: _Images, inside: list[Ints], outside: list[Ints]) -> Ints:
    """Find how many images of each class every model can have."""
    counts = [np.bincount(images.label[pool], minlength=2) for pool in (*inside, *outside)]
    return np.asarray(np.min(counts, axis=0), dtype=np.intp)


def _predict_parts(
    images: _Images, plan: _Plan, protocol: Protocol, rng: np.random.Generator
) -> Floats:
    """Predict every part from both sides; count pairs, shape (3, n_repeats)."""
    from sklearn import config_context

    sums = np.zeros((3, plan.repeat[-1] + 1))
    for repeat, part, *pools in zip(
        plan.repeat, plan.tests, plan.outside, plan.inside, strict=True
    ):
        once = np.ones((1, len(part)))
        for side, pool in enumerate(pools):
            train = _draw(images, pool, plan.sizes, rng)
            # What goes in is known to be numbers: looking again takes as long as the fit.
            with config_context(assume_finite=True, skip_parameter_validation=True):
                ranking = _predict(images, train, part, protocol)
            right, pairs = sum_pairs(images.y[part], ranking, once, is_class=images.is_class)
            sums[side, repeat] += right[0]
        sums[2, repeat] += pairs[0]
    return sums


def _draw(images: _Images, pool: Ints, sizes: Ints, rng: np.random.Generator) -> Ints:
    """Draw so many images of each class, person by person, so that both sides have as many."""
    drawn = []
    for label, size in enumerate(sizes):
        mine = pool[images.label[pool] == label]
        persons = pd.factorize(images.person[mine], sort=True)[0]
        place = rng.permutation(persons.max(initial=-1) + 1)[persons]
        drawn.append(mine[np.argsort(place, kind="stable")][:size])
    return np.sort(np.concatenate(drawn))


def _predict(images: _Images, train: Ints, test: Ints, protocol: Protocol) -> Floats:
    """Predict what ranks the images of a part."""
    x_train, x_test = images.x[train], images.x[test]
    if images.trace is not None:
        of_train, of_test = images.trace.take(train), images.trace.take(test)
        x_train, x_test = erase_trace(x_train, x_test, of_train, of_test)
    design = make_design(
        x_train,
        x_test,
        is_standardised=protocol.is_standardised,
        reduces=protocol.reduces and images.model.is_linear,
    )
    fit = fit_model(
        *(design, images.y[train], images.model),
        persons=images.person[train],
        extended_iterations=protocol.is_standardised,
    )
    ranking = fit.chosen if protocol.ranking == "class" else fit.value
    return np.asarray(ranking, dtype=np.float64)


# ---- numbers


def _describe(images: _Images, name: str, compared: _Compared) -> dict[str, object]:
    """Give the row of a region."""
    test = np.flatnonzero(images.group == name)
    row: dict[str, object] = {
        "fold": name,
        "metric": images.metric,
        "n_images": len(test),
        "n_persons": len(set(images.person[test])),
    }
    if compared.reason:
        return row | {"n_used": 0, "n_dropped": 0, "reason": compared.reason}
    return row | {
        "n_train": int(compared.sizes.sum()),
        "n_train_positive": int(compared.sizes[1]) if images.is_class else None,
        "n_repeats": compared.sums.shape[1],
        **_judge(compared.sums, compared.resampled, _count_independent(images, test)),
    }


def _pool(images: _Images, compared: dict[str, _Compared]) -> dict[str, object]:
    """Pool the pairs of all regions; each pair is of one region."""
    good = {name: each for name, each in compared.items() if not each.reason}
    where = np.isin(images.group, list(good))
    row: dict[str, object] = {
        "fold": POOLED,
        "metric": images.metric,
        "n_images": int(where.sum()),
        "n_persons": len(set(images.person[where])),
    }
    if len(good) < CORRECTED.fewest_folds:
        reason = f"{format_units(len(good), 'group')} can be compared: pooling needs two."
        return row | {"n_used": 0, "n_dropped": 0, "reason": reason}
    sums = np.sum([each.sums for each in good.values()], axis=0)
    resampled = np.sum([each.resampled for each in good.values()], axis=0)
    n_independent = sum(
        _count_independent(images, np.flatnonzero(images.group == name)) for name in good
    )
    return row | {"n_repeats": sums.shape[1]} | _judge(sums, resampled, n_independent)


def _count_independent(images: _Images, test: Ints) -> int:
    """Count how many persons a score rests on."""
    persons = count_persons(images.y[test], images.person[test], is_class=images.is_class)
    return persons.n_independent


def _judge(sums: Floats, resampled: Floats, n_independent: int) -> dict[str, object]:
    """Give both scores, their difference and its interval."""
    outside, inside = sums[:2].sum(axis=1) / sums[2].sum()
    differences = _divide(resampled[1] - resampled[0], resampled[2])
    by_repeat = _divide(sums[1] - sums[0], sums[2])
    differences = _settle(differences, by_repeat, float(inside - outside))
    return {
        "outside": float(outside),
        "inside": float(inside),
        "difference": float(inside - outside),
        **find_percentiles(differences, n_independent),
    }


def _settle(differences: Floats, by_repeat: Floats, difference: float) -> Floats:
    """Bring resamples to the difference, and take out what comes of parting each only once.

    Drawn with replacement there are fewer people to learn from, which shifts resamples; they say
    how far a difference varies, not where it is. The difference is an average over repeats, a
    resample is not: its variance holds all of the variance between repeats, not a share of it.
    """
    known, parted = (each[np.isfinite(each)] for each in (differences, by_repeat))
    if len(known) < 2:
        return differences
    factor, whole = 1.0, float(known.var(ddof=1))
    if len(parted) > 1 and whole > 0:
        rest = whole - float(parted.var(ddof=1)) * (1 - 1 / len(parted))
        # Both are estimates: something of the spread is always left.
        factor = np.sqrt(max(rest / whole, LEAST_LEFT))
    return np.asarray(np.clip(difference + factor * (differences - known.mean()), -1, 1))


def _list_repeats(compared: dict[str, _Compared]) -> pd.DataFrame:
    """List the scores of each repeat."""
    rows = [
        (name, repeat, outside, inside)
        for name, each in compared.items()
        for repeat, (outside, inside) in enumerate(_divide(each.sums[:2], each.sums[2]).T)
    ]
    return pd.DataFrame(rows, columns=list(_REPEATS))


def _divide(counts: Floats, of: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    of = np.broadcast_to(of, counts.shape)
    return np.divide(counts, of, out=np.full(counts.shape, np.nan), where=of > 0)
