"""A table whose download states its source."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cxrlib.reports import csv_with_header
from ui.widgets.saving import Saving, offer_saving

__all__ = ["show_table"]


def show_table(
    table: pd.DataFrame,
    *,
    key: str,
    provenance: Sequence[str],
    file_stem: str,
    numbers: pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
    label: str = "Save as CSV",
    **options: Any,  # noqa: ANN401 (whatever Streamlit takes)
) -> Any:  # noqa: ANN401 (whatever Streamlit gives)
    """Show a table, and a button that saves it below lines that state its source.

    Streamlit's own button would save it without them; ``ui/shell/frame.css`` hides it on all
    tables. Cells can still be copied.

    Parameters
    ----------
    table : DataFrame
        What is shown.
    key : str
    provenance : sequence of str
        `cxrlib.reports.list_provenance`, with the filters.
    file_stem : str
        Of the file's name: "paths-2026-01-31".
    numbers : DataFrame or callable, optional
        What is saved, if not what is shown: columns under their own names, numbers not
        rounded.
    label : str
        Of the button.
    options
        Of `st.dataframe`; by default without its index and as wide as its place.

    Returns
    -------
    DataframeState or DeltaGenerator
        As `st.dataframe` returns it.
    """
    result = st.dataframe(table, key=key, **{"hide_index": True, "width": "stretch", **options})

    def make() -> bytes:
        saved = numbers() if callable(numbers) else numbers
        return csv_with_header(table if saved is None else saved, provenance)

    offer_saving(Saving(label, f"{file_stem}.csv", "text/csv", make), key=f"{key}_save")
    return result
