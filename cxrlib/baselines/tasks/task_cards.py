"""Task cards: what a task asks of whom, when, why anybody would want to know, and what spoils it.

A card belongs on screen beside every score of its task. None of the collection's outcomes has a
date: how far ahead a prediction looks is not recorded, and no card makes it up.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cxrlib.baselines.tasks.tasks import DERIVED, FORMED, TASK_COLUMNS, Task
from cxrlib.cohort import YES_NO_COLUMNS
from cxrlib.literature import read_rows

__all__ = ["Card", "describe_exclusion", "describe_population", "make_card"]


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
        question=_find_text(task, "question", f"Does the image tell {_name(task)}?"),
        motivation=_describe_motivation(task),
        caveats=tuple(_list_caveats(task)),
    )


def describe_population(task: Task) -> str:
    """Say in one sentence which images a task takes.

    Examples
    --------
    >>> from cxrlib.baselines.tasks.tasks import find_task
    >>> describe_population(find_task("survival"))
    'X-rays of view PA or AP with a usable finding and survival recorded, no tube in place.'
    """
    views = " or ".join(task.views)
    parts = ["a usable finding"] if task.needs_finding else []
    parts.append(_find_text(task, "recorded", f"{_name(task)} recorded"))
    without = "".join(f", {describe_exclusion(*pair)}" for pair in task.without)
    return f"X-rays of view {views} with {' and '.join(parts)}{without}."


def describe_exclusion(column: str, answer: str) -> str:
    """Say in a few words which images remain where those of an answer are left out.

    Examples
    --------
    >>> describe_exclusion("in_icu", "yes"), describe_exclusion("survival", "no")
    ('not in the ICU at the image', 'without "survival: no"')
    """
    words = {
        ("intubation_present", "yes"): "no tube in place",
        ("in_icu", "yes"): "not in the ICU at the image",
    }
    title = TASK_COLUMNS[column].title
    return words.get((column, answer), f'without "{_lower(title)}: {answer}"')


# ---- parts


def _name(task: Task) -> str:
    return _lower(task.title)


def _lower(title: str) -> str:
    """Write a title within a sentence: names and abbreviations stay as they are."""
    return title if title.startswith(("COVID", "ICU", "RT-PCR")) else title[0].lower() + title[1:]


def _describe_moment(task: Task) -> str:
    if not task.has_window:
        return "The image, on any day, recorded or not."
    return (
        f"The image, taken {task.describe_window()}, from first symptoms or from admission: the "
        "record does not say which."
    )


def _describe_outcome(task: Task) -> str:
    if task.kind == "number":
        unit = f", in {task.unit}" if task.unit else ""
        return f"{task.title}{unit}."
    when = ", at any point, without a date"
    if task.column in _OF_THE_IMAGE:
        when = ", recorded of the image itself"
    elif task.column in DERIVED:
        when = ", by the finding as recorded"
    event = {"positive": task.positive, "negative": task.negative, "": ""}[task.event]
    told = f" The clinical event is {event!r}." if event else ""
    return f"{task.positive!r} against {task.negative!r}{when}.{told}"


def _describe_motivation(task: Task) -> str:
    if task.name == FORMED:
        return "Formed by a reader: the papers set no such task."
    return _TEXTS[task.column, "motivation"][0]


def _list_caveats(task: Task) -> Iterator[str]:
    yield from _TEXTS.get((task.column, "caveat"), [])
    if task.column in YES_NO_COLUMNS:
        yield (
            "A blank is not a no: images without an answer are left out, and whose answer is known "
            "depends on who published the case. Look at who is labelled against who is not."
        )
    if task.has_window:
        yield _CLOCK_CAVEAT
        if task.after == 0 and not task.with_day_0:
            yield "Images of day 0, which can be that of admission, lie outside of the window."
    if any(column in _OF_THE_IMAGE for column, _ in task.without):
        yield (
            "Only images that say so are left out: where it is not recorded whether there is a "
            "tube, or whether the patient is in the ICU, the image stays."
        )
    if len({"PA", "AP", "AP Supine"} & {*task.views}) > 1:
        yield (
            "Who is too ill to stand is imaged AP: the view alone can rank the patients. Compare "
            "with the score of the view."
        )
    yield (
        "The images were published because they were worth publishing: no share here is one of "
        "patients, and no score is one of a clinic."
    )


# ---- words

# The answers that change from image to image; the others hold for a patient, without a date.
_OF_THE_IMAGE = ("in_icu", "intubation_present")

_CLOCK_CAVEAT = (
    "Days count from first symptoms in some records and from admission in others, and 5 also "
    "stands for “a few days”."
)

# Column of the task and part of its card -> texts, one but for caveats.
_TEXTS: dict[tuple[str, str], list[str]] = {}
for _row in read_rows("task-cards"):
    for _column in _row["columns"].split("; "):
        _TEXTS.setdefault((_column, _row["part"]), []).append(_row["text"])


def _find_text(task: Task, part: str, default: str) -> str:
    """Find what is known of a task's column; `default` where it is nothing of its own."""
    return next(iter(_TEXTS.get((task.column, part), [])), default)
