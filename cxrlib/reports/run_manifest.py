"""The manifest of a run: its settings and results, as plain values that JSON can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from cxrlib import NOTICE, __version__
from cxrlib.baselines.evaluation import (
    ESTIMATORS,
    MLP_SEEDS,
    MOST_FOLDS,
    NO_PROBABILITY,
    PENALTIES,
    Method,
    find_method,
    format_metric,
    parse_estimator,
)
from cxrlib.baselines.runs import Run, RunEntry, name_estimator
from cxrlib.baselines.tasks import Task, make_card
from cxrlib.cohort import Cohort
from cxrlib.literature import describe_licences
from cxrlib.storage import to_records

MANIFEST_SCHEMA = "cxrlib-run"
MANIFEST_VERSION = 2

MAIN_METRICS = {"classes": "auroc", "number": "correlation"}
"""The score that is described and drawn; the tables hold the others."""

MODELS: Mapping[Method, str] = {
    "logistic": "Logistic regression with an L2 penalty, {c} (scikit-learn's LogisticRegression)",
    "linear": "Linear regression by least squares (scikit-learn's LinearRegression)",
    "ridge": "Ridge regression with the penalty 1 / C, {c} (scikit-learn's Ridge)",
    "forest": "A random forest of 500 trees (scikit-learn's RandomForestClassifier or "
    "RandomForestRegressor with its defaults; for numbers a third of the columns at a split)",
    "boosting": "Gradient boosting of trees (scikit-learn's HistGradientBoostingClassifier or "
    "HistGradientBoostingRegressor with its defaults, but at least 5 images in a leaf)",
    "neighbours": "k nearest neighbours, k the square root of the number of training images "
    "(scikit-learn's KNeighborsClassifier or KNeighborsRegressor)",
    "own": "The author's own estimator, {own}",
    "mlp": "A neural network with one hidden layer of 100 units on the pixels, with early "
    "stopping (scikit-learn's MLPClassifier with its defaults)",
}

TUNED = (
    "Nothing else was tuned, and nothing by held-out images.",
    "Nothing was tuned.",
    "The run does not know how this model was chosen.",
)


def make_manifest(
    run: Run, cohort: Cohort, runs: Sequence[RunEntry], *, today: date | None = None
) -> dict[str, Any]:
    """Gather the settings and results of a run.

    Parameters
    ----------
    run : Run
    cohort : Cohort
        The whole one it was made on.
    runs : sequence of RunEntry
        All that were made on the cohort and task: `cxrlib.baselines.runs.list_runs`.
    today : date, optional
        When the manifest is written.

    Returns
    -------
    dict
        Texts, numbers, lists and dicts only; what is not recorded or not estimable is None.
    """
    return {
        "schema": MANIFEST_SCHEMA,
        "version": MANIFEST_VERSION,
        "notice": NOTICE,
        "made_by": {"cxrlib": __version__, "written": (today or date.today()).isoformat()},
        "run": {
            "id": run.id,
            "made": format_run_time(run.made),
            "seconds": round(run.seconds, 3),
            "versions": run.versions,
            "command": run.spec.to_command(),
            "link": run.spec.to_query(),
            "spec": run.spec.to_dict(),
        },
        "counts": {
            "task": run.counts.n_task,
            "outcome": run.counts.n_outcome,
            "cohort": run.counts.n_cohort,
            "words": run.counts.describe(),
        },
        "cohort": {
            "name": cohort.name,
            "fingerprint": cohort.fingerprint,
            "is_synthetic": cohort.is_synthetic,
            "n_images": cohort.n_images,
            "n_patients": cohort.n_patients,
            "n_persons": cohort.n_persons,
            "filters": run.spec.selection.describe(),
        },
        "task": _gather_task(run.spec.task),
        "flow": to_records(run.flow),
        "features": _gather_features(run),
        "protocol": _gather_protocol(run),
        "main_metric": MAIN_METRICS[run.spec.task.kind],
        "metric_names": {name: format_metric(name) for name in dict.fromkeys(run.scores["metric"])},
        "folds": _list_folds(run),
        "scores": to_records(run.scores),
        "shortcuts": to_records(run.shortcut_scores),
        "notes": [*cohort.notes, *run.notes],
        "runs": [gather_entry(entry, run.id) for entry in runs],
        "licences": describe_licences(
            list_used_images(run, cohort), is_synthetic=cohort.is_synthetic
        ),
    }


def format_run_time(seconds: float) -> str:
    """Format a time of the run log in UTC, "" where it was lost.

    Examples
    --------
    >>> format_run_time(1_600_000_000.7)
    '2020-09-13 12:26:40 UTC'
    """
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else ""


def list_used_images(run: Run, cohort: Cohort) -> pd.DataFrame:
    """Return the rows of the cohort's table that a run trained on or predicted."""
    return cohort.table[cohort.table["image_id"].isin(set(run.result.rows.table["image_id"]))]


def _gather_task(task: Task) -> dict[str, Any]:
    card = asdict(make_card(task))
    return {
        "text": task.to_text(),
        "is_published": task.is_published,
        **asdict(task),
        "views": list(task.views),
        "without": [list(pair) for pair in task.without],
        "window": task.describe_window(),
        "card": card | {"caveats": list(card["caveats"])},
    }


