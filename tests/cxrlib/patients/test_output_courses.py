"""Outputs along a patient's days, and how much they differ within a day."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.errors import SelectionError
from cxrlib.patients import (
    choose_outputs,
    compare_outputs,
    course_table,
    describe_course,
    estimate_noise,
    output_course,
)
from cxrlib.patients.output_courses import KINDS, MIN_PAIRS, describe_noise, find_kind
from cxrlib.storage import ExtractorInfo
from tests.course_tables import make_embeddings, make_table

ROWS = [
    ("d", "p", None, "AP"),
    ("c", "p", 9, "AP"),
    ("a", "p", -1, "PA"),
    ("b", "p", 9, None),
    ("x", "p", 3, "AP"),
]


def make_course(outputs=None):
    """Make the course of five images of which x has no numbers."""
    values = [[1, 10], [2, 20], [3, 30], [4, 40]]
    embeddings = make_embeddings(["a", "b", "c", "d"], values, ["Mass", "day"])
    return output_course(make_table(ROWS), embeddings, outputs)


# ---- one patient


def test_course_is_in_order_of_days():
    """By day and record, undated last; what has no numbers is there without."""
    course = make_course()
    assert course.table["image_id"].tolist() == ["a", "x", "c", "b", "d"]
    assert course.table["view"].tolist() == ["PA", "AP", "AP", "not recorded", "AP"]
    assert course.table["has_values"].tolist() == [True, False, True, True, True]
    np.testing.assert_array_equal(course.values[:, 0], [1, np.nan, 3, 2, 4])
    assert course.outputs == ("Mass", "day")


def test_course_does_not_depend_on_the_order_of_rows():
    """Of the table, nor of the embeddings."""
    table = make_table(ROWS)
    embeddings = make_embeddings(["d", "c", "b", "a"], [[4, 40], [3, 30], [2, 20], [1, 10]])
    other = output_course(table.iloc[::-1], embeddings)
    pd.testing.assert_frame_equal(other.table, make_course().table)
    np.testing.assert_array_equal(other.values, make_course().values)


def test_numbers_behind_a_course():
    """An output that is called as a column is keeps its numbers under a name of its own."""
    table = course_table(make_course())
    assert list(table) == ["image_id", "day", "view", "state", "Mass", "day (output)"]
    assert table["day (output)"].tolist()[0] == 10


def test_chosen_outputs():
    """Some, in the order asked for; one that does not exist is an error."""
    assert make_course(["day"]).values[0].tolist() == [10]
    with pytest.raises(SelectionError, match=r"no output 'Hernia'. It has Mass, day"):
        make_course(["Hernia"])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ("Mass", "Consolidation", "Infiltration", "Pneumonia", "Lung Opacity"),
            ("Lung Opacity", "Pneumonia", "Infiltration", "Consolidation"),
        ),
        (("a", "b", "c", "d", "e"), ("a", "b", "c", "d")),
        (("Pneumonia",), ("Pneumonia",)),
    ],
)
def test_outputs_to_show_first(names, expected):
    """The paper's four, else the first four."""
    assert choose_outputs(ExtractorInfo("x", "X", "", "v", 1, names)) == expected


def test_infinite_outputs_are_no_numbers():
    """They are left out of the image whole."""
    embeddings = make_embeddings(["a", "c"], [[1, np.inf], [3, 30]])
    course = output_course(make_table(ROWS), embeddings)
    assert course.table.loc[course.table["has_values"], "image_id"].tolist() == ["c"]
    assert np.isnan(course.values[0]).all()


# ---- within a day


