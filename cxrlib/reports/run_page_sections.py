"""Further parts of a run's report: what can be asked of a run beyond its scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from cxrlib.baselines.evaluation import (
    MEAN,
    POOLED,
    Null,
    Shift,
    check_calibration,
    find_influence,
    load_null,
    load_shift,
    score_subgroups,
    walk_protocol,
)
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import (
    describe_calibration,
    describe_null,
    describe_score_steps,
    describe_shift,
    describe_subgroups,
    plot_calibration,
    plot_null,
    plot_score_steps,
    plot_shift,
    plot_subgroups,
)
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store

__all__ = ["ReportPart", "gather_parts"]

MOST_INFLUENTIAL = 10  # persons on the page; the file has all


@dataclass(frozen=True)
class ReportPart:
    """Hold a further part of a report, such as a null distribution that was computed.

    Parameters
    ----------
    name : str
        Of its file, without the ending: letters, digits and "-".
    title : str
        Of its section.
    words : tuple of str
        Paragraphs.
    table : DataFrame
        Goes into its file whole.
    figure : Figure, optional
        In the light theme.
    description : str
        The figure's text alternative.
    shown : DataFrame, optional
        What the page shows of the table; all of it by default.
    """

    name: str
    title: str
    words: tuple[str, ...]
    table: pd.DataFrame
    figure: go.Figure | None = None
    description: str = ""
    shown: pd.DataFrame | None = None
    __repr__ = short_repr


def gather_parts(run: Run, store: Store) -> list[ReportPart]:
    """Gather what else a report says of a run; takes a second or two.

    Parameters
    ----------
    run : Run
    store : Store
        A null distribution, complete or not, and a comparison with models from inside are taken
        where they are stored: jobs make them, not a report.

    Returns
    -------
    list of ReportPart
        "null" and "shift" where they are stored, "walk" but for pixels, "subgroups",
        "calibration" and "influence".
    """
    return list(_list_parts(run, store))


def _list_parts(run: Run, store: Store) -> Iterator[ReportPart]:
    result = run.result
    null = load_null(result.rows, result.features, result.settings, store)
    if null is not None:
        yield _tell_null(run, null)
    shift = load_shift(result.rows, result.features, result.settings, store)
    if shift is not None:
        yield _tell_shift(run, shift)
    if result.features.kind != "pixels":  # some fifty networks
        yield _tell_walk(run)
    yield _tell_subgroups(run)
    yield _tell_calibration(run)
    yield _tell_influence(run)


def _tell_null(run: Run, null: Null) -> ReportPart:
    hold_out = run.spec.settings.hold_out
    pooled = run.scores.loc[run.scores["fold"] == POOLED, "metric"].iloc[0]
    return ReportPart(
        "null",
        "Against permuted labels",
        (
            "What the same models reach when labels are dealt out at random over persons within "
            f"each {hold_out}.",
            null.describe(POOLED, pooled),
        ),
        null.table,
        plot_null(null, pooled, hold_out=hold_out),
        describe_null(null, pooled, hold_out=hold_out),
    )


def _tell_shift(run: Run, shift: Shift) -> ReportPart:
    hold_out = run.spec.settings.hold_out
    return ReportPart(
        "shift",
        "What it costs to come from elsewhere",
        (
            f"The same images of a {hold_out} predicted by models trained outside and inside it, "
            "on as many images of each class.",
        ),
        shift.table,
        plot_shift(shift.table, shift.repeats, hold_out=hold_out),
        describe_shift(shift.table, hold_out=hold_out),
    )


def _tell_walk(run: Run) -> ReportPart:
    result, hold_out = run.result, run.spec.settings.hold_out
    steps = walk_protocol(result.rows, result.features, result.settings)
    return ReportPart(
        "walk",
        "From the published to the corrected protocol",
        ("One change at a time, on the same rows: what each does to the score.",),
        steps,
        plot_score_steps(steps, hold_out=hold_out),
        describe_score_steps(steps, hold_out=hold_out),
        shown=_drop_counts(steps[steps["fold"].isin([MEAN, POOLED])].astype({"change": float})),
    )


def _tell_subgroups(run: Run) -> ReportPart:
    table = score_subgroups(run.result)
    return ReportPart(
        "subgroups",
        "By sex and age",
        (f"Pooled over pairs of images of one {run.spec.settings.hold_out} and one group.",),
        table,
        plot_subgroups(table),
        describe_subgroups(table),
        shown=_drop_counts(table),
    )


def _drop_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the counts of folds and resamples to the file."""
    return table.drop(columns=["n_folds", "n_used", "n_dropped"], errors="ignore")


def _tell_calibration(run: Run) -> ReportPart:
    table = check_calibration(run.result)
    hold_out, unit = run.spec.settings.hold_out, run.spec.task.unit
    return ReportPart(
        "calibration",
        "Calibration in the large",
        ("The mean that is predicted less the mean that is observed.",),
        table,
        plot_calibration(table, hold_out=hold_out, unit=unit),
        describe_calibration(table, hold_out=hold_out, unit=unit),
        shown=_drop_counts(table),
    )


def _tell_influence(run: Run) -> ReportPart:
    table = find_influence(run.result)
    return ReportPart(
        "influence",
        "Who changes the score most",
        (
            "The pooled score without each person, models not fitted again. The page has the "
            f"{MOST_INFLUENTIAL} who change it most.",
        ),
        table,
        shown=table.head(MOST_INFLUENTIAL),
    )
