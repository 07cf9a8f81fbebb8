"""Persons whose courses are near: the right ones, and "near" only where it means something."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from cxrlib.embedding import lay_out_feature_space, measure_distances
from cxrlib.errors import SelectionError
from cxrlib.patients import describe_similar_patients, find_similar_patients, list_notes
from cxrlib.patients.similar_patients import _sum_up
from tests.course_tables import find_similar, make_embeddings, make_table

VIEWS = ("PA", "AP", "L")


def make_cohort(n_persons=40, per_person=4, *, seed=0, views=("PA",), n_outputs=5, spread=0.0):
    """Make persons with random images on random days; `spread` makes a person's images alike."""
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for person in range(n_persons):
        own = spread * rng.normal(size=n_outputs)
        for k in range(per_person):
            day = None if rng.random() < 0.05 else float(rng.integers(0, 9))
            rows.append((f"i{person}-{k}", f"p{person}", day, str(rng.choice(views))))
            values.append(own + rng.normal(size=n_outputs))
    return make_table(rows), make_embeddings([row[0] for row in rows], np.array(values))


def slow_courses(table, embeddings, patient_id, window):
    """Find mean distances, aligned days and images person by person, image by image."""
    values = embeddings.outputs.astype(np.float64)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    vectors = dict(zip(embeddings.image_ids, scaled, strict=True))
    rows = [row for row in table.to_dict("records") if row["image_id"] in vectors]
    dated = [row for row in rows if not pd.isna(row["offset"])]
    own = [row for row in dated if row["patient_id"] == patient_id]
    person = next(row["person_id"] for row in rows if row["patient_id"] == patient_id)
    days = sorted({row["offset"] for row in own})
    found = {}
    for other in sorted({row["person_id"] for row in dated} - {person}):
        theirs = [row for row in dated if row["person_id"] == other]
        means, used = [], set()
        for day in days:
            of_day = []
            for mine in (row for row in own if row["offset"] == day):
                near = [
                    row
                    for row in theirs
                    if row["view"] == mine["view"] and abs(row["offset"] - day) <= window
                ]
                used |= {(row["image_id"], row["offset"]) for row in near}
                gaps = [
                    np.sqrt(np.mean((vectors[mine["image_id"]] - vectors[row["image_id"]]) ** 2))
                    for row in near
                ]
                of_day += [min(gaps)] if gaps else []
            means += [np.mean(of_day)] if of_day else []
        enough = len(means) >= 2 and len(means) >= len(days) / 2
        if enough and len({day for _, day in used}) >= 2:
            found[other] = (np.mean(means), len(means), len(used))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("window", [0.0, 1.0, 3.0])
def test_distances_agree_with_a_slow_reference(seed, window):
    """Several views, days without a record, several images a day, ids of one person."""
    table, embeddings = make_cohort(25, 6, seed=seed, views=VIEWS)
    table.loc[table["patient_id"].isin(["p3", "p4"]), "person_id"] = "p3"
    for patient in ("p0", "p3", "p7"):
        courses = find_similar(table, embeddings, patient, window=window, n_nearest=99)
        expected = slow_courses(table, embeddings, patient, window)
        found = courses.table.set_index("person_id")
        assert set(found.index) == set(expected)
        assert courses.n_persons == len(expected)
        for person, (distance, n_aligned, n_images) in expected.items():
            row = found.loc[person]
            assert row["distance"] == pytest.approx(distance, abs=2e-6)
            assert (row["n_aligned"], row["n_images"]) == (n_aligned, n_images)
        assert courses.table["distance"].is_monotonic_increasing


def slow_reference(table, embeddings, patient_id, window, n_draws, seed):
    """Draw random persons and days one by one, for a patient with one image a day of one view."""
    space = lay_out_feature_space(table, embeddings)
    rng = np.random.default_rng(seed)
    days, persons = space.days, space.table["person"].tolist()
    everything = np.arange(len(days))
    distances = measure_distances(space, everything, everything)
    own = [i for i in everything if space.table["patient"][i] == patient_id]
    others = [
        [i for i in everything if persons[i] == name and not np.isnan(days[i])]
        for name in sorted(set(persons) - {patient_id})
    ]
    draws = []
    for _ in range(n_draws):
        theirs = others[rng.integers(len(others))]
        gaps = []
        for place in own:
            middle = days[theirs[rng.integers(len(theirs))]]
            gaps.append(min(distances[place, i] for i in theirs if abs(days[i] - middle) <= window))
        draws.append(np.mean(gaps))
    return np.array(draws)


