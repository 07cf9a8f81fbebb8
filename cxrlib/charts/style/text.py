"""Words that charts share: a cell, a day and a state as Plotly shows them."""

import html

import pandas as pd

from cxrlib.cohort import describe_state


def format_state(state: str, reason: object) -> str:
    """Describe a state in clinical words, in bold where one is recorded.

    Examples
    --------
    >>> format_state("bad", "in the ICU; intubated")
    '<b>In ICU, intubated</b>'
    """
    words = describe_state(state, reason if isinstance(reason, str) else "")
    words = safe_text(words[0].upper() + words[1:])
    return words if state == "unknown" else f"<b>{words}</b>"


def format_day(offset: float | None) -> str:
    """Format a day.

    Examples
    --------
    >>> format_day(12.0), format_day(-2.5), format_day(None)
    ('day 12', 'day −2.5', 'day not recorded')
    """
    if offset is None or pd.isna(offset):
        return "day not recorded"
    return f"day {offset:g}".replace("-", "−")


def safe_text(value: str | float | None, blank: str = "not recorded") -> str:
    """Return a cell as text that Plotly shows as it stands, cut to 60 characters."""
    if value is None or pd.isna(value):
        return blank
    text = str(value)
    return html.escape(text if len(text) <= 60 else f"{text[:59]}…", quote=False)
