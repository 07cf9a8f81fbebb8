"""Label files: columns made elsewhere, attached to a cohort by image or patient as extra columns.

A CSV or Parquet file with a column image_id or patient_id and one column a label. It may come from
anyone: sizes are checked before anything is unpacked, everything is read as text and typed as the
extra columns of metadata.csv are. Ids that match nothing are counted and the nearest named.
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
from typing import TYPE_CHECKING

import pandas as pd

from cxrlib.cohort.cohort import Cohort
from cxrlib.cohort.extra_columns import name_extra, type_extra
from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.planted_truth import make_encodable
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store, read_regular
from cxrlib.system import describe_read_error

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BYTES = 64 << 20
MAX_UNPACKED = 256 << 20
MAX_COLUMNS = 1000
MOST_NAMED = 3  # ids that a message names
ID_COLUMNS = {"image_id": "image_id", "patient_id": "patient_id", "patientid": "patient_id"}
_SEPARATORS = {";": "semicolons", "\t": "tabs"}
_ADVICE = "A label file has a column image_id or patient_id, and one column per label."


@dataclass(frozen=True, eq=False)
class LabelFile:
    """Hold a file of labels as text.

    Parameters
    ----------
    name : str
        Of the file.
    key : {"image_id", "patient_id"}
    ids : tuple of str
    rows : tuple of int
        Number of each row in the file, the header being row 1.
    text : DataFrame of str
        A row an id, a column a label, blanks as "".
    sha256 : str
        Of the file; "" where there is none.
    """

    name: str
    key: str
    ids: tuple[str, ...]
    rows: tuple[int, ...]
    text: pd.DataFrame
    sha256: str = ""
    __repr__ = short_repr


def read_label_file(path: Path | str) -> LabelFile:
    """Read a file of labels.

    Parameters
    ----------
    path : Path or str
        Ending in .csv (UTF-8, commas) or .parquet.

    Raises
    ------
    SelectionError
        If the file cannot be read, is too large, or is no such table.
    """
    path = Path(path)
    _check_ending(path.name)
    try:
        data = read_regular(path, max_bytes=MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = describe_read_error(error) if isinstance(error, OSError) else str(error)
        name = make_encodable(path.name)[-200:]
        raise SelectionError(f"Label file {name!r} cannot be read: {reason}.") from error
    return read_label_bytes(data, path.name)


def _check_ending(name: str) -> bool:
    """Tell whether a name is that of a Parquet file; raises where it is of no CSV file either."""
    ending = Path(name).suffix.casefold()
    if ending not in (".csv", ".parquet"):
        name = make_encodable(name)[-200:]
        raise SelectionError(f"Label file {name!r} is neither .csv nor .parquet. {_ADVICE}")
    return ending == ".parquet"


def read_label_bytes(data: bytes, name: str) -> LabelFile:
    """Read the content of a file of labels, such as an upload, by its name.

    Raises
    ------
    SelectionError
        If it is no such table.
    """
    is_parquet = _check_ending(name)
    name = make_encodable(name)[-200:]
    header, *lines = _read_parquet(data, name) if is_parquet else list(_read_csv(data, name))
    digest = hashlib.sha256(data).hexdigest()
    return _make_file(name, header[1], lines, digest)


def take_label_table(table: pd.DataFrame, name: str = "labels") -> LabelFile:
    """Take labels from a table in memory, as `read_label_file` reads them from a file.

    Raises
    ------
    SelectionError
        If it has no column of ids, or no other one.
    """
    words = {str(column): [_write_cell(cell) for cell in table[column]] for column in table}
    lines = list(enumerate(map(list, zip(*words.values(), strict=True)), start=2))
    return _make_file(name, list(words), lines, "")


def _make_file(
    name: str, header: Sequence[str], lines: Sequence[tuple[int, list[str]]], digest: str
) -> LabelFile:
    folded = [each.strip().casefold() for each in header]
    key = next((each for each in ID_COLUMNS if each in folded), "")
    if not key:
        shown = ", ".join(repr(each[:40]) for each in header[:5]) or "none"
        raise SelectionError(
            f"Label file {name!r} has no column image_id or patient_id; its columns begin with "
            f"{shown}. {_ADVICE}"
        )
    if len(header) < 2 or len(header) > MAX_COLUMNS:
        raise SelectionError(
            f"Label file {name!r} has {format_units(len(header), 'column')}: it needs one of ids "
            f"and 1 to {MAX_COLUMNS - 1} of labels. {_ADVICE}"
        )
    if not lines:
        raise SelectionError(f"Label file {name!r} has a header and no row. {_ADVICE}")
    at = folded.index(key)
    names: list[str] = []
    for place, each in enumerate(header):
        if place != at:
            names.append(name_extra(each, names))
    ids, cells = [], []
    for row, line in lines:
        if len(line) != len(header):
            raise SelectionError(
                f"Label file {name!r}, row {row} has {format_units(len(line), 'value')} for "
                f"{format_units(len(header), 'column')} of the header. Mend the row."
            )
        ids.append(line[at].strip())
        cells.append([cell for place, cell in enumerate(line) if place != at])
    text = pd.DataFrame(cells, columns=names, dtype=object)
    rows = tuple(row for row, _ in lines)
    return LabelFile(name, ID_COLUMNS[key], tuple(ids), rows, text, digest)


def _read_csv(data: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Read comma-separated text, each record with its number; blank lines are passed over."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SelectionError(
            f"Label file {name!r} is not UTF-8 text: byte {error.start + 1:,} is invalid. Save it "
            "as UTF-8."
        ) from error
    lines = text.splitlines(keepends=True)
    # Comments above the header, as this program's own exports have them.
    n_above = sum(1 for _ in itertools.takewhile(lambda line: line.startswith("#"), lines))
    reader = csv.reader(io.StringIO("".join(lines[n_above:]), newline=""), strict=True)
    n_read = 0
    try:
        for row, cells in enumerate(reader, start=n_above + 1):
            if any(cell.strip() for cell in cells):
                n_read += 1
                if n_read == 1 and len(cells) == 1 and (sign := find_separator(cells[0])):
                    raise SelectionError(
                        f"Label file {name!r} is separated by {sign}. Save it with commas "
                        "between values and decimal points."
                    )
                yield row, cells
    except csv.Error as error:
        raise SelectionError(
            f"Label file {name!r}, line {n_above + reader.line_num} is not valid CSV: {error}."
        ) from error
    if not n_read:
        raise SelectionError(f"Label file {name!r} is empty. {_ADVICE}")


def find_separator(header: str) -> str:
    """Name what a line is separated by instead of commas; "" where there is no sign of it.

    Examples
    --------
    >>> find_separator("image_id;dead"), find_separator("image_id")
    ('semicolons', '')
    """
    return next((name for sign, name in _SEPARATORS.items() if sign in header), "")


def _read_parquet(data: bytes, name: str) -> list[tuple[int, list[str]]]:
    """Read a Parquet file's columns of text, numbers and booleans as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(data), arrow_extensions_enabled=False) as file:
            groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > MAX_UNPACKED:
                raise SelectionError(
                    f"Label file {name!r} unpacks to more than {MAX_UNPACKED >> 20} MiB. Keep the "
                    "columns of ids and labels only."
                )
            _check_types(file.schema_arrow, name)
            table = file.read()
        columns = [column.to_pylist() for column in table.columns]
    except (OSError, pa.ArrowException, ValueError, MemoryError) as error:
        raise SelectionError(
            f"Label file {name!r} is not a readable Parquet file. Write it again."
        ) from error
    lines = [[_write_cell(cell) for cell in line] for line in zip(*columns, strict=True)]
    return [(1, list(table.column_names)), *enumerate(lines, start=2)]