def test_reference_agrees_with_draws_one_by_one():
    """The middle and both ends, for a patient of whom all days have a neighbour."""
    table, embeddings = make_cohort(30, 5, seed=3, spread=1.0)
    own = table["patient_id"] == "p0"
    table.loc[own, "offset"] = [0.0, 2.0, 4.0, 6.0, 8.0]
    table.loc[~own, "offset"] = [float(2 * (i % 5)) for i in range(int((~own).sum()))]
    courses = find_similar(table, embeddings, "p0", window=2)
    draws = slow_reference(table, embeddings, "p0", 2, 2900, 0)
    found = courses.reference
    assert (courses.table["n_aligned"] == 5).all()
    assert found.n_persons == 29
    assert found.median == pytest.approx(np.median(draws), rel=0.03)
    assert [found.low, found.high] == pytest.approx(np.quantile(draws, [0.05, 0.95]), rel=0.05)
    sets = draws.reshape(100, 29).min(axis=1)
    assert found.best == pytest.approx(sets.mean(), rel=0.03)


@pytest.mark.parametrize("spread", [0.0, 1.5])
def test_the_best_of_many_is_not_called_near(spread):
    """Random numbers, and persons alike within themselves: about one in twenty looks near."""
    table, embeddings = make_cohort(120, 4, seed=1, spread=spread)
    space = lay_out_feature_space(table, embeddings)
    shares, single = [], []
    for person in range(0, 120, 2):
        courses = find_similar_patients(table, space, f"p{person}")
        if courses.reference is not None:
            shares.append(courses.reference.best_share)
            single.append(courses.reference.share)
    shares = np.array(shares)
    assert len(shares) > 50
    assert (shares < 0.05).mean() <= 0.12
    assert 0.35 < shares.mean() < 0.65
    # Read against single random persons, nearly every nearest one would look special.
    assert (np.array(single) < 0.05).mean() > 0.8


def test_a_planted_twin_is_found_and_called_near():
    """A person whose images are the patient's own with a little noise, a day later."""
    table, embeddings = make_cohort(60, 4, seed=2)
    table["offset"] = pd.array([float(3 * (i % 4)) for i in range(len(table))], dtype="Float64")
    mine, twin = (np.flatnonzero(table["patient_id"] == name) for name in ("p5", "p9"))
    embeddings.outputs[twin] = embeddings.outputs[mine] + 0.05
    table.loc[twin, "offset"] += 1
    courses = find_similar(table, embeddings, "p5", window=1)
    first = courses.table.iloc[0]
    assert (first["person_id"], first["n_aligned"]) == ("p9", 4)
    assert first["distance"] < 0.1
    assert courses.reference.best_share < 0.01
    assert "a closer match than usual" in describe_similar_patients(courses)
    # The same images in another order of days are no longer aligned.
    table.loc[twin, "offset"] = [10.0, 7.0, 4.0, 1.0]
    turned = find_similar(table, embeddings, "p5", window=1).table.set_index("person_id")
    assert turned.loc["p9", "distance"] > 0.5


def test_the_share_of_sets_is_never_none():
    """The person found counts as a draw: a hundred sets cannot tell of one in a million."""
    drawn = np.ones((100, 3))
    found = _sum_up(drawn, 0.5, n_pool=12)
    assert (found.share, found.best_share) == (0, 1 / 101)
    assert _sum_up(drawn, 1.0, n_pool=12).best_share == 1


def test_nothing_depends_on_the_order_of_rows():
    """Rows and embeddings shuffled: the same table and the same draws."""
    table, embeddings = make_cohort(30, 5, seed=4, views=VIEWS[:2])
    order = np.random.default_rng(0).permutation(len(table))
    other = make_embeddings([embeddings.image_ids[i] for i in order], embeddings.outputs[order])
    one = find_similar(table, embeddings, "p1")
    two = find_similar(table.iloc[order], other, "p1")
    pd.testing.assert_frame_equal(one.table, two.table)
    for field in fields(one.reference):
        value, same = (getattr(each.reference, field.name) for each in (one, two))
        assert value == pytest.approx(same, abs=1e-5), field.name


def test_the_same_person_is_no_neighbour():
    """Nor images of that person under another id, however near."""
    table, embeddings = make_cohort(20, 4, seed=5)
    table.loc[table["patient_id"] == "p2", "person_id"] = "p1"
    mine, alias = (np.flatnonzero(table["patient_id"] == name) for name in ("p1", "p2"))
    embeddings.outputs[alias] = embeddings.outputs[mine]
    for patient in ("p1", "p2"):
        courses = find_similar(table, embeddings, patient, n_nearest=99)
        assert courses.person_id == "p1"
        assert not courses.table["person_id"].isin(["p1", "p2"]).any()
        assert courses.table["distance"].min() > 0.01


def test_sources_are_named_and_can_be_left_out():
    """Same article before same site; blanks are no source."""
    table, embeddings = make_cohort(40, 4, seed=6)
    table.loc[table["patient_id"].isin(["p0", "p1"]), "article"] = "doi"
    table.loc[table["patient_id"].isin(["p0", "p1", "p2"]), "source"] = "site"
    courses = find_similar(table, embeddings, "p0", n_nearest=99)
    shares = courses.table.set_index("person_id")["shares"]
    assert (shares["p1"], shares["p2"], shares["p3"]) == ("article", "site", "")
    assert courses.n_same_source == 2
    assert "2 of the" in describe_similar_patients(courses)
    rest = find_similar(table, embeddings, "p0", n_nearest=99, other_sources=True)
    assert set(rest.table["person_id"]) == set(shares.index) - {"p1", "p2"}
    assert rest.n_same_source == 0


