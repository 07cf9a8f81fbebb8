"""The run log: every run that was made on a cohort and task, so that none is chosen in silence.

One small file a run, named by cohort, task and run: two processes that write at once write two
files, and none reads and rewrites what is there. Nothing is taken out of the log. What the reader
keeps is a mark beside it, and what the reader notes a text.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from cxrlib.baselines.evaluation import MEAN, POOLED
from cxrlib.baselines.runs.run_record import RECORD_ERRORS, RunRecord, Seconds, parse_record
from cxrlib.baselines.runs.run_spec import RunSpec, describe_spec
from cxrlib.baselines.tasks import Task
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.storage import FINITE, Count, Quantity, Store, parse_json

logger = logging.getLogger(__name__)

RUNS, BOOK, KEPT, NOTES = "runs", "run-book", "kept-runs", "run-notes"
BOOK_VERSION: Literal[1] = 1
_NAME = r"[0-9a-f]{32}\.[0-9a-f]{12}\.[0-9a-f]{12}\.json"  # cohort, task, run
HEADLINE_FOLDS = (MEAN, POOLED)
LONGEST_NOTE = 500
"""Characters of a note on a run."""
#: How entries of earlier versions call features that have another title now.
_FORMER_TITLES = (
    (r"Which fields are recorded$", "Missing-data pattern only"),
    (r"Age and sex$", "Age and sex only"),
    (r"Intermediate features of ", "Embedding of "),
    (r"(.* of )Texture measures \(no network\)$", r"\1Simple texture (no AI model)"),
)
LOST = "The log entry and the record of this run are damaged. Run it again to see its scores."


class Headline(NamedTuple):
    """Hold a score over all held-out groups: None where it is not estimable, then the reason."""

    fold: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    reason: str


@dataclass(frozen=True)
class RunEntry:
    """Hold one line of the run log.

    Parameters
    ----------
    id : str
    spec : RunSpec or None
        None where the entry was damaged and nothing could mend it: the run still counts.
    features_title : str
    made : float
        Seconds since 1970.
    seconds : float
    n_images, n_persons : int
        It was made on.
    headlines : tuple of Headline
        Mean and pooled scores.
    is_kept : bool
        Whether the reader marked it.
    note : str
        What the reader wrote beside it, on one line.
    version : int
        Of the entry.
    """

    __pydantic_config__ = FINITE

    id: str
    spec: RunSpec | None
    features_title: str = ""
    made: Seconds = 0.0
    seconds: Quantity = 0.0
    n_images: Count = 0
    n_persons: Count = 0
    headlines: tuple[Headline, ...] = ()
    is_kept: bool = False
    note: str = ""
    version: Literal[1] = BOOK_VERSION

    @property
    def words(self) -> str:
        """Name the run on one line."""
        return LOST if self.spec is None else describe_spec(self.spec)

    def find(self, fold: str, metric: str) -> Headline | None:
        """Find a score over all groups; None where the run has none of it."""
        found = (each for each in self.headlines if (each.fold, each.metric) == (fold, metric))
        return next(found, None)


# ---- writing


def write_entry(store: Store, record: RunRecord) -> None:
    """Enter a run into the log of its cohort and task; its first time is kept."""
    spec = RunSpec.from_dict(record.spec)
    name = _make_entry_name(record.fingerprint, spec.task, record.id)
    known = _read_entry(store, name)
    # A line that was lost for a while has no time.
    made = known.made if known is not None and known.made else record.made
    data = _format_entry(replace(record, made=made))
    if known is None or known != _parse_entry(data, name, ()):
        store.write_file(BOOK, name, data)


def _format_entry(record: RunRecord) -> bytes:
    scores = record.tables["scores"]
    # Of a test on one cohort there is no mean: its own score says it.
    tested_on = str(record.spec["hold_out"]).partition("cohort:")[2]
    rows = scores[scores["fold"].isin([*HEADLINE_FOLDS, *([tested_on] if tested_on else [])])]
    columns = list(Headline._fields)
    numbers = rows[columns].astype(object).where(rows[columns].notna(), None)
    fields = {
        "version": BOOK_VERSION,
        "id": record.id,
        "spec": record.spec,
        "features_title": record.features_title,
        "made": record.made,
        "seconds": record.seconds,
        "n_images": record.n_images,
        "n_persons": record.n_persons,
        "headlines": numbers.to_numpy().tolist(),
    }
    return json.dumps(fields, allow_nan=False).encode("ascii")


def keep_run(store: Store, run_id: str, *, is_kept: bool = True) -> None:
    """Mark a run as kept by the reader, or take the mark away; the run stays in the log."""
    store.write_file(KEPT, f"{run_id}.json", json.dumps(is_kept).encode("ascii"))


def write_note(store: Store, run_id: str, note: str) -> str:
    """Write what the reader notes on a run; a blank note takes the former one away.

    Returns
    -------
    str
        The note as it is kept: on one line, without control characters.

    Raises
    ------
    SelectionError
        If it is too long.
    """
    text = _clean_note(note)
    if len(text) > LONGEST_NOTE:
        raise SelectionError(
            f"The note has {len(text):,} characters. Shorten it to {LONGEST_NOTE}."
        )
    store.write_file(NOTES, f"{run_id}.json", json.dumps(text).encode("ascii"))
    return text


def _clean_note(note: str) -> str:
    """Put a note on one line: a control character must not command a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in note).split())


