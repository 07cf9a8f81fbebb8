"""Words that charts share: a cell, a day and a state as Plotly shows them."""

import html

import pandas as pd

from cxrlib.cohort import describe_state

__all__ = ["day_words", "safe_text", "state_words"]


def state_words(state: str, reason: object) -> str:
    """Describe a state in clinical words, in bold where one is recorded.

    Examples
    --------
    >>> state_words("bad", "in the ICU; intubated")
    '<b>In ICU, intubated</b>'
    """
    words = describe_state(state, reason if isinstance(reason, str) else "")
    words = safe_text(words[0].upper() + words[1:])
    return words if state == "unknown" else f"<b>{words}</b>"


def day_words(offset: float | None) -> str:
    """Format a day.

    Examples
    --------
    >>> day_words(12.0), day_words(-2.5), day_words(None)
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