def _gather_features(run: Run) -> dict[str, Any]:
    features = run.result.features
    return {
        "name": features.name,
        "title": features.title,
        "kind": features.kind,
        "key": features.key,
        "n_columns": len(features.columns),
        "n_parameters": features.n_parameters,
        "origin": list(features.origin),
        "n_missing": len(features.missing),
        "missing": dict(features.missing),
    }


def _gather_protocol(run: Run) -> dict[str, Any]:
    settings, task = run.spec.settings, run.spec.task
    protocol = settings.protocol
    method = find_method(settings.model, task.kind, run.result.features.kind)
    sentences = list(protocol.describe())
    if task.kind == "number":  # which has no classes to rank or count
        sentences = [each for each in sentences if not each.startswith("AUROC")]
        sentences = [each.replace(" in its smaller class", "") for each in sentences]
    strict = ("No source (the site that hosts an article) is in both training and test.",)
    by_value = "decision values" if task.kind == "classes" else "predicted numbers"
    output = (
        f"Log-odds of {task.positive!r}; the threshold of the class is a probability of one half"
        if task.kind == "classes"
        else f"A number: {task.title}"
    )
    if NO_PROBABILITY in run.notes:
        output = f"Decision value of {task.positive!r}; it is no probability"
    # The author's own is not known; of the paper's and the others nothing is tuned.
    is_chosen = settings.model == ESTIMATORS[0] and method != "mlp"
    tuned = TUNED[2 if method == "own" else 0 if is_chosen else 1]
    return {
        "name": protocol.name,
        "sentences": [
            *sentences,
            *(strict if settings.is_strict else ()),
            *settings.removal_method,
        ],
        "hold_out": settings.hold_out,
        "is_strict": settings.is_strict,
        "erase": settings.erase,
        "match": settings.match,
        "guards": list(settings.guards),
        "is_standardised": protocol.is_standardised,
        "fewest_persons": protocol.fewest_persons,
        "method": method,
        "estimator": settings.model,
        "model": _describe_model(run, method),
        "model_words": run.spec.describe_model(),
        "tuned": tuned,
        "is_linear": method in ("logistic", "linear", "ridge"),
        "ranked_by": "the predicted class"
        if protocol.ranking == "class" and task.kind == "classes"
        else by_value,
        "output": output,
        "seed": settings.seed,
        "model_seeds": _list_seeds(run, method),
        "n_resamples": settings.n_resamples,
    }


def _list_seeds(run: Run, method: Method) -> list[int]:
    """List the seeds of the models; those without chance in them have none."""
    if method == "mlp":
        return list(MLP_SEEDS)
    return [run.spec.settings.seed] if method in ("forest", "boosting", "own") else []


def _describe_model(run: Run, method: Method) -> str:
    """Describe what was fitted, as `cxrlib.baselines.evaluation.models` does it."""
    protocol = run.spec.settings.protocol
    how = ", with its defaults"
    if method == "logistic" and protocol.is_standardised:
        how = ", fitted to its optimum"
    fewest = run.folds["n_train_images"].min() if len(run.folds) else 0
    is_wide = len(run.result.features.columns) > fewest
    reduced = (
        " Where there are more columns than training images, the columns were replaced by their "
        "row space, which changes no prediction."
        if is_wide and protocol.reduces and method in ("logistic", "ridge")
        else ""
    )
    parts = parse_estimator(run.spec.settings.model)
    fixed = parts.c if parts.family == "linear" else 1.0
    chosen = (
        f"C chosen among {len(PENALTIES)} values from {PENALTIES[0]:g} to {PENALTIES[-1]:g} inside "
        f"the training images of each fold, by up to {MOST_FOLDS} folds that keep persons together"
    )
    words = MODELS[method].format(c=chosen if fixed is None else f"C = {fixed:g}", own=parts.text)
    return f"{words}{how if method == 'logistic' else ''}.{reduced}"


def _list_folds(run: Run) -> list[dict[str, Any]]:
    """List the folds; a number has no classes to count."""
    rows = to_records(run.folds)
    if run.spec.task.kind == "classes":
        return rows
    return [
        row | {name: None for name in row if name.startswith(("n_positive", "n_negative"))}
        for row in rows
    ]


def gather_entry(entry: RunEntry, this: str = "") -> dict[str, Any]:
    """Gather a line of the run log; `this` is the id of the run that is marked."""
    return {
        "id": entry.id,
        "is_this": entry.id == this,
        "is_kept": entry.is_kept,
        "note": entry.note,
        "words": entry.words,
        "features_title": entry.features_title,
        "made": format_run_time(entry.made),
        "seconds": round(entry.seconds, 3),
        "estimator": None if entry.spec is None else name_estimator(entry.spec),
        "n_images": entry.n_images,
        "n_persons": entry.n_persons,
        "spec": None if entry.spec is None else entry.spec.to_dict(),
        "headlines": [headline._asdict() for headline in entry.headlines],
    }
