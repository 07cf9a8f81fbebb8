"""Print an object that holds tables and arrays on one line: what it is, and how much of it."""

from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["LONGEST_REPR", "short_repr"]

LONGEST_REPR = 300
"""Characters of an object on screen: a cohort's tables as they are would fill it for minutes."""
LONGEST_VALUE = 60
FEW = 4  # values of a collection that are printed themselves


def short_repr(self: "DataclassInstance") -> str:
    """Return the ``__repr__`` of a dataclass with sizes in place of what is large.

    For the body of a class: ``__repr__ = short_repr``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Scores:
    ...     name: str
    ...     values: list[float]
    ...     __repr__ = short_repr
    >>> Scores("icu", [0.5] * 1000)
    Scores(name='icu', values=<list of 1,000>)
    """
    shown = (field.name for field in fields(self) if field.repr)
    parts = ", ".join(f"{name}={_show(getattr(self, name))}" for name in shown)
    return _cut(f"{type(self).__qualname__}({parts})", LONGEST_REPR)


def _show(value: object) -> str:
    """Format a value, or its kind and size."""
    kind = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:  # an array or a table
        return f"<{kind} of {' x '.join(f'{n:,}' for n in shape)}>"
    if isinstance(value, str):
        return repr(value if len(value) < LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…")
    # Written out, megabytes would be cut off again.
    if isinstance(value, Collection) and len(value) > (LONGEST_VALUE if kind == "bytes" else FEW):
        return f"<{kind} of {len(value):,}>"
    return _cut(repr(value), LONGEST_VALUE)


def _cut(text: str, longest: int) -> str:
    """Take what fits on one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
