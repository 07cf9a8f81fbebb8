"""Copies for the screen: decoded, greyscale, small, never the file's own bytes."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrlib.errors import ImageError
from cxrlib.thumbnails import encode_preview, to_eight_bits


def open_preview(path: Path, side: int = 64) -> Image.Image:
    """Encode a preview and decode it again."""
    return Image.open(io.BytesIO(encode_preview(path, side=side)))


@pytest.mark.parametrize("shape", [(100, 300), (300, 100), (40, 50)])
def test_a_preview_fits_and_keeps_its_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    """The long side is at most the one asked for; small images are not enlarged."""
    Image.fromarray(np.full(shape, 120, dtype=np.uint8)).save(tmp_path / "a.png")
    preview = open_preview(tmp_path / "a.png")
    assert max(preview.size) == min(64, max(shape))
    assert preview.size[0] / preview.size[1] == pytest.approx(shape[1] / shape[0], rel=0.05)
    assert (preview.format, preview.mode) == ("PNG", "L")


def test_what_is_hidden_in_a_file_does_not_get_to_the_browser(tmp_path: Path) -> None:
    """Bytes after the image and text in it are gone."""
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((50, 50), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes() + b"<script>alert(1)</script>")
    assert b"script" not in encode_preview(path, side=64)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"a\.png"):
        encode_preview(tmp_path / "a.png", side=64)


def test_eight_bits_keep_the_order_of_grey() -> None:
    """Brighter stays brighter, from darkest to brightest; a flat image does not fail."""
    image = np.array([[0, 100], [2000, 4095]], dtype=np.uint16)
    shown = to_eight_bits(image)
    assert (np.argsort(shown.ravel()) == np.argsort(image.ravel())).all()
    assert (shown.min(), shown.max()) == (0, 255)
    assert to_eight_bits(np.full((2, 2), 7, dtype=np.uint16)).tolist() == [[0, 0], [0, 0]]
