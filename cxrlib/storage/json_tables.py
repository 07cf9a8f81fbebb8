"""Tables as strict JSON: rows of plain values, null for what is missing or no number."""

import math
from typing import Any

import numpy as np
import pandas as pd


def to_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """List rows as JSON can hold them: what is missing, or no number, is null."""
    rows = table.astype(object).to_dict("records")
    return [{str(name): to_json_value(value) for name, value in row.items()} for row in rows]


def to_json_value(value: object) -> object:
    """Turn a cell into what JSON can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    is_nothing = value is pd.NA or (isinstance(value, float) and not math.isfinite(value))
    return None if is_nothing else value
