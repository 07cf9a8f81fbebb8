"""The measures of what an image looks like, on images that were drawn for it."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFont

from cxrlib.cohort.appearance import (
    APPEARANCE,
    APPEARANCE_COLUMNS,
    VERSION,
    Appearance,
    inspect_appearance,
    measure_appearance,
)
from cxrlib.errors import ImageError
from cxrlib.storage import Store

PATH = Path("image.png")


def draw_film(seed: int = 0, *, height: int = 520, width: int = 480) -> Image.Image:
    """Draw what any frontal film has: bright middle and belly, dark lungs and corners."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    film = 110 + 70 * np.exp(-(((x - 0.5) / 0.1) ** 2)) + 60 / (1 + np.exp((0.78 - y) / 0.03))
    for middle in (0.3, 0.7):
        film -= 80 * np.exp(-((((x - middle) / 0.13) ** 2 + ((y - 0.45) / 0.25) ** 2) ** 2))
    film -= 90 * np.clip((np.abs(x - 0.5) - 0.43) / 0.05, 0, 1)
    ribs = 8 * np.sin(2 * np.pi * (9 * y + 2 * np.abs(x - 0.5)))
    film += ribs + rng.normal(0, 3, film.shape)
    return Image.fromarray(film.clip(8, 235).astype(np.uint8))


def measure(image: Image.Image, form: str = "PNG", **options: int) -> Appearance:
    """Encode and measure an image."""
    target = io.BytesIO()
    image.save(target, form, **options)
    return measure_appearance(target.getvalue(), PATH)


def write(
    film: Image.Image, text: str, place: tuple[float, float] = (0.05, 0.03), shade: int = 255
) -> Image.Image:
    """Write text into a film."""
    font = ImageFont.load_default(size=18)
    x, y = place[0] * film.width, place[1] * film.height
    ImageDraw.Draw(film).text((x, y), text, fill=shade, font=font)
    return film


def draw_arrow(film: Image.Image, shade: int | tuple[int, int, int], x: int, y: int) -> None:
    """Draw a small arrow that points left."""
    draw = ImageDraw.Draw(film)
    draw.polygon([(x, y), (x + 9, y - 5), (x + 9, y + 5)], fill=shade)
    draw.line([(x + 9, y), (x + 18, y)], fill=shade, width=3)


@pytest.mark.parametrize("seed", range(4))
def test_a_plain_film_has_nothing_drawn_in(seed: int) -> None:
    """No letters, no marks, no colour; many greys; upright."""
    found = measure(draw_film(seed))
    assert (found.format, found.mode) == ("PNG", "L")
    assert found.n_letters < 3
    assert found.n_marks == 0
    assert found.coloured == 0
    assert found.n_greys > 150
    assert found.extremes < 0.1
    assert found.upright > 0.4


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("shade", [255, 0])
def test_words_are_found(form: str, shade: int) -> None:
    """White words on dark, and black ones on bright ground, are rows of letters."""
    film = draw_film(1)
    place = (0.4, 0.9) if shade == 0 else (0.1, 0.3)
    assert measure(write(film, "SUPINE AP", place, shade), form).n_letters >= 5


def test_a_side_marker_is_no_text() -> None:
    """An L in the corner is on most films."""
    assert measure(write(draw_film(2), "L", (0.9, 0.05))).n_letters < 3


@pytest.mark.parametrize("shade", [255, 0])
def test_arrows_are_marks(shade: int) -> None:
    """Two flat arrows on the lungs are counted, white or black; one of middle grey is not."""
    film = draw_film(3)
    ground = ImageDraw.Draw(film)
    for x, y in ((150, 200), (330, 260)):
        ground.rectangle((x - 20, y - 20, x + 40, y + 20), fill=128)
        draw_arrow(film, shade, x, y)
    assert measure(film).n_marks >= 2


