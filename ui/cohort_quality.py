"""The quality ledger: every rule with what it found, what it means, and what leaving out leaves."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from cxrlib.cohort import Cohort
from cxrlib.flags import FLAGS
from cxrlib.quality import (
    Ledger,
    effect_of_leaving_out,
    find_flags,
    mark_images,
    upstream_report,
)
from ui.table import show_table
from ui.text import show_quiet, show_text

__all__ = ["show_quality"]

SIGNS = {"error": "✕ error", "warning": "△ warning", "note": "· note"}
RULES_HEIGHT = 520  # pixels


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
    show_table(
        _to_words(rules),
        key="quality_rules",
        provenance=provenance,
        file_stem=f"{stem}-quality-rules",
        numbers=rules,
        height=RULES_HEIGHT,
        column_config=COLUMNS,
    )
    show_quiet(
        "Images left, patients left: of those counted here, if the images with the flag are left "
        "out. A rule with “perhaps” is a cheap measure: look before you believe it."
    )
    without = st.session_state.get("without", [])  # in the list still: to be taken back in
    listed = rules[(rules["n_flags"].fillna(0) > 0) | rules["rule"].isin(without)]
    titles = dict(zip(listed["rule"], listed["title"], strict=True))
    _show_rule(ledger, titles, provenance=provenance, stem=stem)
    _offer_reports(cohort, ledger, stem=stem)


def _effects(cohort: Cohort, counted: Cohort) -> pd.DataFrame:
    """Count what would be left, rule by rule."""
    marks = mark_images(cohort).set_axis(cohort.table["image_id"])
    effects = effect_of_leaving_out(counted, flags=marks).set_index("rule")
    return effects[["n_images_left", "n_patients_left"]]


COLUMNS = {
    "What it means": st.column_config.TextColumn(width="large"),
    "What to do": st.column_config.TextColumn(width="large"),
}


def _to_words(rules: pd.DataFrame) -> pd.DataFrame:
    """Write the rules for the screen, the gravest first, those without a flag too."""
    return pd.DataFrame(
        {
            "Severity": rules["severity"].map(SIGNS),
            "Rule": rules["title"],
            "Flags": rules["n_flags"],
            "Images": rules["n_images"],
            "Patients": rules["n_patients"],
            "Images left": rules["n_images_left"],
            "Patients left": rules["n_patients_left"],
            "What it means": rules["meaning"],
            "What to do": rules["action"],
        }
    )


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
        name = str(
            st.selectbox(
                "Rule",
                list(titles),
                format_func=titles.__getitem__,
                key="rule",
                width=420,
                persist_state="session",
            )
        )
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
    show_table(
        chosen.table[["image_id", "patient_id", "row", "column", "value"]],
        key="quality_flags",
        provenance=provenance,
        file_stem=f"{stem}-quality-{name.replace(' ', '-')}",
        numbers=chosen.table,
        column_config={
            "image_id": "Image",
            "patient_id": "Patient",
            "row": "Row",
            "column": "Column",
            "value": st.column_config.TextColumn("Value", width="large"),
        },
    )


def _toggle(name: str) -> None:
    """Leave the images of a rule out, or take them back in."""
    before = list(st.session_state.get("without", []))
    after = [each for each in before if each != name] if name in before else [*before, name]
    st.session_state["without"] = after


def _offer_reports(cohort: Cohort, ledger: Ledger, *, stem: str) -> None:
    """Offer the report for those who keep the collection."""
    st.download_button(
        "Report for the collection's keepers (Markdown)",
        data=lambda: upstream_report(cohort, ledger),
        file_name=f"{stem}-quality-report.md",
        mime="text/markdown",
        key="quality_report",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )
    show_quiet("The whole ledger: python -m cxrlib quality --data DIR --format csv")
