"""Pixels: what a network takes, decoded once, kept by content, with a reason for each failure."""

from pathlib import Path

import numpy as np
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.embedding import are_pixels_stored, load_pixels, pixel_vectors as pixels_module
from cxrlib.embedding.pixel_vectors import N_PIXELS, PIXELS_KIND
from cxrlib.errors import SelectionError
from cxrlib.images import preprocess, read_image
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort

IDS = [f"image{i}.png" for i in (3, 1, 2)]


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Load four images; the fourth is a copy of the first."""
    images = {f"image{i}.png": draw_image(i % 3) for i in range(1, 5)}
    images["image4.png"] = draw_image(1)
    root = make_cohort(tmp_path / "cohort", [{}] * 4, images=images)
    return load_cohort(root, inspect_images=False)


def test_pixels_are_what_a_network_takes(cohort: Cohort, tmp_path: Path) -> None:
    """Each row is the preprocessed image, flattened, in the order asked for."""
    values, kept, missing = load_pixels(cohort, IDS, Store(tmp_path / "cache"))
    assert (kept, missing) == (tuple(IDS), {})
    for row, name in zip(values, IDS, strict=True):
        image = read_image(cohort.root / "images" / name)
        np.testing.assert_array_equal(row, preprocess(image).ravel())
    assert values.shape == (3, N_PIXELS)


def test_whether_pixels_are_stored_is_known_without_decoding(
    cohort: Cohort, tmp_path: Path
) -> None:
    """A page asks before it waits; an image without a file is not waited for."""
    store = Store(tmp_path / "cache")
    assert not are_pixels_stored(cohort, IDS, store)
    load_pixels(cohort, IDS[:2], store)
    assert are_pixels_stored(cohort, IDS[:2], store)
    assert not are_pixels_stored(cohort, IDS, store)
    (cohort.root / "images" / "image2.png").unlink()
    again = load_cohort(cohort.root, inspect_images=False)
    assert are_pixels_stored(again, IDS, store)


def test_an_image_is_decoded_once(cohort: Cohort, tmp_path: Path) -> None:
    """A second call and a copy of an image cost no decoding, and give the same numbers."""
    store, seen = Store(tmp_path / "cache"), []
    ids = [*IDS, "image4.png"]

    def note(stage: str, done: int, total: int) -> None:
        seen.append((stage, done, total))

    first, *_ = load_pixels(cohort, ids, store, on_progress=note)
    assert seen == [("Decoding images", done, 3) for done in (1, 2, 3)]
    np.testing.assert_array_equal(first[1], first[3])
    second, kept, _ = load_pixels(cohort, ids, store, on_progress=note)
    assert len(seen) == 3
    assert kept == tuple(ids)
    np.testing.assert_array_equal(first, second)


def test_what_is_stored_wrongly_is_decoded_anew(cohort: Cohort, tmp_path: Path) -> None:
    """Damage and numbers of another length in the store do no harm."""
    store = Store(tmp_path / "cache")
    before, *_ = load_pixels(cohort, IDS, store)
    names = sorted(store.list_files(PIXELS_KIND))
    assert len(names) == 3
    store.write_file(PIXELS_KIND, names[0], b"short")
    store.write_file(PIXELS_KIND, names[1], np.full(N_PIXELS, np.nan, "<f4").tobytes())
    (store.root / PIXELS_KIND / names[2]).write_bytes(b"not what was written")
    after, *_ = load_pixels(cohort, IDS, store)
    np.testing.assert_array_equal(before, after)


def test_images_that_cannot_be_decoded_are_named(cohort: Cohort, tmp_path: Path) -> None:
    """A damaged or changed file leaves its image out, with the reason, and the others in."""
    (cohort.root / "images" / "image1.png").write_bytes(b"no image at all")
    (cohort.root / "images" / "image2.png").unlink()
    values, kept, missing = load_pixels(cohort, IDS, Store(tmp_path / "cache"))
    assert kept == ("image3.png",)
    assert len(values) == 1
    assert "changed after the cohort was read" in missing["image1.png"]
    assert "no file of that name" in missing["image2.png"]


def test_a_stopped_run_keeps_what_it_had(cohort: Cohort, tmp_path: Path) -> None:
    """Cancelled after an image, the next run goes on from there."""
    store, seen = Store(tmp_path / "cache"), []
    _, kept, missing = load_pixels(cohort, IDS, store, should_stop=lambda: True)
    assert len(kept) == 1
    assert all("stopped" in reason for reason in missing.values())
    load_pixels(cohort, IDS, store, on_progress=lambda *now: seen.append(now[-1]))
    assert seen == [2, 2]


def test_what_does_not_fit_into_memory_is_refused(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels of too many images, or of one there is not, are refused before any is decoded."""
    monkeypatch.setattr(pixels_module, "MAX_IMAGES", 2)
    with pytest.raises(SelectionError, match="3 images do not fit into memory: 2 do"):
        load_pixels(cohort, IDS, Store(tmp_path / "cache"))
    with pytest.raises(SelectionError, match="has no image 'x'"):
        load_pixels(cohort, ["x"], Store(tmp_path / "cache"))


def test_no_images_give_no_pixels(cohort: Cohort, tmp_path: Path) -> None:
    """An empty task is no reason to crash."""
    values, kept, missing = load_pixels(cohort, [], Store(tmp_path / "cache"))
    assert (values.shape, kept, missing) == ((0, N_PIXELS), (), {})