# ---- counting


@dataclass(frozen=True)
class RunCounts:
    """Hold how many runs were made: the best of many looks good by chance alone.

    Parameters
    ----------
    n_task : int
        Of one cohort and task, whatever the features, settings and filters.
    n_outcome : int
        Of the same outcome by other definitions: other days, views or exclusions.
    n_cohort : int
        Of the cohort, whatever the outcome.
    """

    n_task: int
    n_outcome: int = 0
    n_cohort: int = 0

    def describe(self) -> str:
        """Say how many runs were made.

        Examples
        --------
        >>> RunCounts(15, 7, 40).describe()
        '15 runs were made on this cohort and task; 7 on this outcome by other definitions; 40 on \
this cohort.'
        >>> RunCounts(1, 0, 1).describe()
        '1 run was made on this cohort and task.'
        """
        was = "was" if self.n_task == 1 else "were"
        parts = [f"{format_units(self.n_task, 'run')} {was} made on this cohort and task"]
        if self.n_outcome:
            parts.append(f"{self.n_outcome:,} on this outcome by other definitions")
        if self.n_cohort > self.n_task:
            parts.append(f"{self.n_cohort:,} on this cohort")
        return f"{'; '.join(parts)}."


def count_runs(store: Store, fingerprint: str, task: Task) -> RunCounts:
    """Count the runs of a cohort and task, of its outcome otherwise defined, and of the cohort.

    A run whose entry is lost counts where its file's name puts it.
    """
    own, every = (_list_names(store, _make_prefix(fingerprint, each)) for each in (task, None))
    others = (_read_entry(store, name) for name in set(every) - set(own))
    columns = [each.spec.task.column for each in others if each is not None and each.spec]
    return RunCounts(len(own), columns.count(task.column), len(every))


# ---- reading


def list_runs(store: Store, fingerprint: str, task: Task | None = None) -> list[RunEntry]:
    """List the runs that were made on a cohort, in the order in which they were made.

    Parameters
    ----------
    store : Store
    fingerprint : str
        Of the cohort, whole.
    task : Task, optional
        Of this task only.

    Returns
    -------
    list of RunEntry
        All of them, the kept ones marked, with the reader's notes. An entry that is damaged is
        made anew of the run's own record; where that is gone as well the entry says so, and
        still counts.
    """
    prefix = _make_prefix(fingerprint, task)
    names = _list_names(store, prefix)
    kept, notes = _list_kept(store, names), _list_notes(store, names)
    found = ((_read_entry(store, name, kept=kept) or _mend(store, name)) for name in names)
    entries = [replace(entry, note=notes.get(entry.id, "")) for entry in found]
    return sorted(entries, key=lambda entry: (entry.made, entry.id))


