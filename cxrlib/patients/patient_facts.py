"""What is recorded of one patient beside the images: undated facts, values by day.

Survival, the ICU, intubation, extubation and oxygen hold "at any point": they have no place
among days. They are recorded in the row of each image, and mostly agree.
"""

from collections import Counter
from collections.abc import Iterator
from math import inf

import numpy as np
import pandas as pd

from cxrlib.aliases import NOT_RECORDED
from cxrlib.number_text import format_units
from cxrlib.quality.rules.rule import format_cell
from cxrlib.quality.rules.values import LIMITS, Limits
from cxrlib.summary import RECORDED_COLUMNS

DIFFERS = "differs between images"

UNDATED = (
    *("survival", "went_icu", "intubated", "extubated", "needed_supplemental_O2"),
    *("finding", "RT_PCR_positive", "age", "sex", "location"),
)

TITLES = RECORDED_COLUMNS | {"survival": "Outcome"}
#: Values that are put in words, by column.
WORDS = {"survival": {"no": "died", "yes": "survived"}, "finding": {"todo": "not entered"}}

#: What is measured of a patient, with its unit.
MEASURES = tuple(limits for limits in LIMITS if limits.column != "age")
#: Beside implausible values: what is doubtful about every value of a column.
MIXED = {"pO2_saturation": "the column mixes % and mmHg"}
#: Parts of all white cells.
PARTS = ("neutrophil_count", "lymphocyte_count")


def list_undated_facts(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """List what is recorded of a patient without a day, as name and value.

    Parameters
    ----------
    rows : DataFrame
        The patient's X-rays.

    Returns
    -------
    list of tuple of str
        Value "" where none is recorded. Several values are all given, in the record's order,
        with how many images say each.

    Examples
    --------
    >>> rows = pd.DataFrame({name: [pd.NA, pd.NA] for name in UNDATED} | {"row": [2, 3]})
    >>> list_undated_facts(rows.assign(survival="yes", sex=["F", "M"]))[0::8]
    [('Outcome', 'survived'), ('Sex', 'F (1 image), M (1 image): differs between images')]
    """
    ordered = rows.sort_values("row", kind="stable")
    return [(TITLES[name], _describe_values(ordered[name])) for name in UNDATED]


def _describe_values(cells: pd.Series) -> str:
    """Describe the values of a column; blank and "not recorded" are none."""
    known = WORDS.get(str(cells.name), {})
    values = (known.get(value, value) for value in map(format_cell, cells.tolist()))
    counts = Counter(value for value in values if value and value != NOT_RECORDED)
    if len(counts) < 2:
        return next(iter(counts), "")
    words = [f"{value} ({format_units(n, 'image')})" for value, n in counts.items()]
    return f"{', '.join(words)}: {DIFFERS}"


def lab_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate a patient's measured values by day, each with the doubt about its unit.

    A table, no curves: units mix within columns, and few patients have a value on two days.

    Parameters
    ----------
    rows : DataFrame
        The patient's X-rays.

    Returns
    -------
    DataFrame
        Columns Day (Float64, missing where not recorded), Measure, Value, Unit (the column's, as
        the collection describes it), Doubt ("" where nothing is odd) and Images (how many say
        so); empty where nothing was measured.
    """
    # Counted here: most patients have no value, and pandas takes its time to find none.
    counts = Counter(_list_values(rows))
    days, measures, values, units, doubts = list(zip(*counts, strict=True)) or [()] * 5
    return pd.DataFrame(
        {
            "Day": pd.array([pd.NA if day == inf else day for day in days], dtype="Float64"),
            "Measure": pd.array(measures, dtype="str"),
            "Value": np.array(values, dtype=np.float64),
            "Unit": pd.array(units, dtype="str"),
            "Doubt": pd.array(doubts, dtype="str"),
            "Images": np.array(list(counts.values()), dtype=np.int64),
        }
    )


def _list_values(rows: pd.DataFrame) -> Iterator[tuple[float, str, float, str, str]]:
    """List every value that is recorded, by day: those without one last, at infinity."""
    names = ("offset", "row", *(limits.column for limits in MEASURES))
    cells = zip(*(rows[name].tolist() for name in names), strict=True)
    lines = [dict(zip(names, line, strict=True)) for line in cells]
    days = [inf if pd.isna(line["offset"]) else float(line["offset"]) for line in lines]
    ordered = sorted(zip(days, lines, strict=True), key=lambda pair: (pair[0], pair[1]["row"]))
    for day, line in ordered:
        for limits in MEASURES:
            value = line[limits.column]
            if not pd.isna(value):
                doubt = describe_doubt(limits, float(value), line["leukocyte_count"])
                yield day, RECORDED_COLUMNS[limits.column], float(value), limits.unit, doubt


def describe_doubt(limits: Limits, value: float, leukocytes: float | None) -> str:
    """Describe what is odd about a value, in the words of the quality rules; "" if nothing.

    Parameters
    ----------
    limits : Limits
        One of `MEASURES`.
    value : float
        In the unit of `limits`.
    leukocytes : float or missing
        All white cells of the same image's row, 10^9/L: parts cannot be more.
    """
    if odd := limits.explain(value):
        return odd.partition(": ")[2]
    if limits.column in PARTS and not pd.isna(leukocytes) and value > leukocytes:
        return f"more than all leukocytes ({format_cell(leukocytes)})"
    return MIXED.get(limits.column, "")
