"""What an import did: for a reader, and as import.json for programs."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxrlib import __version__
from cxrlib.cohort import IMPORT_FILE, read_value
from cxrlib.importing.images import ImageCounts
from cxrlib.importing.recipes import NamedMapping
from cxrlib.importing.source_tables import TableCounts, describe_delimiter
from cxrlib.number_text import format_units
from cxrlib.storage import write_whole

REPORT_FILE = "import.txt"
MOST_REMEMBERED = 50_000  # distinct cells of a column whose reading is remembered
MOST_VALUES = 200  # distinct cells of a column that are not understood and named one by one
MOST_ROWS = 20  # rows named for each
MOST_LINES = 10  # values and files of a kind that a text names


@dataclass
class ColumnReport:
    """Hold what became of one of our columns.

    Parameters
    ----------
    column : str
    origin : str
        What it is made of, in words.
    n_values : int
        Rows with a value.
    rules : Counter of str
        How cells of another form were understood, with their rows.
    strange : dict of str to list of int
        Cells that are not understood, with their number of rows first, then the first rows.
    n_strange : int
        Rows with such a cell, also those that are not named.
    """

    column: str
    origin: str
    n_values: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    strange: dict[str, list[int]] = field(default_factory=dict)
    n_strange: int = 0

    def see(self, cell: str, row: int) -> None:
        """Count a cell."""
        self.n_values += 1
        value, rule = self._read(cell)
        if value is None:
            self.n_strange += 1
            if cell in self.strange or len(self.strange) < MOST_VALUES:
                counted = self.strange.setdefault(cell, [0])
                counted[0] += 1
                if len(counted) <= MOST_ROWS:
                    counted.append(row)
        elif rule:
            self.rules[rule] += 1

    def __post_init__(self) -> None:
        self._known: dict[str, tuple[str | None, str]] = {}

    def _read(self, cell: str) -> tuple[str | None, str]:
        found = self._known.get(cell)
        if found is None:
            reading = read_value(self.column, cell)
            found = (reading.value, reading.rule)
            if len(self._known) < MOST_REMEMBERED:
                self._known[cell] = found
        return found


@dataclass
class ImportReport:
    """Hold what an import did, or would do.

    Parameters
    ----------
    name : NamedMapping
        The mapping and where it comes from.
    source : str
        The source's name, without the folders above it.
    options : tuple of str
    n_rows : int
    tables : list of TableCounts
    columns : list of ColumnReport
    extra : dict of str to str
        Extra columns, each with the source's column it is.
    images : ImageCounts
    how : str
        "linked" or "copied".
    spellings : list of (str, str)
        Patient ids that may be one in two spellings.
    unread : list of str
        Tables of the source that the mapping does not name.
    warnings : list of str
    """

    name: NamedMapping
    source: str
    options: tuple[str, ...]
    n_rows: int = 0
    tables: list[TableCounts] = field(default_factory=list)
    columns: list[ColumnReport] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)
    images: ImageCounts = field(default_factory=ImageCounts)
    how: str = "linked"
    spellings: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said beside every number of the cohort."""
        return self.name.mapping.notes

    @property
    def is_complete(self) -> bool:
        """Whether every row has an image and every cell was understood."""
        return not self.images.left and not any(each.n_strange for each in self.columns)


def describe_import(report: ImportReport) -> Iterator[str]:
    """Describe an import in lines: columns, extra columns, values not understood, images."""
    mapping = report.name.mapping
    yield f"{mapping.title or report.source}: {format_units(report.n_rows, 'image')}"
    yield f"Read by {report.name.name}" + (
        f" with the option {', '.join(report.options)}." if report.options else "."
    )
    for note in report.notes:
        yield f"Note on every number: {note}"
    yield ""
    for table in report.tables:
        yield from _describe_table(table)
    yield ""
    yield "What each column is made of:"
    for column in report.columns:
        yield f"  {column.column}: {column.origin}; {format_units(column.n_values, 'row')}"
        for rule, n in column.rules.most_common():
            yield f"    understood: {rule}, {format_units(n, 'row')}"
    yield "Kept as extra columns, as they are in the source:"
    same = [name for name, origin in report.extra.items() if name == origin]
    yield f"  {', '.join(same) or 'none'}"
    for name, origin in report.extra.items():
        if name != origin:
            yield f"  {name}: {origin}"
    yield ""
    yield from _describe_strange(report)
    yield from _describe_images(report)
    for first, second in report.spellings[:MOST_LINES]:
        yield f"Patient ids {first!r} and {second!r} may be one in two spellings: kept apart."
    if report.unread:
        shown = ", ".join(report.unread[:MOST_LINES])
        more = len(report.unread) - MOST_LINES
        yield f"Tables of the source that were not read: {shown}" + (
            f" and {more:,} more" if more > 0 else ""
        )
    yield from report.warnings


