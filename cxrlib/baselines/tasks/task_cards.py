"""Task cards: population, time, outcome, question and caveats of a task.

A card belongs on screen beside every score of its task. None of the collection's outcomes has a
date: how far ahead a prediction looks is not recorded, and no card makes it up.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cxrlib.baselines.tasks.own_columns import parse_own_column
from cxrlib.baselines.tasks.tasks import DERIVED, FORMED, TASK_COLUMNS, Task
from cxrlib.cohort import FRONTAL_VIEWS, YES_NO_COLUMNS
from cxrlib.literature import read_rows


@dataclass(frozen=True)
class Card:
    """Hold a task in words.

    Parameters
    ----------
    population : str
        Which images are taken.
    moment : str
        When the prediction is made.
    outcome : str
        What is predicted, and what counts as which class.
    horizon : str
        How long after the image it happens.
    question : str
        What a clinician would ask.
    motivation : str
        Why the paper sets the task, in our words, with the place.
    caveats : tuple of str
        What a reader of a score must know, in full sentences.
    """

    population: str
    moment: str
    outcome: str
    horizon: str
    question: str
    motivation: str
    caveats: tuple[str, ...]


def make_card(task: Task) -> Card:
    """Write a task's card.

    Examples
    --------
    >>> from cxrlib.baselines.tasks.tasks import find_task
    >>> card = make_card(find_task("icu-stay"))
    >>> card.question
    'Will this patient need intensive care?'
    >>> card.horizon
    'not recorded'
    """
    return Card(
        population=describe_population(task),
        moment=_describe_moment(task),
        outcome=_describe_outcome(task),
        horizon=_find_text(task, "horizon", "not recorded"),
        question=_find_text(task, "question", f"Can “{task.title}” be predicted?"),
        motivation=_describe_motivation(task),
        caveats=tuple(_list_caveats(task)),
    )


def describe_population(task: Task) -> str:
    """Say in one sentence which images a task takes.

    Examples
    --------
    >>> from cxrlib.baselines.tasks.tasks import find_task
    >>> describe_population(find_task("survival"))
    'X-rays of view PA or AP with a diagnosis and survival recorded, not intubated at time ...'
    """
    views = " or ".join(task.views)
    parts = ["a diagnosis"] if task.needs_finding else []
    parts.append(_find_text(task, "recorded", f"{_format_name(task)} recorded"))
    without = "".join(f", {describe_exclusion(*pair)}" for pair in task.without)
    return f"X-rays of view {views} with {' and '.join(parts)}{without}."


def describe_exclusion(column: str, answer: str) -> str:
    """Say in a few words which images remain where those of an answer are left out.

    Examples
    --------
    >>> describe_exclusion("in_icu", "yes"), describe_exclusion("survival", "no")
    ('not in ICU at time of image', 'without "survival: no"')
    """
    words = {
        ("intubation_present", "yes"): "not intubated at time of image",
        ("in_icu", "yes"): "not in ICU at time of image",
    }
    title = TASK_COLUMNS[column].title
    return words.get((column, answer), f'without "{_lower(title)}: {answer}"')


# ---- parts


def _format_name(task: Task) -> str:
    return _lower(task.title)


def _lower(title: str) -> str:
    """Write a title within a sentence: names and abbreviations stay as they are."""
    return title if title.startswith(("COVID", "ICU", "RT-PCR")) else title[0].lower() + title[1:]


def _describe_moment(task: Task) -> str:
    if not task.has_window:
        return "Any day, recorded or not."
    return (
        f"Taken {task.describe_window()}. Day 0 is onset or admission; the record does not say "
        "which."
    )


def _describe_outcome(task: Task) -> str:
    if task.kind == "number":
        unit = f", in {task.unit}" if task.unit else ""
        return f"{task.title}{unit}."
    when = ", during the illness (date not recorded)"
    if task.column in _OF_THE_IMAGE:
        when = ", recorded for the image itself"
    elif task.column in DERIVED or task.column.startswith("finding:"):
        when = ", from the recorded finding"
    elif task.column == "sex" or parse_own_column(task.column) is not None:
        when = ", as recorded"
    event = {"positive": task.positive, "negative": task.negative, "": ""}[task.event]
    noun = "rarer class" if task.column in DERIVED else "clinical event"
    event_text = f" The {noun} is {event!r}." if event else ""
    return f"{task.positive!r} or {task.negative!r}{when}.{event_text}"


def _describe_motivation(task: Task) -> str:
    if task.name == FORMED:
        return "Your own task: the papers have no such task."
    return _TEXTS[task.column, "motivation"][0]


def _list_caveats(task: Task) -> Iterator[str]:
    yield from _TEXTS.get((task.column, "caveat"), [])
    if task.column in YES_NO_COLUMNS:
        yield (
            "Blank does not mean no: images without an answer are left out. Compare labelled with "
            "not labelled patients."
        )
    if task.has_window:
        yield _CLOCK_CAVEAT
        if task.after == 0 and not task.with_day_0:
            yield "Images of day 0, possibly the day of admission, are outside the window."
    if any(column in _OF_THE_IMAGE for column, _ in task.without):
        yield ("Images stay in where intubation or ICU at time of image is not recorded.")
    if len({*FRONTAL_VIEWS} & {*task.views}) > 1:
        yield (
            "Patients too ill to stand are imaged AP, so the view alone can rank them. Compare "
            "with the score of the view alone."
        )
    yield (
        "All images come from publications: these shares and scores do not carry over to a "
        "hospital."
    )


# ---- words

# The answers that change from image to image; the others hold for a patient, without a date.
_OF_THE_IMAGE = ("in_icu", "intubation_present")

_CLOCK_CAVEAT = (
    "Day 0 is onset or admission, depending on the patient, and 5 can also mean “a few days”."
)

# Column of the task and part of its card -> texts, one but for caveats.
_TEXTS: dict[tuple[str, str], list[str]] = {}
for _row in read_rows("task-cards"):
    for _column in _row["columns"].split("; "):
        _TEXTS.setdefault((_column, _row["part"]), []).append(_row["text"])


def _find_text(task: Task, part: str, default: str) -> str:
    """Find what is known of a task's column; `default` where it is nothing of its own."""
    return next(iter(_TEXTS.get((task.column, part), [])), default)
