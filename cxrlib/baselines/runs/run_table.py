"""All runs of a cohort in one table: what was asked, what came out, and which one is meant."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd

from cxrlib.baselines.evaluation import choose_headline, is_number
from cxrlib.baselines.runs.run_log import Headline, RunEntry
from cxrlib.baselines.runs.run_spec import RunSpec
from cxrlib.baselines.tasks import Task
from cxrlib.errors import SelectionError

RUN_TABLE_COLUMNS = (
    *("run", "made", "task", "outcome", "features", "estimator", "protocol", "held_out", "strict"),
    *(
        "removal",
        "filters",
        "fold",
        "metric",
        "value",
        "low",
        "high",
        "reason",
        "n_images",
        "n_persons",
    ),
    *("seconds", "kept", "note"),
)
"""Columns of `tabulate_runs`."""

HEADLINE_METRICS = ("auroc", "correlation", "concordance")
"""Scores by which runs are told apart: the first that a run has."""
SHORTEST_PREFIX = 4
MOST_NAMED = 5


def tabulate_runs(entries: Sequence[RunEntry]) -> pd.DataFrame:
    """Tabulate runs, a row each, with the score over all groups that is read first.

    Parameters
    ----------
    entries : sequence of RunEntry
        `cxrlib.baselines.runs.list_runs`.

    Returns
    -------
    DataFrame
        `RUN_TABLE_COLUMNS`: ``outcome`` is the column predicted; ``removal`` says which shortcut
        was taken away; ``fold`` and ``metric`` say which
        score ``value`` is, the mean over groups or the pooled; ``made`` in UTC; ``seconds`` what
        it took.
    """
    table = pd.DataFrame(map(_lay_out, entries), columns=list(RUN_TABLE_COLUMNS))
    return table.astype(dict.fromkeys(("value", "low", "high", "seconds"), float))


def _lay_out(entry: RunEntry) -> dict[str, object]:
    """Give the row of a run; of one whose entry is lost only what is known of it."""
    score = choose_entry_headline(entry)
    made = f"{datetime.fromtimestamp(entry.made, UTC):%Y-%m-%d %H:%M:%S}" if entry.made else ""
    row: dict[str, object] = {"run": entry.id, "made": made}
    if entry.spec is not None:
        settings = entry.spec.settings
        row |= {
            "task": entry.spec.task.to_text(),
            "outcome": entry.spec.task.column,
            "features": entry.spec.features,
            "estimator": name_estimator(entry.spec),
            "protocol": settings.protocol.name,
            "held_out": settings.hold_out,
            "strict": settings.is_strict,
            "removal": settings.removal,
            "filters": entry.spec.where,
        }
    row |= {} if score is None else score._asdict()
    row |= {"n_images": entry.n_images, "n_persons": entry.n_persons, "seconds": entry.seconds}
    row |= {"kept": entry.is_kept, "note": entry.note}
    return {"reason": entry.words if entry.spec is None else "", **row}


def name_estimator(spec: RunSpec) -> str:
    """Name the model that a run fits."""
    return str(getattr(spec.settings, "model", "paper"))


def choose_entry_headline(entry: RunEntry) -> Headline | None:
    """Choose the score that a run is told by: the mean, else the pooled, else why there is none."""
    known = [head for head in entry.headlines if head.metric in HEADLINE_METRICS]
    if not known:
        return None
    fold = choose_headline(pd.DataFrame(known), known[0].metric)
    found = (head for head in known if head.fold == fold and is_number(head.value))
    return next(found, known[0])


def filter_entries(
    entries: Sequence[RunEntry], *, text: str = "", task: Task | None = None
) -> list[RunEntry]:
    """Keep the runs of a task whose description, id or note holds all words of a text."""
    words = text.casefold().split()
    return [
        entry
        for entry in entries
        if (task is None or (entry.spec is not None and entry.spec.task == task))
        and all(word in _describe(entry) for word in words)
    ]


def _describe(entry: RunEntry) -> str:
    estimator = "" if entry.spec is None else name_estimator(entry.spec)
    parts = (entry.id, entry.words, entry.features_title, estimator, entry.note)
    return " ".join(parts).casefold()


def find_entry(entries: Sequence[RunEntry], run_id: str) -> RunEntry:
    """Find a run by its id, or by the beginning of it.

    Raises
    ------
    SelectionError
        If there is none, or several begin so; the message names them.
    """
    prefix = run_id.strip().casefold()
    found = [entry for entry in entries if prefix and entry.id.startswith(prefix)]
    exact = [entry for entry in found if entry.id == prefix]
    if exact or (len(found) == 1 and len(prefix) >= SHORTEST_PREFIX):
        return (exact or found)[0]
    if found:
        names = ", ".join(entry.id for entry in found[:MOST_NAMED])
        raise SelectionError(
            f"The beginning {run_id[:40]!r} is not enough to name a run: there is {names}. Give "
            f"more of the id, at least {SHORTEST_PREFIX} signs."
        )
    raise SelectionError(
        f"There is no run {run_id[:40]!r} among the {len(entries):,} of this cohort. List them: "
        "python -m cxrlib runs; those tested on a second cohort with --test-on DIR2."
    )
