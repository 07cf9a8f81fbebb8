"""The tables of a source, read as a stream: any size, encoding and separator, joined by key.

The first table is read row by row. The others are put into a temporary database on disk, from
which the row of each key is looked up, so that memory does not grow with them.
"""

import codecs
import csv
import gzip
import io
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping as Dict, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cxrlib.cohort import name_extra
from cxrlib.errors import CohortError
from cxrlib.importing.mapping import Mapping, Table
from cxrlib.storage import open_regular
from cxrlib.system import describe_read_error

LONGEST_CELL = 1 << 27  # characters
MAX_COLUMNS = 2000
MOST_NAMED = 5
PATH = "path"
"""Column of a table whose rows are files."""


@dataclass
class TableCounts:
    """Hold what was read of a table.

    Parameters
    ----------
    file : str
        Path within the source.
    encoding, delimiter : str
    n_rows, n_blank : int
        Rows with something in them, and without.
    n_short, n_long : int
        Rows with fewer and with more cells than the header; what is beyond it is kept.
    n_repeated : int
        Rows of a joined table whose key an earlier row has with other cells.
    n_unused : int
        Rows of a joined table whose key no row of the first has.
    examples : dict of str to list of str
        The first of each kind of problem, in words.
    """

    file: str
    encoding: str = ""
    delimiter: str = ""
    n_rows: int = 0
    n_blank: int = 0
    n_short: int = 0
    n_long: int = 0
    n_repeated: int = 0
    n_unused: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, words: str) -> None:
        """Keep an example of a kind of problem, the first few."""
        kept = self.examples.setdefault(kind, [])
        if len(kept) < MOST_NAMED:
            kept.append(words)


