"""Small copies of images for the screen, encoded anew: a file's own bytes never get there."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cxrlib.images import read_image

__all__ = ["encode_preview", "to_eight_bits"]


def encode_preview(path: Path, *, side: int) -> bytes:
    """Decode an image and encode it as a greyscale PNG of at most ``side`` pixels a side.

    Raises
    ------
    ImageError
        If the file cannot be read as an image.
    """
    picture = Image.fromarray(to_eight_bits(read_image(path)))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    target = io.BytesIO()
    picture.save(target, format="PNG", compress_level=3)
    return target.getvalue()


def to_eight_bits(image: NDArray[np.unsignedinteger]) -> NDArray[np.uint8]:
    """Bring pixels to 0..255 for a screen; 16-bit ones are stretched from darkest to brightest.

    Detectors often fill 12 of 16 bits: without the stretch such an image looks black.

    Examples
    --------
    >>> to_eight_bits(np.array([[0, 4095]], dtype=np.uint16)).tolist()
    [[0, 255]]
    """
    if image.dtype == np.uint8:
        return image.astype(np.uint8, copy=False)
    low, high = int(image.min()), int(image.max())
    scaled = (image.astype(np.float32) - low) * (255.0 / max(high - low, 1))
    return np.rint(scaled).astype(np.uint8)
