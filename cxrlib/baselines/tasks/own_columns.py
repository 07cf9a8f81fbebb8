"""Columns of one's own that can be predicted, as a task names them.

``extra:NAME`` is a yes/no column that metadata.csv has beyond the known ones,
``extra:NAME:VALUE`` one category of such a column against the rest, ``number:NAME`` a column of
numbers, and ``finding:PATH`` a finding, with all below it, against the rest. A name or value that
holds one of the signs , ; : = or a quote is written in double quotes, a double quote within it
twice.
"""

import difflib
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrlib.cohort import (
    EXTRA,
    Cohort,
    ExtraColumn,
    format_plainly,
    quote_name,
    split_quoted,
    unquote_name,
)
from cxrlib.errors import SelectionError

KINDS = ("extra", "number", "finding")
MOST_NAMED = 8  # columns or values that a message lists


class OwnColumn(NamedTuple):
    """Hold what a task's column of one's own names.

    Parameters
    ----------
    kind : {"extra", "number", "finding"}
    name : str
        Of the column; of a finding its path.
    value : str
        The category against the rest; "" where there is none.
    """

    kind: str
    name: str
    value: str = ""

    def to_text(self) -> str:
        """Write it as a task does.

        Examples
        --------
        >>> OwnColumn("extra", "stage", "a;b").to_text()
        'extra:stage:"a;b"'
        """
        parts = [self.name, self.value] if self.value else [self.name]
        return ":".join([self.kind, *map(quote_name, parts)])

    @property
    def column(self) -> str:
        """Name of the column in a cohort's table."""
        return "finding" if self.kind == "finding" else f"{EXTRA}{self.name}"

    @property
    def title(self) -> str:
        """Name it on screen, without anything that is markup."""
        if self.kind == "finding":
            return f"Finding {format_plainly(self.name)}"
        name = format_plainly(self.name)
        return f"{name}: {format_plainly(self.value)}" if self.value else name

    @property
    def classes(self) -> tuple[str, str]:
        """Name both classes; "" for numbers."""
        if self.kind == "number":
            return "", ""
        named = self.name if self.kind == "finding" else self.value
        return (format_plainly(named), f"not {format_plainly(named)}") if named else ("yes", "no")


def parse_own_column(text: str) -> OwnColumn | None:
    """Read a task's column; None where it is none of one's own.

    Raises
    ------
    SelectionError
        If its quotes do not match, or a name is missing.

    Examples
    --------
    >>> parse_own_column('extra:stage:"a;b"')
    OwnColumn(kind='extra', name='stage', value='a;b')
    >>> parse_own_column("survival")
    """
    kind, *parts = split_quoted(text, ":")
    kind = kind.strip().casefold()
    if kind not in KINDS or not parts:
        return None
    names = [unquote_name(part) for part in parts]
    if None in names or len(names) > (2 if kind == "extra" else 1):
        raise SelectionError(
            f"The column {text[:80]!r} is not understood. Write extra:NAME, extra:NAME:VALUE, "
            "number:NAME or finding:PATH; put a name that holds , ; : = or a quote in double "
            'quotes, as in extra:"a:b".'
        )
    return OwnColumn(kind, *(str(name) for name in names))


def find_extra(cohort: Cohort, name: str) -> ExtraColumn:
    """Find an extra column of a cohort.

    Raises
    ------
    SelectionError
        If there is none of that name; the nearest is named.
    """
    names = [column.name for column in cohort.extra]
    for column in cohort.extra:
        if column.name == name:
            return column
    if not names:
        raise SelectionError(
            f"There is no extra column {name[:80]!r}: metadata.csv of {cohort.name!r} has only the "
            "known columns. Add the column to it, or give a file of labels with --labels."
        )
    folded = {each.casefold(): each for each in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    hint = f"Did you mean {folded[near[0]]!r}?" if near else f"There are {_list(names)}."
    raise SelectionError(f"There is no extra column {name[:80]!r} in {cohort.name!r}. {hint}")


def _list(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:MOST_NAMED])
    rest = len(names) - MOST_NAMED
    return shown + (f" and {rest} more" if rest > 0 else "")


