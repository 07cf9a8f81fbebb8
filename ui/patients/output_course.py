"""The part of the patients page with an extractor's outputs over time."""

from collections.abc import Collection
from functools import lru_cache, partial

import pandas as pd
import streamlit as st

from cxrlib.charts.patients import describe_scale, plot_course
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.errors import ProjectionError
from cxrlib.patients import (
    SIDES,
    Noise,
    Pair,
    choose_outputs,
    compare_outputs,
    course_table,
    describe_course,
    estimate_noise,
    find_sides,
    format_value,
    output_course,
)
from cxrlib.summary import TableLayout, lay_out_frame
from ui.session.current_cohort import current_entry
from ui.session.features import load_all_embeddings
from ui.session.job_offers import show_missing_map
from ui.session.resources import load_current
from ui.widgets.choice import choose_many
from ui.widgets.dense_table import show_dense_table
from ui.widgets.figure import show_figure
from ui.widgets.origin import Origin
from ui.widgets.text import show_quiet

__all__ = ["find_extractor", "lay_out_compared", "show_course"]

DETAILS = (
    "Outputs are not calibrated on this cohort. A change smaller than the difference between "
    "same-day repeats cannot be told from noise."
)


def find_extractor() -> ExtractorInfo | None:
    """Find the extractor of the numbers shown; offer to embed the cohort where there is none."""
    try:
        return load_current(current_entry().slug).extractor
    except ProjectionError:
        show_missing_map(current_entry())
        return None


@lru_cache(maxsize=8)
def _estimate_noise(cohort: Cohort, embeddings: EmbeddingSet) -> Noise:
    """Estimate once for all sessions how much outputs differ within a day."""
    return estimate_noise(cohort.table, embeddings, duplicates=cohort.duplicates)


def show_course(
    cohort: Cohort, rows: pd.DataFrame, pair: Pair, *, kept: Collection[str], origin: Origin
) -> None:
    """Show outputs over time, and of the two images in the viewer.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        The patient's X-rays.
    pair : Pair
    kept : collection of str
        Images of the current selection; others are faint.
    origin : Origin
        Its filters exclude no image of a course.
    """
    info = find_extractor()
    if info is None:
        return
    embeddings = load_all_embeddings(cohort, info)
    noise = _estimate_noise(cohort, embeddings)
    chosen = _choose_outputs(info)
    course = output_course(rows, embeddings, chosen)
    if not course.table["has_values"].any():
        show_quiet(
            f"{info.title} has no values for this patient's images: no readable file, or not "
            "embedded yet (see the data page)."
        )
        return
    patient_id = str(rows["patient_id"].iloc[0])
    basis = (f"Extractor: {info.title}", f"Patient: {patient_id}")
    draw = partial(plot_course, course, noise, selected=pair.image_ids, kept=kept)
    show_figure(
        draw,
        key="course",
        alt=describe_course(course, noise),
        numbers=partial(course_table, course),
        caption=describe_scale(course, noise),
        **origin.saved_as("outputs", *basis),
        heading=f"Patient {patient_id}: measurements by day",
        config={"displayModeBar": False},
        is_wide=True,
    )
    if pair.prior is not None and pair.current is not None:
        compared = compare_outputs(course, pair.prior, pair.current, noise)
        show_dense_table(
            lay_out_compared(compared, find_sides(rows, pair)),
            key="pair_outputs",
            **origin.saved_as("pair-outputs", *basis),
        )
    with st.expander("Details"):
        show_quiet(DETAILS)


def lay_out_compared(compared: pd.DataFrame, sides: tuple[str, str] = SIDES) -> TableLayout:
    """Lay out the outputs of the two images, so that no sentence is cut off.

    Parameters
    ----------
    compared : DataFrame
        Of `cxrlib.patients.compare_outputs`.
    sides : tuple of (str, str)
        What the two are called, as `cxrlib.patients.find_sides` gives it. Where their
        order is not known, or reversed, there is a difference but no change.
    """
    change = "change" if sides == SIDES else "difference"
    shown = pd.DataFrame({"output": compared["output"]})
    numbers = ("first", "second", "change")
    for name in numbers:
        shown[name] = [format_value(float(value)) for value in compared[name]]
    shown["words"] = [f"{words[:1].upper()}{words[1:]}." for words in compared["words"]]
    return lay_out_frame(
        shown,
        title="The two images in the viewer",
        unit="Unit: extractor output",
        titles={
            "output": "Output",
            "first": sides[0].capitalize(),
            "second": sides[1].capitalize(),
            "change": change.capitalize(),
            "words": "Larger than same-day variation?",
        },
        right=numbers,
        prose=("words",),
        numbers=compared,
    )


def _choose_outputs(info: ExtractorInfo) -> list[str]:
    """Let the reader choose among the extractor's outputs."""
    usual = list(choose_outputs(info))
    chosen = choose_many(
        "output",
        "Outputs",
        info.output_names,
        default=usual,
        select_all=False,
        max_selections=8,
        placeholder="Default outputs",
    )
    return chosen or usual
