"""How a map differs from the paper's Figure 3, and why it must."""

import pandas as pd

from cxrlib.maps.mapped_cohort import MappedCohort
from cxrlib.maps.projection import ProjectionSettings
from cxrlib.maps.trajectories import map_points

__all__ = ["COLUMNS", "compare_with_paper", "explain_difference"]

COLUMNS = ("what", "figure_3", "this_map")
#: The network behind the paper's numbers (section 4.2).
PAPER_EXTRACTOR = "densenet121-res224-all"
PAPER_VIEWS = ProjectionSettings().views
N_PAPER_IMAGES, N_PAPER_RSNA = 465, 1_767  # of the notebook behind the figure


def compare_with_paper(mapped: MappedCohort, *, density: str) -> pd.DataFrame:
    """Set a map of the paper's collection beside Figure 3, line by line.

    Parameters
    ----------
    mapped : MappedCohort
        A map of the public collection.
    density : str
        What is drawn behind the points, in words.

    Returns
    -------
    DataFrame
        what, figure_3 and this_map, all text.

    References
    ----------
    Section 5.4 and the caption of Figure 3; what these leave unsaid (numbers of images, UMAP's
    settings, bandwidth) is of the notebook that the authors published.
    """
    settings, info = mapped.projection.settings, mapped.extractor
    outputs = f"{len(info.output_names)} outputs"
    rows = [
        (
            "State of the collection",
            "an earlier one, of about June 2020",
            f"{mapped.cohort.select_xrays().n_images:,} X-rays of "
            f"{mapped.cohort.n_patients:,} patient ids",
        ),
        ("Images of the collection", f"{N_PAPER_IMAGES} frontal", _count_views(mapped)),
        (
            "Other images laid out with them",
            f"{N_PAPER_RSNA:,} of the RSNA pneumonia challenge",
            "none: those images may not be passed on",
        ),
        (
            "Extractor",
            "DenseNet-121 trained on seven collections, without COVID-19",
            info.title,
        ),
        (
            "Numbers of an image",
            "18 pre-sigmoid outputs",
            outputs if settings.features == "outputs" else f"embedding of {info.n_features:,}",
        ),
        ("Views", ", ".join(PAPER_VIEWS), ", ".join(settings.views)),
        (
            "Layout",
            "UMAP with 30 neighbours, minimum distance 0.5, first two of 3 components, seed 0",
            mapped.projection.describe().partition(";")[0],
        ),
        (
            "Versions of packages",
            "not stated; with another version the same seed can give another map",
            mapped.projection.describe().partition("; ")[2],
        ),
        (
            "Behind the points",
            "density of images in the ICU or with a tube, bandwidth 1.0; the text adds the last "
            "image before death",
            density,
        ),
        (
            "An image both good and bad",
            "the notebook draws points as good and arrows as bad",
            f"bad; {_count_overlaps(mapped)} images here",
        ),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _count_views(mapped: MappedCohort) -> str:
    """Count the images on a map by view: "697: AP 201, AP Supine 180, PA 316"."""
    views = mapped.mapped.table["view"].value_counts().sort_index()
    return f"{mapped.mapped.n_images:,}: " + ", ".join(f"{view} {n:,}" for view, n in views.items())


def _count_overlaps(mapped: MappedCohort) -> int:
    return int(map_points(mapped.mapped.table, mapped.projection)["state_overlap"].sum())


def explain_difference(mapped: MappedCohort) -> list[str]:
    """Say in sentences why a map of the paper's collection is not its figure.

    Only what holds of this map is said.
    """
    settings, info = mapped.projection.settings, mapped.extractor
    said = [
        f"The paper laid {N_PAPER_IMAGES} images of an earlier state of this collection out among "
        f"{N_PAPER_RSNA:,} others, so four in five of the images that gave its map its shape are "
        f"not here: without them {mapped.mapped.n_images:,} images have other neighbours, and "
        "other places."
    ]
    if info.name != PAPER_EXTRACTOR:
        said.append(
            f"Its numbers came from a network trained on chest X-rays; these are by {info.title}, "
            "which finds other images alike. That alone moves every image."
        )
    if settings != ProjectionSettings():
        said.append("The settings chosen here are not those of the paper: the table says which.")
    said.append(
        "UMAP turns, mirrors and stretches freely, so where a path lies means nothing from one map "
        "to the other, and a bandwidth of 1.0 smooths as much in map units but not over as many "
        "images. What can be compared is what a path passes: which state its neighbours have."
    )
    return said
