"""Which two images of a patient stand side by side, and what is said of them."""

from itertools import permutations

import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import SelectionError
from cxrlib.patients import Pair, choose_pair, compare_pair, describe_pair, find_sides, pair_image
from cxrlib.patients.prior_pairs import RULES
from tests.course_tables import make_table

GONE = {"file_status": "no file"}


def make_patient(*images):
    """Make rows of one patient from (id, day, view) and perhaps further cells."""
    return make_table([(name, "p", day, view, *rest) for name, day, view, *rest in images])


# ---- priors


def test_prior_is_the_nearest_earlier_image_of_the_same_view():
    """A nearer image of another view, a later one and one without a day are none."""
    rows = make_patient(
        ("a", 1, "AP"), ("b", 4, "AP"), ("c", 6, "L"), ("d", 7, "AP"), ("e", 8, "AP"),
        ("f", None, "AP"),
    )  # fmt: skip
    assert pair_image(rows, "d").prior == "b"
    assert pair_image(rows, "e").prior == "d"
    assert pair_image(rows, "a").prior is None
    assert pair_image(rows, "c").prior is None
    assert pair_image(rows, "f").prior is None


def test_prior_of_tied_images_is_the_first_recorded():
    """Of two on the nearest day the lower row; an image of the same day is no prior."""
    rows = make_patient(("z", 2, "PA"), ("a", 2, "PA"), ("m", 5, "PA"), ("n", 5, "PA"))
    assert pair_image(rows, "m").prior == "z"
    assert pair_image(rows, "n").prior == "z"


def test_prior_has_a_readable_file_and_a_recorded_view():
    """An image that cannot be shown is passed over; two blank views are not the same view."""
    rows = make_patient(("a", 1, "PA"), ("b", 2, "PA", GONE), ("c", 3, "PA"), ("d", 4, "PA", GONE))
    assert pair_image(rows, "c").prior == "a"
    assert pair_image(rows, "d").prior == "c"
    assert pair_image(make_patient(("a", 1, None), ("b", 2, None)), "b").prior is None


def test_prior_of_an_unknown_image_is_an_error():
    """The message names what was asked for."""
    with pytest.raises(SelectionError, match=r"'nope' is not among the 1 image of this patient"):
        pair_image(make_patient(("a", 1, "PA")), "nope")


def test_negative_days_are_days():
    """Day -3 is before day 0."""
    rows = make_patient(("a", 0, "PA"), ("b", -3, "PA"))
    assert pair_image(rows, "a").prior == "b"


# ---- the pair to open on


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([("a", 1, "AP"), ("b", 5, "PA"), ("c", 9, "AP")], ("c", "a", "same view")),
        ([("a", 1, "AP"), ("b", 5, "PA"), ("c", 9, "AP Supine")], ("c", "b", "other frontal view")),
        # A lateral of the latest day gives way to the frontal image that has a prior.
        ([("a", 1, "PA"), ("l", 9, "L"), ("b", 9, "PA")], ("b", "a", "same view")),
        ([("a", 1, "PA"), ("b", 4, "PA"), ("l", 9, "L")], ("b", "a", "same view")),
        ([("k", 1, "L"), ("a", 2, "PA"), ("l", 9, "L")], ("l", "k", "same view")),
        # The latest frontal one with a frontal one of another view, before any two.
        ([("a", 1, "PA"), ("b", 4, "AP"), ("l", 9, "L")], ("b", "a", "other frontal view")),
        ([("l", 1, "L"), ("a", 3, "PA")], ("a", "l", "any two")),
        ([("a", 3, "PA"), ("l", 3, "L")], ("l", "a", "any two")),
        ([("a", None, "L"), ("b", None, "PA"), ("c", None, "PA")], ("c", "b", "any two")),
        ([("a", 3, "PA"), ("b", None, "PA")], ("b", "a", "any two")),
        ([("a", 3, "PA"), ("b", 9, "PA", GONE)], ("a", None, "one image")),
        ([("a", None, None)], ("a", None, "one image")),
        ([("a", 3, "PA", GONE)], (None, None, "no image")),
        ([("a", 3, None), ("b", 5, None)], ("b", "a", "any two")),
        # The frontal image has no prior; of the lateral ones the earlier is one.
        ([("k", 0, "L"), ("l", 3, "L"), ("a", 5, "AP")], ("l", "k", "same view")),
    ],
)
def test_pair_by_each_rule(images, expected):
    """Each rule, and what it gives way to."""
    assert choose_pair(make_patient(*images)) == Pair(*expected)
    assert expected[2] in RULES


