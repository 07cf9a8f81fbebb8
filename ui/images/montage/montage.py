"""Show the images of a selection as a contact sheet on black, as many as there are.

A page of thumbnails at a time goes to the browser, and of these it loads what is in sight. A
click opens an image in the viewer beside the sheet. Turning a page or opening an image runs
this part of the page alone.
"""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from cxrlib.cohort import STATE_TITLES, Cohort, describe_state
from cxrlib.display import ORDERS, SheetPage, cut_page, find_page, order_images
from cxrlib.number_text import NOTHING
from ui.images.image_panel import show_image_panel
from ui.images.image_route import image_url
from ui.images.pictures import describe_row
from ui.widgets.address import PageAddress, report_unknown
from ui.widgets.component import load_component, read_sent

__all__ = ["show_montage", "show_sheet"]

PLACE = Path(__file__).with_name("place.css")
ORDER, PAGE, OPENED = PARAMETERS = ("order", "page", "opened")
"""What the address says of a sheet."""
LONGEST_PAGE = 6  # digits


@dataclass(frozen=True)
class Wish:
    """Hold what the reader has set on a sheet.

    Parameters
    ----------
    order : str
        One of `ORDERS`.
    page : int
        From 1.
    opened : str or None
        The image that is open.
    sheet : str
        Of which sheet (cohort and selection) that page is; another one opens on its first.
    """

    order: str = "patient"
    page: int = 1
    opened: str | None = None
    sheet: str = ""


@st.fragment
def show_montage(cohort: Cohort, *, slug: str, key: str = "montage") -> None:
    """Show a contact sheet, and the image that is open beside it.

    Parameters
    ----------
    cohort : Cohort
        The selection, as `ui.session.filters.load_selected` returns it: its X-rays are shown.
    slug : str
        The name this server knows the whole cohort by.
    key : str
        Names this montage; what was opened and turned to is kept under it.
    """
    st.html(PLACE)
    with st.container(key=f"cxr_montage_{key}"):
        # Always two columns: a sheet that moves into one would be made anew. place.css gives
        # the second no room while nothing is open.
        left, right = st.columns([3, 2], gap="medium")
        with left:
            opened = show_sheet(cohort, slug=slug, key=key)
        if opened is not None:
            with right:
                _show_opened(cohort, opened, key)


def show_sheet(cohort: Cohort, *, slug: str, key: str = "montage") -> str | None:
    """Show a contact sheet alone.

    Parameters
    ----------
    cohort, slug, key
        As in `show_montage`.

    Returns
    -------
    str or None
        The id of the image that is open, if the selection has it.
    """
    name = _make_sheet_key(cohort, slug)
    address = PageAddress(f"{key}_written", PARAMETERS)
    linked = address.read()
    is_link = bool(linked) and address.is_new()
    kept = _read_link(linked, name) if is_link else st.session_state.get(_make_key(key))
    wish = read_wish(kept, read_sent(key, "asked"), sheet=name)
    rows, places = _open_sheet(cohort, wish.order)
    if is_link:
        report_unknown(ORDER, ORDERS.__contains__)
        report_unknown(PAGE, _is_number)
        report_unknown(OPENED, places.__contains__)
    opened = wish.opened if wish.opened in places else None
    page = cut_page(len(rows), wish.page)
    st.session_state[_make_key(key)] = asdict(Wish(wish.order, page.number, opened, name))
    address.write(_make_parameters(wish.order, page.number, opened))
    shown = rows.iloc[page.start : page.stop]
    load_component(__file__)(
        key=key,
        data={
            "key": key,
            "sheet": name,
            "order": wish.order,
            "orders": ORDERS,
            "states": STATE_TITLES,
            "opened": opened,
            "openedPage": opened and find_page(places[opened]),
            **_describe_page(page),
            "tiles": make_tiles(shown, slug, cohort.is_synthetic),
        },
        on_asked_change=lambda: None,
        height="content",
    )
    return opened


def _show_opened(cohort: Cohort, image_id: str, key: str) -> None:
    """Show the image that is open, with a button that closes it."""
    st.html("<span class='cxr-montage-open' hidden></span>")
    row = cohort.table.loc[cohort.table["image_id"] == image_id].iloc[0]

    def close() -> None:
        st.session_state[_make_key(key)] = {**st.session_state[_make_key(key)], "opened": None}

    def show_button() -> None:
        st.button(
            "Close image",
            key=f"{key}_close",
            on_click=close,
            type="tertiary",
            icon=":material/close:",
        )

    show_image_panel(cohort, row, above=show_button)


