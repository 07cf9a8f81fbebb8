"""Outlines and places: true areas, known distances, every country of the standard."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.cohort.regions import find_place
from cxrlib.errors import SelectionError
from cxrlib.literature import read_rows
from cxrlib.summary import load_outlines, place_counts, project, summarise
from cxrlib.summary.geography import OUTLINES_FILE

EARTH = 6371.0  # kilometres, the mean radius
#: Thousands of square kilometres, from the yearbook of the United Nations.
AREAS = {"Germany": 358, "Italy": 302, "Spain": 506, "Brazil": 8510, "Egypt": 1002, "Iran": 1631}
AREAS |= {"Australia": 7692, "South Africa": 1221, "Ukraine": 604, "France": 552}


def measure(ring):
    """Measure the area in a ring on the projected plane; a hole is negative."""
    x, y = project(ring[:, 0], ring[:, 1])
    return -np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2


def holds(ring, place):
    """Tell whether a ring goes round a place, by counting crossings."""
    (x, y), start, end = place, ring[:-1], ring[1:]
    crosses = (start[:, 1] > y) != (end[:, 1] > y)
    start, end = start[crosses], end[crosses]
    share = (y - start[:, 1]) / (end[:, 1] - start[:, 1])
    return np.sum(x < start[:, 0] + share * (end[:, 0] - start[:, 0])) % 2 == 1


def all_countries():
    """List the countries of the table of regions."""
    return {row["country"] for row in read_rows("m49")}


@pytest.mark.parametrize("country", sorted(AREAS))
def test_areas_are_true(country):
    """On the plane a country has its area: outlines and projection are both right."""
    area = sum(measure(ring) for ring in load_outlines()[country].rings) * EARTH**2 / 1000
    assert area == pytest.approx(AREAS[country], rel=0.06)


def test_the_projection_keeps_areas_everywhere():
    """A cell of one degree has the area of the sphere's cell, at any latitude."""
    for south in range(-90, 90, 5):
        edge = np.linspace(0, 1, 50)
        around = np.concatenate(
            [
                np.column_stack([edge, np.full(50, south)]),
                np.column_stack([np.ones(50), south + edge]),
                np.column_stack([1 - edge, np.full(50, south + 1)]),
                np.column_stack([np.zeros(50), south + 1 - edge]),
            ]
        )
        sphere = np.radians(1) * (np.sin(np.radians(south + 1)) - np.sin(np.radians(south)))
        assert -measure(around) == pytest.approx(sphere, rel=1e-3)


def test_the_projection_is_symmetric():
    """East mirrors west, north mirrors south; the centre stays."""
    longitude, latitude = np.meshgrid(np.linspace(-180, 180, 13), np.linspace(-90, 90, 13))
    x, y = project(longitude, latitude)
    assert np.allclose(x, -project(-longitude, latitude)[0])
    assert np.allclose(y, -project(longitude, -latitude)[1])
    assert project(0, 0) == (0, 0)


def test_every_country_is_on_the_map():
    """Each country of the table of regions has a place, but for Antarctica; codes are unique."""
    outlines = load_outlines()
    assert all_countries() - set(outlines) == {"Antarctica"}
    # Kosovo has an outline; the standard has no entry for it.
    assert set(outlines) - all_countries() == {"Kosovo"}
    codes = [outline.code for outline in outlines.values()]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == 3 and code.isupper() for code in codes)


def test_outlines_are_closed_and_hold_their_place():
    """Rings are closed and on the globe; the place lies in one of them."""
    for outline in load_outlines().values():
        for ring in outline.rings:
            assert np.array_equal(ring[0], ring[-1])
            assert np.abs(ring).max(axis=0)[0] <= 180
            assert np.abs(ring).max(axis=0)[1] <= 90
        if outline.rings:
            assert any(holds(ring, outline.place) for ring in outline.rings), outline.country