def test_pair_does_not_depend_on_the_order_of_rows():
    """The record's row number decides ties, not where the row stands."""
    rows = make_patient(("a", 2, "PA"), ("b", 2, "PA"), ("c", 5, "L"), ("d", 5, "PA"))
    pairs = {choose_pair(rows.iloc[list(order)]) for order in permutations(range(4))}
    assert pairs == {Pair("d", "a", "same view")}


def test_pair_of_nothing_and_of_very_many():
    """No row, and 200 images of which none has a day."""
    assert choose_pair(make_patient(("a", 1, "PA")).iloc[:0]) == Pair(None, None, "no image")
    many = make_patient(*[(f"i{i:03}", None, "L" if i < 150 else "AP") for i in range(200)])
    assert choose_pair(many) == Pair("i151", "i150", "any two")


@pytest.mark.parametrize(
    ("chosen", "others", "pair"),
    [
        ("d", ("e", "c"), ("d", "b")),  # its prior of the same view
        ("c", ("e", "d"), ("c", "b")),  # none: the nearest earlier frontal one
        ("a", ("e", "d"), ("e", "a")),  # nothing earlier: a later one is not its prior
        ("b", ("e", "a"), ("b", "a")),
        ("l", ("e", "d"), ("e", "l")),  # a lateral one has no frontal prior
        ("u", ("e", "d"), ("u", "e")),  # no day, no order
        ("a", ("a", None), ("a", None)),
        ("a", (), ("a", None)),
    ],
)
def test_no_later_image_is_the_prior_of_a_chosen_one(chosen, others, pair):
    """A click on the first image shows it as the prior of a later one."""
    rows = make_patient(
        *(("a", 0, "PA"), ("b", 2, "AP"), ("c", 3, "AP Supine"), ("l", 3, "L")),
        *(("d", 4, "AP"), ("e", 9, "AP"), ("u", None, "AP")),
    )
    found = pair_image(rows, chosen, others)
    assert (found.current, found.prior, found.rule) == (*pair, "chosen")


def test_images_of_a_pair():
    """The prior first; one image stands alone."""
    assert Pair("b", "a", "same view").image_ids == ("a", "b")
    assert Pair("b", None, "one image").image_ids == ("b",)


@pytest.mark.parametrize(
    ("first", "second", "sides"),
    [
        (("a", 1, "AP"), ("b", 5, "AP"), ("prior", "current")),
        (("a", 1, "PA"), ("b", 5, "AP Supine"), ("prior", "current")),
        (("a", 1, "L"), ("b", 5, "L"), ("prior", "current")),
        (("b", 5, "AP"), ("a", 1, "AP"), ("first", "second")),  # swapped
        (("a", 5, "AP"), ("b", 5, "AP"), ("first", "second")),  # one day
        (("a", None, "AP"), ("b", 5, "AP"), ("first", "second")),
        (("a", 5, "AP"), ("b", None, "AP"), ("first", "second")),
        (("a", None, "AP"), ("b", None, "AP"), ("first", "second")),
        (("a", 1, "L"), ("b", 5, "AP"), ("first", "second")),  # not to be compared
        (("a", 1, None), ("b", 5, None), ("first", "second")),  # two blanks are not one view
    ],
)
def test_only_an_earlier_image_that_can_be_compared_is_called_a_prior(first, second, sides):
    """The same words whether the pair was chosen or is the default one, and in the sentences."""
    rows = make_patient(first, second)
    pair = Pair(second[0], first[0], "chosen")
    assert find_sides(rows, pair) == sides
    facts = compare_pair(rows, first[0], second[0])
    assert facts.sides == sides
    words = describe_pair(facts) + facts.days_reason
    assert ("prior" in words or ", then " in words) == (sides == ("prior", "current"))


def test_the_default_pair_is_called_a_prior_by_every_rule_but_any_two():
    """The rule's words and the names agree; one image alone is the current one."""
    days, views = (None, 0, 3), ("PA", "AP", "L", None)
    images = [(f"{day}{view}", day, view) for day in days for view in views]
    for chosen in permutations(images, 3):
        rows = make_patient(*chosen)
        pair = choose_pair(rows)
        is_prior = find_sides(rows, pair) == ("prior", "current")
        assert is_prior == (pair.rule != "any two"), chosen
    alone = make_patient(("a", 1, "PA"))
    assert find_sides(alone, choose_pair(alone)) == ("prior", "current")


# ---- what tells them apart


