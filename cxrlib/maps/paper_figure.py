"""How a map differs from the paper's Figure 3, and why."""

import pandas as pd

from cxrlib.literature import read_rows
from cxrlib.maps.mapped_cohort import MappedCohort
from cxrlib.maps.projection import ProjectionSettings
from cxrlib.maps.trajectories import map_points

COLUMNS = ("what", "figure_3", "this_map")
#: The network behind the paper's numbers (section 4.2).
PAPER_EXTRACTOR = "densenet121-res224-all"
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
    method, _, packages = mapped.projection.describe().partition("; ")
    outputs = f"{len(info.output_names)} outputs"
    lines = [
        f"{mapped.cohort.select_xrays().n_images:,} X-rays of {mapped.cohort.n_patients:,} "
        "patient ids",
        _count_views(mapped),
        "none: those images cannot be redistributed",
        info.title,
        outputs if settings.features == "outputs" else f"embedding of {info.n_features:,}",
        ", ".join(settings.views),
        method,
        packages,
        density,
        f"bad (in ICU or intubated); {_count_overlaps(mapped)} images here",
    ]
    printed = [tuple(row.values()) for row in read_rows("figure-3")]
    rows = [(*row, line) for row, line in zip(printed, lines, strict=True)]
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
