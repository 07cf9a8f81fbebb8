"""The answer of a run: what the image reaches, what is reached without it, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape

import pandas as pd
import streamlit as st

from cxrlib.baselines.evaluation import (
    COHORT,
    MEAN,
    POOLED,
    WITHIN_SOURCE,
    Cells,
    choose_headline,
    format_fold,
    format_held_out,
    format_interval,
    format_metric,
    is_number,
    judge_sensitivity,
    read_reason,
)
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import find_chance, make_axis, read_scores
from cxrlib.cohort import UNKNOWN
from cxrlib.number_text import format_units
from ui.baselines.cached import load_entries, load_sensitivity
from ui.baselines.permutation_null import find_null
from ui.baselines.run_view import escape_label

__all__ = ["format_score_name", "show_answer"]

UNTRAINED = "densenet121-untrained:"
#: When a verdict differs from the run's own: what was made stricter.
STRICTER = {
    "source-guard": "when each source is kept in training or in test",
    "source-bootstrap": "when sources are resampled in place of patients",
    WITHIN_SOURCE: "when labels are permuted within sources",
}
SCALES = {"correlation": (-1.0, 1.0)}
NO_SCALE = ("r2", "mae")


@dataclass(frozen=True)
class Line:
    """Hold one number of the answer: what it is of, and its score."""

    title: str
    cell: Cells
    is_own: bool = False


def show_answer(run: Run, metric: str) -> None:
    """Answer the page's question: numbers with bars, the verdict, and what they are of."""
    fold = choose_headline(run.scores, metric)
    cells = read_scores(run.scores, metric)
    if not fold:
        st.markdown(_describe_nothing(run, cells))
        return
    # A pooled score has a metric of its own.
    cell = cells[fold] if fold in cells else _read_pooled(run.scores)
    of = str(cell.get("metric", metric))
    lines = [Line(_name_features(run), cell, is_own=True), *_list_others(run, of, fold)]
    chance = _find_chance(run, of, fold)
    st.html(_draw_lines(lines, of, chance))
    st.markdown(f"**{_describe_verdict(run, metric, chance)}** {_describe_basis(run, fold, cell)}")


def _describe_nothing(run: Run, cells: Mapping[str, Cells]) -> str:
    """Say why there is no score over all groups."""
    scored = [fold for fold, cell in cells.items() if is_number(cell.get("value"))]
    pooled = read_reason(_read_pooled(run.scores))
    if scored:
        reason = read_reason(cells.get(MEAN))
        return f"**No score over all groups can be given.** {reason} Pooled: {pooled}"
    by = run.spec.settings.group
    return f"**Not estimable** in any {by}: see the reasons below. Pooled: {pooled}"


def _read_pooled(scores: pd.DataFrame) -> Cells:
    return scores[scores["fold"] == POOLED].iloc[0].to_dict()


def _name_features(run: Run) -> str:
    """Name what the score comes from."""
    features = run.result.features
    if features.kind in ("shortcut", "prevalence", "outside"):
        return features.title
    return f"From the image: {features.title}"


def _list_others(run: Run, metric: str, fold: str) -> list[Line]:
    """List the best of the shortcuts, and the best untrained network that was run on the same."""
    found = []
    if run.result.features.kind != "shortcut":
        found.append(("Without the image: ", _list_shortcuts(run, metric, fold)))
    found.append(("Random weights: ", _list_controls(run, metric, fold)))
    lines = []
    for words, cells in found:
        scored = {title: cell for title, cell in cells.items() if is_number(cell.get("value"))}
        if scored:
            sign = -1 if metric == "mae" else 1
            best = max(scored, key=lambda title: sign * float(scored[title]["value"]))
            lines.append(Line(f"{words}{best}", scored[best]))
    return lines


def _list_shortcuts(run: Run, metric: str, fold: str) -> dict[str, Cells]:
    return {
        result.features.title: read_scores(result.scores, metric).get(fold, {})
        for result in run.shortcuts.values()
    }


def _list_controls(run: Run, metric: str, fold: str) -> dict[str, Cells]:
    """List untrained networks that were run on the same images, settings and filters."""
    if run.spec.features.startswith(UNTRAINED):
        return {}
    return {
        entry.features_title: {"value": head.value, "low": head.low, "high": head.high}
        for entry in load_entries(run.result.rows.cohort, run.spec.task)
        if entry.spec is not None
        and entry.spec.features.startswith(UNTRAINED)
        and replace(entry.spec, features=run.spec.features) == run.spec
        and (head := entry.find(fold, metric)) is not None
    }


def _find_chance(run: Run, metric: str, fold: str) -> float | None:
    """Find what a score without any knowledge would be."""
    chance = find_chance(metric, run.folds, event=run.spec.task.event).get(fold)
    return make_axis(metric, ()).line if chance is None else chance


