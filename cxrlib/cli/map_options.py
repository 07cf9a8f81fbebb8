"""What ``map`` takes from the command line: a bad state, patients, rows, a reference, settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from cxrlib.cli.options import WhereOption
from cxrlib.maps import ProjectionSettings, SurfaceWish
from cxrlib.notebook import SurfaceKind, read_surface
from cxrlib.selection import Selection, parse_where

__all__ = ["DrawingOptions", "LayoutOptions"]


@dataclass(frozen=True)
class DrawingOptions:
    """What a map that is written shows, beside how it is computed."""

    state: Annotated[
        str,
        typer.Option(
            help="What is bad in the shading: 'ICU or tube' (the paper's), ICU, tube, 'ICU, tube "
            "or death', 'extent>=4' or 'opacity>=3' (severity scores), filters (what --where "
            "keeps), or none for no shading. Hyphens can stand for spaces.",
        ),
    ] = "ICU or tube"
    surface: Annotated[
        SurfaceKind,
        typer.Option(help="Shading: density of bad images, or their share among known ones."),
    ] = "density"
    within: Annotated[
        str | None, typer.Option(help="Shade by images of this view only, such as AP.")
    ] = None
    bandwidth: Annotated[
        float | None,
        typer.Option(
            help="Of the shading, in map units; by default the paper's 1, or with --method pca the "
            "same share of the map's spread.",
        ),
    ] = None
    colour: Annotated[
        str,
        typer.Option(
            "--colour",
            "--color",
            help="What points are coloured by: state, view, region, source, age, ... or "
            "'output NAME'.",
        ),
    ] = "state"
    patient: Annotated[
        list[str] | None, typer.Option(help="Draw this patient's path; repeatable.")
    ] = None
    patients: Annotated[
        str,
        typer.Option(help="Draw these patients' paths, parted by commas: 178,205."),
    ] = ""
    rows: Annotated[
        str,
        typer.Option(
            help="Ring the images in these rows of metadata.csv (the header is row 1), as in the "
            "page's address: 12-15,40. A .parquet then holds these only.",
        ),
    ] = ""
    where: WhereOption = ""
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a second cohort, embedded by the same extractor: drawn behind, counted "
            "nowhere.",
        ),
    ] = None
    reference_fit: Annotated[
        Literal["placed", "fitted"],
        typer.Option(
            help="A second cohort is placed by its nearest images, or fitted with the map, which "
            "is then another one (the paper's way).",
        ),
    ] = "placed"

    @property
    def selection(self) -> Selection:
        """The filters: what is drawn in full."""
        return parse_where(self.where)

    @property
    def wish(self) -> SurfaceWish:
        """The shading."""
        return read_surface(self.state, kind=self.surface, within=self.within)

    @property
    def patient_ids(self) -> list[str]:
        """Whose paths are drawn, named in either way, each once.

        Examples
        --------
        >>> DrawingOptions(patient=["178"], patients="205, 178").patient_ids
        ['178', '205']
        """
        parted = [each.strip() for each in self.patients.split(",")]
        return list(dict.fromkeys([*(self.patient or []), *filter(None, parted)]))


@dataclass(frozen=True)
class LayoutOptions:
    """How a map is computed."""

    features: Annotated[
        Literal["outputs", "embedding"], typer.Option(help="outputs is the paper's choice.")
    ] = "outputs"
    method: Annotated[
        Literal["umap", "pca"], typer.Option(help="umap is the paper's; pca is linear.")
    ] = "umap"
    neighbours: Annotated[int, typer.Option(help="Neighbours that UMAP keeps close.", min=2)] = 30
    min_dist: Annotated[float, typer.Option(help="How close UMAP may put two images.", min=0)] = 0.5
    views: Annotated[str, typer.Option(help="Views on the map, parted by commas.")] = (
        "PA,AP,AP Supine"
    )
    seed: Annotated[int, typer.Option(help="Seed of the map.", min=0, max=2**32 - 1)] = 0

    @property
    def settings(self) -> ProjectionSettings:
        """The same, as the library takes it."""
        return ProjectionSettings(
            method=self.method,
            features=self.features,
            n_neighbors=self.neighbours,
            min_dist=self.min_dist,
            seed=self.seed,
            views=tuple(filter(None, (view.strip() for view in self.views.split(",")))),
        )