def settle_column(cohort: Cohort, text: str) -> str:
    """Write a task's column as the cohort has it: an extra column of numbers is ``number:NAME``.

    Raises
    ------
    SelectionError
        If it is an extra column that the cohort does not have.
    """
    own = parse_own_column(text)
    if own is None or own.kind == "finding":
        return text
    column = find_extra(cohort, own.name)
    if own.kind == "extra" and not own.value and column.kind == "number":
        return OwnColumn("number", own.name).to_text()
    return own.to_text()


def read_own_labels(cohort: Cohort, own: OwnColumn) -> pd.Series:
    """Read the label of each image from a column of one's own, as `read_labels` does.

    Raises
    ------
    SelectionError
        If the cohort has no such column or value, or the column is of another type.
    """
    if own.kind == "finding":
        return _read_finding(cohort, own.name)
    column = find_extra(cohort, own.name)
    _check_kind(column, own)
    values = cohort.table[own.column]
    if own.kind == "number":
        return pd.Series(values.to_numpy(dtype=float, na_value=np.nan), index=values.index)
    if not own.value:
        return values.astype("str").map({"yes": 1.0, "no": 0.0}).astype(float)
    words = values.astype(object)
    return words.eq(own.value).astype(float).where(words.notna())


def _read_finding(cohort: Cohort, path: str) -> pd.Series:
    """Read which images have a finding, or one below it; where none is usable there is no label."""
    table = cohort.table
    findings = table["finding"].where(table["usable_finding"])
    parts = findings.map(lambda text: _split_path(text) if isinstance(text, str) else ())
    wanted = _split_path(path)
    has_it = parts.map(lambda each: each[: len(wanted)] == wanted)
    if not has_it.any():
        there = sorted({str(each) for each in findings.dropna()})
        near = difflib.get_close_matches(path, there, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {_list(there)}."
        raise SelectionError(f"No image of {cohort.name!r} has the finding {path[:80]!r}. {hint}")
    return has_it.astype(float).where(findings.notna())


def _split_path(path: str) -> tuple[str, ...]:
    return tuple(part.strip().casefold() for part in path.split("/"))


def list_findings(cohort: Cohort) -> list[str]:
    """List the findings of a cohort's X-rays, and what stands above them, in their order."""
    table = cohort.table
    findings = table.loc[table["is_xray"] & table["usable_finding"], "finding"].dropna().unique()
    paths = set()
    for finding in findings:
        parts = [part.strip() for part in str(finding).split("/")]
        paths |= {"/".join(parts[:n]) for n in range(1, len(parts) + 1)}
    return sorted(paths)


def _check_kind(column: ExtraColumn, own: OwnColumn) -> None:
    """Refuse a column of another type than the task takes it for, and say what to write."""
    name = column.name
    if column.kind == "empty":
        raise SelectionError(
            f"The extra column {name!r} has no value in any row, so it cannot be predicted. Fill "
            f"it in in {column.file}, or choose another column."
        )
    if column.kind == "text":
        raise SelectionError(
            f"The extra column {name!r} holds text with {column.n_values:,} values, so it cannot "
            "be predicted. A label is yes/no, a number, or a category of at most 50 values."
        )
    wanted = {"number": "number", "extra": "category" if own.value else "yes/no"}[own.kind]
    if wanted != column.kind:
        raise SelectionError(_describe_wrong_kind(column, own))
    values = [value for value, _ in column.values]
    if own.value and own.value not in values:
        near = difflib.get_close_matches(own.value, values, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {_list(values)}."
        raise SelectionError(f"The extra column {name!r} has no value {own.value[:80]!r}. {hint}")


def _describe_wrong_kind(column: ExtraColumn, own: OwnColumn) -> str:
    if column.kind == "category" and len(column.values) == 1:
        ((value, n),) = column.values
        return (
            f"The extra column {column.name!r} has one value, {value[:80]!r} ({n:,}), so there is "
            "nothing to predict. Write another value, such as no, for the other class."
        )
    if column.kind == "category":
        value, _ = column.values[0]
        line = OwnColumn("extra", column.name, value).to_text()
        values = [each for each, _ in column.values]
        return (
            f"The extra column {column.name!r} has {len(values)} categories ({_list(values)}): "
            f"name the one to predict against the rest, as in column={line}."
        )
    right = OwnColumn("number" if column.kind == "number" else "extra", column.name).to_text()
    return (
        f"The extra column {column.name!r} is of the type {column.kind}, not as "
        f"{own.to_text()!r} has it. Write column={right}."
    )
