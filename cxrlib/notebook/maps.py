"""Maps for a notebook and for the commands: one function fits a map, one writes it as a file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from cxrlib.cohort import Cohort, refuse_patient
from cxrlib.embedding import EmbeddingSet
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.errors import ProjectionError, ReportError, SelectionError
from cxrlib.html_repr import format_html
from cxrlib.maps import (
    STATE_COLUMNS,
    TABLE_COLUMNS,
    MappedCohort,
    ProjectionSettings,
    ReferenceOverlay,
    SurfaceWish,
    compute_map,
    find_maps,
    find_rows,
    fit_reference,
    map_points,
    place_reference,
    scale_smoothing,
    select_for_map,
)
from cxrlib.notebook.cohorts import open_store, select_images
from cxrlib.notebook.notes import print_note
from cxrlib.notebook.surface_text import SurfaceKind, read_surface
from cxrlib.selection import parse_where
from cxrlib.storage import EmbeddingStore, Store

SUFFIXES = (".html", ".svg", ".png", ".parquet")  # that a map is written as


@dataclass(frozen=True, eq=False)
class CohortMap:
    """Hold the map of a cohort, to look at and to save.

    Parameters
    ----------
    mapped : MappedCohort
        Cohort, embeddings and projection, as `cxrlib.maps` and `cxrlib.charts.maps` take them.
    store : Store
        Where it is kept.
    """

    mapped: MappedCohort
    store: Store

    def __repr__(self) -> str:
        return f"CohortMap({self._title!r})"

    def _repr_html_(self) -> str:
        return format_html(self._title, self.points)

    @property
    def _title(self) -> str:
        mapped = self.mapped
        return (
            f"{mapped.mapped.n_images:,} of {mapped.cohort.n_images:,} images of "
            f"{mapped.cohort.name} by {mapped.extractor.title}, {mapped.projection.settings.method}"
        )

    @property
    def points(self) -> pd.DataFrame:
        """The images on the map.

        Returns
        -------
        DataFrame
            A row an image: image_id, patient_id, person_id, offset (days), view, state, ``x`` and
            ``y`` in map units, which have no meaning outside this map, then why the image has its
            state.
        """
        table = map_points(self.mapped.mapped.table, self.mapped.projection)
        return table[[*TABLE_COLUMNS, *STATE_COLUMNS]]

    def save(
        self,
        path: Path | str,
        *,
        patients: Sequence[str] | None = None,
        state: str = "ICU or tube",
        surface: SurfaceKind = "density",
        within: str | None = None,
        bandwidth: float | None = None,
        colour: str = "state",
        rows: str = "",
        where: str = "",
        reference: Cohort | None = None,
        reference_fit: Literal["placed", "fitted"] = "placed",
    ) -> None:
        """Write the map as a page, a figure or a table, as the command ``map`` does.

        Parameters
        ----------
        path : Path or str
            FILE.html (interactive), FILE.svg or FILE.png (by a Chrome on this machine), or
            FILE.parquet (points, states, outputs, neighbours).
        patients : sequence of str, optional
            Whose paths are drawn; by default those of the cohort's story.
        state : str, default "ICU or tube"
            Which images the density shows: "ICU or tube" (the paper's), "ICU", "tube", "ICU, tube
            or death", "extent>=4", "opacity>=3", "filters" (what `where` keeps) or "none".
        surface : {"density", "share", "none"}
            The density of these images, or their share among those recorded.
        within : str, optional
            Images of this view only make the density.
        bandwidth : float, optional
            Of the density, in map units; 1 by default, with PCA the same share of the map's spread.
        colour : str, default "state"
            What points are coloured by: "state", "view", "region", "source", "age" (years), ... or
            "output NAME".
        rows : str, optional
            Rows of metadata.csv whose images are ringed, such as "2-14, 20"; the header is row 1.
        where : str, optional
            Filters: the other images are drawn as faint dots, and left out of a table.
        reference : Cohort, optional
            A second cohort in the background, embedded by the same extractor.
        reference_fit : {"placed", "fitted"}
            Whether the second cohort is projected onto the map or mapped together with it.

        Raises
        ------
        SelectionError
            If there is no such patient, state, view, colour, filter or row.
        ProjectionError
            If no image of the second cohort can be placed.
        ReportError
            If the file cannot be written, or a figure is asked for and there is no Chrome.

        Examples
        --------
        >>> umap.save("map.html", patients=["178", "205"])  # doctest: +SKIP
        """
        from cxrlib.reports import (
            MapWish,
            write_map_figure,
            write_map_page,
            write_map_table,
        )

        out = Path(path)
        if problem := explain_map_file(out):
            raise ReportError(f"The map cannot be written: {problem}")
        shading = read_surface(state, kind=surface, within=within)
        filters = parse_where(where).describe()
        selected = select_images(self.mapped.cohort, where) if filters else None
        check_patients(
            selected or self.mapped.cohort, patients or (), self.mapped.projection.settings
        )
        mapped, cloud = self._add_background(reference, reference_fit)
        wish = MapWish(
            patients=patients,
            surface=_smooth(shading, mapped, bandwidth),
            colour_by=colour,
            selected=selected,
            filters=filters,
            chosen=_choose_rows(mapped, rows),
            reference=cloud,
        )
        writers = {".html": write_map_page, ".parquet": write_map_table}
        writers.get(out.suffix, write_map_figure)(mapped, out, wish)

    def _add_background(
        self, reference: Cohort | None, how: Literal["placed", "fitted"]
    ) -> tuple[MappedCohort, ReferenceOverlay | None]:
        """Project a second cohort onto the map, or map both together: then it is another map."""
        if reference is None:
            return self.mapped, None
        if how == "placed":
            return self.mapped, place_reference(self.mapped, reference, self.store)
        print_note("Computing the map of both cohorts")
        fitted = fit_reference(self.mapped, reference, self.store)
        return fitted.mapped, fitted.cloud


def explain_map_file(out: Path) -> str:
    """Say why a map could not be written there, as the end of a sentence; "" where it can.

    Raises
    ------
    ReportError
        If it is a figure and there is no Chrome on this machine to draw it.
    """
    if out.suffix not in SUFFIXES:
        return f"{str(out)!r} must end in {' or '.join(SUFFIXES)}."
    if not out.absolute().parent.is_dir():
        return f"{str(out)!r}: there is no folder {str(out.parent)!r}."
    if out.suffix in {".svg", ".png"}:
        from cxrlib.charts.style import find_chrome

        find_chrome()
    return ""


def check_patients(cohort: Cohort, patients: Sequence[str], settings: ProjectionSettings) -> None:
    """Raise SelectionError if a patient has no image that can be on the map."""
    mapped = select_for_map(cohort, settings).table
    for patient in patients:
        if not (cohort.table["patient_id"] == patient).any():
            left = " that the filters leave" if cohort.steps else ""
            known = cohort.table["patient_id"].dropna()
            raise refuse_patient(patient, known, of=f"{cohort.name!r}{left}")
        if not (mapped["patient_id"] == patient).any():
            raise SelectionError(
                f"Patient {patient!r} has no image on the map: a map shows X-rays in "
                f"{', '.join(settings.views)} view with a file and a diagnosis. Choose another "
                "patient."
            )


def fit_map(
    cohort: Cohort,
    outputs: EmbeddingSet,
    *,
    seed: int = 0,
    method: Literal["umap", "pca"] = "umap",
    features: Literal["outputs", "embedding"] = "outputs",
    neighbours: int = 30,
    min_dist: float = 0.5,
    views: Sequence[str] | None = None,
    needs_finding: bool = True,
    cache: Path | str | None = None,
) -> CohortMap:
    """Place each image on a map by what an extractor gave, or load the map from the cache.

    The defaults are the paper's. Near means alike to the extractor; distances between groups and
    the axes mean little.

    Parameters
    ----------
    cohort : Cohort
        Its X-rays with a readable file, a usable finding and one of the views are mapped.
    outputs : EmbeddingSet
        What `embed` gave for this cohort.
    seed : int, default 0
        Of UMAP: the same seed gives the same map.
    method : {"umap", "pca"}, default "umap"
        "pca" is linear and quick.
    features : {"outputs", "embedding"}, default "outputs"
        Which of the extractor's numbers.
    neighbours : int, default 30
        Neighbours that UMAP keeps close.
    min_dist : float, default 0.5
        How close UMAP may put two images, in map units.
    views : sequence of str, optional
        Views on the map, "not recorded" for images without one; by default those that count as
        frontal, `Cohort.frontal_views`.
    needs_finding : bool, default True
        Whether images without a diagnosis are left out.
    cache : Path or str, optional
        The cache that `embed` was given; by default the one that the cohort was loaded with.

    Returns
    -------
    CohortMap
        `points` has a row an image, with ``x`` and ``y`` in map units.

    Raises
    ------
    ProjectionError
        If the cache lacks the embeddings, fewer than three images differ, or a setting makes no
        sense.
    SelectionError
        If there is no such view.
    StoreError
        If the cache cannot be read or written.

    References
    ----------
    Cohen et al. 2020b, section 5.4 and Figure 3; McInnes et al. (2018), UMAP.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> cohort = cxr.load_demo()  # doctest: +SKIP
    >>> umap = cxr.fit_map(cohort, cxr.embed(cohort), seed=0)  # doctest: +SKIP
    """
    settings = ProjectionSettings(
        method=method,
        features=features,
        n_neighbors=neighbours,
        min_dist=min_dist,
        seed=seed,
        views=cohort.frontal_views if views is None else tuple(views),
        needs_finding=needs_finding,
    )
    store = open_store(cohort, cache)
    if outputs.info.key not in {info.key for info in EmbeddingStore(store).list_extractors()}:
        raise ProjectionError(
            f"The cache {str(store.root)!r} holds no embeddings by {outputs.info.title}. Give "
            "fit_map the cache that embed was given."
        )
    return CohortMap(map_images(cohort, outputs.info, store, settings), store)


def map_images(
    cohort: Cohort, extractor: ExtractorInfo, store: Store, settings: ProjectionSettings
) -> MappedCohort:
    """Compute the map or load it, and say so before what takes long: UMAP compiles itself.

    Raises
    ------
    ProjectionError
        If no image can be mapped, or as `cxrlib.maps.compute_map`.
    """
    if select_for_map(cohort, settings).n_images == 0:
        raise ProjectionError(
            f"Cohort {cohort.name!r} has no image for a map: a map shows X-rays in "
            f"{', '.join(settings.views)} view with a file and a diagnosis."
        )
    if not find_maps(cohort, store, settings=settings, names=(extractor.key,)):
        print_note("Computing the map (half a minute per thousand images)")
    return compute_map(cohort, extractor, store, settings=settings)


def _smooth(shading: SurfaceWish, mapped: MappedCohort, bandwidth: float | None) -> SurfaceWish:
    """Set the bandwidth: as asked for, or by the map's spread."""
    if bandwidth is not None:
        return replace(shading, bandwidth=bandwidth)
    return scale_smoothing(shading, mapped.projection)


def _choose_rows(mapped: MappedCohort, rows: str) -> tuple[str, ...]:
    """Find the images in some rows of metadata.csv; raise if none of them is on the map."""
    found = find_rows(mapped.mapped.table, rows, most=None)
    if found.remarks and not found.image_ids:
        raise SelectionError(found.remarks[0])
    for remark in found.remarks:
        print_note(remark)
    return found.image_ids
