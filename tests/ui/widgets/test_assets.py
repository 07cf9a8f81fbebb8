"""The chart code that saves figures: served from this machine, kept by the browser."""

import asyncio
from dataclasses import dataclass

import plotly
import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message

from ui.widgets.assets import PLOTLY, plotly_url, routes


@dataclass(frozen=True)
class Answer:
    """Hold what came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(url: str) -> Answer:
    """Ask an app with these routes."""
    return asyncio.run(ask(Starlette(routes=routes()), url))


async def ask(app: ASGIApp, url: str) -> Answer:
    """Send one request and stay connected."""
    path, _, query = url.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": "",
        "query_string": query.encode(),
        "headers": [],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), timeout=20)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], got, body)


def test_the_chart_code_is_that_of_the_installed_plotly() -> None:
    """The address names the version, so it can be kept for as long as the browser likes."""
    answer = get(plotly_url())
    assert answer.status == 200
    assert answer.body == PLOTLY.read_bytes()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert plotly_url().endswith(f"?v={plotly.__version__}")


def test_nothing_else_is_served() -> None:
    """The route is one file's, not a folder's."""
    for path in ("/assets/", "/assets/../app.py", "/assets/widgetbundle.js"):
        assert get(path).status == 404


def test_a_base_path_stands_before_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy the dashboard may live under a path."""
    monkeypatch.setattr(st, "get_option", lambda name: "/chest/")
    assert plotly_url().startswith("/chest/assets/")
    answer = get(plotly_url())
    assert answer.status == 200
