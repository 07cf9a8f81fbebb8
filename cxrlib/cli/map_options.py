"""Options of ``map``: the density layer, patients, rows, a second cohort, settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from cxrlib.cli.options import WhereOption
from cxrlib.cohort import Cohort
from cxrlib.maps import ProjectionSettings, SurfaceWish
from cxrlib.notebook import SurfaceKind, read_surface
from cxrlib.selection import Selection, parse_where

__all__ = ["DrawingOptions", "LayoutOptions"]


@dataclass(frozen=True)
class DrawingOptions:
    """Options for what a written map shows."""

    state: Annotated[
        str,
        typer.Option(
            help="Images that the density layer counts: 'ICU or tube' (in ICU or intubated, as in "
            "the paper), ICU, tube, 'ICU, tube or death', 'extent>=4' or 'opacity>=3' (severity "
            "scores), filters (what --where keeps), or none. Hyphens can replace spaces.",
        ),
    ] = "ICU or tube"
    surface: Annotated[
        SurfaceKind,
        typer.Option(help="Density of those images, or their share where the state is recorded."),
    ] = "density"
    within: Annotated[
        str | None, typer.Option(help="Density of images in this view only, such as AP.")
    ] = None
    bandwidth: Annotated[
        float | None,
        typer.Option(
            help="Bandwidth of the density in map units. Default: 1 as in the paper; with --method "
            "pca the same share of the map's spread.",
        ),
    ] = None
    colour: Annotated[
        str,
        typer.Option(
            "--colour",
            "--color",
            help="Colour points by state, view, region, source, age, ... or 'output NAME'.",
        ),
    ] = "state"
    patient: Annotated[
        list[str] | None, typer.Option(help="Draw this patient's path; repeatable.")
    ] = None
    patients: Annotated[
        str,
        typer.Option(help="Draw these patients' paths, separated by commas: 178,205."),
    ] = ""
    rows: Annotated[
        str,
        typer.Option(
            help="Ring the images in these rows of metadata.csv (the header is row 1), as in a "
            "link: 12-15,40. A .parquet file then holds only these.",
        ),
    ] = ""
    where: WhereOption = ""
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a second cohort, embedded by the same extractor: shown, not counted.",
        ),
    ] = None
    reference_fit: Annotated[
        Literal["placed", "fitted"],
        typer.Option(
            help="placed: project the second cohort onto the map by its nearest images. fitted: "
            "compute a new map of both cohorts (as the paper does).",
        ),
    ] = "placed"

    @property
    def selection(self) -> Selection:
        """The filters: which images are not dimmed."""
        return parse_where(self.where)

    @property
    def wish(self) -> SurfaceWish:
        """The density layer."""
        return read_surface(self.state, kind=self.surface, within=self.within)

    @property
    def patient_ids(self) -> list[str]:
        """List the patients whose paths are drawn, named in either way, each once.

        Examples
        --------
        >>> DrawingOptions(patient=["178"], patients="205, 178").patient_ids
        ['178', '205']
        """
        listed = [each.strip() for each in self.patients.split(",")]
        return list(dict.fromkeys([*(self.patient or []), *filter(None, listed)]))


@dataclass(frozen=True)
class LayoutOptions:
    """Options for how a map is computed."""

    features: Annotated[
        Literal["outputs", "embedding"], typer.Option(help="outputs is the paper's choice.")
    ] = "outputs"
    method: Annotated[
        Literal["umap", "pca"], typer.Option(help="umap is the paper's; pca is linear.")
    ] = "umap"
    neighbours: Annotated[int, typer.Option(help="Neighbours that UMAP keeps close.", min=2)] = 30
    min_dist: Annotated[float, typer.Option(help="How close UMAP may put two images.", min=0)] = 0.5
    views: Annotated[
        str,
        typer.Option(
            help="Views on the map, separated by commas. Default: PA,AP,AP Supine as in the "
            "paper, and AP Erect in other cohorts that have it.",
        ),
    ] = ""
    any_finding: Annotated[
        bool, typer.Option("--any-finding", help="Map images without a diagnosis too.")
    ] = False
    seed: Annotated[int, typer.Option(help="Seed of the map.", min=0, max=2**32 - 1)] = 0

    def find_settings(self, cohort: Cohort) -> ProjectionSettings:
        """Find the settings as the library takes them."""
        views = tuple(filter(None, (view.strip() for view in self.views.split(","))))
        return ProjectionSettings(
            method=self.method,
            features=self.features,
            n_neighbors=self.neighbours,
            min_dist=self.min_dist,
            seed=self.seed,
            views=views if self.views else cohort.frontal_views,
            needs_finding=not self.any_finding,
        )
