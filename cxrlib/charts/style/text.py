"""Words that charts share: a cell, a day and a state as Plotly shows them."""

import html

import pandas as pd

__all__ = ["NO_STATE", "day_words", "safe_text", "state_words"]

#: What "unknown" means: none of the three that make a state is there.
NO_STATE = "no ICU, tube or outcome of a last image"


def state_words(state: str, reason: object) -> str:
    """Say a state and why."""
    if state == "unknown":
        return f"state unknown: no state recorded ({NO_STATE})"
    why = "" if not isinstance(reason, str) or reason in ("", state) else f": {safe_text(reason)}"
    return f"<b>{safe_text(state)}</b>{why}"


def day_words(offset: float | None) -> str:
    """Say a day.

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