@pytest.mark.parametrize(("x", "y"), [(40, 260), (440, 260), (240, 60), (240, 460)])
def test_what_stands_at_the_edge_is_no_mark(x: int, y: int) -> None:
    """Side markers and their frames stand there; the same mark in the middle counts."""

    def count(*place: int) -> int:
        film = draw_film(3)
        draw = ImageDraw.Draw(film)
        draw.rectangle((place[0] - 18, place[1] - 18, place[0] + 18, place[1] + 18), fill=60)
        draw.rectangle((place[0] - 4, place[1] - 4, place[0] + 4, place[1] + 4), fill=255)
        return measure(film).n_marks

    assert count(x, y) == 0
    assert count(240, 260) == 1


def test_colour_is_measured() -> None:
    """A red arrow colours few pixels, a tint all; grey stored as colour none."""
    film = draw_film(4).convert("RGB")
    assert measure(film).coloured == 0
    draw_arrow(film, (230, 20, 20), 200, 200)
    assert 0.0003 < measure(film).coloured < 0.01
    tinted = Image.merge("RGB", [*film.split()[:2], film.split()[2].point(lambda v: v // 3)])
    assert measure(tinted).coloured > 0.5


def test_a_negative_correlates_negatively() -> None:
    """Swapping black and white turns the sign, and hardly the size."""
    film = draw_film(5)
    negative = film.point(lambda v: 255 - v)
    assert measure(negative).upright == pytest.approx(-measure(film).upright, abs=0.05)


def test_thresholds_and_palettes_lose_greys() -> None:
    """A thresholded film is all extremes; a palette of 16 has 16 greys."""
    film = draw_film(6)
    assert measure(film.point(lambda v: 255 * (v > 120)), "JPEG", quality=90).extremes > 0.9
    assert measure(film.point(lambda v: v // 16 * 16)).n_greys <= 16


def test_size_hardly_matters() -> None:
    """Twice and half the size give like measures: all are made on a copy of one size."""
    film = write(draw_film(7, height=1040, width=960), "PORTABLE 12:30", (0.2, 0.3))
    large, small = measure(film.resize((1920, 2080))), measure(film.resize((480, 520)))
    assert large.upright == pytest.approx(small.upright, abs=0.03)


@pytest.mark.parametrize("kind", ["I;16", "1", "P", "RGBA", "CMYK", "LA"])
def test_all_kinds_of_pixels_are_measured(kind: str) -> None:
    """No kind of pixels stops the pass, and each is named."""
    film = draw_film(8)
    if kind == "I;16":
        image = Image.fromarray(np.asarray(film).astype(np.uint16) * 257)
    else:
        image = film.convert("RGB").convert(kind) if kind != "LA" else film.convert("LA")
    found = measure(image, "TIFF" if kind == "CMYK" else "PNG")
    assert found.mode == kind
    assert -1 <= found.upright <= 1


def test_twelve_bits_in_sixteen_are_looked_at_as_eight() -> None:
    """What a detector leaves empty is no lack of greys, and hides no words."""
    film = write(draw_film(9), "PORTABLE", (0.2, 0.3))
    plain = measure(film)
    deep = measure(Image.fromarray(np.asarray(film).astype(np.uint16) * 16))
    assert deep.n_greys > 0.9 * plain.n_greys > 64
    assert deep.n_letters >= 5
    assert deep.upright == pytest.approx(plain.upright, abs=0.02)


def test_an_image_without_contrast() -> None:
    """Nothing is found in it, and nothing divides by zero."""
    found = measure(Image.new("L", (100, 100), 90))
    assert (found.upright, found.n_letters, found.n_marks, found.n_greys) == (0.0, 0, 0, 1)


@pytest.mark.parametrize(("grain", "share"), [(1, 0.5), (1, 0.1), (2, 0.3), (6, 0.15)])
def test_noise_is_no_text(grain: int, share: float) -> None:
    """Noise falls apart into up to 17,000 parts; they do not read as text."""
    cells = np.random.default_rng(0).random((512 // grain, 512 // grain)) < share
    noise = np.kron(cells.astype(np.uint8) * 255, np.ones((grain, grain), np.uint8))
    assert measure(Image.fromarray(noise)).n_letters < 4


def test_opening_is_that_of_scipy() -> None:
    """The fast opening equals scipy's away from the edges."""
    from scipy import ndimage

    from cxrlib.cohort.appearance import STROKE, _open

    image = np.random.default_rng(0).integers(0, 256, (60, 70)).astype(np.uint8)
    slow = ndimage.grey_opening(image, size=(STROKE, STROKE))
    inner = (slice(STROKE, -STROKE), slice(STROKE, -STROKE))
    assert (_open(image)[inner] == slow[inner]).all()


def test_longest_row_is_found_slowly() -> None:
    """The longest row equals that of a plain search over all chains."""
    from cxrlib.cohort.appearance import _longest_row, _Parts

    rng = np.random.default_rng(1)
    for _ in range(30):
        n = int(rng.integers(0, 12))
        left = np.sort(rng.integers(0, 80, n))
        top, height = rng.integers(0, 6, n), rng.integers(6, 10, n)
        width = rng.integers(3, 8, n)
        parts = _Parts(top, left, height, width, height * width, np.full(n, 255.0))

        def follow(i: int, parts: _Parts = parts) -> int:
            return 1 + max(
                (follow(j) for j in range(i + 1, len(parts.left)) if _is_next(parts, i, j)),
                default=0,
            )

        assert _longest_row(parts) == max((follow(i) for i in range(n)), default=0)


def _is_next(parts: "tuple[np.ndarray, ...]", i: int, j: int) -> bool:
    """Tell whether part j follows part i in a row of letters."""
    top, left, height, width = parts[:4]
    tall = max(height[i], height[j])
    gap = left[j] - left[i] - width[i]
    on_line = abs((top[j] + height[j]) - (top[i] + height[i])) <= 0.25 * tall
    return bool(-1 < gap < 0.9 * tall and on_line and min(height[i], height[j]) >= 0.65 * tall)


# ---- kept in the store


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Write three films and a file that is none."""
    paths = {}
    for i in range(3):
        path = tmp_path / f"film{i}.png"
        draw_film(i, height=120, width=100).save(path)
        paths[f"{i:064x}"] = path
    (tmp_path / "none.png").write_bytes(b"no image")
    return {**paths, "f" * 64: tmp_path / "none.png"}


def test_known_images_are_not_read_again(files: dict[str, Path], tmp_path: Path) -> None:
    """A second pass gives the same without the files; what cannot be read is left out."""
    store = Store(tmp_path / "cache")
    first = inspect_appearance(files, store=store)
    assert list(first.index) == list(files)[:3]
    for path in files.values():
        path.unlink()
    seen: list[int] = []
    second = inspect_appearance(files, store=store, on_progress=lambda *now: seen.append(now[-1]))
    pd.testing.assert_frame_equal(first, second)
    assert seen == [1]


def test_damaged_measures_are_made_anew(files: dict[str, Path], tmp_path: Path) -> None:
    """A table of another make is not believed."""
    store = Store(tmp_path / "cache")
    wrong = pd.DataFrame({"sha256": list(files), "format": "PNG"})
    store.write_table(APPEARANCE, VERSION, wrong, info={})
    found = inspect_appearance(files, store=store)
    assert list(found.columns) == list(APPEARANCE_COLUMNS)
    assert len(found) == 3


def test_without_a_store(files: dict[str, Path]) -> None:
    """It works without a store, and for no images."""
    assert len(inspect_appearance(files)) == 3
    assert inspect_appearance({}).empty


def test_no_image_is_refused() -> None:
    """Bytes that are no image raise the known error."""
    with pytest.raises(ImageError):
        measure_appearance(b"no image", PATH)
