"""A record is JSON that anyone may have written: what is not right is refused with words."""

import json
import re
from dataclasses import replace

import pytest

from cxrlib.jobs import Job, describe_job, format_job, parse_job
from cxrlib.jobs.job_record import RECORD_VERSION, STATES, NewerRecordError
from cxrlib.system import format_seconds

ID = "0123456789abcdef"
JOB = Job(id=ID, kind="embed", parameters={"data": "/é"}, label="Embed", state="running", order=3)


def changed(**fields: object) -> bytes:
    """Write the record of `JOB` with some fields changed."""
    return json.dumps({**json.loads(format_job(JOB)), **fields}).encode()


@pytest.mark.parametrize("state", STATES)
def test_a_record_comes_back_as_it_was(state) -> None:
    """Every field that is kept survives the way to JSON and back."""
    job = replace(
        JOB, state=state, rate=2.5, seconds_left=1, result={"n": [1, None]}, again=True, pid=7
    )
    assert parse_job(format_job(job), ID) == job


def test_the_place_in_the_queue_is_not_kept() -> None:
    """How many jobs are before it is counted anew by every reader."""
    assert parse_job(format_job(replace(JOB, n_before=4)), ID).n_before == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        format_job(JOB)[:-20],
        changed(state="lost"),
        changed(state=1),
        changed(id="f" * 16),
        changed(version=0),
        changed(version="1"),
        changed(done=-1),
        changed(done=True),
        changed(done=1.5),
        changed(total=10**400),
        changed(rate=float("nan")),
        changed(updated=float("inf")),
        changed(updated=None),
        changed(pid="1"),
        changed(parameters=[]),
        changed(result=None),
        changed(again=1),
        changed(label="\ud800"),
        changed(result={"a": "\udfff"}),
        changed(result={"a": [float("inf")]}),
    ],
)
def test_a_damaged_record_is_refused(data) -> None:
    """Whatever is wrong with it, an error says so."""
    with pytest.raises(ValueError, match=r"invalid JSON|should be|required|not right|range"):
        parse_job(data, ID)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"done": -1}, "its 'done' is -1: input should be greater than or equal to 0"),
        ({"label": ["x"]}, "its 'label' is ['x']: input should be a valid string"),
        ({"error": None}, "its 'error' is None: input should be a valid string"),
        ({"again": "x" * 99}, f"its 'again' is '{'x' * 39}: input should be a valid boolean"),
    ],
)
def test_parse_job_names_field_and_value(fields, words) -> None:
    """Whoever mends a record by hand reads what is wrong with it; a long value is cut."""
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        parse_job(changed(**fields), ID)


def test_parse_job_names_a_field_that_is_missing() -> None:
    """Without an id a record is nobody's."""
    with pytest.raises(ValueError, match=r"its 'id' is missing: field required"):
        parse_job(b'{"version": 1}', ID)


def test_format_job_keeps_its_fields_in_order() -> None:
    """Files that were made before and after are of one form."""
    names = "version id kind label state stage error machine done total pid order process_started"
    names += " created updated rate seconds_left started finished cancel_asked parameters result"
    assert list(json.loads(format_job(JOB))) == [*names.split(), "again"]


def test_a_record_of_a_newer_version_is_told_apart() -> None:
    """It is not damaged: it says which file and what to do, and may hold anything else."""
    data = json.dumps({"version": RECORD_VERSION + 1, "anything": "else"}).encode()
    with pytest.raises(NewerRecordError, match=f"'{ID}.json'.*newer version.*delete the file"):
        parse_job(data, ID)


def test_a_clock_set_back_gives_no_negative_time() -> None:
    """A job that ended before it began took no time."""
    assert replace(JOB, started=1000.0, finished=400.0).seconds == 0.0
    assert JOB.seconds is None
    assert replace(JOB, started=1000.0, updated=1004.0).seconds == 4.0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "waiting"}, "waiting to start"),
        ({"state": "waiting", "n_before": 2}, "waiting for 2 other jobs"),
        ({}, "starting"),
        ({"stage": "Computing the map"}, "Computing the map"),
        ({"stage": "Reading images", "total": 1200}, "Reading 0 of 1,200 images"),
        (
            {"stage": "Reading images", "done": 9, "total": 12, "rate": 0.51, "seconds_left": 70},
            "Reading 9 of 12 images, 0.5 a second, 1 min 10 s left",
        ),
        (
            {"stage": "Drawing permutations (p so far 0.1)", "done": 9, "total": 12, "rate": 3.0},
            "Drawing 9 of 12 permutations (p so far 0.1), 3.0 a second",
        ),
        ({"stage": "Odd", "done": 1, "total": 2}, "Odd: 1 of 2"),
        (
            {"stage": "Downloading weights", "done": 5_000_000, "total": 28_382_008, "rate": 1e6},
            "Downloading weights: 5.0 of 28.4 MB, 1.0 MB a second",
        ),
        ({"state": "cancelling"}, "stopping"),
        ({"state": "cancelling", "again": True}, "stopping, then starting again"),
        ({"state": "done", "started": 5.0, "finished": 17.4}, "done in 12 s"),
        ({"state": "cancelled"}, "cancelled. Resume it to continue where it stopped."),
        ({"state": "failed", "error": "No such folder."}, "failed: No such folder."),
        (
            {"state": "died", "error": "the worker process 123 ended (out of memory?)"},
            "stopped unexpectedly: the worker process 123 ended (out of memory?). Resume it.",
        ),
    ],
)
def test_a_job_is_described_in_words(fields, words) -> None:
    """Each state has its words; counts carry what they count."""
    assert describe_job(replace(JOB, **fields)) == words


def test_seconds_are_rounded_to_what_is_read() -> None:
    """The unit fits the length, and nothing says 60 seconds."""
    assert format_seconds(0.2) == "0 s"
    assert format_seconds(59.6) == "1 min 0 s"
    assert format_seconds(3599.7) == "1 h 0 min"