def test_days_between_and_why_not():
    """Signed days; a reason where one or both are not recorded."""
    rows = make_patient(("a", -2, "PA"), ("b", 5, "PA"), ("c", None, "PA"), ("d", None, "PA"))
    assert compare_pair(rows, "a", "b").days == 7
    assert compare_pair(rows, "b", "a").days == -7
    assert "a few days" in compare_pair(rows, "a", "b").days_note
    assert compare_pair(rows, "a", "c").days_reason == "the day of the second image is not recorded"
    assert compare_pair(rows, "c", "a").days_reason == "the day of the first image is not recorded"
    assert compare_pair(rows, "c", "d").days_reason == "the day is not recorded for either image"
    assert compare_pair(rows, "c", "d").days_note == ""


@pytest.mark.parametrize(
    ("views", "name", "words"),
    [
        (("PA", "AP"), "view", "Views differ: PA, then AP"),
        (("AP", "AP Supine"), "position", "Positions differ: AP, then AP Supine"),
        (("AP Erect", "AP Supine"), "position", "Positions differ"),
        (("L", "PA"), "view", "cannot be compared for change"),
        (("PA", None), "view", "The view of one image is not recorded"),
        ((None, None), "view", "The view of either image is not recorded"),
    ],
)
def test_views_that_differ_stand_in_the_banner(views, name, words):
    """A change seen may come of view or position alone."""
    facts = compare_pair(make_patient(("a", 1, views[0]), ("b", 2, views[1])), "a", "b")
    assert [each.name for each in facts.differences] == [name]
    assert words in facts.banner[0]
    assert words in describe_pair(facts)


def test_a_fair_pair_has_no_banner():
    """Same view and all else alike."""
    facts = compare_pair(make_patient(("a", 1, "PA"), ("b", 2, "PA")), "a", "b")
    assert facts.banner == ()
    assert describe_pair(facts) == (
        "The current image was taken 1 day after the prior. Both: ICU and intubation not recorded."
    )


def test_other_records_that_differ():
    """Sex, id, article and equal content are grave; another finding is not."""
    one = {"sex": "F", "person_id": "p", "article": "x", "finding": "A", "sha256": "s"}
    two = {"sex": "M", "patient_id": "q", "article": "y", "finding": "B", "sha256": "s"}
    facts = compare_pair(make_patient(("a", 1, "PA", one), ("b", 1, "PA", two)), "a", "b")
    names = ["same picture", "sex", "patient_id", "article", "finding"]
    assert [each.name for each in facts.differences] == names
    assert len(facts.banner) == 4
    assert "which came first is not known" in describe_pair(facts)


def test_severity_scores_of_both_of_one_and_of_none():
    """A score of 0 is a score."""
    both = {"geographic_mean": 0, "opacity_mean": 2.5}
    rows = make_patient(
        ("a", 1, "PA", both), ("b", 3, "PA", {"geographic_mean": 3}), ("c", 4, "PA")
    )
    extent, opacity = compare_pair(rows, "a", "b").scores
    assert (extent.first, extent.second, extent.change, extent.reason) == (0, 3, 3, "")
    assert (opacity.change, opacity.reason) == (None, "only the prior image has a score")
    assert "Geographic extent (0-8): 0, then 3 (+3)." in describe_pair(compare_pair(rows, "a", "b"))
    assert "Opacity (0-6): 2.5; only the prior" in describe_pair(compare_pair(rows, "a", "c"))
    zero = make_patient(("a", 1, "PA", both), ("b", 2, "PA", both))
    assert "0, then 0 (no change)" in describe_pair(compare_pair(zero, "a", "b"))
    # Swapped, there is no change to speak of: nothing runs backwards.
    assert "(0-8): 3 (first), 0 (second)." in describe_pair(compare_pair(rows, "b", "a"))
    assert compare_pair(rows, "c", "c").scores[0].reason == "neither image has a score"


def test_comparing_an_unknown_image_is_an_error():
    """Either side."""
    rows = make_patient(("a", 1, "PA"))
    for pair in (("a", "x"), ("x", "a")):
        with pytest.raises(SelectionError, match="'x' is not among"):
            compare_pair(rows, *pair)


def test_pairs_of_the_real_collection(real_root):
    """The paper's patients open on a prior of the same view; 22 patients have two scores."""
    table = load_cohort(real_root, inspect_images=False).table
    xrays = table[table["is_xray"]]
    opened = {
        patient: choose_pair(xrays[xrays["patient_id"] == patient])
        for patient in ("19", "318", "178", "205", "332")
    }
    assert {pair.rule for pair in opened.values()} == {"same view"}
    assert opened["178"].image_ids == ("16660_4_1.jpg", "16660_5_1.jpg")
    for patient, rows in xrays.groupby("patient_id"):
        pair = choose_pair(rows)
        if pair.prior is not None:
            assert describe_pair(compare_pair(rows, pair.prior, pair.current)), patient
