"""Tables as they are read: cells, bars, any table laid out."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.summary import Bar, Cell, Column, Row, TableLayout, lay_out_frame


@pytest.mark.parametrize(
    "parts", [(("full", 0.7), ("half", 0.4)), (("full", -0.1),), (("pale", np.nan),)]
)
def test_a_bar_that_does_not_fit_is_refused(parts) -> None:
    """Shares that do not add up would be drawn over the next cell."""
    with pytest.raises(ValueError, match="does not fit"):
        Bar(parts, "")


def test_a_row_has_a_cell_for_each_column() -> None:
    """A table with a hole is a fault of ours; a group has its name alone."""
    columns, numbers = (Column("View"), Column("Images")), pd.DataFrame()
    group, row = Row((Cell("Frontal"),), "group"), Row((Cell("AP"), Cell("3")))
    assert TableLayout("", "", columns, (group, row), (), numbers, {}).rows == (group, row)
    for wrong in (Row((Cell("AP"),)), Row((Cell("a"), Cell("b")), "group")):
        with pytest.raises(ValueError, match="cells, not"):
            TableLayout("", "", columns, (wrong,), (), numbers, {})


def test_any_table_is_laid_out() -> None:
    """Counts, decimals, what is missing in each of its ways, and text as it stands."""
    frame = pd.DataFrame(
        {
            "name": ["<b>", None, ""],
            "n": pd.array([1234567, pd.NA, 0], dtype="Int64"),
            "share": [-0.5, np.nan, 12.0],
            "is_known": [True, False, True],
            "any": [3, float("nan"), pd.NA],
        }
    )
    layout = lay_out_frame(frame, title="t", right=("any",))
    assert [[cell.line for cell in row.cells] for row in layout.rows] == [
        ["<b>", "1,234,567", "−0.5", "yes", "3"],
        ["–", "–", "–", "no", "–"],
        ["–", "0", "12.0", "yes", "–"],
    ]
    assert [column.is_number for column in layout.columns] == [False, True, True, False, True]
    assert layout.numbers is frame


def test_groups_links_and_prose() -> None:
    """A group's name stands once above its neighbours; cells lead where they are told to."""
    frame = pd.DataFrame(
        {"kind": ["a", "a", None, "a"], "name": ["w", "x", "y", "z"], "why": ["Because."] * 4}
    )
    links = ["https://x.org", "", "", "javascript:alert(1)"]
    layout = lay_out_frame(frame, title="t", group="kind", prose=("why",), links={"name": links})
    assert [row.cells[0].text for row in layout.rows] == ["a", "w", "x", "–", "y", "a", "z"]
    assert [row.kind == "group" for row in layout.rows] == [True, False, False] + [True, False] * 2
    assert all(row.in_group for row in layout.rows if row.kind == "row")
    assert [column.is_prose for column in layout.columns] == [False, True]
    assert [row.cells[0].link for row in layout.rows if row.kind == "row"] == links
    assert layout.numbers is frame


def test_bars_are_in_proportion() -> None:
    """The largest fills its cell; nothing has no bar to mislead."""
    frame = pd.DataFrame({"n": pd.array([50, 200, pd.NA], dtype="Int64"), "zero": [0, 0, 0]})
    layout = lay_out_frame(frame, title="t", bars=("n", "zero"))
    bars = [row.cells[0].bar for row in layout.rows]
    assert [bar and bar.parts for bar in bars] == [(("half", 0.25),), (("half", 1.0),), None]
    assert all(row.cells[1].bar is None for row in layout.rows)


def test_an_empty_table_keeps_its_header() -> None:
    """Nothing is left: the columns still say what was looked for."""
    layout = lay_out_frame(pd.DataFrame({"view": [], "n": []}), title="t", bars=("n",))
    assert layout.rows == ()
    assert [column.title for column in layout.columns] == ["view", "n"]
