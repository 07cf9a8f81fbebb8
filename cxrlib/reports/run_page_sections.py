"""Further parts of a run's report, beyond its scores: null, shift, steps, subgroups, ..."""

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
    describe_permutation_null,
    describe_protocol_steps,
    describe_region_shift,
    describe_subgroups,
    plot_calibration,
    plot_permutation_null,
    plot_protocol_steps,
    plot_region_shift,
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
    """Gather the further parts of a run's report; takes a second or two.

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
        yield _make_null(run, null)
    shift = load_shift(result.rows, result.features, result.settings, store)
    if shift is not None:
        yield _make_shift(run, shift)
    if result.features.kind != "pixels":  # some fifty networks
        yield _make_walk(run)
    yield _make_subgroups(run)
    yield _make_calibration(run)
    yield _make_influence(run)


def _make_null(run: Run, null: Null) -> ReportPart:
    hold_out = run.spec.settings.hold_out
    pooled = run.scores.loc[run.scores["fold"] == POOLED, "metric"].iloc[0]
    return ReportPart(
        "null",
        "Permutation test",
        (
            "The scores that the same models reach when the labels are shuffled between patients "
            f"within each {hold_out}.",
            null.describe(POOLED, pooled),
        ),
        null.table,
        plot_permutation_null(null, pooled, hold_out=hold_out),
        describe_permutation_null(null, pooled, hold_out=hold_out),
    )


def _make_shift(run: Run, shift: Shift) -> ReportPart:
    hold_out = run.spec.settings.hold_out
    return ReportPart(
        "shift",
        f"Region shift: loss from training in another {hold_out}",
        (
            f"The same images of a {hold_out} are predicted by models trained outside and inside "
            "it, on equally many images of each class.",
        ),
        shift.table,
        plot_region_shift(shift.table, shift.repeats, hold_out=hold_out),
        describe_region_shift(shift.table, hold_out=hold_out),
    )


def _make_walk(run: Run) -> ReportPart:
    result, hold_out = run.result, run.spec.settings.hold_out
    steps = walk_protocol(result.rows, result.features, result.settings)
    return ReportPart(
        "walk",
        "From the published to the corrected protocol",
        ("Each step adds one change and evaluates the same images again.",),
        steps,
        plot_protocol_steps(steps, hold_out=hold_out),
        describe_protocol_steps(steps, hold_out=hold_out),
        shown=_drop_counts(steps[steps["fold"].isin([MEAN, POOLED])].astype({"change": float})),
    )


def _make_subgroups(run: Run) -> ReportPart:
    table = score_subgroups(run.result)
    return ReportPart(
        "subgroups",
        "By sex and age",
        (f"Pooled over pairs of images within one {run.spec.settings.hold_out} and one group.",),
        table,
        plot_subgroups(table),
        describe_subgroups(table),
        shown=_drop_counts(table),
    )


def _drop_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the counts of folds and resamples to the file."""
    return table.drop(columns=["n_folds", "n_used", "n_dropped"], errors="ignore")


def _make_calibration(run: Run) -> ReportPart:
    table = check_calibration(run.result)
    hold_out, unit = run.spec.settings.hold_out, run.spec.task.unit
    return ReportPart(
        "calibration",
        "Calibration in the large",
        ("Mean prediction minus mean observation.",),
        table,
        plot_calibration(table, hold_out=hold_out, unit=unit),
        describe_calibration(table, hold_out=hold_out, unit=unit),
        shown=_drop_counts(table),
    )


def _make_influence(run: Run) -> ReportPart:
    table = find_influence(run.result)
    return ReportPart(
        "influence",
        "Persons with the most influence on the score",
        (
            "The pooled score without each person; the models are not fitted again. The "
            f"{MOST_INFLUENTIAL} largest changes are shown.",
        ),
        table,
        shown=table.head(MOST_INFLUENTIAL),
    )
