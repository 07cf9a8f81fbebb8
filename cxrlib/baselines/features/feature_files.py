"""Feature files: numbers for images made elsewhere, as Parquet, comma-separated text or NumPy.

One column image_id of text, one column a feature, one row an image; an array of NumPy has its ids
in a text file beside it, one a line. A file may come from anyone:
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
from numpy.typing import ArrayLike

from cxrlib.aliases import Floats
from cxrlib.baselines.features.feature_matrix import (
    MAX_NAME,
    Features,
    check_matrix,
    features_from_matrix,
)
from cxrlib.cohort import find_separator, make_encodable
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr
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
IDS_ENDING = ".ids.txt"
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


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Hold all rows of a feature file, those with a blank (NaN) too.

    Parameters
    ----------
    name : str
        Of the file.
    image_ids : tuple of str
        Distinct.
    columns : tuple of str
        Distinct.
    matrix : ndarray of float, shape (n_images, n_columns)
    origin : str
        File, size and hash, in a sentence.
    """

    name: str
    image_ids: tuple[str, ...]
    columns: tuple[str, ...]
    matrix: Floats
    origin: str
    __repr__ = short_repr

    def to_features(self) -> Features:
        """Take the rows with a usable number in every column; the others are missing."""
        features = features_from_matrix(self.matrix, self.image_ids, self.columns, self.name)
        return replace(features, origin=(self.origin,))


def read_feature_file(path: Path | str, *, ids: Path | str | None = None) -> Features:
    """Read features from a Parquet, CSV or NumPy file.

    `cxrlib.baselines.features.match_features` then takes the images of a task.

    Parameters
    ----------
    path : Path or str
        Ending in .parquet, .csv or .npy. Comment lines that start with "#" may stand above the
        header of a CSV file.
    ids : Path or str, optional
        Of an array: the text file with the image id of each row, one a line; by default the
        array's name with ".ids.txt" in place of ".npy".

    Returns
    -------
    Features
        Called by the file's name; all its images, in its order. Those with a blank, NaN, infinite
        or huge value are in `missing`.

    Raises
    ------
    SelectionError
        If the file cannot be read, is too large, is no such table, holds an image twice, a value
        that is no number, or a column without any; the message names file, row, column and value.
    """
    return read_table_file(path, ids=ids).to_features()


def read_table_file(path: Path | str, *, ids: Path | str | None = None) -> FeatureTable:
    """Read all rows of a feature file, those with a blank too; raises as `read_feature_file`."""
    path = Path(path)
    name = _show_name(path.name)
    beside = path.with_name(f"{path.stem}{IDS_ENDING}") if ids is None else Path(ids)
    of_ids = None
    data = _read_bytes(path, f"Feature file {name!r}")
    if path.suffix.casefold() == ".npy":
        what = f"Feature file {name!r} is an array and needs its image ids, one a line, in a text "
        of_ids = _read_bytes(beside, f"{what}file; {_show_name(beside.name)!r}")
    return read_table_bytes(data, path.name, of_ids)


def read_table_bytes(data: bytes, file_name: str, ids: bytes | None = None) -> FeatureTable:
    """Read all rows of a feature file from its bytes; raises as `read_feature_file`.

    Parameters
    ----------
    data : bytes
    file_name : str
        Whose ending says what they are.
    ids : bytes, optional
        Of an array: the text with the image ids.
    """
    name = _show_name(file_name)
    ending = Path(name).suffix.casefold()
    if ending not in (".parquet", ".csv", ".npy"):
        raise SelectionError(f"Feature file {name!r} is none of .parquet, .csv and .npy. {_ADVICE}")
    if len(data) > MAX_BYTES:
        raise SelectionError(
            f"Feature file {name!r} has {len(data) >> 20:,} MiB: at most {MAX_BYTES >> 20:,} MiB "
            "are read."
        )
    if ending == ".npy":
        table = _read_array(data, ids, name)
    else:
        table = _read_parquet(data, name) if ending == ".parquet" else _read_csv(data, name)
    _check_ids(table, name)
    _check_columns(table, name)
    size = f"{format_units(len(table.rows), 'row')}, {format_units(len(table.columns), 'column')}"
    origin = f"Features from the file {name!r}: {size}; SHA-256 {hashlib.sha256(data).hexdigest()}."
    return FeatureTable(name, table.image_ids, table.columns, table.matrix, origin)


