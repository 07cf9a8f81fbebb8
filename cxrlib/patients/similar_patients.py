"""Find patients with a similar course: images alike on the same days, and whether that is close.

Distances are those of `cxrlib.embedding.feature_space`: standard deviations a column, without any
map.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.cohort import refuse_patient
from cxrlib.embedding import FeatureSpace, measure_distances
from cxrlib.errors import SelectionError
from cxrlib.number_text import FEW, format_units
from cxrlib.short_repr import short_repr

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

WINDOW = 3.0  # days
MIN_DAYS = 2  # of the patient and of the other: one day is no course
#: Random persons in all; there is a set of them, one for each person compared, so many times.
N_DRAWS, MOST_SETS, FEWEST_SETS = 40_000, 1000, 100
#: Of very many images of a person around one day so many on each side are looked at.
MOST_NEAR = 100
#: A nearest person is called near where the best of random ones is so in fewer sets than this.
RARE = 0.05
DIGITS = 6  # of a distance; beyond them the order of summation shows


@dataclass(frozen=True)
class Reference:
    """Hold the distances of random other persons, for "near" to mean something.

    Each person compared is replaced by a random other person of the same views, with random days
    of theirs in place of the same days; the nearest of these is kept too.

    Parameters
    ----------
    median, low, high : float
        Distances of random persons: the middle, 5 % and 95 %.
    best, best_low, best_high : float
        The nearest of as many random persons as were compared: mean, 5 % and 95 %.
    share : float
        Share of random persons as near as the nearest person found, or nearer.
    best_share : float
        Share of sets whose nearest is as near as the nearest person found, or nearer.
    n_sets : int
        Sets of random persons.
    n_persons : int
        Persons drawn from.
    """

    median: float
    low: float
    high: float
    best: float
    best_low: float
    best_high: float
    share: float
    best_share: float
    n_sets: int
    n_persons: int
    __repr__ = short_repr


@dataclass(frozen=True)
class SimilarPatients:
    """Hold the other persons whose images were most alike on the same days.

    Parameters
    ----------
    patient_id, person_id : str
    table : DataFrame
        A row a person, nearest first: rank, person_id, patient_ids (joined by ", "), distance,
        n_aligned (the patient's days with an image of that person), n_images (of theirs that
        were used), shares ("article", "site" or "": what both come from).
    distances : ndarray of shape (n_persons,)
        Of all persons compared, sorted.
    n_same_source : int
        Persons compared who share an article or a site with the patient.
    n_days : int
        The patient's days with numbers.
    reference : Reference or None
    reason : str
        Why there is no table, or no reference; "" where there are both.
    window : float
        Days.
    space : FeatureSpace
    """

    patient_id: str
    person_id: str
    table: pd.DataFrame
    distances: Floats
    n_same_source: int
    n_days: int
    reference: Reference | None
    reason: str
    window: float
    space: FeatureSpace
    __repr__ = short_repr

    @property
    def n_persons(self) -> int:
        """Count the persons compared; the table holds the nearest of them."""
        return len(self.distances)


def find_similar_patients(
    table: pd.DataFrame,
    space: FeatureSpace,
    patient_id: str,
    *,
    window: float = WINDOW,
    n_nearest: int = 10,
    other_sources: bool = False,
) -> SimilarPatients:
    """Find the other persons whose images were most alike on the same days.

    On each of the patient's days, each image is compared with a person's nearest one of the same
    view within some days; the distance is the mean over the images of a day, then over days. A
    person needs two of the patient's days, at least half of them, and two days of their own. Days
    count from symptoms in one person and from admission in another: they are taken as recorded.

    Of many persons one is always nearest. Whether that is near is told by the reference only.

    Parameters
    ----------
    table : DataFrame
        A cohort's table, the whole one.
    space : FeatureSpace
        Of the same table, made once for all patients.
    patient_id : str
        As recorded; images of the same person under other ids are no neighbours.
    window : float, default 3
        Days between two images that count as of the same day.
    n_nearest : int, default 10
        Rows of the table.
    other_sources : bool, default False
        Whether to leave out persons who share an article or a site with the patient.

    Raises
    ------
    SelectionError
        If the table has no such patient, or the window is not usable.
    """
    if not window >= 0:
        raise SelectionError(f"A window of {window!r} days cannot be used: give 0 or more.")
    _, person = find_person(table, patient_id)
    search = _Search(space, patient_id, person, window, other_sources=other_sources)
    start = SimilarPatients(
        patient_id=patient_id,
        person_id=person,
        table=search.tabulate(n_nearest),
        distances=np.sort(search.mean),
        n_same_source=sum(1 for shares in search.shares if shares),
        n_days=search.n_days,
        reference=None,
        reason=search.reason,
        window=window,
        space=space,
    )
    if start.reason:
        return start
    reference, reason = search.draw_reference()
    return replace(start, reference=reference, reason=reason)


def find_person(table: pd.DataFrame, patient_id: str) -> tuple[Bools, str]:
    """Find the rows of a patient and the id of the person; refuse one that is not there."""
    own = table["patient_id"].eq(patient_id).to_numpy(dtype=bool, na_value=False)
    if not own.any():
        raise refuse_patient(patient_id, table["patient_id"].dropna())
    return own, str(table["person_id"].fillna(table["patient_id"])[own].iloc[0])


class _Search:
    """Compare one patient's images with those of all other persons.

    Images of others come by person, view and day, as in the space; the patient's by day.
    """

    def __init__(
        self,
        space: FeatureSpace,
        patient_id: str,
        person: str,
        window: float,
        *,
        other_sources: bool,
    ) -> None:
        self.space, self.window = space, window
        codes, own_rows = space.codes, space.mark("patient", patient_id)
        usable = (codes["day"] >= 0) & (codes["view"] >= 0)
        own = np.flatnonzero(usable & own_rows)
        self.own = own[np.argsort(space.days[own], kind="stable")]
        shared = {name: _mark_shared(codes[name], own_rows) for name in ("article", "site")}
        others = usable & ~space.mark("person", person)
        others &= np.isin(codes["view"], codes["view"][own])
        if other_sources:
            alike = codes["person"][shared["article"] | shared["site"]]
            others &= ~np.isin(codes["person"], alike)
        self.others = np.flatnonzero(others)
        self.day, self.view = space.days[self.others], codes["view"][self.others]
        self.own_day, self.own_view = space.days[self.own], codes["view"][self.own]
        self.n_days = len(np.unique(self.own_day))
        #: Where each day of the patient begins, and each other person.
        self.day_starts = _find_starts(self.own_day)
        self.person = codes["person"][self.others]
        self.person_starts = _find_starts(self.person)
        n_each = np.diff([*self.person_starts, len(self.others)])
        #: Who each image of others is of, as a place in `persons`.
        self.who = np.repeat(np.arange(len(n_each)), n_each)
        self.persons = space.table["person"].to_numpy()[self.others[self.person_starts]].astype(str)
        self.distances = measure_distances(space, self.own, self.others)
        self._align()
        self._find_sources(shared)

    def count_days(self, images: Bools) -> NDArray[np.int_]:
        """Count the days of each other person that some of the images are of."""
        days = self.space.codes["day"][self.others[images]]
        n_days = 1 + int(days.max(initial=0))
        pairs = np.unique(self.who[images] * n_days + days)
        return np.bincount(pairs // n_days, minlength=len(self.persons))

    def _align(self) -> None:
        """Find the persons with images of the same views on the same days, and how far they are."""
        within = np.abs(self.own_day[:, None] - self.day[None, :]) <= self.window
        within &= self.own_view[:, None] == self.view[None, :]
        self.within = within
        self.found = np.zeros(0, dtype=np.intp)
        self.mean, self.n_aligned, self.n_images = np.zeros(0), self.found, self.found
        if not len(self.persons) or self.n_days < MIN_DAYS:
            return
        masked = np.where(within, self.distances, np.inf)
        self.nearest = np.minimum.reduceat(masked, self.person_starts, axis=1)
        mean, n_aligned = self._average(self.nearest)
        used = np.asarray(within.any(axis=0))
        enough = (n_aligned >= _count_needed(self.n_days)) & (self.count_days(used) >= MIN_DAYS)
        self.found = np.flatnonzero(enough)
        self.mean = np.round(mean[self.found], DIGITS)
        self.n_aligned = n_aligned[self.found]
        self.n_images = np.bincount(self.who[used], minlength=len(self.persons))[self.found]

    def _average(self, nearest: Floats) -> tuple[Floats, NDArray[np.int_]]:
        """Average over the images of a day that have a neighbour, then over such days.

        Parameters
        ----------
        nearest : ndarray of shape (n_own, n)
            By own image, infinite where there is no neighbour.

        Returns
        -------
        mean, n_aligned : ndarray of shape (n,)
        """
        there = np.isfinite(nearest)
        sums = np.add.reduceat(np.where(there, nearest, 0), self.day_starts, axis=0)
        counts = np.add.reduceat(there.astype(int), self.day_starts, axis=0)
        days = counts > 0
        n_aligned = days.sum(axis=0)
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=days)
        with np.errstate(invalid="ignore"):
            return means.sum(axis=0) / n_aligned, n_aligned

    def _find_sources(self, shared: dict[str, Bools]) -> None:
        """Find for each person compared what source they share with the patient."""
        person = self.space.codes["person"]
        own = self.person[self.person_starts[self.found]]
        alike = {name: np.isin(own, person[marks]) for name, marks in shared.items()}
        words = np.where(alike["article"], "article", np.where(alike["site"], "site", ""))
        self.shares = words.astype(object)

    @property
    def reason(self) -> str:
        """Describe why there is nobody to name, "" if there is."""
        if not len(self.own):
            return "not estimable: no image of this patient has values, a day and a view"
        if self.n_days < MIN_DAYS:
            return "not estimable: all images are of one recorded day, and a course needs two"
        if not len(self.found):
            return (
                "not estimable: no other patient has images of the same views within "
                f"{self.window:g} days of at least {_count_needed(self.n_days)} of the "
                f"{self.n_days} days"
            )
        return ""

    def tabulate(self, n_nearest: int) -> pd.DataFrame:
        """List the nearest persons; equals by id."""
        persons = self.persons[self.found]
        order = np.lexsort((persons, self.mean))[:n_nearest]
        table = self.space.table
        rows = table.loc[table["person"].isin(persons[order]), ["person", "patient"]]
        patients: dict[str, set[str]] = {name: set() for name in persons[order]}
        for name, patient in rows.itertuples(index=False, name=None):
            patients[name].add(patient)
        ids = [", ".join(sorted(patients[name])) for name in persons[order]]
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(order) + 1),
                "person_id": pd.array(persons[order], dtype="str"),
                "patient_ids": pd.array(ids, dtype="str"),
                "distance": self.mean[order],
                "n_aligned": self.n_aligned[order],
                "n_images": self.n_images[order],
                "shares": pd.array(self.shares[order], dtype="str"),
            }
        )

    # ---- random persons

    def draw_reference(self) -> tuple[Reference | None, str]:
        """Draw sets of random persons, one for each person compared.

        Each stands for the person of their place: on the same of the patient's days, in the same
        views. What is random is who it is and which of their days.
        """
        pools = _Pools(self)
        patterns, which = self._list_patterns()
        n_pool = min(len(pools.list_persons(pattern)) for pattern in patterns)
        if n_pool < FEW:
            return None, (
                f"not estimable: {format_units(n_pool, 'other patient')} with two days in the same "
                f"views; {FEW} are needed"
            )
        n_sets = int(np.clip(N_DRAWS // len(self.found), FEWEST_SETS, MOST_SETS))
        rng = np.random.default_rng(0)
        drawn = np.empty((n_sets, len(self.found)))
        near = self._spread_window()
        for place, pattern in enumerate(patterns):
            columns = np.flatnonzero(which == place)
            chosen = pools.draw(pattern, n_sets * len(columns), rng)
            distances = np.full((len(pattern), chosen.shape[1]), np.inf)
            distances[pattern] = near[np.flatnonzero(pattern)[:, None], chosen]
            drawn[:, columns] = self._average(distances)[0].reshape(n_sets, len(columns))
        return _sum_up(np.round(drawn, DIGITS), float(self.mean.min()), n_pool), ""

    def _list_patterns(self) -> tuple[list[Bools], Places]:
        """List which of the patient's images have a neighbour, and whose pattern is which."""
        there = np.isfinite(self.nearest[:, self.found])
        patterns, which = np.unique(there, axis=1, return_inverse=True)
        return list(patterns.T), which.ravel()

    def _spread_window(self) -> Floats:
        """Take, for each image of others, the least distance within the window around it.

        So a random day of a person stands for the same day: with the images of that view that lie
        within the window.
        """
        near = self.distances.copy()
        for apart in range(1, min(len(self.day), MOST_NEAR + 1)):
            alike = (
                (self.person[apart:] == self.person[:-apart])
                & (self.view[apart:] == self.view[:-apart])
                & (self.day[apart:] - self.day[:-apart] <= self.window)
            )
            later = np.flatnonzero(alike) + apart
            if not len(later):
                break
            earlier = later - apart
            near[:, earlier] = np.minimum(near[:, earlier], self.distances[:, later])
            near[:, later] = np.minimum(near[:, later], self.distances[:, earlier])
        return near


