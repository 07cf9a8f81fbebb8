"""The upload panel and the server's gate: off by default, in memory, dropped once read."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from cxrlib.uploads import ALLOW_VARIABLE
from cxrlib.uploads.isolated_process import end_child
from tests.cohort_factory import draw_image
from tests.dicom_factory import MARKER, make_dicom
from tests.pages.reading import written
from ui.shell.upload_gate import IN_MEMORY, guard_uploads

APP = Path(__file__).with_name("upload_app.py")
TIMEOUT = 120  # seconds


@pytest.fixture
def page(served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """Give the panel on the small demo cohort, uploads allowed, not run yet."""
    data, cache = served_demo
    monkeypatch.setenv("CXR_DATA", str(data))
    monkeypatch.setenv("CXR_CACHE", str(cache))
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    yield AppTest.from_file(str(APP), default_timeout=TIMEOUT)
    end_child()


def bring(page: AppTest, payload: bytes) -> None:
    """Upload a file, under a name that must not be shown."""
    page.file_uploader[0].set_value((f"{MARKER}.dcm", payload, "application/dicom"))
    page.run()


def test_nothing_is_there_unless_the_server_was_started_for_it(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No widget and no word."""
    monkeypatch.delenv(ALLOW_VARIABLE)
    page.run()
    assert not page.exception
    assert not page.file_uploader
    assert not page.expander
    assert "nothing placed" in written(page)
    assert "X-ray to this map" not in written(page)


def test_an_upload_is_placed_shown_and_dropped(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Placed beside its nearest; its bytes and its name are gone from Streamlit's memory."""
    removed = []
    real = MemoryUploadedFileManager.remove_file

    def remove(self: MemoryUploadedFileManager, session_id: str, file_id: str) -> None:
        removed.extend(self.get_files(session_id, [file_id]))
        real(self, session_id, file_id)
        assert self.get_files(session_id, [file_id]) == []

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", remove)
    page.run()
    assert "never stored" in written(page)
    payload = make_dicom(draw_image(3, height=300, width=260))
    bring(page, payload)
    assert not page.exception
    assert [file.data for file in removed] == [payload]
    assert "placed" in written(page).split("\n")
    assert "nearest" in written(page)
    assert "No density, share or score is computed" in written(page)
    assert "SECRET" not in written(page)
    assert not page.file_uploader
    kept = page.session_state["uploaded_xray"]
    assert payload not in [value for value in vars(kept).values() if isinstance(value, bytes)]
    table = page.dataframe[0].value
    assert list(table) == [
        *("Rank", "Image", "Patient", "Day", "View", "Source", "Distance", "Weight, %")
    ]
    page.button(key="remove_upload").click().run()
    assert "nothing placed" in written(page)
    assert "uploaded_xray" not in page.session_state
    assert "placed_xray" not in page.session_state


def test_what_cannot_be_used_is_said_until_the_next(page: AppTest) -> None:
    """The page goes on, and takes another."""
    page.run()
    bring(page, make_dicom(draw_image(3), Modality="CT"))
    assert not page.exception
    assert "it is a CT, not a radiograph" in written(page)
    bring(page, make_dicom(draw_image(3)))
    assert "it is a CT" not in written(page)
    assert "placed" in written(page).split("\n")


def test_an_upload_read_for_another_map_is_not_placed(page: AppTest) -> None:
    """Its numbers are another extractor's, and its bytes are gone."""
    page.run()
    bring(page, make_dicom(draw_image(3)))
    upload = page.session_state["uploaded_xray"]
    page.session_state["uploaded_xray"] = replace(
        upload, info=replace(upload.info, preprocessing="other")
    )
    page.run()
    assert not page.exception
    assert "Remove the X-ray and upload it again" in written(page)
    assert "nothing placed" in written(page)


# ---- the gate


def send_form(payload: bytes, path: str = "/_stcore/upload_file/s/f") -> tuple[int, bytes]:
    """Send a file as a browser does, to a server that reads it as Streamlit does."""

    async def read(request: Request) -> PlainTextResponse:
        async with request.form() as form:
            file = next(value for value in form.values() if isinstance(value, UploadFile))
            on_disk = getattr(file.file, "_rolled", True)
            return PlainTextResponse(f"{len(await file.read())} rolled={on_disk}")

    app = Starlette(
        routes=[Route("/{rest:path}", read, methods=["PUT"])], middleware=[guard_uploads()]
    )
    mark = b"--x\r\n"
    body = mark + b'Content-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + payload
    body += b"\r\n--x--\r\n"
    return asyncio.run(_ask(app, path, body))


async def _ask(app: Starlette, path: str, body: bytes) -> tuple[int, bytes]:
    scope = {
        "type": "http",
        "method": "PUT",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
    }
    parts = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])


def test_the_server_lets_no_upload_in_unless_started_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Streamlit's address for uploads is there whether a page has a widget or not."""
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
    assert send_form(b"x" * 100) == (403, b"Uploads are not allowed here.")
    assert send_form(b"x", "/base/_stcore/upload_file/s/f")[0] == 403
    assert send_form(b"x", "/elsewhere")[0] == 200


def test_a_large_upload_is_not_laid_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit's parser would write what is over 1 MB into a temporary file."""
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    opened = []
    real = tempfile.TemporaryFile
    monkeypatch.setattr(
        tempfile, "TemporaryFile", lambda *a, **k: opened.append(a) or real(*a, **k)
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    payload = np.random.default_rng(0).bytes(5 << 20)
    assert send_form(payload) == (200, f"{len(payload)} rolled=False".encode())
    assert opened == []
    assert IN_MEMORY > 200 * 10**6
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1 << 20)
    monkeypatch.setattr("ui.shell.upload_gate.IN_MEMORY", 1 << 20)
    assert send_form(payload)[1].endswith(b"rolled=True"), "this test would see it"