def make_days(n_persons, per_day, *, scale=1.0, seed=0, view="PA", extra=()):
    """Make persons with some images on one day each, outputs of a known spread."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"i{person}-{k}", f"p{person}", 3, view)
        for person in range(n_persons)
        for k in range(per_day)
    ]
    rows += list(extra)
    values = rng.normal(size=(len(rows), 2)) * [scale, 10 * scale]
    return make_table(rows), make_embeddings([row[0] for row in rows], values)


def slow_noise(table, embeddings, output, kind):
    """Take quantiles of votes, a person each: pair by pair, without arrays."""
    values = dict(zip(embeddings.image_ids, embeddings.outputs[:, output], strict=True))
    rows = table.to_dict("records")
    pairs = {}
    for place, one in enumerate(rows):
        for two in rows[place + 1 :]:
            same = one["patient_id"] == two["patient_id"] and one["offset"] == two["offset"]
            if same and find_kind(one["view"], two["view"]) == kind:
                difference = abs(float(values[one["image_id"]]) - float(values[two["image_id"]]))
                pairs.setdefault(one["person_id"], []).append(difference)
    votes = sorted((x, 1 / len(own)) for own in pairs.values() for x in own)
    found = []
    for share in (0.5, 0.9):
        total = 0.0
        for difference, vote in votes:
            total += vote
            if total >= share * len(pairs) - 1e-9:
                found.append(difference)
                break
    return found


def test_noise_agrees_with_a_slow_reference():
    """Persons with one, three and six pairs; each has one vote."""
    rng = np.random.default_rng(1)
    rows = []
    for person in range(30):
        for k in range(2 + person % 3):
            rows.append((f"i{person}-{k}", f"p{person}", person % 4, "PA"))
        rows.append((f"a{person}", f"p{person}", person % 4, "AP"))
        rows.append((f"l{person}", f"p{person}", person % 4, "L"))
    table = make_table(rows)
    embeddings = make_embeddings([row[0] for row in rows], rng.normal(size=(len(rows), 3)))
    noise = estimate_noise(table, embeddings, n_resamples=200)
    for kind in KINDS:
        for output in range(3):
            row = noise.find(f"output {output}", kind)
            expected = slow_noise(table, embeddings, output, kind)
            assert [row["median"], row["p90"]] == pytest.approx(expected)
            assert row["median_low"] <= row["median"] <= row["median_high"]
            assert row["p90_low"] <= row["p90"] <= row["p90_high"]


def test_noise_finds_a_planted_spread():
    """Of two normal values the median difference is 0.954 standard deviations, 9 of 10 2.33."""
    noise = estimate_noise(*make_days(800, 2, scale=2.0))
    row = noise.find("output 0")
    assert row["n_pairs"] == row["n_persons"] == 800
    assert row["median"] == pytest.approx(2 * 0.954, rel=0.1)
    assert row["p90"] == pytest.approx(2 * 2.326, rel=0.1)
    assert row["median_low"] < 2 * 0.954 < row["median_high"]
    assert noise.find("output 1")["median"] == pytest.approx(20 * 0.954, rel=0.1)


def test_one_person_with_many_images_does_not_decide():
    """Twenty quiet persons and one with forty noisy images of a day: the median stays quiet."""
    extra = [(f"m{k}", "many", 3, "PA") for k in range(40)]
    table, embeddings = make_days(20, 2, scale=0.01, extra=extra)
    embeddings.outputs[40:] *= 10_000
    row = estimate_noise(table, embeddings).find("output 0")
    assert row["n_pairs"] == 20 + 40 * 39 // 2
    assert row["most_pairs"] == 780
    assert row["median"] < 0.1


@pytest.mark.parametrize(
    ("n_persons", "per_day", "words"),
    [
        (9, 2, "not estimable: 9 pairs of 9 persons"),
        (4, 3, "not estimable: 12 pairs of 4 persons"),
        (3, 1, "no pairs"),
    ],
)
def test_few_pairs_or_persons_are_not_estimable(n_persons, per_day, words):
    """The reason stands in place of numbers, also in words."""
    noise = estimate_noise(*make_days(n_persons, per_day))
    row = noise.find("output 0")
    assert words in row["reason"]
    assert np.isnan([row[name] for name in ("median", "median_low", "p90", "p90_high")]).all()
    assert words in describe_noise(noise, "output 0")


def test_few_persons_give_no_upper_end():
    """Nine persons: the 90th percentile is about the largest difference there is."""
    noise = estimate_noise(*make_days(9, 3))
    row = noise.find("output 0")
    assert row["reason"] == ""
    assert np.isnan(row["p90_high"])
    assert np.isfinite(row["median_high"])
    assert "too few persons for an upper limit" in describe_noise(noise, "output 0")


def test_what_is_no_pair():
    """Another day, patient, no day, no view, no X-ray, equal content, a known duplicate."""
    rows = [
        ("a", "p", 1, "PA"), ("b", "p", 2, "PA"),
        ("c", "q", 1, "PA", {"person_id": "p"}),
        ("d", "p", None, "PA"), ("e", "p", None, "PA"),
        ("f", "p", 7, None), ("g", "p", 7, None),
        ("h", "p", 8, "PA", {"is_xray": False}), ("i", "p", 8, "PA", {"is_xray": False}),
        ("j", "p", 9, "PA", {"sha256": "s"}), ("k", "p", 9, "PA", {"sha256": "s"}),
        ("l", "p", 10, "PA"), ("m", "p", 10, "PA"),
        ("n", "p", 5, "PA"), ("o", "p", 5, "PA"),
    ]  # fmt: skip
    embeddings = make_embeddings([row[0] for row in rows], np.arange(len(rows)))
    duplicates = pd.DataFrame({"image_id_1": ["m"], "image_id_2": ["l"]})
    noise = estimate_noise(make_table(rows), embeddings, duplicates=duplicates)
    assert noise.table["n_pairs"].tolist() == [1, 0, 0]
    assert estimate_noise(make_table(rows), embeddings).find("output 0")["n_pairs"] == 2


def test_noise_is_the_same_for_any_order_and_seed_decides_only_intervals():
    """Rows and embeddings in another order; the same seed, the same intervals."""
    table, embeddings = make_days(30, 3)
    order = np.random.default_rng(5).permutation(len(table))
    other = make_embeddings([embeddings.image_ids[i] for i in order], embeddings.outputs[order])
    one = estimate_noise(table, embeddings)
    pd.testing.assert_frame_equal(one.table, estimate_noise(table.iloc[order], other).table)
    again = estimate_noise(table, embeddings, seed=1)
    assert one.table["median"].equals(again.table["median"])
    assert not one.table["median_low"].equals(again.table["median_low"])


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Of 80 cohorts and outputs, the median's interval holds 0.954 in about 76."""
    held = 0
    for seed in range(40):
        noise = estimate_noise(*make_days(40, 2, seed=seed), n_resamples=200)
        for output, scale in (("output 0", 1), ("output 1", 10)):
            row = noise.find(output)
            held += row["median_low"] <= 0.9539 * scale <= row["median_high"]
    assert 70 <= held <= 80


