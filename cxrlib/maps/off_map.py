"""Why X-rays of a cohort are not on a map, and which settings or columns would bring them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import Cohort
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.maps.map_settings import VIEWS
from cxrlib.maps.mapped_cohort import select_for_map
from cxrlib.maps.projection import ProjectionSettings
from cxrlib.number_text import format_units

_FILES = {
    "no file": "without a file (put it into images/)",
    "unreadable": "with an unreadable file (the data page names it)",
    "outside": "with a file outside the folder (the data page names it)",
}


@dataclass(frozen=True)
class Widening:
    """Hold settings that would map more images.

    Parameters
    ----------
    label : str
        What they do, as a verb with its object.
    settings : ProjectionSettings
    n_more : int
        Images that they would add.
    """

    label: str
    settings: ProjectionSettings
    n_more: int


def describe_off_map(
    cohort: Cohort,
    settings: ProjectionSettings,
    *,
    extractor: ExtractorInfo | None = None,
    n_on_map: int | None = None,
) -> str:
    """Describe how many X-rays of a cohort are not on a map and why; "" where all are.

    Each is counted once, by the first reason: file, view, diagnosis. What would bring it stands in
    brackets.

    Parameters
    ----------
    cohort : Cohort
        The whole one.
    settings : ProjectionSettings
    extractor : ExtractorInfo, optional
        By features from outside an image without a file can be on the map.
    n_on_map : int, optional
        Images on it, where some that belong there are not embedded; all of them unless given.
    """
    xrays, chosen = cohort.select_xrays(), select_for_map(cohort, settings, extractor)
    if not xrays.n_images:
        return (
            f"None of the {format_units(cohort.n_images, 'row')} of metadata.csv is an X-ray. Fill "
            "the column modality (X-ray) or view (PA, AP, ...)."
        )
    n_on_map = chosen.n_images if n_on_map is None else n_on_map
    reasons = _count_reasons(chosen)
    if n_late := chosen.n_images - n_on_map:
        reasons["not processed yet (the data page does it)"] = n_late
    if not reasons:
        return ""
    n_off = xrays.n_images - n_on_map
    are = "is" if n_off == 1 else "are"
    parts = ", ".join(f"{n:,} {words}" for words, n in reasons.items())
    return f"{n_off:,} of {format_units(xrays.n_images, 'X-ray')} {are} not on the map: {parts}."


def _count_reasons(chosen: Cohort) -> dict[str, int]:
    """Count the X-rays that a selection for a map left out, by reason in words."""
    counts: dict[str, int] = {}
    for step in chosen.steps:
        for reason, n in step.removed.items():
            if not reason.startswith("modality "):
                words = _word(reason)
                counts[words] = counts.get(words, 0) + n
    return counts


def _word(reason: str) -> str:
    """Put a reason of `select_for_map` in words, after a number."""
    noun, _, value = reason.partition(" ")
    if noun == "finding":
        return "without a diagnosis (column finding)"
    if noun == "view":
        is_blank = value == NOT_RECORDED
        return "without a view (column view)" if is_blank else f"of view {value}"
    return _FILES.get(reason, reason)


def list_widenings(cohort: Cohort, settings: ProjectionSettings) -> list[Widening]:
    """List the settings that would map more images of a cohort, those that add most first.

    One view more, images without a diagnosis too, and all of it together where that adds more than
    each alone.
    """
    n_now = select_for_map(cohort, settings).n_images
    found = [
        Widening(label, wider, select_for_map(cohort, wider).n_images - n_now)
        for label, wider in _list_wider(settings)
    ]
    *single, every = found
    helping = sorted((each for each in single if each.n_more), key=lambda each: -each.n_more)
    is_more = every.n_more > max((each.n_more for each in single), default=0)
    return [*helping, *([every] if is_more else [])]


def _list_wider(settings: ProjectionSettings) -> Iterator[tuple[str, ProjectionSettings]]:
    """Give each wider choice with what it does, the widest last."""
    for view in VIEWS:
        if view not in settings.views:
            views = tuple(each for each in VIEWS if each in (*settings.views, view))
            words = "images without a view" if view == NOT_RECORDED else f"images of view {view}"
            yield f"Add {words}", replace(settings, views=views)
    if settings.needs_finding:
        yield "Add images without a diagnosis", replace(settings, needs_finding=False)
    yield "Add all X-rays with a file", replace(settings, views=VIEWS, needs_finding=False)
