"""ROC and precision-recall curves, with the model's own class decision as a mark."""

from collections.abc import Iterator

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    POOLED,
    Cells,
    CurveKind,
    format_fold,
    format_score,
    is_number,
    read_reason,
)
from cxrlib.charts.scores.line_chart import (
    MOST_LINES,
    Axes,
    Line,
    Look,
    Mark,
    find_looks,
    find_pooled_look,
    format_bounded,
    format_key,
    make_reference,
    plot_lines,
)
from cxrlib.charts.style import PALETTES, Theme

NAMES: dict[CurveKind, tuple[str, str]] = {
    "roc": ("ROC curve", "AUROC"),
    "precision-recall": ("Precision-recall curve", "average precision"),
}


def plot_curves(
    table: pd.DataFrame,
    kind: CurveKind = "roc",
    *,
    event: str = "the class",
    hold_out: str = "region",
    theme: Theme = "light",
) -> go.Figure:
    """Plot a curve a held-out group, and the one within groups with the band of its interval.

    Parameters
    ----------
    table : DataFrame
        Result of `cxrlib.baselines.evaluation.trace_curves`.
    kind : {"roc", "precision-recall"}
    event : str
        Words of the class that is looked for.
    hold_out : str, default "region"
    theme : {"light", "dark"}
    """
    palette = PALETTES[theme]
    looks = find_looks(_list_drawn(table), theme) | {POOLED: find_pooled_look(palette)}
    lines = [_make_line(table, row, kind, hold_out, looks) for row in _list_areas(table)]
    if kind == "roc":
        chance = make_reference("chance", (0, 1), (0, 1), palette)
        lines = [chance, *lines]
    titles = {
        "roc": ("False alarms: 1 − specificity", f"Sensitivity to {event!r}"),
        "precision-recall": (f"Recall of {event!r}", "Precision"),
    }
    return plot_lines(lines, Axes(*titles[kind]), theme=theme)


def _list_areas(table: pd.DataFrame) -> list[Cells]:
    """List the groups with the area under their curve, those that are drawn first."""
    rows = table[table["part"] == "area"].rename(columns={"x": "_", "y": "value"})
    rows = rows.assign(is_out=rows["value"].isna() & (rows["fold"] != POOLED))
    found = rows.sort_values("is_out", kind="stable").to_dict("records")
    drawn = [row for row in found if row["fold"] == POOLED or is_number(row["value"])]
    return [*drawn[:MOST_LINES], *drawn[MOST_LINES:][-1:], *(r for r in found if r not in drawn)]


def _list_drawn(table: pd.DataFrame) -> list[str]:
    curves = table[(table["part"] == "curve") & (table["fold"] != POOLED)]
    return list(dict.fromkeys(curves["fold"]))


def _make_line(
    table: pd.DataFrame, row: Cells, kind: CurveKind, hold_out: str, looks: dict[str, Look]
) -> Line:
    fold, name = str(row["fold"]), format_fold(str(row["fold"]), hold_out)
    own = table[table["fold"] == fold]
    curve, band = own[own["part"] == "curve"], own[own["part"] == "band"]
    places = list(band[["x", "low", "high"]].itertuples(index=False, name=None))
    return Line(
        format_key(name, row),
        looks.get(fold, Look("#000000")),
        curve["x"].tolist(),
        curve["y"].tolist(),
        marks=list(_mark(own, name, kind)),
        band=places if fold == POOLED else (),
        is_stepped=kind == "precision-recall",
    )


def _mark(own: pd.DataFrame, name: str, kind: CurveKind) -> Iterator[Mark]:
    """Mark the model's own class decision."""
    for row in own[own["part"] == "decision"].to_dict("records"):
        if not (is_number(row["x"]) and is_number(row["y"])):
            continue
        y = format_bounded(row["y"], row["low"], row["high"])
        words = (
            f"sensitivity {y}\nspecificity {format_score(1 - row['x'])}"
            if kind == "roc"
            else f"precision {y}\nrecall {format_score(row['x'])}"
        )
        yield Mark(row["x"], row["y"], f"{name}, the model's own decision\n{words}")


def describe_curves(
    table: pd.DataFrame, kind: CurveKind = "roc", *, hold_out: str = "region"
) -> str:
    """Describe what `plot_curves` shows: its text alternative."""
    name, area = NAMES[kind]
    parts = [
        format_key(format_fold(str(row["fold"]), hold_out), row)
        + (f" ({read_reason(row)})" if not is_number(row["value"]) else "")
        for row in _list_areas(table)
    ]
    marks = [
        mark.words.replace("\n", ", ")
        for fold, own in table.groupby("fold", sort=False)
        for mark in _mark(own, format_fold(str(fold), hold_out), kind)
    ]
    return f"{name} by held-out {hold_out}, {area}: {'; '.join(parts)}. {'. '.join(marks)}"
