"""Controls of the baselines page: task, features, protocol, what is held out, seed.

The address keeps all of it, by the names that the command line has for it. The filters at the
side write theirs themselves.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from cxrlib.baselines.evaluation import (
    ESTIMATORS,
    HOLD_OUTS,
    MATCHABLE,
    MEAN,
    POOLED,
    PROTOCOLS,
    PUBLISHED,
    describe_grouping,
    find_protocol,
    format_held_out,
    parse_hold_out,
    title_estimator,
)
from cxrlib.baselines.features import (
    SHORTCUT_TITLES,
    SHORTCUTS,
    FeatureChoice,
    join_sum,
    offer_sum,
    split_sum,
)
from cxrlib.baselines.runs import MAX_SEED, QUERY_NAMES, RunSpec
from cxrlib.baselines.tasks import (
    FORMED,
    PAPER_TASKS,
    Task,
    TaskColumn,
    find_task,
    form_task,
    parse_own_column,
    split_after,
    split_before,
)
from cxrlib.cohort import MAX_DAYS, XRAY_VIEWS, Cohort
from cxrlib.errors import SelectionError
from cxrlib.selection import exclude_high, exclude_low
from ui.baselines.cached import load_columns
from ui.baselines.own_labels import choose_label_file
from ui.baselines.second_cohort import find_hold_out, find_tested_entry, list_others
from ui.session.current_cohort import current_entry
from ui.session.jobs import kept_trouble, show_trouble
from ui.session.resources import find_cohort
from ui.widgets.address import PageAddress, set_parameters
from ui.widgets.choice import choose_part, forget_asked
from ui.widgets.jump import jump_to
from ui.widgets.text import show_alert, show_quiet

__all__ = [
    "ALL_GROUPS",
    "FOREST",
    "IMAGES",
    "PART",
    "SECTIONS",
    "ask",
    "ask_question",
    "change_task",
    "choose_features",
    "choose_section",
    "choose_settings",
    "choose_task",
    "find_choice",
    "find_spec",
    "is_opening",
    "jump_where_wished",
    "keep_address",
    "open_cell",
]

SPEC = "baseline_spec"  # in the session's state: what is asked for, without filters
ADDRESS = PageAddress("baseline_written", tuple(QUERY_NAMES))
OPENING = "baseline_opening"  # in the session's state: whether the reader has asked for nothing
OWN = "your own"
ALL_GROUPS = "all groups"
FOREST = "forest plot"
IMAGES = "test images"
PART = "baseline_part"  # key of what is shown below the controls
JUMP = "baseline_jump"  # in the session's state: whether a mark was clicked
# The words are the values: the address holds what the screen shows.
SECTIONS = (
    *(FOREST, "sensitivity", "permutation test", "figures", "runs", "report", "feature sets"),
    *(IMAGES, "region shift", "protocols", "influence", "task", "paper"),
)
# Parts that links made before call by another word.
RENAMED = {"chance": "permutation test", "shift": "region shift", "persons": "influence"}
PERSON_PARTS = ("persons:5", "persons:5x10")
TEST_ON = "test on:"  # and the slug of another cohort
EXCLUSIONS = {
    "Intubated at time of image": ("intubation_present", "yes"),
    "In ICU at time of image": ("in_icu", "yes"),
}
#: Models that are offered; a link can name any other C.
MODELS = (ESTIMATORS[0], "linear:1", *ESTIMATORS[1:])
DAYS = (float(-MAX_DAYS), float(MAX_DAYS))  # that a window can begin after or end before


def find_spec(cohort: Cohort, choices: Sequence[FeatureChoice]) -> RunSpec:
    """Return what to run: what a link or the browser's Back asks for, else what was asked last.

    Parameters
    ----------
    cohort : Cohort
    choices : sequence of FeatureChoice
        Feature sets of this cohort.

    Returns
    -------
    RunSpec
        Without filters.
    """
    kept, address = st.session_state.get(SPEC), ADDRESS.read()
    st.session_state[OPENING] = kept is None and not address
    usual = _choose_features(choices)
    spec = kept or RunSpec(find_task("icu-stay"), usual)
    if address and ADDRESS.is_new():
        spec = _follow(address, spec, cohort)
    if offer_sum(spec.features, choices) is None:
        show_alert(
            f"This cohort has no feature set {spec.features[:60]!r} on this server. "
            f"{usual!r} is shown instead; choose another below."
        )
        spec = replace(spec, features=usual)
    st.session_state[SPEC] = spec
    return spec


def find_choice(spec: RunSpec, choices: Sequence[FeatureChoice]) -> FeatureChoice:
    """Return the feature set that is asked for, a sum too; `find_spec` saw that it is there."""
    choice = offer_sum(spec.features, choices)
    return choices[0] if choice is None else choice


def is_opening() -> bool:
    """Tell whether this is what the page opens on: it then makes its run by itself."""
    return bool(st.session_state.get(OPENING))


def _follow(address: Mapping[str, str], spec: RunSpec, cohort: Cohort) -> RunSpec:
    """Read the address over what is asked for already; report what in it cannot be used."""
    known = _to_address(spec)
    if "protocol" in address and "estimator" not in address:
        del known["estimator"]  # a link of before there was a choice means the protocol's own
    asked, complaints = RunSpec.from_query({**known, **address}, cohort)
    for complaint in complaints:
        show_alert(f"In the address: {complaint}")
    return asked


def _to_address(spec: RunSpec) -> dict[str, str]:
    """Return what is asked for as parameters; the filters' own widgets write theirs."""
    return {name: values[0] for name, values in spec.to_query().items() if name in QUERY_NAMES}


