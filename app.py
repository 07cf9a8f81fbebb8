"""The dashboard's entry point: ``streamlit run app.py``.

The main script is ``ui/router.py``, so that no ``pages/`` folder lies beside it: Streamlit
would otherwise serve a deep link without the frame that carries the notice.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st

from ui.preload import preload_charts


def warm_up() -> None:
    """Import what the first page needs and load the cohort while the browser is on its way."""
    import ui.map_details  # noqa: F401  (Plotly and the charts)
    from cxrlib.errors import CxrError
    from ui.resources import list_cohorts, load_current

    with contextlib.suppress(CxrError):  # the page will say it
        load_current(list_cohorts()[0].slug)


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Warm up beside the server's own start."""
    warming = asyncio.create_task(asyncio.to_thread(warm_up))
    yield {}
    await warming


app = st.App("ui/router.py", lifespan=lifespan, middleware=[preload_charts()])
