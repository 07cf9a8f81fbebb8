"""Cards: every task has one, in full sentences, that promises nothing the record does not hold."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cxrlib.baselines.tasks import PAPER_TASKS, Card, Task, find_task, make_card, read_task
from cxrlib.baselines.tasks.task_cards import describe_exclusion, describe_population
from cxrlib.baselines.tasks.tasks import TASK_COLUMNS

ALL = [*(task.to_text() for task in PAPER_TASKS), *(f"column={name}" for name in TASK_COLUMNS)]
UNDATED = ("survival", "icu-stay", "intubated", "column=needed_supplemental_O2", "column=extubated")


def list_sentences(card: Card) -> Iterator[str]:
    """List what a reader reads as sentences."""
    yield from (card.population, card.moment, card.outcome, card.question, card.motivation)
    yield from card.caveats


@pytest.mark.parametrize("line", ALL)
def test_every_task_has_a_card(line: str) -> None:
    """Nothing is blank, sentences end, and no caveat is said twice."""
    task = read_task(line)
    card = make_card(task)
    for sentence in list_sentences(card):
        assert sentence[0].isupper() or sentence[0] in "\"'"
        assert sentence.endswith((".", "?"))
        assert "  " not in sentence
    assert card.question.endswith("?")
    assert len(set(card.caveats)) == len(card.caveats) > 1
    assert ("Cohen et al. 2020b, section 5." in card.motivation) == (task in PAPER_TASKS)


@pytest.mark.parametrize("line", ALL)
def test_no_card_names_a_horizon(line: str) -> None:
    """Outcomes have no date: how far ahead they lie is not recorded, or they are of the image."""
    horizon = make_card(read_task(line)).horizon
    if line in UNDATED:
        assert horizon == "not recorded"
    assert horizon.startswith(("not recorded", "none"))
    assert not any(sign.isdigit() for sign in horizon)


def test_a_card_says_what_the_task_asks() -> None:
    """Views, window, exclusions, classes and the event stand in it, and follow changes."""
    card = make_card(find_task("survival"))
    assert card.population == (
        "X-rays of view PA or AP with a diagnosis and survival recorded, "
        "not intubated at time of image."
    )
    assert "after day 0 and before day 8" in card.moment
    assert "'survived' or 'died'" in card.outcome
    assert "The clinical event is 'died'." in card.outcome
    own = make_card(read_task("column=extra:deteriorated"))
    assert own.question == "Can “deteriorated” be predicted?"
    changed = make_card(read_task("survival; views=L; days=any; without=nothing; finding=any"))
    assert changed.population == "X-rays of view L with survival recorded."
    assert changed.moment == "Any day, recorded or not."


def find_caveat(task: Task, words: str) -> bool:
    """Tell whether a caveat has some words."""
    return any(words in caveat for caveat in make_card(task).caveats)


def test_caveats_follow_what_the_task_is_made_of() -> None:
    """Days, blanks, exclusions and views are warned of where they matter, and only there."""
    survival, opacity = find_task("survival"), find_task("opacity")
    assert find_caveat(survival, "a few days")
    assert not find_caveat(opacity, "a few days")
    assert find_caveat(survival, "Blank does not mean no")
    assert not find_caveat(opacity, "Blank does not mean no")
    assert find_caveat(
        survival, "Images stay in where intubation or ICU at time of image is not recorded"
    )
    assert not find_caveat(replace(survival, without=()), "Images stay in where")
    assert find_caveat(survival, "imaged AP")
    assert not find_caveat(replace(survival, views=("PA",)), "imaged AP")
    assert find_caveat(find_task("icu-stay"), "which fields were filled in")
    for task in PAPER_TASKS:
        assert find_caveat(task, "do not carry over to a hospital")


def test_day_0_is_only_missing_where_it_is() -> None:
    """The caveat on day 0 goes where day 0 was let in, or the window begins before it."""
    words = "Images of day 0"
    assert find_caveat(find_task("covid-19"), words)
    for line in ("covid-19; with day 0", "covid-19; days=-3..8", "covid-19; days=..8"):
        assert not find_caveat(read_task(line), words), line


def test_exclusions_have_words() -> None:
    """Those of the paper have their own, any other names column and answer."""
    assert describe_exclusion("intubation_present", "yes") == "not intubated at time of image"
    assert describe_exclusion("RT_PCR_positive", "unclear") == 'without "RT-PCR positive: unclear"'
    task = read_task("icu-stay; without=survival:no")
    assert describe_population(task).endswith(', without "survival: no".')