def test_no_place_lies_in_another_country():
    """Small countries lie in the sea, or in the country that surrounds them at this scale."""
    outlines = load_outlines()
    around = {"Holy See": "Italy", "San Marino": "Italy", "Singapore": "Malaysia"}
    around |= {"Hong Kong": "China", "Macao": "China", "Liechtenstein": "Switzerland"}
    around |= {"Andorra": "France", "Monaco": "France", "Gibraltar": "Spain"}
    for small in (each for each in outlines.values() if not each.rings):
        found = {
            other.country
            for other in outlines.values()
            if any(holds(ring, small.place) for ring in other.rings)
        }
        assert found <= {around.get(small.country)}, (small.country, found)


def test_small_countries_lie_near_their_neighbours():
    """A place written by hand is within its sub-region's reach: no sign or order is wrong."""
    outlines = load_outlines()
    near = {"Malta": "Italy", "Singapore": "Malaysia", "Hong Kong": "China", "Bahrain": "Qatar"}
    near |= {"Barbados": "Trinidad and Tobago", "Mauritius": "Madagascar", "Samoa": "Fiji"}
    near |= {"Cabo Verde": "Senegal", "Maldives": "Sri Lanka", "Faroe Islands": "Iceland"}
    near |= {"Andorra": "Spain", "Bermuda": "United States", "Guam": "Papua New Guinea"}
    for small, large in near.items():
        # The distance from east to west goes round the globe.
        degrees = np.subtract(outlines[small].place, outlines[large].place)
        degrees[0] = (degrees[0] + 180) % 360 - 180
        assert np.abs(degrees).max() < 35, small


def test_the_file_says_where_it_is_from_and_is_small():
    """Origin, licence and changes stand in the file itself."""
    about = json.loads(OUTLINES_FILE.read_text(encoding="utf-8"))["about"]
    assert "Natural Earth" in about["origin"]
    assert "Public domain" in about["licence"]
    assert about["changes"]
    assert OUTLINES_FILE.stat().st_size < 150_000


def make_counts():
    """Count three countries, one that is empty, and rows that are no country."""
    return pd.DataFrame(
        {
            "country": ["Malta", "Italy", "Spain", "Unknown", "<b>Atlantis</b>", "Chile"],
            "n": [8, 143, 72, 56, 1, 0],
        }
    )


def test_every_row_is_placed_or_said_not_to_be():
    """Counts are neither lost nor put somewhere; the largest comes first."""
    result = place_counts(make_counts())
    assert list(result.placed["country"]) == ["Italy", "Spain", "Malta"]
    assert list(result.unplaced["country"]) == ["Unknown", "<b>Atlantis</b>"]
    assert np.isfinite(result.placed[["x", "y"]].to_numpy()).all()
    again = place_counts(make_counts().sample(frac=1, random_state=3)).placed
    pd.testing.assert_frame_equal(again, result.placed)


def test_an_empty_table_is_placed():
    """No row is no error."""
    result = place_counts(make_counts().iloc[:0])
    assert result.placed.empty
    assert result.unplaced.empty
    assert {"x", "y"} <= set(result.placed.columns)


def test_a_table_by_something_else_is_refused():
    """The message names the column that is missing."""
    with pytest.raises(SelectionError, match="'country'"):
        place_counts(pd.DataFrame({"region": ["Asia"], "n": [1]}))


@pytest.mark.skipif("CXR_DATA" not in os.environ, reason="the real collection is not at hand")
def test_the_collections_countries_are_all_on_the_map(real_root):
    """All forty countries have a place; only what is not recorded has none."""
    table = summarise(load_cohort(real_root), "country").table
    result = place_counts(table)
    assert len(result.placed) == 40
    assert list(result.unplaced["country"]) == ["Unknown"]
    assert result.placed["n"].sum() + result.unplaced["n"].sum() == table["n"].sum()
    assert all(find_place(country) for country in result.placed["country"])
