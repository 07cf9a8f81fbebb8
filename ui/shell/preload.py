"""Let the browser fetch Plotly while the server is still at work on the first page.

Streamlit loads its chart code only when the first chart arrives: 4.7 MB to fetch and compile
that the browser could have done while it waited.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.widgets.address import base_path

__all__ = ["find_chart_code", "preload_charts"]


def find_chart_code() -> list[str]:
    """Find the addresses of Streamlit's own Plotly code; none where its layout has changed."""
    static = Path(st.__file__).parent / "static"
    found = sorted(static.glob("static/js/PlotlyChart.*.js"))
    return [f"{base_path()}/{path.relative_to(static).as_posix()}" for path in found]


def preload_charts() -> Middleware:
    """Return middleware that names the chart code in the header of every HTML page."""
    return Middleware(_Preload, links=[f"<{url}>; rel=modulepreload" for url in find_chart_code()])


class _Preload:
    """Add ``Link`` headers to HTML answers."""

    def __init__(self, app: ASGIApp, *, links: list[str]) -> None:
        self.app = app
        self.headers = [(b"link", link.encode()) for link in links]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_links(message: Message) -> None:
            if message["type"] == "http.response.start":
                kinds = [value for name, value in message["headers"] if name == b"content-type"]
                if any(kind.startswith(b"text/html") for kind in kinds):
                    message = {**message, "headers": [*message["headers"], *self.headers]}
            await send(message)

        await self.app(scope, receive, send_with_links if scope["type"] == "http" else send)