def _check_types(schema: "pa.Schema", name: str) -> None:
    """Refuse columns of lists, records or bytes: no label can be made of them."""
    import pyarrow as pa

    for each in schema:
        if pa.types.is_nested(each.type) or pa.types.is_binary(each.type):
            raise SelectionError(
                f"Label file {name!r}: column {each.name[:80]!r} is of type {each.type!s:.60}, it "
                "must be text, numbers, dates or booleans. Write one value per cell, or remove it."
            )


def _write_cell(cell: object) -> str:
    """Write a cell as a CSV file would have it; a truth value as an answer."""
    if isinstance(cell, str):
        return cell
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, float) and math.isnan(cell):
        return ""
    if isinstance(cell, bool) or type(cell).__name__ == "bool":
        return "yes" if cell else "no"
    return f"{cell:.15g}" if isinstance(cell, float) else str(cell)


# ---- kept for a job

KEPT = "labels"
MOST_KEPT = 50  # files that visitors can fill the disk with


def keep_label_file(data: bytes, name: str, store: Store) -> str:
    """Keep a label file in the store for jobs; return what a job names it by.

    Raises
    ------
    SelectionError
        If the store holds `MOST_KEPT` others.
    """
    digest, kept = hashlib.sha256(data).hexdigest(), store.list_files(KEPT)
    if digest not in kept:
        if len(kept) >= MOST_KEPT:
            raise SelectionError(
                f"This server keeps {MOST_KEPT} label files for jobs at most. Add the labels to "
                "metadata.csv, or use the command line."
            )
        store.write_file(KEPT, digest, data)
    return f"{digest}:{name}"


