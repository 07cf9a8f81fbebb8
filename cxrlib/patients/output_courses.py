"""An extractor's outputs along one patient's days, beside how much they differ within a day.

Outputs are never a probability of disease. Two images of one patient, taken on one day in one
view, differ too: by how the patient breathed and lay, by the machine, by how the picture was
published, and by what happened on that day. A change between days means little while it is not
larger than that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import NOT_RECORDED, Floats
from cxrlib.cohort import FRONTAL_VIEWS
from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import SelectionError
from cxrlib.number_text import NOTHING, format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import ExtractorInfo

#: Fewer pairs, or pairs of fewer persons, do not tell how large a difference usually is.
MIN_PAIRS, MIN_PERSONS = 10, 5
#: With fewer persons the 90th percentile is about the largest difference there is: drawing
#: persons again cannot find a larger one, so its interval has no upper end.
MIN_FOR_TOP = 20
N_RESAMPLES = 1000
#: Of very many images of one patient and day, each is paired with so many that follow it.
MOST_FOLLOWING = 50

#: How two images of one patient and day can differ in view, in words.
KINDS = {
    "same view": "same-day repeats",
    "other frontal view": "same-day frontal images in different views",
    "frontal and lateral": "same-day frontal and lateral images",
}

#: Outputs to show first, by what an extractor has: those of the paper's section 4.2, or what
#: sums up the texture measures.
_FIRST = (
    ("Lung Opacity", "Pneumonia", "Infiltration", "Consolidation"),
    ("Mean zone brightness", "Zone asymmetry"),
)
N_FIRST = 4


@dataclass(frozen=True)
class OutputCourse:
    """Hold outputs of one patient's images.

    Parameters
    ----------
    table : DataFrame
        A row an image: image_id, row, day (NaN where not recorded), view ("not recorded" where
        blank), state, state_reasons, has_values; by day and record, undated last.
    values : ndarray of shape (n_images, n_outputs)
        In the table's order; NaN where the extractor has no numbers of the image.
    outputs : tuple of str
        Names of the columns of `values`.
    info : ExtractorInfo
    """

    table: pd.DataFrame
    values: Floats
    outputs: tuple[str, ...]
    info: ExtractorInfo
    __repr__ = short_repr


@dataclass(frozen=True)
class Noise:
    """Hold how much outputs differ between two images of one patient and day.

    Parameters
    ----------
    table : DataFrame
        A row an output and kind of `KINDS`: output, kind, n_pairs, n_persons, most_pairs (of one
        person), then median and p90 (90th percentile) of the absolute difference, each with the
        ends of its 95 % interval (median_low, median_high, p90_low, p90_high), and reason, ""
        where estimable. Numbers that are not estimable are NaN: p90_high also below 20 persons,
        where the 90th percentile is about the largest difference seen.
    info : ExtractorInfo
    n_resamples, seed : int
    """

    table: pd.DataFrame
    info: ExtractorInfo
    n_resamples: int
    seed: int
    __repr__ = short_repr

    def find(self, output: str, kind: str = "same view") -> dict[str, Any]:
        """Return the row of an output and kind; raises SelectionError if there is none."""
        if (output, kind) not in self._places:
            raise SelectionError(
                f"Output {output[:60]!r} has no difference for {kind!r}: the outputs of "
                f"{self.info.label} are {', '.join(self.info.output_names)}."
            )
        return self._places[output, kind]

    @cached_property
    def _places(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Map output and kind to the row of the table."""
        names = [str(name) for name in self.table]
        rows = self.table.itertuples(index=False, name=None)
        records = (dict(zip(names, row, strict=True)) for row in rows)
        return {(row["output"], row["kind"]): row for row in records}


# ---- one patient


def choose_outputs(info: ExtractorInfo) -> tuple[str, ...]:
    """Choose the outputs to show first: those the paper uses, or what sums up the texture.

    Examples
    --------
    >>> from cxrlib.embedding.extractors.texture import TextureExtractor
    >>> choose_outputs(TextureExtractor.info)
    ('Mean zone brightness', 'Zone asymmetry')
    """
    for wanted in _FIRST:
        if set(info.output_names).issuperset(wanted):
            return wanted
    return info.output_names[:N_FIRST]