def test_names_of_patients_of_one_person():
    """All ids of the person, in order."""
    table, embeddings = make_cohort(15, 4, seed=7)
    table.loc[table["patient_id"].isin(["p8", "p3"]), "person_id"] = "p3"
    courses = find_similar(table, embeddings, "p0", n_nearest=99)
    assert courses.table.set_index("person_id").loc["p3", "patient_ids"] == "p3, p8"


# ---- what is not estimable


def test_one_day_is_no_course():
    """Neither of the patient nor, by itself, of another."""
    rows = [("a", "p", 3, "PA"), ("b", "p", 3, "PA"), ("c", "q", 3, "PA"), ("d", "q", 4, "PA")]
    rows += [("e", "r", 3, "PA"), ("f", "r", 3, "PA")]
    table, embeddings = make_table(rows), make_embeddings([r[0] for r in rows], np.arange(6))
    courses = find_similar(table, embeddings, "p")
    assert courses.table.empty
    assert courses.reference is None
    assert "of one recorded day" in courses.reason
    # r has images near both days of q, but of one day only.
    assert find_similar(table, embeddings, "q").table.empty


def test_undated_images_views_and_numbers_that_are_not_there():
    """A patient without any image that can be placed."""
    rows = [("a", "p", None, "PA"), ("b", "p", 3, None), ("c", "p", 4, "PA"), ("d", "q", 3, "PA")]
    table = make_table(rows)
    embeddings = make_embeddings(["a", "b", "d"], [[1], [2], [3]])
    courses = find_similar(table, embeddings, "p")
    assert "no image of this patient has values, a day and a view" in courses.reason
    assert courses.n_days == 0
    assert courses.reason in describe_similar_patients(courses)


def test_nobody_in_the_window():
    """The reason says the window and how many days are needed."""
    rows = [(f"i{day}", "p", day, "PA") for day in (0, 1, 2)]
    rows += [(f"j{day}", "q", day, "PA") for day in (50, 51, 52)]
    embeddings = make_embeddings([row[0] for row in rows], np.arange(6))
    courses = find_similar(make_table(rows), embeddings, "p")
    assert "within 3 days of at least 2 of the 3 days" in courses.reason
    assert list(courses.table) == [
        "rank", "person_id", "patient_ids", "distance", "n_aligned", "n_images", "shares"
    ]  # fmt: skip


def test_few_others_give_distances_and_no_reference():
    """Nine persons to draw from say nothing about chance."""
    table, embeddings = make_cohort(10, 4, seed=8)
    courses = find_similar(table, embeddings, "p0")
    assert len(courses.table) > 0
    assert courses.reference is None
    assert "9 other patients with two days in the same views; 10 are needed" in courses.reason
    assert "Whether that is close is not estimable" in describe_similar_patients(courses)


def test_errors_say_what_to_do():
    """An unknown patient, a window that is none."""
    table, embeddings = make_cohort(5, 2)
    with pytest.raises(SelectionError, match=r"'x' is not among the 5 patients"):
        find_similar(table, embeddings, "x")
    for window in (-1.0, float("nan")):
        with pytest.raises(SelectionError, match="window"):
            find_similar(table, embeddings, "p0", window=window)


def test_a_cohort_without_any_other_person():
    """One patient alone."""
    rows = [("a", "p", 1, "PA"), ("b", "p", 5, "PA")]
    embeddings = make_embeddings(["a", "b"], [[1], [2]])
    assert find_similar(make_table(rows), embeddings, "p").n_persons == 0


def test_the_embedding_can_be_the_space():
    """Many columns are kept in single precision."""
    table, embeddings = make_cohort(12, 4, n_outputs=100)
    space = lay_out_feature_space(table, embeddings, features="embedding")
    assert space.vectors.dtype == np.float32
    courses = find_similar(table, embeddings, "p0", features="embedding")
    assert courses.space.features == "embedding"
    assert "embedding" in list_notes(courses)[0]


# ---- words


def test_said_courses_and_notes():
    """How many were compared, the reference, and the verdict."""
    table, embeddings = make_cohort(40, 4, seed=0)
    courses = find_similar(table, embeddings, "p0")
    said = describe_similar_patients(courses)
    assert said.startswith(f"Most similar of {courses.n_persons} other patients: patient ")
    assert "not a notable match" in said
    assert f"The nearest of {courses.n_persons} random patients" in said
    assert any(
        "from symptom onset in one patient, from admission" in each for each in list_notes(courses)
    )


def test_large_cohorts_do_not_take_every_draw():
    """Some thousand images: fewer sets of random persons, at least a hundred."""
    table, embeddings = make_cohort(1500, 4, seed=0)
    courses = find_similar(table, embeddings, "p0")
    assert courses.n_persons > 300
    assert 100 <= courses.reference.n_sets < 200
