"""Landmarks: places of an image that a cropped, scaled or toned copy of it has too.

After Lowe (2004), simplified for upright radiographs: extremes of differences of Gaussians in
place and scale, each described by the lowest cosines of its surroundings. The image first loses
the mean and the spread of each place's surroundings, so that grey values changed smoothly, by a
gamma or by steps of local equalisation, change little; the description has length 1 and the sign
of its extreme, so that an inverted copy is described alike.
"""

import numpy as np
from PIL import Image

from cxrlib.aliases import Floats

SIZE = 144
"""Side of the square, in pixels, whose area an image is scaled to."""
N_LANDMARKS = 60
"""Landmarks kept of an image, the strongest."""
SCALES = 2.0 * 2.0 ** (np.arange(9) / 3)
"""Standard deviations of the Gaussians, pixels of the scaled image."""
SPREAD = 10.0  # surroundings that the mean and spread are taken of, standard deviation, pixels
NOISE = 2.0  # grey values of 255: what varies less is noise and stays small
REACH = 3.5  # half the side of what is described, in scales
MARGIN = 2.8  # distance from the edge, in scales
GRID = 12  # points along each side of what is described
N_COSINES = 4  # the highest sum of both frequencies
SMALLEST = 16  # pixels along a side of the scaled image, for very long ones

_ORDERS = np.add.outer(np.arange(GRID), np.arange(GRID))
_KEPT = (_ORDERS > 0) & (_ORDERS <= N_COSINES)
N_NUMBERS = int(_KEPT.sum())

LANDMARK = np.dtype(
    [
        *(("x", "<u2"), ("y", "<u2")),  # of the image's width and height, in 65,535ths
        ("scale", "u1"),  # number of the Gaussian
        ("sign", "i1"),  # 1 where it is bright, -1 where it is dark
        ("numbers", "i1", (N_NUMBERS,)),  # the description, in 127ths
    ]
)


def compute_landmarks(image: np.ndarray) -> bytes:
    """Find and describe the landmarks of an image.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8 or uint16

    Returns
    -------
    bytes
        Rows of `LANDMARK`, the strongest first; `read_landmarks` reads them.
    """
    from scipy import ndimage

    plain = flatten_contrast(_scale(image), SPREAD)
    blurred = [ndimage.gaussian_filter(plain, s, mode="nearest", truncate=3) for s in SCALES]
    scale, y, x, sign = _find_extremes(-np.diff(blurred, axis=0))
    found = np.zeros(len(x), LANDMARK)
    height, width = plain.shape
    found["x"] = np.rint((x + 0.5) / width * 65535)
    found["y"] = np.rint((y + 0.5) / height * 65535)
    found["scale"], found["sign"] = scale, sign
    found["numbers"] = np.rint(_describe(blurred, scale, y, x) * sign[:, None] * 127)
    return found.tobytes()


def read_landmarks(data: bytes) -> np.ndarray:
    """Read landmarks that `compute_landmarks` wrote, as an array of `LANDMARK`."""
    return np.frombuffer(data, LANDMARK)


def flatten_contrast(image: np.ndarray, spread: float) -> np.ndarray:
    """Take the mean of each pixel's surroundings away and divide by their spread.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Grey values from 0 to 255.
    spread : float
        Standard deviation of the surroundings' weights, pixels.
    """
    from scipy import ndimage

    def blur(values: np.ndarray) -> np.ndarray:
        return np.asarray(ndimage.gaussian_filter(values, spread, mode="nearest", truncate=2.5))

    rest = image.astype(np.float32) - blur(image.astype(np.float32))
    return np.asarray(rest / np.sqrt(blur(rest * rest) + NOISE**2))


def _scale(image: np.ndarray) -> np.ndarray:
    """Scale an image to the area of SIZE x SIZE pixels and its greys to 0-255."""
    height, width = image.shape
    factor = SIZE / np.sqrt(height * width)
    sides = [max(SMALLEST, round(side * factor)) for side in (width, height)]
    pixels = Image.fromarray(image.astype(np.float32) * (255 / np.iinfo(image.dtype).max))
    how = Image.Resampling.BOX if factor < 0.5 else Image.Resampling.BILINEAR
    return np.asarray(pixels.resize((sides[0], sides[1]), how))


def _find_extremes(layers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the strongest extremes in scale and place: scale, y, x and sign of each."""
    from scipy import ndimage

    strength = np.abs(layers)
    is_extreme = strength == ndimage.maximum_filter(strength, size=(3, 5, 5), mode="nearest")
    is_extreme[[0, -1]] = False
    is_extreme &= strength > 0
    scale, y, x = np.nonzero(is_extreme)
    margin = MARGIN * SCALES[scale]
    height, width = layers.shape[1:]
    inside = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)) > margin
    scale, y, x = scale[inside], y[inside], x[inside]
    order = np.argsort(-strength[scale, y, x], kind="stable")[:N_LANDMARKS]
    scale, y, x = scale[order], y[order], x[order]
    return scale, y, x, np.sign(layers[scale, y, x]).astype(int)


def _describe(blurred: list[np.ndarray], scale: np.ndarray, y: np.ndarray, x: np.ndarray) -> Floats:
    """Describe the surroundings of places by their lowest cosines, as vectors of length 1."""
    from scipy import ndimage
    from scipy.fft import dctn

    steps = np.linspace(-REACH, REACH, GRID)
    rows, columns = np.meshgrid(steps, steps, indexing="ij")
    patches = np.empty((len(x), GRID, GRID))
    for each in np.unique(scale):
        at = scale == each
        places = [
            centre[at, None, None] + SCALES[each] * offset
            for centre, offset in ((y, rows), (x, columns))
        ]
        source = blurred[max(each - 3, 0)]  # half as blurred as the extreme
        patches[at] = ndimage.map_coordinates(source, places, order=1, mode="nearest")
    weights = np.exp(-(rows**2 + columns**2) / (2 * (0.8 * REACH) ** 2))
    means = (patches * weights).sum(axis=(1, 2), keepdims=True) / weights.sum()
    numbers = dctn((patches - means) * weights, axes=(1, 2), norm="ortho")[:, _KEPT]
    length = np.linalg.norm(numbers, axis=1, keepdims=True)
    return np.asarray(numbers / np.where(length > 0, length, 1))
