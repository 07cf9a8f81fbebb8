"""Uploads: bytes go through a pipe to a child, numbers come back, and nothing stays on disk."""

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from cxrlib.embedding.extractors import load_extractor
from cxrlib.errors import CxrError, SelectionError
from cxrlib.uploads import isolated_process
from cxrlib.uploads.isolated_process import end_child, run_piped
from tests.cohort_factory import draw_image

TEXTURE = {"extractor": "texture"}


@pytest.fixture(autouse=True)
def no_child() -> Iterator[None]:
    """Leave no child behind."""
    yield
    end_child()


def encode(pixels: np.ndarray) -> bytes:
    """Encode pixels as PNG."""
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="PNG")
    return target.getvalue()


def embed(payload: bytes, **options: float) -> dict:
    """Embed an upload by texture."""
    return run_piped("embed-upload", TEXTURE, payload, **options)


def child() -> psutil.Process:
    """Give the warm child."""
    return psutil.Process(isolated_process._children[0].pid)


def test_an_upload_is_embedded_as_a_file_is() -> None:
    """The numbers are those of the extractor on the same pixels, with what they belong to."""
    pixels = draw_image(3, height=300, width=200)
    answer = embed(encode(pixels))
    extractor = load_extractor("texture")
    embedding, outputs = extractor.compute(extractor.prepare(pixels)[np.newaxis])
    np.testing.assert_array_equal(np.float32(answer["embedding"]), embedding[0])
    np.testing.assert_array_equal(np.float32(list(answer["outputs"].values())), outputs[0])
    assert tuple(answer["outputs"]) == extractor.info.output_names
    assert (answer["width"], answer["height"]) == (200, 300)
    assert answer["extractor"] == extractor.info.to_dict()


def test_the_child_stays_warm_and_serves_one_after_the_other() -> None:
    """Many uploads at once get each its own answer, from one process."""
    uploads = [encode(draw_image(seed)) for seed in range(6)]
    alone = [embed(upload)["sha256"] for upload in uploads]
    pid = child().pid
    with ThreadPoolExecutor(6) as pool:
        together = [answer["sha256"] for answer in pool.map(embed, uploads)]
    assert together == alone
    assert len(set(alone)) == 6
    assert child().pid == pid


