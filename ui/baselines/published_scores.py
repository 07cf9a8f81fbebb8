"""A run beside the numbers that the paper prints, as far as the two can be compared."""

import functools
from collections.abc import Hashable, Mapping, Sequence

import pandas as pd

from cxrlib.baselines.evaluation import (
    MEAN,
    compare_scores,
    describe_score_comparison,
    is_number,
    name_metric,
    write_interval,
)
from cxrlib.baselines.runs import Run
from cxrlib.literature import find_scores
from cxrlib.number_text import NOTHING
from ui.widgets.table import show_table
from ui.widgets.text import show_quiet, show_text

__all__ = ["find_printed", "show_paper"]

FEATURE_TITLES = {
    "intermediate": "intermediate features",
    "outputs": "18 outputs",
    "4-outputs": "4 outputs",
    "lung-opacity": "Lung Opacity output",
    "pixels": "image pixels (MLP)",
    "prevalence": "baseline prevalence",
}


@functools.lru_cache(maxsize=32)
def _compare(run: Run) -> pd.DataFrame:
    """Put a run beside the printed numbers once: the main figure and the part below both ask."""
    return compare_scores(run.result)


def find_printed(run: Run, metric: str) -> dict[str, float]:
    """Find the printed number of each held-out group, for the forest plot.

    Only where both protocols are the published one: a number of another protocol beside them
    would measure something else.
    """
    if run.spec.settings.protocol.name != "published":
        return {}
    table = _compare(run)
    rows = table[table["metric"] == metric]
    return {
        str(row["fold"]): float(row["paper"])
        for row in rows.to_dict("records")
        if is_number(row["paper"])
    }


def show_paper(run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Show each printed number beside ours, with the classes of both cohorts and a verdict."""
    table = _compare(run)
    if table.empty:
        _show_printed(run, provenance=provenance, stem=stem)
        return
    show_text(describe_score_comparison(table))
    show_table(
        _write(table),
        key="baseline_paper",
        provenance=provenance,
        file_stem=f"{stem}-paper",
        numbers=table,
    )
    show_quiet(
        "Images in brackets: positive / negative. The paper's AUROC and AUPRC are of predicted "
        "classes, not of a ranking. A difference is called one only where the counts of both "
        "cohorts agree."
    )


def _write(table: pd.DataFrame) -> pd.DataFrame:
    """Write a line a printed number: both values, both cohorts' classes, the verdict."""
    return pd.DataFrame(
        {
            "held out": row["fold"],
            "score": name_metric(str(row["metric"])),
            "paper": _number(row["paper"], row["paper_sd"]),
            "ours": _number(row["ours"], row["ours_sd"]),
            "paper's images": _classes(row, "paper"),
            "our images": _classes(row, "ours"),
            "verdict": row["verdict"],
            "why": row["explanation"],
        }
        for row in table.to_dict("records")
    )


def _number(value: object, sd: object) -> str:
    if not is_number(value):
        return NOTHING
    return write_interval({"value": value, "sd": sd})


def _classes(row: Mapping[Hashable, object], whose: str) -> str:
    """Write the images of a region, by class where there are classes."""
    n, yes, no = (row[f"n_{name}_{whose}"] for name in ("images", "positive", "negative"))
    if not is_number(n):
        return NOTHING
    return f"{n:,.0f} ({yes:,.0f} / {no:,.0f})" if is_number(yes) else f"{n:,.0f}"


def _show_printed(run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Show what the paper prints of a task, where none of it is comparable with the run."""
    printed = find_scores(run.spec.task.name, fold=MEAN)
    if not printed or not run.spec.task.is_published or run.spec.settings.hold_out != "region":
        show_text(
            "The paper prints no number of this: it has seven tasks as they are defined on this "
            "page, with regions held out."
        )
        return
    show_text(
        f"The paper has no number of {run.result.features.title}. What it prints of this task is "
        "by another network, on an earlier state of the collection, and of predicted classes: it "
        "stands here to look at, not to compare."
    )
    table = pd.DataFrame(
        {
            "features": FEATURE_TITLES.get(score.features, score.features),
            "score": name_metric(score.metric),
            "mean ± SD over regions": _number(score.value, score.sd),
            "where": score.table,
        }
        for score in printed
    )
    show_table(table, key="baseline_printed", provenance=provenance, file_stem=f"{stem}-printed")
