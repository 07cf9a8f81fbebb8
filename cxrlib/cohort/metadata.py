"""Reading metadata.csv: from bytes to one typed row an image, whatever the file is like.

Only a file that says nothing at all stops the reading (missing, empty, no header, no
patient ids or file names, another kind of file). Everything else is written down as a
problem with what was done about it. Blank text cells become missing values.
"""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd

from cxrlib.cohort.extra_columns import EXTRA, name_extra
from cxrlib.cohort.form import METADATA_FILE, read_form
from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.plain_numbers import NUMBER_LIMIT, parse_number
from cxrlib.cohort.values import read_column
from cxrlib.errors import CohortError
from cxrlib.number_text import format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import read_regular
from cxrlib.system import describe_read_error

MAX_BYTES = 512 << 20
MAX_COLUMNS = 1000
MAX_AGE = 130  # years
MAX_DAYS = 36_525  # of an offset: a hundred years
PAPER_FRONTAL_VIEWS = ("PA", "AP", "AP Supine")
"""Views taken from the front or the back, as the paper counts them (Table 4)."""
FRONTAL_VIEWS = (*PAPER_FRONTAL_VIEWS, "AP Erect")
"""Views taken from the front or the back. Of a cohort ask `Cohort.frontal_views`."""
PAPER_PATIENTS: Mapping[str, str] = {
    "178": "16660_1_1.jpg",
    "205": "covid-19-pneumonia-progression-and-regression-day1.jpg",
    "332": "tpmd200203f2-a.png",
}
"""The patients of Figure 3b of the paper, each with a file that tells the real collection from
another cohort with the same numbers. 178 died; the text prints 178 and 205 as "1785" and "2056": a
footnote mark ran into each number."""

ESSENTIAL_COLUMNS = ("patientid", "filename")
NUMBER_COLUMNS = (
    "offset", "age", "temperature", "pO2_saturation", "leukocyte_count", "neutrophil_count",
    "lymphocyte_count",
)  # fmt: skip
# Beyond these a number is a slip of the pen. Narrower ranges would be medicine: the collection
# mixes units.
NUMBER_LIMITS = {"offset": (-MAX_DAYS, MAX_DAYS), "age": (0, MAX_AGE)}
YES_NO_COLUMNS = (
    "RT_PCR_positive", "survival", "intubated", "intubation_present", "went_icu", "in_icu",
    "needed_supplemental_O2", "extubated",
)  # fmt: skip
YES_NO_CATEGORIES = ("yes", "no", "unclear", "not recorded")
TEXT_COLUMNS = ("finding", "date", "location", "license", "clinical_notes", "other_notes")
OTHER_COLUMNS = ("sex", "view", "modality", "folder", "doi", "url")
COLUMNS = (*ESSENTIAL_COLUMNS, *NUMBER_COLUMNS, *YES_NO_COLUMNS, *TEXT_COLUMNS, *OTHER_COLUMNS)
METADATA_COLUMNS = COLUMNS
"""Columns of metadata.csv that are known."""
# Names in the collection's own description (SCHEMA.md) and its earlier versions.
COLUMN_ALIASES = {"wbc_count": "leukocyte_count", "patient_id": "patientid"}

XRAY_VIEWS = (*FRONTAL_VIEWS, "L")
# What begins as an address does, with a scheme ("javascript:", "file:") or the signs of a host.
ADDRESS = re.compile(r"(?!doi:)[a-z][a-z0-9+.-]*:\S|//|https?:", re.ASCII | re.IGNORECASE)
WEB_ADDRESS = re.compile(r"https?://\S", re.IGNORECASE)
BARE_ADDRESS = re.compile(r"(//)?([\w-]+\.)+[^\W\d_]{2,}(:\d+)?([/?#].*)?")  # "eurorad.org/case/1"
# Letters of any language, since hosts have them; no sign that means something in markup.
HOST = re.compile(r"[\w.:-]*\w[\w.:-]*")


