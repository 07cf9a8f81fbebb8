"""Trajectories of patients over the map, on tables small enough to check by hand."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import PAPER_PATIENTS, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.maps import (
    compute_trajectories,
    compute_trajectory,
    count_map,
    describe_counts,
    find_story,
    list_patients,
    map_points,
)
from cxrlib.maps.trajectories import mark_icu_or_intubated, suggest_patients

ROWS = [
    # image, patient, person, offset, view, state, in_icu, intubation_present, survival, overlap
    ("a1", "A", "A", 0, "PA", "good", "no", "no", "no", False),
    ("a2", "A", "A", 4, "AP", "bad", "yes", "not recorded", "no", True),
    ("a3", "A", "A", 4, "AP", "good", "no", "no", "no", False),
    ("a4", "A", "A", 9, "AP Supine", "bad", "not recorded", "not recorded", "no", False),
    ("a5", "A", "A", None, "AP", "unknown", "not recorded", "not recorded", "no", False),
    ("a6", "A", "A", 2, "L", "unknown", "not recorded", "not recorded", "no", False),
    ("b1", "B", "B", 3, "PA", "bad", "not recorded", "yes", "yes", False),
    ("b2", "B", "B", 12, "PA", "good", "no", "no", "yes", False),
    ("c1", "C", "C", 5, "PA", "unknown", "not recorded", "not recorded", "not recorded", False),
    ("d1", "D", "D", None, "PA", "unknown", "not recorded", "not recorded", "yes", False),
    ("d2", "D", "D", None, "PA", "unknown", "not recorded", "not recorded", "yes", False),
]
COLUMNS = [
    "image_id", "patient_id", "person_id", "offset", "view", "state",
    "in_icu", "intubation_present", "survival", "state_overlap",
]  # fmt: skip
PLACES = {
    "a1": (0, 0), "a2": (2, 4), "a3": (4, 4), "a4": (3, 0), "a5": (9, 9),
    "b1": (1, 1), "b2": (1, 6), "c1": (7, 7), "d1": (8, 0), "d2": (8, 1),
}  # fmt: skip


@pytest.fixture
def table():
    """Give eleven images of four patients; lateral a6 is not on the map."""
    table = pd.DataFrame(ROWS, columns=COLUMNS)
    table["offset"] = table["offset"].astype("Float64")
    table["state_reasons"] = ""
    for name in ("in_icu", "intubation_present", "survival"):
        table[name] = pd.Categorical(table[name], ["yes", "no", "unclear", "not recorded"])
    return table


@pytest.fixture
def projection():
    """Give the places of ten of the images, in an order unlike that of the table."""
    ids = sorted(PLACES, reverse=True)
    return SimpleNamespace(
        image_ids=tuple(ids),
        coordinates=np.array([PLACES[each] for each in ids], dtype=np.float32),
    )


def test_path_goes_through_the_mean_of_a_day(table, projection):
    """Put day 4 of patient A halfway between its two images, and hang both on it."""
    way = compute_trajectory(table, projection, "A")
    assert [stop.day for stop in way.stops] == [0, 4, 9]
    assert (way.stops[1].x, way.stops[1].y) == (3, 4)
    assert [image.image_id for image in way.stops[1].images] == ["a2", "a3"]


def test_steps_carry_days_length_and_state_of_the_head(table, projection):
    """Give each step its days, gap, length and the state it leads to."""
    first, second = compute_trajectory(table, projection, "A").steps
    assert (first.tail.day, first.head.day, first.gap) == (0, 4, 4)
    assert first.length == pytest.approx(5.0)
    assert first.state == "bad", "a day with one bad image is bad"
    assert (second.gap, second.length, second.state) == (5, pytest.approx(4.0), "bad")
    assert (second.tail.x, second.tail.y, second.head.x, second.head.y) == (3, 4, 3, 0)


def test_steps_follow_from_the_stops(table, projection):
    """A step is its two stops and nothing besides: the days and steps of a path fit."""
    way = compute_trajectory(table, projection, "A")
    assert [(step.tail, step.head) for step in way.steps] == list(pairwise(way.stops))


def test_images_without_a_day_are_listed_not_ordered(table, projection):
    """Keep undated images and images off the map apart, and count them."""
    way = compute_trajectory(table, projection, "A")
    assert [image.image_id for image in way.undated] == ["a5"]
    assert way.not_on_map == ("a6",)
    assert way.n_images == 5
    assert way.length == pytest.approx(9.0)


def test_one_day_is_a_stop_and_no_step(table, projection):
    """Give a patient with one dated image a stop, no step."""
    way = compute_trajectory(table, projection, "C")
    assert len(way.stops) == 1
    assert way.steps == ()


def test_no_dated_day_gives_no_stop(table, projection):
    """Give a patient without recorded days no stop, and both images as undated."""
    way = compute_trajectory(table, projection, "D")
    assert way.stops == ()
    assert len(way.undated) == 2


def test_row_order_changes_only_the_order_within_a_day(table, projection):
    """Give the same stops and steps for rows in any order."""
    there = compute_trajectory(table, projection, "A")
    back = compute_trajectory(table.iloc[::-1], projection, "A")
    for one, other in zip(there.stops, back.stops, strict=True):
        assert (one.day, one.x, one.y, one.state) == (other.day, other.x, other.y, other.state)
        assert set(one.images) == set(other.images)
    assert [step.length for step in there.steps] == [step.length for step in back.steps]


def test_unknown_patient_is_named(table, projection):
    """Name the patient that does not exist, and say what to do."""
    with pytest.raises(SelectionError, match="'Z' is not among"):
        compute_trajectory(table, projection, "Z")


def test_patients_together_are_those_one_by_one(table, projection):
    """Give each patient's way in the order asked for; one that is not there is named."""
    asked = ["D", "A", "C"]
    together = compute_trajectories(table, projection, asked)
    assert together == [compute_trajectory(table, projection, patient) for patient in asked]
    assert compute_trajectories(table, projection, []) == []
    with pytest.raises(SelectionError, match="'Z' is not among the 4 patients"):
        compute_trajectories(table, projection, ["A", "Z"])


