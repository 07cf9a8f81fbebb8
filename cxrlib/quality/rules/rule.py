"""A rule of the quality ledger: what it says, and the hits it finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort

__all__ = ["SEVERITIES", "Hit", "Rule", "Severity", "list_hits", "name_value"]

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first: wrong; doubtful, look before use; worth knowing."""


class Hit(NamedTuple):
    """Hold one place where a rule applies.

    Parameters
    ----------
    at : int
        Position of the image's row in the cohort's table.
    column : str
        The column that is doubtful, as in the cohort's table; "" where none is.
    value : str
        What stands there, in words a reader can check.
    """

    at: int
    column: str
    value: str


@dataclass(frozen=True)
class Rule:
    """Hold a rule: one thing that can be doubtful about an image.

    Parameters
    ----------
    name : str
        Short and stable: ``without=<name>`` leaves the flagged images out.
    severity : {"error", "warning", "note"}
    title : str
        What is the matter, as a heading.
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
    find: Callable[[Cohort], Sequence[Hit]]
    clause: str
    needs_images: bool = False


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
        What stands there; the column's own values unless given.
    """
    holds = where.fillna(False).to_numpy(dtype=bool) & cohort.table["is_xray"].to_numpy()
    places = np.flatnonzero(holds).tolist()
    if isinstance(values, str):
        return [Hit(at, column, values) for at in places]
    cells = (cohort.table[column] if values is None else values).array
    return [Hit(at, column, name_value(cells[at])) for at in places]


def name_value(value: object) -> str:
    """Write a cell as a reader would: whole numbers without a point, "" for not recorded.

    Examples
    --------
    >>> name_value(5.0), name_value("PA"), name_value(pd.NA)
    ('5', 'PA', '')
    """
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    if isinstance(value, int | float | np.number):
        return f"{float(value):.10g}"
    return str(value)
