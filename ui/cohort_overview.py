"""The cohort page's opening: where patients are from, and what is recorded of them."""

from collections.abc import Sequence

from cxrlib.cohort import Cohort
from cxrlib.statistics import summarise
from cxrlib.summary_layout import lay_out_summary
from ui.tables import show_dense_table

__all__ = ["show_overview"]


def show_overview(cohort: Cohort, *, unit: str, provenance: Sequence[str], stem: str) -> None:
    """Show regions and views with what is recorded of how many."""
    for by in ("region", "view"):
        show_dense_table(
            lay_out_summary(
                summarise(cohort, by, unit=unit),
                title=f"X-rays by {by}",
                parts=("counts", "age", "outcomes"),
            ),
            key=f"overview_{by}",
            provenance=provenance,
            file_stem=f"{stem}-{by}",
        )
