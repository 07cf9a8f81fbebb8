"""Two images of one patient: which to put side by side, and what tells them apart.

A radiologist reads an image against a prior: the nearest earlier one of the same view. Another
view is no fair comparison: heart, lung volume and fluid look different from the front and from
the back, standing and lying.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pandas as pd

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import FRONTAL_VIEWS, describe_state
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.quality.rules.days import FEW_DAYS

#: By which rule two images were chosen, as `choose_pair` goes through them.
RULES = ("same view", "other frontal view", "any two", "one image", "no image", "chosen")
#: Severity scores of images (Cohen et al. 2020a), by column: name and the end of the scale.
SCORES = {"geographic_mean": ("Geographic extent", 8), "opacity_mean": ("Opacity", 6)}

#: What the two are called side by side: a prior and what it is the prior of; else only numbered.
SIDES = ("prior", "current")
UNORDERED = ("first", "second")

N_TELLING = 20

#: What else may differ, by column: what it means, and whether it belongs into a banner.
_WARNINGS = {
    "sex": ("The recorded sex differs: these may be two people.", True),
    "patient_id": ("The images have two patient ids, found to be one person.", True),
    "article": ("The images come from two articles: processing may differ.", True),
    "finding": ("The recorded finding differs.", False),
}


@dataclass(frozen=True)
class Pair:
    """Hold the two images to put side by side.

    Parameters
    ----------
    current : str or None
        The image that is looked at, or the only one.
    prior : str or None
        The one beside it: a prior only where `find_sides` says so.
    rule : str
        Which of `RULES` chose them.
    """

    current: str | None
    prior: str | None
    rule: str

    @property
    def image_ids(self) -> tuple[str, ...]:
        """Give the images there are, the prior first."""
        return tuple(name for name in (self.prior, self.current) if name is not None)


@dataclass(frozen=True)
class Difference:
    """Hold something recorded that tells the two images apart, besides the day.

    Parameters
    ----------
    name : str
        "view", "position", "sex", "patient_id", "finding", "article" or "same picture".
    words : str
        What it means, in one sentence.
    is_grave : bool
        Whether it belongs into a banner: a change seen may come of it alone.
    """

    name: str
    words: str
    is_grave: bool


@dataclass(frozen=True)
class Score:
    """Hold a severity score of both images.

    Parameters
    ----------
    name : str
        "Geographic extent" or "Opacity".
    maximum : int
        End of the scale that begins at 0.
    first, second : float or None
    change : float or None
        Second less first.
    reason : str
        Why there is no change, "" where there is one.
    """

    name: str
    maximum: int
    first: float | None
    second: float | None
    change: float | None
    reason: str

    @property
    def is_given(self) -> bool:
        """Tell whether either image has a score."""
        return self.first is not None or self.second is not None


@dataclass(frozen=True)
class PairFacts:
    """Hold what tells two images of one patient apart.

    Parameters
    ----------
    first, second : str
        Image ids, in the order they stand side by side.
    days : float or None
        Day of the second less day of the first; negative where the second is earlier.
    days_reason : str
        Why there is no number of days, "" where there is one.
    days_note : str
        What to know of the number: a day of 5 also stands for "a few days".
    states : tuple of (str, str)
        State of each, as `cxrlib.cohort.describe_state` puts it.
    differences : tuple of Difference
        The grave ones first.
    scores : tuple of Score
        One for each of `SCORES`.
    sides : tuple of (str, str)
        What the two are called, as `find_sides` gives it.
    """

    first: str
    second: str
    days: float | None
    days_reason: str
    days_note: str
    states: tuple[str, str]
    differences: tuple[Difference, ...]
    scores: tuple[Score, ...]
    sides: tuple[str, str] = SIDES

    @property
    def banner(self) -> tuple[str, ...]:
        """Give the sentences that must stand over the two images, () for a fair pair."""
        return tuple(each.words for each in self.differences if each.is_grave)


# ---- choosing


def choose_pair(rows: pd.DataFrame) -> Pair:
    """Choose the two images of a patient to show first.

    By turns: the latest image with its nearest earlier one of the same view; the latest frontal
    image with its nearest earlier frontal one of the same view, else of another; any two, rather
    of one view, rather frontal, rather late; the only one. Images without a readable file are
    passed over. Where several were taken on the latest day, the first rule that fits one of them
    decides. No order is guessed for images without a day.

    Parameters
    ----------
    rows : DataFrame
        Rows of a cohort's table, of one patient: image_id, row, offset, view and file_status.
    """
    images = _read_images(rows)
    if not images:
        return Pair(None, None, "no image")
    if len(images) == 1:
        return Pair(images[0].image_id, None, "one image")
    frontal = [image for image in images if image.is_frontal]
    for current in [*_list_latest(images), *_list_latest(frontal)]:
        prior = _find_earlier(images, current, (current.view,))
        if prior is not None:
            return Pair(current.image_id, prior, "same view")
    for current in _list_latest(frontal):
        prior = _find_earlier(images, current, FRONTAL_VIEWS)
        if prior is not None:
            return Pair(current.image_id, prior, "other frontal view")
    return _choose_any(images)


def pair_image(rows: pd.DataFrame, image_id: str, others: Sequence[str | None] = ()) -> Pair:
    """Put a chosen image beside the one it is best compared with, the earlier one first.

    By turns: its nearest earlier image of the same view; for a frontal image the nearest earlier
    frontal one; the first of `others`. An image later than the chosen one is the current one: no
    prior is later than what it is the prior of.

    Parameters
    ----------
    rows : DataFrame
        As in `choose_pair`.
    image_id : str
    others : sequence of str or None
        Images to fall back on, such as those shown last.

    Raises
    ------
    SelectionError
        If an image is not among the rows.
    """
    chosen, images = _find_image(rows, image_id), _read_images(rows)
    prior = _find_earlier(images, chosen, (chosen.view,))
    if prior is None and chosen.is_frontal:
        prior = _find_earlier(images, chosen, FRONTAL_VIEWS)
    if prior is not None:
        return Pair(image_id, prior, "chosen")
    other = next((name for name in others if name not in (None, image_id)), None)
    if other is None:
        return Pair(image_id, None, "chosen")
    day = _find_image(rows, other).day
    if day is not None and chosen.day is not None and day > chosen.day:
        return Pair(other, image_id, "chosen")
    return Pair(image_id, other, "chosen")


def find_sides(rows: pd.DataFrame, pair: Pair) -> tuple[str, str]:
    """Find what to call the two images of a pair: prior and current, or only first and second.

    A prior is known to be earlier and can be compared: both days are recorded, the views too, and
    these are the same or both frontal. Of two images of one day, without a day, swapped, or of a
    frontal and a lateral view neither is the prior of the other, whoever put them side by side.

    Parameters
    ----------
    rows : DataFrame
        As in `choose_pair`.
    pair : Pair
        One image alone is the current one.

    Raises
    ------
    SelectionError
        If an image is not among the rows.
    """
    if pair.prior is None or pair.current is None:
        return SIDES
    first, second = (_find_image(rows, image_id) for image_id in pair.image_ids)
    return SIDES if _is_prior(first, second) else UNORDERED


@dataclass(frozen=True)
class _Image:
    """Hold what the choice of a pair looks at."""

    image_id: str
    row: int
    day: float | None
    view: str | None
    is_readable: bool

    @property
    def is_frontal(self) -> bool:
        return self.view in FRONTAL_VIEWS


def _read_images(rows: pd.DataFrame, *, only_readable: bool = True) -> list[_Image]:
    """Read rows in the order of the record, whatever order they come in."""
    columns = ("image_id", "row", "offset", "view", "file_status")
    values = zip(*(rows[name].tolist() for name in columns), strict=True)
    images = [
        _Image(
            str(image_id),
            int(row),
            None if pd.isna(day) else float(day),
            None if pd.isna(view) else str(view),
            status == "ok",
        )
        for image_id, row, day, view, status in values
    ]
    return sorted(
        (image for image in images if image.is_readable or not only_readable),
        key=lambda image: (image.row, image.image_id),
    )


def _find_image(rows: pd.DataFrame, image_id: str) -> _Image:
    found = [im for im in _read_images(rows, only_readable=False) if im.image_id == image_id]
    if not found:
        raise SelectionError(
            f"Image {image_id[:60]!r} is not among the {format_units(len(rows), 'image')} of this "
            "patient: choose one of them."
        )
    return found[0]


def _find_earlier(images: list[_Image], current: _Image, views: Sequence[str | None]) -> str | None:
    """Find the latest image before another one, of some views; of ties the first recorded."""
    if current.day is None or current.view is None:
        return None
    earlier = [
        (image.day, -place, image.image_id)
        for place, image in enumerate(images)
        if image.day is not None and image.day < current.day and image.view in views
    ]
    return max(earlier)[2] if earlier else None


def _is_prior(first: _Image, second: _Image) -> bool:
    """Tell whether an image is known to be earlier than another and can be compared with it."""
    if first.day is None or second.day is None or first.day >= second.day:
        return False
    is_same_view = first.view is not None and first.view == second.view
    return is_same_view or (first.is_frontal and second.is_frontal)


def _list_latest(images: list[_Image]) -> list[_Image]:
    """List the images of the latest day, frontal ones first."""
    days = [image.day for image in images if image.day is not None]
    latest = [image for image in images if days and image.day == max(days)]
    return sorted(latest, key=lambda image: not image.is_frontal)


def _choose_any(images: list[_Image]) -> Pair:
    """Choose two images that are no prior of each other."""

    def rank(pair: tuple[_Image, _Image]) -> tuple[bool, bool, int, float, float]:
        days = [image.day for image in pair if image.day is not None]
        is_same = pair[0].view is not None and pair[0].view == pair[1].view
        are_frontal = pair[0].is_frontal and pair[1].is_frontal
        return is_same, are_frontal, len(days), max(days, default=0.0), sum(days)

    # 200 images make 20,000 pairs: the most telling images will do.
    few = sorted(
        images, key=lambda image: (not image.is_frontal, image.day is None, -(image.day or 0.0))
    )[:N_TELLING]
    first, second = max(combinations(sorted(few, key=lambda image: image.row), 2), key=rank)
    if first.day is not None and second.day is not None and first.day > second.day:
        first, second = second, first
    pair = Pair(second.image_id, first.image_id, "any two")
    return replace(pair, rule="same view") if _is_prior(first, second) else pair


# ---- comparing


def compare_pair(rows: pd.DataFrame, first: str, second: str) -> PairFacts:
    """Compare what is recorded of two images.

    Parameters
    ----------
    rows : DataFrame
        Rows of a cohort's table with both images.
    first, second : str
        Image ids, in the order they stand side by side.

    Raises
    ------
    SelectionError
        If an image is not among the rows.
    """
    for image_id in (first, second):
        _find_image(rows, image_id)
    records = rows.set_index("image_id")
    one, two = records.loc[first].to_dict(), records.loc[second].to_dict()
    days = [None if pd.isna(each["offset"]) else float(each["offset"]) for each in (one, two)]
    sides = find_sides(rows, Pair(second, first, "chosen"))
    differences = sorted(_list_differences(one, two, sides), key=lambda each: not each.is_grave)
    return PairFacts(
        first=first,
        second=second,
        days=None if days[0] is None or days[1] is None else days[1] - days[0],
        days_reason=_explain_days(days, sides),
        days_note=f"day {FEW_DAYS} can also mean “a few days”" if FEW_DAYS in days else "",
        states=(_describe_state(one), _describe_state(two)),
        differences=tuple(differences),
        scores=tuple(_compare_scores(one, two, sides)),
        sides=sides,
    )


def describe_pair(facts: PairFacts) -> str:
    """Describe how two images relate, in plain sentences: days, views, states and scores.

    Examples
    --------
    >>> describe_pair(PairFacts("a", "b", 12.0, "", "", ("not in ICU", "in ICU"), (), ()))
    'The current image was taken 12 days after the prior. Prior: not in ICU. Current: in ICU.'
    """
    sentences = [_describe_days(facts)]
    if facts.days_note and facts.days is not None:
        sentences.append(f"{facts.days_note[:1].upper()}{facts.days_note[1:]}.")
    sentences += [each.words for each in facts.differences]
    one, two = facts.states
    first, second = (side.capitalize() for side in facts.sides)
    sentences += [f"Both: {one}."] if one == two else [f"{first}: {one}.", f"{second}: {two}."]
    sentences += [_describe_score(score, facts.sides) for score in facts.scores if score.is_given]
    return " ".join(sentences)


Record = dict[Hashable, Any]
Sides = tuple[str, str]


def _describe_state(record: Record) -> str:
    return describe_state(str(record["state"]), str(record["state_reasons"]))


def _describe_both(one: str, two: str, sides: Sides) -> str:
    """Describe what each has; "then" stands only before what is known to have come later."""
    return f"{one}, then {two}" if sides == SIDES else f"{one} ({sides[0]}), {two} ({sides[1]})"


def _explain_days(days: Sequence[float | None], sides: Sides) -> str:
    """Describe why there is no number of days between."""
    blank = [name for name, day in zip(sides, days, strict=True) if day is None]
    if not blank:
        return ""
    if len(blank) == 2:
        return "the day is not recorded for either image"
    return f"the day of the {blank[0]} image is not recorded"


def _describe_days(facts: PairFacts) -> str:
    if facts.days is None:
        return f"Days between the images are not known: {facts.days_reason}."
    if facts.days == 0:
        return "Both images were taken on the same recorded day; which came first is not known."
    number = f"{abs(facts.days):g} day{'' if abs(facts.days) == 1 else 's'}"
    first, second = facts.sides
    return (
        f"The {second} image was taken {number} {'after' if facts.days > 0 else 'before'} the "
        f"{first}."
    )


def _list_differences(one: Record, two: Record, sides: Sides) -> Iterator[Difference]:
    """List what is recorded differently, as far as it bears on what is seen."""
    if not pd.isna(one.get("sha256")) and one["sha256"] == two.get("sha256"):
        words = "Both files contain the same image, so no change is possible."
        yield Difference("same picture", words, is_grave=True)
    views = [NOT_RECORDED if pd.isna(each["view"]) else str(each["view"]) for each in (one, two)]
    yield from _compare_views(views[0], views[1], sides)
    for column, (words, is_grave) in _WARNINGS.items():
        first, second = one.get(column), two.get(column)
        if not pd.isna(first) and not pd.isna(second) and first != second:
            yield Difference(column, words, is_grave)


def _compare_views(first: str, second: str, sides: Sides) -> Iterator[Difference]:
    """Tell whether the two can be compared at all."""
    both, name = _describe_both(first, second, sides), "view"
    if NOT_RECORDED in (first, second):
        which = "either image" if first == second else "one image"
        words = f"The view of {which} is not recorded: the images may not be comparable."
    elif first == second:
        return
    elif first.startswith("AP") and second.startswith("AP"):
        name = "position"
        words = (
            f"Positions differ: {both}. Fluid, vessels, heart size and lung volume look "
            "different by position alone."
        )
    elif "L" in (first, second):
        words = (
            f"Views differ: {both}. A lateral and a frontal image cannot be compared for change."
        )
    else:
        words = (
            f"Views differ: {both}. Heart size, lung volume and fluid look different by view alone."
        )
    yield Difference(name, words, is_grave=True)


def _compare_scores(one: Record, two: Record, sides: Sides) -> Iterator[Score]:
    """Compare the severity scores, where both images have one."""
    for column, (name, maximum) in SCORES.items():
        values = [_number(each[column]) for each in (one, two)]
        first, second = values
        if first is not None and second is not None:
            yield Score(name, maximum, first, second, second - first, "")
            continue
        given = [side for side, value in zip(sides, values, strict=True) if value is not None]
        reason = f"only the {given[0]} image has a score" if given else "neither image has a score"
        yield Score(name, maximum, first, second, None, reason)


def _number(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _describe_score(score: Score, sides: Sides) -> str:
    name = f"{score.name} (0-{score.maximum})"
    if score.change is None:
        given = score.first if score.first is not None else score.second
        return f"{name}: {given:g}; {score.reason}."
    both = _describe_both(f"{score.first:g}", f"{score.second:g}", sides)
    # A change needs a before and an after.
    return (
        f"{name}: {both} ({_format_change(score.change)})."
        if sides == SIDES
        else f"{name}: {both}."
    )


def _format_change(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−") if value else "no change"