def keep_address(spec: RunSpec) -> None:
    """Keep what is asked for in the address."""
    ADDRESS.write(_to_address(spec))


def ask(spec: RunSpec) -> None:
    """Ask for another run, from the next run of the page on; for callbacks."""
    st.session_state[SPEC] = replace(spec, where="", labels="")
    # A second choice may come before the address of the first has reached the browser.
    ADDRESS.settle()


def _choose_features(choices: Sequence[FeatureChoice]) -> str:
    """Choose what to open on: the paper's 18 outputs, else the first set that is ready."""
    ready = [choice.name for choice in choices if choice.is_ready]
    outputs = [name for name in ready if name.endswith(":outputs")]
    # An untrained network is a control, and nothing that a reader would try first.
    outputs.sort(key=lambda name: "untrained" in name)
    wanted = ("outputs", *outputs, *ready)
    return next((name for name in wanted if name in ready), choices[0].name)


def ask_question(hold_out: str) -> str:
    """Ask the page's question: of other regions, other persons, another cohort.

    Examples
    --------
    >>> ask_question("region"), ask_question("persons:5")
    ('Does the prediction hold in other regions?', 'Does the prediction hold in other persons?')
    """
    kind = parse_hold_out(hold_out).kind
    others = {"persons": "other persons", "cohort": "another cohort"}
    where = others.get(kind) or f"other {format_held_out(None, hold_out)}"
    return f"Does the prediction hold in {where}?"


# ---- the task


def choose_task(cohort: Cohort, spec: RunSpec) -> None:
    """Let the reader choose one of the paper's tasks, or form one of their own."""
    show_trouble()
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
    is_changed = not spec.task.is_published and spec.task.name != FORMED
    label = "Change the task (changed)" if is_changed else "Change the task"
    with st.popover(
        "Choose what is predicted" if spec.task.name == FORMED else label,
        type="tertiary",
        icon=":material/tune:",
    ):
        _show_task_form(cohort, spec)
        choose_label_file(cohort)


