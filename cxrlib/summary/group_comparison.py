"""Comparison of two groups: counts, differences and their intervals.

Prefer few questions chosen beforehand: of many differences some exclude zero by chance. Groups of
a collection from publications differ first of all in who published them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.html_repr import format_html
from cxrlib.number_text import FEW, format_units
from cxrlib.selection import Selection, find_reasons, get_filter, select
from cxrlib.short_repr import short_repr
from cxrlib.summary.measures import VARIABLES, Measure, explain_sources, list_measures
from cxrlib.summary.missingness import RECORDED_COLUMNS
from cxrlib.summary.units import NO, YES, Units, read_images, take_units

N_RESAMPLES = 1000
# Resamples in which a group is empty say nothing of the difference.
MOST_EMPTY = 0.05

# Kinds of filters that no image has one value of.
_WITHOUT_VALUES = {"range": "is a range of numbers", "flags": "leaves out flagged images"}

Masks = tuple[pd.Series, pd.Series]


@dataclass(frozen=True)
class Comparison:
    """Hold the comparison of two groups.

    Parameters
    ----------
    table : DataFrame
        A row a number: variable, title, value, kind ("median", "mean" or "share"), of the first and
        the second group its count, denominator and share or median (``first_n``,
        ``first_of``, ``first``; ``first_persons`` are those behind the denominator, patients
        where persons are not known), then
        ``difference`` (first less second; shares as parts of 1, ages in years), the ends of its
        interval ``low`` and ``high``, and ``reason``: why there is none, or what is wrong
        with it, "" otherwise. Of a median the count is the denominator; one of fewer than
        `cxrlib.number_text.FEW` is missing, as in every table.
    first, second : str
        Names of the groups.
    n_first, n_second : int
        Units of each.
    unit : str
    n_resamples, seed : int
    notes : tuple of str
        What a reader should know, in full sentences.
    """

    table: pd.DataFrame
    first: str
    second: str
    n_first: int
    n_second: int
    unit: str
    n_resamples: int
    seed: int
    notes: tuple[str, ...]
    __repr__ = short_repr

    def _repr_html_(self) -> str:
        heading = (
            f"{self.first} ({format_units(self.n_first, self.unit)}) vs "
            f"{self.second} ({format_units(self.n_second, self.unit)})"
        )
        return format_html(heading, self.table, notes=self.notes)


# ---- which images are in which group


def split_by_selection(cohort: Cohort, selection: Selection) -> Masks:
    """Part the X-rays into those of a selection and the rest.

    Raises
    ------
    SelectionError
        If the selection cannot be applied.
    """
    chosen = cohort.table["image_id"].isin(select(cohort, selection).table["image_id"])
    return chosen, cohort.table["is_xray"] & ~chosen


def split_by_column(cohort: Cohort, name: str, first: str, second: str) -> Masks:
    """Take the X-rays with one value of a filter, and those with another.

    Parameters
    ----------
    cohort : Cohort
    name : str
        One of `cxrlib.selection.FILTERS` that has values, such as "view" or "region".
    first, second : str

    Raises
    ------
    SelectionError
        If there is no such filter, or it is a range or leaves out by flags.
    """
    kind = get_filter(name).kind
    if kind in _WITHOUT_VALUES:
        raise SelectionError(
            f"{name!r} {_WITHOUT_VALUES[kind]}. Compare the filtered images with the rest instead."
        )
    kept = [find_reasons(cohort, name, (value,)).isna() for value in (first, second)]
    xrays = cohort.table["is_xray"]
    return kept[0] & xrays, kept[1] & xrays


# ---- comparing


def compare_groups(
    cohort: Cohort,
    first: pd.Series,
    second: pd.Series | None = None,
    *,
    names: tuple[str, str] = ("selection", "rest"),
    unit: str = "patient",
    variables: tuple[str, ...] = tuple(VARIABLES),
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two groups of images, their patients or their persons.

    Parameters
    ----------
    cohort : Cohort
    first, second : Series of bool
        On the index of the cohort's table; without a second group the rest is taken. Only
        X-rays are counted. A patient with images in both groups is in both.
    names : tuple of (str, str)
    unit : {"image", "patient", "person"}, default "patient"
    variables : tuple of str
        Of `cxrlib.summary.measures.VARIABLES`.
    n_resamples : int, default 1000
        Persons (patients, where persons are not known) are drawn with replacement so often;
        an interval holds the middle 95 % of the differences.
    seed : int, default 0
        Same seed, same intervals.

    Returns
    -------
    Comparison

    Raises
    ------
    SelectionError
        If a mask does not fit the table, or an image is in both groups.
    """
    groups = _mark_groups(cohort, first, second)
    units = take_units(cohort, unit, groups)
    measures = list_measures(cohort, units, variables)
    weights = _draw_weights(units.person, n_resamples, seed)
    rows = [_compare_share(units, measure, weights) for measure in measures]
    if "age" in variables:
        rows.insert(0, _compare_ages(units, weights))
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    n_first, n_second = (int((units.group == side).sum()) for side in (0, 1))
    sources = explain_sources(cohort, variables)
    return Comparison(
        table=table,
        first=names[0],
        second=names[1],
        n_first=n_first,
        n_second=n_second,
        unit=unit,
        n_resamples=n_resamples,
        seed=seed,
        notes=tuple(_list_notes(units, unit, names, table, sources=sources)),
    )


