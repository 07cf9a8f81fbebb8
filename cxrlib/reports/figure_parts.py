"""The figures of a run as parts of its report: curves, calibration, threshold, benefit, refits."""

from collections.abc import Iterator
from functools import partial

import pandas as pd

from cxrlib.baselines.evaluation import (
    COHORT,
    POOLED,
    REFITS,
    CurveKind,
    Refit,
    bin_predictions,
    compare_numbers,
    compute_net_benefit,
    confuse,
    describe_held_out,
    describe_learning_curve,
    fit_recalibration,
    format_held_out,
    load_refit,
    read_event_predictions,
    read_reason,
    trace_curves,
)
from cxrlib.baselines.runs import Run
from cxrlib.charts.scores import (
    describe_confusion,
    describe_curves,
    describe_importance,
    describe_learning_curve_figure,
    describe_net_benefit,
    describe_reliability,
    plot_confusion,
    plot_curves,
    plot_importance,
    plot_learning_curve,
    plot_net_benefit,
    plot_numbers,
    plot_reliability,
)
from cxrlib.number_text import format_units
from cxrlib.reports.report_part import INTERVALS, ReportPart
from cxrlib.storage import Store

_UNCALIBRATED = (
    "Probabilities are the model's own: nothing calibrates them, and shares of outcomes depend on "
    "which cases were published."
)


def list_figure_parts(run: Run, store: Store) -> Iterator[ReportPart]:
    """List the figures of a run; what fits models again only where it is stored."""
    if run.spec.task.kind == "classes":
        yield make_curve_part(run, "roc")
        yield make_curve_part(run, "precision-recall")
        yield make_reliability_part(run)
        yield make_confusion_part(run)
        yield make_benefit_part(run)
    else:
        yield make_reliability_part(run)
    for of in REFITS:
        table = load_refit(run.result, of, store)
        if table is not None:
            yield make_refit_part(run, of, table)


def _caption(run: Run, words: str) -> str:
    """Say what is shown, of which images, by which protocol."""
    n_images, n_persons = (run.predictions[name].nunique() for name in ("image_id", "person_id"))
    images = f"{format_units(n_images, 'test image')} of {format_units(n_persons, 'person')}"
    return f"{words} {images}, {_describe_protocol(run)}"


def _describe_protocol(run: Run) -> str:
    settings = run.spec.settings
    return f"{describe_held_out(settings.hold_out)}; {settings.protocol.name} protocol."


def _list_reasons(table: pd.DataFrame) -> str:
    """Say which groups are not estimable, and why."""
    rows = table.drop_duplicates("fold").to_dict("records")
    told = [
        f"{'all together' if row['fold'] == POOLED else row['fold']} ({reason.rstrip('.')})"
        for row in rows
        if (reason := read_reason(row))
    ]
    return f"Not estimable: {'; '.join(told)}." if told else ""


def make_curve_part(run: Run, kind: CurveKind = "roc") -> ReportPart:
    """Make the part on the ROC or the precision-recall curve.

    Raises
    ------
    SelectionError
        If the task predicts a number.
    """
    table, event = trace_curves(run.result, kind), read_event_predictions(run.result).name
    hold_out = run.spec.settings.group
    averages = (
        f"The curve within {format_held_out(None, hold_out)} averages theirs at the same "
        f"{'false-positive rate' if kind == 'roc' else 'recall'}; its band holds 95 % at each "
        "place by itself. Its mark counts all test images together and may lie beside it. "
    )
    if hold_out == COHORT:  # of one there is nothing to average
        table, averages = table[table["fold"] != POOLED], ""
    areas = table[table["part"] == "area"]
    is_roc = kind == "roc"
    title = "ROC curve" if is_roc else "Precision-recall curve"
    area = "AUROC" if is_roc else "average precision"
    return ReportPart(
        kind,
        title,
        (
            _caption(run, f"In the key: {area} with 95 % interval. Marks: the model's decision."),
            f"{_list_reasons(areas)} {averages}Decision values rank the images, also under the "
            "published protocol.",
        ),
        table,
        partial(plot_curves, table, kind, event=event, hold_out=hold_out),
        describe_curves(table, kind, hold_out=hold_out),
        shown=areas.drop(columns=["part", "x"]).rename(columns={"y": area}),
    )


def make_reliability_part(run: Run) -> ReportPart:
    """Make the part on what was observed against what was predicted."""
    result, task, hold_out = run.result, run.spec.task, run.spec.settings.group
    table = fit_recalibration(result)
    shown = table.drop(columns=["least", "most"])
    reasons = _list_reasons(table)
    slopes = (
        "A slope below 1: predictions are too extreme. An intercept below 0 at slope 1: too high. "
        "95 % intervals, clustered by patient."
    )
    if task.kind == "number":
        predicted = compare_numbers(result)
        draw = partial(plot_numbers, predicted, table, title=task.title, hold_out=hold_out)
        return ReportPart(
            "predicted-observed",
            "Predicted against observed",
            (
                _caption(run, "A mark an image. In the key: slope of the regression."),
                f"{reasons} Lines: recorded regressed on predicted. {slopes}",
            ),
            table,
            partial(draw, unit=task.unit),
            describe_reliability(table, hold_out=hold_out),
            shown=shown,
        )
    bins, event = bin_predictions(result), read_event_predictions(result).name
    return ReportPart(
        "reliability",
        "Reliability: calibration curve",
        (
            _caption(run, "Marks: bins of all test images. In the key: slope of recalibration."),
            f"{reasons} Lines: logistic recalibration over the middle 90 % of the predictions. "
            f"{slopes} {_UNCALIBRATED}",
        ),
        pd.concat([table, bins.assign(fold="bin of all together")], ignore_index=True),
        partial(plot_reliability, table, bins, event=event, hold_out=hold_out),
        describe_reliability(table, bins, hold_out=hold_out),
        shown=shown,
    )


