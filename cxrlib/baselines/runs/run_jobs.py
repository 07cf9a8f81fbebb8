"""Long evaluations as jobs: permutation test, region shift, refits, the network on pixels.

Each makes the run it belongs to first, so that it is in the run log; what a job gives lies in the
store, where `cxrlib.baselines.evaluation.load_permutation_null`,
`cxrlib.baselines.evaluation.load_region_shift`, `cxrlib.baselines.evaluation.load_refit` and
`cxrlib.baselines.runs.find_run` find it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.baselines.evaluation import (
    MLP_SEEDS,
    PERMUTATIONS,
    REFITS,
    WITHIN,
    KeptFits,
    LocoSettings,
    Refit,
    Within,
    choose_model,
    compute_permutation_null,
    compute_refit,
    compute_region_shift,
    find_protocol,
    make_evaluation_key,
    make_permutation_null_key,
    make_refit_key,
    make_region_shift_key,
    plan_loco,
)
from cxrlib.baselines.features import (
    SHORTCUTS,
    load_features,
    load_pixel_features,
    need_pictures,
)
from cxrlib.baselines.runs.image_adds import compute_image_adds, uses_image
from cxrlib.baselines.runs.run_spec import MAX_RESAMPLES, RunSpec
from cxrlib.baselines.runs.runs import Run, make_run, take_run_rows
from cxrlib.baselines.runs.unaltered import compare_unaltered
from cxrlib.baselines.tasks import read_task
from cxrlib.cohort import Cohort
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.storage import Store

#: Raised when networks are fitted otherwise: every kept fit is then done anew.
FIT_VERSION = 1
PIXELS = "pixels"
#: Processes that decode images.
DECODERS = 2

_RANGES = (("seed", 0, 2**32 - 1), ("resamples", 0, MAX_RESAMPLES), ("n", *PERMUTATIONS))


def make_run_parameters(spec: RunSpec, data: str) -> dict[str, Any]:
    """Write a run as the parameters of a job, see `make_spec`.

    For "pixels-loco" leave "features" away; "null" takes "n" besides, the permutations.
    """
    settings = spec.settings
    return {
        "data": data,
        "task": spec.task.to_text(),
        "features": spec.features,
        "protocol": settings.protocol.name,
        "hold_out": settings.hold_out,
        "strict": settings.is_strict,
        "where": spec.where,
        "seed": settings.seed,
        "resamples": settings.n_resamples,
        "estimator": settings.model,
        "erase": settings.erase,
        "match": settings.match,
    }


def make_spec(parameters: Mapping[str, Any]) -> RunSpec:
    """Read a run from the parameters of a job.

    Raises
    ------
    SelectionError
        If task, protocol, what is held out, model or filters are not understood.
    """
    settings = LocoSettings(
        protocol=find_protocol(parameters["protocol"]),
        hold_out=parameters["hold_out"],
        is_strict=parameters["strict"],
        seed=parameters["seed"],
        n_resamples=parameters["resamples"],
        estimator=parameters["estimator"],
        erase=parameters.get("erase", ""),
        match=parameters.get("match", ""),
    )
    features = parameters.get("features", PIXELS)
    labels = parameters.get("labels", "").partition(":")[2]
    return RunSpec(read_task(parameters["task"]), features, settings, parameters["where"], labels)


def check_run_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run, and permutations, in one spelling.

    Raises
    ------
    SelectionError
        If one is not understood or out of its range.
    """
    for name, least, most in _RANGES:
        value = parameters.get(name, least)
        if not least <= value <= most:
            raise SelectionError(f"{name}={value!r} is out of range: use {least} to {most:,}.")
    for name, known in (("within", WITHIN), ("of", REFITS)):
        value = parameters.get(name, known[0])
        if value not in known:
            raise SelectionError(f"{name}={value[:60]!r} is not one of {', '.join(known)}.")
    written = make_run_parameters(make_spec(parameters), parameters["data"])
    return {name: value for name, value in written.items() if name in parameters}


def _make_first(
    cohort: Cohort, store: Store, spec: RunSpec, on_progress: Progress, should_stop: ShouldStop
) -> Run:
    """Make the run that a job belongs to, so that it is in the run log."""
    on_progress("Making the run", 0, 0)
    return make_run(cohort, store, spec, should_stop=should_stop)


