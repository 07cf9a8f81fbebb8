"""Histograms: each row is counted in one bar, however absurd, and blanks have their own."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cxrlib.charts.cohort import (
    describe_ages,
    describe_offsets,
    describe_sizes,
    plot_ages,
    plot_offsets,
    plot_sizes,
)
from cxrlib.charts.cohort.histograms import FIRST_DAY, LAST_DAY, WIDE, count_days

RNG = np.random.default_rng(11)
AGES = pd.DataFrame(
    {"age": [*RNG.integers(0, 100, 60), 0.0, 109.0, 110.0, 999.0, -3.0, *[None] * 7]}
)
DAYS = pd.DataFrame(
    {"offset": [-9999, -360, -91, -90, -31, -30, -8, -7, 0, 2.5, 5, 5, 30, 31, 60, 61, 120, 121,
                365, 1e9, None, None]}
)  # fmt: skip
SIZES = pd.DataFrame({"height": [100.0, 4000, 300, None], "width": [1.0, 2000, 999, 1000]})


def bars(figure):
    """Return hover text and count of each bar."""
    return {
        text: int(count)
        for trace in figure.data
        for text, count in zip(trace.hovertext, trace.y, strict=True)
        if count
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("plot", "table", "n"),
    [(plot_ages, AGES, 72), (plot_offsets, DAYS, 22), (plot_sizes, SIZES, 7)],
)
def test_each_row_is_in_one_bar(plot, table, n, theme):
    """Bars add up to the rows; sizes count both sides of a known file."""
    assert sum(bars(plot(table, theme=theme)).values()) == n


@pytest.mark.parametrize("plot", [plot_ages, plot_offsets, plot_sizes])
def test_the_order_of_rows_changes_nothing(plot):
    """Shuffled rows give the same figure."""
    table = {plot_ages: AGES, plot_offsets: DAYS, plot_sizes: SIZES}[plot]
    assert plot(table.sample(frac=1, random_state=1)).to_json() == plot(table).to_json()


def test_ages_are_counted_by_their_bar():
    """A slow count of each bar agrees."""
    drawn = bars(plot_ages(AGES))
    for low in range(0, 110, 5):
        n = sum(low <= age < low + 5 for age in AGES["age"])
        words = f"Age {low} to {low + 4}: {n} patient{'' if n == 1 else 's'}"
        assert (words in drawn) == (n > 0)
    assert drawn["Not recorded: 7 patients"] == 7
    assert drawn["Age below 0 or from 110 years: 3 patients"] == 3


def test_days_are_counted_by_their_bar():
    """A day each near the start, many days a bar far from it, open at both ends."""
    drawn = bars(plot_offsets(DAYS))
    assert drawn["Before day −90: 3 images"] == 3
    assert drawn["Days −90 to −31: 2 images"] == 2
    assert drawn["Days −30 to −8: 2 images"] == 2
    assert drawn["Day −7: 1 image"] == 1
    assert drawn["Day 2: 1 image"] == 1
    assert drawn["Day 5: 2 images"] == 2
    assert drawn["Day 30: 1 image"] == 1
    assert drawn["Days 31 to 60: 2 images"] == 2
    assert drawn["Days 61 to 120: 2 images"] == 2
    assert drawn["After day 120: 3 images"] == 3
    assert drawn["Not recorded: 2 images"] == 2


def test_no_two_bars_of_days_share_a_place():
    """Bars stand apart along the axis, in the order of their days."""
    daily, wide, n_blank = count_days(DAYS)
    places = np.sort(np.concatenate([daily.middles, wide.middles]))
    assert np.diff(places).min() >= 1
    assert daily.counts.sum() + wide.counts.sum() + n_blank == len(DAYS)


def test_day_five_is_explained_where_it_is_drawn():
    """The code for "a few days" is said beside its bar, and only there."""
    assert any("a few days" in note.text for note in plot_offsets(DAYS).layout.annotations)
    without = plot_offsets(DAYS[DAYS["offset"] != 5])
    assert not any("a few days" in note.text for note in without.layout.annotations)


def test_the_axis_does_not_say_from_when():
    """The record does not say whether days count from symptoms or admission."""
    assert "which one is not recorded" in plot_offsets(DAYS).layout.xaxis.title.text


def test_words_fit_a_telephone():
    """Each line of a title or a note has room on 360 pixels, about 7 a sign."""
    sizes = pd.concat([SIZES] * 5)
    for figure in (plot_ages(AGES), plot_offsets(DAYS), plot_sizes(sizes)):
        texts = [figure.layout.xaxis.title.text, *(note.text for note in figure.layout.annotations)]
        assert max(len(line) for text in texts for line in text.split("<br>")) <= 52
    heads = plot_sizes(SIZES).layout.annotations
    assert all(note.xshift < -40 for note in heads)


def test_words_count_what_is_not_known():
    """Text alternatives say medians and blanks."""
    assert "7 have no age, 3 an age out of range" in describe_ages(AGES)
    assert "2 images have no day" in describe_offsets(DAYS)
    assert "1 not known" in describe_sizes(SIZES)


def test_half_years_are_written():
    """A median between two ages is that half, not the even one of them."""
    ages = pd.DataFrame({"age": [44.0, 58.0, 59.0, 70.0] * 3})
    assert "median 58.5 years (quartiles 54.5-61.8)" in describe_ages(ages)
    texts = [note.text for note in plot_ages(ages).layout.annotations]
    assert "median 58.5 (quartiles 54.5-61.8)" in texts


@pytest.mark.parametrize("plot", [plot_ages, plot_offsets, plot_sizes])
def test_nothing_recorded_is_drawn_or_said(plot):
    """An empty selection says so; rows without a value are a bar of what is not recorded."""
    table = pd.DataFrame({"age": [None, None], "offset": None, "height": None, "width": None})
    table = table.astype(float)
    assert "Widen the filters" in plot(table.iloc[:0]).layout.annotations[0].text
    if plot is not plot_sizes:
        assert sum(bars(plot(table)).values()) == 2
    assert describe_ages(table)
    assert describe_offsets(table)
    assert describe_sizes(table)


def test_labels_of_wide_bars_stand_in_two_rows():
    """Side by side they would touch on a narrow page; nor may one touch a day's label."""
    axis = plot_offsets(DAYS).layout.xaxis
    labels = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    places = sorted(labels)
    is_lower = [labels[place].startswith("<br><br>") for place in places]
    for (left, right), (low, next_low) in zip(pairwise(places), pairwise(is_lower), strict=True):
        if left < FIRST_DAY or right > LAST_DAY:
            assert low != next_low or right - left > WIDE
    assert labels[places[-1]] == "not<br>recorded"
