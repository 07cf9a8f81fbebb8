"""Order and pages of a contact sheet: which images a page shows, and in what order.

Every X-ray of a selection has a place, also one without a file: a sheet that left it out would
hide what is missing.
"""

import math
from dataclasses import dataclass

import pandas as pd

from cxrlib.cohort import STATE_TITLES, XRAY_VIEWS, sort_naturally
from cxrlib.errors import SelectionError

PER_PAGE = 60
"""Images of a page: whole rows at 4, 5, 6, 10 or 12 across."""

ORDERS = {
    "patient": "patient and day",
    "view": "view",
    "state": "state, ICU or intubated first",
    "finding": "finding",
    "file": "row in the file",
}
"""Orders of a sheet, in words."""

_STATE_RANKS = {state: rank for rank, state in enumerate(STATE_TITLES)}
_VIEW_RANKS = {view: rank for rank, view in enumerate(XRAY_VIEWS)}


@dataclass(frozen=True)
class SheetPage:
    """Hold which images a page shows.

    Parameters
    ----------
    number, n_pages : int
        From 1; an empty sheet has one empty page.
    start, stop : int
        Places of its images, from 0, the last one not included.
    n_images : int
        Of the whole sheet.
    """

    number: int
    n_pages: int
    start: int
    stop: int
    n_images: int


def order_images(table: pd.DataFrame, order: str) -> pd.DataFrame:
    """Put the X-rays of a cohort in an order.

    Parameters
    ----------
    table : DataFrame
        Of a cohort.
    order : str
        One of `ORDERS`. Where two images do not differ in it, patient and day decide; images
        without a day follow those with one; what is left stands as in the file.

    Returns
    -------
    DataFrame
        The rows of X-rays, in that order.

    Raises
    ------
    SelectionError
        If there is no such order.
    """
    if order not in ORDERS:
        raise SelectionError(f"Order {order[:60]!r} is unknown. Choose {', '.join(ORDERS)}.")
    rows = table[table["is_xray"]].sort_values("row", kind="stable")
    if order == "file":
        return rows
    keys = pd.DataFrame({"day": rows["offset"].astype("float64")}, index=rows.index)
    ids = sort_naturally(set(rows["patient_id"]))
    keys["patient"] = rows["patient_id"].map({name: rank for rank, name in enumerate(ids)})
    by = ["patient", "day"]
    if order != "patient":
        keys["first"] = _rank_first(rows, order)
        by = ["first", *by]
    return rows.loc[keys.sort_values(by, kind="stable", na_position="last").index]


def _rank_first(rows: pd.DataFrame, order: str) -> pd.Series:
    """Rank images by what an order is by; what is not known comes last."""
    if order == "state":
        return rows["state"].map(_STATE_RANKS).astype("float64")
    if order == "view":
        return rows["view"].map(_VIEW_RANKS).astype("float64")
    return rows["finding"].rank(method="dense")


def cut_page(n_images: int, number: int, *, per_page: int = PER_PAGE) -> SheetPage:
    """Cut a page out of a sheet; a number past either end gives the first or last page.

    Examples
    --------
    >>> cut_page(130, 3)
    SheetPage(number=3, n_pages=3, start=120, stop=130, n_images=130)
    >>> cut_page(0, 7).number
    1
    """
    n_pages = max(math.ceil(n_images / per_page), 1)
    number = min(max(number, 1), n_pages)
    start = (number - 1) * per_page
    return SheetPage(number, n_pages, start, min(start + per_page, n_images), n_images)


def find_page(place: int, *, per_page: int = PER_PAGE) -> int:
    """Return the number of the page on which the image of a place stands.

    Examples
    --------
    >>> find_page(59), find_page(60)
    (1, 2)
    """
    return place // per_page + 1
