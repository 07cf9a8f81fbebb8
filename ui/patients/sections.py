"""Which part of the patients page is shown below the pair; only that part is computed."""

from ui.widgets.choice import choose_one

__all__ = ["PARTS", "choose_part"]

#: Label by key.
PARTS = {
    "outputs over time": "Measurements over time",
    "where it leads": "Map and similar patients",
    "notes and flags": "Clinical notes and data quality",
    "record": "Data and download",
}


def choose_part() -> str:
    """Let the reader choose a part of the page, by its key."""
    return choose_one("part", "Part", PARTS, label_visibility="collapsed")
