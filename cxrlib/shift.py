"""The cost of another region: the same images predicted by models from outside and from inside it.

A score in a held-out region is low where the images are hard, where little can be learnt from
so few, or where the model comes from elsewhere. Only the last is a shift. So the same test images
are predicted by a model trained in their own region on other people, and by one trained outside
it on as many images with the same shares of the classes.

Both models of a pair see the same test images, and only images tested together are compared with
each other: across parts of a cross-validation, values of different models would be compared,
and what is left out of training would be ranked too low.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.errors import SelectionError
from cxrlib.features import Features
from cxrlib.folds import name_groups
from cxrlib.intervals import name_units
from cxrlib.models import Method, choose_method, fit_model, make_design
from cxrlib.protocols import CORRECTED, LocoSettings, Protocol
from cxrlib.regions import UNKNOWN
from cxrlib.resampling import draw_weights, find_interval
from cxrlib.scores import ROUNDING
from cxrlib.task_rows import TaskRows

__all__ = ["N_REPEATS", "Shift", "compare_shift"]

N_REPEATS = 20
MOST_PARTS = 5
#: Persons of the smaller class that a model must be able to learn from: five less the tested one.
FEWEST_TRAINING = 4
_GUARDS = {"person": "person_id", "article": "article", "source": "source"}

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
_COLUMNS = (
    *("fold", "metric", "outside", "inside", "difference", "low", "high", "n_images"),
    *("n_persons", "n_train", "n_train_positive", "n_repeats", "n_used", "n_dropped", "reason"),
)


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class Shift:
    """Hold how images are predicted from outside and from inside their region.

    Parameters
    ----------
    table : DataFrame
        A row a region, then "pooled": fold, metric, ``outside`` and ``inside`` (the scores),
        ``difference`` (inside less outside), ``low`` and ``high`` (its 95 % interval over the
        tested persons, models as they are), n_images and n_persons tested, ``n_train`` and
        ``n_train_positive`` (images that each model learnt from, on both sides), n_repeats,
        n_used and n_dropped (resamples), and ``reason``: why there is no comparison, "" else.
    repeats : DataFrame
        A row a region and repeat: fold, repeat, outside, inside. Repeats part the persons and
        draw the training images anew.
    """

    table: pd.DataFrame
    repeats: pd.DataFrame


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
    method : str
        The model, one of `cxrlib.models.Method`.
    """

    group: NDArray[np.object_]
    person: NDArray[np.object_]
    unit: Ints
    y: Floats
    x: Floats
    is_class: bool
    method: Method

    @property
    def metric(self) -> str:
        """The score: either is the share of pairs ranked rightly."""
        return "auroc" if self.is_class else "concordance"

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
class _Pairs:
    """Hold pairs of images with different labels, and how often each was ranked rightly.

    Parameters
    ----------
    rows : ndarray of int
        The images.
    compared, outside, inside : ndarray of float, shape (n_images, n_images)
        Over all repeats; the first image of a pair has the higher label.
    """

    rows: Ints
    compared: Floats
    outside: Floats
    inside: Floats


def compare_shift(
    rows: TaskRows,
    features: Features,
    settings: LocoSettings = LocoSettings(),  # noqa: B008 (frozen)
    *,
    n_repeats: int = N_REPEATS,
    should_stop: Callable[[], bool] | None = None,
) -> Shift:
    """Compare models from outside and from inside each region on the same images.

    A region is parted in up to five parts, no person (and, as the protocol guards it, article or
    source) in two of them. Each part is predicted from the other parts, and from outside the
    region; both models learn from the same number of images of each class, drawn person by
    person. The score is the share of pairs, tested together, that are ranked rightly.

    Parameters
    ----------
    rows : TaskRows
    features : Features
    settings : LocoSettings
        Its protocol says how features are scaled, what ranks, and what is kept apart.
    n_repeats : int, default 20
    should_stop : callable, optional
        Asked before each region; those that are not reached have no row.

    Raises
    ------
    SelectionError
        For pixels: hundreds of networks would take hours.
    """
    if features.kind == "pixels":
        raise SelectionError(
            "The comparison fits hundreds of models, which takes hours with pixels. Choose another "
            "feature set."
        )
    images = _take_images(rows, features, settings)
    names = [name for name in sorted(set(images.group)) if name != UNKNOWN]
    table, repeats, all_pairs = [], [], {}
    for name in names:
        if should_stop is not None and should_stop():
            break
        row, pairs, by_repeat = _compare_group(images, name, settings, n_repeats)
        table.append(row)
        repeats += by_repeat
        if pairs is not None:
            all_pairs[name] = pairs
    table.append(_pool(images, all_pairs, settings, n_repeats))
    return Shift(
        pd.DataFrame(table, columns=list(_COLUMNS)),
        pd.DataFrame(repeats, columns=["fold", "repeat", "outside", "inside"]),
    )


