"""What the import of a cohort says of every number of it: the notes of import.json.

An import can read what a source does not record, as when patients without a recorded death are
taken as survived. Whoever shows or saves a number of the cohort says so beside it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from annotated_types import MaxLen

from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.storage import parse_json, read_regular
from cxrlib.system import describe_read_error

IMPORT_FILE = "import.json"
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class ImportNotes:
    """Hold the part of import.json that is read again."""

    notes: Annotated[list[Annotated[str, MaxLen(400)]], MaxLen(20)] = field(default_factory=list)


def read_import_notes(root: Path, problems: ProblemLog) -> tuple[str, ...]:
    """Read the notes of a cohort's import, each on one line.

    Parameters
    ----------
    root : Path
        The cohort's folder.
    problems : ProblemLog
        Gets a line for a damaged file.

    Returns
    -------
    tuple of str
        () where the cohort was not imported. A damaged file gives a note that says so: what it
        said is not known.
    """
    try:
        record = parse_json(ImportNotes, read_regular(root / IMPORT_FILE, max_bytes=MAX_BYTES))
    except FileNotFoundError:
        return ()
    except OSError as error:
        return _report(f"the file cannot be read: {describe_read_error(error)}", problems)
    except ValueError as error:
        return _report(f"the file is damaged: {error}", problems)
    lines = (" ".join(note.split()) for note in record.notes)
    return tuple("".join(sign for sign in line if sign.isprintable()) for line in lines if line)


def _report(problem: str, problems: ProblemLog) -> tuple[str, ...]:
    problems.add(IMPORT_FILE, problem, "a note says so; import the cohort again")
    return ("This cohort was imported; what its import says of the numbers cannot be read.",)
