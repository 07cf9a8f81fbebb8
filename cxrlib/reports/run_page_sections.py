"""Further parts of a run, each a table, mostly with a chart: null, shift, steps, subgroups, ...

The dashboard and the report show the same parts under the same titles.
"""

import contextlib
from collections.abc import Iterator
from functools import partial

import pandas as pd

from cxrlib.baselines.evaluation import (
    MEAN,
    POOLED,
    WITHIN,
    PermutationNull,
    RegionShift,
    check_calibration,
    choose_score,
    compute_protocol_steps,
    find_influence,
    find_last_model,
    format_fold,
    format_held_out,
    format_metric,
    format_p,
    is_number,
    load_permutation_null,
    load_region_shift,
    score_subgroups,
)
from cxrlib.baselines.runs import Run, compare_unaltered, compute_image_adds
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
from cxrlib.errors import SelectionError
from cxrlib.reports.figure_parts import list_figure_parts
from cxrlib.reports.report_part import INTERVALS, ReportPart
from cxrlib.storage import Store


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
        "sensitivity", the figures (`cxrlib.reports.figure_parts`), "null", "null-within-source"
        and "shift" where they are stored, "walk" but for pixels, "subgroups", "calibration" and
        "influence"; "unaltered" where a shortcut was taken away, and "image-adds" where the
        features use the image.
    """
    return list(_list_parts(run, store))


def _list_parts(run: Run, store: Store) -> Iterator[ReportPart]:
    yield make_sensitivity_part(run)
    yield from list_figure_parts(run, store)
    yield from gather_checks(run, store)
    if run.result.features.kind != "pixels":  # some fifty networks
        yield make_steps_part(run)
    yield make_subgroups_part(run)
    yield make_calibration_part(run)
    yield make_influence_part(run)
    with contextlib.suppress(SelectionError):  # a model of a reader's own that is not at hand
        if run.spec.settings.removal:
            yield make_unaltered_part(run, store)
    with contextlib.suppress(SelectionError):  # features that use no image, or are pixels
        yield make_image_adds_part(run, store)


def gather_checks(run: Run, store: Store) -> Iterator[ReportPart]:
    """Gather what long computations left in the store: permutation tests, region shift."""
    result = run.result
    of = (result.rows, result.features, result.settings, store)
    for within in WITHIN:
        null = load_permutation_null(*of, within=within)
        if null is not None:
            yield make_null_part(run, null)
    shift = load_region_shift(result.rows, result.features, result.settings, store)
    if shift is not None:
        yield make_shift_part(run, shift)


def make_image_adds_part(run: Run, store: Store) -> ReportPart:
    """Make the part on what the image adds to shortcuts; raises as `compute_image_adds`."""
    adds = compute_image_adds(run, store)
    return ReportPart(
        "image-adds",
        f"What {adds.noun.lower()} add{'' if adds.noun.endswith('s') else 's'} to shortcuts",
        (*adds.describe(str(run.scores["metric"].iloc[0])), INTERVALS),
        adds.table,
    )


def make_unaltered_part(run: Run, store: Store) -> ReportPart:
    """Make the part on the unaltered score; raises as `compare_unaltered`."""
    found = compare_unaltered(run, store)
    return ReportPart(
        "unaltered",
        f"{found.removal[:1].upper()}{found.removal[1:]}, beside the unaltered",
        (found.describe(str(run.scores["metric"].iloc[0])), INTERVALS),
        found.table,
    )


def make_sensitivity_part(run: Run) -> ReportPart:
    """Make the part on the run's score under stricter assumptions."""
    return ReportPart(
        "sensitivity",
        "The score under stricter assumptions",
        (
            "Each line changes one assumption. Bootstrap over patients is about other patients of "
            "the same groups and sources, bootstrap over sources about other sources, the "
            "prediction about another group of the kind held out.",
        ),
        run.check_sensitivity(),
    )


def make_null_part(run: Run, null: PermutationNull, metric: str = "") -> ReportPart:
    """Make the part on the permutation null of a run's headline, by default of its first score."""
    fold, metric = choose_score(run.scores, metric)
    hold_out = run.spec.settings.group
    name = format_fold(fold, hold_out)
    is_strict = null.within == "source"
    title = f"Permutation test{' within sources' if is_strict else ''}: {format_metric(metric)}"
    return ReportPart(
        "null-within-source" if is_strict else "null",
        f"{title}, {name[:1].lower()}{name[1:]}",
        (null.describe(fold, metric),),
        null.table,
        partial(plot_permutation_null, null, metric, fold, hold_out=hold_out),
        describe_permutation_null(null, metric, fold, hold_out=hold_out),
        shown=_write_p(null.table),
    )