@dataclass(frozen=True)
class Records:
    """Hold the text of metadata.csv, cell by cell.

    Parameters
    ----------
    table : DataFrame of str
        The known columns, blanks as "", in file order; a column that the file lacks is not
        here. The others are called "extra:NAME".
    rows : list of int
        Record number of each row as a spreadsheet counts, the header being row 1.
    data : bytes
        The file as it is.
    """

    table: pd.DataFrame
    rows: list[int]
    data: bytes
    __repr__ = short_repr


# ---- from bytes to records


def read_records(root: Path, problems: ProblemLog) -> Records:
    """Read a cohort's metadata.csv as text cells.

    Parameters
    ----------
    root : Path
        The cohort's folder.
    problems : ProblemLog
        Takes a line for everything that had to be corrected.

    Returns
    -------
    Records

    Raises
    ------
    CohortError
        If the file is missing, unreadable, empty, without rows, not a csv file, or without
        the columns patientid and filename.
    """
    data = _read_bytes(root)
    if data.startswith(b"PK\x03\x04"):
        raise CohortError(
            f"{METADATA_FILE} in {str(root)!r} is a spreadsheet or a zip file, not text. Export "
            "it as comma-separated text in UTF-8."
        )
    text = decode_text(data, METADATA_FILE, problems)
    records = _split_records(text, problems)
    header_at = next((i for i, cells in enumerate(records) if _has_text(cells)), None)
    if header_at is None:
        raise CohortError(f"{METADATA_FILE} in {str(root)!r} is empty. {_WHAT_IT_HOLDS}")
    header = _match_header(records[header_at], root, problems)
    rows = _drop_blank_records(records, header_at, problems)
    if not rows:
        raise CohortError(
            f"{METADATA_FILE} in {str(root)!r} has a header and no rows. Add one row per image."
        )
    cells = [_fit_cells(records[i], header, i + 1, problems) for i in rows]
    return Records(pd.DataFrame(cells, dtype="str"), [i + 1 for i in rows], data)


_WHAT_IT_HOLDS = "It needs a header with patientid and filename, and one row per image."


def _read_bytes(root: Path) -> bytes:
    """Read metadata.csv, or raise with what is there instead."""
    path = root / METADATA_FILE
    try:
        if not root.exists():
            raise CohortError(
                f"There is no folder {str(root)!r}. Give the folder that holds {METADATA_FILE}."
            )
        if not root.is_dir():
            raise CohortError(
                f"{str(root)!r} is not a folder. Give the folder that holds {METADATA_FILE}."
            )
        if path.is_file():
            return read_regular(path, max_bytes=MAX_BYTES)
        below = sorted(found.parent.name for found in root.glob(f"*/{METADATA_FILE}"))
    except OSError as error:
        raise CohortError(
            f"{str(path)!r} cannot be read: {describe_read_error(error)}. Give a folder that "
            f"holds a readable {METADATA_FILE}."
        ) from error
    hint = f" There is one in its folder {below[0]!r}: give that." if below else ""
    raise CohortError(
        f"The folder {str(root)!r} holds no file {METADATA_FILE}.{hint} A cohort is a folder "
        f"with {METADATA_FILE} and the folders images/ and annotations/ beside it."
    )


def decode_text(data: bytes, file: str, problems: ProblemLog) -> str:
    """Decode a text file: UTF-8, UTF-16 with or without a mark, else Windows-1252.

    Anything but UTF-8 is written down; a byte that is no UTF-8 with its place.

    Parameters
    ----------
    data : bytes
    file : str
        Name for the problem's line.
    problems : ProblemLog

    Raises
    ------
    CohortError
        If the bytes are no text.
    """
    encoding = _guess_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise CohortError(
                f"{file} looks like {encoding.upper()} text but byte {error.start} does not "
                "fit. Save it again as UTF-8."
            ) from error
        return _decode_latin(data, error.start, file, problems)
    if encoding != "utf-8-sig":
        problems.add(file, f"the file is {encoding.upper()} text", "read as such: save it as UTF-8")
    return text


