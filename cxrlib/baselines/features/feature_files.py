"""Feature files: numbers for images made elsewhere, as Parquet or comma-separated text.

One column image_id of text, one column a feature, one row an image. A file may come from anyone:
sizes are checked before anything is unpacked, only plain columns of text and numbers are read, and
nothing in it is ever run or unpickled. What is wrong is refused with file, row, column and value;
an image with a blank or a value that is not finite is kept out, counted and named.
"""

import csv
import difflib
import hashlib
import io
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cxrlib.aliases import Floats
from cxrlib.baselines.features.feature_matrix import MAX_NAME, Features, features_from_matrix
from cxrlib.cohort import make_encodable
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.storage import read_regular
from cxrlib.system import describe_read_error

ID_COLUMN = "image_id"
MAX_BYTES = 512 << 20
"""Largest file."""
MAX_COLUMNS = 65_536
"""Most features; an image of 224 x 224 pixels has 50,176."""
MAX_CELLS = 50_000_000
"""Most numbers, 0.4 GB."""
MAX_UNPACKED = 1 << 30
"""Most bytes of a Parquet file once it is decompressed, as its own footer counts them."""

BLANKS = frozenset({"", "nan", "na", "n/a", "null", "none"})
INFINITIES = frozenset({"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
PANDAS_INDEX = "__index_level_"
_ADVICE = (
    f"A feature file has a text column {ID_COLUMN}, as in the cohort's exports, and one column of "
    "numbers per feature."
)


@dataclass(frozen=True, eq=False)
class _Table:
    """Hold what a file says, with the row of each image as a reader would count it."""

    image_ids: tuple[str, ...]
    columns: tuple[str, ...]
    matrix: Floats
    rows: Sequence[int]


def read_feature_file(path: Path | str) -> Features:
    """Read features from a Parquet or CSV file.

    `cxrlib.baselines.features.match_features` then takes the images of a task.

    Parameters
    ----------
    path : Path or str
        Ending in .parquet or .csv. Comment lines that start with "#" may stand above the header
        of a CSV file.

    Returns
    -------
    Features
        Called by the file's name; all its images, in its order. Those with a blank, NaN, infinite
        or huge value are in `missing`.

    Raises
    ------
    SelectionError
        If the file cannot be read, is too large, is no such table, or holds an image twice or a
        value that is no number; the message names file, row, column and value.
    """
    path = Path(path)
    name = make_encodable(path.name)[-MAX_NAME:]
    ending = path.suffix.casefold()
    if ending not in (".parquet", ".csv"):
        raise SelectionError(f"Feature file {name!r} is neither .parquet nor .csv. {_ADVICE}")
    try:
        data = read_regular(path, max_bytes=MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = describe_read_error(error) if isinstance(error, OSError) else str(error)
        raise SelectionError(f"Feature file {name!r} cannot be read: {reason}.") from error
    table = _read_parquet(data, name) if ending == ".parquet" else _read_csv(data, name)
    _check_ids(table, name)
    features = features_from_matrix(table.matrix, table.image_ids, table.columns, name)
    size = f"{format_units(len(table.rows), 'row')}, {format_units(len(table.columns), 'column')}"
    origin = f"Features from the file {name!r}: {size}; SHA-256 {hashlib.sha256(data).hexdigest()}."
    return replace(features, origin=(origin,))


def _check_ids(table: _Table, name: str) -> None:
    """Refuse images that are there twice, or have no name."""
    seen: dict[str, int] = {}
    for row, image_id in zip(table.rows, table.image_ids, strict=True):
        if not image_id.strip() or len(image_id) > MAX_NAME:
            problem = "is blank" if not image_id.strip() else f"has {len(image_id)} characters"
            raise SelectionError(
                f"Feature file {name!r}, row {row}: {ID_COLUMN} {problem}. Write the id of the "
                "row's image."
            )
        if image_id in seen:
            raise SelectionError(
                f"Feature file {name!r} has image {image_id!r} twice, in rows {seen[image_id]} and "
                f"{row}. Keep one row per image."
            )
        seen[image_id] = row


def _check_header(columns: Sequence[str], name: str) -> None:
    """Refuse a header without image ids or features, with blanks, repeats or a mere index."""
    if ID_COLUMN not in columns:
        near = difflib.get_close_matches(ID_COLUMN, [column[:80] for column in columns], n=1)
        hint = f" Did you mean {near[0]!r}? Rename it." if near else ""
        shown = ", ".join(repr(column[:40]) for column in columns[:5]) or "none"
        raise SelectionError(
            f"Feature file {name!r} has no column {ID_COLUMN!r}; its columns begin with {shown}."
            f"{hint} {_ADVICE}"
        )
    for place, column in enumerate(columns, start=1):
        if not column.strip() or column.startswith((PANDAS_INDEX, "Unnamed: ")):
            raise SelectionError(
                f"Feature file {name!r}, column {place} ({column[:40]!r}) looks like an index and "
                "would count as a feature. Write the file without the index (index=False)."
            )
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise SelectionError(
                f"Feature file {name!r} has the column {column[:80]!r} twice. Rename one."
            )
        seen.add(column)
    if len(columns) < 2:
        raise SelectionError(f"Feature file {name!r} has no feature column. {_ADVICE}")


def _check_size(n_rows: int, n_columns: int, name: str) -> None:
    """Refuse a table that is larger than what can be worked with."""
    if n_columns > MAX_COLUMNS or n_rows * n_columns > MAX_CELLS:
        raise SelectionError(
            f"Feature file {name!r} has {format_units(n_rows, 'row')} and "
            f"{format_units(n_columns, 'column')}: at most {MAX_COLUMNS:,} columns and "
            f"{MAX_CELLS:,} numbers are read. Leave out images or columns."
        )


# ---- Parquet


def _read_parquet(data: bytes, name: str) -> _Table:
    """Read a Parquet file: its columns of text and numbers, and none of its metadata."""
    if data[:4] != b"PAR1":
        raise SelectionError(f"Feature file {name!r} is not a Parquet file. {_ADVICE}")
    try:
        # The bytes, not the path: what goes wrong from here on is damage. Extension types are
        # read as what they are stored as.
        with pq.ParquetFile(pa.BufferReader(data), arrow_extensions_enabled=False) as file:
            _check_footer(file, name)
            table = file.read()
        columns = [column for column in table.column_names if column != ID_COLUMN]
        matrix = np.empty((table.num_rows, len(columns)), dtype=np.float64)
        for place, column in enumerate(columns):
            matrix[:, place] = _to_floats(table.column(column))
        image_ids = table.column(ID_COLUMN).cast(pa.string()).to_pylist()
    except (OSError, pa.ArrowException, ValueError, MemoryError) as error:
        raise SelectionError(
            f"Feature file {name!r} is damaged: {_shorten(str(error))}. Write it again."
        ) from error
    named = tuple("" if image_id is None else image_id for image_id in image_ids)
    return _Table(named, tuple(columns), matrix, range(1, len(named) + 1))


def _check_footer(file: pq.ParquetFile, name: str) -> None:
    """Check sizes and types by the footer, before any column is read."""
    about, schema = file.metadata, file.schema_arrow
    _check_size(about.num_rows, len(schema), name)
    _check_header(schema.names, name)
    groups = (about.row_group(i) for i in range(about.num_row_groups))
    n_bytes = sum(group.total_byte_size for group in groups)
    if n_bytes > MAX_UNPACKED:
        raise SelectionError(
            f"Feature file {name!r} unpacks to {n_bytes >> 20:,} MiB: at most "
            f"{MAX_UNPACKED >> 20:,} MiB are read. Leave out images or columns."
        )
    for each in schema:
        kind = each.type
        if each.name == ID_COLUMN:
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise SelectionError(
                    f"Feature file {name!r}: column {ID_COLUMN!r} is of type {each.type}, it must "
                    "be text."
                )
        elif not _is_number(kind):
            raise SelectionError(
                f"Feature file {name!r}: column {each.name[:80]!r} is of type "
                f"{_shorten(str(kind))}, it must be integers, floats or booleans. Split lists into "
                "one column per number; remove text columns."
            )


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


def _to_floats(column: pa.ChunkedArray) -> Floats:
    """Turn a column of numbers into floats, blanks into NaN."""
    # Integers beyond 2^53 lose their last digits, as they would in any model.
    floats = column.cast(pa.float64(), safe=False)
    return np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


# ---- comma-separated text


def _read_csv(data: bytes, name: str) -> _Table:
    """Read comma-separated text in UTF-8."""
    if data[:4] in (b"PAR1", b"PK\x03\x04"):
        kind = (
            "a Parquet file (rename it to .parquet)"
            if data[:4] == b"PAR1"
            else "a spreadsheet or zip file"
        )
        raise SelectionError(f"Feature file {name!r} is {kind}, not comma-separated text.")
    records = _split_records(data, name)
    header_at, header = next(records, (1, []))
    if len(header) == 1 and ";" in header[0]:
        raise SelectionError(
            f"Feature file {name!r} is separated by semicolons. Save it with commas between values "
            "and decimal points."
        )
    _check_header(header, name)
    id_at = header.index(ID_COLUMN)
    columns = tuple(header[:id_at] + header[id_at + 1 :])
    image_ids: list[str] = []
    rows: list[int] = []
    values: list[Floats] = []
    _check_size(0, len(header), name)
    for row, cells in records:
        if len(cells) != len(header):
            raise SelectionError(
                f"Feature file {name!r}, row {row} has {format_units(len(cells), 'value')} for "
                f"{format_units(len(header), 'column')} of the header in row {header_at}."
            )
        _check_size(len(rows) + 1, len(header), name)
        image_ids.append(cells.pop(id_at))
        rows.append(row)
        values.append(_read_numbers(cells, columns, row, name))
    matrix = np.array(values, dtype=np.float64).reshape(len(rows), len(columns))
    return _Table(tuple(image_ids), columns, matrix, rows)


def _split_records(data: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Split text into records with their line's number; leave out blank lines and comments above.

    A record over several lines has the number of its last.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SelectionError(
            f"Feature file {name!r} is not UTF-8 text: byte {error.start + 1:,} is invalid. Save "
            "it as UTF-8."
        ) from error
    lines = io.StringIO(text, newline="")
    n_above = 0
    for line in lines:
        if not line.startswith("#"):
            lines = itertools.chain([line], lines)  # type: ignore[assignment]
            break
        n_above += 1
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            if cells:
                yield n_above + reader.line_num, cells
    except csv.Error as error:
        raise SelectionError(
            f"Feature file {name!r}, line {n_above + reader.line_num} is not valid CSV: {error}."
        ) from error


def _read_numbers(cells: Sequence[str], columns: Sequence[str], row: int, name: str) -> Floats:
    """Read the numbers of a row, blanks as NaN."""
    together = "".join(cells)
    if together.isascii() and "_" not in together:
        try:
            return np.array([float(cell) for cell in cells])
        except ValueError:
            pass  # a blank, or a word: looked at one by one
    return np.array([_read_number(c, t, row, name) for c, t in zip(cells, columns, strict=True)])


def _read_number(cell: str, column: str, row: int, name: str) -> float:
    """Read one number; float() alone would also take "1_000" and digits of other scripts."""
    word = cell.strip().casefold()
    if word in BLANKS:
        return math.nan
    if word in INFINITIES:
        return float(word)
    try:
        number = float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        number = None
    if number is None:
        raise SelectionError(
            f"Feature file {name!r}, row {row}, column {column[:80]!r}: {_shorten(cell)!r} is not "
            "a number. Write numbers with a decimal point; leave missing values blank."
        )
    return number


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:97]}..."
