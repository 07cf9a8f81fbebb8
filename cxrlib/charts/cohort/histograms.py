"""Histograms of ages, days and image sizes. Blanks have a bar of their own."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.charts.style import (
    MARGIN,
    PALETTES,
    STILL,
    Palette,
    Theme,
    add_heading,
    chart_template,
    mix,
    note_empty,
    pale_marker,
)
from cxrlib.number_text import FEW, format_tenths, format_units

HEIGHT = 320  # pixels
LEFT, BELOW = 52, 62  # margins for tick labels and a title, in pixels
AGE_STEP, OLDEST = 5, 110  # years
#: Days with a bar each; before and after them a bar is many days.
FIRST_DAY, LAST_DAY = -7, 30
#: Ends of the wide bars, the last day of each before, the first day of each after.
BEFORE, AFTER = (-91, -31, -8), (31, 61, 121)
#: Room that a wide bar takes on the axis, in days: its label has two lines.
WIDE = 5.0
#: Pixels of two more lines, for the labels of every other one of them.
LOWER = 36
#: The code of the collection's authors for "a few days", besides itself.
FEW_DAYS = 5
N_SIZE_BINS = 30
SIDES = ("height", "width")
TOO_FEW = "too few for a median"


@dataclass(frozen=True)
class _Bins:
    """Hold counted bars: their middles on the axis, and the label of each."""

    middles: NDArray[np.float64]
    counts: NDArray[np.int64]
    labels: tuple[str, ...]


def _start(theme: Theme, height: int, title: str, unit: str) -> go.Figure:
    """Return a figure with an axis of counts and a title under it."""
    figure = go.Figure(layout={"template": chart_template(theme)})
    return figure.update_layout(
        height=height,
        showlegend=False,
        dragmode=False,
        bargap=0.12,
        margin={"l": LEFT, "b": BELOW},
        xaxis={"title_text": title, "fixedrange": True, "ticks": "outside"},
        yaxis={"title_text": f"{unit.capitalize()}s", "showgrid": True, "fixedrange": True},
    )


def _add_bars(
    figure: go.Figure,
    bins: _Bins,
    unit: str,
    marker: dict[str, object],
    options: dict[str, object] | None = None,
) -> None:
    """Draw bars, each described by its hover text."""
    figure.add_bar(
        x=bins.middles.tolist(),
        y=bins.counts.tolist(),
        marker=marker,
        hoverinfo="text",
        hovertext=[
            f"{words[:1].upper()}{words[1:]}: {format_units(int(n), unit)}"
            for words, n in zip(bins.labels, bins.counts, strict=True)
        ],
        **STILL,
        **(options or {}),
    )


def _add_blank(figure: go.Figure, place: float, n_blank: int, unit: str, palette: Palette) -> None:
    """Draw the bar of what is not recorded, its count above it."""
    bins = _Bins(np.array([place]), np.array([n_blank]), ("not recorded",))
    _add_bars(
        figure,
        bins,
        unit,
        pale_marker(palette),
        {
            "text": [f"{n_blank:,}"],
            "textposition": "outside",
            "constraintext": "none",
            "textangle": 0,
            "cliponaxis": False,
        },
    )


# ---- ages


def plot_ages(ages: pd.DataFrame, *, unit: str = "patient", theme: Theme = "light") -> go.Figure:
    """Plot ages in steps of five years, with the median and its quartiles unless they are few.

    Parameters
    ----------
    ages : DataFrame
        With a column ``age`` (years, NaN where not recorded), such as
        `cxrlib.summary.list_ages` gives.
    unit : str, default "patient"
        What a row is.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Ages below 0 or above 110 years are counted in the last bar but one.
    """
    palette = PALETTES[theme]
    figure = _start(theme, HEIGHT, "Age (years)", unit)
    if ages.empty:
        return note_empty(figure)
    known, n_absurd, n_blank = _part_ages(ages)
    edges = np.arange(0, OLDEST + 1, AGE_STEP)
    counts = np.histogram(known, edges)[0]
    words = tuple(f"age {low} to {low + AGE_STEP - 1}" for low in edges[:-1])
    middles = edges[:-1].astype(np.float64) + AGE_STEP / 2
    _add_bars(figure, _Bins(middles, counts, words), unit, {"color": palette.accent})
    ticks = {float(age): str(age) for age in range(0, 101, 10)}
    blank = OLDEST + 2.5 * AGE_STEP
    _add_blank(figure, blank, n_blank, unit, palette)
    ticks[blank] = "not<br>recorded"
    if n_absurd:
        absurd = _Bins(
            np.array([OLDEST + AGE_STEP / 2]),
            np.array([n_absurd]),
            (f"age below 0 or from {OLDEST} years",),
        )
        _add_bars(figure, absurd, unit, {"color": palette.quiet})
        ticks[OLDEST + AGE_STEP / 2] = "out of<br>range"
        del ticks[100.0]
    figure.update_xaxes(
        tickvals=list(ticks), ticktext=list(ticks.values()), range=[-1, blank + AGE_STEP]
    )
    if len(known) >= FEW:
        _mark_median(figure, known, palette)
    return figure


def _part_ages(ages: pd.DataFrame) -> tuple[NDArray[np.float64], int, int]:
    """Return ages to draw, and how many are absurd and not recorded."""
    values = ages["age"].to_numpy(dtype=float, na_value=np.nan)
    is_blank = np.isnan(values)
    is_usual = (values >= 0) & (values < OLDEST)
    return values[is_usual], int((~is_usual & ~is_blank).sum()), int(is_blank.sum())


def _mark_median(figure: go.Figure, known: NDArray[np.float64], palette: Palette) -> None:
    """Draw the median as a line over the bars, with its value above."""
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    figure.add_shape(
        type="line", x0=middle, x1=middle, y0=0, y1=1, yref="paper",
        line={"color": palette.ink, "width": 1.5, "dash": "dot"},
    )  # fmt: skip
    figure.add_annotation(
        x=middle,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=f"median {format_tenths(middle)} "
        f"(quartiles {format_tenths(low)}-{format_tenths(high)})",
    )


def describe_ages(ages: pd.DataFrame, *, unit: str = "patient") -> str:
    """Describe what `plot_ages` shows: its text alternative.

    Examples
    --------
    >>> describe_ages(pd.DataFrame({"age": [20.0, 40.0, 60.0, None] * 4}))
    'A histogram of the age of 12 patients: median 40 years (quartiles 20-60). 4 have no age.'
    >>> describe_ages(pd.DataFrame({"age": [20.0, 40.0, 60.0, None]}))
    'A histogram of the age of 3 patients: 20 to 60 years, too few for a median. 1 has no age.'
    """
    known, n_absurd, n_blank = _part_ages(ages)
    if not len(known):
        return f"An empty histogram: no {unit} has a recorded age."
    least, low, middle, high, most = map(format_tenths, np.quantile(known, [0, 0.25, 0.5, 0.75, 1]))
    middle_words = f"median {middle} years (quartiles {low}-{high})"
    few_words = f"{least} to {most} years, {TOO_FEW}"
    absurd = f", {n_absurd:,} an age out of range" if n_absurd else ""
    return (
        f"A histogram of the age of {format_units(len(known), unit)}: "
        f"{few_words if len(known) < FEW else middle_words}. "
        f"{n_blank:,} {'has' if n_blank == 1 else 'have'} no age{absurd}."
    )


# ---- days


def plot_offsets(offsets: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Plot the day of each image: one bar per day near day 0, wider bins far from it.

    Day 0 is symptom onset or admission; which one is not recorded. No day is left out: the
    outermost bins are open.

    Parameters
    ----------
    offsets : DataFrame
        With a column ``offset`` (days, NaN where not recorded), such as
        `cxrlib.summary.list_offsets` gives.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        The axis is broken where the wider, paler bins begin.
    """
    palette = PALETTES[theme]
    title = "Day since symptoms or admission<br>(which one is not recorded)"
    figure = _start(theme, HEIGHT, title, "image")
    if offsets.empty:
        return note_empty(figure)
    daily, wide, n_blank = count_days(offsets)
    _add_bars(figure, daily, "image", {"color": palette.accent})
    _add_bars(
        figure,
        wide,
        "image",
        {
            "color": mix(palette.accent, palette.page, 0.45),
            "line": {"width": 1, "color": palette.accent},
        },
    )
    last = float(wide.middles[-1]) + WIDE
    _add_blank(figure, last, n_blank, "image", palette)
    weeks = range(FIRST_DAY, LAST_DAY, 7)
    ticks = {float(day): f"{day}".replace("-", "−") for day in weeks}
    ticks |= _break_labels(wide)
    ticks[last] = "not<br>recorded"
    figure.update_xaxes(
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        tickangle=0,
        range=[float(wide.middles[0]) - WIDE / 2, last + WIDE / 2],
    )
    below, above = BELOW + 36 + LOWER, MARGIN["t"] + 18
    figure.update_layout(margin={"b": below, "t": above}, height=HEIGHT + 54 + LOWER)
    _mark_breaks(figure, palette)
    _mark_few(figure, daily, palette)
    return figure


