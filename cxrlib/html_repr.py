"""Show an object that holds a table in a notebook: a heading, the notice, a few rows, notes."""

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cxrlib.notice import NOTICE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MOST_ROWS", "format_html"]

MOST_ROWS = 20
"""Rows that are shown; of a longer table the first and the last."""
MOST_COLUMNS = 14
LONGEST_CELL = 60  # characters; a clinical note can have thousands


def format_html(heading: str, table: "pd.DataFrame", *, notes: Iterable[str] = ()) -> str:
    """Format a table as HTML for a notebook; for the body of a ``_repr_html_``.

    Texts of a cohort are hostile: markup in them is escaped, and MathJax, which notebooks run
    over all output, is told to pass them over.

    Parameters
    ----------
    heading : str
        What it is, with its counts.
    table : DataFrame
        Its index is not shown.
    notes : iterable of str
        Sentences below the table.

    Returns
    -------
    str
        A ``<div>`` with at most `MOST_ROWS` rows.

    Examples
    --------
    >>> import pandas as pd
    >>> print(format_html("1 image", pd.DataFrame({"view": ["<b>PA</b>"]})).count("&lt;b&gt;"))
    1
    """
    shown = _take_few(table)
    rows = shown.to_html(
        index=False,
        border=0,
        max_cols=MOST_COLUMNS,
        na_rep="–",
        float_format="{:.4g}".format,
    )
    size = f"{len(shown):,} of {len(table):,} rows, {len(table.columns):,} columns"
    below = "".join(f"<p>{html.escape(note)}</p>" for note in (size, *notes) if note)
    return (
        '<div class="tex2jax_ignore mathjax_ignore">'
        f"<p><b>{html.escape(heading)}</b></p><p>{NOTICE}</p>{rows}{below}</div>"
    )


def _take_few(table: "pd.DataFrame") -> "pd.DataFrame":
    """Take the first and the last rows of a long table, and cut long texts."""
    import pandas as pd

    half = MOST_ROWS // 2
    few = table if len(table) <= MOST_ROWS else pd.concat([table.head(half), table.tail(half)])
    return few.astype(object).map(_cut).rename(columns=_cut)


def _cut(value: object) -> object:
    """Cut a text that would fill the screen."""
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        return value[: LONGEST_CELL - 1] + "…"
    return value