def _guess_encoding(data: bytes) -> str:
    """Tell UTF-16 by its mark, or by the NUL in every other byte of plain letters."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = data[:200]
    n_pairs = len(start) // 2
    if n_pairs and start[1::2].count(0) > 0.9 * n_pairs:
        return "utf-16-le"
    if n_pairs and start[0::2].count(0) > 0.9 * n_pairs:
        return "utf-16-be"
    return "utf-8-sig"


def _decode_latin(data: bytes, at: int, file: str, problems: ProblemLog) -> str:
    """Decode what is not UTF-8 as Windows-1252, or Latin-1, which cannot fail."""
    # The place does not count a mark at the start (the codec takes it off first).
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    data = data[mark:]
    try:
        text, name = data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, name = data.decode("latin-1"), "Latin-1"
    problems.add(
        file,
        f"byte {at + mark} (0x{data[at]:02X}) is not UTF-8",
        f"the whole file read as {name}: check accents, save as UTF-8",
        row=max(1, sum(1 for _ in _parse(text[:at]))),
    )
    return text


def _parse(text: str, *, strict: bool = False) -> Iterator[list[str]]:
    """Split text into records; the process's own limit of a cell's length is put back."""
    limit = csv.field_size_limit(max(len(text), 1))  # 128 KiB unless told: a long note
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=strict)
    finally:
        csv.field_size_limit(limit)


def _split_records(text: str, problems: ProblemLog) -> list[list[str]]:
    """Split the text into records; note where quotes do not match."""
    n_read = 0
    try:
        for _ in _parse(text, strict=True):
            n_read += 1
    except csv.Error as error:
        problems.add(
            METADATA_FILE,
            f"a quote in this row does not match ({error})",
            "read as far as possible: compare this row and the next ones with the file",
            row=n_read + 1,
        )
    return list(_parse(text))


def _has_text(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)


def match_column(name: str) -> str:
    """Match a name of a header to the known column that it stands for; "" if it is none.

    Examples
    --------
    >>> match_column("pO2 saturation"), match_column("Patient_ID"), match_column("ward")
    ('pO2_saturation', 'patientid', '')
    """
    folded = re.sub(r"\s+", "_", name.strip()).casefold()
    return _KNOWN.get(COLUMN_ALIASES.get(folded, folded), "")


_KNOWN = {name.casefold(): name for name in COLUMNS}


def _match_header(names: Sequence[str], root: Path, problems: ProblemLog) -> list[str]:
    """Return the known name of each column, "extra:NAME" of the others, "" without a name."""
    if len(names) > MAX_COLUMNS:
        raise CohortError(
            f"{METADATA_FILE} in {str(root)!r} has {len(names):,} columns; at most "
            f"{MAX_COLUMNS:,} are read. {_WHAT_IT_HOLDS}"
        )
    header: list[str] = []
    for name in names:
        matched = match_column(name)
        if matched in header and matched:
            matched = _name_extra(name, header)
            problems.add(
                METADATA_FILE,
                "the column appears twice",
                f"the first is used; this is kept as the extra column {matched[len(EXTRA) :]!r}",
                column=name,
            )
        elif not matched and name.strip():
            matched = _name_extra(name, header)
        header.append(matched)
    _check_header(header, names, root, problems)
    return header


def _name_extra(name: str, header: Sequence[str]) -> str:
    """Name a column that is not known, or there for the second time."""
    taken = {each.removeprefix(EXTRA) for each in header}
    return EXTRA + name_extra(name, taken)


def _check_header(
    header: Sequence[str], names: Sequence[str], root: Path, problems: ProblemLog
) -> None:
    """Raise without the essential columns; write down the other missing ones."""
    missing = [name for name in ESSENTIAL_COLUMNS if name not in header]
    if missing:
        shown = ", ".join(repr(name.strip()[:40]) for name in names[:8])
        only = names[0] if len(names) == 1 else ""
        mark = next((m for m in (";", "\t", "|") if m in only), "")
        hint = f" Its cells are separated by {mark!r}: save it with commas." if mark else ""
        columns = f"the column{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
        raise CohortError(
            f"{METADATA_FILE} in {str(root)!r} lacks {columns}. It "
            f"begins with {shown}.{hint} {_WHAT_IT_HOLDS}"
        )
    absent = [name for name in read_form() if name not in header and name != "folder"]
    if absent:
        problems.add(
            METADATA_FILE,
            f"{format_units(len(absent), 'column')} of the form missing",
            "not recorded; what each would bring is listed as columns without a value",
            value=", ".join(absent),
        )


def _drop_blank_records(
    records: Sequence[Sequence[str]], header_at: int, problems: ProblemLog
) -> list[int]:
    """Return the places of the records after the header that hold anything."""
    rows = [i for i in range(header_at + 1, len(records)) if _has_text(records[i])]
    last = rows[-1] if rows else header_at
    for i in range(last):
        if not _has_text(records[i]):
            problems.add(METADATA_FILE, "the row is blank", "left out", row=i + 1)
    return rows


def _fit_cells(
    cells: Sequence[str], header: Sequence[str], row: int, problems: ProblemLog
) -> dict[str, str]:
    """Lay a record's cells under the header; text without a column goes to other_notes."""
    if len(cells) < len(header) and _has_text(header[len(cells) :]):
        problems.add(
            METADATA_FILE,
            f"the row has {len(cells)} cells, the header {len(header)}",
            "the missing cells are not recorded",
            row=row,
        )
    named = dict.fromkeys((name for name in header if name), "")
    spilled = []
    for name, cell in itertools.zip_longest(header, cells, fillvalue=""):
        if name:
            named[name] = cell.strip()
        elif not name and cell.strip():
            spilled.append(cell.strip())
    if spilled:
        text = ", ".join(spilled)
        problems.add(
            METADATA_FILE,
            "text in a column without a name",
            "added to other_notes",
            row=row,
            value=text,
        )
        named["other_notes"] = ", ".join(filter(None, [named.get("other_notes", ""), text]))
    return named