# ---- bars


def _draw_lines(lines: list[Line], metric: str, chance: float | None) -> str:
    """Draw the numbers as a list with bars; a screen reader reads the same."""
    rows = "".join(_draw_line(line, metric, chance) for line in lines)
    return f'<ul class="cxr-answer">{rows}</ul>'


def _draw_line(line: Line, metric: str, chance: float | None) -> str:
    persons = line.cell.get("n_persons")
    count = f", {format_units(int(persons), 'person')}" if is_number(persons) else ""
    number = f"{format_metric(metric)} {format_interval(line.cell)}"
    kind = ' class="cxr-own"' if line.is_own else ""
    return (
        f"<li{kind}><span>{escape(line.title)}</span>{_draw_bar(line.cell, metric, chance)}"
        f"<span><b>{escape(number)}</b>{escape(count)}</span></li>"
    )


def _draw_bar(cell: Cells, metric: str, chance: float | None) -> str:
    """Draw a score with its interval on its scale, and chance as a tick."""
    if metric in NO_SCALE:
        return "<span></span>"
    least, most = SCALES.get(metric, (0.0, 1.0))

    def place(value: object) -> float:
        return 100 * (float(value) - least) / (most - least)  # type: ignore[arg-type]

    marks = ""
    if is_number(cell.get("low")) and is_number(cell.get("high")):
        left, right = place(cell["low"]), place(cell["high"])
        marks += f'<i class="cxr-bar" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
    if chance is not None:
        marks += f'<i class="cxr-chance" style="left:{place(chance):.1f}%"></i>'
    marks += f'<i class="cxr-dot" style="left:{place(cell["value"]):.1f}%"></i>'
    return f'<span class="cxr-track" aria-hidden="true">{marks}</span>'


# ---- words


def _describe_verdict(run: Run, metric: str, chance: float | None) -> str:
    """Describe how the score lies to chance, by the strictest check that can be estimated."""
    if chance is None:
        return ""
    table = load_sensitivity(run, metric)
    verdict = judge_sensitivity(table, chance)
    # Permutations can only speak against a score that is told from chance else.
    null = find_null(run, "source") if verdict.side == "above" else None
    if null is not None and null.is_complete:
        rows = null.table
        headline = choose_headline(run.scores, metric)
        rows = rows[rows["fold"].eq(headline) & rows["p"].notna()]
        rows = rows if headline == POOLED else rows[rows["metric"].eq(metric)]
        if len(rows):
            verdict = judge_sensitivity(table, chance, float(rows["p"].iloc[0]))
    if not verdict.side:
        return "Too few persons to tell it from chance."
    if verdict.side == "neither" and verdict.is_default:
        return f"No better than chance ({chance:.2g})."
    if verdict.side == "neither":
        return f"Better than chance in this run, but not {STRICTER.get(verdict.check, 'always')}."
    words = "Better" if verdict.side == "above" else "Worse"
    also = f", also {STRICTER[verdict.check]}" if verdict.check in STRICTER else ""
    return f"{words} than chance ({chance:.2g}){also}."


def _describe_basis(run: Run, fold: str, cell: Cells) -> str:
    """Describe what the answer is of, and why fewer images are scored than the task has."""
    settings, rows = run.spec.settings, run.result.rows
    over = format_fold(fold, settings.hold_out, cell)
    model = escape_label(run.spec.describe_model())
    removal = f", **{settings.removal}**" if settings.removal else ""
    parts = [f"{over}, protocol *{settings.protocol.name}*, {model}{removal}."]
    n_images = cell.get("n_images")
    if settings.group == COHORT:
        n_train = format_units(rows.n_images - int(cell["n_images"]), "image")
        return f"{parts[0]} {n_train} for training, {int(cell['n_images']):,} for the test."
    if is_number(n_images) and n_images < rows.n_images:
        why = "can be compared within their" if fold == POOLED else "are in a scored"
        parts.append(
            f"{int(n_images):,} of {format_units(rows.n_images, 'image')} {why} {settings.group}."
        )
    if fold == POOLED:
        parts.append(_describe_groups(run))
    return " ".join(parts)


def _describe_groups(run: Run) -> str:
    """Describe how many groups have a score of their own, where there is no mean over them."""
    folds = run.folds[run.folds["fold"] != UNKNOWN]
    n_scored = int(folds["is_scored"].astype(bool).sum())
    groups = format_held_out(len(folds), run.spec.settings.hold_out)
    return f"Only {n_scored} of {groups} can be scored alone, so there is no mean."


def format_score_name(run: Run, metric: str) -> str:
    """Name what a published score is of, since the metric alone would mislead; "" of others."""
    is_hard = run.spec.settings.protocol.ranking == "class" and run.spec.task.kind == "classes"
    return f"{format_metric(metric)} of the predicted class" if is_hard else ""
