"""Colours and shapes, one meaning each, for a light and a dark page.

State colours are Okabe and Ito's, made for colour-vision deficiencies. Contrast is by the Web
Content Accessibility Guidelines 2.2: 4.5 to 1 for text, 3 to 1 for marks; the tests measure both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]

#: States in the order in which they are drawn, the rarest and gravest last and so on top.
STATES = ("unknown", "good", "bad")

#: Plotly's marker of each view where shape means view: a patient's own charts, along days. None
#: is a state's. Other views and those not recorded have a cross.
VIEW_SYMBOLS: Mapping[str, str] = {
    "PA": "square",
    "AP": "triangle-up",
    "AP Supine": "triangle-down",
    "AP Erect": "triangle-right",
    "L": "pentagon",
}

#: Least contrast of a mark's outline with the page.
RIM_CONTRAST = 3.5


@dataclass(frozen=True)
class Palette:
    """Hold the colours of one theme, as #RRGGBB.

    Parameters
    ----------
    page : str
        Background; charts are transparent over it.
    ink : str
        Text, and the path of a chosen patient.
    quiet : str
        Secondary text.
    grid : str
        Grid lines and frames.
    accent : str
        Links and what is selected.
    states : mapping
        State to marker colour.
    rims : mapping
        State to the thin outline that keeps a marker apart from the density and its neighbours.
        Unknown is hollow: its rim is all of it, and it is filled with the page.
    density : str
        The hue of the density at its peak.
    """

    page: str
    ink: str
    quiet: str
    grid: str
    accent: str
    states: Mapping[str, str]
    rims: Mapping[str, str]
    density: str


_STATE_COLOURS = {"bad": "#D55E00", "good": "#0072B2", "unknown": "#8A9099"}

PALETTES: Mapping[Theme, Palette] = {
    "light": Palette(
        page="#FFFFFF",
        ink="#1C2430",
        quiet="#525B69",
        grid="#D5DAE1",
        accent="#1F5FA8",
        states=_STATE_COLOURS,
        rims={"bad": "#8F3F00", "good": "#004A75", "unknown": "#69707A"},
        density="#F0B27A",
    ),
    "dark": Palette(
        page="#11151B",
        ink="#F2F4F7",
        quiet="#AEB6C2",
        grid="#343C48",
        accent="#7FB2EA",
        states=_STATE_COLOURS,
        rims={"bad": "#FF9A4D", "good": "#58B4EC", "unknown": "#A9B0BA"},
        density="#7A3B12",
    ),
}


#: Regions of the M49 standard, in Tol's "muted" colours, always beside their names. Some are too
#: near to the page of one theme or the other: draw them with `region_rim` round them.
REGIONS: Mapping[str, str] = {
    "Africa": "#CC6677",
    "Americas": "#332288",
    "Asia": "#117733",
    "Europe": "#88CCEE",
    "Oceania": "#DDCC77",
    "Unknown": "#8A9099",
}


def region_rim(region: str, theme: Theme) -> str:
    """Return the outline of a region's colour that keeps it apart from the page."""
    return outline(REGIONS.get(region, REGIONS["Unknown"]), theme)


def outline(colour: str, theme: Theme) -> str:
    """Return the outline of a colour that keeps it apart from the page.

    It is the colour itself, mixed with the theme's ink until it reaches 3 to 1.
    """
    palette = PALETTES[theme]
    shades = (mix(palette.ink, colour, share / 10) for share in range(11))
    return next(shade for shade in shades if contrast(shade, palette.page) >= RIM_CONTRAST)


def contrast(first: str, second: str) -> float:
    """Measure the contrast of two colours, 1 to 21.

    References
    ----------
    WCAG 2.2, "contrast ratio" and "relative luminance".

    Examples
    --------
    >>> round(contrast("#000000", "#FFFFFF"), 1)
    21.0
    """
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def fade(colour: str, opacity: float) -> str:
    """Return a colour with an opacity of 0 to 1, as Plotly reads it.

    Examples
    --------
    >>> fade("#D55E00", 0.5)
    'rgba(213, 94, 0, 0.5)'
    """
    red, green, blue = _channels(colour)
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def mix(over: str, under: str, opacity: float) -> str:
    """Return what is seen of a colour of some opacity over another, as #RRGGBB."""
    pairs = zip(_channels(over), _channels(under), strict=True)
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02X}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    """Split #RRGGBB into 0 to 255."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1: sRGB made linear, then weighted."""
    shares = [value / 255 for value in _channels(colour)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
