"""The header that lets the browser fetch the chart code early."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ui.shell.preload import find_chart_code, preload_charts


def answer(response: Response) -> dict[bytes, bytes]:
    """Send a response through the middleware; give its headers."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    middleware = preload_charts()
    app = middleware.cls(response, *middleware.args, **middleware.kwargs)
    asyncio.run(app({"type": "http", "method": "GET"}, receive, send))
    return dict(sent[0]["headers"])


def test_pages_name_the_chart_code_and_nothing_else_does() -> None:
    """Streamlit's own Plotly file is found, and named in the header of HTML alone."""
    (address,) = find_chart_code()
    assert (Path(st.__file__).parent / "static" / address.lstrip("/")).is_file()
    assert (
        answer(HTMLResponse("<p>page</p>"))[b"link"] == f"<{address}>; rel=modulepreload".encode()
    )
    assert b"link" not in answer(PlainTextResponse("text"))


def test_below_a_base_path_the_chart_code_is_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the dashboard is served below a path, so are Streamlit's own files."""
    (plain,) = find_chart_code()
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": "/ward/5/"}.get)
    assert find_chart_code() == [f"/ward/5{plain}"]
