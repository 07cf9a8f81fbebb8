"""Along a patient's days: what share of the nearest images of others is of a bad state.

Distances are those of `cxrlib.embedding.feature_space`, not on the map. A neighbour is an image of
another person and of another source (no article, no site in common), of the same view and of known
state. It describes the neighbours and forecasts nothing: near images may come from one machine or
crop.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxrlib.aliases import Floats
from cxrlib.embedding import FeatureSpace, measure_distances
from cxrlib.errors import SelectionError
from cxrlib.number_text import FEW, compute_wilson, format_units
from cxrlib.patients.similar_patients import find_person
from cxrlib.short_repr import short_repr

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

NEAREST = 20
#: The nearest of fewer than so many times k images would be most of them, whatever the image.
LEAST_POOL = 2
N_DRAWS = 2000
LEVEL = 0.95
DIGITS = 6  # of a distance; beyond them the order of summation shows


@dataclass(frozen=True)
class PathShares:
    """Hold the share of bad among the nearest images of others, by image of a patient.

    Parameters
    ----------
    patient_id, person_id : str
    table : DataFrame
        A row an X-ray of the patient, by day, then view and id, those without a day last:
        image_id, day (NaN: not recorded), view ("" where blank), state, share, low, high (95 %),
        n_bad, n_neighbours, n_persons (whose they are), reach (distance of the k-th), overall
        (share of bad among all that could have been neighbours), n_overall, n_overall_persons,
        differs ("above", "below" or "": the overall share beside the interval) and reason (why
        there is no share, "" where there is one).
    k : int
    space : FeatureSpace
    """

    patient_id: str
    person_id: str
    table: pd.DataFrame
    k: int
    space: FeatureSpace
    __repr__ = short_repr


def path_shares(
    table: pd.DataFrame,
    space: FeatureSpace,
    patient_id: str,
    *,
    k: int = NEAREST,
    bad: ArrayLike | None = None,
    known: ArrayLike | None = None,
    duplicates: pd.DataFrame | None = None,
    seed: int = 0,
) -> PathShares:
    """Find the share of bad among the k nearest images of others, for each image of a patient.

    Parameters
    ----------
    table : DataFrame
        A cohort's table, the whole one.
    space : FeatureSpace
        Of the same table, made once for all patients.
    patient_id : str
        As recorded.
    k : int, default 20
    bad, known : array-like of bool, optional
        What counts as bad, and of which images that is known, a row of `table` each. By default
        the state: bad, and good or bad.
    duplicates : DataFrame, optional
        `Cohort.duplicates`: what is one picture with one of the patient's is no neighbour. Files
        with the same content are none in any case.
    seed : int, default 0
        Of drawing persons again.

    Raises
    ------
    SelectionError
        If the table has no such patient, or k is below 1.
    """
    if k < 1:
        raise SelectionError(f"k={k!r} neighbours cannot be looked at: give 1 or more.")
    own, person = find_person(table, patient_id)
    labels = _Labels(table, space, bad, known)
    pool = _Pool(table, space, labels, person, duplicates)
    rows = table[own & table["is_xray"].to_numpy(dtype=bool)]
    found = _tabulate(rows, space, pool, k, seed)
    return PathShares(patient_id, person, found, k, space)


class _Labels:
    """Hold which images of a space are bad, and of which that is known."""

    def __init__(
        self,
        table: pd.DataFrame,
        space: FeatureSpace,
        bad: ArrayLike | None,
        known: ArrayLike | None,
    ) -> None:
        state = table["state"]
        is_bad = state.eq("bad") if bad is None else np.asarray(bad)
        is_known = state.isin(["good", "bad"]) if known is None else np.asarray(known)
        #: Rows of the table, in the order of the space.
        self.rows = pd.Index(table["image_id"]).get_indexer(pd.Index(space.table["image_id"]))
        self.known = np.asarray(is_known, dtype=bool)[self.rows]
        self.bad = np.asarray(is_bad, dtype=bool)[self.rows] & self.known


class _Pool:
    """Hold the images that can be neighbours of a person's: of others, of other sources."""

    def __init__(
        self,
        table: pd.DataFrame,
        space: FeatureSpace,
        labels: _Labels,
        person: str,
        duplicates: pd.DataFrame | None,
    ) -> None:
        persons = table["person_id"].fillna(table["patient_id"])
        is_own = persons.eq(person).to_numpy(dtype=bool)
        shares = np.zeros(len(table), dtype=bool)
        has_source = np.zeros(len(table), dtype=bool)
        for column in ("article", "source"):
            values = table[column]
            recorded = (values.notna() & values.ne("")).to_numpy(dtype=bool, na_value=False)
            has_source |= recorded
            shares |= recorded & values.isin(set(values[is_own & recorded])).to_numpy(dtype=bool)
        #: Without any record of where images come from, none is known to be of another source.
        self.has_source = bool(has_source[is_own].any())
        # A person with one image of the same source is wholly of it.
        out = is_own | ~has_source | persons.isin(set(persons[shares])).to_numpy(dtype=bool)
        out |= _mark_copies(table, is_own, duplicates)
        self.places = np.flatnonzero(~out[labels.rows] & labels.known)
        self.view = space.codes["view"][self.places]
        self.person = space.codes["person"][self.places]
        self.bad = labels.bad[self.places]