def _write_p(table: pd.DataFrame) -> pd.DataFrame:
    """Write each p as everywhere: of no permutation as good, its bound."""
    rows = table.to_dict("records")
    words = [format_p(row) if is_number(row["p"]) else "" for row in rows]
    return table.assign(p=pd.Series(words, index=table.index, dtype=object))


def make_shift_part(run: Run, shift: RegionShift) -> ReportPart:
    """Make the part on the region shift of a run."""
    hold_out = run.spec.settings.group
    return ReportPart(
        "shift",
        f"Region shift: loss from training in another {hold_out}",
        (
            f"Concordance of within-{hold_out} models minus out-of-{hold_out} models. {INTERVALS}",
            f"The models: {describe_shift_model(run)}.",
            "Both predict the same test images and are trained on equally many images of each "
            "class. Concordance is the share of pairs of test images that are ranked correctly. "
            "Thin marks: repeats with other training images drawn. The bootstrap resamples the "
            "tested patients and does not refit the models.",
        ),
        shift.table,
        partial(plot_region_shift, shift.table, shift.repeats, hold_out=hold_out),
        describe_region_shift(shift.table, hold_out=hold_out),
    )


def describe_shift_model(run: Run) -> str:
    """Say which model is compared: it is fitted to fewer images than the run's own."""
    words = run.spec.describe_model()
    return words.replace(f"in training {format_held_out(None, run.spec.settings.hold_out)}", "anew")


def make_steps_part(run: Run, metric: str | None = None) -> ReportPart:
    """Make the part on the steps from the published to the corrected protocol.

    Raises
    ------
    SelectionError
        If they cannot be walked with these features.
    """
    result, hold_out = run.result, run.spec.settings.group
    last = find_last_model(result.settings)
    steps = compute_protocol_steps(result.rows, result.features, result.settings, metric)
    over_all = steps[steps["fold"].isin([MEAN, POOLED])].astype({"change": float})
    return ReportPart(
        "walk",
        "From the published to the corrected protocol",
        (
            f"Each step adds one change and evaluates the same images again. {INTERVALS}",
            "The order of the steps is fixed. In another order the changes would differ.",
            *(
                [f"The walk ends with {last!r}: {run.spec.describe_model()} takes too long."]
                if last != result.settings.model and result.settings.protocol.name == "corrected"
                else []
            ),
        ),
        steps,
        partial(plot_protocol_steps, steps, hold_out=hold_out),
        describe_protocol_steps(steps, hold_out=hold_out),
        shown=_drop_counts(over_all),
    )


def make_subgroups_part(run: Run) -> ReportPart:
    """Make the part on scores by sex and age."""
    table = score_subgroups(run.result)
    return ReportPart(
        "subgroups",
        "By sex and age",
        (f"Pairs within one {run.spec.settings.group} and one group only. {INTERVALS}",),
        table,
        partial(plot_subgroups, table),
        describe_subgroups(table),
        shown=_drop_counts(table),
    )


def _drop_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the counts of folds and resamples to the file."""
    return table.drop(columns=["n_folds", "n_used", "n_dropped"], errors="ignore")


def make_calibration_part(run: Run) -> ReportPart:
    """Make the part on calibration in the large.

    Raises
    ------
    SelectionError
        If the predictions cannot be compared with what is recorded.
    """
    table, task = check_calibration(run.result), run.spec.task
    hold_out = run.spec.settings.group
    unit = (task.unit or "as recorded") if task.kind == "number" else ""
    return ReportPart(
        "calibration",
        "Calibration in the large",
        (
            f"Mean prediction minus what was recorded. {INTERVALS}",
            "How common an outcome is in a group depends on which cases were published there, and "
            "a model is miscalibrated wherever that differs from its training images.",
        ),
        table,
        partial(plot_calibration, table, hold_out=hold_out, unit=unit),
        describe_calibration(table, hold_out=hold_out, unit=unit),
        shown=_drop_counts(table),
    )


def make_influence_part(run: Run, most: int = 10) -> ReportPart:
    """Make the part on the persons who change the score most; the page shows so many.

    Raises
    ------
    SelectionError
        If there is no pooled score.
    """
    table = find_influence(run.result)
    return ReportPart(
        "influence",
        "Persons with the most influence on the score",
        (
            f"Pooled score without each person: the {min(most, len(table))} largest changes of "
            f"{len(table):,} persons.",
            "Pairs are compared within a held-out group. The models are not fitted again. A person "
            "is one patient, or several patient ids that share an image.",
        ),
        table,
        shown=table.head(most),
    )
