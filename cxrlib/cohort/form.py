"""The form of a cohort's metadata.csv: its columns, what each means, and what is lost without it.

The table `tables/columns.csv` is the one place where this is written: the loader's messages, the
template and `docs/your-cohort.md` are made of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cxrlib.errors import CohortError
from cxrlib.literature import read_rows
from cxrlib.storage import IMAGES_FOLDER, write_whole
from cxrlib.system import describe_write_error

METADATA_FILE = "metadata.csv"
FOLDER = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class FormColumn:
    """Hold one column of the form.

    Parameters
    ----------
    name : str
    need : {"needed", "advised", "useful", "optional"}
        Without a needed one nothing is loaded; the advised ones make the smallest useful table.
    type : {"text", "word", "yes/no", "number"}
    meaning : str
    unit : str
        "" where there is none.
    allowed : str
        Values, in words.
    example : str
    without : str
        What happens where the column is missing, as a clause.
    """

    name: str
    need: str
    type: str
    meaning: str
    unit: str
    allowed: str
    example: str
    without: str


@cache
def read_form() -> dict[str, FormColumn]:
    """Read the columns of the form by name, in the order of a file."""
    rows = read_rows("columns", FOLDER)
    return {row["column"]: FormColumn(*row.values()) for row in rows}


def find_type(column: str) -> str:
    """Find the type of a column; one that is not in the form is text."""
    found = read_form().get(column)
    return found.type if found else "text"


def format_form() -> Iterator[str]:
    """Write the form as the lines of a Markdown table."""
    yield "| column | | what it means | unit | allowed | example | without it |"
    yield "|---|---|---|---|---|---|---|"
    for each in read_form().values():
        cells = (each.meaning, each.unit, each.allowed, each.example, each.without)
        yield f"| `{each.name}` | {each.need}, {each.type} | " + " | ".join(cells) + " |"


def write_template(folder: Path | str) -> Path:
    """Write an empty cohort to fill: metadata.csv with its header, images/, and columns.md.

    Parameters
    ----------
    folder : Path or str
        Is created; if it is there, it is empty.

    Returns
    -------
    Path

    Raises
    ------
    CohortError
        If there is something in the folder, or it cannot be written.
    """
    folder = Path(folder)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CohortError(
                f"{str(folder)!r} is there and not empty. Name a new folder, since nothing is "
                "overwritten."
            )
        (folder / IMAGES_FOLDER).mkdir(parents=True, exist_ok=True)
        header = ",".join(name for name in read_form() if name != "folder")
        write_whole(folder / METADATA_FILE, f"{header}\n".encode())
        write_whole(folder / "columns.md", ("\n".join(format_form()) + "\n").encode())
    except OSError as error:
        raise CohortError(
            f"{str(folder)!r} cannot be written: {describe_write_error(error)}."
        ) from error
    return folder