def check_table(
    matrix: ArrayLike, image_ids: Sequence[str], columns: Sequence[str] | None, name: str
) -> FeatureTable:
    """Check a matrix of one's own as a file is checked; raises as `read_feature_file`."""
    values, ids, titles = check_matrix(matrix, image_ids, columns, name)
    table = _Table(ids, titles, values, range(1, len(ids) + 1))
    _check_size(len(ids), len(titles), name)
    _check_ids(table, name)
    _check_columns(table, name)
    shape = f"{format_units(len(ids), 'image')}, {format_units(len(titles), 'column')}"
    origin = f"Features from outside this program, named {name!r}: {shape}."
    return FeatureTable(name, ids, titles, values, origin)


def _show_name(file_name: str) -> str:
    return make_encodable(file_name)[-MAX_NAME:]


def _read_bytes(path: Path, what: str) -> bytes:
    """Read a file, or say that it cannot be read."""
    try:
        return read_regular(path, max_bytes=MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = describe_read_error(error) if isinstance(error, OSError) else str(error)
        raise SelectionError(f"{what} cannot be read: {reason}.") from error


def _check_columns(table: _Table, name: str) -> None:
    """Refuse a column without any number: every image would be left out because of it."""
    is_empty = ~np.isfinite(table.matrix).any(axis=0) if len(table.matrix) else np.zeros(0, bool)
    if not is_empty.any():
        return
    empty = [table.columns[place] for place in np.flatnonzero(is_empty)]
    shown = ", ".join(repr(column[:60]) for column in empty[:3])
    more = f" and {len(empty) - 3:,} more" if len(empty) > 3 else ""
    has = "has" if len(empty) == 1 else "have"
    raise SelectionError(
        f"Feature file {name!r}: {shown}{more} {has} no number in any of "
        f"{format_units(len(table.rows), 'row')}. Remove {'it' if len(empty) == 1 else 'them'}: an "
        "image that lacks one column is left out."
    )


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
    if not header:
        raise SelectionError(f"Feature file {name!r} is empty. {_ADVICE}")
    if len(header) == 1 and (sign := find_separator(header[0])):
        raise SelectionError(
            f"Feature file {name!r} is separated by {sign}. Save it with commas between values "
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


# ---- arrays of NumPy


def _read_array(data: bytes, ids: bytes | None, name: str) -> _Table:
    """Read an array of numbers, never a pickle, and the ids of its rows."""
    if ids is None:
        raise SelectionError(
            f"Feature file {name!r} is an array and needs its image ids: a text file with one id a "
            "line."
        )
    shape, dtype = _read_header(data, name)
    if len(shape) not in (1, 2) or dtype.kind not in "biuf":
        raise SelectionError(
            f"Feature file {name!r} holds an array of shape {shape!r} and type {dtype!s:.40}: it "
            "must be (n_images, n_columns) of integers, floats or booleans."
        )
    n_rows, n_columns = (*shape, 1)[:2]
    _check_size(n_rows, n_columns + 1, name)
    if not n_columns:
        raise SelectionError(f"Feature file {name!r} has no feature column.")
    try:
        # Of the bytes, whose header was looked at: no more is made than they hold.
        array = np.load(io.BytesIO(data), allow_pickle=False)
        matrix = np.asarray(array, dtype=np.float64).reshape(n_rows, n_columns)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise SelectionError(
            f"Feature file {name!r} is damaged: {_shorten(str(error))}. Write it again."
        ) from error
    lines = _split_ids(ids, name)
    if len(lines) != n_rows:
        raise SelectionError(
            f"Feature file {name!r} has {format_units(n_rows, 'row')} and "
            f"{format_units(len(lines), 'image id')}: give one id a line, in the order of the rows."
        )
    columns = tuple(f"column {i}" for i in range(1, n_columns + 1))
    return _Table(tuple(lines), columns, matrix, range(1, n_rows + 1))


def _read_header(data: bytes, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Read shape and type of an array, before anything is made of it."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(stream)
    except (ValueError, KeyError, EOFError, TypeError, SyntaxError, RecursionError) as error:
        raise SelectionError(
            f"Feature file {name!r} is not an array of NumPy. Write it with numpy.save."
        ) from error
    is_whole = dtype.hasobject or len(data) - stream.tell() >= math.prod(shape) * dtype.itemsize
    if not is_whole or any(size < 0 for size in shape):
        raise SelectionError(f"Feature file {name!r} is damaged: it ends early. Write it again.")
    return shape, dtype


def _split_ids(ids: bytes, name: str) -> list[str]:
    """Split the ids of an array's rows; a header image_id above them is passed over."""
    try:
        lines = ids.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise SelectionError(
            f"The image ids of feature file {name!r} are not UTF-8 text: byte {error.start + 1:,} "
            "is invalid. Save them as UTF-8."
        ) from error
    while lines and not lines[-1].strip():
        lines.pop()
    return lines[1:] if lines[:1] == [ID_COLUMN] else lines