def _sum_up(drawn: Floats, nearest: float, n_pool: int) -> Reference:
    """Sum up the distances of random persons, (n_sets, n_persons)."""
    best = drawn.min(axis=1)
    low, median, high = np.quantile(drawn, [0.05, 0.5, 0.95])
    best_low, best_high = np.quantile(best, [0.05, 0.95])
    return Reference(
        median=float(median),
        low=float(low),
        high=float(high),
        best=float(best.mean()),
        best_low=float(best_low),
        best_high=float(best_high),
        share=float((drawn <= nearest).mean()),
        # The one found counts as a draw: so the share is never 0 (Phipson and Smyth 2010).
        best_share=float((1 + (best <= nearest).sum()) / (1 + len(drawn))),
        n_sets=len(drawn),
        n_persons=n_pool,
    )


class _Pools:
    """Hold who can stand for whom: persons with two days, by the views they have."""

    def __init__(self, search: _Search) -> None:
        views = np.unique(search.own_view)
        #: Number of images by person and view, and where they begin: they lie side by side.
        self.n_images = np.zeros((len(search.persons), len(views)), dtype=np.intp)
        np.add.at(self.n_images, (search.who, np.searchsorted(views, search.view)), 1)
        sums = np.cumsum(self.n_images.ravel())
        self.starts = (sums - self.n_images.ravel()).reshape(self.n_images.shape)
        everything = np.ones(len(search.others), dtype=bool)
        self.has_days = search.count_days(everything) >= MIN_DAYS
        self.own_view = np.searchsorted(views, search.own_view)
        #: Images of one day and view are set against the same day of a person.
        groups = np.stack([search.own_day, self.own_view])
        self.group = np.unique(groups, axis=1, return_inverse=True)[1].ravel()

    def list_persons(self, pattern: Bools) -> Places:
        """List the persons who have all views of the images of a pattern."""
        needed = np.unique(self.own_view[pattern])
        return np.flatnonzero(self.has_days & (self.n_images[:, needed] > 0).all(axis=1))

    def draw(self, pattern: Bools, n: int, rng: np.random.Generator) -> Places:
        """Draw persons and days: images of others beside those of a pattern, (n_own, n)."""
        pool = self.list_persons(pattern)
        person = pool[rng.integers(len(pool), size=n)]
        groups, group = np.unique(self.group[pattern], return_inverse=True)
        share = rng.random((len(groups), n))[group]
        views = self.own_view[pattern][:, None]
        return self.starts[person, views] + (share * self.n_images[person, views]).astype(np.intp)


