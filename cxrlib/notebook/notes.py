"""Lines for the reader on standard error, where notebooks and terminals show them."""

import sys


def print_note(words: str) -> None:
    """Print one line."""
    sys.stderr.write(f"{words}\n")