def test_a_person_not_derived_is_the_patient(table, projection):
    """Take the patient as recorded where the images were not compared."""
    table["person_id"] = None
    assert compute_trajectory(table, projection, "B").person_id == "B"


def test_patients_are_listed_by_their_dated_days(table, projection):
    """List most distinct days on the map first, then by id; no day counts as none."""
    points = map_points(table, projection)
    assert list_patients(points) == ["A", "B", "C", "D"]
    assert list_patients(points[points["patient_id"] != "A"][::-1]) == ["B", "C", "D"]
    assert list_patients(points[points["offset"].isna()]) == ["A", "D"]


def test_map_points_follow_the_table(table, projection):
    """Join coordinates by image id whatever the order of either side."""
    points = map_points(table, projection)
    assert list(points["image_id"]) == [row[0] for row in ROWS if row[0] != "a6"]
    for row in points.itertuples():
        assert (row.x, row.y) == PLACES[row.image_id]


def test_icu_or_tube_leaves_deaths_out(table, projection):
    """Use images in the ICU or with a tube; a death alone, the third bad image, is not one."""
    points = map_points(table, projection)
    chosen = mark_icu_or_intubated(points)
    assert points.loc[chosen, ["x", "y"]].to_numpy().tolist() == [[2, 4], [1, 1]]
    assert points["state"].eq("bad").sum() == 3


def test_counts_and_their_sentence(table, projection):
    """Count images, patients, persons, states and overlaps on the map."""
    counts = count_map(map_points(table.assign(person_id="one"), projection))
    assert (counts.n_images, counts.n_patients, counts.n_persons) == (10, 4, 1)
    assert (counts.n_bad, counts.n_good, counts.n_unknown) == (3, 3, 4)
    assert (counts.n_icu_or_intubated, counts.n_overlap) == (2, 1)
    said = describe_counts(counts)
    assert said.startswith("10 images of 4 patients (1 person): 3 in ICU or intubated (1 of")
    assert "1 of them only as the last image before death" in said
    assert counts.n_bad + counts.n_good + counts.n_unknown == counts.n_images


