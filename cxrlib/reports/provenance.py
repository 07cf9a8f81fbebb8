"""Provenance of an export: the lines that every saved file carries."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from cxrlib import NOTICE, __version__
from cxrlib.cohort import Cohort
from cxrlib.errors import ReportError
from cxrlib.maps import MappedCohort
from cxrlib.storage import write_whole

# A cell that starts with one of these is run by a spreadsheet.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def list_provenance(source: MappedCohort | Cohort, *, filters: Sequence[str] = ()) -> list[str]:
    """List the provenance of an export, one line each, the notice first.

    Parameters
    ----------
    source : MappedCohort or Cohort
        A map says which one it is, and by which extractor; a cohort alone has neither.
    filters : sequence of str
        What the filters keep, in words: `cxrlib.selection.Selection.describe`.
    """
    cohort = source.cohort if isinstance(source, MappedCohort) else source
    return [
        NOTICE,
        f"Cohort: {_describe_cohort(cohort)}; fingerprint {cohort.fingerprint}",
        *(f"Note: {note}" for note in cohort.notes),
        f"Filters: {'; '.join(filters) or 'none'}",
        *(_map_lines(source) if isinstance(source, MappedCohort) else ()),
        f"Made by cxrlib {__version__} on {date.today().isoformat()}",
    ]


def _describe_cohort(cohort: Cohort) -> str:
    """Describe a cohort by its name; a generated one says so, whatever its name."""
    if not cohort.is_synthetic:
        return cohort.name
    synthetic = "" if "synthetic" in cohort.name.lower() else "synthetic, "
    return f"{cohort.name} ({synthetic}no real patients)"


def _map_lines(mapped: MappedCohort) -> list[str]:
    settings = mapped.projection.settings
    return [
        f"Image features: {settings.features} of {mapped.extractor.title}",
        f"Map of {len(mapped.projection.image_ids):,} images (unit: image), the axes have no unit: "
        f"{mapped.projection.describe()}",
    ]


def csv_with_header(table: pd.DataFrame, lines: Sequence[str]) -> bytes:
    """Encode a table as CSV under comment lines that start with ``#``.

    Rows with a ``#`` in a cell, as the ids of repeated images have, are in quotes, so that no row
    begins with the sign and no reader of quotes cuts a value at it: either pass
    ``comment="#"`` to `pandas.read_csv`, or skip as many lines as start with ``#``.

    Parameters
    ----------
    table : DataFrame
        Its index is not written.
    lines : sequence of str
        Its provenance, as `list_provenance` gives it.
    """
    target = io.StringIO()
    for line in lines:
        target.write(f"# {_inert_line(line)}\n")
    # Each cell as an object: a categorical column would let only its own values in.
    cells = table.astype(object)
    texts = cells.map(lambda cell: str(_inert(cell))).where(cells.notna(), "")
    _write_rows(target, [[str(_inert(name)) for name in table.columns]])
    _write_rows(target, texts.to_numpy(dtype=object).tolist())
    return target.getvalue().encode("utf-8", "replace")


def _write_rows(target: io.StringIO, rows: Iterable[list[str]]) -> None:
    """Write rows, all cells of one in quotes where one holds the sign of comments."""
    plain = csv.writer(target, lineterminator="\n")
    quoted = csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for cells in rows:
        (quoted if any("#" in cell for cell in cells) else plain).writerow(cells)


def _inert_line(text: str) -> str:
    """Put a header on one line of which a spreadsheet runs nothing.

    It parts the line at commas, or semicolons, and would run a part that starts like a formula.
    """
    starts = "".join(map(re.escape, FORMULA_STARTS))
    return re.sub(rf'([,;]\s*"?\s*)(?=[{starts}])', r"\1'", " ".join(text.split()))


def _inert(value: object) -> object:
    """Keep a spreadsheet from running a cell: text that looks like a formula gets a quote."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def write_export(out: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; raises ReportError if it cannot be."""
    try:
        write_whole(out, data)
    except OSError as error:
        raise ReportError(
            f"{str(out)!r} cannot be written: {error.strerror}. Name a folder that exists and "
            "has room."
        ) from error
