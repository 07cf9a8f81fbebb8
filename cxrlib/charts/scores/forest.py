"""Forest plot: a score with its interval in each held-out group, several series side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    Cells,
    describe_missing_score,
    format_fold,
    format_held_out,
    format_interval,
    format_metric,
    format_score_counts,
    format_score_or_none,
    is_number,
    read_reason,
)
from cxrlib.charts.scores.legend import Look
from cxrlib.charts.scores.score_rows import ScoreMark, ScoreRow, make_mark, plot_score_rows
from cxrlib.charts.scores.series import (
    KINDS,
    SUMMARIES,
    Series,
    describe_cell,
    list_folds,
    make_axis,
    read_classes,
    read_scores,
)
from cxrlib.charts.style import Theme
from cxrlib.cohort import UNKNOWN

#: The score printed in the paper: open, so that it is never taken for one of ours.
PRINTED = Look("pentagon", tone="ink", is_open=True, size=13)
#: Folds that the text alternative names; of more scores only the lowest and the highest.
MOST_TOLD = 8
Tables = Sequence[Mapping[str, Cells]]


def plot_forest(
    series: Sequence[Series],
    metric: str,
    *,
    folds: pd.DataFrame | None = None,
    hold_out: str = "region",
    chance: Mapping[str, float] | None = None,
    title: str = "",
    unit: str = "",
    theme: Theme = "light",
) -> go.Figure:
    """Plot the score of each held-out group with its interval, the mean and the pooled below.

    Of parts of the persons the mean and the pooled are above; a test on one cohort has none.

    Groups without a score are listed under the axis in grey, with the reason: the mean does not
    include them.

    Parameters
    ----------
    series : sequence of Series
        One row each in every group, in this order.
    metric : str
        "auroc", "auprc", "recall", "auprc_event", "recall_event", "correlation", "r2" or "mae".
    folds : DataFrame, optional
        With fold, n_positive, n_negative: the test images of each class.
    hold_out : str, default "region"
        What is held out: "region", "sub-region", "country", "source"; or "group".
    chance : mapping, optional
        Fold to chance where it differs, from `cxrlib.charts.scores.find_chance`.
    title, unit : str, optional
        Of the axis, in place of the metric's name; of an error.
    theme : {"light", "dark"}

    Returns
    -------
    Figure
        Marks carry the series' key and the fold as customdata. Its height depends on the rows.
    """
    tables = [read_scores(each.scores, metric) for each in series]
    values = [
        float(row[end])
        for table in tables
        for row in table.values()
        for end in ("value", "high")
        if is_number(row.get(end))
    ]
    axis = make_axis(metric, values, title=title, unit=unit)
    maker = _RowMaker(series, tables, metric, hold_out, read_classes(folds), chance or {})
    scored, unscored = maker.part_folds()
    rows = [
        row
        for before, fold in zip(["", *scored], scored, strict=False)
        for row in maker.make(fold, before)
    ]
    return plot_score_rows(
        rows,
        axis,
        below=[maker.explain(fold) for fold in unscored],
        below_title=_format_below_title(scored, unscored, hold_out),
        key=_list_key(series, tables),
        theme=theme,
    )


@dataclass(frozen=True)
class _RowMaker:
    """Make the rows of a fold: one alone, or a heading with one a series."""

    series: Sequence[Series]
    tables: Tables
    metric: str
    hold_out: str
    classes: Mapping[str, tuple[int, int]]
    chance: Mapping[str, float]

    def part_folds(self) -> tuple[list[str], list[str]]:
        """Part folds into those that some series scores, and others."""
        scored: list[str] = []
        unscored: list[str] = []
        for fold in list_folds(self.tables, self.hold_out):
            has_value = any(is_number(table.get(fold, {}).get("value")) for table in self.tables)
            (scored if has_value else unscored).append(fold)
        return scored, unscored

    def make(self, fold: str, before: str) -> list[ScoreRow]:
        """Make the rows of a fold; a line parts sums from groups."""
        is_apart = bool(before) and (fold in SUMMARIES) != (before in SUMMARIES)
        rows = [table.get(fold) for table in self.tables]
        known = next(row for row in rows if row is not None)
        if len(self.series) == 1:
            name = format_fold(fold, self.hold_out, known, with_sd=is_number(known.get("sd")))
            numbers = (
                format_score_or_none(known),
                format_score_counts(known, self.classes.get(fold)),
            )
            return [self._make_row(0, fold, known, name, numbers, is_apart=is_apart)]
        has_sd = any(row is not None and is_number(row.get("sd")) for row in rows)
        heading = ScoreRow(
            format_fold(fold, self.hold_out, _agree(rows), with_sd=has_sd),
            numbers=(self._describe_range(fold, [row for row in rows if row is not None]),),
            is_heading=True,
            is_apart=is_apart,
        )
        return [heading, *(self._make_series(place, fold, row) for place, row in enumerate(rows))]

    def _make_series(self, place: int, fold: str, row: Cells | None) -> ScoreRow:
        """Make the row of a series under its fold's heading."""
        name = self.series[place].name
        if row is None or not is_number(row.get("value")):
            return ScoreRow(name, reason=read_reason(row) or "no score", is_indented=True)
        return self._make_row(
            place, fold, row, name, (format_score_or_none(row),), is_indented=True
        )

    def _make_row(
        self,
        place: int,
        fold: str,
        row: Cells,
        name: str,
        numbers: tuple[str, ...],
        *,
        is_indented: bool = False,
        is_apart: bool = False,
    ) -> ScoreRow:
        each = self.series[place]
        words = describe_cell(
            each, fold, row, self.metric, self.hold_out, self.classes, self.chance
        )
        data = (each.key or each.name, fold)
        marks = [make_mark(row, KINDS[each.kind][1], words, data)]
        if is_number(each.printed.get(fold)):
            marks.append(ScoreMark(float(each.printed[fold]), PRINTED, words, data=data))
        return ScoreRow(
            name,
            tuple(marks),
            numbers=tuple(filter(None, numbers)),
            band=each.null.get(fold),
            tick=self.chance.get(fold),
            is_indented=is_indented,
            is_apart=is_apart,
        )

    def _describe_range(self, fold: str, rows: Sequence[Cells]) -> str:
        """Describe what the scores of a fold rest on; least to most where they differ."""
        words = list(
            dict.fromkeys(
                filter(None, (format_score_counts(row, self.classes.get(fold)) for row in rows))
            )
        )
        if len(words) <= 1:
            return "".join(words)
        counts = [int(row["n_images"]) for row in rows if is_number(row.get("n_images"))]
        return f"{min(counts):,} to {max(counts):,} images" if counts else ""

    def explain(self, fold: str) -> ScoreRow:
        """Describe why a fold has no score, and what there would be to test."""
        rows = [table[fold] for table in self.tables if fold in table]
        reasons = dict.fromkeys(read_reason(row) for row in rows)
        counts = "" if fold in SUMMARIES else self._describe_range(fold, rows)
        words = describe_missing_score(
            {**rows[0], "reason": " ".join(filter(None, reasons))}, counts
        )
        return ScoreRow(format_fold(fold, self.hold_out, _agree(rows)), reason=words)


