"""How a map differs from the paper's Figure 3, and why."""

import pandas as pd

from cxrlib.maps.mapped_cohort import MappedCohort
from cxrlib.maps.projection import ProjectionSettings
from cxrlib.maps.trajectories import map_points

COLUMNS = ("what", "figure_3", "this_map")
#: The network behind the paper's numbers (section 4.2).
PAPER_EXTRACTOR = "densenet121-res224-all"
PAPER_VIEWS = ProjectionSettings().views
N_PAPER_IMAGES, N_PAPER_RSNA = 465, 1_767  # of the notebook behind the figure


def compare_with_paper(mapped: MappedCohort, *, density: str) -> pd.DataFrame:
    """Compare a map of the paper's collection with Figure 3, line by line.

    Parameters
    ----------
    mapped : MappedCohort
        A map of the public collection.
    density : str
        What the background shows, in words.

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
            "Other images mapped with them",
            f"{N_PAPER_RSNA:,} of the RSNA pneumonia challenge",
            "none: those images cannot be redistributed",
        ),
        (
            "Image features",
            "DenseNet-121 trained on seven collections, without COVID-19",
            info.title,
        ),
        (
            "Values per image",
            "18 pre-sigmoid outputs",
            outputs if settings.features == "outputs" else f"embedding of {info.n_features:,}",
        ),
        ("Views", ", ".join(PAPER_VIEWS), ", ".join(settings.views)),
        (
            "Projection",
            "UMAP with 30 neighbours, minimum distance 0.5, first two of 3 components, seed 0",
            mapped.projection.describe().partition(";")[0],
        ),
        (
            "Package versions",
            "not stated; another version can give another map with the same seed",
            mapped.projection.describe().partition("; ")[2],
        ),
        (
            "Background",
            "density of bad images (in ICU or intubated), bandwidth 1.0; the text adds the last "
            "image before death",
            density,
        ),
        (
            "Images with reasons for good and bad",
            "the notebook draws points as good and arrows as bad",
            f"bad (in ICU or intubated); {_count_overlaps(mapped)} images here",
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
    """Explain in sentences why a map of the paper's collection differs from its figure.

    Only reasons that hold for this map are given.
    """
    settings, info = mapped.projection.settings, mapped.extractor
    reasons = [
        f"The paper mapped {N_PAPER_IMAGES} images of an earlier state of this collection together "
        f"with {N_PAPER_RSNA:,} others that cannot be redistributed. Without these, "
        f"{mapped.mapped.n_images:,} images have other neighbours and other positions."
    ]
    if info.name != PAPER_EXTRACTOR:
        reasons.append(
            "The paper used a network trained on chest X-rays; this map uses "
            f"{info.title}, which finds other images similar. That alone moves every image."
        )
    if settings != ProjectionSettings():
        reasons.append("The settings differ from the paper's; the table lists them.")
    reasons.append(
        "UMAP rotates, mirrors and stretches freely, so positions cannot be compared between maps, "
        "and a bandwidth of 1.0 covers other images. Compare what a path passes: the states of its "
        "neighbours."
    )
    return reasons
