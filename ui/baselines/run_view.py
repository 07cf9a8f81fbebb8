"""The run on screen, with what its charts and tables are named and saved by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cxrlib.baselines.evaluation import PermutationNull
from cxrlib.baselines.features import FeatureChoice
from cxrlib.baselines.runs import Run
from cxrlib.cohort import CohortEntry
from cxrlib.reports import ReportPart
from ui.widgets.chart import show_chart
from ui.widgets.details import show_details

__all__ = ["RunView", "escape_label", "show_part"]


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class RunView:
    """Hold the run on screen.

    Parameters
    ----------
    entry : CohortEntry
    run : Run
    choices : sequence of FeatureChoice
        Feature sets of the cohort.
    metric : str
        The score that is looked at.
    null : PermutationNull or None
        Permutations computed so far.
    provenance : sequence of str
        What every export of the run begins with.
    stem : str
        Of the files' names.
    """

    entry: CohortEntry
    run: Run
    choices: Sequence[FeatureChoice]
    metric: str
    null: PermutationNull | None
    provenance: Sequence[str]
    stem: str

    @property
    def hold_out(self) -> str:
        """What is held out: "region"."""
        return self.run.spec.settings.group

    def saved_as(self, name: str) -> dict[str, Any]:
        """Return what a chart or a table of this run is saved with."""
        return {"provenance": self.provenance, "file_stem": f"{self.stem}-{name}"}


def escape_label(text: str) -> str:
    """Escape text for a label, which is Markdown: anybody names a file of features."""
    return re.sub(r"([\\`*_\[\]$:~<])", r"\\\1", " ".join(text.split()))


def show_part(view: RunView, part: ReportPart, numbers: pd.DataFrame | None = None) -> None:
    """Show the chart of a part that reports have too; the numbers saved are those of its table."""
    if part.draw is None:
        return
    caption, *details = part.words
    show_chart(
        part.draw,
        key=part.name,
        alt=part.description,
        heading=part.title,
        caption=caption,
        numbers=part.table if numbers is None else numbers,
        **view.saved_as(part.name),
    )
    show_details("", details)