def _agree(rows: Sequence[Cells | None]) -> Cells:
    """Return the first row if all that are there have as many folds, else one without."""
    known = [row for row in rows if row is not None]
    alike = len({row.get("n_folds") for row in known}) == 1
    return known[0] if alike else {}


def _list_key(series: Sequence[Series], tables: Tables) -> list[tuple[str, Look]]:
    """List the kinds of marks, where there are several."""
    kinds = [kind for kind in KINDS if any(each.kind == kind for each in series)]
    key = [KINDS[kind] for kind in kinds] if len(kinds) > 1 else []
    shown = (
        is_number(each.printed.get(fold))
        for each, table in zip(series, tables, strict=True)
        for fold in table
    )
    return [*key, ("score printed in the paper", PRINTED)] if any(shown) else key


def _format_below_title(scored: Sequence[str], unscored: Sequence[str], hold_out: str) -> str:
    """Title the rows without a score, with how many of how many they are."""
    no_group = (*SUMMARIES, UNKNOWN)
    n_out, n_in = (sum(fold not in no_group for fold in part) for part in (unscored, scored))
    if not n_out:
        return "Not estimable"
    return f"Not estimable: {n_out:,} of {format_held_out(n_out + n_in, hold_out)}"


def describe_forest(
    series: Sequence[Series],
    metric: str,
    *,
    hold_out: str = "region",
    title: str = "",
) -> str:
    """Describe what `plot_forest` shows: its text alternative.

    Parameters
    ----------
    series, metric, hold_out, title
        As of `plot_forest`.

    Returns
    -------
    str
        Plain text: each series with its scores, and what is not estimable.
    """
    name = title or format_metric(metric)
    sentences = [f"A forest plot of {name} by held-out {hold_out}."]
    for each in series:
        table = read_scores(each.scores, metric)
        scored = {fold: row for fold, row in table.items() if is_number(row.get("value"))}
        parts = _describe_scores(each, scored, hold_out)
        out = [fold for fold in list_folds([table], hold_out) if fold not in scored]
        named = ", ".join(format_fold(fold, hold_out) for fold in out[:MOST_TOLD])
        rest = f" and {len(out) - MOST_TOLD:,} more" if len(out) > MOST_TOLD else ""
        ending = f"; not estimable: {named}{rest}" if out else ""
        sentences.append(f"{each.name}: {'; '.join(parts) or 'no score'}{ending}.")
    return " ".join(sentences)


def _describe_scores(series: Series, scored: Mapping[str, Cells], hold_out: str) -> list[str]:
    """Describe the scores of a series: all, or the lowest and the highest of many."""
    ordered = list_folds([scored], hold_out)
    groups = [fold for fold in ordered if fold not in SUMMARIES]
    if len(groups) > MOST_TOLD:
        by_value = sorted(groups, key=lambda fold: float(scored[fold]["value"]))
        groups = [by_value[0], by_value[-1]]
    return [
        f"{format_fold(fold, hold_out, scored[fold])} {format_interval(scored[fold])}"
        + (
            f", in the paper {series.printed[fold]:.2f}"
            if is_number(series.printed.get(fold))
            else ""
        )
        for fold in (*groups, *(fold for fold in SUMMARIES if fold in ordered))
    ]
