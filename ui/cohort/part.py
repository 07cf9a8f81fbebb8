"""What every part of the cohort page needs besides its cohort."""

from dataclasses import dataclass

from ui.widgets.origin import Origin

__all__ = ["Part"]


@dataclass(frozen=True)
class Part(Origin):
    """Hold the name and header of saved files, and the unit of analysis.

    Parameters
    ----------
    unit : {"image", "patient", "person"}
    """

    unit: str
