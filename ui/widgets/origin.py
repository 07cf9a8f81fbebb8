"""What every file saved on a page says of itself: where it comes from, and how it is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

__all__ = ["Origin", "saved_today"]


@dataclass(frozen=True)
class Origin:
    """Hold the provenance of a page's files and the beginning of their names.

    Parameters
    ----------
    provenance : sequence of str
        `cxrlib.reports.list_provenance`, with the filters.
    stem : str
        "demo-2026-01-31".
    """

    provenance: Sequence[str]
    stem: str

    def saved_as(self, name: str, *more: str) -> dict[str, Any]:
        """Return what `show_figure`, `show_table` and `show_dense_table` take to save one thing.

        Parameters
        ----------
        name : str
            Of the thing, at the end of its files' names.
        more : str
            Further lines of its provenance.
        """
        return {"provenance": [*self.provenance, *more], "file_stem": f"{self.stem}-{name}"}


def saved_today(name: str, provenance: Sequence[str]) -> dict[str, Any]:
    """Return the same for a thing whose files are named by it and the day: "map-2026-01-31"."""
    return {"provenance": provenance, "file_stem": f"{name}-{date.today().isoformat()}"}
