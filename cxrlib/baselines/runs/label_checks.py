"""What must be said of a run's labels and groups, and labels and groups that give no answer."""

from cxrlib.baselines.evaluation import (
    LocoSettings,
    format_held_out,
    list_groups,
    name_group,
    parse_hold_out,
)
from cxrlib.baselines.features import describe_leaks
from cxrlib.baselines.tasks import TaskRows, parse_own_column
from cxrlib.cohort import UNKNOWN, JoinedCohort, format_plainly
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units

_PERSONS = (
    "Hold out parts of the persons instead (--hold-out persons:5), or the groups of a column "
    "(--hold-out column:NAME)."
)


def describe_labels_and_groups(rows: TaskRows, settings: LocoSettings) -> tuple[str, ...]:
    """Say where labels come from, what gives them away, and that all images are of one place."""
    own = parse_own_column(rows.task.column)
    names = set() if own is None or own.kind == "finding" else {own.name}
    notes = [column.note for column in rows.cohort.extra if column.name in names and column.note]
    if isinstance(rows.cohort, JoinedCohort):
        notes.append(rows.cohort.note)
    return (*notes, *describe_leaks(rows), _describe_one_group(rows, settings))


def check_evaluable(rows: TaskRows, settings: LocoSettings) -> None:
    """Refuse rows of which no evaluation has an answer; what is missing and what to do is said.

    Raises
    ------
    SelectionError
        If all labels are one, no image has a group, or a column has one value.
    """
    table, noun = rows.table, name_group(settings.hold_out)
    if table.empty:
        return  # which the evaluation refuses, with the step that left none
    images = format_units(rows.n_images, "image")
    if table["y"].nunique() < 2:
        only = table["label"].iloc[0]
        raise SelectionError(
            f"All {images} of the task {rows.task.title!r} have the label {only!r}, so there is "
            "nothing to predict. Choose another column, or widen days, views and filters."
        )
    names = set(list_groups(table, settings.hold_out))
    if parse_hold_out(settings.hold_out).kind in ("persons", "cohort"):
        return
    if names == {UNKNOWN}:
        raise SelectionError(
            f"None of the {images} has a {noun} recorded, so none can be held out. {_PERSONS}"
        )
    reason = _describe_one_group(rows, settings)
    if reason and parse_hold_out(settings.hold_out).kind == "column":
        raise SelectionError(reason)


def _describe_one_group(rows: TaskRows, settings: LocoSettings) -> str:
    """Say that all images are of one group, and what could be held out instead; "" else."""
    names = set(list_groups(rows.table, settings.hold_out))
    if len(names) != 1 or names == {UNKNOWN}:
        return ""
    return (
        f"All {format_units(rows.n_images, 'image')} are of one {name_group(settings.hold_out)}, "
        f"{format_plainly(names.pop())!r}: with it held out, no other "
        f"{format_held_out(None, settings.hold_out)} are left to train on. {_PERSONS}"
    )
