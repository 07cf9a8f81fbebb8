"""Trajectories: how one patient's images follow each other over the map, day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, zip_longest
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import PAPER_PATIENTS, has_paper_patients, refuse_patient
from cxrlib.maps.projection import Projection
from cxrlib.number_text import format_units

#: Columns of the table that ``map`` exports, in this order.
TABLE_COLUMNS = ("image_id", "patient_id", "person_id", "offset", "view", "state", "x", "y")


@dataclass(frozen=True)
class MappedImage:
    """Hold one image at its place on the map, with its state and the reasons for it."""

    image_id: str
    x: float
    y: float
    view: str
    state: str
    reasons: str = ""


@dataclass(frozen=True)
class Stop:
    """Hold one day of a patient: the mean of that day's images.

    Images of one day have no known order, so the path goes through their mean and the images
    hang on it.

    Parameters
    ----------
    day : float
        The recorded offset: days since symptoms or since admission; the collection mixes both.
    x, y : float
        Mean position of the day's images, in map units.
    state : str
        "bad" if any image of the day is bad, else "good" if any is good, else "unknown".
    images : tuple of MappedImage
        The day's images, in the order of the table, which is not an order in time.
    """

    day: float
    x: float
    y: float
    state: str
    images: tuple[MappedImage, ...]

    @property
    def reasons(self) -> str:
        """Join the reasons of the day's images in its state, as an image's."""
        each = [image.reasons for image in self.images if image.state == self.state]
        return "; ".join(dict.fromkeys("; ".join(filter(None, each)).split("; ")))


@dataclass(frozen=True)
class Step:
    """Hold the way from one dated day to the next.

    Parameters
    ----------
    tail, head : Stop
        The day it leaves and the day it leads to.
    """

    tail: Stop
    head: Stop

    @property
    def gap(self) -> float:
        """Count the days between."""
        return self.head.day - self.tail.day

    @property
    def length(self) -> float:
        """Give the distance on the map, in map units. Comparable within one map only."""
        return float(np.hypot(self.head.x - self.tail.x, self.head.y - self.tail.y))

    @property
    def state(self) -> str:
        """Give the state of the day it leads to."""
        return self.head.state


@dataclass(frozen=True)
class Trajectory:
    """Hold one patient's way over the map.

    Parameters
    ----------
    patient_id : str
        The patient as recorded; two ids can be one person.
    person_id : str
        The derived person.
    survival : str
        "yes", "no", "unclear" or "not recorded": undated, for the whole illness.
    stops : tuple of Stop
        Days in rising order. One day makes a stop and no step.
    steps : tuple of Step
        From each stop to the next.
    undated : tuple of MappedImage
        Images on the map whose day is not recorded: no place in the order is guessed.
    not_on_map : tuple of str
        Image ids of this patient that the map does not show (other views, no file).
    """

    patient_id: str
    person_id: str
    survival: str
    stops: tuple[Stop, ...]
    steps: tuple[Step, ...]
    undated: tuple[MappedImage, ...]
    not_on_map: tuple[str, ...]

    @property
    def n_images(self) -> int:
        """Count the patient's images on the map, dated or not."""
        return sum(len(stop.images) for stop in self.stops) + len(self.undated)

    @property
    def length(self) -> float:
        """Give the length of the whole path, in map units."""
        return float(sum(step.length for step in self.steps))


def map_points(table: pd.DataFrame, projection: Projection) -> pd.DataFrame:
    """Return the rows of a cohort table that are on the map, with their coordinates.

    Parameters
    ----------
    table : DataFrame
        A cohort's table, or a selection of its rows.
    projection : Projection
        Anything with ``image_ids`` and ``coordinates`` of shape (n_images, 2).

    Returns
    -------
    DataFrame
        All columns of the table and ``x`` and ``y``, in the order of the table.
    """
    coordinates = np.asarray(projection.coordinates, dtype=np.float64).reshape(-1, 2)
    rows = {image_id: row for row, image_id in enumerate(projection.image_ids)}
    found = np.array([rows.get(image_id, -1) for image_id in table["image_id"]], dtype=int)
    x, y = coordinates[found[found >= 0]].T
    return table[found >= 0].assign(x=x, y=y).reset_index(drop=True)


def list_patients(points: pd.DataFrame) -> list[str]:
    """List patient ids: those with most dated days on the map first, then by id.

    Parameters
    ----------
    points : DataFrame
        Result of `map_points`, or a selection of its rows.
    """
    days = points.dropna(subset=["offset"]).groupby("patient_id")["offset"].nunique()
    ids = pd.Index(points["patient_id"].unique())
    order = pd.DataFrame({"id": ids, "days": days.reindex(ids).fillna(0).to_numpy()})
    return [str(i) for i in order.sort_values(["days", "id"], ascending=[False, True])["id"]]


