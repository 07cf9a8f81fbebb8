"""Colours of the points of a map: by state, by a column, or by an extractor's output."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import STATE_TITLES, UNKNOWN, XRAY_VIEWS, YES_NO_CATEGORIES
from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr

#: More colours than this are not told apart; the rest is "other".
MAX_CATEGORIES = 8
#: So many numbers or more, and the scale leaves out the outermost 2 % at either end.
MANY = 50
#: Prefix of the name of an extractor's output.
OUTPUT = "output "
#: Names of earlier versions, which links and commands may still hold.
FORMER_COLOURINGS: Mapping[str, str] = {
    "ever in the ICU": "in ICU during the illness",
    "in the ICU": "in ICU at time of image",
    "ever intubated": "intubated during the illness",
    "tube in place": "intubated at time of image",
    "several ids": "ids of the patient",
}


@dataclass(frozen=True)
class _Column:
    """Hold a column that points can be coloured by.

    Parameters
    ----------
    name : str
        As on screen and in the address.
    column : str
        Of the table.
    kind : {"category", "number"}
    order : tuple of str
        Values that come first, in this order.
    unit : str
        Of a number.
    palette : str
        Values of one palette have a colour of their own; "" gives colours by rank.
    """

    name: str
    column: str
    kind: Literal["category", "number"] = "category"
    order: tuple[str, ...] = ()
    unit: str = ""
    palette: str = ""


_ANSWERS = tuple(YES_NO_CATEGORIES)
#: Names as on screen, which are in the address as well.
_COLUMNS: Mapping[str, _Column] = {
    each.name: each
    for each in (
        _Column("view", "view", order=tuple(XRAY_VIEWS)),
        _Column("region", "region", palette="region"),
        _Column("sub-region", "sub_region"),
        _Column("country", "country"),
        _Column("source", "source"),
        _Column("finding", "finding"),
        _Column("finding type", "finding_type"),
        _Column("sex", "sex", order=("F", "M")),
        _Column("age", "age", "number", unit="years"),
        _Column("day", "offset", "number", unit="days"),
        _Column("survival", "survival", order=_ANSWERS),
        _Column("in ICU during the illness", "went_icu", order=_ANSWERS),
        _Column("in ICU at time of image", "in_icu", order=_ANSWERS),
        _Column("intubated during the illness", "intubated", order=_ANSWERS),
        _Column("intubated at time of image", "intubation_present", order=_ANSWERS),
        _Column("RT-PCR", "RT_PCR_positive", order=_ANSWERS),
        _Column("extent score", "geographic_mean", "number"),
        _Column("opacity score", "opacity_mean", "number"),
        _Column("licence", "license"),
        _Column("ids of the patient", "person_id", order=("one id", "several ids")),
    )
}


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class Colouring:
    """Hold a value a point.

    Parameters
    ----------
    by : str
        Name, as in the address.
    label : str
        Shown on screen, with the unit.
    kind : {"state", "category", "number"}
    codes : ndarray of int, shape (n_points,)
        Place of each point's category in `names`; -1 where none is recorded. All 0 or -1 for
        a number.
    values : ndarray of float, shape (n_points,)
        Of a number; NaN where none is recorded. Empty otherwise.
    names : tuple of str
        Categories in the order of the legend. The last may be "other (5 values)".
    keys : tuple of str
        What decides each category's colour: "region Europe", "rank 0" or "other".
    limits : tuple of float
        Ends of a number's scale.
    is_clipped : tuple of bool
        Whether there are numbers below and above the scale.
    """

    by: str
    label: str
    kind: Literal["state", "category", "number"]
    codes: NDArray[np.int64]
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    limits: tuple[float, float] = (0.0, 1.0)
    is_clipped: tuple[bool, bool] = (False, False)
    __repr__ = short_repr

    @property
    def n_points(self) -> int:
        """Count the points."""
        return len(self.codes)

    @property
    def n_missing(self) -> int:
        """Count the points without a value."""
        return int((self.codes < 0).sum())

    @property
    def counts(self) -> tuple[int, ...]:
        """Count the points of each category."""
        known = self.codes[self.codes >= 0]
        return tuple(np.bincount(known, minlength=len(self.names)).tolist())

    def take(self, rows: NDArray[np.bool_]) -> "Colouring":
        """Keep some points; the categories, their colours and the scale stay."""
        values = self.values[rows] if len(self.values) else self.values
        return replace(self, codes=self.codes[rows], values=values)


def list_colourings(points: pd.DataFrame, embeddings: EmbeddingSet | None = None) -> list[str]:
    """List what points can be coloured by: state, then columns with two values or more.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`; columns that it lacks are passed over.
    embeddings : EmbeddingSet, optional
        Of an extractor, whose outputs come last.
    """
    names = ["state"]
    for name, which in _COLUMNS.items():
        if which.column in points and len(_distinct(points, which)) > 1:
            names.append(name)
    if embeddings is not None:
        names += [f"{OUTPUT}{name}" for name in embeddings.info.output_names]
    return names


def _distinct(points: pd.DataFrame, which: _Column) -> set[object]:
    """Return the values of a column, without blank ones."""
    if which.column == "person_id":
        return set(_read_ids(points))
    values = set(points[which.column].dropna().unique())
    return values - {NOT_RECORDED, UNKNOWN, ""}


def colour_points(
    points: pd.DataFrame, by: str = "state", *, embeddings: EmbeddingSet | None = None
) -> Colouring:
    """Read the values that points are coloured by.

    Colours are given by the points passed here: pass all points of a map and `Colouring.take`
    those that filters keep, so that no colour changes its meaning under a filter.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`.
    by : str
        One of `list_colourings`, or one of `FORMER_COLOURINGS`.
    embeddings : EmbeddingSet, optional
        For outputs.

    Returns
    -------
    Colouring

    Raises
    ------
    SelectionError
        If there is no such column or output.
    """
    by = FORMER_COLOURINGS.get(by, by)
    if by == "state":
        return _colour_by_state(points)
    if by.startswith(OUTPUT) and embeddings is not None:
        return _colour_by_output(points, by, embeddings)
    which = _COLUMNS.get(by)
    if which is None or which.column not in points:
        known = ", ".join(map(repr, list_colourings(points, embeddings)))
        raise SelectionError(f"Points cannot be coloured by {by[:60]!r}. Choose one of {known}.")
    if which.kind == "number":
        numbers = points[which.column].to_numpy(dtype=np.float64, na_value=np.nan)
        return _colour_by_number(by, ", ".join(filter(None, (by, which.unit))), numbers)
    return _colour_by_category(points, which)


def _colour_by_state(points: pd.DataFrame) -> Colouring:
    codes = np.full(len(points), -1, dtype=np.int64)
    for place, state in enumerate(STATE_TITLES):
        codes[points["state"].eq(state).to_numpy(dtype=bool, na_value=False)] = place
    titles = tuple(STATE_TITLES.values())
    return Colouring("state", "state", "state", codes, names=titles, keys=tuple(STATE_TITLES))


def _colour_by_output(points: pd.DataFrame, by: str, embeddings: EmbeddingSet) -> Colouring:
    """Look an output up by image: embeddings may hold more images, in another order."""
    name, info = by.removeprefix(OUTPUT), embeddings.info
    if name not in info.output_names:
        raise SelectionError(
            f"{info.label} has no output {name[:60]!r}. It has {', '.join(info.output_names)}."
        )
    column = embeddings.outputs[:, info.output_names.index(name)]
    found = dict(zip(embeddings.image_ids, column.tolist(), strict=True))
    numbers = np.array([found.get(image, np.nan) for image in points["image_id"]], dtype=np.float64)
    return _colour_by_number(by, f"output {name} of {info.title}", numbers)


def _colour_by_number(by: str, label: str, numbers: NDArray[np.float64]) -> Colouring:
    """Scale numbers from end to end, without the outermost where they are many."""
    known = numbers[np.isfinite(numbers)]
    values = np.where(np.isfinite(numbers), numbers, np.nan)
    codes = np.where(np.isfinite(numbers), 0, -1).astype(np.int64)
    if not len(known):
        return Colouring(by, label, "number", codes, values)
    low, high = known.min(), known.max()
    if len(known) >= MANY:
        inner_low, inner_high = np.quantile(known, [0.02, 0.98])
        if inner_low < inner_high:
            low, high = inner_low, inner_high
    if low == high:
        high = low + 1.0
    clipped = (bool((known < low).any()), bool((known > high).any()))
    limits = (float(low), float(high))
    return Colouring(by, label, "number", codes, values, limits=limits, is_clipped=clipped)


def _colour_by_category(points: pd.DataFrame, which: _Column) -> Colouring:
    """Give the most frequent values a colour each, the others one together."""
    is_person = which.column == "person_id"
    texts = _read_ids(points) if is_person else _read_texts(points[which.column])
    counts = Counter(text for text in texts if text is not None)
    by_count = sorted(counts, key=lambda name: (-counts[name], name))
    shown = by_count if len(by_count) <= MAX_CATEGORIES else by_count[: MAX_CATEGORIES - 1]
    rest = len(by_count) - len(shown)
    shown = sorted(shown, key=_rank(which, by_count))
    places = {name: place for place, name in enumerate(shown)}
    codes = [-1 if text is None else places.get(text, len(shown)) for text in texts]
    keys = [f"{which.palette} {name}" if which.palette else f"rank {place}"
            for place, name in enumerate(shown)]  # fmt: skip
    names = list(shown)
    if rest:
        names.append(f"other ({rest} values)")
        keys.append("other")
    return Colouring(
        which.name,
        which.name,
        "category",
        np.array(codes, dtype=np.int64),
        names=tuple(names),
        keys=tuple(keys),
    )


def _rank(which: _Column, by_count: Sequence[str]) -> Callable[[str], tuple[int, int, str]]:
    """Put values in the order that readers expect, then by count; regions by name."""
    frequent = {name: place for place, name in enumerate(by_count)}

    def rank(name: str) -> tuple[int, int, str]:
        if which.palette:
            return (0, 0, name)
        if name in which.order:
            return (0, which.order.index(name), name)
        return (1, frequent[name], name)

    return rank


def _read_texts(column: pd.Series) -> list[str | None]:
    """Read a column as texts, None where it is blank."""
    cells = column.astype(object)
    is_blank = cells.isna() | cells.isin([NOT_RECORDED, UNKNOWN, ""])
    return [None if none else str(cell) for cell, none in zip(cells, is_blank, strict=True)]


def _read_ids(points: pd.DataFrame) -> list[str | None]:
    """Tell for each image whether its patient has more than one id."""
    n_ids = points.groupby("person_id")["patient_id"].nunique()
    several = points["person_id"].map(n_ids).gt(1)
    return ["several ids" if each else "one id" for each in several.to_numpy(dtype=bool)]
