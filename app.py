"""The dashboard's entry point: ``streamlit run app.py``.

The main script is ``ui/router.py``, so that no ``pages/`` folder lies beside it: Streamlit
would otherwise serve a deep link without the frame that carries the notice.
"""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st

from ui.images import image_route
from ui.shell.memory import settle_memory
from ui.shell.preload import preload_charts
from ui.shell.upload_gate import guard_uploads
from ui.widgets import assets

#: What the first run of a baseline would wait for.
SKLEARN_PARTS = ("linear_model", "pipeline", "preprocessing", "decomposition", "model_selection")
WORKER_DELAY = 15.0  # seconds after the server's start
WORKER_SIGN = 30.0  # seconds between two signs that a worker is wanted


def warm_up() -> None:
    """Import what the first page needs and load the cohort while the browser is on its way."""
    import ui.trajectories.drawing  # Plotly and the charts
    from cxrlib.errors import CxrError
    from cxrlib.quality import find_flags
    from ui.session.resources import find_cohort, list_cohorts, load_current

    slug = list_cohorts()[0].slug
    with contextlib.suppress(CxrError):  # the page will say it
        find_flags(find_cohort(slug))  # what every page's filters ask for first
        load_current(slug)
    for name in SKLEARN_PARTS:
        importlib.import_module(f"sklearn.{name}")
    import ui.baselines.feature_sets
    import ui.baselines.protocol_steps
    import ui.baselines.report
    import ui.patients.similar_patients
    import ui.patients.timeline
    import ui.trajectories.faithfulness
    import ui.trajectories.lasso  # noqa: F401  (what other pages import, before memory is settled)

    settle_memory()


async def keep_worker() -> None:
    """Keep a worker running, so that UMAP is compiled before anyone asks for a map.

    Not at once: the first page comes first on a machine with few cores.
    """
    from cxrlib.errors import CxrError
    from ui.session.jobs import open_queue

    await asyncio.sleep(WORKER_DELAY)
    while True:
        with contextlib.suppress(CxrError):  # the page that asks for a job will say it
            await asyncio.to_thread(open_queue().keep_worker)
        await asyncio.sleep(WORKER_SIGN)


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Warm up beside the server's own start, and keep a worker while the server runs."""
    warming = asyncio.create_task(asyncio.to_thread(warm_up))
    keeping = asyncio.create_task(keep_worker())
    yield {}
    keeping.cancel()
    await warming


app = st.App(
    "ui/router.py",
    routes=[*image_route.routes(), *assets.routes()],
    lifespan=lifespan,
    middleware=[guard_uploads(), preload_charts()],
)
