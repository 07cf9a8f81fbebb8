"""Routes for files that the browser fetches from this server only when needed.

The chart code comes with the plotly package. Streamlit has its own copy, shut in a bundle that
lets nothing out, so what saves a figure needs this one.
"""

from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Route

from ui.widgets.address import base_path

__all__ = ["plotly_url", "routes"]

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
#: The address carries the version, so what is kept is never old.
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


def routes() -> list[BaseRoute]:
    """Return the routes to give to ``st.App``."""
    return [Route(f"{base_path()}/assets/plotly.min.js", _send_plotly, methods=["GET"])]


def plotly_url() -> str:
    """Give the address of the chart code."""
    return f"{base_path()}/assets/plotly.min.js?v={plotly.__version__}"


async def _send_plotly(request: Request) -> FileResponse:
    return FileResponse(PLOTLY, media_type="text/javascript", headers=HEADERS)
