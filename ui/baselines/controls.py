"""What the baselines page is asked for: task, features, protocol, what is held out, seed.

All of it stands in the address, by the names that the command line has for it. The filters at
the side stand there by their own names.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from cxrlib.baselines.evaluation import HOLD_OUTS, MEAN, POOLED, PROTOCOLS, find_protocol
from cxrlib.baselines.features import FeatureChoice
from cxrlib.baselines.runs import MAX_SEED, QUERY_NAMES, RunSpec
from cxrlib.baselines.tasks import FORMED, PAPER_TASKS, Task, find_task, form_task
from cxrlib.cohort import MAX_DAYS, XRAY_VIEWS, Cohort
from cxrlib.errors import SelectionError
from ui.baselines.cached import load_columns
from ui.widgets.address import PageAddress, write_parameters
from ui.widgets.choice import choose_part
from ui.widgets.jump import jump_to
from ui.widgets.text import show_alert, show_quiet

__all__ = [
    "ALL_GROUPS",
    "PART",
    "SECTIONS",
    "ask",
    "change_task",
    "choose_section",
    "choose_settings",
    "choose_task",
    "find_spec",
    "is_opening",
    "jump_where_wished",
    "open_cell",
    "write_address",
]

SPEC = "baseline_spec"  # in the session's state
ADDRESS = PageAddress("baseline_written", tuple(QUERY_NAMES))
OPENING = "baseline_opening"  # in the session's state: whether the reader has asked for nothing
TROUBLE = "baseline_trouble"  # in the session's state: why the last change could not be made
OWN = "your own"
ALL_GROUPS = "all groups"
IMAGES = "test images"
PART = "baseline_part"  # key of what stands below the main figure
JUMP = "baseline_jump"  # in the session's state: whether a mark was clicked
# The words are the values: what stands in the address is what stands on the screen.
SECTIONS = (
    *("task", "feature sets", IMAGES, "chance", "shift", "protocols", "persons"),
    *("paper", "runs", "report"),
)
EXCLUSIONS = {
    "tube in place": ("intubation_present", "yes"),
    "in the ICU": ("in_icu", "yes"),
}
DAYS = (float(-MAX_DAYS), float(MAX_DAYS))  # that a window can begin after or end before


@dataclass(frozen=True)
class Asked:
    """Hold what is asked for, and of which cohort.

    Parameters
    ----------
    slug : str
    spec : RunSpec
        Without filters: those are the sidebar's.
    """

    slug: str
    spec: RunSpec


def find_spec(slug: str, cohort: Cohort, choices: Sequence[FeatureChoice]) -> RunSpec:
    """Return what to run: what a link or the browser's Back asks for, else what was asked last.

    Parameters
    ----------
    slug : str
        Of the cohort in use.
    cohort : Cohort
    choices : sequence of FeatureChoice
        Feature sets of this cohort.

    Returns
    -------
    RunSpec
        Without filters.
    """
    kept, address = st.session_state.get(SPEC), ADDRESS.read()
    st.session_state[OPENING] = not isinstance(kept, Asked) and not address
    spec = kept.spec if isinstance(kept, Asked) else _open_on(choices)
    if address and ADDRESS.is_new():
        spec = _follow(address, spec, cohort)
    names = {choice.name for choice in choices}
    if spec.features not in names:
        show_alert(
            f"This cohort has no feature set {spec.features[:60]!r} on this server. "
            f"{_choose_features(choices)!r} stands in its place; choose another below."
        )
        spec = replace(spec, features=_choose_features(choices))
    st.session_state[SPEC] = Asked(slug, spec)
    return spec


def is_opening() -> bool:
    """Tell whether this is what the page opens on: it then makes its run by itself."""
    return bool(st.session_state.get(OPENING))


def _open_on(choices: Sequence[FeatureChoice]) -> RunSpec:
    return RunSpec(find_task("icu-stay"), _choose_features(choices))


def _follow(address: Mapping[str, str], spec: RunSpec, cohort: Cohort) -> RunSpec:
    """Read the address over what is asked for already; say what it has that cannot be used."""
    asked, complaints = RunSpec.from_query({**_to_address(spec), **address}, cohort)
    for complaint in complaints:
        show_alert(f"In the address: {complaint}")
    return asked


def _to_address(spec: RunSpec) -> dict[str, str]:
    """Write what is asked for as parameters; the filters' own widgets write theirs."""
    return {name: values[0] for name, values in spec.to_query().items() if name in QUERY_NAMES}


def write_address(spec: RunSpec) -> None:
    """Keep what is asked for in the address."""
    ADDRESS.write(_to_address(spec))