def count_days(offsets: pd.DataFrame) -> tuple[_Bins, _Bins, int]:
    """Count days near day 0 one by one, and others in wider bins with open ends.

    Returns
    -------
    daily, wide : _Bins
        Each recorded day is in one of them; half days belong to the day they are part of.
    n_blank : int
        Images without a day.
    """
    values = np.floor(offsets["offset"].to_numpy(dtype=float, na_value=np.nan))
    known = values[~np.isnan(values)]
    edges = np.array(
        [-np.inf, *(day + 1 for day in BEFORE[:-1]), *range(FIRST_DAY, AFTER[0]), *AFTER]
    )
    counts = np.bincount(np.searchsorted(edges, known, side="right") - 1, minlength=len(edges))
    n_wide = len(BEFORE)
    days = np.arange(FIRST_DAY, LAST_DAY + 1)
    daily = _Bins(
        days.astype(float),
        counts[n_wide : n_wide + len(days)],
        tuple(f"day {day}".replace("-", "−") for day in days),
    )
    middles = [
        *(FIRST_DAY - WIDE * (n_wide - place) for place in range(n_wide)),
        *(LAST_DAY + WIDE * (place + 1) for place in range(len(AFTER))),
    ]
    beyond = np.concatenate([counts[:n_wide], counts[n_wide + len(days) :]])
    return daily, _Bins(np.array(middles), beyond, _label_bins()), len(values) - len(known)