class SourceTable:
    """Hold one table of the source: its files, its columns, how it is written.

    Parameters
    ----------
    root : Path
        Of the source, resolved.
    paths : list of Path
    table : Table
    """

    def __init__(self, root: Path, paths: Sequence[Path], table: Table) -> None:
        self.root, self.paths, self.table = root, list(paths), table
        names = ", ".join(path.relative_to(root).as_posix() for path in paths[:3])
        more = f" and {len(paths) - 3:,} more" if len(paths) > 3 else ""
        self.counts = TableCounts(table.file[0] if table.parts else names + more)
        self.header = self._read_header()

    @property
    def columns(self) -> list[str]:
        """Names of the columns, with the prefix."""
        keys = self.table.keys
        return [name if name in keys else self.table.prefix + name for name in self.header]

    def _read_header(self) -> list[str]:
        if self.table.parts:
            return [PATH, *re.compile(self.table.parts).groupindex]
        first = self.paths[0]
        with reported(first, self.root):
            encoding = self.table.encoding or find_encoding(first)
            delimiter = self.table.delimiter or find_delimiter(first, encoding)
            self.counts.encoding, self.counts.delimiter = encoding, delimiter
            cells = next(self._read_file(first), (0, []))[1]
        if not cells or len(cells) > MAX_COLUMNS:
            raise CohortError(
                f"{self.counts.file} has {len(cells):,} columns: it needs a header with 1 to "
                f"{MAX_COLUMNS:,}. Check that it is a table."
            )
        header: list[str] = []
        for place, cell in enumerate(cells, start=1):
            header.append(name_extra(cell.strip() or f"column {place}", header))
        return header

    def _read_file(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """Read the records of one file with their numbers, the header first."""
        with open_text(path, self.counts.encoding) as lines:
            reader = csv.reader(lines, delimiter=self.counts.delimiter)
            yield from enumerate(reader, start=1)

    def read_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Read the rows with their numbers as a spreadsheet counts, the header being row 1.

        Raises
        ------
        CohortError
            If a file cannot be read to its end.
        """
        if self.table.parts:
            yield from self._list_files()
            return
        before = 0
        for path in self.paths:
            with reported(path, self.root):
                number = 0
                for number, cells in self._read_file(path):
                    if number == 1:
                        self._check_header(path, cells)
                    elif any(cell and not cell.isspace() for cell in cells):
                        self.counts.n_rows += 1
                        yield before + number, self._fit(before + number, cells)
                    else:
                        self.counts.n_blank += 1
                before += number

    def _check_header(self, path: Path, cells: Sequence[str]) -> None:
        """Refuse a second file of a table that has other columns."""
        if len(cells) != len(self.header):
            raise CohortError(
                f"{path.relative_to(self.root).as_posix()} has {len(cells)} columns, and "
                f"{self.paths[0].relative_to(self.root).as_posix()} {len(self.header)}. Files of "
                "one table need the same columns."
            )

    def _fit(self, number: int, cells: list[str]) -> list[str]:
        """Strip cells, and make them as many as the header has; more are put into the last."""
        cells = [cell.strip() for cell in cells]
        n = len(self.header)
        if len(cells) < n:
            self.counts.n_short += 1
            self.counts.note("fewer cells than the header", f"row {number:,}")
            cells += [""] * (n - len(cells))
        elif len(cells) > n:
            spilled = [cell for cell in cells[n:] if cell]
            if spilled:
                self.counts.n_long += 1
                self.counts.note("more cells than the header", f"row {number:,}")
            cells = [*cells[: n - 1], ", ".join(filter(None, [cells[n - 1], *spilled]))]
        return cells

    def _list_files(self) -> Iterator[tuple[int, list[str]]]:
        every = re.compile(self.table.parts)
        names = list(every.groupindex)
        for number, path in enumerate(self.paths, start=2):
            relative = path.relative_to(self.root).as_posix()
            match = every.search(relative)
            if match is None:
                self.counts.n_blank += 1
                self.counts.note("files whose path has not these parts", relative)
                continue
            self.counts.n_rows += 1
            yield number, [relative, *(match[name] or "" for name in names)]

    def reset(self) -> None:
        """Begin to count anew, before the rows are read again."""
        kept = self.counts
        self.counts = TableCounts(kept.file, kept.encoding, kept.delimiter)


@contextmanager
def reported(path: Path, root: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into an error that names it."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    limit = csv.field_size_limit(LONGEST_CELL)  # a report can be longer than 128 KiB
    try:
        yield
    except (OSError, EOFError) as error:
        reason = describe_read_error(error) if isinstance(error, OSError) else str(error)
        raise CohortError(f"{name} cannot be read: {reason}. Mend or replace the file.") from error
    except UnicodeError as error:
        raise CohortError(
            f"{name} is not text in the encoding that was named or found ({error}). Name another: "
            'encoding = "cp1252".'
        ) from error
    except LookupError as error:
        raise CohortError(f"{name}: {error}. Name another encoding, such as utf-8.") from error
    except csv.Error as error:
        raise CohortError(f"{name} is not a table of separated text: {error}.") from error
    finally:
        csv.field_size_limit(limit)


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file of the source, unpacked where its name ends in .gz."""
    with open_regular(path) as file:
        if path.suffix.casefold() != ".gz":
            yield file
            return
        with gzip.open(file, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Open a table as text, its line ends as they are."""
    with open_bytes(path) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as lines:
        yield lines


def find_encoding(path: Path) -> str:
    """Find the encoding of a text file: UTF-8 or UTF-16 by its mark, else Windows-1252 or Latin-1.

    The file is read once to its end.
    """
    with open_bytes(path) as file:
        start = file.read(4)
        if start.startswith(b"PK\x03\x04"):
            raise CohortError(
                f"{path.name} is a spreadsheet or a zip file, not text. Export the table as "
                "comma-separated text in UTF-8."
            )
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        decoder = codecs.getincrementaldecoder("utf-8")()
        is_utf8, has_gap = True, False
        block = start
        while block:
            try:
                is_utf8 = is_utf8 and decoder.decode(block) is not None
            except UnicodeDecodeError:
                is_utf8 = False
            has_gap = has_gap or any(sign in block for sign in _GAPS)
            block = file.read(1 << 20)
    if is_utf8 and not decoder.getstate()[0]:
        return "utf-8-sig"
    return "latin-1" if has_gap else "cp1252"


_GAPS = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")  # bytes that Windows-1252 has no sign for


def find_delimiter(path: Path, encoding: str) -> str:
    """Find what separates the cells: of the usual signs the one that the first line has most."""
    with open_text(path, encoding) as lines:
        first = lines.readline(1 << 20)
    return max(",;\t|", key=first.count)


# ---- which files


def find_table(root: Path, table: Table) -> SourceTable | None:
    """Find the files of a table; None where an optional one is not there.

    Raises
    ------
    CohortError
        If none fits, or several do.
    """
    for pattern in table.file:
        if pattern.startswith("/") or ".." in pattern.split("/") or "\\" in pattern:
            raise CohortError(
                f"The file {pattern!r} of a mapping leaves the source. Name one in it."
            )
        try:
            found = sorted(path for path in root.glob(pattern) if path.is_file())
        except (ValueError, NotImplementedError, OSError) as error:
            raise CohortError(f"The file {pattern!r} of a mapping is no path: {error}.") from error
        real = [path for path in found if path.resolve().is_relative_to(root)]
        if len(real) > 1 and not (table.all or table.parts):
            names = ", ".join(path.relative_to(root).as_posix() for path in real[:4])
            raise CohortError(
                f"{len(real):,} files fit the name {pattern!r}: {names}. Name one, or write "
                "all = true to read them one after another."
            )
        if real:
            return SourceTable(root, real, table)
    if table.optional:
        return None
    raise CohortError(
        f"The source {root.name!r} has no file {' or '.join(map(repr, table.file))}. "
        f"{_name_tables(root)}"
    )


def _name_tables(root: Path) -> str:
    names = [path.relative_to(root).as_posix() for path in list_tables(root)[:8]]
    return f"Tables in it: {', '.join(names)}." if names else "There is no table in it."


def list_tables(root: Path) -> list[Path]:
    """List the files of a source that look like tables, at most three folders deep."""
    endings = re.compile(r"\.(csv|tsv|txt)(\.gz)?$", re.IGNORECASE)
    depths = ("*", "*/*", "*/*/*")
    found: list[Path] = []
    for depth in depths:
        found += sorted(path for path in root.glob(depth) if endings.search(path.name))
    return [path for path in found if path.is_file()]


# ---- joined


class JoinedTables:
    """Read the rows of the first table with those of the others beside them.

    Parameters
    ----------
    root : Path
        Of the source, resolved.
    mapping : Mapping

    Raises
    ------
    CohortError
        If a table is not there, lacks a key column, or has a column that another has.
    """

    def __init__(self, root: Path, mapping: Mapping) -> None:
        found = [find_table(root, table) for table in mapping.table]
        if found[0] is None:
            raise CohortError("The first table of a mapping cannot be optional.")
        self.first, self.others = found[0], [each for each in found[1:] if each is not None]
        self.absent = [
            table for table, each in zip(mapping.table, found, strict=True) if each is None
        ]
        if self.first.table.by:
            raise CohortError("The first table of a mapping is joined to nothing: take by away.")
        self.header: dict[str, int] = {name: i for i, name in enumerate(self.first.columns)}
        self._keys: list[list[int]] = []
        for other in self.others:
            self._keys.append(self._place_keys(other))
            for name in self._list_new(other):
                if name in self.header:
                    raise CohortError(
                        f"{other.counts.file} has a column {name!r}, as a table above it has. Give "
                        'it a name of its own: prefix = "..." under its [[table]].'
                    )
                self.header[name] = len(self.header)

    def _place_keys(self, other: SourceTable) -> list[int]:
        keys = other.table.keys
        if not keys:
            raise CohortError(
                f"{other.counts.file} is joined by no column: name its key, by = [..]."
            )
        for own, theirs in keys.items():
            if own not in other.header:
                raise CohortError(
                    f"{other.counts.file} is joined by {own!r}, a column that it lacks; it has "
                    f"{', '.join(map(repr, other.header[:10]))}."
                )
            if theirs not in self.header:
                later = next((each for each in self.others if theirs in each.columns), None)
                loop = (
                    f" {later.counts.file} has it, which comes later: tables cannot wait for each "
                    "other. Put it above."
                    if later is not None
                    else ""
                )
                raise CohortError(
                    f"{other.counts.file} is joined by {theirs!r}, which no table above it has."
                    f"{loop}"
                )
        return [self.header[theirs] for theirs in keys.values()]

    @staticmethod
    def _list_new(other: SourceTable) -> list[str]:
        """List the columns that a table adds: all but its keys."""
        keys = other.table.keys
        pairs = zip(other.header, other.columns, strict=True)
        return [name for own, name in pairs if own not in keys]

    @property
    def counts(self) -> list[TableCounts]:
        """What was read of each table."""
        return [self.first.counts, *(other.counts for other in self.others)]

    def read_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Read the rows of the first table, those of the others beside them, with their numbers."""
        if not self.others:
            yield from self.first.read_rows()
            return
        with closing(sqlite3.connect("")) as database:  # a file of its own that nobody else sees
            database.execute("PRAGMA journal_mode=OFF")
            stored = [_StoredTable(database, f"t{i}", other) for i, other in enumerate(self.others)]
            for number, row in self.first.read_rows():
                for places, table in zip(self._keys, stored, strict=True):
                    row.extend(table.find([row[place] for place in places]))
                yield number, row
            for table in stored:
                table.count_unused()

    def reset(self) -> None:
        """Begin to count anew, before the rows are read again."""
        for table in (self.first, *self.others):
            table.reset()


class _StoredTable:
    """Hold a joined table in the database: the cells of each key."""

    def __init__(self, database: sqlite3.Connection, name: str, source: SourceTable) -> None:
        self._source = source
        keys = list(source.table.keys)
        self._own = [source.header.index(key) for key in keys]
        self._new = [i for i, column in enumerate(source.header) if column not in keys]
        self._nothing = [""] * len(self._new)
        self._database, self._name = database, name
        database.execute(
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, key TEXT UNIQUE, cells TEXT)"
        )
        self._insert = f"INSERT OR IGNORE INTO {name} (key, cells) VALUES (?, ?)"  # noqa: S608
        self._select = f"SELECT id, cells FROM {name} WHERE key = ?"  # noqa: S608
        for number, cells in source.read_rows():
            self._add(number, cells)
        n = database.execute(f"SELECT coalesce(max(id), 0) FROM {name}").fetchone()[0]  # noqa: S608
        self._used = bytearray(n + 1)

    def _add(self, number: int, cells: Sequence[str]) -> None:
        key = json.dumps([cells[i] for i in self._own])
        kept = json.dumps([cells[i] for i in self._new])
        if self._database.execute(self._insert, (key, kept)).rowcount:
            return
        if self._database.execute(self._select, (key,)).fetchone()[1] != kept:
            self._source.counts.n_repeated += 1
            words = f"row {number:,}, {', '.join(cells[i] for i in self._own)!r}"
            self._source.counts.note("a key that an earlier row has: left out", words)

    def find(self, key: Sequence[str]) -> list[str]:
        """Find the cells of a key; blank ones where there are none."""
        if not all(key):
            return self._nothing
        found = self._database.execute(self._select, (json.dumps(list(key)),)).fetchone()
        if found is None:
            return self._nothing
        self._used[found[0]] = 1
        cells: list[str] = json.loads(found[1])
        return cells

    def count_unused(self) -> None:
        """Count the rows that no row of the first table asked for."""
        rows = self._database.execute(f"SELECT id, key FROM {self._name} ORDER BY id")  # noqa: S608
        for number, key in rows:
            if not self._used[number]:
                self._source.counts.n_unused += 1
                words = ", ".join(json.loads(key))
                self._source.counts.note("a key that no image has: left out", repr(words))


def describe_delimiter(sign: str) -> str:
    """Describe what separates cells."""
    names: Dict[str, str] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    return names.get(sign, repr(sign))
