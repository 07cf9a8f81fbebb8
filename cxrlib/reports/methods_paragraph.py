"""The methods of a run as a paragraph, from its manifest: what was done, and no more."""

from collections.abc import Mapping
from typing import Any

from cxrlib.baselines.evaluation import describe_grouping, name_group
from cxrlib.number_text import format_units

Manifest = Mapping[str, Any]


def describe_methods(manifest: Manifest) -> str:
    """Describe what was done in one paragraph, for the methods section of an article.

    It holds what a run knows. The author adds the reason for the question, consent, and the
    setting of the data.

    Parameters
    ----------
    manifest : mapping
        Result of `cxrlib.reports.make_manifest`.
    """
    parts = (
        _describe_rows,
        _describe_outcome,
        _describe_features,
        _describe_evaluation,
        _describe_scores,
        _describe_uncertainty,
        _describe_checks,
        _describe_software,
    )
    return " ".join(part(manifest) for part in parts)


def _describe_rows(m: Manifest) -> str:
    cohort, card, last = m["cohort"], m["task"]["card"], m["flow"][-1]
    synthetic = ", which is synthetic," if cohort["is_synthetic"] else ""
    filters = f" Filters: {'; '.join(cohort['filters'])}." if cohort["filters"] else ""
    return (
        f"From the cohort {cohort['name']}{synthetic} (fingerprint {cohort['fingerprint'][:12]}, "
        f"{format_units(cohort['n_images'], 'row')}) we took {_lower(card['population'])} "
        f"{_describe_window(m['task'])}{filters} This left "
        f"{format_units(last['n_images'], 'image')} of "
        f"{format_units(last['n_patients'], 'patient')}, "
        f"{format_units(last['n_persons'], 'person')} "
        "after patient ids that share an image were joined."
    )


def _lower(sentence: str) -> str:
    """Write a sentence within another: "X-rays" stays as it is."""
    return sentence if sentence[:2].isupper() or sentence[1:2] == "-" else _uncapital(sentence)


def _uncapital(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _describe_window(task: Manifest) -> str:
    if task["after"] is None and task["before"] is None:
        return "Images of any day were used, recorded or not."
    return (
        f"The day of an image was {task['window']}, counted from symptoms or admission (not "
        "recorded which)."
    )


def _describe_outcome(m: Manifest) -> str:
    card = m["task"]["card"]
    return f"The outcome was {_uncapital(card['outcome'])} Horizon: {card['horizon']}."


def _describe_features(m: Manifest) -> str:
    features = m["features"]
    return (
        f"Predictors: {features['title']}, {format_units(features['n_columns'], 'column')}; "
        "a model "
        f"of them has {format_units(features['n_parameters'], 'parameter')}."
    )


def _describe_evaluation(m: Manifest) -> str:
    protocol = m["protocol"]
    seeds = protocol["model_seeds"]
    told = f" Seeds of the model: {', '.join(map(str, seeds))}." if seeds else ""
    return (
        f"{protocol['model']}{told} {protocol['tuned']} Evaluation followed the protocol "
        f"“{protocol['name']}”, {describe_grouping(protocol['hold_out'])}: "
        f"{' '.join(protocol['sentences'])}"
    )


def _describe_scores(m: Manifest) -> str:
    n_scored = sum(bool(fold["is_scored"]) for fold in m["folds"])
    group = name_group(m["protocol"]["hold_out"])
    return (
        f"Of {len(m['folds']):,} groups by {group}, {n_scored:,} could be scored alone. We report "
        "the score of each group, their mean with its sample standard deviation, and a score "
        f"pooled over pairs of images within one {group}."
    )


def _describe_uncertainty(m: Manifest) -> str:
    n_resamples, seed = m["protocol"]["n_resamples"], m["protocol"]["seed"]
    if not n_resamples:
        return "No intervals were computed."
    return (
        f"95 % intervals are from {n_resamples:,} bootstrap resamples of patients, without "
        f"refitting (seed {seed}); resamples without a score were dropped and counted."
    )


def _describe_checks(m: Manifest) -> str:
    titles = dict.fromkeys(str(score["title"]) for score in m["shortcuts"])
    n_runs = len(m["runs"])
    of_which = (
        "this was the only run" if n_runs == 1 else f"this was one of {format_units(n_runs, 'run')}"
    )
    return (
        f"The same images were also predicted without looking at them ({'; '.join(titles)}). On "
        f"this cohort and task {of_which}, all of which are listed."
    )


def _describe_software(m: Manifest) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in m["run"]["versions"].items())
    return f"Software: cxrlib {m['made_by']['cxrlib']}, {versions}. Run {m['run']['id']}."
