"""Letters at an edge of an image, and what is none."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from cxrlib.importing.burned_in_text import find_text
from tests.cohort_factory import draw_image

FILM = np.asarray(Image.fromarray(draw_image(3, height=96, width=80)).resize((720, 864)))
FILM = np.clip(FILM.astype(int) // 2 + 60, 0, 255).astype(np.uint8)


def draw(text: str, place: tuple[int, int], size: int = 24, shade: int = 255) -> np.ndarray:
    """Draw text into a film."""
    image = Image.fromarray(FILM)
    ImageDraw.Draw(image).text(place, text, shade, ImageFont.load_default(size))
    return np.asarray(image).astype(np.uint16) * 257


@pytest.mark.parametrize("place", [(15, 12), (400, 150), (15, 820)])
@pytest.mark.parametrize("text", ["MUELLER, HANS", "Zwanziger^A", "1947-02-23", "00471193"])
@pytest.mark.parametrize("shade", [0, 255])
def test_find_text_finds_names_numbers_and_dates(
    text: str, place: tuple[int, int], shade: int
) -> None:
    """White or black, at either edge, in two sizes."""
    for size in (24, 36):
        assert find_text(draw(text, place, size, shade))


def test_find_text_finds_no_text_where_there_is_none() -> None:
    """A film, a side marker, noise, a frame, saturated regions."""
    rng = np.random.default_rng(0)
    assert not find_text(FILM.astype(np.uint16) * 257)
    assert not find_text(draw("R", (15, 12), 60))
    assert not find_text(draw("AP", (15, 12), 40))
    assert not find_text(rng.integers(0, 4096, (600, 500)).astype(np.uint16))
    clipped = np.clip(rng.normal(2000, 3000, (600, 500)), 0, 4095).astype(np.uint16)
    assert not find_text(clipped)
    framed = FILM.astype(np.uint16) * 257
    framed[:30], framed[:, :20] = 65535, 0
    assert not find_text(framed)


def test_find_text_sees_the_edges_only() -> None:
    """As its documentation says: what stands in the middle is not found."""
    assert not find_text(draw("MUELLER, HANS", (100, 430)))