def ask(spec: RunSpec) -> None:
    """Ask for another run, from the next run of the page on; for callbacks."""
    st.session_state[SPEC] = replace(st.session_state[SPEC], spec=replace(spec, where=""))
    # A second choice may come before the address of the first has reached the browser.
    ADDRESS.settle()


def _choose_features(choices: Sequence[FeatureChoice]) -> str:
    """Choose what to open on: the paper's 18 outputs, else the first set that is ready."""
    ready = [choice.name for choice in choices if choice.is_ready]
    outputs = [name for name in ready if name.endswith(":outputs")]
    # An untrained network is a control: it stands for nothing that a reader would try first.
    outputs.sort(key=lambda name: "untrained" in name)
    wanted = ("outputs", *outputs, *ready)
    return next((name for name in wanted if name in ready), choices[0].name)


# ---- the task


def choose_task(cohort: Cohort, spec: RunSpec) -> None:
    """Let the reader choose one of the paper's tasks, or form one of their own."""
    if trouble := st.session_state.pop(TROUBLE, ""):
        show_alert(str(trouble))
    names = {task.title: task.name for task in PAPER_TASKS}
    title = next((title for title, name in names.items() if name == spec.task.name), OWN)
    st.session_state["baseline_task"] = title
    st.pills(
        "Task",
        [*names, OWN],
        key="baseline_task",
        required=True,
        on_change=_take_task,
        args=(spec, names, cohort),
        label_visibility="collapsed",
    )


def change_task(cohort: Cohort, spec: RunSpec) -> None:
    """Show a button that opens what the task is made of, to be changed."""
    is_changed = not spec.task.is_published
    with st.popover(
        "The task, changed" if is_changed and spec.task.name != FORMED else "Change the task",
        type="tertiary",
        icon=":material/tune:",
    ):
        _show_task_form(cohort, spec)


def _take_task(spec: RunSpec, names: Mapping[str, str], cohort: Cohort) -> None:
    """Turn to another task of the paper, or to the first column that can be predicted."""
    title = st.session_state["baseline_task"]
    if title in names:
        ask(replace(spec, task=find_task(names[title])))
        return
    with _kept_trouble():
        usable = [column for column in load_columns(cohort) if not column.reason]
        # First what the paper has not asked: its own tasks stand beside.
        usable.sort(key=lambda column: column.column in {task.column for task in PAPER_TASKS})
        if not usable:
            raise SelectionError(
                "No column of this cohort has two values: there is nothing to predict."
            )
        ask(replace(spec, task=form_task(cohort, usable[0].column)))


@contextlib.contextmanager
def _kept_trouble() -> Iterator[None]:
    """Keep a known error of a callback: what a callback shows is lost with the next run."""
    try:
        yield
    except SelectionError as error:
        st.session_state[TROUBLE] = str(error)


def _show_task_form(cohort: Cohort, spec: RunSpec) -> None:
    """Show what a task is made of, to be changed in one go."""
    task = spec.task
    columns = {column.column: column for column in load_columns(cohort)}
    show_quiet(
        "What is predicted, from which images. Anything but the paper's own definition is named "
        "on every number."
    )
    with st.form("baseline_task_form", border=False):
        column = st.selectbox(
            "Predicted",
            list(columns),
            index=list(columns).index(task.column),
            format_func=lambda name: (
                f"{columns[name].title} ({columns[name].n_labelled:,} X-rays labelled)"
            ),
        )
        # An address may name others, which the cohort then does not have.
        known = list(dict.fromkeys([*XRAY_VIEWS, *task.views]))
        views = st.multiselect("Views", known, default=list(dict.fromkeys(task.views)))
        left, right = st.columns(2)
        after = _choose_day(left, "Day after", task.after)
        before = _choose_day(right, "Day before", task.before)
        show_quiet("Strictly between the two; both empty: images without a day stay as well.")
        with_day_0 = st.checkbox("Day 0 as well", value=task.with_day_0)
        exclusions = _list_exclusions(task)
        without = st.multiselect(
            "Images left out",
            list(exclusions),
            default=[name for name, each in exclusions.items() if each in task.without],
        )
        changes = {
            "views": tuple(views),
            "after": after,
            "before": before,
            "with_day_0": with_day_0,
            "without": tuple(exclusions[name] for name in without),
        }
        if st.form_submit_button("Use this task"):
            with _kept_trouble():
                ask(replace(spec, task=_change_task(cohort, task, str(column), changes)))
            st.rerun()


def _change_task(cohort: Cohort, task: Task, column: str, changes: Mapping[str, object]) -> Task:
    """Change a task, or form another where another column is predicted."""
    if column == task.column:
        return replace(task, **changes)  # type: ignore[arg-type]
    return form_task(cohort, column, **changes)  # type: ignore[arg-type]