def test_nothing_is_written_to_disk(tmp_path: Path, monkeypatch) -> None:
    """The child has no file open for writing and leaves none where temporary files go."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    embed(encode(draw_image(1)))
    assert list(tmp_path.rglob("*")) == []
    opened = [file for file in child().open_files() if "r" not in file.mode or "+" in file.mode]
    assert not [file for file in opened if file.path.startswith(str(tmp_path))]
    assert "embed" not in " ".join(child().cmdline())


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>", "it is a web page"),
        (encode(draw_image(1))[:400], "damaged or truncated"),
        (b"\n" * 1000, "not a PNG, JPEG or DICOM"),
        (encode(np.zeros((8, 8), np.uint8)), "are too few"),
    ],
)
def test_what_is_no_image_is_refused_in_words(payload: bytes, words: str) -> None:
    """The child says what is wrong, and serves the next."""
    embed(encode(draw_image(1)))
    pid = child().pid
    with pytest.raises(CxrError, match=words):
        embed(payload)
    assert child().pid == pid


def test_a_request_that_makes_no_sense_is_refused_before_a_child_starts(monkeypatch) -> None:
    """Unknown kinds, unknown parameters and huge uploads cost no process."""
    monkeypatch.setattr(isolated_process, "MAX_PAYLOAD", 1 << 20)
    with pytest.raises(SelectionError, match="'bake' is not known"):
        run_piped("bake", TEXTURE, b"")
    with pytest.raises(SelectionError, match="no parameter 'data'"):
        run_piped("embed-upload", {**TEXTURE, "data": "/etc"}, b"")
    with pytest.raises(CxrError, match="the limit is 1 MiB"):
        embed(b"x" * ((1 << 20) + 1))
    assert isolated_process._children == []


def test_an_unknown_extractor_is_named() -> None:
    """An error of the library comes back as its sentence."""
    with pytest.raises(CxrError, match="Extractor 'lungs' is not known"):
        run_piped("embed-upload", {"extractor": "lungs"}, encode(draw_image(1)))


def test_a_killed_child_is_said_and_replaced(monkeypatch) -> None:
    """As the system does where memory runs out, in the middle of an upload."""
    embed(encode(draw_image(1)))
    victim = child()
    victim.send_signal(signal.SIGSTOP)
    real = isolated_process._warm_child

    def kill_when_asked() -> isolated_process.subprocess.Popen:
        asked = real()
        if asked.pid == victim.pid:
            threading.Timer(0.3, victim.kill).start()
        return asked

    monkeypatch.setattr(isolated_process, "_warm_child", kill_when_asked)
    with pytest.raises(CxrError, match=r"ended unexpectedly \(code -9\).*memory"):
        embed(encode(draw_image(1)))
    assert embed(encode(draw_image(1)))["width"] == 64


def test_a_child_that_failed_is_not_said_to_lack_memory(monkeypatch) -> None:
    """A program that cannot start ends with a code of its own."""
    failing = [
        isolated_process.sys.executable,
        "-c",
        "import sys; sys.stdin.buffer.readline(); sys.exit(1)",
    ]
    monkeypatch.setattr(isolated_process, "run_module", lambda *_: failing)
    with pytest.raises(CxrError, match=r"ended unexpectedly \(code 1\): it could not"):
        embed(encode(draw_image(1)))


def test_an_upload_that_takes_too_long_is_given_up() -> None:
    """A child that hangs is ended when the time is up; the next upload gets another."""
    embed(encode(draw_image(1)))
    child().send_signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(CxrError, match="took too long"):
        embed(encode(draw_image(1)), timeout=0.5)
    assert time.monotonic() - started < 60
    assert embed(encode(draw_image(1)))["width"] == 64


def test_waiting_for_others_is_part_of_the_time() -> None:
    """Whoever waits behind a long upload is told so."""
    with isolated_process._turn, pytest.raises(CxrError, match="Other uploads"):
        embed(encode(draw_image(1)), timeout=0.2)


def test_a_child_that_has_just_ended_by_itself_is_replaced_unseen() -> None:
    """It ends after idle minutes, perhaps as an upload comes: that one is served all the same."""
    first = isolated_process.subprocess.Popen(
        [isolated_process.sys.executable, "-c", "import sys; sys.stdin.buffer.read(1)"],
        stdin=isolated_process.subprocess.PIPE,
        stdout=isolated_process.subprocess.PIPE,
    )
    isolated_process._children.append(first)
    assert embed(encode(draw_image(1)))["width"] == 64
    assert first.returncode == 0
    assert child().pid != first.pid


def test_the_child_ends_with_its_server() -> None:
    """A closed pipe is the end; so is silence."""
    embed(encode(draw_image(1)))
    process = isolated_process._children[0]
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb"):
        target = io.BytesIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(isolated_process, "IDLE_SECONDS", 0.1)
            isolated_process.answer_requests(source, target)
    assert target.getvalue() == b""


def test_of_a_fault_the_log_has_kind_and_place_and_none_of_its_words(monkeypatch, caplog) -> None:
    """The words of an unforeseen error may quote the upload."""
    script = (
        "import sys; from cxrlib.uploads import isolated_process; sys.stdin.buffer.readline();"
        "isolated_process._report_fault(sys.stdout.buffer); raise ValueError('SECRET')"
    )
    failing = [isolated_process.sys.executable, "-c", script]
    monkeypatch.setattr(isolated_process, "run_module", lambda *_: failing)
    with pytest.raises(CxrError, match="its log says where, without any content of the upload"):
        embed(encode(draw_image(1)))
    assert "ValueError at <string>:1" in caplog.text
    assert "SECRET" not in caplog.text
