"""Exported tables: what is written is read back, whatever signs the ids hold."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from cxrlib.reports import csv_with_header

HASHES = ["#1", "image.png#12", "# For research", "a,#b", "plain", 'q"#']
LINES = ["For research.", "Filters: none"]


def make_table() -> pd.DataFrame:
    """Make a table whose ids hold the sign that comments begin with."""
    return pd.DataFrame(
        {
            "image_id": HASHES,
            "value": [0.1, np.nan, 1e-20, 3.0, 1e300, -0.5],
            "n": range(6),
            "words": ["", "x#y", "a\nb", "c", "#", "e"],
        }
    )


@pytest.mark.parametrize("how", ["comment", "skip"])
def test_ids_with_hash_survive_csv(how: str) -> None:
    """By pandas with comment="#", and by skipping the lines above: every row, every value."""
    data = csv_with_header(make_table(), LINES)
    n_above = sum(line.startswith("#") for line in data.decode().splitlines())
    assert n_above == len(LINES)
    options = {"comment": "#"} if how == "comment" else {"skiprows": n_above}
    read = pd.read_csv(
        io.BytesIO(data), keep_default_na=False, na_values={"value": [""]}, **options
    )
    pd.testing.assert_frame_equal(read, make_table())


def test_rows_without_hash_are_written_as_pandas_does() -> None:
    """The bytes of every other export stay what they were."""
    table = make_table().assign(image_id=list("abcdef"), words=["", "x,y", "a\nb", 'q"', None, "e"])
    table["kind"] = pd.Categorical(list("aabbaa"))
    table["whole"] = pd.array([1, None, 3, 4, 5, 6], dtype="Int64")
    table["said"] = [True, False] * 3
    assert csv_with_header(table, []).decode() == table.to_csv(index=False, lineterminator="\n")
    assert csv_with_header(table[:0], []).decode() == table[:0].to_csv(
        index=False, lineterminator="\n"
    )


def test_cells_that_a_spreadsheet_runs_are_quoted() -> None:
    """In rows with the sign too."""
    data = csv_with_header(pd.DataFrame({"id": ["=1+1", "=#"]}), []).decode()
    assert list(csv.reader(io.StringIO(data))) == [["id"], ["'=1+1"], ["'=#"]]
