"""Definitions of a bad state that a reader can choose from, and for which images each is known.

A share needs a denominator: the images of which a definition knows whether they are bad. It is
known of an image

- "ICU or tube": where either is recorded as yes or no. One yes is bad; else it is good, as in the
  paper, which calls an image good that is recorded as not in the ICU, *or* as without a tube.
  Outcomes count on neither side: a survivor's last image is not known to be out of the ICU.
- "ICU", "tube": where that column says yes or no.
- "ICU, tube or death": where the state is good or bad (`cxrlib.cohort.states`): outcomes count on
  both
  sides.
- "severity": where the image was scored.
- "current filter": always; bad is then what the filters keep, of all images on the map.

A blank is never a no.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.errors import SelectionError
from cxrlib.maps.trajectories import mark_icu_or_intubated

#: Severity scores: column, what it is called, its highest value (Cohen et al. 2020a).
SEVERITIES: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "geographic_mean": ("geographic extent score", 8.0),
        "opacity_mean": ("opacity score", 6.0),
    }
)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BadDefinition:
    """Hold a definition of a bad state.

    Parameters
    ----------
    name : str
        Its key, as ``--state`` of the command line takes it.
    title : str
        As chosen on screen: "In ICU or intubated".
    label : str
        The images that are bad, after "density of": "images taken in ICU or while intubated".
    known_label : str
        The images that are known to be bad or not, after "among".
    """

    name: str
    title: str
    label: str
    known_label: str


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class MarkedImages:
    """Hold which images are bad by a definition, and for which images that is known.

    Parameters
    ----------
    definition : BadDefinition
        With a threshold or a view in its words, where one was given.
    bad, known : ndarray of bool, shape (n_images,)
        Every bad image is known.
    overlap : ndarray of bool, shape (n_images,)
        Bad, with a reason for good as well: bad wins.
    """

    definition: BadDefinition
    bad: Mask
    known: Mask
    overlap: Mask

    @property
    def n_bad(self) -> int:
        """Count the bad images."""
        return int(self.bad.sum())

    @property
    def n_known(self) -> int:
        """Count the images that are known to be bad or not."""
        return int(self.known.sum())

    @property
    def n_overlap(self) -> int:
        """Count the bad images that have a reason for good as well."""
        return int(self.overlap.sum())

    def take(self, rows: Mask) -> "MarkedImages":
        """Count only some of the images; the others are then neither bad nor known."""
        return replace(
            self, bad=self.bad & rows, known=self.known & rows, overlap=self.overlap & rows
        )


DEFINITIONS: Mapping[str, BadDefinition] = MappingProxyType(
    {
        each.name: each
        for each in (
            BadDefinition(
                "ICU or tube",
                "In ICU or intubated",
                "images taken in ICU or while intubated",
                "images with ICU or intubation recorded",
            ),
            BadDefinition("ICU", "In ICU", "images taken in ICU", "images with ICU recorded"),
            BadDefinition(
                "tube",
                "Intubated",
                "images taken while intubated",
                "images with intubation recorded",
            ),
            BadDefinition(
                "ICU, tube or death",
                "In ICU, intubated or last before death",
                "images taken in ICU, while intubated or last before death",
                "images with ICU, intubation or the outcome of a last image recorded",
            ),
            BadDefinition("severity", "Severity score", "images by severity", "scored images"),
            BadDefinition(
                "current filter",
                "Kept by the filters",
                "images that the filters keep",
                "images on the map",
            ),
        )
    }
)
"""The definitions by name, in the order to show; the first is the paper's Figure 3."""