def find_lacking(records: Records) -> dict[str, str]:
    """Find the columns of the form without a value: there is none of that name, or it is blank."""
    table, lacking = records.table, {}
    for name in read_form():
        if name == "folder":
            continue
        if name not in table:
            lacking[name] = "no such column"
        elif not table[name].astype(bool).any():
            lacking[name] = "no value"
    return lacking


# ---- from text to types


def type_records(records: Records, problems: ProblemLog) -> pd.DataFrame:
    """Turn text cells into a typed table, one row an image, in file order.

    Parameters
    ----------
    records : Records
    problems : ProblemLog
        Takes a line for every cell that is not understood.

    Returns
    -------
    DataFrame
        Columns image_id, row, patient_id, the numbers (Float64), the yes/no columns
        (categories "yes", "no", "unclear", "not recorded"), sex, finding, view, modality,
        is_xray, folder, date, location, filename, article, source, url, license,
        clinical_notes and other_notes.
    """
    text = records.table.reindex(columns=list(COLUMNS), fill_value="").fillna("")
    table = pd.DataFrame({"row": pd.array(records.rows, dtype="int64")})
    cells = _CellReader(text, records.rows, problems)
    table["filename"] = text["filename"]
    table["image_id"] = _make_image_ids(text["filename"], records.rows, problems)
    table["patient_id"] = _make_patient_ids(text["patientid"], records.rows, problems)
    for column in NUMBER_COLUMNS:
        table[column] = cells.read_numbers(column)
    for column in YES_NO_COLUMNS:
        answers = cells.read_words(column, "read as not recorded")
        table[column] = pd.Categorical(
            answers.fillna("not recorded"), categories=list(YES_NO_CATEGORIES)
        )
    table["sex"] = cells.read_words("sex", "read as not recorded")
    table["view"] = cells.read_words("view", "kept, but not counted as frontal", keep=True)
    action = "kept, but not counted as an X-ray"
    table["modality"] = cells.read_words("modality", action, keep=True)
    table["is_xray"] = _find_xrays(table, problems)
    for column in (*TEXT_COLUMNS, "folder"):
        table[column] = _blank_to_missing(text[column])
    urls = _check_urls(text["url"], records.rows, problems)
    table["article"] = _list_articles(text["doi"], urls)
    table["source"] = urls.map(_find_site).astype("str")
    table["url"] = _blank_to_missing(urls)
    return table