def run_permutation_null(
    cohort: Cohort,
    store: Store,
    spec: RunSpec,
    on_progress: Progress,
    should_stop: ShouldStop,
    *,
    n: int,
    within: Within = "group",
) -> dict[str, Any]:
    """Compute the permutation test of a run, going on from what is done of it.

    Returns
    -------
    dict
        ``run``, its id; ``key``, the null's name in the store; ``n``, permutations; ``p``, by
        "fold metric"; ``words``, a sentence on the pooled score.

    Raises
    ------
    RunStoppedError
        When `should_stop` said so; what was done is kept.
    """
    run = _make_first(cohort, store, spec, on_progress, should_stop)
    result = run.result

    null = compute_permutation_null(
        *(result.rows, result.features, result.settings),
        n=n,
        within=within,
        store=store,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    if not null.is_complete:
        raise RunStoppedError("The permutation test was stopped; finished permutations are kept.")
    table = null.table[null.table["p"].notna()]
    return {
        "run": run.id,
        "key": make_permutation_null_key(result.rows, result.features, result.settings, within),
        "n": null.n_done,
        "p": {
            f"{fold} {metric}": float(p)
            for fold, metric, p in zip(table["fold"], table["metric"], table["p"], strict=True)
        },
        "words": null.describe(),
    }


def run_region_shift(
    cohort: Cohort,
    store: Store,
    spec: RunSpec,
    on_progress: Progress,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """Compare models trained outside and inside each region, and keep the comparison.

    Returns
    -------
    dict
        ``run``, its id; ``key``, the comparison's name in the store; ``n_compared``, regions.

    Raises
    ------
    RunStoppedError
        When `should_stop` said so.
    """
    run = _make_first(cohort, store, spec, on_progress, should_stop)
    result = run.result
    found = compute_region_shift(
        *(result.rows, result.features, result.settings, store),
        on_progress=on_progress,
        should_stop=should_stop,
    )
    key = make_region_shift_key(result.rows, result.features, result.settings)
    return {"run": run.id, "key": key, "n_compared": int(found.repeats["fold"].nunique())}


def run_refit(
    cohort: Cohort,
    store: Store,
    spec: RunSpec,
    on_progress: Progress,
    should_stop: ShouldStop,
    *,
    of: Refit,
) -> dict[str, Any]:
    """Compute the learning curve of a run, or what its models go by, and keep it.

    Returns
    -------
    dict
        ``run``, its id; ``key``, the table's name in the store.

    Raises
    ------
    SelectionError
        If ``of`` is neither "learning-curve" nor "importance".
    RunStoppedError
        When `should_stop` said so.
    """
    run = _make_first(cohort, store, spec, on_progress, should_stop)
    compute_refit(run.result, of, store, on_progress=on_progress, should_stop=should_stop)
    return {"run": run.id, "key": make_refit_key(run.result, of)}


def make_slow_run(
    cohort: Cohort,
    store: Store,
    spec: RunSpec,
    on_progress: Progress,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """Make a run whose model takes seconds a fit, such as a forest, and what stands beside it.

    Shortcuts that are done stay.

    Returns
    -------
    dict
        ``run``, its id; ``n_images``.

    Raises
    ------
    RunStoppedError
        When `should_stop` said so.
    """
    on_progress("Making the run", 0, 0)
    rows = take_run_rows(cohort, spec, need_file=need_pictures(spec.features, store))
    plan = plan_loco(rows, load_features(spec.features, rows, store), spec.settings)
    # Once with sources kept apart besides, and three times for what the image adds.
    n_runs = 1 + len(SHORTCUTS) + (not spec.settings.is_strict)
    n_runs += 3 * uses_image(plan.features) + bool(spec.settings.removal)
    n_fits, n_done = len(plan.tested) * n_runs, 0

    def count() -> bool:  # asked before each fit
        nonlocal n_done
        on_progress("Fitting models (features, then shortcuts)", min(n_done, n_fits), n_fits)
        n_done += 1
        return should_stop()

    run = make_run(cohort, store, spec, should_stop=count)
    if uses_image(run.result.features):
        compute_image_adds(run, store, should_stop=count)
    if spec.settings.removal:
        compare_unaltered(run, store, should_stop=count)
    return {"run": run.id, "n_images": len(run.result.rows.table)}


def make_pixel_run(
    cohort: Cohort,
    store: Store,
    spec: RunSpec,
    on_progress: Progress,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """Make the run of the network on pixels; images and networks that are done are kept.

    Returns
    -------
    dict
        ``run``, its id; ``n_images`` and ``n_networks``.

    Raises
    ------
    SelectionError
        If the task is of a number: pixels predict classes only.
    RunStoppedError
        When `should_stop` said so; what was done is kept.
    """
    spec = replace(spec, features=PIXELS)
    choose_model(spec.settings.model, spec.task.kind, PIXELS)  # before minutes of decoding
    rows = take_run_rows(cohort, spec)
    # Held until the run is made: it takes the same features again.
    features = load_pixel_features(
        rows,
        store,
        n_workers=DECODERS,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    if should_stop():
        raise RunStoppedError("The evaluation was stopped.")
    tested = plan_loco(rows, features, spec.settings).tested
    n_images = {fold.name: len(fold.test) for fold in tested}
    n_networks = len(n_images) * len(MLP_SEEDS)
    on_progress("Fitting networks", 0, n_networks)
    kept = KeptFits(
        store,
        # Intervals do not change a fit.
        make_evaluation_key(
            *("fit", rows, features, replace(spec.settings, n_resamples=0)), (FIT_VERSION,)
        ),
        n_images,
        lambda done: on_progress("Fitting networks", done, n_networks),
    )
    run = make_run(cohort, store, spec, should_stop=should_stop, kept=kept)
    return {"run": run.id, "n_images": len(run.result.rows.table), "n_networks": n_networks}
