"""Import a folder of DICOM files as a cohort without a name, a date or an id of the hospital."""

import csv
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxrlib import __version__
from cxrlib.aliases import Progress
from cxrlib.cohort import METADATA_FILE
from cxrlib.errors import CohortError
from cxrlib.importing.dicom_header import DicomOptions
from cxrlib.importing.dicom_report import describe_record, make_record, write_report
from cxrlib.importing.dicom_source import COLUMNS, DicomSource, LeftFile
from cxrlib.importing.pseudonyms import (
    KEY_BYTES,
    Pseudonyms,
    find_default_key,
    load_pseudonyms,
)
from cxrlib.importing.target import check_apart, check_free, write_target
from cxrlib.short_repr import short_repr
from cxrlib.system import require_package


@dataclass(frozen=True, eq=False)
class DicomImport:
    """Hold what an import of DICOM files did.

    Parameters
    ----------
    root : Path or None
        The cohort's folder; None after a dry run.
    record : dict
        As in import.json: nothing in it names a patient or a file of the source.
    left : tuple of LeftFile
        Files that were not imported. Their paths can name patients: for the screen alone.
    """

    root: Path | None
    record: dict[str, Any]
    left: tuple[LeftFile, ...]
    __repr__ = short_repr

    @property
    def failed(self) -> tuple[LeftFile, ...]:
        """Files that should have been imported and could not be."""
        return tuple(each for each in self.left if each.kind == "failed")

    def describe(self) -> str:
        """Describe the import as import.txt does."""
        return "\n".join(describe_record(self.record))


def import_dicom(
    source: Path,
    target: Path,
    *,
    key_file: Path | None = None,
    options: DicomOptions | None = None,
    on_progress: Progress | None = None,
) -> DicomImport:
    """Import the chest radiographs of a folder of DICOM files.

    Parameters
    ----------
    source : Path
        Searched at any depth, by content.
    target : Path
        New or empty folder, apart from the source. It is there whole at the end or not at all; the
        same call goes on where an earlier one stopped.
    key_file : Path, optional
        The key that ids are made with, made where there is none; in the user's folder of data if
        not given. Keep it: with another one the same patient gets another id.
    options : DicomOptions, optional
    on_progress : callable, optional

    Returns
    -------
    DicomImport

    Raises
    ------
    CohortError
        If there is nothing to import, the folders overlap, the key lies in one of them or can be
        read by others, or the target cannot be written.
    """
    require_package("pydicom", "DICOM files", CohortError)
    check_apart(source, target)
    check_free(target.absolute())
    options = options or DicomOptions()
    key = find_default_key() if key_file is None else key_file
    pseudonyms = load_pseudonyms(key, apart_from=(source, target))
    folder = DicomSource(source, pseudonyms, options)
    folder.scan(on_progress)
    begun_with = {
        "recipe": "dicom",
        "source": pseudonyms.name("place", str(folder.root)),
        "key": pseudonyms.fingerprint,
        "assume_chest": options.assume_chest,
        "keep_raw": options.keep_raw,
        "version": __version__,
    }
    with write_target(target, begun_with) as work:
        with (work / METADATA_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(folder.rows(work, on_progress))
            file.flush()
            os.fsync(file.fileno())
        if not folder.made:
            raise CohortError(folder.explain_nothing())
        record = make_record(folder, pseudonyms.fingerprint)
        write_report(record, work)
        folder.finish(work)
    return DicomImport(target, record, _sort(folder.left))


def preview_dicom(
    source: Path, *, options: DicomOptions | None = None, on_progress: Progress | None = None
) -> DicomImport:
    """Read the headers of a folder of DICOM files and tell what would be imported; write nothing.

    Parameters and errors are those of `import_dicom`. The ids are made with a key of the moment.
    """
    require_package("pydicom", "DICOM files", CohortError)
    folder = DicomSource(source, Pseudonyms(secrets.token_bytes(KEY_BYTES)), options)
    folder.scan(on_progress)
    return DicomImport(None, make_record(folder, "none: nothing was written"), _sort(folder.left))


def _sort(left: Iterable[LeftFile]) -> tuple[LeftFile, ...]:
    return tuple(sorted(left, key=lambda each: each.number))