def read_record(store: Store, run_id: str) -> RunRecord | None:
    """Read a run's record, or None where there is none or it was damaged."""
    data = store.read_file(RUNS, f"{run_id}.json")
    if data is None:
        return None
    try:
        return parse_record(data, run_id)
    except RECORD_ERRORS as error:
        logger.warning("The record of run %s is damaged (%s). It is computed again.", run_id, error)
        return None


def _list_kept(store: Store, names: Iterable[str]) -> set[str]:
    marked = store.list_files(KEPT)
    ids = {_read_id(name) for name in names}
    files = [run_id for run_id in sorted(ids) if f"{run_id}.json" in marked]
    return {run_id for run_id in files if store.read_file(KEPT, f"{run_id}.json") == b"true"}


def _list_notes(store: Store, names: Iterable[str]) -> dict[str, str]:
    """Read the notes on runs; one that is damaged is none."""
    written = store.list_files(NOTES)
    ids = {_read_id(name) for name in names}
    notes = {}
    for run_id in sorted(each for each in ids if f"{each}.json" in written):
        data = store.read_file(NOTES, f"{run_id}.json")
        try:
            note = json.loads(data or b'""')
        except (ValueError, RecursionError) as error:
            logger.warning("The note on run %s is damaged (%s).", run_id, error)
            continue
        notes[run_id] = _clean_note(note)[:LONGEST_NOTE] if isinstance(note, str) else ""
    return notes


def _read_entry(store: Store, name: str, *, kept: Iterable[str] = ()) -> RunEntry | None:
    """Read an entry, or None where it is damaged or was never written."""
    data = store.read_file(BOOK, name)
    if data is None:
        return None
    try:
        return _parse_entry(data, name, kept)
    except RECORD_ERRORS as error:
        logger.warning("The entry %s of the run log is damaged (%s).", name, error)
        return None


def _parse_entry(data: bytes, name: str, kept: Iterable[str]) -> RunEntry:
    entry, run_id = parse_json(RunEntry, data), _read_id(name)
    if entry.id != run_id:
        raise ValueError("its id is another")
    title = entry.features_title
    for former, present in _FORMER_TITLES:
        title = re.sub(f"^{former}", present, title)
    return replace(entry, features_title=title, is_kept=run_id in kept, note="")


def _mend(store: Store, name: str) -> RunEntry:
    """Write a damaged entry anew, of the run's record or, where that is gone, as a bare line."""
    run_id = _read_id(name)
    record = read_record(store, run_id)
    lost = {"version": BOOK_VERSION, "id": run_id, "spec": None, "features_title": ""}
    lost |= {"made": 0.0, "seconds": 0.0, "n_images": 0, "n_persons": 0, "headlines": []}
    data = json.dumps(lost).encode("ascii") if record is None else _format_entry(record)
    store.write_file(BOOK, name, data)
    return _read_entry(store, name) or RunEntry(run_id, None)


# ---- names


def _list_names(store: Store, prefix: str) -> list[str]:
    """List the entries' files whose names begin so; what else lies in the folder is passed over."""
    return sorted(
        name
        for name in store.list_files(BOOK)
        if name.startswith(prefix) and re.fullmatch(_NAME, name)
    )


def _make_entry_name(fingerprint: str, task: Task, run_id: str) -> str:
    return f"{_make_prefix(fingerprint, task)}{run_id}.json"


def _make_prefix(fingerprint: str, task: Task | None) -> str:
    """Return what the names of a cohort's entries begin with, of one task or of all."""
    cohort = f"{_check_fingerprint(fingerprint)[:32]}."
    if task is None:
        return cohort
    return f"{cohort}{hashlib.sha256(task.to_text().encode()).hexdigest()[:12]}."


def _read_id(name: str) -> str:
    return name.split(".")[2]


def _check_fingerprint(fingerprint: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{32,}", fingerprint):
        raise SelectionError(
            f"{fingerprint[:80]!r} is not a cohort fingerprint. Give the whole Cohort.fingerprint."
        )
    return fingerprint
