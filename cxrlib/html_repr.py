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
    """Write a table as HTML for a notebook; for the body of a ``_repr_html_``.

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
    import pandas as pd

    with pd.option_context("display.max_colwidth", LONGEST_CELL):
        rows = table.to_html(
            index=False,
            border=0,
            max_rows=MOST_ROWS,
            max_cols=MOST_COLUMNS,
            na_rep="–",
            float_format="{:.4g}".format,
            show_dimensions=True,
        )
    below = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return (
        '<div class="tex2jax_ignore mathjax_ignore">'
        f"<p><b>{html.escape(heading)}</b></p><p>{NOTICE}</p>{rows}{below}</div>"
    )