def _take_images(rows: TaskRows, features: Features, settings: LocoSettings) -> _Images:
    """Take the images that have features."""
    table = rows.table[rows.table["image_id"].isin(features.image_ids)].sort_values("image_id")
    guards = dict.fromkeys(["person", *settings.guards])
    return _Images(
        group=name_groups(table, settings.hold_out),
        person=table["person_id"].to_numpy(dtype=object),
        unit=_join_units(table, [_GUARDS[guard] for guard in guards]),
        y=table["y"].to_numpy(dtype=np.float64),
        x=features.take(table["image_id"].tolist()),
        is_class=rows.task.kind == "classes",
        method=choose_method(rows.task.kind, features.kind),
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
    images: _Images, name: str, settings: LocoSettings, n_repeats: int
) -> tuple[dict[str, object], _Pairs | None, list[dict[str, object]]]:
    """Compare in one region: its row, its pairs, and the scores of each repeat."""
    test = np.flatnonzero(images.group == name)
    row: dict[str, object] = {
        "fold": name,
        "metric": images.metric,
        "n_images": len(test),
        "n_persons": len(set(images.person[test])),
    }
    rng = np.random.default_rng([settings.seed, *name.encode()])
    plan, reason = _make_plan(images, test, settings, rng, n_repeats)
    if plan is None:
        return row | {"reason": reason}, None, []
    pairs, by_repeat = _predict_parts(images, test, plan, settings.protocol, rng)
    weights = draw_weights(images.person[test], settings.n_resamples, settings.seed, name)
    row |= {
        "n_train": int(plan.sizes.sum()),
        "n_train_positive": int(plan.sizes[1]) if images.is_class else None,
        "n_repeats": n_repeats,
    }
    everybody = np.ones((1, len(test)))
    sums, resampled = _sum_up(pairs, everybody), _sum_up(pairs, weights)
    repeats = [{"fold": name, **each} for each in by_repeat]
    return row | _judge(sums, resampled), pairs, repeats


def _make_plan(
    images: _Images,
    test: Ints,
    settings: LocoSettings,
    rng: np.random.Generator,
    n_repeats: int,
) -> tuple[_Plan | None, str]:
    """Part a region often enough; or say why it cannot be."""
    fewest = max(CORRECTED.fewest_persons, settings.protocol.fewest_persons)
    n_few = _count_fewest(images, test, images.person)
    if n_few < fewest:
        where = " of the smaller class" if images.is_class else ""
        return None, f"{name_units(n_few, 'person')}{where}: not estimable below {fewest}."
    n_parts = min(MOST_PARTS, _count_fewest(images, test, images.unit))
    if n_parts < 2:
        return None, (
            "Those of one class share a person, an article or a site: no model of the region is "
            "without them."
        )
    parted = [(r, part) for r in range(n_repeats) for part in _part(images, test, n_parts, rng)]
    tests = [part for _, part in parted]
    inside = [np.setdiff1d(test, part) for part in tests]
    others = np.setdiff1d(np.arange(len(images.y)), test)
    outside = [others[~np.isin(images.unit[others], images.unit[part])] for part in tests]
    sizes = _find_sizes(images, inside, outside)
    plan = _Plan(tests, inside, outside, [repeat for repeat, _ in parted], sizes)
    return _check_plan(images, plan)


def _check_plan(images: _Images, plan: _Plan) -> tuple[_Plan | None, str]:
    """Refuse a plan in which a model would learn from too few."""
    for pools, where in ((plan.inside, "inside"), (plan.outside, "outside")):
        few = min(_count_fewest(images, pool, images.person) for pool in pools)
        if few < FEWEST_TRAINING:
            which = " of the smaller class" if images.is_class else ""
            return None, (
                f"{name_units(few, 'person')}{which} left to learn from {where} the region: not "
                f"estimable below {FEWEST_TRAINING}."
            )
    return plan, ""