def test_very_many_images_of_one_day():
    """A patient with 600 images of one day does not take all 180,000 pairs."""
    table, embeddings = make_days(1, 600)
    assert estimate_noise(table, embeddings).find("output 0")["n_pairs"] < 40_000


def test_an_empty_cohort():
    """No image, no pair."""
    table, embeddings = make_days(2, 2)
    noise = estimate_noise(table.iloc[:0], embeddings)
    assert noise.find("output 0")["n_pairs"] == 0
    assert len(noise.table) == 2 * len(KINDS)


def test_asking_for_an_unknown_output():
    """The message names those there are."""
    with pytest.raises(SelectionError, match="output 0, output 1"):
        estimate_noise(*make_days(2, 2)).find("Hernia")


# ---- two images


@pytest.fixture
def noise():
    """Give the noise of a hundred persons: 9 of 10 pairs within about 2.3 and 23."""
    return estimate_noise(*make_days(100, 2))


def compare(changes, noise, views=("PA", "PA")):
    """Compare two images that differ by some changes."""
    table = make_table([("a", "p", 1, views[0]), ("b", "p", 4, views[1])])
    embeddings = make_embeddings(["a", "b"], [[0, 0], changes])
    return compare_outputs(output_course(table, embeddings), "a", "b", noise).to_dict("records")


def test_changes_within_and_beyond_a_day(noise):
    """Each output by its own spread, in either direction."""
    first, second = compare([-4, 4], noise)
    assert (first["is_beyond"], second["is_beyond"]) == (True, False)
    assert first["change"] == -4
    assert first["words"].startswith("yes: same-day repeats differ by up to")
    assert second["words"].startswith("no: same-day repeats differ by up to")
    assert MIN_PAIRS < 100


def test_changes_between_views_are_not_judged_by_pairs_of_one_view(noise):
    """There is no pair of other views: not estimable."""
    for views in (("PA", "AP"), ("L", "PA"), ("PA", None), ("AP Erect", "PA")):
        row = compare([9, 9], noise, views)[0]
        assert pd.isna(row["is_beyond"])
        assert "not estimable" in row["words"]


def test_compared_without_numbers_or_noise():
    """Words in place of a judgement."""
    course = make_course()
    assert (
        compare_outputs(course, "a", "x")["words"].tolist()
        == ["not known: one of the images has no values"] * 2
    )
    assert compare_outputs(course, "a", "c")["is_beyond"].isna().all()
    with pytest.raises(SelectionError, match="'nope' is not among the 5 images"):
        compare_outputs(course, "a", "nope")


def test_said_course():
    """Counts, what outputs are not, days, views and values."""
    said = describe_course(make_course())
    assert "not probabilities of disease" in said
    assert "4 of 5 images have values, 3 of these a recorded day" in said
    assert "Mass: day −1 PA 1; day 9 AP 3; day 9 not recorded 2; day not recorded AP 4." in said


def test_noise_of_the_real_collection(real_root):
    """Same view and day: 18 pairs of 9 persons, ten of them of one; frontal and lateral 50."""
    from cxrlib.cohort import load_cohort

    table = load_cohort(real_root, inspect_images=False).table
    there = table[table["is_xray"] & (table["file_status"] == "ok")]
    embeddings = make_embeddings(there["image_id"].tolist(), np.arange(len(there)) % 7)
    noise = estimate_noise(table, embeddings)
    row = noise.find("output 0")
    assert (row["n_pairs"], row["n_persons"], row["most_pairs"]) == (18, 9, 10)
    assert noise.find("output 0", "other frontal view")["n_pairs"] == 0
    assert noise.find("output 0", "frontal and lateral")["n_pairs"] == 50