def make_confusion_part(run: Run, threshold: float | None = None) -> ReportPart:
    """Make the part on what a threshold finds and misses; by default the model's own decision.

    Raises
    ------
    SelectionError
        If the task predicts a number, or the threshold is no probability.
    """
    table, predicted = confuse(run.result, threshold), read_event_predictions(run.result)
    hold_out = run.spec.settings.group
    above = "the model's own decision" if threshold is None else f"probability above {threshold:g}"
    return ReportPart(
        "confusion",
        "Found and missed",
        (
            _caption(run, f"{predicted.name!r} against {predicted.other!r}, by {above}."),
            f"Sensitivity: share of {predicted.name!r} images that are found. Specificity: share "
            f"of {predicted.other!r} images that are passed. 95 % intervals by persons. "
            f"{_UNCALIBRATED}",
        ),
        table,
        partial(plot_confusion, table, hold_out=hold_out),
        describe_confusion(table, hold_out=hold_out),
    )


def make_benefit_part(run: Run, fold: str = POOLED) -> ReportPart:
    """Make the part on net benefit, of all test images or of a held-out group.

    Raises
    ------
    SelectionError
        If the task predicts a number.
    """
    table, event = compute_net_benefit(run.result), read_event_predictions(run.result).name
    hold_out = run.spec.settings.group
    own = table[table["fold"] == fold]
    return ReportPart(
        "net-benefit",
        "Decision curve: net benefit",
        (
            _caption(run, f"Finds less weighted false alarms. {INTERVALS}"),
            f"{_list_reasons(table[table['model'].isna()])} At a threshold of 0.2 a false alarm "
            "weighs a quarter of a find. Acting by the model is worth something where its line "
            f"lies above both others. {_UNCALIBRATED}",
        ),
        table,
        partial(plot_net_benefit, table, fold, event=event, hold_out=hold_out),
        describe_net_benefit(table, fold, hold_out=hold_out),
        shown=own[own["threshold"].isin([0.1, 0.2, 0.3, 0.4, 0.5]) | own["model"].isna()],
    )


def make_refit_part(run: Run, of: Refit, table: pd.DataFrame) -> ReportPart:
    """Make the part on the learning curve or on what the models go by.

    Parameters
    ----------
    run : Run
    of : {"learning-curve", "importance"}
    table : DataFrame
        As `cxrlib.baselines.evaluation.load_refit` gives it.
    """
    make = _make_learning if of == "learning-curve" else _make_importance
    return make(run, table)


def _make_learning(run: Run, table: pd.DataFrame) -> ReportPart:
    hold_out = run.spec.settings.group
    return ReportPart(
        "learning-curve",
        "Learning curve by persons",
        (
            _caption(run, f"Pairs within one {hold_out}; bars: 95 % intervals."),
            describe_learning_curve(table),
            "Training persons are drawn from each class, and all models predict the same test "
            "images. Thin marks: repeats with other persons.",
        ),
        table,
        partial(plot_learning_curve, table, hold_out=hold_out),
        describe_learning_curve_figure(table, hold_out=hold_out),
        shown=table[table["repeat"] == 0].drop(columns="repeat"),
    )


def _make_importance(run: Run, table: pd.DataFrame) -> ReportPart:
    hold_out, task = run.spec.settings.group, run.spec.task
    is_linear = table["kind"].iloc[0] == "coefficient"
    of = f"of predicted {task.title}"
    if task.kind == "classes":
        of = f"of the log-odds of {read_event_predictions(run.result).name!r}"
    means = table[table["fold"] == "mean"]
    first = (
        f"Coefficients: change {of} per standard deviation."
        if is_linear
        else "Loss when a feature is permuted among the test images."
    )
    details = (
        f"Bars: 95 % of {format_units(100, 'refit')} on resampled training persons. A penalty "
        "shrinks coefficients. "
        if is_linear
        else "Bars: 95 % intervals, persons drawn among those tested. "
    )
    return ReportPart(
        "importance",
        "What the model goes by",
        (
            f"{first} The {min(15, len(means))} largest of {len(means):,}. "
            f"{format_units(int(means['n_images'].iloc[0]), 'image')} of "
            f"{format_units(int(means['n_persons'].iloc[0]), 'person')}, "
            f"{_describe_protocol(run)}",
            f"{details}Correlated features share their weight, so one alone may look small. This "
            "describes the model, not the disease.",
        ),
        table,
        partial(plot_importance, table, hold_out=hold_out),
        describe_importance(table),
        shown=means.head(15).drop(columns=["fold"]),
    )
