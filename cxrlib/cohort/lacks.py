"""What a cohort lacks: columns without a value, X-rays without a file."""

from collections.abc import Iterable

import pandas as pd

from cxrlib.cohort.cohort import Cohort
from cxrlib.cohort.form import FOLDER, read_form
from cxrlib.literature import read_rows

LACK_COLUMNS = ("column", "need", "lack", "without")
FILES = "files in images/"  # as `tables/page-needs.csv` names what is no column
PAGE_COLUMNS = ("page", "part", "works", "lacks")
MISSING_COLUMNS = ("row", "patient_id", "filename", "reason")


def list_lacking_columns(cohort: Cohort) -> pd.DataFrame:
    """List the columns of the form that hold no value in any row, the advised ones first.

    Returns
    -------
    DataFrame
        `LACK_COLUMNS`: column; need (advised, useful, optional); lack ("no such column" or "no
        value"); without (what does not work for want of it, as a clause).
    """
    rows = [
        (name, column.need, cohort.lacking[name], column.without)
        for name, column in read_form().items()
        if name in cohort.lacking
    ]
    return pd.DataFrame(rows, columns=list(LACK_COLUMNS), dtype="str")


def list_missing_files(cohort: Cohort) -> pd.DataFrame:
    """List the X-rays whose file is not there.

    Returns
    -------
    DataFrame
        `MISSING_COLUMNS`, in the order of metadata.csv.
    """
    table = cohort.table
    is_missing = table["is_xray"] & (table["file_status"] == "no file")
    listed = table.loc[is_missing, ["row", "patient_id", "filename", "file_reason"]]
    return listed.set_axis(list(MISSING_COLUMNS), axis=1).reset_index(drop=True)


def check_pages(cohort: Cohort) -> pd.DataFrame:
    """Tell of each part of the pages whether this cohort has the columns that it needs.

    Returns
    -------
    DataFrame
        `PAGE_COLUMNS`: page; part; works; lacks (of a part that does not work, the columns that
        would bring it, or `FILES`; "" else).
    """
    lacking, rows = {*cohort.lacking}, []
    if not (cohort.table["file_status"] == "ok").any():
        lacking.add(FILES)
    for need in read_rows("page-needs", FOLDER):
        columns = [name for name in need["columns"].split(";") if name]
        lacks = [name for name in columns if name in lacking]
        works = not lacks if need["needs"] == "all" else len(lacks) < max(len(columns), 1)
        word = " and " if need["needs"] == "all" else " or "
        rows.append((need["page"], need["part"], works, "" if works else word.join(lacks)))
    return pd.DataFrame(rows, columns=list(PAGE_COLUMNS))


def explain_lack(cohort: Cohort, columns: Iterable[str]) -> str:
    """Explain in a sentence what a cohort lacks of some columns; "" where any has a value.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> explain_lack(SimpleNamespace(lacking={"offset": "no value"}), ["offset"])
    "No image has a day: no order in time, no trajectories; each patient's images are listed as \
in the file. Fill the column offset of metadata.csv."
    """
    names = list(columns)
    if not all(name in cohort.lacking for name in names):
        return ""
    why = "; ".join(read_form()[name].without for name in names)
    them = f"column {names[0]}" if len(names) == 1 else f"columns {' or '.join(names)}"
    return f"{why[0].upper()}{why[1:]}. Fill the {them} of metadata.csv."


def is_lacking(cohort: Cohort) -> bool:
    """Tell whether a whole cohort lacks what most pages need.

    No X-ray, no file that can be used, or no value in an advised column (view, finding, offset).
    Single files that are missing are counted instead: most collections have some.
    """
    is_usable = cohort.table["is_xray"] & (cohort.table["file_status"] == "ok")
    advised = {name for name, column in read_form().items() if column.need == "advised"}
    return not is_usable.any() or bool(advised & cohort.lacking.keys())
