"""Bare PNG files of 16 bits: Pillow is the judge."""

import io

import numpy as np
import pytest
from PIL import Image

from cxrlib.images import encode_png, png


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (33, 65)])
@pytest.mark.parametrize("band", [10, 4_000_000])
def test_encode_png_is_read_back_bit_for_bit(shape, band: int, monkeypatch) -> None:
    """Noise, flat and extreme values, in one band or many."""
    monkeypatch.setattr(png, "_BAND", band)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 65536, shape), np.full(shape, 65535), np.zeros(shape)]
    for pixels in (each.astype(np.uint16) for each in images):
        with Image.open(io.BytesIO(encode_png(pixels))) as image:
            image.load()
            np.testing.assert_array_equal(np.asarray(image).astype(np.uint16), pixels)
            assert image.info == {}


def test_encode_png_takes_a_view_of_other_memory() -> None:
    """Turned, mirrored and strided arrays."""
    pixels = np.arange(60, dtype=np.uint16).reshape(6, 10) * 1000
    for each in (pixels.T, pixels[::-1, ::-1], pixels[:, ::2]):
        with Image.open(io.BytesIO(encode_png(each))) as image:
            np.testing.assert_array_equal(np.asarray(image).astype(np.uint16), each)
