"""Under the answer: what the image adds to shortcuts, and the score with a shortcut taken away."""

import contextlib
import functools

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrlib.aliases import ShouldStop
from cxrlib.baselines.evaluation import is_slow
from cxrlib.baselines.runs import (
    ImageAdds,
    Run,
    Unaltered,
    compare_unaltered,
    compute_image_adds,
)
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.storage import Store
from ui.baselines.run_button import make_request
from ui.baselines.run_view import RunView
from ui.session.jobs import offer_job
from ui.session.resources import find_cache
from ui.widgets.text import show_quiet

__all__ = ["show_image_adds"]


def show_image_adds(view: RunView, place: DeltaGenerator) -> None:
    """Show a quiet line each on what was taken away and on what the image adds.

    With a slow model they are shown where a job made them.

    Parameters
    ----------
    view : RunView
    place : DeltaGenerator
        Under the answer. Called last: the rest of the page need not wait for two or three runs.
    """
    with place:
        line = st.empty()
        with line.container():
            show_quiet("Comparing with the shortcuts …")
        try:
            adds, unaltered = _load(view.run)
        except RunStoppedError:
            with line.container():
                _offer(view)
            return
        with line.container():
            if unaltered is not None:
                show_quiet(unaltered.describe(view.metric))
            if adds is not None:
                first, *others = adds.describe(view.metric)
                st.caption(first, help=" ".join(others))  # our words and numbers only


def _offer(view: RunView) -> None:
    """Offer the job of a slow run anew, which makes what stands beside it."""
    spec = view.run.spec
    offer_job(
        make_request("slow-loco", view.entry, spec),
        label=f"{spec.describe_model().capitalize()} beside shortcuts: {spec.task.title}",
        button="Compare with the shortcuts (a job)",
    )


@functools.lru_cache(maxsize=64)
def _load(run: Run) -> tuple[ImageAdds | None, Unaltered | None]:
    """Compute them, or read what was computed before, once for all sessions."""
    store = Store(find_cache())
    stop: ShouldStop | None = (lambda: True) if is_slow(run.spec.settings.model) else None
    adds = unaltered = None
    with contextlib.suppress(SelectionError):  # features that use no image: the answer says so
        adds = compute_image_adds(run, store, should_stop=stop)
    with contextlib.suppress(SelectionError):  # a model given in Python, which is not stored
        if run.spec.settings.removal:
            unaltered = compare_unaltered(run, store, should_stop=stop)
    return adds, unaltered