def _take_task(spec: RunSpec, names: Mapping[str, str], cohort: Cohort) -> None:
    """Turn to another task of the paper, or to the first column that can be predicted."""
    title = st.session_state["baseline_task"]
    if title in names:
        ask(replace(spec, task=find_task(names[title])))
        return
    with kept_trouble():
        usable = [column for column in load_columns(cohort) if not column.reason]
        # First the reader's own columns, last what the paper asks: its tasks have buttons.
        asked = {task.column for task in PAPER_TASKS}
        usable.sort(key=lambda each: (parse_own_column(each.column) is None, each.column in asked))
        if not usable:
            raise SelectionError(
                "No column of this cohort has two values, so nothing can be predicted."
            )
        ask(replace(spec, task=form_task(cohort, usable[0].column)))


def _show_task_form(cohort: Cohort, spec: RunSpec) -> None:
    """Show what a task is made of, to be changed in one go."""
    task = spec.task
    columns = {column.column: column for column in load_columns(cohort)}
    names = list(dict.fromkeys([*columns, task.column]))
    show_quiet(
        "Choose what is predicted, and from which images. Every score says where a task differs "
        "from the paper's definition."
    )
    with st.form("baseline_task_form", border=False):
        column = st.selectbox(
            "Predict",
            names,
            index=names.index(task.column),
            format_func=lambda name: (
                _format_column(columns[name]) if name in columns else f"{task.title} (not here)"
            ),
            help="Columns of the record, then the columns that metadata.csv has besides, each "
            "category of one against the rest, then findings.",
        )
        # An address may name others, which the cohort then does not have.
        known = list(dict.fromkeys([*XRAY_VIEWS, *task.views]))
        views = st.multiselect("Views", known, default=list(dict.fromkeys(task.views)))
        left, right = st.columns(2)
        after = _choose_after(left, task.after)
        before = _choose_before(right, task.before)
        show_quiet(
            "Both days are excluded, unless “included” is written. Leave both empty to include "
            "images without a day."
        )
        with_day_0 = st.checkbox("Include day 0", value=task.with_day_0)
        exclusions = _list_exclusions(task)
        without = st.multiselect(
            "Leave out images",
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
            with kept_trouble():
                ask(replace(spec, task=_change_task(cohort, task, str(column), changes)))
            st.rerun()


def _format_column(column: TaskColumn) -> str:
    """Name what can be predicted, with the X-rays of which it is known."""
    count = f"{column.n_labelled:,} X-rays labelled"
    if column.kind == "classes" and column.n_labelled:
        count += f", {column.n_positive:,} {column.positive}"
    return f"{column.title} ({count})"


def _change_task(cohort: Cohort, task: Task, column: str, changes: Mapping[str, object]) -> Task:
    """Change a task, or form another where another column is predicted."""
    if column == task.column:
        return replace(task, **changes)  # type: ignore[arg-type]
    window = (changes["after"], changes["before"])
    if parse_own_column(column) is not None and window == (task.after, task.before):
        # Its own days, which for a column of one's own are any: nobody chose these for it.
        changes = {k: v for k, v in changes.items() if k not in ("after", "before")}
    return form_task(cohort, column, **changes)  # type: ignore[arg-type]


def _choose_after(place: Any, after: float | None) -> float | None:  # noqa: ANN401
    """Let the reader choose the first end of the window; a link may let it belong to the window."""
    day, is_in = (None, False) if after is None else split_after(float(after))
    chosen = _choose_day(place, "Day after" if not is_in else "From day (included)", day)
    return exclude_high(chosen) if is_in and chosen is not None else chosen


def _choose_before(place: Any, before: float | None) -> float | None:  # noqa: ANN401
    """Let the reader choose the last end of the window; a link may let it belong to the window."""
    day, is_in = (None, False) if before is None else split_before(float(before))
    chosen = _choose_day(place, "Day before" if not is_in else "Up to day (included)", day)
    return exclude_low(chosen) if is_in and chosen is not None else chosen


def _choose_day(place: Any, label: str, day: float | None) -> float | None:  # noqa: ANN401
    """Let the reader choose an end of the window; an address may name half a day."""
    chosen = place.number_input(label, *DAYS, value=day, step=1.0, format="%g", placeholder="any")
    return None if chosen is None else float(chosen)


def _list_exclusions(task: Task) -> dict[str, tuple[str, str]]:
    """List by name what can be left out: the usual, and what the task leaves out besides."""
    others = {
        f"{column}: {answer}": (column, answer)
        for column, answer in task.without
        if (column, answer) not in EXCLUSIONS.values()
    }
    return EXCLUSIONS | others


# ---- features, model, protocol, what is held out


def choose_features(spec: RunSpec, choices: Sequence[FeatureChoice]) -> None:
    """Let the reader choose what is learnt from, and the model that learns; it makes no run."""
    titles = {choice.name: choice.title for choice in choices}
    ready = {choice.name for choice in choices if choice.is_ready}
    base, *plus = split_sum(spec.features)
    st.selectbox(
        "Features",
        list(titles),
        format_func=lambda name: titles[name] + ("" if name in ready else " (not ready)"),
        width="stretch",
        **_bind(spec, "features", base),
    )
    if base != "pixels":
        can_add = (choice for choice in choices if choice.kind not in ("pixels", "prevalence"))
        st.multiselect(
            "plus",
            [each.name for each in can_add if each.name in {*ready, *plus} - {base}],
            format_func=titles.__getitem__,
            placeholder="nothing",
            width="stretch",
            help="Adds the columns of other sets, such as age and sex. Images that lack one are "
            "left out.",
            **_bind(spec, "plus", plus),
        )
    _choose_model(spec)


def choose_settings(cohort: Cohort, spec: RunSpec) -> None:
    """Let the reader choose the protocol and what is held out; it makes no run."""
    st.segmented_control(
        "Protocol",
        [protocol.name for protocol in PROTOCOLS],
        required=True,
        width="content",
        help="published: as in the paper, with scores of predicted classes. corrected: scores rank "
        "decision values; features standardised within each fold; no patient or article in both "
        "training and test; no score below five patients of each class.",
        **_bind(spec, "protocol", spec.settings.protocol.name),
    )
    _choose_hold_out(cohort, spec)
    with st.popover("More", type="tertiary", icon=":material/more_horiz:"):
        st.checkbox(
            "Keep each source in training or in test, not both",
            help="Leaves out training images whose hosting site also has a test image. The part "
            "“task” says how many.",
            **_bind(spec, "is_strict", spec.settings.is_strict),
        )
        st.multiselect(
            "Erase from the features",
            SHORTCUTS,
            format_func=_name_shortcut,
            placeholder="nothing",
            help="Takes out of each feature what the shortcut says of it, learnt from the training "
            "images alone, and runs again.",
            **_bind(spec, "erase", _split(spec.settings.erase)),
        )
        st.multiselect(
            "Match the classes by",
            MATCHABLE,
            format_func=_name_shortcut,
            placeholder="nothing",
            help="Leaves as many images of each class with each view (or source), in training and "
            "in test.",
            **_bind(spec, "match", _split(spec.settings.match)),
        )
        st.number_input(
            "Random seed",
            0,
            MAX_SEED,
            step=1,
            help="Starts all that is random in a run: bootstrap resamples, permutations, how "
            "persons are dealt into parts, inner folds, matching, forests. The same seed gives the "
            "same digits.",
            **_bind(spec, "seed", spec.settings.seed),
        )


def _name_shortcut(name: str) -> str:
    return SHORTCUT_TITLES[name].removesuffix(" only")


def _choose_model(spec: RunSpec) -> None:
    """Let the reader choose the model; the published protocol and pixels have but one."""
    settings = spec.settings
    is_fixed = settings.protocol == PUBLISHED or spec.features == "pixels"
    # An address may name another C, and the run log an estimator of the reader's own.
    names = [settings.model] if is_fixed else list(dict.fromkeys((*MODELS, settings.model)))
    st.selectbox(
        "Model",
        names,
        format_func=lambda name: title_estimator(
            name, task_kind=spec.task.kind, feature_kind=spec.features
        ),
        width="stretch",
        help="Logistic regression's C is chosen inside the training images of each fold. Forest "
        "and boosting run as a job. In Python any scikit-learn estimator can be used.",
        **_bind(spec, "estimator", settings.model),
    )


def _choose_hold_out(cohort: Cohort, spec: RunSpec) -> None:
    """Let the reader choose what is held out: places, persons, a column, another cohort."""
    now = spec.settings.hold_out
    groups = [
        f"column:{column.name}" for column in cohort.extra if column.kind in ("yes/no", "category")
    ]
    tested = None
    with contextlib.suppress(SelectionError):  # of a link, which the page reports
        tested = find_tested_entry(cohort, now)
    others = {
        now if entry == tested else f"{TEST_ON}{entry.slug}": f"test on {entry.title}"
        for entry in list_others()
    }
    options = list(dict.fromkeys([*HOLD_OUTS, *PERSON_PARTS, *groups, *others, now]))
    st.selectbox(
        "Held out",
        options,
        format_func=lambda each: others.get(each) or _format_hold_out(each),
        width=200,
        help="Each group is predicted by a model that was trained without it. Parts of the "
        "persons suit a cohort of one place. “Test on” trains on this cohort and tests on another.",
        **_bind(spec, "hold_out", now),
    )


def _format_hold_out(hold_out: str) -> str:
    return describe_grouping(hold_out).removeprefix("by ")


def _bind(spec: RunSpec, name: str, value: object) -> dict[str, Any]:
    """Let a widget show a setting, wherever it came from, and take what it is changed to."""
    key = f"baseline_{name}"
    st.session_state[key] = value
    return {"key": key, "on_change": _take, "args": (spec, name)}


def _split(text: str) -> list[str]:
    """Split shortcuts that a setting joins."""
    return list(split_sum(text)) if text else []


def _take(spec: RunSpec, name: str) -> None:
    """Take what a widget was set to."""
    value = st.session_state[f"baseline_{name}"]
    if name in ("features", "plus"):
        base, *plus = split_sum(spec.features)
        base, plus = (value, plus) if name == "features" else (base, value)
        added = [] if base == "pixels" else [each for each in plus if each != base]
        # Pixels have a model of their own.
        settings = replace(spec.settings, estimator="") if base == "pixels" else spec.settings
        ask(replace(spec, features=join_sum([base, *added]), settings=settings))
        return
    if name == "hold_out" and value.startswith(TEST_ON):
        with kept_trouble():
            cohort = find_cohort(current_entry().slug)
            value = find_hold_out(cohort, value.removeprefix(TEST_ON))
        if value.startswith(TEST_ON):
            return
    if name in ("erase", "match"):
        value = join_sum(value)
    changes: dict[str, Any] = {name: value}
    if name == "protocol":
        protocol = find_protocol(value)
        changes = {"protocol": protocol}
        if protocol == PUBLISHED:
            changes["estimator"] = ""  # which takes the paper's only
    ask(replace(spec, settings=replace(spec.settings, **changes)))


def open_cell(chart: str, spec: RunSpec) -> None:
    """Open the test images of the mark that was clicked; for a chart's callback.

    Parameters
    ----------
    chart : str
        Key of the chart, whose marks carry a feature set and a held-out group.
    spec : RunSpec
        On screen; it changes where the mark is of another feature set.
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
    set_parameters({"fold": [group]})
    if features != spec.features:
        ask(replace(spec, features=features))


def jump_where_wished() -> None:
    """Bring the part into view after a click on a mark: the figure was longer."""
    if st.session_state.pop(JUMP, False):
        jump_to(PART)


def choose_section() -> str:
    """Let the reader choose what is shown of the run; only that is computed."""
    asked = st.query_params.get("detail", "")
    if asked in RENAMED:
        st.session_state["detail"] = RENAMED[asked]
        forget_asked("detail")
    return choose_part("detail", "Part", SECTIONS)