def _mark_shared(codes: Places, own: Bools) -> Bools:
    """Tell which images have a value that one of the patient's has."""
    return (codes >= 0) & np.isin(codes, codes[own])


def _find_starts(values: np.ndarray) -> Places:
    """Find where runs of equal values begin."""
    if not len(values):
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))


def _count_needed(n_days: int) -> int:
    return max(MIN_DAYS, -(-n_days // 2))


# ---- words


def describe_similar_patients(courses: SimilarPatients) -> str:
    """Describe who is most similar and whether that is a notable match, in plain sentences."""
    return " ".join(_list_sentences(courses))


def _list_sentences(courses: SimilarPatients) -> Iterator[str]:
    if courses.table.empty:
        yield f"Similar patients: {courses.reason}."
        return
    first = courses.table.iloc[0]
    noun = "patients" if ", " in first["patient_ids"] else "patient"
    yield (
        f"Most similar of {format_units(courses.n_persons, 'other patient')}: {noun} "
        f"{first['patient_ids']} (mean image distance {first['distance']:.2f} SD, "
        f"{first['n_aligned']} of {courses.n_days} days matched)."
    )
    if courses.reference is None:
        yield f"Whether that is close is {courses.reason}."
    else:
        yield from _compare_random(courses.reference, courses.n_persons)
    if courses.n_same_source:
        too = " (also the most similar one)" if first["shares"] else ""
        yield (
            f"{courses.n_same_source} of the {courses.n_persons}{too} share an article or site "
            "with this patient, which alone makes images alike."
        )


def _compare_random(found: Reference, n_persons: int) -> Iterator[str]:
    """Tell whether the nearest is more than the best of many."""
    share = f"{100 * found.best_share:.0f} %" if found.best_share >= 0.01 else "under 1 %"
    judged = "a closer match than usual" if found.best_share < RARE else "not a notable match"
    yield (
        f"The nearest of {n_persons} random patients is as close in {share} of draws: {judged} "
        f"(mean {found.best:.2f} SD; 9 of 10 draws {found.best_low:.2f} to {found.best_high:.2f})."
    )
    yield (
        f"A random patient with the same views: {found.median:.2f} SD (9 of 10 {found.low:.2f} to "
        f"{found.high:.2f})."
    )


def list_notes(courses: SimilarPatients) -> tuple[str, ...]:
    """List what a reader of the table should know, in full sentences."""
    space = courses.space
    notes = [
        f"Distances are between {'outputs' if space.features == 'outputs' else 'embeddings'} of "
        f"{space.info.title}, not on the map. They are standardised over the "
        f"{format_units(len(space.table), 'X-ray')} of the cohort that have them: 1 SD is one "
        "standard deviation per column.",
        f"An image is compared with the nearest one of the same view within {courses.window:g} "
        "days. Days are taken as recorded: from symptom onset in one patient, from admission in "
        "another.",
        "Patients matched on few days are more often among the nearest, and among the farthest; "
        "the random patients have as many days. Of 100 patients, about 5 would find a match "
        "“a closer match than usual” by chance.",
    ]
    if "untrained" in space.info.note:
        notes.append("The network is untrained (a control), so distances mean little.")
    if space.n_constant:
        notes.append(f"{format_units(space.n_constant, 'column')} without variation left out.")
    return tuple(notes)