def mark_bad(
    points: pd.DataFrame,
    definition: str = "ICU or tube",
    *,
    severity: str = "geographic_mean",
    at_least: float = 4.0,
    view: str | None = None,
    selected: Mask | None = None,
) -> MarkedImages:
    """Mark which images are bad by a definition, and for which images that is known.

    Parameters
    ----------
    points : DataFrame
        Images with in_icu, intubation_present, state, state_overlap, the severity score and
        view, as far as the definition asks for them. A score that the table lacks is recorded
        of no image.
    definition : str
        One of `DEFINITIONS`.
    severity : {"geographic_mean", "opacity_mean"}
        The score of the definition by severity.
    at_least : float, default 4.0
        From this score on an image is bad; half of the highest extent.
    view : str, optional
        Images of other views are then neither bad nor known.
    selected : ndarray of bool, shape (n_images,), optional
        What the filters keep; by default all.

    Returns
    -------
    MarkedImages

    Raises
    ------
    SelectionError
        If there is no such definition or score, or the threshold is not finite.
    """
    if definition not in DEFINITIONS:
        raise SelectionError(
            f"There is no definition {definition[:60]!r} of a state. "
            f"Choose one of {', '.join(map(repr, DEFINITIONS))}."
        )
    chosen = DEFINITIONS[definition]
    if definition == "severity":
        chosen = _add_threshold(chosen, severity, at_least)
        marks = _mark_severity(points, severity, at_least)
    elif definition == "current filter":
        kept = np.ones(len(points), dtype=bool) if selected is None else np.asarray(selected, bool)
        marks = kept, np.ones(len(points), dtype=bool), np.zeros(len(points), dtype=bool)
    else:
        marks = _RECORDED[definition](points)
    marked = MarkedImages(chosen, *marks)
    return marked if view is None else _within(marked, points, view)


Marks = tuple[Mask, Mask, Mask]


def _is(column: pd.Series, *answers: str) -> Mask:
    """Tell which cells hold one of some answers."""
    return np.asarray(column.isin(answers).to_numpy(dtype=bool, na_value=False))


def _mark_icu_or_tube(points: pd.DataFrame) -> Marks:
    icu, tube = points["in_icu"], points["intubation_present"]
    bad = mark_icu_or_intubated(points)
    says_no = _is(icu, "no") | _is(tube, "no")
    return bad, bad | says_no, bad & says_no


def _mark_answer(points: pd.DataFrame, column: str) -> Marks:
    bad = _is(points[column], "yes")
    return bad, bad | _is(points[column], "no"), np.zeros(len(points), dtype=bool)


def _mark_state(points: pd.DataFrame) -> Marks:
    bad = _is(points["state"], "bad")
    overlap = points["state_overlap"].to_numpy(dtype=bool, na_value=False)
    return bad, bad | _is(points["state"], "good"), bad & overlap


_RECORDED: Mapping[str, Callable[[pd.DataFrame], Marks]] = {
    "ICU or tube": _mark_icu_or_tube,
    "ICU": lambda points: _mark_answer(points, "in_icu"),
    "tube": lambda points: _mark_answer(points, "intubation_present"),
    "ICU, tube or death": _mark_state,
}


def _mark_severity(points: pd.DataFrame, severity: str, at_least: float) -> Marks:
    """Mark the images scored at or above a threshold."""
    none = np.zeros(len(points), dtype=bool)
    if severity not in points:
        return none, none, none
    scores = points[severity].to_numpy(dtype=np.float64, na_value=np.nan)
    return scores >= at_least, np.isfinite(scores), none


def _add_threshold(chosen: BadDefinition, severity: str, at_least: float) -> BadDefinition:
    """Put score and threshold into the texts of a definition."""
    if severity not in SEVERITIES:
        raise SelectionError(
            f"There is no severity score {severity[:60]!r}. Choose one of {', '.join(SEVERITIES)}."
        )
    if not np.isfinite(at_least):
        raise SelectionError(f"Threshold {at_least!r} is not usable: give a number.")
    name, highest = SEVERITIES[severity]
    words = f"{name} of {at_least:g} or more (of {highest:g})"
    return replace(chosen, title=f"With a {words}", label=f"images with a {words}")


def _within(marked: MarkedImages, points: pd.DataFrame, view: str) -> MarkedImages:
    """Leave only the images of one view."""
    words = marked.definition
    within = marked.take(_is(points["view"], view))
    definition = replace(
        words,
        label=f"{words.label}, view {view}",
        known_label=f"{words.known_label}, view {view}",
    )
    return replace(within, definition=definition)
