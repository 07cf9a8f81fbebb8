"""Exports of the map: a page, a figure or a table, with its provenance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from cxrlib.charts.maps import (
    MAP_QUESTION,
    add_reference,
    caption_map,
    describe_map,
    map_html,
    plot_map,
    ring_chosen,
)
from cxrlib.charts.style import Imprint, Theme, render_figure
from cxrlib.cohort import STATE_TITLES, Cohort, has_paper_patients
from cxrlib.maps import (
    STATE_COLUMNS,
    TABLE_COLUMNS,
    Colouring,
    MappedCohort,
    ReferenceOverlay,
    Surface,
    SurfaceWish,
    Trajectory,
    colour_points,
    compute_trajectory,
    describe_reference,
    describe_rows,
    encode_parquet,
    estimate_surface,
    export_map,
    find_story,
    map_points,
)
from cxrlib.number_text import format_units
from cxrlib.reports.provenance import list_provenance, write_export

STOP_COLUMNS = (
    *("patient_id", "day", "n_images", "views", "state", "n_in_state"),
    *("days_since_previous", "step_map_units"),
)


def points_table(points: pd.DataFrame) -> pd.DataFrame:
    """Choose the columns of the map's points that an export holds: enough to count again.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`.
    """
    return points[[*TABLE_COLUMNS, *STATE_COLUMNS]]


def stops_table(paths: Sequence[Trajectory]) -> pd.DataFrame:
    """List the stops of trajectories, one row a patient and day.

    Returns
    -------
    DataFrame
        patient_id, day, n_images, views, state, n_in_state (images of the day in that state),
        days_since_previous and step_map_units (missing for the first day).
    """
    rows = [
        {
            "patient_id": path.patient_id,
            "day": stop.day,
            "n_images": len(stop.images),
            "views": ", ".join(sorted({image.view for image in stop.images})),
            "state": stop.state,
            "n_in_state": sum(image.state == stop.state for image in stop.images),
            "days_since_previous": None if step is None else step.gap,
            "step_map_units": None if step is None else round(step.length, 2),
        }
        for path in paths
        for stop, step in zip(path.stops, [None, *path.steps], strict=False)
    ]
    return pd.DataFrame(rows, columns=list(STOP_COLUMNS))


def describe_story(mapped: MappedCohort, patients: Sequence[str]) -> list[str]:
    """Describe the patients a map opens on, one sentence or two each.

    A synthetic cohort brings the words along; for the real collection they are the paper's.
    """
    captions = mapped.cohort.planted.get("story", {}).get("captions", {})
    story = [f"Patient {p}, synthetic: {captions[p]}" for p in patients if p in captions]
    shown = [PAPER_STORY[p] for p in patients if p in PAPER_STORY]
    table = mapped.cohort.table[["image_id", "patient_id"]]
    if shown and has_paper_patients(map_points(table, mapped.projection)):
        story.append(f"In the paper's Figure 3, {'; '.join(shown)}. {PAPER_MAP}")
    return story


PAPER_STORY = {
    "178": "patient 178 died in the ICU",
    "205": "patient 205 got worse and recovered",
    "332": "patient 332 recovered quickly",
}
PAPER_MAP = (
    "The paper's map used the pretrained network and 1,767 more images that cannot be "
    "redistributed, so positions here differ from its figure."
)


@dataclass(frozen=True)
class MapWish:
    """Hold what a map that leaves the program shows.

    Parameters
    ----------
    patients : sequence of str, optional
        Whose paths are drawn; by default the cohort's story, with an empty one nobody's.
    surface : SurfaceWish
        The background; by default the paper's density.
    colour_by : str, default "state"
        One of `cxrlib.maps.list_colourings`.
    selected : Cohort, optional
        Whose images are drawn in full, the others as faint dots; by default all.
    filters : sequence of str
        What the filters keep.
    chosen : sequence of str
        Images to ring; a table holds these only.
    reference : ReferenceOverlay, optional
        Overlaid, never counted; a table leaves it out.
    """

    patients: Sequence[str] | None = None
    surface: SurfaceWish = SurfaceWish()  # noqa: RUF009  (frozen)
    colour_by: str = "state"
    selected: Cohort | None = None
    filters: Sequence[str] = ()
    chosen: Sequence[str] = ()
    reference: ReferenceOverlay | None = None


@dataclass(frozen=True, eq=False)
class MapDrawing:
    """Hold the parts of a drawn map, on a page or in an export.

    Parameters
    ----------
    mapped : MappedCohort
    every : DataFrame
        All points of the map, `cxrlib.maps.map_points`.
    is_kept : ndarray of bool, shape (n_points,)
        Points that the filters keep.
    surface : Surface or None
    colouring : Colouring
        Of all points.
    paths : sequence of Trajectory
    chosen : sequence of str
        Images to ring.
    reference : ReferenceOverlay or None
    """

    mapped: MappedCohort
    every: pd.DataFrame
    is_kept: NDArray[np.bool_]
    surface: Surface | None
    colouring: Colouring
    paths: Sequence[Trajectory]
    chosen: Sequence[str]
    reference: ReferenceOverlay | None

    @cached_property
    def points(self) -> pd.DataFrame:
        """Give the points that are drawn in full."""
        return self.every[self.is_kept]

    @cached_property
    def kept_colouring(self) -> Colouring:
        """Give the colouring of those."""
        return self.colouring.take(self.is_kept)

    def plot(
        self,
        *,
        theme: Theme = "light",
        scale: float = 1.0,
        selected_image_id: str | None = None,
        uirevision: str = "map",
    ) -> go.Figure:
        """Plot it with its overlay and rings; the options are those of `plot_map`."""
        figure = plot_map(
            self.points,
            self.surface,
            self.paths,
            colouring=self.kept_colouring,
            theme=theme,
            scale=scale,
            selected_image_id=selected_image_id,
            uirevision=uirevision,
            backdrop=self.every[~self.is_kept],
        )
        if self.reference is not None:
            add_reference(figure, self.reference.places, theme=theme, name=self.reference.name)
        return ring_chosen(figure, self.points, self.chosen, theme=theme, scale=scale)

    @property
    def remarks(self) -> list[str]:
        """Describe the rings and the overlay, where there are any."""
        cloud = [] if self.reference is None else [describe_reference(self.reference)]
        return [*describe_rings(self.points, self.chosen), *cloud]

    def describe(self) -> str:
        """Describe the map in words: its text alternative."""
        return describe_map(self.points, self.surface, self.paths, colouring=self.kept_colouring)

    def describe_picture(self, filters: Sequence[str]) -> str:
        """Describe the picture: one line, then on a second one how (not) to read it."""
        settings = self.mapped.projection.settings
        caption = caption_map(
            self.points,
            cohort=self.mapped.cohort.name,
            extractor=self.mapped.extractor,
            method=settings.method,
            features=settings.features,
            surface=self.surface,
            colouring=self.kept_colouring,
            filters="; ".join(filters),
        )
        return " ".join([caption, *self.remarks])


def _prepare_drawing(mapped: MappedCohort, wish: MapWish) -> tuple[MapDrawing, list[str]]:
    """Make the drawing of a wish, and list whose paths are on it."""
    cohort, projection = mapped.cohort, mapped.projection
    every = map_points(mapped.mapped.table, projection)
    is_filtered = wish.selected is not None
    table = cohort.table if wish.selected is None else wish.selected.table
    is_kept = every["image_id"].isin(table["image_id"]).to_numpy(dtype=bool)
    patients = wish.patients
    if patients is None:
        patients = find_story(cohort.table, projection, planted=cohort.planted)
    shown = set(every["patient_id"][is_kept]) if is_filtered else set(patients)
    drawing = MapDrawing(
        mapped,
        every,
        is_kept,
        estimate_surface(every, wish.surface, kept=is_kept if is_filtered else None),
        colour_points(every, wish.colour_by, embeddings=mapped.embeddings),
        [compute_trajectory(table, projection, each) for each in patients if each in shown],
        wish.chosen,
        wish.reference,
    )
    return drawing, list(patients)


def describe_rings(points: pd.DataFrame, chosen: Sequence[str]) -> list[str]:
    """Describe in a sentence the rings on a map; nothing where there are none."""
    if not chosen:
        return []
    n_drawn = int(points["image_id"].isin(set(chosen)).sum())
    return [f"{format_units(n_drawn, 'image')} selected (ringed)."]


def _list_origin(mapped: MappedCohort, wish: MapWish) -> list[str]:
    """List where a map comes from, with its second cohort and the selected images."""
    lines = list_provenance(mapped, filters=wish.filters)
    if wish.chosen:
        table = mapped.cohort.table
        rows = table.loc[table["image_id"].isin(set(wish.chosen)), "row"]
        lines.insert(-1, f"Selected: {describe_rows(rows.tolist())}")
    lines[-1:-1] = describe_overlay(wish.reference)
    return lines


def describe_overlay(reference: ReferenceOverlay | None) -> list[str]:
    """Describe the overlaid cohort in a line of an export; nothing where there is none."""
    if reference is None:
        return []
    how = "mapped together" if reference.is_fitted else "projected"
    return [f"Overlaid cohort: {reference.name}, {how}; fingerprint {reference.fingerprint}"]


def map_page(mapped: MappedCohort, wish: MapWish | None = None) -> str:
    """Return the map as a page that opens anywhere, with its caption and provenance.

    Raises
    ------
    SelectionError
        If a patient is not in the cohort.
    """
    wish = wish or MapWish()
    drawing, patients = _prepare_drawing(mapped, wish)
    notice, *origin = _list_origin(mapped, wish)
    caption = " ".join(drawing.describe_picture(wish.filters).split("\n"))
    stops = stops_table(drawing.paths)
    return map_html(
        drawing.plot(scale=1.15),
        caption="\n".join([caption, *origin]),
        notice=notice,
        description=" ".join([drawing.describe(), *drawing.remarks]),
        title=f"Map of {mapped.cohort.name}",
        stops=stops.assign(state=stops["state"].map(STATE_TITLES)),
        story=describe_story(mapped, patients),
    )


def write_map_page(mapped: MappedCohort, out: Path, wish: MapWish | None = None) -> None:
    """Write `map_page` to a file, whole or not at all."""
    write_export(out, map_page(mapped, wish).encode())


def write_map_figure(mapped: MappedCohort, out: Path, wish: MapWish | None = None) -> None:
    """Write the map as SVG or PNG for paper, by a Chrome of this machine.

    Raises
    ------
    SelectionError
        If a patient is not in the cohort.
    ReportError
        If there is no Chrome, or the file cannot be written.
    """
    wish = wish or MapWish()
    drawing, _ = _prepare_drawing(mapped, wish)
    lines = tuple(_list_origin(mapped, wish))
    imprint = Imprint(MAP_QUESTION, drawing.describe_picture(wish.filters), lines)
    description = " ".join([drawing.describe(), *drawing.remarks])
    kind = out.suffix.lstrip(".")
    write_export(out, render_figure(drawing.plot(), kind, imprint, description=description))


def write_map_table(mapped: MappedCohort, out: Path, wish: MapWish | None = None) -> None:
    """Write the map's points with their neighbours as Parquet, see `cxrlib.maps.map_table`.

    Of a wish only what is selected and chosen counts.
    """
    wish = wish or MapWish()
    selected = None if wish.selected is None else set(wish.selected.table["image_id"])
    if wish.chosen:
        selected = set(wish.chosen) if selected is None else selected & set(wish.chosen)
    lines = _list_origin(mapped, replace(wish, reference=None))
    write_export(out, encode_parquet(export_map(mapped, selected), lines))