def mark_icu_or_intubated(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the images taken in the ICU or while intubated, shape (n_images,).

    Not recorded is not a no: it is only not counted here.
    """
    icu, intubated = (table[name].eq("yes") for name in ("in_icu", "intubation_present"))
    return (icu | intubated).to_numpy(dtype=bool, na_value=False)


def compute_trajectory(table: pd.DataFrame, projection: Projection, patient_id: str) -> Trajectory:
    """Compute one patient's way over the map.

    Days are taken as recorded: counted from symptoms in one patient and from admission in
    another, and 5 also stands for "a few days". Distances between patients' days mean little.

    Parameters
    ----------
    table : DataFrame
        A cohort's table with image_id, patient_id, person_id, offset, view, state, state_reasons
        and survival.
    projection : Projection
        The map.
    patient_id : str
        The patient as recorded.

    Returns
    -------
    Trajectory
        Without stops where no image of the patient on the map has a recorded day.

    Raises
    ------
    SelectionError
        Where the table has no such patient.
    """
    return compute_trajectories(table, projection, [patient_id])[0]


def compute_trajectories(
    table: pd.DataFrame, projection: Projection, patient_ids: Sequence[str]
) -> list[Trajectory]:
    """Compute the ways of some patients, as `compute_trajectory` does each.

    Raises
    ------
    SelectionError
        Where the table lacks one of them.
    """
    wanted = table["patient_id"].isin(list(patient_ids)).to_numpy(dtype=bool)
    # Few columns, taken once: each of the others would cost as much.
    rows = table.loc[wanted, list(_Row._fields)]
    by_patient: dict[str, list[_Row]] = {}
    for values in rows.itertuples(index=False, name=None):
        row = _Row(*values)
        by_patient.setdefault(row.patient_id, []).append(row)
    for patient_id in patient_ids:
        if patient_id not in by_patient:
            known = table["patient_id"].dropna()
            raise refuse_patient(patient_id, known, of="this selection")
    x, y = np.asarray(projection.coordinates, dtype=np.float64).reshape(-1, 2).T.tolist()
    places = dict(zip(projection.image_ids, zip(x, y, strict=True), strict=True))
    return [_join_days(by_patient[patient_id], places) for patient_id in patient_ids]


class _Row(NamedTuple):
    """Hold what a trajectory is made of: an image's cells of a cohort's table."""

    image_id: str
    patient_id: str
    person_id: Any
    offset: Any
    view: Any
    state: str
    survival: str
    state_reasons: str


def _join_days(rows: Sequence[_Row], places: Mapping[str, tuple[float, float]]) -> Trajectory:
    """Build the trajectory of one patient's rows, some of which have a place on the map."""
    first = rows[0]
    stops, undated = _split_days([row for row in rows if row.image_id in places], places)
    return Trajectory(
        patient_id=str(first.patient_id),
        person_id=str(first.patient_id if pd.isna(first.person_id) else first.person_id),
        survival=str(first.survival),
        stops=stops,
        steps=tuple(Step(tail, head) for tail, head in pairwise(stops)),
        undated=undated,
        not_on_map=tuple(row.image_id for row in rows if row.image_id not in places),
    )


def _persons(table: pd.DataFrame) -> pd.Series:
    """Return the person of each row: the patient as recorded where none was derived."""
    return table["person_id"].fillna(table["patient_id"])


def _split_days(
    rows: Sequence[_Row], places: Mapping[str, tuple[float, float]]
) -> tuple[tuple[Stop, ...], tuple[MappedImage, ...]]:
    """Group one patient's images by recorded day; those without a day come apart."""
    days: dict[float, list[MappedImage]] = {}
    undated = []
    for row in rows:
        x, y = places[row.image_id]
        view = NOT_RECORDED if pd.isna(row.view) else str(row.view)
        image = MappedImage(str(row.image_id), x, y, view, str(row.state), str(row.state_reasons))
        if pd.isna(row.offset):
            undated.append(image)
        else:
            days.setdefault(float(row.offset), []).append(image)
    return tuple(_stop(day, days[day]) for day in sorted(days)), tuple(undated)


def _stop(day: float, images: Sequence[MappedImage]) -> Stop:
    """Join the images of one day."""
    states = {image.state for image in images}
    state = next((name for name in ("bad", "good") if name in states), "unknown")
    x, y = (float(np.mean([getattr(image, axis) for image in images])) for axis in "xy")
    return Stop(day, x, y, state, tuple(images))


@dataclass(frozen=True)
class MapCounts:
    """Hold the counts of a map's headline; patients are as recorded, persons derived."""

    n_images: int
    n_patients: int
    n_persons: int
    n_icu_or_intubated: int
    n_bad: int
    n_good: int
    n_unknown: int
    n_overlap: int


def count_map(points: pd.DataFrame) -> MapCounts:
    """Count what is on the map.

    Parameters
    ----------
    points : DataFrame
        Result of `map_points`, or a selection of its rows.
    """
    states = points["state"].value_counts()
    return MapCounts(
        n_images=len(points),
        n_patients=int(points["patient_id"].nunique()),
        n_persons=int(_persons(points).nunique()),
        n_icu_or_intubated=int(mark_icu_or_intubated(points).sum()),
        n_bad=int(states.get("bad", 0)),
        n_good=int(states.get("good", 0)),
        n_unknown=int(states.get("unknown", 0)),
        n_overlap=int(points["state_overlap"].sum()),
    )


def describe_counts(counts: MapCounts) -> str:
    """Describe the counts in one sentence, as the headline of the map; the states add up.

    Examples
    --------
    >>> describe_counts(MapCounts(312, 118, 118, 58, 61, 111, 140, 8))
    '312 images of 118 patients: 61 in ICU or intubated (3 of them only as the last image before \
death); 111 not in ICU, not intubated; 140 not recorded.'
    """
    patients = format_units(counts.n_patients, "patient")
    if counts.n_persons != counts.n_patients:
        patients += f" ({format_units(counts.n_persons, 'person')})"
    n_last = counts.n_bad - counts.n_icu_or_intubated
    last = f" ({n_last:,} of them only as the last image before death)" if n_last else ""
    return (
        f"{format_units(counts.n_images, 'image')} of {patients}: {counts.n_bad:,} in ICU or "
        f"intubated{last}; {counts.n_good:,} not in ICU, not intubated; {counts.n_unknown:,} not "
        "recorded."
    )


def find_story(
    table: pd.DataFrame, projection: Projection, *, planted: Mapping[str, Any] | None = None
) -> tuple[str, ...]:
    """Return the patients a map opens on.

    A synthetic cohort names its own; the real collection opens on the patients of Figure 3;
    any other cohort on two that contrast (`suggest_patients`).

    Parameters
    ----------
    table : DataFrame
        A cohort's table.
    projection : Projection
        The map.
    planted : mapping, optional
        What was planted in a synthetic cohort; its ``["story"]["patients"]`` are used where
        they are texts and all on the map. The file may hold anything.
    """
    on_map = map_points(table[["image_id", "patient_id"]], projection)
    wanted = find_planted_patients(planted or {})
    if wanted and set(on_map["patient_id"]).issuperset(wanted):
        return wanted
    if has_paper_patients(on_map):
        return tuple(PAPER_PATIENTS)
    return suggest_patients(table, projection)


def find_planted_patients(planted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the patients of a planted story, none where it has another shape."""
    story = planted.get("story")
    patients = story.get("patients") if isinstance(story, Mapping) else None
    if not isinstance(patients, list) or not all(isinstance(each, str) for each in patients):
        return ()
    return tuple(patients)


def suggest_patients(table: pd.DataFrame, projection: Projection, n: int = 2) -> tuple[str, ...]:
    """Suggest patients that contrast: in turn one who got worse and one who recovered.

    Worse is a patient with a bad day who died or whose last day is bad; recovered, one whose
    last day is not bad and who survived or was last in a good state. Those with the most dated
    days come first, then the longest path; ties go by the id, so the order of rows changes
    nothing. One id a person.

    Parameters
    ----------
    table : DataFrame
        A cohort's table.
    projection : Projection
        The map.
    n : int, default 2
        How many at most.

    Returns
    -------
    tuple of str
        Fewer than ``n`` where fewer patients have two dated days on the map.
    """
    dated = map_points(table[list(_Row._fields)], projection).dropna(subset="offset")
    several = dated[dated.groupby("patient_id")["offset"].transform("nunique") > 1]
    ways = compute_trajectories(several, projection, several["patient_id"].unique().tolist())
    ways.sort(key=lambda way: (-len(way.stops), -round(way.length, 6), way.patient_id))
    worse = [way for way in ways if _got_worse(way)]
    recovered = [way for way in ways if not _got_worse(way) and _recovered(way)]
    in_turn = chain.from_iterable(zip_longest(worse, recovered))
    undecided = (way for way in ways if not _got_worse(way) and not _recovered(way))
    chosen: dict[str, str] = {}  # person -> patient
    for way in chain(filter(None, in_turn), undecided):
        if len(chosen) < n:
            chosen.setdefault(way.person_id, way.patient_id)
    return tuple(chosen.values())


def _got_worse(way: Trajectory) -> bool:
    """Tell whether a patient reached a bad state and did not come out of it."""
    reached = any(stop.state == "bad" for stop in way.stops)
    return reached and (way.survival == "no" or way.stops[-1].state == "bad")


def _recovered(way: Trajectory) -> bool:
    """Tell whether a patient is last seen well; not bad at the end is asked for as well."""
    last = way.stops[-1].state
    return last != "bad" and (last == "good" or way.survival == "yes")