def _choose_day(place: Any, label: str, day: float | None) -> float | None:  # noqa: ANN401
    """Let the reader choose an end of the window; an address may name half a day."""
    value = None if day is None else float(day)
    chosen = place.number_input(label, *DAYS, value=value, step=1.0, format="%g", placeholder="any")
    return None if chosen is None else float(chosen)


def _list_exclusions(task: Task) -> dict[str, tuple[str, str]]:
    """List by name what can be left out: the usual, and what the task leaves out besides."""
    others = {
        f"{column}: {answer}": (column, answer)
        for column, answer in task.without
        if (column, answer) not in EXCLUSIONS.values()
    }
    return EXCLUSIONS | others


# ---- features, protocol, what is held out


def choose_settings(spec: RunSpec, choices: Sequence[FeatureChoice]) -> None:
    """Let the reader choose features, protocol and what is held out; a change makes no run."""
    _choose("baseline_features", spec.features)
    titles = {choice.name: choice.title for choice in choices}
    ready = {choice.name for choice in choices if choice.is_ready}
    st.selectbox(
        "Features",
        list(titles),
        key="baseline_features",
        format_func=lambda name: titles[name] + ("" if name in ready else " (not here yet)"),
        on_change=_take,
        args=(spec, "features"),
        width="stretch",
    )
    _choose("baseline_protocol", spec.settings.protocol.name)
    st.segmented_control(
        "Protocol",
        [protocol.name for protocol in PROTOCOLS],
        key="baseline_protocol",
        required=True,
        on_change=_take,
        args=(spec, "protocol"),
        width="content",
        help="published: exactly the paper's, scores on predicted classes included. corrected: "
        "ranked on decision values, standardised inside the fold, no person and no article on "
        "both sides, five persons of each class or no score.",
    )
    _choose("baseline_hold_out", spec.settings.hold_out)
    st.selectbox(
        "Held out",
        HOLD_OUTS,
        key="baseline_hold_out",
        on_change=_take,
        args=(spec, "hold_out"),
        width=160,
        help="Each group is predicted by a model that has seen none of it.",
    )
    with st.popover("More", type="tertiary", icon=":material/more_horiz:"):
        _choose("baseline_strict", spec.settings.is_strict)
        st.checkbox(
            "Nothing of a source on both sides",
            key="baseline_strict",
            on_change=_take,
            args=(spec, "is_strict"),
            help="Drops training images whose hosting site also has a test image. The folds' "
            "table says how many that costs.",
        )
        _choose("baseline_seed", spec.settings.seed)
        st.number_input(
            "Seed of the resamples",
            0,
            MAX_SEED,
            key="baseline_seed",
            step=1,
            on_change=_take,
            args=(spec, "seed"),
        )


def _choose(key: str, value: object) -> None:
    """Let a widget show what is asked for, wherever that came from."""
    st.session_state[key] = value


def _take(spec: RunSpec, name: str) -> None:
    """Take what a widget was set to."""
    widget = {"is_strict": "strict"}.get(name, name)
    value = st.session_state[f"baseline_{widget}"]
    if name == "features":
        ask(replace(spec, features=value))
        return
    changes: dict[str, Any] = {name: find_protocol(value) if name == "protocol" else value}
    ask(replace(spec, settings=replace(spec.settings, **changes)))


def open_cell(chart: str, spec: RunSpec) -> None:
    """Open the test images of the mark that was clicked; for a chart's callback.

    Parameters
    ----------
    chart : str
        Key of the chart, whose marks carry a feature set and a held-out group.
    spec : RunSpec
        On screen; another feature set is turned to.
    """
    points = st.session_state[chart].selection.points
    data = points[0].get("customdata") if points else None
    # Streamlit hands a list over as a mapping of places.
    cell = list(data.values()) if isinstance(data, Mapping) else list(data or ())
    if len(cell) != 2:
        return
    features, fold = map(str, cell)
    st.session_state["detail"] = IMAGES
    st.session_state[JUMP] = True
    group = ALL_GROUPS if fold in (MEAN, POOLED) else fold
    st.session_state["fold"] = group
    # Where the group's choice is not on screen yet nothing else would bring it into the address;
    # where it is, it does so itself and lets nobody else.
    write_parameters({"fold": [group]})
    if features != spec.features:
        ask(replace(spec, features=features))


def jump_where_wished() -> None:
    """Bring the part below into view after a click on a mark: it may lie under the window."""
    if st.session_state.pop(JUMP, False):
        jump_to(PART)


def choose_section() -> str:
    """Let the reader choose what stands below the main figure; only that is computed."""
    return choose_part("detail", "Part", SECTIONS)
