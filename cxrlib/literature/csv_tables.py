"""The tables that are shipped as CSV files; ``tables/README.md`` says what each of them holds."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("tables")


@cache
def read_rows(name: str, folder: Path | None = None) -> tuple[Mapping[str, str], ...]:
    """Read a table that is shipped with the project; once a process.

    Parameters
    ----------
    name : str
        The file's name without its ending: "table-3".
    folder : Path, optional
        Where the file is; by default ``tables`` beside this module.

    Returns
    -------
    tuple of mapping
        A row a line, by the names in the first line; every cell is text, "" where it is empty.

    Raises
    ------
    ValueError
        If a line has more or fewer cells than the first.

    Examples
    --------
    >>> read_rows("feature-sets")[1]
    {'features': 'outputs', 'printed as': '18 outputs', 'parameters': '18+1'}
    """
    with ((folder or FOLDER) / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file, strict=True)
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise ValueError(
                f"Line {number} of {name}.csv has {len(line)} cells where the first line names "
                f"{len(header)}. Quote a cell that holds a comma."
            )
    return tuple(dict(zip(header, line, strict=True)) for line in lines)
