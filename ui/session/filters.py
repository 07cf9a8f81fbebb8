"""The filters in the sidebar: what they keep, how much is left, why images are left out."""

import functools
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort, parse_number
from cxrlib.number_text import format_units
from cxrlib.selection import (
    FILTERS,
    OPEN_ENDS,
    Loosening,
    Selection,
    explain_out,
    find_loosening,
    format_plain_number,
    list_choices,
    list_numbers,
    select,
)
from ui.widgets.choice import BOUND, choose_many, reset_choices
from ui.widgets.text import show_alert, show_quiet

__all__ = [
    "current_selection",
    "load_selected",
    "reset_filters",
    "show_empty",
    "show_filters",
]

STYLE = Path(__file__).with_name("filters.css")
KEPT = "filters_in_use"  # in the session's state: what pages read
ASKED_NUMBERS = "filters_asked_numbers"  # in the session's state: ends that links brought
MOST_STOPS = 150  # of a slider; more distinct numbers are thinned evenly
MOST_ASKED = 20  # numbers kept of links; the slider's own two ends are always among them
MOST_REPORTED = 4
MOST_REASONS = 20  # listed; the rest are added up

ALWAYS = ("view", "region", "finding")
GROUPS = {
    "Patient": ("sex", "age", "survival", "went_icu", "intubated", "rt_pcr"),
    "Image": ("day", "in_icu", "intubation_present"),
    "Place and origin": ("sub_region", "country", "source", "licence"),
    "Leave out": ("without",),
}
LABELS = {
    "without": "Images flagged as",
    "day": "Day since symptoms or admission",
    "age": "Age (years)",
}
HELP = {
    "finding": "The diagnosis as recorded. A category includes all below it: Pneumonia/Viral "
    "includes Pneumonia/Viral/COVID-19.",
    "age": "Moving either end leaves out images without a recorded age.",
    "day": "Moving either end leaves out images without a recorded day.",
    "survival": "A blank is not a no: choose “not recorded” for blanks.",
    "without": "Flags mark doubtful records; see Quality on the Cohort page.",
}


# ---- what pages use


def current_selection() -> Selection:
    """Return the filters of this session, as the sidebar last read them."""
    kept = st.session_state.get(KEPT)
    return kept if isinstance(kept, Selection) else Selection()


@functools.lru_cache(maxsize=32)
def load_selected(cohort: Cohort, selection: Selection) -> Cohort:
    """Select once for all sessions; see `cxrlib.selection.select`."""
    return select(cohort, selection)


@functools.lru_cache(maxsize=32)
def _load_reasons(cohort: Cohort, selection: Selection) -> pd.DataFrame:
    """Explain once for all sessions why images are left out."""
    return explain_out(cohort, selection)


def reset_filters(names: Iterable[str] = tuple(FILTERS)) -> None:
    """Reset filters, in the address too. Call it from a widget's callback."""
    reset_choices(
        {
            name: OPEN_ENDS[name] if FILTERS[name].kind == "range" else []
            for name in names
            if name in st.session_state
        }
    )


def show_empty(cohort: Cohort, selection: Selection) -> None:
    """Show on a page that no image is left, and which filter to remove."""
    show_alert(describe_empty(find_loosening(cohort, selection)))


def describe_empty(ways: Sequence[Loosening]) -> str:
    """Describe that no image is left, and which single filter to remove.

    Parameters
    ----------
    ways : sequence of Loosening
        As `cxrlib.selection.find_loosening` gives them.
    """
    if not ways:
        return "No image is left, and removing any single filter does not help. Reset the filters."
    parts = [
        f"Without {way.label!r}: {format_units(way.n_images, 'image')} of "
        f"{format_units(way.n_patients, 'patient')}."
        for way in ways[:2]
    ]
    return f"No image is left. {' '.join(parts)}"


# ---- the sidebar


def show_filters(cohort: Cohort) -> Selection:
    """Show the filters in the sidebar, and above the page what the address asks for in vain.

    Call it once a run, from the router: filters bound there survive a change of page.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort, of which the X-rays are filtered.

    Returns
    -------
    Selection
    """
    _report_unknown(cohort)
    _forget_unknown(cohort)
    with st.sidebar:
        summary = st.container()
        for name in ALWAYS:
            _show_filter(cohort, name)
        for title, names in GROUPS.items():
            with st.expander(title, type="compact"):
                for name in names:
                    _show_filter(cohort, name)
        selection = _read_selection(cohort)
        with summary:
            _show_summary(cohort, selection)
    st.session_state[KEPT] = selection
    return selection


def _report_unknown(cohort: Cohort) -> None:
    """Report filters of the address that the cohort lacks: Streamlit drops them silently."""
    asked = {name: st.query_params.get_all(name) for name in FILTERS if name in st.query_params}
    if not asked:
        return
    _, unknown = Selection.from_query(asked, cohort)
    if unknown:
        more = f" And {len(unknown) - MOST_REPORTED} more." if len(unknown) > MOST_REPORTED else ""
        lines = " ".join(str(value) for value in unknown[:MOST_REPORTED])
        show_alert(f"Some filters in the address cannot be used. {lines}{more}")