def compare_numbers(
    cohort: Cohort,
    first: pd.Series,
    second: pd.Series | None,
    numbers: pd.DataFrame,
    *,
    names: tuple[str, str] = ("selection", "rest"),
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare the means of numbers of two groups of images; the unit is the image.

    Parameters
    ----------
    cohort, first, second, names, n_resamples, seed
        As in `compare_groups`.
    numbers : DataFrame of float
        A row an image, on the index of the cohort's table; a column a number, NaN where an image
        has none. Of fewer than `cxrlib.number_text.FEW` images no mean is given.

    Returns
    -------
    Comparison

    Raises
    ------
    SelectionError
        If a mask does not fit the table, or an image is in both groups.
    """
    units = take_units(cohort, "image", _mark_groups(cohort, first, second))
    weights = _draw_weights(units.person, n_resamples, seed)
    rows = read_images(cohort).table.index[units.images[np.argsort(units.of_image)]]
    table = pd.DataFrame(
        [
            _compare_means(units, str(name), values.to_numpy(dtype=float), weights)
            for name, values in numbers.loc[rows].items()
        ],
        columns=list(_COLUMNS),
    )
    n_first, n_second = (int((units.group == side).sum()) for side in (0, 1))
    notes = tuple(_list_notes(units, "image", names, table))
    return Comparison(table, *names, n_first, n_second, "image", n_resamples, seed, notes)


def compare_recorded(cohort: Cohort, outcome: str, *, unit: str = "patient") -> Comparison:
    """Compare those with a recorded outcome with those without, by age, view and source.

    Parameters
    ----------
    cohort : Cohort
    outcome : str
        A yes/no column of the cohort's table, such as "survival". Recorded is yes or no.
    unit
        As in `compare_groups`. A patient or person with the outcome on any image has it.

    Raises
    ------
    SelectionError
        If there is no such column.
    """
    images = read_images(cohort)
    if outcome not in images.codes or outcome not in RECORDED_COLUMNS:
        known = [name for name in RECORDED_COLUMNS if name in images.codes]
        raise SelectionError(f"There is no outcome {outcome[:60]!r}. There are {', '.join(known)}.")
    is_recorded = np.isin(images.codes[outcome], (YES, NO))
    everybody = take_units(cohort, unit, np.zeros(len(images.table), dtype=int))
    of_unit = everybody.have_any(is_recorded)
    marks = pd.Series(False, index=cohort.table.index)
    marks[images.table.index] = of_unit[everybody.of_image]
    title = RECORDED_COLUMNS[outcome]
    return compare_groups(
        cohort,
        marks,
        names=(f"{title} recorded", f"{title} not recorded"),
        unit=unit,
        variables=("age", "sex", "view", "region", "source", "covid"),
    )


def _mark_groups(cohort: Cohort, first: pd.Series, second: pd.Series | None) -> np.ndarray:
    """Give each X-ray 0 or 1 for its group, -1 where it is in none."""
    index = cohort.table.index
    second = ~first.astype(bool) if second is None else second
    for mask in (first, second):
        if not mask.index.equals(index) or mask.isna().any():
            raise SelectionError(
                f"A group has {len(mask)} values for {len(index)} images, or some are missing: it "
                "needs True or False for each row of the cohort's table."
            )
    rows = read_images(cohort).table.index
    is_first, is_second = (mask[rows].to_numpy(dtype=bool) for mask in (first, second))
    n_both = int((is_first & is_second).sum())
    if n_both:
        raise SelectionError(
            f"{format_units(n_both, 'image')} would be in both groups. Choose groups that "
            "share none."
        )
    return np.where(is_first, 0, np.where(is_second, 1, -1))


# ---- resampling persons


@dataclass(frozen=True)
class _Weights:
    """Hold how often each person was drawn: (n_resamples, n_persons), and whose each unit is."""

    drawn: np.ndarray
    of_unit: np.ndarray

    def add_up(self, marks: np.ndarray) -> np.ndarray:
        """Count the marked units in each resample."""
        n_persons = self.drawn.shape[1]
        return self.drawn @ np.bincount(self.of_unit[marks], minlength=n_persons)


def _draw_weights(person: np.ndarray, n_resamples: int, seed: int) -> _Weights:
    """Draw persons with replacement."""
    names, of_unit = np.unique(person, return_inverse=True)
    size = (n_resamples, len(names))
    if not len(names):
        return _Weights(np.zeros(size, dtype=int), of_unit)
    drawn = np.random.default_rng(seed).integers(len(names), size=size)
    places = drawn + len(names) * np.arange(n_resamples)[:, None]
    counts = np.bincount(places.ravel(), minlength=n_resamples * len(names))
    return _Weights(counts.reshape(size), of_unit)


_COLUMNS = (
    *("variable", "title", "value", "kind"),
    *("first_n", "first_of", "first_persons", "first"),
    *("second_n", "second_of", "second_persons", "second"),
    *("difference", "low", "high", "reason"),
)


def _compare_share(units: Units, measure: Measure, weights: _Weights) -> dict[str, object]:
    """Compare a share of two groups."""
    row: dict[str, object] = {
        "variable": measure.variable,
        "title": measure.title,
        "value": measure.value,
        "kind": "share",
    }
    shares, resampled, persons = [], [], []
    for side, name in enumerate(("first", "second")):
        known = measure.is_known & (units.group == side)
        yes = known & measure.is_yes
        n_yes, n_of = int(yes.sum()), int(known.sum())
        shares.append(n_yes / n_of if n_of else np.nan)
        persons.append(len(np.unique(units.person[known])))
        row |= {f"{name}_n": n_yes, f"{name}_of": n_of, f"{name}_persons": persons[-1]}
        row[name] = shares[-1]
        resampled.append(_divide(weights.add_up(yes), weights.add_up(known)))
    reason = (
        "negatives not recorded" if measure.is_one_sided else _find_reason(persons, units.owner)
    )
    return row | _judge(shares, resampled, reason)


def _compare_means(
    units: Units, name: str, values: np.ndarray, weights: _Weights
) -> dict[str, object]:
    """Compare the mean of a number of two groups."""
    row: dict[str, object] = {"variable": name, "title": name, "value": "mean", "kind": "mean"}
    means, resampled, persons = [], [], []
    n_persons = weights.drawn.shape[1]
    for side, group in enumerate(("first", "second")):
        known = ~np.isnan(values) & (units.group == side)
        n_known = int(known.sum())
        means.append(float(values[known].mean()) if n_known >= FEW else np.nan)
        persons.append(len(np.unique(units.person[known])))
        row |= {f"{group}_n": n_known, f"{group}_of": n_known, group: means[-1]}
        row[f"{group}_persons"] = persons[-1]
        sums = np.bincount(weights.of_unit[known], weights=values[known], minlength=n_persons)
        resampled.append(_divide(weights.drawn @ sums, weights.add_up(known)))
    return row | _judge(means, resampled, _find_reason(persons, units.owner))


def _compare_ages(units: Units, weights: _Weights) -> dict[str, object]:
    """Compare the median age of two groups."""
    row: dict[str, object] = {
        "variable": "age",
        "title": VARIABLES["age"],
        "value": "median",
        "kind": "median",
    }
    age, medians, resampled, persons = units.numbers["age"], [], [], []
    for side, name in enumerate(("first", "second")):
        known = np.flatnonzero(~np.isnan(age) & (units.group == side))
        medians.append(float(np.median(age[known])) if len(known) >= FEW else np.nan)
        persons.append(len(np.unique(units.person[known])))
        row |= {f"{name}_n": len(known), f"{name}_of": len(known), name: medians[-1]}
        row[f"{name}_persons"] = persons[-1]
        order = known[np.argsort(age[known], kind="stable")]
        resampled.append(_take_medians(age[order], weights.drawn[:, weights.of_unit[order]]))
    return row | _judge(medians, resampled, _find_reason(persons, units.owner))


def _take_medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Take the median of sorted values that count as often as each row of weights says."""
    if not len(values):
        return np.full(len(weights), np.nan)
    sums = np.cumsum(weights, axis=1)
    half = sums[:, -1:] / 2
    lower, upper = (sums >= half).argmax(axis=1), (sums > half).argmax(axis=1)
    return np.where(sums[:, -1] > 0, (values[lower] + values[upper]) / 2, np.nan)


def _find_reason(persons: list[int], owner: str) -> str:
    """Find why a difference has no interval, "" if it has one."""
    fewest = min(persons)
    if fewest >= FEW:
        return ""
    return f"not estimable: {format_units(fewest, owner)} in one group, at least {FEW} needed"


def _judge(both: list[float], resampled: list[np.ndarray], reason: str) -> dict[str, object]:
    """Give the difference and its interval, unless there is a reason against it."""
    row = {"difference": both[0] - both[1], "low": np.nan, "high": np.nan, "reason": reason}
    differences = resampled[0] - resampled[1]
    if reason or not len(differences):
        return row
    if np.isnan(differences).mean() > MOST_EMPTY:
        return row | {"reason": "not estimable: one group is empty in many bootstrap samples"}
    row["low"], row["high"] = np.nanquantile(differences, [0.025, 0.975])
    stiff = [values for values in resampled if np.nanmin(values) == np.nanmax(values)]
    if stiff:
        row["reason"] = "one group does not vary, so the interval is too narrow"
    return row


def _divide(counts: np.ndarray, of: np.ndarray) -> np.ndarray:
    return np.divide(counts, of, out=np.full(len(of), np.nan), where=of > 0)


# ---- what to know


def _list_notes(
    units: Units, unit: str, names: tuple[str, str], table: pd.DataFrame, *, sources: str = ""
) -> Iterator[str]:
    n_first, n_second = (int((units.group == side).sum()) for side in (0, 1))
    yield (
        f"{names[0]}: {format_units(n_first, unit)}. {names[1]}: {format_units(n_second, unit)}. "
        "95 % intervals, bootstrap over patients."
    )
    n_both = len(np.intersect1d(units.person[units.group == 0], units.person[units.group == 1]))
    if n_both:
        yield f"{format_units(n_both, units.owner)} with images in both groups; resampled together."
    if (table["kind"] == "share").any():
        yield "Percentages are of recorded answers."
    if sources:
        yield sources
    n_compared = int(table["low"].notna().sum())
    if n_compared > 1:
        yield (
            f"Of {n_compared} intervals about {n_compared / 20:.1f} exclude 0 by chance alone. A "
            "difference is not a cause: groups also differ in where and why they were published."
        )
