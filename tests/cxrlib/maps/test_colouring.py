"""What points are coloured by: counted by hand, the same under filters and in any order."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlib.errors import SelectionError
from cxrlib.maps import colour_points, list_colourings
from cxrlib.maps.colouring import MAX_CATEGORIES
from cxrlib.storage import ExtractorInfo


def make_points():
    """Make eight images; each column has something that is not recorded."""
    return pd.DataFrame(
        {
            "image_id": [f"{row}.png" for row in range(8)],
            "patient_id": ["a", "a", "b", "c", "d", "d", "e", "f"],
            "person_id": ["a", "a", "b", "b", "d", "d", "e", "f"],
            "x": np.arange(8.0),
            "y": 0.0,
            "state": ["bad", "good", "unknown"] * 2 + ["bad", "bad"],
            "view": ["PA", "AP", "AP", "AP Supine", "AP", None, "AP", "PA"],
            "region": ["Europe", "Asia", "Unknown", "Asia", "Europe", "Africa", "Asia", "Asia"],
            "survival": pd.Categorical(
                ["no", "yes", "not recorded", "yes", "unclear", "not recorded", "yes", "no"]
            ),
            "age": pd.array([20, 30, None, 40, 50, 60, 70, 80], dtype="Float64"),
            "sex": "F",
        }
    )


def make_embeddings(points, names=("Lung Opacity",)):
    """Make outputs in another order, of more images than are on the map, one missing."""
    ids = ["elsewhere.png", *points["image_id"][::-1][:-1]]
    outputs = np.arange(len(ids), dtype=np.float32)[:, np.newaxis] * np.ones(len(names))
    info = ExtractorInfo("t", "Test", "", "v1", 2, tuple(names))
    return SimpleNamespace(image_ids=ids, outputs=outputs, info=info)


def count(colouring):
    """Give the legend as a dict."""
    return dict(zip(colouring.names, colouring.counts, strict=True))


def test_values_are_counted_in_the_readers_order():
    """Put views, answers and places in their order, not by count; blanks are counted apart."""
    points = make_points()
    view = colour_points(points, "view")
    assert list(count(view).items()) == [("PA", 2), ("AP", 4), ("AP Supine", 1)]
    assert view.n_missing == 1
    assert count(colour_points(points, "survival")) == {"yes": 3, "no": 2, "unclear": 1}
    region = colour_points(points, "region")
    assert list(count(region)) == ["Africa", "Asia", "Europe"]
    assert region.n_missing == 1, "a place that is not known is not recorded"
    assert region.keys == ("region Africa", "region Asia", "region Europe")
    assert count(colour_points(points)) == {
        "In ICU or intubated": 4, "Not in ICU, not intubated": 2, "Not recorded": 2,
    }  # fmt: skip
    assert colour_points(points).keys == ("bad", "good", "unknown")


def test_person_under_several_ids():
    """Mark the images of a person that stands under two patient ids."""
    assert count(colour_points(make_points(), "ids of the patient")) == {
        "one id": 6,
        "several ids": 2,
    }


def test_rare_values_are_other():
    """Keep the seven most frequent of many values and name how many the others are."""
    points = pd.DataFrame(
        {"country": np.repeat([f"c{n:02d}" for n in range(12)], range(12, 0, -1))}
    )
    colouring = colour_points(points, "country")
    assert len(colouring.names) == len(colouring.keys) == MAX_CATEGORIES
    assert colouring.names[-1] == "other (5 values)"
    assert colouring.counts[-1] == 5 + 4 + 3 + 2 + 1
    assert sum(colouring.counts) == len(points)
    eight = points[points["country"] < "c08"]
    assert "other" not in " ".join(colour_points(eight, "country").names)


def test_filters_change_no_colour():
    """Recount under a filter; names, colours and scale stay."""
    points = make_points()
    rows = (points["view"] == "PA").to_numpy()
    for by in ("view", "region", "age", "state"):
        whole = colour_points(points, by)
        part = whole.take(rows)
        assert (part.names, part.keys, part.limits) == (whole.names, whole.keys, whole.limits)
        assert part.n_points == 2
    assert count(colour_points(points, "view").take(rows)) == {"PA": 2, "AP": 0, "AP Supine": 0}


def test_order_of_rows_changes_nothing():
    """Give each image the same value, ties included."""
    points = make_points().assign(country=["x", "y", "z", "x", "y", "z", None, None])
    order = np.random.default_rng(3).permutation(len(points))
    for by in list_colourings(points):
        here, there = colour_points(points, by), colour_points(points.iloc[order], by)
        assert (here.names, here.keys, here.limits) == (there.names, there.keys, there.limits)
        np.testing.assert_array_equal(here.codes[order], there.codes)
        if here.kind == "number":
            np.testing.assert_array_equal(here.values[order], there.values)


def test_numbers_keep_blanks_apart():
    """Scale from least to most where they are few; a blank has no colour."""
    age = colour_points(make_points(), "age")
    assert (age.limits, age.n_missing, age.is_clipped) == ((20.0, 80.0), 1, (False, False))
    assert np.isnan(age.values[2])
    assert age.codes[2] == -1


def test_outliers_do_not_stretch_the_scale():
    """Leave the outermost of many numbers out of the scale, and say so."""
    ages = np.r_[np.linspace(20, 80, 99), 1000.0]
    age = colour_points(pd.DataFrame({"age": ages}), "age")
    assert age.limits[1] < 82
    assert age.is_clipped == (True, True)
    same = colour_points(pd.DataFrame({"age": [5.0] * 60}), "age")
    assert same.limits == (5.0, 6.0)


def test_outputs_are_found_by_image():
    """Look each output up by its image, whatever order the embeddings have."""
    points = make_points()
    embeddings = make_embeddings(points)
    colouring = colour_points(points, "output Lung Opacity", embeddings=embeddings)
    found = dict(zip(embeddings.image_ids, embeddings.outputs[:, 0], strict=True))
    expected = [found.get(image, np.nan) for image in points["image_id"]]
    np.testing.assert_array_equal(colouring.values, expected)
    assert colouring.n_missing == 1
    assert colouring.label == "output Lung Opacity of Test"


def test_only_what_differs_is_offered():
    """Offer columns with two values or more, and all outputs."""
    points = make_points()
    names = list_colourings(points, make_embeddings(points, ("One", "Two")))
    assert names == [
        "state", "view", "region", "age", "survival", "ids of the patient", "output One",
        "output Two",
    ]  # fmt: skip
    assert list_colourings(points.iloc[:1]) == ["state"]
    assert list_colourings(points.iloc[:0]) == ["state"]
    assert colour_points(points.iloc[:0], "age").n_points == 0


@pytest.mark.parametrize("by", ["x", "output None", "colour", "output Lung"])
def test_unknown_column_is_named(by):
    """Say what there is."""
    points = make_points()
    with pytest.raises(SelectionError, match="Lung Opacity"):
        colour_points(points, by, embeddings=make_embeddings(points))