def _forget_unknown(cohort: Cohort) -> None:
    """Drop values that another cohort left behind, and report them."""
    dropped = []
    for name in FILTERS:
        chosen = st.session_state.get(name)
        if not chosen or FILTERS[name].kind == "range":
            continue
        known = {choice.value for choice in list_choices(cohort, name)}
        kept = [value for value in chosen if value in known]
        if len(kept) < len(chosen):
            dropped += [value for value in chosen if value not in known]
            st.session_state[name] = kept
    if dropped:
        names = ", ".join(repr(value[:60]) for value in dropped[:5])
        show_alert(f"This cohort does not have {names}. These filter values were removed.")


def _show_filter(cohort: Cohort, name: str) -> None:
    """Show the widget of one filter."""
    label = LABELS.get(name, FILTERS[name].label)
    if FILTERS[name].kind == "range":
        st.select_slider(
            label,
            _list_stops(cohort, name),
            value=OPEN_ENDS[name],
            key=name,
            help=HELP.get(name),
            **BOUND,
        )
        return
    choose_many(
        name,
        label,
        [choice.value for choice in list_choices(cohort, name)],
        is_reported=False,  # all filters at once, above
        select_all=False,
        placeholder="none" if name == "without" else "any",
        help=HELP.get(name),
    )


def _list_stops(cohort: Cohort, name: str) -> list[str]:
    """List the stops of a slider: recorded numbers between two open ends.

    Most days are near 0, some a year away: a slider even in days could not be set to a week. A
    number from a link is a stop too, recorded or not.
    """
    numbers = list_numbers(cohort, name)
    if len(numbers) > MOST_STOPS:
        places = np.linspace(0, len(numbers) - 1, MOST_STOPS).round().astype(int)
        numbers = [numbers[i] for i in places]
    stops = sorted({*numbers, *_remember_asked(name)})
    first, last = OPEN_ENDS[name]
    return [first, *map(format_plain_number, stops), last]


def _remember_asked(name: str) -> list[float]:
    """Return the numbers that links or sliders of this session have asked for."""
    kept = st.session_state.setdefault(ASKED_NUMBERS, {}).setdefault(name, [])
    for text in (*st.query_params.get_all(name), *st.session_state.get(name, ())):
        number = parse_number(str(text))
        if number is not None:  # the newest last: the oldest is forgotten first
            kept[:] = [*(each for each in kept if each != number), number][-MOST_ASKED:]
    return list(kept)


def _read_selection(cohort: Cohort) -> Selection:
    """Read the selection from the widgets."""
    chosen: dict[str, Sequence[str]] = {name: list(st.session_state[name]) for name in FILTERS}
    return Selection.from_query(chosen, cohort)[0]


# ---- what is left


def _show_summary(cohort: Cohort, selection: Selection) -> None:
    """Show how much is left, by which filters, and why images are left out."""
    selected, whole = load_selected(cohort, selection), load_selected(cohort, Selection())
    st.html(STYLE)
    st.html(
        f"<p class='cxr-left' role='status'><strong>{selected.n_images}</strong> of "
        f"{whole.n_images} X-rays<br>{selected.n_patients} of {whole.n_patients} patients</p>"
    )
    if selection.is_empty:
        return
    _show_chips(selection)
    if not selected.n_images:
        _offer_loosening(find_loosening(cohort, selection))
    st.button("Reset filters", on_click=reset_filters, key="reset_filters")
    with st.expander("Why images are left out", type="compact"):
        _show_reasons(_load_reasons(cohort, selection))


def _offer_loosening(ways: Sequence[Loosening]) -> None:
    """Show which filter leaves nothing, with a button that removes it."""
    show_alert(describe_empty(ways))
    if ways:
        _show_removal(ways[0].name, key="loosen_filters")


def _show_removal(name: str, **style: Any) -> None:  # noqa: ANN401 (whatever Streamlit takes)
    """Show a button that removes a filter."""
    # The label is the filter's own: a value of a file would be read as Markdown.
    label = f"Remove the {FILTERS[name].label} filter"
    st.button(label, on_click=reset_filters, args=([name],), **style)


def _show_chips(selection: Selection) -> None:
    """Show what each filter in use keeps, with a cross that removes it."""
    with st.container(horizontal=True, key="cxr_chips"):
        for name, text in zip(selection.active, selection.describe(), strict=True):
            with st.container(horizontal=True, width="content", key=f"cxr_chip_{name}"):
                st.html(f"<span>{escape(text)}</span>", width="content")
                _show_removal(name, key=f"remove_{name}", icon=":material/close:", type="tertiary")


def _show_reasons(reasons: pd.DataFrame) -> None:
    """Show why images are left out, the most frequent reasons of a filter first."""
    if reasons.empty:
        show_quiet("These filters leave no image out.")
        return
    lines = reasons[["reason", "n_images", "n_patients"]].head(MOST_REASONS)
    rest = int(reasons["n_images"].iloc[MOST_REASONS:].sum())
    rows = "".join(
        f"<tr><th scope='row'>{escape(str(reason))}</th><td>{n}</td><td>{m}</td></tr>"
        for reason, n, m in lines.itertuples(index=False, name=None)
    )
    if rest:
        rows += f"<tr><th scope='row'>other reasons</th><td>{rest}</td><td>–</td></tr>"
    st.html(
        "<table class='cxr-out'><tr><th scope='col'>reason</th><th scope='col'>images</th>"
        f"<th scope='col'>patients</th></tr>{rows}</table>"
    )
    show_quiet(
        "Each image is counted once, at the first filter that leaves it out. Its patient may have "
        "other images that are kept."
    )