def _mark_copies(table: pd.DataFrame, is_own: Bools, duplicates: pd.DataFrame | None) -> Bools:
    """Tell which images are one picture with one of the person's."""
    copies = table["sha256"].isin(set(table["sha256"][is_own].dropna())).to_numpy(dtype=bool)
    if duplicates is None or duplicates.empty:
        return copies
    own = set(table["image_id"][is_own])
    first, second = duplicates["image_id_1"], duplicates["image_id_2"]
    alike = {*first[second.isin(own)], *second[first.isin(own)]}
    return copies | table["image_id"].isin(alike).to_numpy(dtype=bool)


def _tabulate(
    rows: pd.DataFrame, space: FeatureSpace, pool: _Pool, k: int, seed: int
) -> pd.DataFrame:
    """Make the table of a patient's X-rays."""
    found = pd.DataFrame(
        {
            "image_id": rows["image_id"].to_numpy(),
            "day": rows["offset"].astype(float).to_numpy(),
            "view": rows["view"].fillna("").to_numpy(),
            "state": rows["state"].to_numpy(),
        }
    ).sort_values(["day", "view", "image_id"], ignore_index=True)
    places = pd.Index(space.table["image_id"]).get_indexer(pd.Index(found["image_id"]))
    there = np.flatnonzero(places >= 0)
    distances = np.empty((len(found), len(pool.places)))
    distances[there] = measure_distances(space, places[there], pool.places)
    codes = space.codes["view"]
    records = [
        _Nearest(pool, distances[row], int(codes[place]), k, seed).record
        if place >= 0
        else {"reason": "the extractor has no values for it"}
        for row, place in enumerate(places)
    ]
    return pd.concat([found, pd.DataFrame([_BLANK | record for record in records])], axis=1)


_BLANK: dict[str, object] = {
    **dict.fromkeys(("share", "low", "high"), np.nan),
    **dict.fromkeys(("n_bad", "n_neighbours", "n_persons"), 0),
    **dict.fromkeys(("reach", "overall"), np.nan),
    **dict.fromkeys(("n_overall", "n_overall_persons"), 0),
    **dict.fromkeys(("differs", "reason"), ""),
}


class _Nearest:
    """Find the nearest of one image, and what share of them is bad."""

    def __init__(self, pool: _Pool, distances: Floats, view: int, k: int, seed: int) -> None:
        self.record: dict[str, object] = {}
        if view < 0:
            self.record["reason"] = "its view is not recorded"
            return
        if not pool.has_source:
            self.record["reason"] = "the source of this patient's images is not recorded"
            return
        same = np.flatnonzero(pool.view == view)
        bad, person = pool.bad[same], pool.person[same]
        self.record |= {
            "overall": bad.mean() if len(bad) else np.nan,
            "n_overall": len(bad),
            "n_overall_persons": len(np.unique(person)),
        }
        if len(same) < LEAST_POOL * k:
            self.record["reason"] = (
                f"{format_units(len(same), 'image')} of other patients and sources with this view "
                f"and a recorded state; {LEAST_POOL * k} are needed"
            )
            return
        # Equals in the order of the space, which is by person and id: no matter what order of
        # rows the table had.
        order = np.argsort(np.round(distances[same], DIGITS), kind="stable")[:k]
        near = same[order]
        self._sum_up(pool.bad[near], pool.person[near], float(distances[near[-1]]), seed)

    def _sum_up(self, bad: Bools, person: Places, reach: float, seed: int) -> None:
        n_bad, n_each = count_by_person(bad, person)
        self.record |= {
            "n_bad": int(bad.sum()),
            "n_neighbours": len(bad),
            "n_persons": len(n_each),
            "reach": round(reach, DIGITS),
        }
        if len(n_each) < FEW:
            self.record["reason"] = (
                f"the {len(bad)} nearest are of {format_units(len(n_each), 'person')}; "
                f"{FEW} are needed"
            )
            return
        low, high = estimate_interval(n_bad, n_each, seed=seed)
        overall = float(str(self.record["overall"]))
        differs = "below" if high < overall else "above" if low > overall else ""
        self.record |= {"share": bad.mean(), "low": low, "high": high, "differs": differs}