def test_empty_map_is_counted(table, projection):
    """Count nothing on an empty selection, without an error."""
    assert count_map(map_points(table.iloc[:0], projection)).n_images == 0


def test_suggests_two_who_contrast(table, projection):
    """Suggest A, who died, and B, who recovered."""
    assert suggest_patients(table, projection) == ("A", "B")
    assert suggest_patients(table.sample(frac=1, random_state=0), projection) == ("A", "B")


def test_suggests_fewer_where_fewer_have_two_days(table, projection):
    """Suggest only patients with two dated days, and one id a person."""
    assert suggest_patients(table, projection, 4) == ("A", "B")
    assert suggest_patients(table.assign(person_id="one"), projection) == ("A",)
    assert suggest_patients(table[table["patient_id"] == "D"], projection) == ()


def test_story_prefers_the_planted_patients(table, projection):
    """Open on the planted patients where they are on the map, else on a suggestion."""
    planted = {"story": {"patients": ["B", "C"]}}
    assert find_story(table, projection, planted=planted) == ("B", "C")
    assert find_story(table, projection, planted={"story": {"patients": ["gone"]}}) == ("A", "B")


@pytest.mark.parametrize(
    "story",
    [
        *([], None, 3, "B", {}),
        *({"patients": wrong} for wrong in (3, None, "B", {"B": 1}, [["B"]], [None], [{}], [12])),
    ],
)
def test_story_of_another_shape_is_passed_over(table, projection, story):
    """Suggest patients where planted.json says something else than texts in a list."""
    assert find_story(table, projection, planted={"story": story}) == ("A", "B")


def test_story_knows_the_paper_by_its_files(table, projection):
    """Open on Figure 3's patients only where their files are there, not by number alone."""
    numbers = {"A": "178", "B": "205", "C": "332"}
    renamed = table.assign(patient_id=table["patient_id"].replace(numbers))
    assert find_story(renamed, projection) == ("178", "205")
    files = {"a1": PAPER_PATIENTS["178"], "b1": PAPER_PATIENTS["205"], "c1": PAPER_PATIENTS["332"]}
    renamed["image_id"] = renamed["image_id"].replace(files)
    projection.image_ids = tuple(files.get(each, each) for each in projection.image_ids)
    assert find_story(renamed, projection) == ("178", "205", "332")


@pytest.fixture(scope="module")
def real(real_root):
    """Give the usable frontal images of the real collection, at places of no meaning."""
    cohort = load_cohort(real_root, inspect_images=False).select_xrays().select_with_file()
    table = cohort.select_frontal().select_usable_finding().table
    places = np.random.default_rng(0).normal(size=(len(table), 2))
    return table, SimpleNamespace(image_ids=tuple(table["image_id"]), coordinates=places)


def test_real_collection_opens_on_figure_3(real):
    """Open on patients 178, 205 and 332, with the days the collection records."""
    table, places = real
    assert find_story(table, places) == ("178", "205", "332")
    ways = [compute_trajectory(table, places, each) for each in ("178", "205", "332")]
    assert [[stop.day for stop in way.stops] for way in ways] == [
        [0, 1, 2, 3],
        [1, 6, 11, 13, 20, 24, 28],
        [0, 6, 12],
    ]
    assert [way.survival for way in ways] == ["no", "yes", "yes"]
    assert len(ways[0].stops[0].images) == 2, "two images of day 0, in no known order"


def test_real_collection_counts(real):
    """Find images of both states' reasons, and suggest two people that contrast."""
    table, places = real
    counts = count_map(map_points(table, places))
    assert counts.n_images == counts.n_bad + counts.n_good + counts.n_unknown == 686
    assert counts.n_persons == counts.n_patients, "persons are not derived without the images"
    assert 0 < counts.n_icu_or_intubated < counts.n_bad
    worse, better = (compute_trajectory(table, places, p) for p in suggest_patients(table, places))
    assert worse.survival == "no" or worse.stops[-1].state == "bad"
    assert better.stops[-1].state != "bad"