def load_kept_labels(kept: str, store: Store) -> LabelFile:
    """Load a label file by what `keep_label_file` returned.

    Raises
    ------
    SelectionError
        If it is not there any more.
    """
    digest, _, name = kept.partition(":")
    data = store.read_file(KEPT, digest)
    if data is None:
        raise SelectionError(f"The label file {name[-200:]!r} is not kept here. Upload it again.")
    return read_label_bytes(data, name)


# ---- to a cohort


def attach_labels(cohort: Cohort, labels: LabelFile) -> Cohort:
    """Attach the columns of a label file to a cohort as extra columns.

    Parameters
    ----------
    cohort : Cohort
    labels : LabelFile
        By patient id, a label is that of all images of the patient.

    Returns
    -------
    Cohort
        With more extra columns, whose note says how many ids match nothing; its fingerprint is
        the same, since its files are.

    Raises
    ------
    SelectionError
        If no id matches, an id has two different labels, or a column is there already.
    """
    known = {column.name for column in cohort.extra}
    twice = [name for name in labels.text if name in known]
    if twice:
        raise SelectionError(
            f"Label file {labels.name!r} and metadata.csv both have a column {twice[0]!r}. Rename "
            "the one of the file."
        )
    place = _place_ids(labels)
    there = set(cohort.table[labels.key])
    note = _describe_match(cohort, labels, [each for each in place if each and each not in there])
    at = cohort.table[labels.key].map(place)
    problems = ProblemLog()
    text = labels.text.reindex(at.fillna(-1).astype(int)).fillna("").set_index(cohort.table.index)
    rows = [0 if pd.isna(i) else labels.rows[int(i)] for i in at]
    table, columns = type_extra(list(text.columns), text, rows, problems, file=labels.name)
    found = problems.to_table().drop_duplicates()  # a patient's row is read for each image
    return replace(
        cohort,
        table=cohort.table.join(table),
        extra=(
            *cohort.extra,
            *(replace(each, note=note + _describe_slips(each.name, found)) for each in columns),
        ),
        problems=pd.concat([cohort.problems, found], ignore_index=True)
        if len(found)
        else cohort.problems,
    )


def _describe_slips(name: str, found: pd.DataFrame) -> str:
    """Say which cells of a column of numbers could not be read, "" where all could."""
    slips = found[found["column"] == name]
    if slips.empty:
        return ""
    first = slips.iloc[0]
    n = format_units(len(slips), "cell")
    return (
        f" {n} of {name!r} {'is' if len(slips) == 1 else 'are'} no usable number, so not recorded; "
        f"the first is {str(first['value'])[:40]!r} in row {first['row']}."
    )


def _place_ids(labels: LabelFile) -> dict[str, int]:
    """Map each id to its row; the same labels may come twice, different ones may not."""
    place: dict[str, int] = {}
    for i, each in enumerate(labels.ids):
        first = place.setdefault(each, i)
        if first != i and each and not labels.text.iloc[first].equals(labels.text.iloc[i]):
            raise SelectionError(
                f"Label file {labels.name!r} has two different labels for {labels.key} "
                f"{each[:60]!r}, in rows {labels.rows[first]} and {labels.rows[i]}. Keep one."
            )
    return place


def _describe_match(cohort: Cohort, labels: LabelFile, strange: Sequence[str]) -> str:
    """Say which ids match nothing; refuse where none matches."""
    there = [str(each) for each in cohort.table[labels.key].unique()]
    n_ids = len({each for each in labels.ids if each})
    noun = labels.key.replace("_", " ")
    named = "; ".join(_name_nearest(each, there) for each in strange[:MOST_NAMED])
    if len(strange) == n_ids:
        example = f", such as {there[0]!r}" if there else ""
        raise SelectionError(
            f"None of the {format_units(n_ids, noun)} of label file {labels.name!r} is in "
            f"{cohort.name!r}: {named or 'all are blank'}. The cohort has "
            f"{format_units(len(there), noun)}{example}. Write ids as metadata.csv does."
        )
    digest = f" (SHA-256 {labels.sha256})" if labels.sha256 else ""
    origin = f"Labels come from {labels.name!r}{digest}, by {noun}."
    if not strange:
        return origin
    rest = len(strange) - MOST_NAMED
    more = f"; and {rest:,} more" if rest > 0 else ""
    verb = "matches" if len(strange) == 1 else "match"
    return (
        f"{origin} {len(strange):,} of {format_units(n_ids, noun)} in it {verb} no image of the "
        f"cohort: {named}{more}."
    )


def _name_nearest(each: str, there: Sequence[str]) -> str:
    near = difflib.get_close_matches(each[:80], there, n=1, cutoff=0.5)
    return f"{each[:60]!r}" + (f" (nearest: {near[0][:60]!r})" if near else "")