def output_course(
    rows: pd.DataFrame, embeddings: EmbeddingSet, outputs: Sequence[str] | None = None
) -> OutputCourse:
    """Collect outputs of one patient's images.

    Parameters
    ----------
    rows : DataFrame
        Rows of a cohort's table, of one patient: image_id, row, offset, view, state and
        state_reasons.
    embeddings : EmbeddingSet
        Of the cohort.
    outputs : sequence of str, optional
        Which; by default `choose_outputs`.

    Raises
    ------
    SelectionError
        If the extractor has no such output.
    """
    names = tuple(choose_outputs(embeddings.info) if outputs is None else outputs)
    columns = np.array([_find_output(name, embeddings.info) for name in names], dtype=int)
    table = _read_rows(rows)
    places = {image_id: place for place, image_id in enumerate(embeddings.image_ids)}
    found = np.array([places.get(name, -1) for name in table["image_id"]], dtype=int)
    values = np.full((len(table), len(names)), np.nan)
    values[found >= 0] = embeddings.outputs[found[found >= 0]][:, columns]
    table["has_values"] = np.isfinite(values).all(axis=1) & (found >= 0)
    values[~table["has_values"]] = np.nan
    return OutputCourse(table, values, names, embeddings.info)


def course_table(course: OutputCourse) -> pd.DataFrame:
    """Return the numbers behind a course: image_id, day, view, state and a column an output."""
    table = course.table[["image_id", "day", "view", "state"]].copy()
    for place, name in enumerate(course.outputs):
        table[f"{name} (output)" if name in table else name] = course.values[:, place]
    return table


def _find_output(name: str, info: ExtractorInfo) -> int:
    if name not in info.output_names:
        raise SelectionError(
            f"{info.label} has no output {name[:60]!r}. It has {', '.join(info.output_names)}."
        )
    return info.output_names.index(name)


def _read_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Read what a course is drawn by, in order of days and then of the record."""
    table = pd.DataFrame(
        {
            "image_id": rows["image_id"].astype("str").to_numpy(),
            "row": rows["row"].to_numpy(dtype=int),
            "day": rows["offset"].to_numpy(dtype=float, na_value=np.nan),
            "view": rows["view"].fillna(NOT_RECORDED).astype("str").to_numpy(),
            "state": rows["state"].fillna("unknown").astype("str").to_numpy(),
            "state_reasons": rows["state_reasons"].fillna("").astype("str").to_numpy(),
        }
    )
    order = np.lexsort((table["image_id"], table["row"], table["day"]))  # NaN comes last
    return table.iloc[order].reset_index(drop=True)


# ---- how much two images of one day differ


def find_kind(first: str, second: str) -> str:
    """Find the kind of `KINDS` of two views, "" if it is none of them.

    Examples
    --------
    >>> find_kind("PA", "PA"), find_kind("PA", "AP Supine"), find_kind("L", "PA")
    ('same view', 'other frontal view', 'frontal and lateral')
    """
    if NOT_RECORDED in (first, second):
        return ""
    if first == second:
        return "same view"
    n_frontal = (first in FRONTAL_VIEWS) + (second in FRONTAL_VIEWS)
    if n_frontal == 2:
        return "other frontal view"
    return "frontal and lateral" if n_frontal == 1 and "L" in (first, second) else ""


def estimate_noise(
    table: pd.DataFrame,
    embeddings: EmbeddingSet,
    *,
    duplicates: pd.DataFrame | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Noise:
    """Estimate how much outputs differ between two images of one patient and day.

    Pairs are taken within a patient id: ids that were merged into one person may count days by
    different clocks. Each person has one vote, shared by their pairs, so that one with many
    images a day does not decide; intervals come of drawing persons. What happened to the patient
    on the day is in the differences too, so that they are rather too large than too small.

    Parameters
    ----------
    table : DataFrame
        A cohort's table, the whole one: what is usual should not depend on a selection.
    embeddings : EmbeddingSet
        Of the cohort.
    duplicates : DataFrame, optional
        `Cohort.duplicates`: pairs that are one picture twice are left out. Files with the same
        content are left out in any case.
    n_resamples : int, default 1000
    seed : int, default 0

    Returns
    -------
    Noise
        "Not estimable" for kinds with under 10 pairs or 5 persons.
    """
    images = _read_dated(table, embeddings)
    first, second = _pair_days(images, duplicates)
    views = images["view"].tolist()
    kinds = np.array([find_kind(views[i], views[j]) for i, j in zip(first, second, strict=True)])
    values = embeddings.outputs[images["place"]].astype(np.float64)
    person = images["person"].to_numpy()
    rows: list[dict[str, object]] = []
    for kind in KINDS:
        own = kinds == kind
        differences = np.abs(values[first[own]] - values[second[own]])
        drawn = _Pairs(differences, person[first[own]], n_resamples, seed)
        rows += [
            {"output": name, "kind": kind, **drawn.describe(place)}
            for place, name in enumerate(embeddings.info.output_names)
        ]
    return Noise(
        table=pd.DataFrame(rows),
        info=embeddings.info,
        n_resamples=n_resamples,
        seed=seed,
    )


def _read_dated(table: pd.DataFrame, embeddings: EmbeddingSet) -> pd.DataFrame:
    """Read the X-rays that have a day, a view and finite outputs, by patient and day."""
    places = pd.Series(range(len(embeddings.image_ids)), index=list(embeddings.image_ids))
    place = table["image_id"].map(places)
    is_finite = np.isfinite(embeddings.outputs).all(axis=1)
    rows = table["is_xray"] & table["offset"].notna() & table["view"].notna() & place.notna()
    images = pd.DataFrame(
        {
            "image_id": table["image_id"],
            "patient": table["patient_id"],
            "person": table["person_id"].fillna(table["patient_id"]),
            "day": table["offset"].astype(float),
            "view": table["view"],
            "sha256": table["sha256"],
            "place": place,
        }
    )[rows].astype({"place": int})
    images = images[is_finite[images["place"]]]
    return images.sort_values(["patient", "day", "image_id"], ignore_index=True)


def _pair_days(
    images: pd.DataFrame, duplicates: pd.DataFrame | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair the images of one patient and day, except those that are one picture twice."""
    patient = pd.factorize(images["patient"])[0]
    content = pd.factorize(images["sha256"])[0]
    day = images["day"].to_numpy()
    firsts, seconds = [], []
    for apart in range(1, min(len(images), MOST_FOLLOWING + 1)):
        own = (patient[apart:] == patient[:-apart]) & (day[apart:] == day[:-apart])
        if not own.any():
            break
        own &= (content[apart:] != content[:-apart]) | (content[apart:] < 0)
        firsts.append(np.flatnonzero(own))
        seconds.append(firsts[-1] + apart)
    if not firsts:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    if duplicates is None or duplicates.empty:
        return first, second
    known = set(zip(duplicates["image_id_1"], duplicates["image_id_2"], strict=True))
    names = images["image_id"].tolist()
    is_new = np.array(
        [
            (names[i], names[j]) not in known and (names[j], names[i]) not in known
            for i, j in zip(first, second, strict=True)
        ],
        dtype=bool,
    )
    return first[is_new], second[is_new]


