"""The panel beside a chart: one image with what is recorded of it."""

from collections.abc import Callable
from html import escape
from urllib.parse import quote, urlsplit

import pandas as pd
import streamlit as st

from cxrlib.cohort import GOOD_REASONS, Cohort, describe_state
from cxrlib.display import describe_misfit
from cxrlib.errors import CxrError
from cxrlib.number_text import NOTHING
from ui.images.patient_link import offer_patient
from ui.images.pictures import describe_row, make_picture
from ui.images.viewer import show_viewer
from ui.session.current_cohort import current_entry
from ui.widgets.text import show_alert, show_heading, show_quiet

__all__ = ["format_facts", "list_facts", "show_image_panel"]

HEIGHT = 400  # of the image's black surround, pixels: its record below stays in sight


def show_image_panel(
    cohort: Cohort,
    row: pd.Series,
    *,
    above: Callable[[], None] | None = None,
    slug: str | None = None,
) -> None:
    """Show an image and its record; a file that cannot be read is named instead.

    Parameters
    ----------
    above : callable, optional
        Shows something between the heading and the image, such as buttons.
    slug : str, optional
        Of a cohort besides the one in use, whose patients have no page here.
    """
    show_heading(describe_row(row))
    if above is not None:
        above()
    if slug is None:
        offer_patient(str(row["image_id"]))
    try:
        picture = make_picture(cohort, slug or current_entry().slug, row)
    except CxrError as error:
        show_alert(str(error))
    else:
        show_viewer([picture], key="image_panel", height=HEIGHT)
        if misfit := describe_misfit(cohort, str(row["image_id"])):
            show_quiet(misfit)
    st.html(format_facts(list_facts(row), links=not cohort.is_synthetic))


def list_facts(row: pd.Series) -> list[tuple[str, str]]:
    """List what is recorded of an image, a dash where nothing is."""
    return [
        ("State", _describe_state(row)),
        ("In ICU at time of image", str(row["in_icu"])),
        ("Intubated at time of image", str(row["intubation_present"])),
        ("Outcome", OUTCOMES.get(row["survival"], str(row["survival"]))),
        ("Finding", "not entered" if row["finding"] == "todo" else _text(row["finding"])),
        ("Age, sex", f"{_number(row['age'])}, {_text(row['sex'])}"),
        ("Country", f"{_text(row['country'])}, {_text(row['region'])}"),
        ("Source", _text(row["source"])),
        ("Article", _text(row["article"])),
        ("Licence", _text(row["license"])),
        ("File", f"{row['filename']} (row {row['row']})"),
    ]


OUTCOMES = {"no": "died (date not recorded)", "yes": "survived (date not recorded)"}


def _describe_state(row: pd.Series) -> str:
    """Describe the state of an image; what is recorded against it is named too."""
    reasons = str(row["state_reasons"])
    words = describe_state(str(row["state"]), reasons)
    if row["state_overlap"]:
        against = [each for each in reasons.split("; ") if each in GOOD_REASONS]
        words += f"; but also recorded: {', '.join(against)}"
    return words


def _text(value: object) -> str:
    return NOTHING if pd.isna(value) or value == "" else str(value)  # type: ignore[call-overload]


def _number(value: object) -> str:
    return NOTHING if pd.isna(value) else f"{float(value):.0f}"  # type: ignore[call-overload, arg-type]


def format_facts(facts: list[tuple[str, str]], *, links: bool) -> str:
    """Format facts as a small table; every value is escaped, an article may become a link."""
    lines = []
    for name, value in facts:
        shown = escape(value)
        link = _link(value) if links and name == "Article" else None
        if link:
            shown = f'<a href="{escape(link)}" target="_blank" rel="noreferrer">{shown}</a>'
        lines.append(f"<tr><th scope='row'>{escape(name)}</th><td>{shown}</td></tr>")
    return f"<table class='cxr-facts'>{''.join(lines)}</table>"


def _link(article: str) -> str | None:
    """Turn a DOI or a web address into a link; anything else stays text."""
    if article.startswith("10."):
        return "https://doi.org/" + quote(article, safe="/.:;()-_")
    try:
        scheme = urlsplit(article).scheme
    except ValueError:  # "http://[x": not an address
        return None
    return article if scheme in {"http", "https"} else None
