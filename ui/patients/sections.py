"""Which part of the patients page stands below the pair; only that part is computed."""

from ui.widgets import choice

__all__ = ["PARTS", "choose_part"]

# The words are the values: what stands in the address is what stands on the screen.
PARTS = ("outputs over time", "where it leads", "notes and flags", "record")


def choose_part() -> str:
    """Let the reader choose a part of the page."""
    return choice.choose_part("part", "Part", PARTS)