class _Pairs:
    """Hold the differences of one kind and how often each person was drawn."""

    def __init__(
        self, differences: Floats, person: NDArray[np.object_], n_resamples: int, seed: int
    ) -> None:
        self.differences = differences
        _, self.of_pair, self.n_each = np.unique(
            person.astype(str), return_inverse=True, return_counts=True
        )
        n_persons = len(self.n_each)
        rng = np.random.default_rng(seed)
        # One vote a person, shared by their pairs; in each resample as often as they are drawn.
        votes = (
            rng.multinomial(n_persons, np.full(n_persons, 1 / n_persons), size=n_resamples)
            if self.is_enough
            else np.zeros((0, n_persons))
        )
        self.votes = np.vstack([np.ones(n_persons), votes]) / np.maximum(self.n_each, 1)

    @property
    def is_enough(self) -> bool:
        """Tell whether there are enough pairs of enough persons."""
        return len(self.differences) >= MIN_PAIRS and len(self.n_each) >= MIN_PERSONS

    def describe(self, place: int) -> dict[str, object]:
        """Describe the differences of one output."""
        n_pairs, n_persons = len(self.differences), len(self.n_each)
        row: dict[str, object] = {
            "n_pairs": n_pairs,
            "n_persons": n_persons,
            "most_pairs": int(self.n_each.max(initial=0)),
        }
        reason = ""
        if not self.is_enough:
            there = f"{format_units(n_pairs, 'pair')} of {format_units(n_persons, 'person')}"
            there = there if n_pairs else "no pairs"
            needed = f"{MIN_PAIRS} pairs of {MIN_PERSONS} persons are needed"
            reason = f"not estimable: {there}; {needed}"
        for name, share in (("median", 0.5), ("p90", 0.9)):
            ends = self._take_quantile(place, share) if not reason else (np.nan,) * 3
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
        if n_persons < MIN_FOR_TOP:
            row["p90_high"] = np.nan
        return row | {"reason": reason}

    def _take_quantile(self, place: int, share: float) -> tuple[float, float, float]:
        """Take the smallest difference that such a share of votes does not exceed."""
        order = np.argsort(self.differences[:, place], kind="stable")
        ordered = self.differences[order, place]
        sums = np.cumsum(self.votes[:, self.of_pair[order]], axis=1)
        # A little less than the share: sums of thirds are not exact.
        found = ordered[(sums >= share * sums[:, -1:] * (1 - 1e-12)).argmax(axis=1)]
        low, high = np.quantile(found[1:], [0.025, 0.975])
        return float(found[0]), float(low), float(high)


# ---- two images


