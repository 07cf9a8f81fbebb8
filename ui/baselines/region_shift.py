"""How much a run loses by training in other regions than it is tested in: a job."""

from cxrlib.baselines.evaluation import load_region_shift, refuse_region_shift
from cxrlib.reports import describe_shift_model, make_shift_part
from cxrlib.storage import Store
from ui.baselines.run_button import NO_PIXELS, make_request
from ui.baselines.run_view import RunView, show_part
from ui.session.jobs import offer_job
from ui.session.resources import find_cache
from ui.widgets.text import show_quiet, show_text

__all__ = ["show_region_shift"]


def show_region_shift(view: RunView) -> None:
    """Compare models trained outside and inside each group on the same images."""
    run, hold_out = view.run, view.hold_out
    show_text(
        f"Does a model lose accuracy because it was trained in another {hold_out}, or because it "
        "had fewer examples? Models trained outside and inside predict the same test images, from "
        f"equally many images of each class ({describe_shift_model(run)})."
    )
    if run.result.features.kind == "pixels":
        show_quiet(NO_PIXELS)
        return
    if reason := refuse_region_shift(run.spec.settings):
        show_quiet(reason)
        return
    store = Store(find_cache())
    shift = load_region_shift(run.result.rows, run.result.features, run.spec.settings, store)
    if shift is None:
        offer_job(
            make_request("shift", view.entry, run.spec),
            label=f"Region shift: {run.spec.task.title}, {run.spec.features}, "
            f"{run.spec.settings.model}",
            button="Compare models from outside and inside",
        )
        return
    show_part(view, make_shift_part(run, shift))
