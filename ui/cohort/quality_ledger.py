"""The quality ledger: each rule with its flags, their meaning, and what leaving them out leaves."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.number_text import format_units
from cxrlib.quality import (
    FLAGS,
    Ledger,
    count_without_flagged,
    find_flags,
    make_maintainer_report,
    mark_images,
)
from cxrlib.summary import TableLayout, lay_out_frame
from ui.cohort.part import Part
from ui.widgets.choice import choose_one
from ui.widgets.dense_table import show_dense_table
from ui.widgets.former_labels import follow_former_labels
from ui.widgets.saving import Saving, offer_saving
from ui.widgets.text import show_quiet, show_text

__all__ = ["lay_out_flags", "lay_out_rules", "show_quality"]

SIGNS = {"error": "✕ Errors", "warning": "△ Warnings", "note": "· Notes"}
COUNTS = {
    "n_flags": "Flags",
    "n_images": "Images",
    "n_patients": "Patients",
    "n_images_left": "Images left",
    "n_patients_left": "Patients left",
}
RULES_HEIGHT = 640  # pixels
MOST_FLAGS = 300  # shown of a rule
FLAG_TITLES = {
    "image_id": "Image",
    "patient_id": "Patient",
    "row": "Row",
    "column": "Column",
    "value": "Value",
}


def show_quality(cohort: Cohort, counted: Cohort, part: Part) -> None:
    """Show the ledger of the images included; flags are found on the whole cohort.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort: the copy of an image may be anywhere in it.
    counted : Cohort
        The images whose flags are shown.
    part : Part
    """
    ledger = find_flags(cohort).keep(counted.table["image_id"])
    marks = mark_images(cohort).set_axis(cohort.table["image_id"])
    effects = count_without_flagged(counted, flags=marks).set_index("rule")
    rules = ledger.count().join(effects[["n_images_left", "n_patients_left"]], on="rule")
    found = rules[rules["n_flags"].fillna(0) > 0]
    show_text(
        f"{len(ledger.table):,} flags on {ledger.table['image_id'].nunique():,} of "
        f"{counted.n_images:,} images, by {len(found)} of {len(rules)} rules. Flagged images are "
        "included unless you leave them out."
    )
    show_dense_table(
        lay_out_rules(rules),
        key="quality_rules",
        **part.saved_as("quality-rules"),
        max_height=RULES_HEIGHT,
    )
    if titles := _list_rules(rules):
        _show_rule(ledger, titles, part)
    report = Saving(
        "Report for the dataset maintainers (Markdown)",
        f"{part.stem}-quality-report.md",
        "text/markdown",
        lambda: make_maintainer_report(cohort, ledger),
    )
    offer_saving(report, key="quality_report")
    show_quiet("The whole ledger: python -m cxrlib quality --data DIR --format csv")


def lay_out_rules(rules: pd.DataFrame) -> TableLayout:
    """Lay out the rules, the most serious first, also those without a flag.

    Parameters
    ----------
    rules : DataFrame
        `cxrlib.quality.Ledger.count` with what leaving out would leave.
    """
    shown = rules[["severity", "title", *COUNTS, "meaning", "action"]]
    return lay_out_frame(
        shown.assign(severity=shown["severity"].map(SIGNS)),
        title="Rules of the ledger",
        unit="Counts of flags, images and patients.",
        titles={"title": "Rule", **COUNTS, "meaning": "What it means", "action": "What to do"},
        prose=("meaning", "action"),
        group="severity",
        notes=(
            "Images left and patients left: if the flagged images are left out.",
            "Rules that begin with “possible” are automatic guesses: check the image.",
        ),
        numbers=rules,
    )


def _list_rules(rules: pd.DataFrame) -> dict[str, str]:
    """List the titles of the rules to choose from: those with flags, and those chosen before.

    A rule whose images are left out has no flags, and is listed so that they can be included.
    """
    follow_former_labels("rule")
    chosen = [*st.session_state.get("without", []), st.session_state.get("rule")]
    is_listed = (rules["n_flags"].fillna(0) > 0) | rules["rule"].isin(chosen)
    is_listed |= rules["title"].isin(st.query_params.get_all("rule"))
    return dict(zip(rules.loc[is_listed, "rule"], rules.loc[is_listed, "title"], strict=True))


def _show_rule(ledger: Ledger, titles: Mapping[str, str], part: Part) -> None:
    """Show the flags of one rule, with a button that leaves its images out everywhere.

    Parameters
    ----------
    ledger : Ledger
    titles : mapping of str to str
        Titles of the rules to choose from, by name.
    part : Part
    """
    st.subheader("One rule", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose_one("rule", "Rule", titles, is_menu=True, width=420)
        left_out = name in st.session_state.get("without", [])
        if name in FLAGS:
            st.button(
                "Include these images" if left_out else "Leave these images out",
                key="rule_leave_out",
                on_click=_toggle,
                args=(name,),
            )
    chosen = ledger.choose([name])
    rule = chosen.rules[0]
    show_text(f"{rule.meaning} {rule.action}", lead=f"{rule.title}.")
    if left_out:
        show_quiet("The images with this flag are left out on every page; see the filters.")
    show_dense_table(
        lay_out_flags(chosen.table, title=f"Flags: {rule.title}"),
        key="quality_flags",
        **part.saved_as(f"quality-{name.replace(' ', '-')}"),
        max_height=RULES_HEIGHT,
    )


def lay_out_flags(flags: pd.DataFrame, *, title: str, most: int = MOST_FLAGS) -> TableLayout:
    """Lay out the flags of a rule, at most so many.

    Parameters
    ----------
    flags : DataFrame
        Of `cxrlib.quality.Ledger`.
    title : str
    most : int
        Flags shown; a saved file holds all.
    """
    shown = flags.head(most)[list(FLAG_TITLES)]
    return lay_out_frame(
        # As text: a row's number is a name, without a thousands separator.
        shown.assign(row=[str(row) for row in shown["row"]]),
        title=title,
        unit=f"{format_units(len(flags), 'flag')}.",
        titles=FLAG_TITLES,
        right=("row",),
        prose=("value",),
        notes=(f"The first {most:,} of {len(flags):,} flags are shown; saved files hold all.",)
        if len(flags) > most
        else (),
        numbers=flags,
    )


def _toggle(name: str) -> None:
    """Leave the images of a rule out, or include them again."""
    before = list(st.session_state.get("without", []))
    after = [each for each in before if each != name] if name in before else [*before, name]
    st.session_state["without"] = after
