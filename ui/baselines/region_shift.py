"""How much a run loses by training in other regions than it is tested in: a job."""

from functools import partial

from cxrlib.baselines.evaluation import load_shift
from cxrlib.charts.scores import describe_region_shift, plot_region_shift
from cxrlib.storage import Store
from ui.baselines.run_button import NO_PIXELS, make_request
from ui.baselines.run_view import RunView, show_details
from ui.session.jobs import offer_job
from ui.session.resources import find_cache
from ui.widgets.chart import show_chart
from ui.widgets.text import show_quiet, show_text

__all__ = ["show_region_shift"]


def show_region_shift(view: RunView) -> None:
    """Compare models trained outside and inside each group on the same images."""
    run, hold_out = view.run, view.hold_out
    show_text(
        f"Does a model lose accuracy because it was trained in another {hold_out}, or because it "
        "had fewer examples? Models trained outside and inside predict the same test images, from "
        "equally many images of each class."
    )
    if run.result.features.kind == "pixels":
        show_quiet(NO_PIXELS)
        return
    store = Store(find_cache())
    shift = load_shift(run.result.rows, run.result.features, run.spec.settings, store)
    if shift is None:
        offer_job(
            make_request("shift", view.entry, run.spec),
            label=f"Region shift: {run.spec.task.title}, {run.spec.features}",
            button="Compare models from outside and inside",
        )
        return
    show_chart(
        partial(plot_region_shift, shift.table, shift.repeats, hold_out=hold_out),
        key="shift",
        alt=describe_region_shift(shift.table, hold_out=hold_out),
        heading=f"Loss from training in another {hold_out}",
        caption=f"Concordance of within-{hold_out} models minus out-of-{hold_out} models. "
        "95 % intervals, bootstrap over patients.",
        numbers=shift.table,
        provenance=view.provenance,
        stem=view.stem,
    )
    show_details(
        "Concordance is the share of pairs of test images that are ranked correctly.",
        "Thin marks: repeats with other training images drawn.",
        "The bootstrap resamples the tested patients and does not refit the models.",
    )