# ---- what the browser gets


def make_tiles(rows: pd.DataFrame, slug: str, is_synthetic: bool) -> list[dict[str, Any]]:
    """Make the tiles of a page: the id of an image, its thumbnail's address, words and tags.

    A tile without a readable file has no address, and words that say why. The state is the key of
    its mark.

    Parameters
    ----------
    rows : DataFrame
        Rows of a cohort's table.
    slug : str
    is_synthetic : bool
        Whether the words say so.
    """
    words = "Synthetic chest X-ray" if is_synthetic else "Chest X-ray"
    return [_make_tile(row, slug, words) for _, row in rows.iterrows()]


def _make_tile(row: pd.Series, slug: str, words: str) -> dict[str, Any]:
    image_id, has_file = str(row["image_id"]), row["file_status"] == "ok"
    finding = "not recorded" if pd.isna(row["finding"]) else row["finding"]
    state = describe_state(str(row["state"]), str(row["state_reasons"]))
    about = f"{words}: {describe_row(row)}, {state}, finding {finding}"
    return {
        "id": image_id,
        "url": image_url(slug, image_id, "thumb") if has_file else None,
        "alt": about,
        "patient": str(row["patient_id"]),
        "day": NOTHING if pd.isna(row["offset"]) else f"{row['offset']:g}".replace("-", "−"),
        "view": NOTHING if pd.isna(row["view"]) else str(row["view"]),
        "state": str(row["state"]),
        "words": "" if has_file else str(row["file_status"]),
    }


def _describe_page(page: SheetPage) -> dict[str, int]:
    return {
        "page": page.number,
        "nPages": page.n_pages,
        "first": page.start + 1 if page.n_images else 0,
        "last": page.stop,
        "nImages": page.n_images,
    }


# ---- what the browser sends


def read_wish(kept: object, asked: object, *, sheet: str) -> Wish:
    """Join what the reader has set before with what is asked for now.

    Parameters
    ----------
    kept : object
        What the session holds: a `Wish` as a dict, or anything.
    asked : object
        What the browser sent: some of ``{"sheet", "order", "page", "opened"}``, or anything.
    sheet : str
        Which sheet is shown. A page of another one is not this one's.
    """
    before = _read_parts(kept, sheet)
    return Wish(**{**before, **_read_parts(asked, sheet)}, sheet=sheet)


def _read_parts(sent: object, sheet: str) -> dict[str, Any]:
    """Take the parts that make sense."""
    if not isinstance(sent, Mapping):
        return {}
    parts: dict[str, Any] = {}
    if isinstance(order := sent.get("order"), str) and order in ORDERS:
        parts["order"] = order
    page = sent.get("page")
    is_page = isinstance(page, int) and not isinstance(page, bool)
    if is_page and sent.get("sheet") == sheet:
        parts["page"] = page
    if "opened" in sent and isinstance(sent["opened"], str | None):
        parts["opened"] = sent["opened"]
    return parts


# ---- the address: a copied link opens the same sheet


def _read_link(linked: Mapping[str, str], sheet: str) -> dict[str, object]:
    """Read what a link asks for as `read_wish` takes it; what makes no sense is left out."""
    parts: dict[str, object] = {"sheet": sheet, "order": linked.get(ORDER)}
    if _is_number(number := linked.get(PAGE, "")):
        parts["page"] = int(number)
    return parts | {"opened": linked.get(OPENED)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_PAGE


def _make_parameters(order: str, page: int, opened: str | None) -> dict[str, str]:
    """Make the parameters of an address, of what differs from how a sheet opens by itself."""
    plain = Wish()
    values = {ORDER: order, PAGE: str(page), OPENED: opened or ""}
    usual = {ORDER: plain.order, PAGE: str(plain.page), OPENED: ""}
    return {name: value for name, value in values.items() if value != usual[name]}


def _make_key(key: str) -> str:
    return f"{key}_wish"


@functools.lru_cache(maxsize=16)
def _open_sheet(cohort: Cohort, order: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Order once for all pages and sessions: the rows of a sheet, and the place of each image."""
    rows = order_images(cohort.table, order)
    return rows, {image_id: place for place, image_id in enumerate(rows["image_id"])}


@functools.lru_cache(maxsize=16)
def _make_sheet_key(cohort: Cohort, slug: str) -> str:
    """Make the key of a sheet from its images: the same selection is the same sheet."""
    digest = hashlib.sha256(repr([slug, *cohort.table["image_id"]]).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]
