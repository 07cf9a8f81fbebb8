"""What counts as bad, and of which images it is known: by hand, with every overlap."""

import itertools

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort.states import label_states
from cxrlib.errors import SelectionError
from cxrlib.maps import DEFINITIONS, mark_bad

ANSWERS = ("yes", "no", "unclear", "not recorded")

#: in_icu, intubation_present, survival of a single image, then what each definition says of it:
#: b(ad), g(ood, known), . (not known); a capital where there are reasons for both.
BY_HAND = [
    # icu             tube            survival         ICU or tube, ICU, tube, with death
    ("yes", "yes", "not recorded", "b", "b", "b", "b"),
    ("yes", "no", "not recorded", "B", "b", "g", "B"),
    ("no", "yes", "not recorded", "B", "g", "b", "B"),
    ("no", "no", "not recorded", "g", "g", "g", "g"),
    ("yes", "not recorded", "not recorded", "b", "b", ".", "b"),
    ("not recorded", "yes", "not recorded", "b", ".", "b", "b"),
    ("no", "not recorded", "not recorded", "g", "g", ".", "g"),
    ("not recorded", "no", "not recorded", "g", ".", "g", "g"),
    ("unclear", "unclear", "unclear", ".", ".", ".", "."),
    ("not recorded", "not recorded", "not recorded", ".", ".", ".", "."),
    ("not recorded", "not recorded", "no", ".", ".", ".", "b"),  # died
    ("not recorded", "not recorded", "yes", ".", ".", ".", "g"),  # survived
    ("yes", "not recorded", "yes", "b", "b", ".", "B"),
    ("not recorded", "yes", "yes", "b", ".", "b", "B"),
    ("yes", "yes", "yes", "b", "b", "b", "B"),
    ("yes", "yes", "no", "b", "b", "b", "b"),
    ("no", "not recorded", "no", "g", "g", ".", "B"),
    ("not recorded", "no", "no", "g", ".", "g", "B"),
    ("no", "no", "no", "g", "g", "g", "B"),
    ("no", "no", "yes", "g", "g", "g", "g"),
    ("yes", "no", "no", "B", "b", "g", "B"),
    ("yes", "no", "yes", "B", "b", "g", "B"),
    ("no", "yes", "no", "B", "g", "b", "B"),
    ("no", "yes", "yes", "B", "g", "b", "B"),
]
RECORDED = ("ICU or tube", "ICU", "tube", "ICU, tube or death")


def make_points(rows):
    """Make images of a patient each, so that each is a last image, and label their states."""
    table = pd.DataFrame(rows, columns=["in_icu", "intubation_present", "survival"])
    table = table.assign(
        patient_id=[f"p{row}" for row in range(len(table))], offset=0.0, view="PA", is_xray=True
    )
    return table.join(label_states(table))


def read_marks(marked):
    """Write what is marked in the letters of the table."""
    letters = []
    for bad, known, overlap in zip(marked.bad, marked.known, marked.overlap, strict=True):
        letters.append(("B" if overlap else "b") if bad else "g" if known else ".")
    return letters


@pytest.mark.parametrize("definition", RECORDED)
def test_every_overlap_by_hand(definition):
    """Say of each combination of records what is known, and where bad wins over good."""
    points = make_points([row[:3] for row in BY_HAND])
    place = 3 + RECORDED.index(definition)
    assert read_marks(mark_bad(points, definition)) == [row[place] for row in BY_HAND]


def test_the_table_holds_every_pair_of_answers():
    """Leave no pair of ICU and tube out of the table by hand."""
    pairs = {row[:2] for row in BY_HAND}
    plain = ("yes", "no", "not recorded")
    assert pairs >= set(itertools.product(plain, plain))


def judge_slowly(row):
    """Judge one image by the words of the module: bad and known, for ICU or tube."""
    answers = [row["in_icu"], row["intubation_present"]]
    return "yes" in answers, "yes" in answers or "no" in answers


def test_all_answers_against_slow_reference():
    """Agree with a plain reading of all 64 combinations, whatever order the rows have."""
    points = make_points(list(itertools.product(ANSWERS, ANSWERS, ANSWERS)))
    marked = mark_bad(points)
    assert [
        judge_slowly(row) for _, row in points.iterrows()
    ] == list(zip(marked.bad, marked.known, strict=True))  # fmt: skip
    order = np.random.default_rng(0).permutation(len(points))
    for definition in RECORDED:
        marked, moved = mark_bad(points, definition), mark_bad(points.iloc[order], definition)
        for name in ("bad", "known", "overlap"):
            assert (getattr(moved, name) == getattr(marked, name)[order]).all()
        assert not (marked.bad & ~marked.known).any()
        assert not (marked.overlap & ~marked.bad).any()


def test_states_and_deaths_agree():
    """Call bad with deaths what the state calls bad, and know what is not unknown."""
    points = make_points(list(itertools.product(ANSWERS, ANSWERS, ANSWERS)))
    marked = mark_bad(points, "ICU, tube or death")
    assert (marked.bad == (points["state"] == "bad")).all()
    assert (marked.known == (points["state"] != "unknown")).all()
    assert (marked.overlap == points["state_overlap"]).all()


def test_severity_counts_scored_images_only():
    """Call an image bad from the threshold on; a blank is not a low score."""
    points = make_points([("no", "no", "yes")] * 4)
    points["geographic_mean"] = pd.array([0.0, 4.0, 6.5, None], dtype="Float64")
    marked = mark_bad(points, "severity", at_least=4.0)
    assert read_marks(marked) == ["g", "b", "b", "."]
    assert "geographic extent score of 4 or more (of 8)" in marked.definition.label
    assert mark_bad(points, "severity", severity="opacity_mean").n_known == 0


def test_filters_are_of_all_images():
    """Call bad what the filters keep; all images are known."""
    points = make_points([("yes", "no", "yes")] * 3)
    marked = mark_bad(points, "current filter", selected=np.array([True, False, True]))
    assert read_marks(marked) == ["b", "g", "b"]


def test_within_a_view_others_are_not_known():
    """Count one view only, and say so."""
    points = make_points([("yes", "no", "yes"), ("no", "no", "yes"), ("no", "no", "yes")])
    points["view"] = ["AP", "AP", None]
    for definition in DEFINITIONS:
        marked = mark_bad(points, definition, view="AP")
        assert not marked.known[2]
        assert marked.definition.label.endswith(", view AP")
    assert read_marks(mark_bad(points, view="AP")) == ["B", "g", "."]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"definition": "worse"}, "'ICU or tube'"),
        ({"definition": "severity", "severity": "age"}, "opacity_mean"),
        ({"definition": "severity", "at_least": float("nan")}, "give a number"),
    ],
)
def test_bad_input_is_named(options, words):
    """Say what there is to choose from."""
    with pytest.raises(SelectionError, match=words):
        mark_bad(make_points([("yes", "no", "yes")]), **options)


def test_no_images():
    """Mark none of none."""
    points = make_points([])
    for definition in DEFINITIONS:
        assert mark_bad(points, definition).n_known == 0
