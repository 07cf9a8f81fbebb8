"""Texture: what an image looks like without any network, for a start without a download.

It knows nothing of disease. Its outputs say how bright six fixed zones are against the rest
of the image; its embedding describes edges and grain. Lungs that fill up turn brighter, so
the zones follow opacities, but they also follow posture, view and crop. The zones are fixed
boxes of the preprocessed image where the lungs of a frontal image usually lie; on a lateral
image "right" and "left" mean nothing.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cxrlib.aliases import Progress
from cxrlib.errors import SelectionError
from cxrlib.images import SIDE, preprocess
from cxrlib.storage import ExtractorInfo

__all__ = ["TextureExtractor", "describe", "load", "prepare_texture"]

# Shares of the image's side. The patient's right is on the left of a frontal image.
ROWS = {"Upper": (0.18, 0.38), "Middle": (0.38, 0.58), "Lower": (0.58, 0.78)}
COLUMNS = {"right": (0.14, 0.42), "left": (0.58, 0.86)}
PREPROCESSING = "texture-v1"  # raised with every change that changes the numbers
MARGIN = 0.06  # left out of the ranking: black borders, labels
ZONES = tuple((row, side) for side in COLUMNS for row in ROWS)
OUTPUT_NAMES = (
    *(f"{row} {side} zone brightness" for row, side in ZONES),
    "Mean zone brightness",
    "Zone asymmetry",
)
HOG_SIDE, HOG_CELL, HOG_ORIENTATIONS = 112, 16, 8
PATTERNS = ((8, 1), (16, 3))  # points and radius, pixels
N_LEVELS, DISTANCES = 16, (1, 4)
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")
N_HOG = (HOG_SIDE // HOG_CELL) ** 2 * HOG_ORIENTATIONS
N_PATTERNS = len(ZONES) * sum(points + 2 for points, _ in PATTERNS)
N_FEATURES = N_HOG + N_PATTERNS + len(PROPERTIES) * len(DISTANCES) + len(ZONES)


INFO = ExtractorInfo(
    name="texture",
    label="Simple texture",
    weights_sha256="",
    preprocessing=PREPROCESSING,
    n_features=N_FEATURES,
    output_names=OUTPUT_NAMES,
    note="no AI model",
)


def describe(name: str) -> ExtractorInfo:
    """Say what texture gives."""
    return INFO


def load(
    name: str,
    *,
    weights: Path | None = None,
    trust_sha256: str | None = None,
    device: str = "auto",
    on_progress: Progress | None = None,
) -> "TextureExtractor":
    """Give the extractor; it has nothing to load. See `load_extractor` of this package."""
    if device not in ("auto", "cpu"):
        raise SelectionError(
            f"Extractor {name!r} does not run on {device!r}. Choose 'auto' or 'cpu'."
        )
    return TextureExtractor()


class TextureExtractor:
    """Describe brightness and texture; all the work is in `prepare`."""

    works_in_prepare = True
    device = "cpu"
    info = INFO

    @property
    def prepare(self) -> Callable[[np.ndarray], np.ndarray]:
        """Give the function from pixels to the numbers."""
        return prepare_texture

    def check_prepared(self, item: np.ndarray) -> str:
        """Return what is wrong with a description, or ""."""
        if item.shape != (len(OUTPUT_NAMES) + N_FEATURES,):
            return f"the description has the shape {item.shape!r}"
        return "" if np.isfinite(item).all() else "the description is not finite"

    def compute(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Split descriptions into embedding and outputs."""
        n_outputs = len(OUTPUT_NAMES)
        batch = np.asarray(batch, np.float32)
        return batch[:, n_outputs:], batch[:, :n_outputs]


def prepare_texture(image: np.ndarray) -> np.ndarray:
    """Describe an image by the brightness of its zones and by its texture.

    Brightness is a rank: the share of the image, in percent, that is darker. It is the same
    at any exposure and contrast, and so is everything derived from it.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8 or uint16

    Returns
    -------
    ndarray of shape (n_outputs + n_features,), float32
        Outputs: brightness of the six zones and their mean, 0 to 100; then asymmetry, the
        patient's right minus left, -100 to 100. Embedding: histogram of gradients, local
        binary patterns of each zone, co-occurrence properties, zones (0 to 1).
    """
    ranks = _rank(preprocess(image)[0])
    zones = np.array([ranks[_zone(row, side)].mean() for row, side in ZONES])
    right, left = zones[:3].mean(), zones[3:].mean()
    outputs = np.array([*zones, zones.mean(), right - left])
    levels = np.round(ranks * 2.55).astype(np.uint8)
    parts = (
        outputs,
        _describe_gradients(ranks),
        _describe_patterns(levels),
        _describe_neighbours(levels),
        zones / 100,
    )
    return np.concatenate(parts).astype(np.float32)


def _rank(values: np.ndarray) -> np.ndarray:
    """Replace each value by the share of the inner image below it, in percent.

    Ties count half, so a plain image is 50 everywhere.
    """
    # 8192 steps over [-1024, 1024]: finer than 8-bit pixels, and counting beats sorting.
    steps = np.clip((values + 1024) * 4, 0, 8191).astype(np.intp)
    edge = int(MARGIN * SIDE)
    counts = np.bincount(steps[edge:-edge, edge:-edge].ravel(), minlength=8192)
    share = 100 * (np.cumsum(counts) - counts / 2) / counts.sum()
    return share[steps]


def _zone(row: str, side: str) -> tuple[slice, slice]:
    top, bottom = (round(SIDE * share) for share in ROWS[row])
    start, end = (round(SIDE * share) for share in COLUMNS[side])
    return slice(top, bottom), slice(start, end)


def _describe_gradients(ranks: np.ndarray) -> np.ndarray:
    """Describe directions of edges in cells of a 7 x 7 grid (Dalal and Triggs 2005)."""
    from skimage.feature import hog

    small = ranks.reshape(HOG_SIDE, 2, HOG_SIDE, 2).mean(axis=(1, 3)) / 100
    return hog(
        small,
        orientations=HOG_ORIENTATIONS,
        pixels_per_cell=(HOG_CELL, HOG_CELL),
        cells_per_block=(1, 1),
        feature_vector=True,
    )


def _describe_patterns(levels: np.ndarray) -> np.ndarray:
    """Count uniform local binary patterns in each zone (Ojala et al. 2002).

    Roots of the shares: distances between them are Hellinger distances.
    """
    from skimage.feature import local_binary_pattern

    found = []
    for points, radius in PATTERNS:
        codes = local_binary_pattern(levels, points, radius, method="uniform").astype(np.intp)
        for row, side in ZONES:
            counts = np.bincount(codes[_zone(row, side)].ravel(), minlength=points + 2)
            found.append(np.sqrt(counts / counts.sum()))
    return np.concatenate(found)


def _describe_neighbours(levels: np.ndarray) -> np.ndarray:
    """Describe which levels lie side by side (Haralick et al. 1973), averaged over angles."""
    from skimage.feature import graycomatrix, graycoprops

    coarse = (levels // (256 // N_LEVELS)).astype(np.uint8)
    angles = np.arange(4) * np.pi / 4
    matrix = graycomatrix(coarse, DISTANCES, angles, levels=N_LEVELS, symmetric=True, normed=True)
    scale = {"contrast": (N_LEVELS - 1) ** 2, "dissimilarity": N_LEVELS - 1}
    found = [graycoprops(matrix, name).mean(axis=1) / scale.get(name, 1) for name in PROPERTIES]
    return np.concatenate(found)