def _label_bins() -> tuple[str, ...]:
    """Label the wider bins by their first and last day."""
    pairs = list(zip([day + 1 for day in BEFORE[:-1]], BEFORE[1:], strict=True))
    later = list(zip(AFTER[:-1], [day - 1 for day in AFTER[1:]], strict=True))
    names = [
        f"before day {BEFORE[0] + 1}",
        *(f"days {first} to {last}" for first, last in (*pairs, *later)),
        f"after day {AFTER[-1] - 1}",
    ]
    return tuple(name.replace("-", "−") for name in names)


def _break_labels(wide: _Bins) -> dict[float, str]:
    """Label the wide bars by turns higher and lower: side by side they would touch on a phone.

    Next to a day's label stands a lower one.
    """
    n_before = len(BEFORE)
    lower = [(n_before - place) % 2 == 1 for place in range(n_before)]
    lower += [place % 2 == 0 for place in range(len(AFTER))]
    return {
        float(place): f"{'<br><br>' if is_lower else ''}{_break(words)}"
        for place, words, is_lower in zip(wide.middles, wide.labels, lower, strict=True)
    }


def _break(words: str) -> str:
    """Break the label of a wider bin into two lines."""
    short = words.replace("days ", "").replace("day ", "")
    first, _, rest = short.partition(" ")
    return (
        f"{first}<br>{rest}" if first in ("before", "after") else short.replace(" to ", "<br>to ")
    )


def _mark_breaks(figure: go.Figure, palette: Palette) -> None:
    """Draw where the axis breaks, and label the wider bins beyond."""
    for place, anchor, shift in (
        (FIRST_DAY - WIDE / 2, "right", -6),
        (LAST_DAY + WIDE / 2, "left", 6),
    ):
        figure.add_shape(
            type="line", x0=place, x1=place, y0=0, y1=1, yref="paper",
            line={"color": palette.quiet, "width": 1, "dash": "dash"},
        )  # fmt: skip
        figure.add_annotation(
            x=place, y=1, yref="paper", yanchor="bottom", xanchor=anchor, xshift=shift,
            text="wider<br>bins", font={"color": palette.quiet},
        )  # fmt: skip


def _mark_few(figure: go.Figure, daily: _Bins, palette: Palette) -> None:
    """Mark that day 5 is also a code, where it has a bar."""
    n_few = int(daily.counts[FEW_DAYS - FIRST_DAY])
    if not n_few:
        return
    figure.add_annotation(
        x=FEW_DAYS, y=n_few, ax=14, ay=-56, xanchor="left", showarrow=True, arrowhead=0,
        arrowwidth=1, arrowcolor=palette.quiet, standoff=2,
        text="day 5 also means<br>“a few days”", align="left", font={"color": palette.quiet},
    )  # fmt: skip


