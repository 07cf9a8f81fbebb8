"""The button that makes a run: at once where that takes seconds, else as a job."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrlib.baselines.evaluation import is_own, is_slow
from cxrlib.baselines.features import FeatureChoice
from cxrlib.baselines.runs import RunSpec, make_run_parameters
from cxrlib.cohort import Cohort, CohortEntry
from cxrlib.errors import SelectionError
from cxrlib.jobs import JobRequest
from cxrlib.storage import JSON
from ui.baselines.cached import run_now
from ui.baselines.controls import is_opening
from ui.baselines.own_labels import keep_for_job
from ui.baselines.second_cohort import find_tested_entry
from ui.session.jobs import offer_job
from ui.session.resources import find_cohort
from ui.widgets.text import show_alert, show_text

__all__ = ["NO_PIXELS", "make_request", "offer_run"]

#: Why a job that fits hundreds of models is not offered.
NO_PIXELS = "Not available for pixels: fitting hundreds of networks would take hours."


def offer_run(
    entry: CohortEntry,
    cohort: Cohort,
    spec: RunSpec,
    choice: FeatureChoice,
    *,
    place: DeltaGenerator,
) -> None:
    """Offer the run that is asked for, or describe what is missing.

    Parameters
    ----------
    entry : CohortEntry
    cohort : Cohort
    spec : RunSpec
        With the filters.
    choice : FeatureChoice
        What it learns from.
    place : DeltaGenerator
        For the button, beside the settings.
    """
    if not choice.is_ready:
        show_text(f"{choice.title} cannot be run yet. {choice.why_not} {choice.what_to_do}")
        return
    if choice.kind == "pixels":
        show_text(
            "A small neural network learns from 50,176 pixels of each image, with three seeds."
        )
        offer_job(
            make_request("pixels-loco", entry, spec),
            label=f"Neural network on pixels: {spec.task.title}",
            button="Run as a job (a minute or two)",
            primary=True,
        )
        return
    if is_own(spec.settings.model):
        show_text(
            f"The model {spec.describe_model()} was given in Python, and this run of it is not "
            "stored. Call cxrlib.evaluate_loco with it, or choose another model above."
        )
        return
    if is_slow(spec.settings.model):
        show_text(
            f"This has not been run yet. A {spec.describe_model()} takes seconds for each "
            f"{spec.settings.group} held out, so it runs as a job."
        )
        offer_job(
            make_request("slow-loco", entry, spec),
            label=f"{spec.describe_model().capitalize()}: {spec.task.title}, {spec.features}",
            button="Run as a job (up to a minute)",
            primary=True,
        )
        return
    show_text(
        f"This has not been run yet. A run takes a few seconds: each {spec.settings.group} "
        "is held out in turn and predicted by a model trained on the others. Every run is counted."
    )
    pressed = place.button("Run", type="primary", key="baseline_go", icon=":material/play_arrow:")
    if pressed or is_opening():
        try:
            run_now(cohort, spec)
        except SelectionError as error:
            show_alert(str(error))
        else:
            st.rerun()


def make_request(kind: str, entry: CohortEntry, spec: RunSpec, **more: JSON) -> JobRequest:
    """Make the request of a job on a run: all that the run is, as plain values.

    Parameters
    ----------
    kind : {"null", "shift", "refit", "slow-loco", "pixels-loco"}
    entry : CohortEntry
    spec : RunSpec
    more
        What the job takes besides.
    """
    parameters = make_run_parameters(spec, str(entry.path))
    tested = find_tested_entry(find_cohort(entry.slug), spec.settings.hold_out)
    parameters |= {} if tested is None else {"test_on": str(tested.path)}
    parameters |= keep_for_job(spec.labels)
    if kind == "pixels-loco":
        del parameters["features"]
    return JobRequest(kind, {**parameters, **more})