def find_frontal_views(table: pd.DataFrame, *, is_synthetic: bool = False) -> tuple[str, ...]:
    """Find the views that count as frontal in a cohort: AP Erect too, but where the paper counts.

    The paper counts PA, AP and AP Supine, and so do its collection, known by a file of each patient
    of its Figure 3, and the demo, which imitates it. Where a cohort has no image of AP Erect both
    answers are the same, and it is the paper's.

    Parameters
    ----------
    table : DataFrame
        All rows, with view, is_xray, patient_id and image_id.
    is_synthetic : bool, default False
        Whether it is the demo.
    """
    has_erect = bool((table["is_xray"] & (table["view"] == "AP Erect")).any())
    if is_synthetic or not has_erect or has_paper_patients(table):
        return PAPER_FRONTAL_VIEWS
    return FRONTAL_VIEWS


def has_paper_patients(table: pd.DataFrame) -> bool:
    """Tell whether the patients of the paper's Figure 3 are in a table, known by a file each.

    Parameters
    ----------
    table : DataFrame
        With patient_id and image_id.
    """
    pairs = set(zip(table["patient_id"], table["image_id"], strict=True))
    return pairs.issuperset(PAPER_PATIENTS.items())


def _blank_to_missing(cells: pd.Series) -> pd.Series:
    return cells.where(cells != "").astype("str")


class _CellReader:
    """Read columns of words and numbers; note what was understood and what was not."""

    def __init__(self, text: pd.DataFrame, rows: Sequence[int], problems: ProblemLog) -> None:
        self._text = text
        self._rows = rows
        self._problems = problems

    def read_words(self, column: str, action: str, *, keep: bool = False) -> pd.Series:
        """Return the meaning of each cell, missing where blank or not understood.

        With `keep`, what is not understood stays as it is written.
        """
        meant = self._read(column, f"not one of {read_form()[column].allowed}", action)
        cells = [
            cell if value is None and keep else value or ""
            for cell, value in zip(self._text[column], meant, strict=True)
        ]
        return _blank_to_missing(pd.Series(cells, index=self._text.index, dtype="str"))

    def read_numbers(self, column: str) -> pd.Series:
        """Return numbers within limits, both included; anything else is missing."""
        low, high = NUMBER_LIMITS.get(column, (-NUMBER_LIMIT, NUMBER_LIMIT))
        action = "read as not recorded"
        cells = self._read(column, "not a number", action)
        numbers = [parse_number(cell or "") for cell in cells]
        for i, number in enumerate(numbers):
            if number is not None and not low <= number <= high:
                numbers[i] = None
                self._add(i, column, f"not a number from {low:,.0f} to {high:,.0f}", action)
        return pd.Series(pd.array(numbers, dtype="Float64"), index=self._text.index)

    def _read(self, column: str, problem: str, action: str) -> list[str | None]:
        """Return each cell in our form, None where it is not understood."""
        cells = self._text[column]
        readings = read_column(column, cells.unique())
        counts = cells.value_counts()
        for cell, reading in readings.items():
            if reading.value is not None and reading.rule:
                self._problems.add_reading(
                    METADATA_FILE,
                    column,
                    cell,
                    read_as=reading.value,
                    rule=reading.rule,
                    n_rows=int(counts[cell]),
                )
        meant = [readings[cell].value for cell in cells]
        for i, value in enumerate(meant):
            if value is None:
                self._add(i, column, problem, action)
        return meant

    def _add(self, i: int, column: str, problem: str, action: str) -> None:
        self._problems.add(
            METADATA_FILE,
            problem,
            action,
            row=self._rows[i],
            column=column,
            value=self._text[column][i],
        )