def _describe_table(table: TableCounts) -> Iterator[str]:
    form = f" ({table.encoding}, {describe_delimiter(table.delimiter)})" if table.encoding else ""
    yield f"Table {table.file}{form}: {format_units(table.n_rows, 'row')}"
    counts = {
        "blank rows, left out": table.n_blank,
        "rows with fewer cells than the header": table.n_short,
        "rows with more cells than the header, kept in the last column": table.n_long,
        "rows whose key an earlier row has with other values, left out": table.n_repeated,
        "rows whose key no image has, left out": table.n_unused,
    }
    for words, n in counts.items():
        if n:
            yield f"  {n:,} {words}"
    for kind, examples in table.examples.items():
        yield f"    {kind}: {', '.join(examples)}, ..."


def _describe_strange(report: ImportReport) -> Iterator[str]:
    """Name each value that is not understood, with its rows."""
    if not any(each.n_strange for each in report.columns):
        yield "Every value is understood."
        return
    yield "Values that are not understood. They are kept as they are, and read as not recorded:"
    for column in report.columns:
        if not column.n_strange:
            continue
        yield f"  {column.column}: {format_units(column.n_strange, 'row')}"
        ordered = sorted(column.strange.items(), key=lambda item: -item[1][0])
        for value, (n, *rows) in ordered[:MOST_LINES]:
            shown = ", ".join(f"{row:,}" for row in rows[:5]) + (", ..." if n > 5 else "")
            yield f"    {value[:60]!r}: {format_units(n, 'row')} ({shown})"
        rest = len(ordered) - MOST_LINES
        if rest > 0:
            yield f"    and {rest:,} values more: all are in {IMPORT_FILE}"


def _describe_images(report: ImportReport) -> Iterator[str]:
    images = report.images
    yield f"Images: {images.n_found:,} of {report.n_rows:,} rows have one, {report.how}."
    for reason, n in images.left.most_common():
        names = [f"row {row:,} {name!r}" for row, name in images.examples[reason][:3]]
        yield f"  {format_units(n, 'row')} without one, {reason}: {', '.join(names)}" + (
            ", ..." if n > 3 else ""
        )
    if images.n_repeated:
        yield f"  {format_units(images.n_repeated, 'row')} with an image that an earlier row has"
    if images.n_unnamed:
        yield f"  {format_units(images.n_unnamed, 'image')} of the source that no row names"


def make_record(report: ImportReport) -> dict[str, Any]:
    """Make what import.json holds, the notes first."""
    return {
        "name": report.name.mapping.title,
        "notes": list(report.notes),
        "version": __version__,
        "source": report.source,
        "mapping": report.name.name,
        "options": list(report.options),
        "keys": report.name.mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "n_rows": report.n_rows,
        "tables": [vars(table) for table in report.tables],
        "columns": {
            each.column: {
                "from": each.origin,
                "n_values": each.n_values,
                "understood": dict(each.rules),
                "n_not_understood": each.n_strange,
                "not_understood": [
                    {"value": value, "n_rows": n, "rows": rows}
                    for value, (n, *rows) in each.strange.items()
                ],
            }
            for each in report.columns
        },
        "extra_columns": report.extra,
        "images": {
            "how": report.how,
            "n_found": report.images.n_found,
            "n_repeated": report.images.n_repeated,
            "n_without_a_row": report.images.n_unnamed,
            "without_an_image": dict(report.images.left),
            "examples": report.images.examples,
        },
        "ids_in_two_spellings": report.spellings,
        "tables_not_read": report.unread,
        "warnings": report.warnings,
    }


def write_report(report: ImportReport, folder: Path) -> None:
    """Write import.json and import.txt into a folder."""
    record = json.dumps(make_record(report), ensure_ascii=True, indent=1)
    write_whole(folder / IMPORT_FILE, record.encode("ascii"))
    lines = "\n".join(describe_import(report))
    write_whole(folder / REPORT_FILE, f"{lines}\n".encode("utf-8", "replace"))
