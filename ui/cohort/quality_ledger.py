"""The quality ledger: every rule with what it found, what it means, and what leaving out leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.quality import (
    FLAGS,
    Ledger,
    effect_of_leaving_out,
    find_flags,
    mark_images,
    upstream_report,
)
from cxrlib.summary import TableLayout, lay_out_frame
from ui.widgets.choice import choose_one
from ui.widgets.dense_table import show_dense_table
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


def show_quality(cohort: Cohort, counted: Cohort, *, provenance: Sequence[str], stem: str) -> None:
    """Show the ledger of the images counted; flags were found on the whole cohort.

    Parameters
    ----------
    cohort : Cohort
        The whole: a duplicate has its other half anywhere in it.
    counted : Cohort
        Whose flags are shown.
    """
    ledger = find_flags(cohort).keep(counted.table["image_id"])
    rules = ledger.count().join(_effects(cohort, counted), on="rule")
    found = rules[rules["n_flags"].fillna(0) > 0]
    show_text(
        f"{len(ledger.table):,} flags on {ledger.table['image_id'].nunique():,} of "
        f"{counted.n_images:,} images, by {len(found)} of {len(rules)} rules. Nothing is left out "
        "for a flag unless you say so."
    )
    show_dense_table(
        lay_out_rules(rules),
        key="quality_rules",
        provenance=provenance,
        file_stem=f"{stem}-quality-rules",
        max_height=RULES_HEIGHT,
    )
    _show_rule(ledger, _list_rules(rules), provenance=provenance, stem=stem)
    _offer_reports(cohort, ledger, stem=stem)


def _effects(cohort: Cohort, counted: Cohort) -> pd.DataFrame:
    """Count what would be left, rule by rule."""
    marks = mark_images(cohort).set_axis(cohort.table["image_id"])
    effects = effect_of_leaving_out(counted, flags=marks).set_index("rule")
    return effects[["n_images_left", "n_patients_left"]]


def lay_out_rules(rules: pd.DataFrame) -> TableLayout:
    """Lay out the rules, the gravest first, those without a flag too.

    Parameters
    ----------
    rules : DataFrame
        `cxrlib.quality.Ledger.count` with what leaving out would leave.
    """
    shown = rules[["severity", "title", *COUNTS, "meaning", "action"]]
    layout = lay_out_frame(
        shown.assign(severity=shown["severity"].map(SIGNS)),
        title="Rules of the ledger",
        unit="Units: flags, images, patients.",
        titles={"title": "Rule", **COUNTS, "meaning": "What it means", "action": "What to do"},
        prose=("meaning", "action"),
        group="severity",
        notes=(
            "Images left, patients left: of those counted here, if the images with the flag are "
            "left out.",
            "A rule with “perhaps” is a cheap measure: look before you believe it.",
        ),
    )
    return replace(layout, numbers=rules)


def _list_rules(rules: pd.DataFrame) -> dict[str, str]:
    """List the titles of the rules to choose from: those with flags, and what was chosen before.

    A rule that leaves its images out has no flags left, and is listed to be taken back in.
    """
    chosen = [*st.session_state.get("without", []), st.session_state.get("rule")]
    is_listed = (rules["n_flags"].fillna(0) > 0) | rules["rule"].isin(chosen)
    is_listed |= rules["title"].isin(st.query_params.get_all("rule"))
    return dict(zip(rules.loc[is_listed, "rule"], rules.loc[is_listed, "title"], strict=True))


def _show_rule(
    ledger: Ledger, titles: Mapping[str, str], *, provenance: Sequence[str], stem: str
) -> None:
    """Show the flags of one rule, with a button that leaves its images out everywhere.

    Parameters
    ----------
    ledger : Ledger
    titles : mapping of str to str
        Of the rules to choose from, by name.
    """
    if not titles:
        return
    st.subheader("One rule", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose_one("rule", "Rule", titles, is_menu=True, width=420)
        left_out = name in st.session_state.get("without", [])
        if name in FLAGS:
            st.button(
                "Take back in" if left_out else "Leave these images out",
                key="rule_leave_out",
                on_click=_toggle,
                args=(name,),
            )
    chosen = ledger.choose([name])
    rule = chosen.rules[0]
    show_text(f"{rule.meaning} {rule.action}", lead=f"{rule.title}.")
    if left_out:
        show_quiet("Its images are left out on every page: see the filters at the left.")
    show_dense_table(
        lay_out_flags(chosen.table, title=f"Flags: {rule.title}"),
        key="quality_flags",
        provenance=provenance,
        file_stem=f"{stem}-quality-{name.replace(' ', '-')}",
        max_height=RULES_HEIGHT,
    )


def lay_out_flags(flags: pd.DataFrame, *, title: str, most: int = MOST_FLAGS) -> TableLayout:
    """Lay out the flags of a rule; of very many the first, with how many are left.

    Parameters
    ----------
    flags : DataFrame
        Of `cxrlib.quality.Ledger`.
    title : str
    most : int
        Flags shown; what is saved holds all.
    """
    shown = flags.head(most)[list(FLAG_TITLES)]
    layout = lay_out_frame(
        # As text: a row's number is a name, and no thousand in it is set apart.
        shown.assign(row=[str(row) for row in shown["row"]]),
        title=title,
        unit=f"Unit: flag. {len(flags):,} in all.",
        titles=FLAG_TITLES,
        right=("row",),
        prose=("value",),
        notes=(f"The first {most:,} of {len(flags):,} flags are shown; what is saved holds all.",)
        if len(flags) > most
        else (),
    )
    return replace(layout, numbers=flags)


def _toggle(name: str) -> None:
    """Leave the images of a rule out, or take them back in."""
    before = list(st.session_state.get("without", []))
    after = [each for each in before if each != name] if name in before else [*before, name]
    st.session_state["without"] = after


def _offer_reports(cohort: Cohort, ledger: Ledger, *, stem: str) -> None:
    """Offer the report for those who keep the collection."""
    report = Saving(
        "Report for the collection's keepers (Markdown)",
        f"{stem}-quality-report.md",
        "text/markdown",
        lambda: upstream_report(cohort, ledger),
    )
    offer_saving(report, key="quality_report")
    show_quiet("The whole ledger: python -m cxrlib quality --data DIR --format csv")
