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
from cxrlib.cohort import COHORT_COLUMN, UNKNOWN, JoinedCohort, format_plainly
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
    _check_both_cohorts(rows)
    if table["y"].nunique() < 2:
        only = table["label"].iloc[0]
        all_of_them = f"All {images} of" if rows.n_images > 1 else "The only image of"
        raise SelectionError(
            f"{all_of_them} the task {rows.task.title!r} {'have' if rows.n_images > 1 else 'has'} "
            f"the label {only!r}, so there is nothing to predict. Choose "
            "another column, or widen days, views and filters."
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


def _check_both_cohorts(rows: TaskRows) -> None:
    """Refuse rows of two joined cohorts of which one has none left."""
    if not isinstance(rows.cohort, JoinedCohort):
        return
    there = rows.cohort.table[COHORT_COLUMN].value_counts()
    left = set(rows.table[COHORT_COLUMN])
    for name, n in there.items():
        if name not in left:
            do = "test on" if name == rows.cohort.test_name else "train on"
            raise SelectionError(
                f"None of the {format_units(int(n), 'image')} of cohort {name!r} has all that the "
                f"task {rows.task.title!r}, the filters and the features ask for: there is nothing "
                f"to {do}. Widen task and filters, choose features that it has, or compute them "
                "for it."
            )


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
