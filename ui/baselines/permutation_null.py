"""A run beside chance: the scores of permuted labels, computed by a job."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from cxrlib.baselines.evaluation import (
    MEAN,
    N_PERMUTATIONS,
    POOLED,
    Null,
    is_number,
    load_null,
    name_fold,
    name_metric,
    write_score,
)
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import describe_null, plot_null
from cxrlib.cohort import CohortEntry
from cxrlib.storage import Store
from ui.baselines.run_button import make_request
from ui.session.jobs import offer_job
from ui.session.resources import find_cache
from ui.widgets.chart import show_chart
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["find_null", "show_chance"]


def find_null(run: Run) -> Null | None:
    """Load what is done of the permutations of a run; None where that is nothing."""
    rows, features = run.result.rows, run.result.features
    return load_null(rows, features, run.spec.settings, Store(find_cache()))


def show_chance(
    entry: CohortEntry,
    run: Run,
    null: Null | None,
    metric: str,
    *,
    provenance: Sequence[str],
    stem: str,
) -> None:
    """Set the scores beside those of permuted labels; the permutations are a job."""
    show_text(
        "Could labels that mean nothing score as well? Labels are permuted over persons within "
        "each held-out group, and every model is fitted again."
    )
    if run.result.features.kind == "pixels":
        show_quiet("Not offered for pixels: hundreds of networks would take hours.")
        return
    if null is None or not null.is_complete:
        spec = run.spec
        request = make_request("null", entry, spec, n=N_PERMUTATIONS)
        offer_job(
            request,
            label=f"{N_PERMUTATIONS} permutations: {spec.task.title}, {spec.features}",
            button=f"Permute the labels {N_PERMUTATIONS} times",
        )
    if null is None:
        return
    _plot_null(run, null, metric, provenance=provenance, stem=stem)
    _show_null(null, metric, provenance=provenance, stem=stem)


def _plot_null(run: Run, null: Null, metric: str, *, provenance: Sequence[str], stem: str) -> None:
    """Show where the score stands among those of permuted labels, the mean or else the pooled."""
    table = null.table
    means = table[(table["metric"] == metric) & (table["fold"] == MEAN)]
    has_mean = bool(len(means)) and is_number(means["p"].iloc[0])
    fold = MEAN if has_mean else POOLED
    shown = metric if has_mean else str(table.loc[table["fold"] == POOLED, "metric"].iloc[0])
    hold_out = run.spec.settings.hold_out
    show_chart(
        partial(plot_null, null, shown, fold, hold_out=hold_out),
        key="null",
        alt=describe_null(null, shown, fold, hold_out=hold_out),
        heading=f"Among permuted labels: {name_metric(shown)}, {name_fold(fold, hold_out).lower()}",
        caption=null.describe(fold, shown),
        numbers=null.values,
        provenance=provenance,
        stem=stem,
    )


def _show_null(null: Null, metric: str, *, provenance: Sequence[str], stem: str) -> None:
    table = null.table
    rows = table[(table["metric"] == metric) | (table["fold"] == POOLED)]
    shown = pd.DataFrame(
        {
            "held out": rows["fold"],
            "score": [write_score(value) for value in rows["observed"]],
            "permuted, middle 95 %": [
                f"{write_score(row['low'])} to {write_score(row['high'])}"
                if is_number(row["low"])
                else "–"
                for row in rows.to_dict("records")
            ],
            "at least as good": [
                f"{row['n_at_least']:,} of {row['n']:,}" if is_number(row["p"]) else "–"
                for row in rows.to_dict("records")
            ],
            "p": [f"{p:.3g}" if is_number(p) else "not estimable" for p in rows["p"]],
            "why": rows["reason"],
        }
    )
    show_table(
        shown, key="baseline_null", provenance=provenance, file_stem=f"{stem}-null", numbers=table
    )
    show_quiet(
        "Unit: permutation. p is (1 + at least as good) / (1 + permutations): never 0. "
        "It tells chance from anything else, a shortcut included: it does not say that the model "
        "has seen the disease."
    )