def _make_image_ids(names: pd.Series, rows: Sequence[int], problems: ProblemLog) -> pd.Series:
    """Make unique ids: the file name, with "#row" on repeats and where it is blank."""
    taken = set(names)
    seen: set[str] = set()
    ids = []
    for name, row in zip(names, rows, strict=True):
        image_id = name
        if name in seen:
            problems.add(
                METADATA_FILE,
                "an earlier row has the same file name",
                "kept as a separate image",
                row=row,
                column="filename",
                value=name,
            )
        if name in seen or not name:
            image_id = f"{name}#{row}"
            while image_id in taken:
                image_id += "#"
        seen.add(name)
        taken.add(image_id)
        ids.append(image_id)
    return pd.Series(ids, index=names.index, dtype="str")


def _make_patient_ids(ids: pd.Series, rows: Sequence[int], problems: ProblemLog) -> pd.Series:
    """Give each row without a patient id one of its own."""
    for i in ids.index[ids == ""]:
        problems.add(
            METADATA_FILE,
            "the patient id is blank",
            "treated as a separate patient",
            row=rows[i],
            column="patientid",
        )
    own = pd.Series([f"(row {row})" for row in rows], index=ids.index, dtype="str")
    return ids.where(ids != "", own)


def _find_xrays(table: pd.DataFrame, problems: ProblemLog) -> pd.Series:
    """Find X-rays by modality; where it is blank, by a view that only X-rays have.

    Where no row has either, all are: a folder of X-rays of which nobody wrote what they are.
    """
    blank = table["modality"].isna()
    if blank.all() and table["view"].isna().all():
        problems.add(
            METADATA_FILE,
            "no modality and no view is recorded",
            "all images treated as X-rays",
            column="modality",
        )
        return pd.Series(True, index=table.index)
    if blank.all():
        problems.add(
            METADATA_FILE,
            "no modality is recorded",
            f"views {', '.join(XRAY_VIEWS)} treated as X-rays",
            column="modality",
        )
    else:
        for row in table.loc[blank, "row"]:
            problems.add(
                METADATA_FILE,
                "the modality is blank",
                "treated as an X-ray if its view is one of X-rays",
                row=int(row),
                column="modality",
            )
    return (table["modality"] == "X-ray") | (blank & table["view"].isin(XRAY_VIEWS))


def _check_urls(urls: pd.Series, rows: Sequence[int], problems: ProblemLog) -> pd.Series:
    """Blank addresses that are not of the web: a script, data, a file.

    Words that are no address, such as "personal communication", stay: they may name an article.
    """
    kept = urls.tolist()
    for i, (row, url) in enumerate(zip(rows, urls, strict=True)):
        if not url or _find_site(url) is not None:
            continue
        # Browsers pass over these signs: "java<tab>script:" is a script too.
        is_words = not ADDRESS.match(re.sub(r"[\t\r\n]", "", url))
        problems.add(
            METADATA_FILE,
            "not a web address (http or https)",
            "kept as the article's name; the source is not recorded"
            if is_words
            else "read as not recorded",
            row=row,
            column="url",
            value=url,
        )
        if not is_words:
            kept[i] = ""
    return pd.Series(kept, index=urls.index, dtype="str")


def _list_articles(dois: pd.Series, urls: pd.Series) -> pd.Series:
    """List each row's article: its DOI, in lower case as DOIs have no case, else its URL."""
    doi = dois.str.casefold().str.replace(
        r"^(doi:\s*)?((https?://)?((dx|www)\.)?doi\.org/)?", "", regex=True
    )
    return _blank_to_missing(doi.where(doi != "", urls))


def _find_site(url: str) -> str | None:
    """Return the host of a web address without "www.", or None for anything else.

    Without "https://" in front, it has to look like one: a host with a dot, then a path.
    """
    if not (WEB_ADDRESS.match(url) or BARE_ADDRESS.fullmatch(url)):
        return None
    try:
        host = urlsplit(url if WEB_ADDRESS.match(url) else f"//{url.removeprefix('//')}").hostname
    except ValueError:  # such as an unfinished IPv6 address
        return None
    return host.removeprefix("www.") if host and HOST.fullmatch(host) else None
