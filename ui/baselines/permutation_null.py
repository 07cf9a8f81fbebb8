"""A run beside its permutation null: the scores of permuted labels, computed by a job."""

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import (
    N_PERMUTATIONS,
    POOLED,
    Cells,
    PermutationNull,
    Within,
    format_p,
    format_score,
    is_number,
    is_own,
    is_slow,
    load_permutation_null,
)
from cxrlib.baselines.runs import Run
from cxrlib.number_text import NOTHING
from cxrlib.reports import make_null_part
from cxrlib.storage import Store
from ui.baselines.run_button import NO_PIXELS, make_request
from ui.baselines.run_view import RunView, show_part
from ui.session.jobs import offer_job
from ui.session.resources import find_cache
from ui.widgets.choice import choose_one
from ui.widgets.details import show_details
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["find_null", "show_permutation_null"]

NUMBERS = {N_PERMUTATIONS: str(N_PERMUTATIONS), 1000: "1,000", 5000: "5,000"}


def find_null(run: Run, within: Within = "group") -> PermutationNull | None:
    """Load what is done of the permutations of a run; None where that is nothing."""
    rows, features = run.result.rows, run.result.features
    store = Store(find_cache())
    return load_permutation_null(rows, features, run.spec.settings, store, within=within)


def show_permutation_null(view: RunView) -> None:
    """Show the scores beside those of permuted labels; the permutations are a job."""
    run = view.run
    show_text(
        "Could meaningless labels score as well? A permutation test shuffles the labels between "
        "patients and fits every model again."
    )
    if run.result.features.kind == "pixels":
        show_quiet(NO_PIXELS)
        return
    titles: dict[Within, str] = {"group": f"each held-out {view.hold_out}", "source": "each source"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        within = choose_one(
            "within",
            "Permute within",
            titles,
            help="Exact if patients are exchangeable. Patients of one source resemble each other: "
            "within sources is the stricter test.",
        )
        n = choose_one("permutations", "Permutations, chosen before", NUMBERS)
    null = view.null if within == "group" else find_null(run, within)
    is_short = null is None or not null.is_complete or null.n_wanted < n
    if is_short and is_own(run.spec.settings.model):
        show_quiet("This model was given in Python: call compute_null of its run there.")
    elif is_short:
        if is_slow(run.spec.settings.model):
            show_quiet(
                f"A {run.spec.describe_model()} takes seconds for each permutation, so this takes "
                "from minutes to hours. It can be cancelled; finished permutations are kept."
            )
        offer_job(
            make_request("null", view.entry, run.spec, n=n, within=within),
            label=f"Permutation test ({n:,}): {run.spec.task.title}, {run.spec.features}, "
            f"{run.spec.settings.model}",
            button=f"Permute the labels {n:,} times within {titles[within]}",
        )
    if null is None:
        return
    _plot_null(view, null)
    _show_table(view, null)


def _plot_null(view: RunView, null: PermutationNull) -> None:
    """Show where the score lies among those of permuted labels: the mean or else the pooled."""
    show_part(view, make_null_part(view.run, null, view.metric), null.values)


def _show_table(view: RunView, null: PermutationNull) -> None:
    table = null.table
    rows = table[(table["metric"] == view.metric) | (table["fold"] == POOLED)]
    show_table(
        pd.DataFrame(map(_format_row, rows.to_dict("records"))),
        key="baseline_null",
        numbers=table,
        **view.saved_as("null"),
    )
    n_p = int(table["p"].notna().sum())
    show_details(
        "",
        [
            f"The saved table holds {n_p} p-values, of all scores and groups: by chance alone "
            f"about {n_p / 20:.1g} would be below 0.05."
            if n_p > 1
            else "",
            "p is (1 + permutations at least as good) / (1 + permutations), so it is never 0.",
            "A small p means better than chance, but a shortcut is better than chance too: it does "
            "not show that the model recognises the disease.",
        ],
    )


def _format_row(row: Cells) -> dict[str, str]:
    """Format the row of a held-out group for the screen."""
    low, high = format_score(row["low"]), format_score(row["high"])
    has_p = is_number(row["p"])
    return {
        "held out": row["fold"],
        "score": format_score(row["observed"]),
        "permuted labels, middle 95 %": f"{low} to {high}" if is_number(row["low"]) else NOTHING,
        "at least as good": f"{row['n_at_least']:,} of {row['n']:,}" if has_p else NOTHING,
        "p": format_p(row) if has_p else "not estimable",
        "reason": row["reason"],
    }