def compare_outputs(
    course: OutputCourse, first: str, second: str, noise: Noise | None = None
) -> pd.DataFrame:
    """Compare outputs of two images with what two images of one day differ by.

    One change in ten is beyond the 90th percentile though nothing changed; of several outputs
    some are soon. A change within it may be real all the same.

    Parameters
    ----------
    course : OutputCourse
    first, second : str
        Image ids of the course.
    noise : Noise, optional
        Of the same extractor.

    Returns
    -------
    DataFrame
        A row an output: output, first, second, change (second less first), kind (of `KINDS`, ""
        if the views fit none), usual (median of the absolute difference within a day), most
        (its 90th percentile), most_low, most_high, is_beyond (True, False, or missing where not
        estimable) and words.

    Raises
    ------
    SelectionError
        If an image is not of this course.
    """
    ids = course.table["image_id"].tolist()
    for image_id in (first, second):
        if image_id not in ids:
            raise SelectionError(
                f"Image {image_id[:60]!r} is not among the {format_units(len(ids), 'image')} "
                "of this "
                "patient: choose one of them."
            )
    one, two = ids.index(first), ids.index(second)
    kind = find_kind(course.table["view"].iloc[one], course.table["view"].iloc[two])
    rows = [
        _compare_output(name, course.values[one, place], course.values[two, place], kind, noise)
        for place, name in enumerate(course.outputs)
    ]
    return pd.DataFrame(rows, columns=list(_COMPARED)).astype({"is_beyond": "boolean"})


_COMPARED = (
    *("output", "first", "second", "change", "kind"),
    *("usual", "most", "most_low", "most_high", "is_beyond", "words"),
)


def _compare_output(
    name: str, first: float, second: float, kind: str, noise: Noise | None
) -> dict[str, object]:
    found = noise.find(name, kind) if noise is not None and kind else {}
    usual, most, low, high = (
        found.get(column, np.nan) for column in ("median", "p90", "p90_low", "p90_high")
    )
    change = second - first
    cells = (name, first, second, change, kind, usual, most, low, high, pd.NA, "")
    row: dict[str, object] = dict(zip(_COMPARED, cells, strict=True))
    if np.isnan(change):
        return row | {"words": "not known: one of the images has no values"}
    if np.isnan(most):
        reason = str(found.get("reason", "")) or "not estimable: no pairs"
        pairs = KINDS.get(kind, "same-day images in these views")
        return row | {"words": f"not known: differences between {pairs} are {reason}"}
    is_beyond = bool(abs(change) > most)
    ends = "few pairs" if np.isnan(high) else f"{format_value(low)} to {format_value(high)}"
    words = (
        f"{'yes' if is_beyond else 'no'}: {KINDS[kind]} differ by up to {format_value(most)} "
        f"(90th percentile; {ends})"
    )
    return row | {"is_beyond": is_beyond, "words": words}


# ---- words


def format_value(value: float) -> str:
    """Format an output with three digits, an en dash where there is none.

    Examples
    --------
    >>> format_value(-0.01234), format_value(61.27), format_value(float("nan"))
    ('−0.0123', '61.3', '–')
    """
    return NOTHING if np.isnan(value) else f"{value:.3g}".replace("-", "−")


def describe_noise(noise: Noise, output: str, kind: str = "same view") -> str:
    """Describe how much an output differs between two images of one day, from how many pairs."""
    row, start = noise.find(output, kind), KINDS[kind].capitalize()
    if row["reason"]:
        return f"Differences between {KINDS[kind]} are {row['reason']}."
    values = {name: format_value(row[name]) for name in row if name.startswith(("median", "p90"))}
    top = f"{values['p90_low']} to {values['p90_high']}"
    if np.isnan(row["p90_high"]):
        top = f"at least {values['p90_low']}; too few persons for an upper limit"
    return (
        f"{start} differ by {values['median']} ({values['median_low']} to "
        f"{values['median_high']}) at the median, 9 of 10 by up to {values['p90']} ({top}): "
        f"{row['n_pairs']} pairs of {row['n_persons']} persons, one vote per person."
    )


def describe_course(course: OutputCourse, noise: Noise | None = None) -> str:
    """Describe a course in plain sentences: the text alternative of its chart."""
    return " ".join(_list_sentences(course, noise))


def _list_sentences(course: OutputCourse, noise: Noise | None) -> Iterator[str]:
    there = course.table["has_values"].to_numpy()
    n_dated = int(course.table["day"].notna().to_numpy()[there].sum())
    yield (
        f"Outputs of {course.info.title}, not probabilities of disease: {int(there.sum())} of "
        f"{format_units(len(there), 'image')} have values, {n_dated} of these a recorded day."
    )
    for place, name in enumerate(course.outputs):
        said = [
            f"{_format_day(day)} {view} {format_value(value)}"
            for day, view, value, has in zip(
                course.table["day"],
                course.table["view"],
                course.values[:, place],
                there,
                strict=True,
            )
            if has
        ]
        if said:
            yield f"{name}: {'; '.join(said)}."
        if said and noise is not None:
            yield describe_noise(noise, name)


def _format_day(day: float) -> str:
    return "day not recorded" if np.isnan(day) else f"day {day:g}".replace("-", "−")
