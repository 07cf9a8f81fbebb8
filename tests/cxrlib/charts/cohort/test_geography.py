"""Circles on a map, ordered bars: every count is drawn once, nothing is a rate."""

import re

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.cohort import (
    describe_places,
    describe_unplaced,
    describe_world,
    plot_places,
    plot_world,
)
from cxrlib.charts.style import PALETTES, REGIONS, contrast, read_click, region_rim, text_width
from cxrlib.cohort import load_cohort
from cxrlib.summary import summarise
from tests.cohort_factory import make_cohort

PLACES = [
    ("Europe", "Southern Europe", "Italy", 120, 87),
    ("Europe", "Southern Europe", "Malta", 8, 4),
    ("Asia", "Eastern Asia", "China", 30, 21),
    ("Oceania", "Polynesia", "Samoa", 1, 1),
    ("Unknown", "Unknown", "<b>Atlantis</b>", 2, 2),
    ("Unknown", "Unknown", "Unknown", 52, 33),
]


def make_counts(unit="image"):
    """Count six places, two of which are on no map."""
    table = pd.DataFrame(
        PLACES, columns=["region", "sub_region", "country", "n_images", "n_patients"]
    )
    return table.assign(unit=unit, n=table[f"n_{unit}s"], row=table["country"])


def circles(figure):
    """Return the traces of circles."""
    return [trace for trace in figure.data if trace.mode == "markers"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_country_has_a_circle(theme):
    """Small countries too; each carries its filter, and says its count."""
    drawn = {
        read_click(click)["country"]: hover
        for trace in circles(plot_world(make_counts(), theme=theme))
        for click, hover in zip(trace.customdata, trace.hovertext, strict=True)
    }
    assert set(drawn) == {"Italy", "Malta", "China", "Samoa"}
    assert drawn["Malta"] == "<b>Malta</b> (Southern Europe): 8 images of 4 patients"


def test_areas_are_counts():
    """A circle's area grows with its count; the least can still be hit."""
    sizes = {
        click[1]: size
        for trace in circles(plot_world(make_counts()))
        for click, size in zip(trace.customdata, trace.marker.size, strict=True)
    }
    assert (sizes["Italy"] / sizes["China"]) ** 2 == pytest.approx(120 / 30)
    assert min(sizes.values()) >= 9


def test_circles_lie_within_the_map():
    """Also those of islands beyond the usual extent."""
    figure = plot_world(make_counts())
    for trace in circles(figure):
        for axis, values in ((figure.layout.xaxis, trace.x), (figure.layout.yaxis, trace.y)):
            assert all(axis.range[0] < value < axis.range[1] for value in values)


def test_the_map_asks_nothing_of_the_network():
    """There is no trace and no layout of Plotly's own maps, which fetch their outlines."""
    figure = plot_world(make_counts())
    assert {trace.type for trace in figure.data} == {"scatter"}
    assert not {"geo", "map", "mapbox"} & set(figure.layout.to_plotly_json())
    assert len(figure.to_json()) < 200_000


def test_no_number_is_a_rate():
    """Counts by country say nothing of a country."""
    for figure in (plot_world(make_counts()), plot_places(make_counts(), level="country")):
        words = [str(text) for trace in figure.data for text in (trace.hovertext or ())]
        assert not any("%" in text or "per" in text.split() for text in words)


def test_words_say_what_is_not_drawn():
    """The text alternative names the largest, and counts those without a place."""
    words = describe_world(make_counts())
    assert "circles for 4 countries" in words
    assert "Italy 120" in words
    assert "Not on the map: 54 images without a recorded" in words


def test_where_no_country_is_known_the_map_says_so():
    """Words in place of circles, on the map and in its alternative, and how many are not drawn."""
    counts = make_counts()
    counts = counts[counts["region"] == "Unknown"]
    figure = plot_world(counts)
    assert figure.layout.annotations[0].text.startswith("No image has a recorded country")
    assert "No image has a recorded country" in describe_world(counts)
    assert describe_unplaced(counts).startswith(f"Not on the map: {counts['n'].sum()} ")
    assert not describe_unplaced(make_counts().query("country == 'Italy'"))


@pytest.mark.parametrize("width", [500, 900, 1400])
def test_labels_and_circles_are_within_the_map(width):
    """On a narrow and a wide page, few and far ones at the edges too."""
    table = make_counts()
    far = ["New Zealand", "Fiji", "Tonga", "Japan"]
    rows = table.head(1).drop(columns=["country", "region"])
    edge = pd.concat(
        [rows.assign(country=name, region="Oceania", n=3 + i) for i, name in enumerate(far)]
    )
    for counts in (table, edge):
        figure = plot_world(counts)
        low, high = figure.layout.xaxis.range
        scale = width / (high - low)
        for note in figure.layout.annotations:
            middle = (note.x - low) * scale + note.ax
            half = text_width(note.text) / 2
            assert middle - half >= 0, note.text
            assert middle + half <= width, note.text
        for trace in figure.data:
            for x, size in zip(trace.x, trace.marker.size or (), strict=False):
                assert size / 2 <= (x - low) * scale <= width - size / 2


def test_bars_are_ordered_and_unknown_is_last():
    """By count; what is not recorded stands last however large it is, hatched."""
    figure = plot_places(make_counts(), level="country")
    (bars,) = figure.data
    assert list(bars.x) == [120, 30, 8, 1, 52, 2]
    assert list(bars.marker.pattern.shape) == ["", "", "", "", "/", "/"]
    assert [read_click(click)["country"] for click in bars.customdata][:2] == ["Italy", "China"]


def test_the_others_are_added_up():
    """No count is lost where only the largest have a bar; the sum filters nothing."""
    figure = plot_places(make_counts(), level="country", n_most=1)
    (bars,) = figure.data
    assert sum(bars.x) == sum(row[3] for row in PLACES)
    assert "3 other countries" in figure.layout.yaxis.ticktext
    assert not read_click(list(bars.customdata[1]))


def test_markup_in_names_is_text():
    """A country from a file is not read as markup."""
    counts = make_counts()
    figure = plot_places(counts, level="country")
    texts = [*figure.layout.yaxis.ticktext, *figure.data[0].hovertext]
    assert not any("<b>Atlantis" in text for text in texts)
    assert any("&lt;b&gt;Atlantis" in text for text in texts)
    assert "<b>Atlantis</b>" in describe_places(counts, level="country")


@pytest.mark.parametrize("unit", ["image", "patient"])
def test_a_cohorts_own_tables_are_drawn(tmp_path, unit):
    """The tables of a cohort have what the charts need, by region and by country."""
    rows = [{"patientid": i // 2, "location": place} for i, place in enumerate(
        ["Rome, Italy", "Italy", "Malta", "", "Samoa"]
    )]  # fmt: skip
    cohort = load_cohort(make_cohort(tmp_path / "cohort", rows))
    counts = summarise(cohort, "country", unit=unit).table
    assert sum(len(trace.x) for trace in circles(plot_world(counts))) == 3
    for by, level in (("region", "region"), ("sub-region", "sub_region"), ("country", "country")):
        table = summarise(cohort, by, unit=unit).table
        (bars,) = plot_places(table, level=level).data
        assert sum(bars.x) == table["n"].sum()
        assert describe_places(table, level=level).startswith("Bars by ")


def test_an_empty_selection_is_said():
    """No row is a chart with words, not an error."""
    empty = make_counts().iloc[:0]
    assert "Widen the filters" in plot_places(empty).layout.annotations[0].text
    assert "No image has" in plot_world(empty).layout.annotations[0].text
    assert describe_world(empty)
    assert describe_places(empty)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("region", sorted(REGIONS))
def test_regions_are_seen_in_both_themes(theme, region):
    """The rim of a region's colour reaches 3 to 1 on the page; known colours stay their own."""
    page = PALETTES[theme].page
    assert contrast(region_rim(region, theme), page) >= 3
    if contrast(REGIONS[region], page) >= 3.5:
        assert region_rim(region, theme) == REGIONS[region]


def test_labels_do_not_cover_each_other():
    """Names of neighbours are placed apart."""
    rows = [("Europe", "", name, 50, 40) for name in ("Austria", "Hungary", "Slovenia", "Croatia")]
    columns = ["region", "sub_region", "country", "n_images", "n_patients"]
    counts = pd.DataFrame(rows, columns=columns).assign(unit="image", n=50)
    notes = [note for note in plot_world(counts).layout.annotations if note.showarrow]
    assert len(notes) == 4
    scale = 900 / (2.62 + 2.36)
    spots = np.array([(note.x * scale + note.ax, note.y * scale - note.ay) for note in notes])
    for first in range(4):
        for second in range(first):
            apart = np.abs(spots[first] - spots[second])
            widths = [len(re.sub("<.*?>", "", notes[i].text)) * 7.6 for i in (first, second)]
            assert apart[1] > 14 or apart[0] > sum(widths) / 2 - 2
