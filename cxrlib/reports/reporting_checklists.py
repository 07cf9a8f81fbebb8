"""Items of two reporting guidelines: those a run's manifest answers, and the author's.

TRIPOD+AI is for clinical prediction models (Collins et al. 2024, `collins2024` in
docs/references.md), CLAIM for artificial intelligence in medical imaging (2024 update, Tejani et
al., `tejani2024`). Numbers are theirs; titles are short names in our words, not their text: fill in
the official forms. A run knows what was computed. It does not know why, for whom, or with whose
consent: such items say "author", and nothing is made up for them.

The lists are ``reporting-items.csv``; ``reporting-answers.csv`` holds the answers' texts, where
braces name values of the manifest or what `_format_parts` writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from cxrlib.baselines.evaluation import POOLED, format_score, name_group
from cxrlib.baselines.runs import RunCounts
from cxrlib.literature import read_rows
from cxrlib.number_text import format_units

Manifest = Mapping[str, Any]

TRIPOD_AI, CLAIM = "TRIPOD+AI", "CLAIM 2024"
GUIDELINES = {
    TRIPOD_AI: "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement. BMJ 2024;385:e078378",
    CLAIM: "Tejani AS, Klontzas ME, Gatti AA, et al. Checklist for Artificial Intelligence in "
    "Medical Imaging (CLAIM): 2024 Update. Radiology: Artificial Intelligence 2024;6(4):e240300",
}
"""Where the lists are published."""
AUTHOR = "author"
"""The answer where a run knows none."""


ITEMS: Sequence[Mapping[str, str]] = read_rows("reporting-items")
"""All items of both lists in their order: guideline, item, part, title (a short name in our words),
answer (its name in ``reporting-answers.csv``, "" where only an author has one) and whether that
answers all of it."""


def answer_items(manifest: Manifest) -> pd.DataFrame:
    """Answer the items of both guidelines from a run's manifest.

    Parameters
    ----------
    manifest : mapping
        Result of `cxrlib.reports.make_manifest`.

    Returns
    -------
    DataFrame
        A row an item in the guidelines' order: guideline, item, part, title, by (who answers:
        "manifest", "manifest, author" where the author has to add to it, "author") and answer,
        which is "author" where nobody else can give one.
    """
    answers = {"": AUTHOR} | _format_answers(manifest)
    table = pd.DataFrame(ITEMS)
    table["answer"] = table["answer"].map(answers)
    is_whole = table["answers all of it"] == "yes"
    table["by"] = is_whole.map({True: "manifest", False: f"manifest, {AUTHOR}"})
    table.loc[table["answer"] == AUTHOR, "by"] = AUTHOR
    return table[["guideline", "item", "part", "title", "by", "answer"]]


def _format_answers(m: Manifest) -> dict[str, str]:
    """Format all answers by name: of each the first whose condition holds; "" always does."""
    held_out = name_group(m["protocol"]["hold_out"])
    holds = _list_conditions(m)
    words = {**m, **_format_parts(m), "protocol": {**m["protocol"], "hold_out": held_out}}
    answers: dict[str, str] = {}
    for row in read_rows("reporting-answers"):
        if row["name"] not in answers and holds[row["when"]]:
            answers[row["name"]] = row["text"].format(**words)
    return answers


def _list_conditions(m: Manifest) -> dict[str, bool]:
    """Tell which conditions of answers hold."""
    kind = m["features"]["kind"]
    return {
        "": True,
        "synthetic": m["cohort"]["is_synthetic"],
        "from outside": kind == "outside",
        "computed": kind in ("network", "pixels", "prevalence"),
        "pixels": kind == "pixels",
        "standardised": m["protocol"]["is_standardised"],
        "linear, standardised": m["protocol"]["is_linear"] and m["protocol"]["is_standardised"],
        "linear": m["protocol"]["is_linear"],
        "guarded": bool(m["protocol"]["guards"]),
        "rows left out": any(step["reasons"] for step in m["flow"]),
        "folds": bool(m["folds"]),
    }


def _format_parts(m: Manifest) -> dict[str, str]:
    """Format what answers hold beside single values of the manifest."""
    features, protocol, folds = m["features"], m["protocol"], m["folds"]
    origin = _join_sentences(features["origin"])
    n_guarded = sum(fold["n_guarded"] for fold in folds)
    return {
        "used": f"Used: {_format_counts(m['flow'][-1], 'image', 'patient', 'person')}.",
        "fold_sizes": _join(f"{f['fold']}: {_format_counts(f, 'image', 'person')}" for f in folds),
        "classes": f"Held out, {_join(map(_format_classes, folds), 'nothing')}.",
        "steps": f"{_join(map(_format_step, m['flow']), '')}.",
        "lost": _join(f"{s['step']}: {s['reasons']}" for s in m["flow"] if s["reasons"]),
        "training": _join(map(_format_training, folds)),
        "preparation": f"{features['title']}. {origin}".strip(),
        "origin": f" {origin}".rstrip(),
        "n_columns": format_units(features["n_columns"], "column"),
        "n_parameters": format_units(features["n_parameters"], "parameter"),
        "n_guarded": format_units(n_guarded, "training image"),
        "without_values": _describe_missing(features["n_missing"]),
        "events": _describe_events(folds),
        "rules": _join_sentences(protocol["sentences"]),
        "guards": " and no ".join(protocol["guards"]),
        "model_seeds": ", ".join(map(str, protocol["model_seeds"])),
        "filters": _join(m["cohort"]["filters"]),
        "views": ", ".join(m["task"]["views"]),
        "versions": ", ".join(f"{name} {number}" for name, number in m["run"]["versions"].items()),
        "licence_lines": _join_sentences(m["licences"]),
        "metrics": ", ".join(m["metric_names"].values()),
        "main_metric_name": m["metric_names"][m["main_metric"]],
        "performance": _describe_performance(m),
        "shortcut_scores": _describe_shortcuts(m),
        "run_count": _describe_runs(m),
        "caveats": _join_sentences([*m["task"]["card"]["caveats"], *m["notes"], _describe_runs(m)]),
    }


# ---- parts of answers


def _join(parts: Iterable[str], nothing: str = "none") -> str:
    return "; ".join(parts) or nothing


def _format_counts(row: Mapping[str, Any], *units: str) -> str:
    """Format how many of each unit a row has: "3 images of 2 patients, 1 person"."""
    first, *rest = (format_units(row[f"n_{unit}s"], unit) for unit in units)
    return f"{first} of {', '.join(rest)}"


def _format_step(step: Mapping[str, Any]) -> str:
    return f"{step['step']}: {step['n_images']:,} images, {step['n_patients']:,} patients"


def _format_training(fold: Mapping[str, Any]) -> str:
    images, persons = fold["n_train_images"], fold["n_train_persons"]
    return f"{fold['fold']} held out: {images:,} training images of {persons:,} persons"


def _format_classes(fold: Mapping[str, Any]) -> str:
    if fold["n_positive"] is None:
        return f"{fold['fold']}: {format_units(fold['n_images'], 'image')}"
    return (
        f"{fold['fold']}: {fold['n_positive']:,} positive, {fold['n_negative']:,} negative images"
    )


def _describe_missing(n_missing: int) -> str:
    return f" {format_units(n_missing, 'image')} had no feature values." if n_missing else ""


def _describe_events(folds: Sequence[Mapping[str, Any]]) -> str:
    found = [fold["events_per_parameter"] for fold in folds]
    ratios = [each for each in found if each is not None]
    if not ratios:
        return ""
    return f" Events per parameter: {min(ratios):.2g} to {max(ratios):.2g} over the folds."


def _describe_performance(m: Manifest) -> str:
    """Describe the main score of each group, the mean and the pooled; scores.csv has the rest."""
    main = [s for s in m["scores"] if s["metric"] == m["main_metric"] or s["fold"] == POOLED]
    told = [_format_score(score, m) for score in main if score["value"] is not None]
    missing = [str(score["fold"]) for score in main if score["value"] is None]
    if missing:
        told.append(f"not estimable: {', '.join(missing)}")
    return _join(told)


def _format_score(score: Mapping[str, Any], m: Manifest) -> str:
    is_main = score["metric"] == m["main_metric"]
    name = score["fold"] if is_main else f"{score['fold']} {m['metric_names'][score['metric']]}"
    spread = "" if score["sd"] is None else f", standard deviation {format_score(score['sd'])}"
    held = (
        ""
        if score["low"] is None or score["high"] is None
        else f" (95 % interval {format_score(score['low'])} to {format_score(score['high'])})"
    )
    return f"{name} {format_score(score['value'])}{held}{spread}"


def _describe_runs(m: Manifest) -> str:
    counts = RunCounts(len(m["runs"]), m["counts"]["outcome"], m["counts"]["cohort"])
    return f"{counts.describe()} runs.csv lists every one of the task."


def _describe_shortcuts(m: Manifest) -> str:
    scored = [s for s in m["shortcuts"] if s["fold"] == POOLED and s["value"] is not None]
    names = m["metric_names"]
    told = [f"{s['title']}: {names[s['metric']]} {format_score(s['value'])}" for s in scored]
    return f" Pooled within groups: {_join(told)}." if told else ""


def _join_sentences(lines: Sequence[str]) -> str:
    """Join lines to one paragraph, each ended as a sentence is."""
    return " ".join(
        line if line.endswith((".", "?", "!")) else f"{line}." for line in lines if line
    )
