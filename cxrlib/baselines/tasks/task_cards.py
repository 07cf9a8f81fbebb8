"""Task cards: what a task asks of whom, when, why anybody would want to know, and what spoils it.

A card belongs on screen beside every score of its task. None of the collection's outcomes has a
date: how far ahead a prediction looks is not recorded, and no card makes it up.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cxrlib.baselines.tasks.tasks import DERIVED, FORMED, TASK_COLUMNS, Task
from cxrlib.cohort.metadata import YES_NO_COLUMNS

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
        horizon=_HORIZONS.get(task.column, "not recorded"),
        question=_QUESTIONS.get(task.column, f"Does the image tell {_name(task)}?"),
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
    parts.append(_RECORDED.get(task.column, f"{_name(task)} recorded"))
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
    return _MOTIVATIONS[task.column]


def _list_caveats(task: Task) -> Iterator[str]:
    yield from _CAVEATS.get(task.column, ())
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

_RECORDED = {
    "covid-19": "a usable finding",
    "viral": "a viral or bacterial pneumonia as finding",
    "went_icu": "the ICU stay recorded as yes or no",
    "intubated": "intubation recorded as yes or no",
    "survival": "survival recorded",
    "geographic_mean": "a score in the severity annotations",
    "opacity_mean": "a score in the severity annotations",
}

# The answers that change from image to image; the others hold for a patient, without a date.
_OF_THE_IMAGE = ("in_icu", "intubation_present")

# What is of the image itself looks nowhere ahead.
_HORIZONS = {
    **dict.fromkeys(
        (*DERIVED, *_OF_THE_IMAGE, "geographic_mean", "opacity_mean"),
        "none, since it is of the image itself (when it became known is not recorded)",
    ),
    **dict.fromkeys(("age", "offset"), "none, since it is of the image itself"),
}

_QUESTIONS = {
    "covid-19": "Is this COVID-19, or something else?",
    "viral": "Is this pneumonia viral or bacterial?",
    "survival": "Will this patient survive?",
    "went_icu": "Will this patient need intensive care?",
    "intubated": "Will this patient be intubated?",
    "geographic_mean": "How much of the lungs is opaque?",
    "opacity_mean": "How dense are the opacities?",
}

_DIAGNOSIS = (
    "RT-PCR decides, but the radiograph comes first: it cannot exclude the infection, and a "
    "finding that explains the symptoms otherwise changes what is done next (Cohen et al. 2020b, "
    "section 5.1)."
)
_CARE = (
    "Beds and ventilators are planned by who will need them; a tube in the picture would give the "
    "answer away, so such images are left out (Cohen et al. 2020b, section 5.2)."
)
_SEVERITY = (
    "A score that follows how much and how densely the lungs are affected could support decisions "
    "on stepping care up or down (Cohen et al. 2020b, section 5.2; scores of Cohen et al. 2020c)."
)
_MOTIVATIONS = {
    "covid-19": _DIAGNOSIS,
    "viral": (
        "Which kind of pneumonia it is can change the treatment, together with other signs "
        "(Cohen et al. 2020b, section 5.1)."
    ),
    "survival": (
        "Knowing early who is at risk would help to manage patients; the paper looks at the first "
        "week and at patients without a tube, to predict at the beginning of care (Cohen et al. "
        "2020b, section 5.3)."
    ),
    "went_icu": _CARE,
    "intubated": _CARE,
    "geographic_mean": _SEVERITY,
    "opacity_mean": _SEVERITY,
}

_CLOCK_CAVEAT = (
    "Days count from first symptoms in some records and from admission in others, and 5 also "
    "stands for “a few days”."
)
_AT_ANY_POINT = (
    "The outcome has no date: it can lie before the image, on its day, or weeks later.",
)
_SCORES = (
    "The score is the mean of what readers gave; how far they differ is not recorded here.",
    "The scored images are of any day, and several of one patient.",
)
_CAVEATS: dict[str, tuple[str, ...]] = {
    "covid-19": (
        "The finding is what the publication says, seldom with the test behind it.",
        "In the public collection most images are COVID-19, and the others, such as SARS, come in "
        "part from other years and sources: these can be learnt instead of the disease.",
    ),
    "viral": (
        "In the public collection few are bacterial: a region's score can rest on one patient.",
        "In the public collection nine of ten viral ones are COVID-19.",
    ),
    "survival": (*_AT_ANY_POINT,),
    "went_icu": (
        *_AT_ANY_POINT,
        "In the public collection which fields are filled in tells the ICU stay better than the "
        "paper's features do: compare with the score of what is recorded.",
        "In the public collection one source gives most of Europe's negatives and no positive.",
    ),
    "intubated": (
        *_AT_ANY_POINT,
        "Few patients are labelled, and fewer in each region.",
    ),
    "geographic_mean": _SCORES,
    "opacity_mean": _SCORES,
    "needed_supplemental_O2": _AT_ANY_POINT,
    "extubated": (
        *_AT_ANY_POINT,
        "It is known only of patients who were intubated, and of few of them.",
    ),
    "RT_PCR_positive": (
        "The public collection records no negative test: nothing can be learnt there.",
    ),
    "in_icu": ("Nothing is predicted ahead: it is where the patient was at the image.",),
    "intubation_present": ("A tube can be seen: this asks what is in the picture.",),
    "offset": ("The window limits the very days that are predicted.",),
    "pO2_saturation": ("The column mixes saturations in % and pressures in mmHg.",),
    "temperature": ("Some values are in another unit or slips; they stay as recorded.",),
    "lymphocyte_count": ("Some values are in another unit or slips; they stay as recorded.",),
    "neutrophil_count": ("Some values are in another unit or slips; they stay as recorded.",),
}
