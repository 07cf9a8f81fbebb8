"""On whom a run's number rests: single persons, sex and age, calibration in the large."""

import functools
from collections.abc import Sequence
from functools import partial

import pandas as pd

from cxrlib.calibration import check_calibration
from cxrlib.charts.calibration import describe_calibration, plot_calibration
from cxrlib.charts.scores import is_number, write_interval
from cxrlib.errors import SelectionError
from cxrlib.influence import find_influence
from cxrlib.intervals import name_units
from cxrlib.runs import Run
from cxrlib.subgroups import score_subgroups
from ui.cohort_charts import show_chart
from ui.table import show_table
from ui.text import show_alert, show_heading, show_quiet

__all__ = ["load_calibration", "load_influence", "load_subgroups", "show_persons"]

NOT_ESTIMABLE = "not estimable"
MOST_PERSONS = 12  # of the list on screen; what is saved has all


@functools.lru_cache(maxsize=32)
def load_influence(run: Run) -> pd.DataFrame:
    """Find once how each person moves the pooled score."""
    return find_influence(run.result)


@functools.lru_cache(maxsize=32)
def load_subgroups(run: Run) -> pd.DataFrame:
    """Score the subgroups of a run once."""
    return score_subgroups(run.result)


@functools.lru_cache(maxsize=32)
def load_calibration(run: Run) -> pd.DataFrame:
    """Check the calibration of a run once."""
    return check_calibration(run.result)


def show_persons(run: Run, *, provenance: Sequence[str], stem: str) -> None:
    """Show on whom the number rests, scores by sex and age, and the calibration in the large."""
    _show_influence(run, provenance, stem)
    _show_subgroups(run, provenance, stem)
    _show_calibration(run, provenance, stem)


def _write(value: object) -> str:
    return f"{float(value):.2f}" if is_number(value) else "–"


def _show_influence(run: Run, provenance: Sequence[str], stem: str) -> None:
    show_heading("Who changes the number most when left out")
    try:
        table = load_influence(run)
    except SelectionError as error:
        show_alert(str(error))
        return
    top = table.head(MOST_PERSONS)
    shown = pd.DataFrame(
        {
            "person": top["person_id"],
            "held out": top["fold"],
            "images": top["n_images"],
            "score": [_write(value) for value in top["score"]],
            "without": [_write(value) for value in top["without"]],
            "change": [_write(value) for value in top["change"]],
            "why": top["reason"],
        }
    )
    show_table(
        shown,
        key="baseline_influence",
        provenance=provenance,
        file_stem=f"{stem}-influence",
        numbers=table,
    )
    show_quiet(
        f"Pooled within groups; the models stay as they are. The first {len(top)} of "
        f"{name_units(len(table), 'person')}."
    )


def _show_subgroups(run: Run, provenance: Sequence[str], stem: str) -> None:
    show_heading("By sex and age")
    table = load_subgroups(run)
    shown = pd.DataFrame(
        {
            "by": table["grouping"],
            "group": table["group"],
            "score (95 % interval)": [
                write_interval(row) if is_number(row["value"]) else NOT_ESTIMABLE
                for row in table.to_dict("records")
            ],
            "images": table["n_images"],
            "persons": table["n_persons"],
            "why": table["reason"],
        }
    )
    show_table(
        shown,
        key="baseline_subgroups",
        provenance=provenance,
        file_stem=f"{stem}-subgroups",
        numbers=table,
    )
    show_quiet("Only pairs of one held-out group are compared; intervals over persons.")


def _show_calibration(run: Run, provenance: Sequence[str], stem: str) -> None:
    try:
        table = load_calibration(run)
    except SelectionError as error:
        show_heading("Calibration in the large")
        show_quiet(str(error))
        return
    settings, unit = run.spec.settings, run.spec.task.unit
    show_chart(
        partial(plot_calibration, table, hold_out=settings.hold_out, unit=unit),
        key="calibration",
        alt=describe_calibration(table, hold_out=settings.hold_out, unit=unit),
        heading="Calibration in the large",
        caption="Mean prediction less what is recorded, 95 % intervals over persons. How common an "
        "outcome is here is a matter of who published: a model is off wherever that differs.",
        numbers=table,
        provenance=provenance,
        stem=stem,
    )
