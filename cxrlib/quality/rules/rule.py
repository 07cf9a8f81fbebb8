"""A rule of the quality ledger: its texts, and the hits it finds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.literature import read_rows

__all__ = ["SEVERITIES", "Hit", "Rule", "Severity", "format_cell", "list_hits", "read_rules"]

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The most serious first: wrong; doubtful, check before use; worth knowing."""


class Hit(NamedTuple):
    """Hold one place to which a rule applies.

    Parameters
    ----------
    at : int
        Position of the image's row in the cohort's table.
    column : str
        The column that is doubtful, as in the cohort's table; "" where none is.
    value : str
        The value there, in words a reader can check.
    """

    at: int
    column: str
    value: str


Finder = Callable[[Cohort], Sequence[Hit]]


@dataclass(frozen=True)
class Rule:
    """Hold a rule: one thing that can be doubtful about an image.

    Parameters
    ----------
    name : str
        Short and stable: ``without=<name>`` leaves the flagged images out.
    severity : {"error", "warning", "note"}
    title : str
        What is wrong, as a heading.
    meaning : str
        What it means for a result, as a sentence.
    action : str
        What to do, as a sentence.
    find : callable
        Pure: from a cohort to its hits. It looks at X-rays only.
    clause : str
        What the flag says of an image, as a clause.
    needs_images : bool
        Whether it can only be judged where the images were inspected.
    """

    name: str
    severity: Severity
    title: str
    meaning: str
    action: str
    find: Finder
    clause: str
    needs_images: bool = False


def read_rules(finders: Mapping[str, Finder]) -> tuple[Rule, ...]:
    """Read the texts of rules from ``rules.csv``, by name, and give each what finds its hits."""
    texts = {row["name"]: row for row in read_rows("rules", Path(__file__).parent)}
    return tuple(
        Rule(**{**texts[name], "needs_images": bool(texts[name]["needs_images"])}, find=find)  # type: ignore[arg-type]
        for name, find in finders.items()
    )


def list_hits(
    cohort: Cohort, where: pd.Series, column: str, values: pd.Series | str | None = None
) -> list[Hit]:
    """List a hit for each X-ray where a mask holds.

    Parameters
    ----------
    cohort : Cohort
    where : Series of bool
        On the table's index; missing counts as not.
    column : str
        Column of the hits.
    values : Series or str, optional
        The values there; by default those of the column.
    """
    holds = where.fillna(False).to_numpy(dtype=bool) & cohort.table["is_xray"].to_numpy()
    places = np.flatnonzero(holds).tolist()
    if isinstance(values, str):
        return [Hit(at, column, values) for at in places]
    cells = (cohort.table[column] if values is None else values).array
    return [Hit(at, column, format_cell(cells[at])) for at in places]


def format_cell(value: object) -> str:
    """Format a cell for a reader: whole numbers without a point, "" for not recorded.

    Examples
    --------
    >>> format_cell(5.0), format_cell("PA"), format_cell(pd.NA)
    ('5', 'PA', '')
    """
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    if isinstance(value, int | float | np.number):
        return f"{float(value):.10g}"
    return str(value)
