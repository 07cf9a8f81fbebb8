"""Colours of a map's points by a column or an output, and their legend."""

from collections.abc import Sequence
from typing import NamedTuple

from cxrlib.charts.style import REGIONS, Palette, Theme, outline, safe_text
from cxrlib.maps import Colouring

#: Width that keys are laid out for, in pixels: a map beside a panel on a laptop.
KEY_WIDTH = 640
#: A mark in a key with its gaps, and a letter, in pixels.
KEY_MARK, LETTER = 46, 8.0
#: Longest name of a category in a key, in letters.
LONGEST = 24
#: Tol's "muted" colours, in an order that keeps the first few far apart.
CATEGORIES = (
    "#332288", "#DDCC77", "#44AA99", "#CC6677", "#88CCEE", "#882255", "#117733", "#AA4499",
)  # fmt: skip
OTHER = "#A7998A"
#: Cividis, from low to high, without the end that is too near to the page.
CIVIDIS = (
    "#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369",
    "#E1CC55", "#FEE838",
)  # fmt: skip


class Ink(NamedTuple):
    """Hold the colour of a mark's inside and of its outline."""

    fill: str
    rim: str


def pick_inks(colouring: Colouring, theme: Theme) -> list[Ink]:
    """Pick the colour of each category, far enough from the page."""
    colours = [_find_colour(key) for key in colouring.keys]
    return [Ink(colour, outline(colour, theme)) for colour in colours]


def missing_ink(palette: Palette) -> str:
    """Return the outline of marks without a value; they are hollow."""
    return palette.rims["unknown"]


def _find_colour(key: str) -> str:
    """Return the colour that a category's key stands for."""
    palette, _, value = key.partition(" ")
    if palette == "region":
        return REGIONS.get(value, OTHER)
    return CATEGORIES[int(value) % len(CATEGORIES)] if palette == "rank" else OTHER


def number_ramp(theme: Theme) -> tuple[str, ...]:
    """Return the colours of numbers from low to high; high stands out from the page."""
    return CIVIDIS[7::-1] if theme == "light" else CIVIDIS[3:]


def format_categories(colouring: Colouring) -> list[str]:
    """Format each category with its count, escaped for Plotly.

    Of a path such as "Pneumonia/Viral/COVID-19" the last part is shown where it says enough.
    """
    tails = [name.rsplit("/", 1)[-1] for name in colouring.names]
    short = tails if len(set(tails)) == len(tails) else list(colouring.names)
    return [
        f"{safe_text(_cut(name))}: {n:,}" for name, n in zip(short, colouring.counts, strict=True)
    ]


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def count_key_rows(names: Sequence[str], width: float = KEY_WIDTH) -> int:
    """Count the lines that a key takes, one name after the other."""
    rows, used = 1, 0.0
    for name in names:
        needed = KEY_MARK + LETTER * len(name)
        if used and used + needed > width:
            rows, used = rows + 1, 0.0
        used += needed
    return rows


def describe_scale(colouring: Colouring, *, short: bool = False) -> str:
    """Describe a scale of numbers: its ends, its label, its number of images.

    In short without the label, which is shown elsewhere then.
    """
    (low, high), (under, over) = colouring.limits, colouring.is_clipped
    ends = f"{'≤ ' * under}{_number(low)} to {'≥ ' * over}{_number(high)}"
    n_known = colouring.n_points - colouring.n_missing
    if not n_known:
        return f"{colouring.label}: no value recorded"
    rest = f"; hollow grey: {colouring.n_missing:,} not recorded" if colouring.n_missing else ""
    counts = f"{n_known:,} images{rest}"
    return f"{ends}: {counts}" if short else f"{ends}: {colouring.label} ({counts})"


def _number(value: float) -> str:
    """Format an end of a scale in three digits."""
    return f"{value:.3g}".replace("-", "−")