def _count_fewest(images: _Images, rows: Ints, names: NDArray) -> int:
    """Count the distinct names of the class that has fewest."""
    labels = (0, 1) if images.is_class else (0,)
    return min(len(set(names[rows][images.label[rows] == label])) for label in labels)


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
    images: _Images, test: Ints, plan: _Plan, protocol: Protocol, rng: np.random.Generator
) -> tuple[_Pairs, list[dict[str, object]]]:
    """Predict every part from both sides, and gather which pairs are ranked rightly."""
    n = len(test)
    total = _Pairs(test, *(np.zeros((n, n)) for _ in range(3)))
    by_repeat: list[dict[str, object]] = []
    last = _Pairs(test, *(np.zeros((n, n)) for _ in range(3)))
    for place, part in enumerate(plan.tests):
        values = []
        for pool in (plan.outside[place], plan.inside[place]):
            train = _draw(images, pool, plan.sizes, rng)
            values.append(_predict(images, train, part, protocol))
        where = np.searchsorted(test, part)
        _note(last, where, images.y[part], values)
        if place + 1 == len(plan.tests) or plan.repeat[place + 1] != plan.repeat[place]:
            by_repeat.append(_close_repeat(total, last, plan.repeat[place]))
    return total, by_repeat


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
    design = make_design(
        images.x[train],
        images.x[test],
        is_standardised=protocol.is_standardised,
        reduces=protocol.reduces,
    )
    fit = fit_model(design, images.y[train], images.method, is_patient=protocol.is_standardised)
    ranking = fit.chosen if protocol.ranking == "class" else fit.value
    return np.asarray(ranking, dtype=np.float64)


def _note(pairs: _Pairs, where: Ints, y: Floats, values: list[Floats]) -> None:
    """Note the pairs of a part, in place."""
    is_higher = y[:, None] > y[None, :]
    block = np.ix_(where, where)
    pairs.compared[block] += is_higher
    for value, target in zip(values, (pairs.outside, pairs.inside), strict=True):
        apart = value[:, None] - value[None, :]
        is_equal = np.abs(apart) <= ROUNDING * np.abs(value).max(initial=0.0)
        target[block] += is_higher * np.where(is_equal, 0.5, apart > 0)


def _close_repeat(total: _Pairs, last: _Pairs, repeat: int) -> dict[str, object]:
    """Add the pairs of a repeat to all, give its scores, and begin anew, in place."""
    sums = _sum_up(last, np.ones((1, len(last.rows))))
    for name in ("compared", "outside", "inside"):
        getattr(total, name).__iadd__(getattr(last, name))
        getattr(last, name)[:] = 0
    return {"repeat": repeat, **_divide_sums(sums)}


# ---- numbers


def _sum_up(pairs: _Pairs, weights: Floats) -> Floats:
    """Sum pairs by how often a resample holds both images: shape (3, n_resamples)."""
    return np.stack(
        [
            ((weights @ matrix) * weights).sum(axis=1)
            for matrix in (pairs.outside, pairs.inside, pairs.compared)
        ]
    )


def _divide_sums(sums: Floats) -> dict[str, float]:
    outside, inside, compared = sums[:, 0]
    if compared == 0:
        return {"outside": np.nan, "inside": np.nan}
    return {"outside": float(outside / compared), "inside": float(inside / compared)}


def _judge(sums: Floats, resampled: Floats) -> dict[str, object]:
    """Give both scores, their difference and its interval."""
    scores = _divide_sums(sums)
    outside, inside, compared = resampled
    differences = np.divide(
        inside - outside, compared, out=np.full(len(compared), np.nan), where=compared > 0
    )
    low, high, n_used, reason = find_interval(differences)
    return {
        **scores,
        "difference": scores["inside"] - scores["outside"],
        "low": low,
        "high": high,
        "n_used": n_used,
        "n_dropped": len(differences) - n_used,
        "reason": reason,
    }


def _pool(
    images: _Images, all_pairs: dict[str, _Pairs], settings: LocoSettings, n_repeats: int
) -> dict[str, object]:
    """Pool the pairs of all regions; each pair is of one region."""
    row: dict[str, object] = {"fold": "pooled", "metric": images.metric}
    tested = [pairs.rows for pairs in all_pairs.values()]
    where = np.concatenate([*tested, np.empty(0, dtype=np.intp)])
    row |= {"n_images": len(where), "n_persons": len(set(images.person[where]))}
    if len(all_pairs) < 2:
        few = name_units(len(all_pairs), "region")
        return row | {"reason": f"{few} can be compared: pooling needs two."}
    sums, resampled = np.zeros((3, 1)), np.zeros((3, settings.n_resamples))
    for name, pairs in all_pairs.items():
        persons = images.person[pairs.rows]
        weights = draw_weights(persons, settings.n_resamples, settings.seed, name)
        sums = sums + _sum_up(pairs, np.ones((1, len(persons))))
        resampled = resampled + _sum_up(pairs, weights)
    return row | {"n_repeats": n_repeats} | _judge(sums, resampled)