def count_by_person(bad: Bools, person: Places) -> tuple[Places, Places]:
    """Count bad images and all images of each person, in the order of their codes."""
    _, who, n_each = np.unique(person, return_inverse=True, return_counts=True)
    return np.bincount(who, weights=bad, minlength=len(n_each)).astype(np.intp), n_each


def estimate_interval(n_bad: Places, n_each: Places, *, seed: int = 0) -> tuple[float, float]:
    """Estimate the interval of a share, 95 %, from drawing its persons again.

    Drawing again never finds what none of them has: where all neighbours are good, it would give
    0 to 0. So each end is at least as far out as Wilson's interval for as many images as the
    persons are worth, (sum of images)² / sum of squares (Kish 1965), each taken as of one mind.

    Parameters
    ----------
    n_bad, n_each : ndarray of shape (n_persons,)
    seed : int
    """
    total = int(n_each.sum())
    draws = _draw_persons(len(n_each), seed)
    shares = (draws @ n_bad) / (draws @ n_each)
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    worth = total**2 / float((n_each**2).sum())
    few = compute_wilson(np.asarray(n_bad.sum() / total * worth), np.asarray(worth), level=LEVEL)
    return min(float(low), float(few[0])), max(float(high), float(few[1]))


@lru_cache(maxsize=64)
def _draw_persons(n_persons: int, seed: int) -> Floats:
    """Draw persons again, shape (N_DRAWS, n_persons): how often each comes."""
    rng = np.random.default_rng([seed, n_persons])
    return rng.multinomial(n_persons, np.full(n_persons, 1 / n_persons), size=N_DRAWS).astype(float)


# ---- words


def tabulate_shares(shares: Sequence[PathShares]) -> pd.DataFrame:
    """Join the tables of several patients, the patient's id first."""
    tables = [each.table.assign(patient_id=each.patient_id) for each in shares]
    joined = pd.concat(tables, ignore_index=True)
    return joined[["patient_id", *(name for name in joined if name != "patient_id")]]


def describe_path_shares(shares: Sequence[PathShares]) -> str:
    """Describe the shares in plain sentences: the text alternative of the chart."""
    return " ".join(sentence for each in shares for sentence in _list_sentences(each))


def _list_sentences(shares: PathShares) -> Iterator[str]:
    estimable = shares.table[shares.table["reason"] == ""]
    if estimable.empty:
        reasons = dict.fromkeys(shares.table["reason"])
        yield f"Patient {shares.patient_id}: not estimable ({'; '.join(reasons) or 'no X-ray'})."
        return
    yield (
        f"Patient {shares.patient_id}, share in the chosen state among the {shares.k} nearest "
        "images of other patients and other sources, same view:"
    )
    parts = [describe_image_share(row) for row in shares.table.to_dict("records")]
    yield "; ".join(parts) + "."
    n_apart = int(estimable["differs"].ne("").sum())
    yield (
        f"{n_apart} of {format_units(len(estimable), 'image')} "
        f"{'differs' if n_apart == 1 else 'differ'} from the share of the whole view; about 1 in "
        "20 would by chance."
    )


def describe_image_share(row: Mapping[Hashable, Any]) -> str:
    """Describe one image's share in a clause."""
    day = "no day" if np.isnan(row["day"]) else f"day {row['day']:g}"
    name = f"{day}, {row['view'] or 'view not recorded'}"
    if row["reason"]:
        return f"{name}: not estimable ({row['reason']})"
    return (
        f"{name}: {row['n_bad']} of {row['n_neighbours']} ({100 * row['share']:.0f} %, "
        f"{100 * row['low']:.0f}-{100 * row['high']:.0f}) of "
        f"{format_units(int(row['n_persons']), 'person')}; {100 * row['overall']:.0f} % of all "
        f"{row['n_overall']:,}"
    )