def describe_offsets(offsets: pd.DataFrame) -> str:
    """Describe what `plot_offsets` shows: its text alternative.

    Examples
    --------
    >>> describe_offsets(pd.DataFrame({"offset": [-360.0, 2.0, 5.0] * 4 + [None]}))
    'A histogram of the day of 12 images, from day −360 to day 5: median 2. 1 image has no day.'
    """
    known = offsets["offset"].dropna().to_numpy(dtype=float)
    if not len(known):
        return "An empty histogram: no image has a day."
    n_blank = len(offsets) - len(known)
    middle = TOO_FEW if len(known) < FEW else f"median {np.median(known):g}"
    ends = f"from day {known.min():g} to day {known.max():g}: {middle}"
    return (
        f"A histogram of the day of {format_units(len(known), 'image')}, "
        f"{ends.replace('-', '−')}. "
        f"{format_units(n_blank, 'image')} {'has' if n_blank == 1 else 'have'} no day."
    )


# ---- sizes


def plot_sizes(sizes: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Plot heights and widths of image files, one over the other on one axis.

    Parameters
    ----------
    sizes : DataFrame
        With columns ``height`` and ``width`` (pixels, NaN where the file cannot be read), such as
        `cxrlib.summary.list_image_sizes` gives.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
    """
    palette = PALETTES[theme]
    figure = _start(theme, HEIGHT + 80, "Pixels", "image")
    known = {side: _read_side(sizes, side) for side in SIDES}
    if not sum(map(len, known.values())):
        return note_empty(figure, "No image file could be measured.")
    edges = _choose_edges(np.concatenate(list(known.values())))
    words = tuple(f"{low:,} to {high - 1:,} pixels" for low, high in itertools.pairwise(edges))
    most = 0
    for place, (side, values) in enumerate(known.items()):
        counts = np.histogram(values, edges)[0]
        most = max(most, int(counts.max()))
        bins = _Bins((edges[:-1] + edges[1:]) / 2, counts, tuple(f"{side} {w}" for w in words))
        axis = f"y{place + 1}"
        _add_bars(figure, bins, "image", {"color": palette.accent}, {"yaxis": axis})
        add_heading(figure, _describe_side(side, sizes), x=0, palette=palette)
        # From the chart's edge, not from the bars': a narrow page has no room to give away.
        figure.layout.annotations[-1].update(
            y=1.0 if place == 0 else 0.44, xshift=MARGIN["l"] - LEFT
        )
    counted = {
        "range": [0, most * 1.08],
        "showgrid": True,
        "fixedrange": True,
        "title_text": "Images",
    }
    figure.update_layout(
        yaxis={**counted, "domain": [0.56, 1]},
        yaxis2={**counted, "domain": [0, 0.44], "anchor": "x"},
        xaxis={"anchor": "y2", "tickformat": ",", "range": [0, float(edges[-1])]},
    )
    return figure


def _read_side(sizes: pd.DataFrame, side: str) -> NDArray[np.float64]:
    values = sizes[side].to_numpy(dtype=float, na_value=np.nan)
    return values[~np.isnan(values)]


def _choose_edges(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose round edges for all sizes in about thirty bars."""
    steps = [base * 10**power for power in range(7) for base in (1, 2, 5)]
    step = next((s for s in steps if values.max() / s <= N_SIZE_BINS), steps[-1])
    return np.arange(int(values.max() // step) + 2) * step


def _describe_side(side: str, sizes: pd.DataFrame) -> str:
    values = _read_side(sizes, side)
    if not len(values):
        return f"{side.capitalize()}: not known"
    n_blank = len(sizes) - len(values)
    blank = f"; {n_blank:,} not known" if n_blank else ""
    ends = f"{values.min():,.0f} to {values.max():,.0f}"
    if len(values) < FEW:
        return f"{side.capitalize()}: {ends} pixels, {TOO_FEW}{blank}"
    return f"{side.capitalize()}: median {np.median(values):,.0f} pixels, {ends}{blank}"


def describe_sizes(sizes: pd.DataFrame) -> str:
    """Describe what `plot_sizes` shows: its text alternative.

    Examples
    --------
    >>> print(describe_sizes(pd.DataFrame({"height": [100.0, 300.0] * 5, "width": [None] * 10})))
    Histograms of 10 images. Height: median 200 pixels, 100 to 300. Width: not known.
    """
    parts = [_describe_side(side, sizes) for side in SIDES]
    return f"Histograms of {format_units(len(sizes), 'image')}. {'. '.join(parts)}."
