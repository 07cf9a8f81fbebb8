"""The scene of the trajectories page: a map, and the images on it that the filters keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from cxrlib.cohort import Cohort
from cxrlib.maps import (
    ReferenceOverlay,
    Trajectory,
    compute_trajectories,
    count_map,
    describe_counts,
)
from cxrlib.reports import describe_overlay, list_provenance
from cxrlib.selection import Selection
from ui.session.filters import load_selected, show_empty
from ui.session.resources import Current
from ui.widgets.text import show_quiet

__all__ = ["Scene", "show_counts", "show_left_out"]


@dataclass(frozen=True, eq=False)
class Scene:
    """Hold a map, its overlay and which of its images the filters keep.

    Parameters
    ----------
    current : Current
    reference : ReferenceOverlay or None
    cohort : Cohort
        The whole one.
    selection : Selection
    """

    current: Current
    reference: ReferenceOverlay | None
    cohort: Cohort
    selection: Selection

    @cached_property
    def selected(self) -> Cohort:
        """Give what the filters keep of the cohort, on the map or not."""
        if self.selection.is_empty:
            return self.cohort
        return load_selected(self.cohort, self.selection)

    @cached_property
    def is_kept(self) -> NDArray[np.bool_]:
        """Tell which of the map's points the filters keep."""
        if self.selection.is_empty:
            return np.ones(len(self.current.marks), dtype=bool)
        kept = set(self.selected.table["image_id"])
        return self.current.marks["image_id"].isin(kept).to_numpy(dtype=bool)

    @cached_property
    def points(self) -> pd.DataFrame:
        """Give the map's points that the filters keep; without filters the very table."""
        if self.selection.is_empty:
            return self.current.marks
        return self.current.marks[self.is_kept]

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Give the others."""
        return self.current.marks[~self.is_kept]

    @cached_property
    def filters(self) -> list[str]:
        """Describe the filters."""
        return self.selection.describe()

    @cached_property
    def origin(self) -> list[str]:
        """List the provenance of all that is saved of the page."""
        lines = list_provenance(self.current.mapped, filters=self.filters)
        return [*lines, *describe_overlay(self.reference)]

    @cached_property
    def kept_patients(self) -> frozenset[str]:
        """List the patients of whom the filters keep an image on the map."""
        return frozenset(self.points["patient_id"])

    def find_paths(self, patients: Sequence[str]) -> list[Trajectory]:
        """Find the paths of those patients of whom an image is kept."""
        kept = [patient for patient in patients if patient in self.kept_patients]
        return compute_trajectories(self.selected.table, self.current.mapped.projection, kept)


def show_counts(scene: Scene) -> None:
    """Show how many images of each state are on the map, as the page's first sentence."""
    st.markdown(describe_counts(count_map(scene.points)))


def show_left_out(scene: Scene) -> None:
    """Show how many images the filters leave out, and where they leave none what to do."""
    if n_out := len(scene.left_out):
        show_quiet(
            f"{n_out:,} of {len(scene.is_kept):,} images on the map are filtered out (faint "
            "dots). Filters only dim points; the map does not change."
        )
    if scene.points.empty:
        show_empty(scene.cohort, scene.selection)
