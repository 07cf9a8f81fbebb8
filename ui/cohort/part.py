"""What every part of the cohort page needs besides its cohort."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Part"]


@dataclass(frozen=True)
class Part:
    """Hold the unit of analysis, and the name and header of saved files.

    Parameters
    ----------
    unit : {"image", "patient", "person"}
    provenance : sequence of str
        `cxrlib.reports.list_provenance`, with the filters.
    stem : str
        The start of file names: "demo-2026-01-31".
    """

    unit: str
    provenance: Sequence[str]
    stem: str
