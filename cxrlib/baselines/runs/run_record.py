"""The record of a run: its tables as JSON that gives back the same digits, or nothing.

JSON writes a float by the fewest digits that give the same float back, so a run that is read is the
run that was made. Whatever does not fit is damage: the run is then made again.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from annotated_types import Interval

from cxrlib.baselines.evaluation import (
    DEALING,
    FOLD_COLUMNS,
    PREDICTION_COLUMNS,
    SCORE_COLUMNS,
)
from cxrlib.errors import SelectionError
from cxrlib.short_repr import short_repr
from cxrlib.storage import FINITE, Count, Quantity, parse_json

RECORD_VERSION: Literal[1] = 1
#: Since 1970; beyond the year 9999 no calendar can write it.
Seconds = Annotated[float, Interval(ge=0, lt=253_402_300_800)]
RECORD_ERRORS = (ValueError, KeyError, TypeError, OverflowError, RecursionError, SelectionError)
"""What `parse_record` raises where a record is damaged."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "folds": FOLD_COLUMNS,
    "predictions": PREDICTION_COLUMNS,
    "scores": SCORE_COLUMNS,
}
"""Tables of a run, with their columns."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """Hold what is kept of a run.

    Parameters
    ----------
    id : str
    spec : dict
        `cxrlib.baselines.runs.RunSpec.to_dict`.
    fingerprint : str
        Of the cohort.
    versions : dict of str to str
    made : float
        Seconds since 1970.
    seconds : float
        What it took.
    n_images, n_persons : int
        It was made on.
    features_title : str
    notes : tuple of str
    tables : dict of str to DataFrame
        Those of `TABLES`.
    version : int
        Of the record.
    """

    __pydantic_config__ = FINITE

    id: str
    spec: dict[str, str | int | bool]
    fingerprint: str
    versions: dict[str, str]
    made: Seconds
    seconds: Quantity
    n_images: Count
    n_persons: Count
    features_title: str
    notes: tuple[str, ...]
    tables: dict[str, Any]
    version: Literal[1] = RECORD_VERSION
    __repr__ = short_repr


# In the order of a file.
_FIELDS = (
    *("version", "id", "fingerprint", "features_title", "spec", "versions", "tables"),
    *("made", "seconds", "n_images", "n_persons", "notes"),
)


def format_record(record: RunRecord) -> bytes:
    """Write a run as JSON."""
    fields = {name: getattr(record, name) for name in _FIELDS}
    fields["tables"] = {name: _format_table(table) for name, table in record.tables.items()}
    return json.dumps(fields, allow_nan=False).encode("ascii")


def parse_record(data: bytes, run_id: str) -> RunRecord:
    """Read a run from JSON; raises one of `RECORD_ERRORS` where it is not what was written."""
    record = parse_json(RunRecord, data)
    if record.id != run_id:
        raise ValueError("its id is another")
    tables = {name: _parse_table(record.tables[name]) for name in TABLES}
    for name, columns in TABLES.items():
        if tuple(each for each in tables[name].columns if each != DEALING) != columns:
            raise ValueError(f"its table {name!r} has other columns")
    return replace(record, tables=tables)


def settle(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as it will be read again: plain types, a fresh index."""
    return _parse_table(_format_table(table))


# ---- tables


def _format_table(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(name): _format_column(table[name]) for name in table.columns}


def _format_column(column: pd.Series) -> dict[str, Any]:
    """Write a column with its kind; a number that is missing is null, a text that is, blank."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return {"kind": "bool", "values": [bool(value) for value in column]}
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        return {"kind": "int", "values": [int(value) for value in column]}
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan).tolist()
        return {"kind": "float", "values": [None if math.isnan(v) else v for v in values]}
    texts = ["" if pd.isna(value) else str(value) for value in column]
    return {"kind": "text", "values": texts}


_DTYPES = {"bool": np.dtype(bool), "int": np.dtype(np.int64), "float": np.dtype(np.float64)}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int, type(None)),
    "text": (str,),
}


def _parse_table(columns: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    lengths = {len(column["values"]) for column in columns.values()}
    if len(lengths) > 1:
        raise ValueError("columns of one table differ in length")
    read = {name: _parse_column(column) for name, column in columns.items()}
    return pd.DataFrame(read, columns=list(columns))


def _parse_column(column: Mapping[str, Any]) -> pd.Series:
    kind, values = column["kind"], column["values"]
    if any(type(value) not in _TYPES[kind] for value in values):
        raise TypeError(f"a column of kind {kind!r} holds something else")
    if kind == "text":
        return pd.Series(values, dtype="str")
    numbers = np.array(values, dtype=_DTYPES[kind])
    if np.isinf(numbers).any():
        raise ValueError("a column holds infinity, which no record is written with")
    return pd.Series(numbers)
