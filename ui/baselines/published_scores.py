"""A run beside the scores that the paper prints, as far as the two can be compared."""

import functools
from collections.abc import Hashable, Mapping

import pandas as pd

from cxrlib.baselines.evaluation import (
    MEAN,
    compare_scores,
    describe_score_comparison,
    format_interval,
    format_metric,
    is_number,
)
from cxrlib.baselines.runs import Run
from cxrlib.literature import find_scores
from cxrlib.number_text import NOTHING
from ui.baselines.run_view import RunView
from ui.widgets.details import show_details
from ui.widgets.table import show_table
from ui.widgets.text import show_text

__all__ = ["find_published", "show_published_scores"]

FEATURE_TITLES = {
    "intermediate": "intermediate features",
    "outputs": "18 outputs",
    "4-outputs": "4 outputs",
    "lung-opacity": "Lung Opacity output",
    "pixels": "image pixels (MLP)",
    "prevalence": "baseline prevalence",
}


# Once a run: the main figure and the part below both ask.
_compare = functools.lru_cache(maxsize=32)(compare_scores)


def find_published(run: Run, metric: str) -> dict[str, float]:
    """Find the printed score of each held-out group, for the forest plot.

    Only where both protocols are the published one: a score of another protocol beside them
    would measure something else.
    """
    if run.spec.settings.protocol.name != "published":
        return {}
    table = _compare(run.result)
    rows = table[(table["metric"] == metric) & table["paper"].map(is_number)]
    return {
        str(fold): float(score) for fold, score in zip(rows["fold"], rows["paper"], strict=True)
    }


def show_published_scores(view: RunView) -> None:
    """Show each printed score beside ours, with the classes of both cohorts and a verdict."""
    table = _compare(view.run.result)
    if table.empty:
        _show_printed(view)
        return
    show_text(describe_score_comparison(table))
    show_table(
        pd.DataFrame(map(_format_row, table.to_dict("records"))),
        key="baseline_paper",
        numbers=table,
        **view.saved_as("paper"),
    )
    show_details(
        "",
        [
            "Images in brackets: positive / negative.",
            "The paper computes AUROC and AUPRC on predicted classes, not on a ranking.",
            "It is called a difference only where both cohorts have the same counts.",
        ],
    )


def _format_row(row: Mapping[Hashable, object]) -> dict[str, object]:
    """Format a printed score: both values, both cohorts' classes, the verdict."""
    return {
        "held out": row["fold"],
        "score": format_metric(str(row["metric"])),
        "paper": _format_number(row["paper"], row["paper_sd"]),
        "ours": _format_number(row["ours"], row["ours_sd"]),
        "paper's images": _format_classes(row, "paper"),
        "our images": _format_classes(row, "ours"),
        "verdict": row["verdict"],
        "reason": row["explanation"],
    }


def _format_number(value: object, sd: object) -> str:
    if not is_number(value):
        return NOTHING
    return format_interval({"value": value, "sd": sd})


def _format_classes(row: Mapping[Hashable, object], whose: str) -> str:
    """Format the count of images of a region, by class where there are classes."""
    n, yes, no = (row[f"n_{name}_{whose}"] for name in ("images", "positive", "negative"))
    if not is_number(n):
        return NOTHING
    return f"{n:,.0f} ({yes:,.0f} / {no:,.0f})" if is_number(yes) else f"{n:,.0f}"


def _show_printed(view: RunView) -> None:
    """Show what the paper prints of a task, where none of it is comparable with the run."""
    run = view.run
    printed = find_scores(run.spec.task.name, fold=MEAN)
    if not printed or not run.spec.task.is_published or run.spec.settings.hold_out != "region":
        show_text(
            "The paper prints no score for this. It covers its seven tasks, unchanged, with "
            "regions held out."
        )
        return
    show_text(
        f"The paper prints no score for {run.result.features.title}. Its scores for this task, "
        "below, are not comparable: they come from another network, an earlier state of the "
        "collection, and predicted classes."
    )
    table = pd.DataFrame(
        {
            "features": FEATURE_TITLES.get(score.features, score.features),
            "score": format_metric(score.metric),
            "mean ± SD over regions": _format_number(score.value, score.sd),
            "where": score.table,
        }
        for score in printed
    )
    show_table(table, key="baseline_printed", **view.saved_as("printed"))
