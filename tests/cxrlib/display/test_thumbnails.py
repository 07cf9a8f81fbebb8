"""Copies for the screen: decoded, greyscale, small, never the file's own bytes."""

import hashlib
import io
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.display import (
    compute_thumbnails,
    encode_full,
    list_thumbnails,
    load_thumbnail,
    read_thumbnail,
)
from cxrlib.display.thumbnails import encode_thumbnail
from cxrlib.errors import ImageError, StoreError
from cxrlib.images import image_files, read_image, to_eight_bits
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort, make_damaged_avif

ROOT = Path(__file__).resolve().parents[3]
N_IMAGES = 11  # X-rays with a file in the small cohort


def open_whole(path: Path, side: int = 3000) -> Image.Image:
    """Encode a full image and decode it again."""
    return Image.open(io.BytesIO(encode_full(path.read_bytes(), path, side=side).data))


def open_thumbnail(path: Path, side: int = 512) -> Image.Image:
    """Encode a thumbnail and decode it again."""
    return Image.open(io.BytesIO(encode_thumbnail(path.read_bytes(), path, side=side)))


def make_reference(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Make a thumbnail's pixels the slow way: decode all, stretch, scale by Lanczos."""
    picture = Image.fromarray(to_eight_bits(read_image(path)))
    assert max(size) == min(512, max(picture.size))
    assert size[0] * picture.height == pytest.approx(size[1] * picture.width, rel=0.01)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS)).astype(int)


def difference(path: Path) -> float:
    """Return the mean difference between a thumbnail and its reference, grey levels."""
    shown = open_thumbnail(path)
    pixels = np.asarray(shown).astype(int)
    return float(np.abs(pixels - make_reference(path, shown.size)).mean())


@pytest.fixture
def cohort(small_root: Path, tmp_path: Path) -> Cohort:
    """Load a copy of the small cohort that a test may spoil."""
    return load_cohort(shutil.copytree(small_root, tmp_path / "cohort"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give an empty store."""
    return Store(tmp_path / "cache")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system answer each new file of the store with "no space left on device"."""
    open_as_it_was = Path.open

    def open_full(path: Path, *arguments: str) -> object:
        if path.name.endswith(".tmp"):
            return open_as_it_was(Path("/dev/full"), "wb")
        return open_as_it_was(path, *arguments)

    if not Path("/dev/full").exists():
        pytest.skip("This system has no /dev/full.")
    monkeypatch.setattr(Path, "open", open_full)


# ---- what a copy shows


@pytest.mark.parametrize("make", [open_whole, open_thumbnail])
@pytest.mark.parametrize("shape", [(100, 300), (300, 100), (40, 50)])
def test_a_copy_fits_and_keeps_its_shape(
    tmp_path: Path, shape: tuple[int, int], make: Callable[..., Image.Image]
) -> None:
    """The long side is at most the one asked for; small images are not enlarged."""
    Image.fromarray(np.full(shape, 120, dtype=np.uint8)).save(tmp_path / "a.png")
    copy = make(tmp_path / "a.png", side=64)
    assert max(copy.size) == min(64, max(shape))
    assert copy.size[0] / copy.size[1] == pytest.approx(shape[1] / shape[0], rel=0.05)
    assert copy.mode == "L"
    assert copy.format == {open_whole: "PNG", open_thumbnail: "JPEG"}[make]


@pytest.mark.parametrize("shape", [(33, 9_000), (9_000, 33)])
def test_a_very_long_image_keeps_a_pixel(tmp_path: Path, shape: tuple[int, int]) -> None:
    """The short side is never scaled to nothing, whatever the format can decode smaller."""
    for name in ("a.png", "a.jpg"):
        Image.fromarray(np.full(shape, 120, dtype=np.uint8)).save(tmp_path / name)
        assert open_thumbnail(tmp_path / name).size == ((512, 2) if shape[0] == 33 else (2, 512))


@pytest.mark.parametrize("side", [513, 1_000, 1_537, 2_048, 4_099])
@pytest.mark.parametrize("kind", ["a.png", "grey.jpg", "colour.jpg", "progressive.jpg"])
def test_a_thumbnail_equals_the_slow_way(tmp_path: Path, side: int, kind: str) -> None:
    """Within one grey level on average, at sizes that JPEG decodes whole, halved and less."""
    pixels = Image.fromarray(draw_image(side, height=side, width=side * 3 // 4))
    if kind == "colour.jpg":
        rows = np.linspace(0, 255, side, dtype=np.uint8)[:, np.newaxis]
        other = Image.fromarray(np.repeat(rows, pixels.width, axis=1))
        pixels = Image.merge("RGB", (pixels, other, other))
    pixels.save(tmp_path / kind, quality=92, progressive=kind.startswith("progressive"))
    assert difference(tmp_path / kind) < 1


def test_a_thumbnail_shows_the_first_channel(tmp_path: Path) -> None:
    """Red is white and blue black, also where the file is decoded at a quarter."""
    pixels = np.zeros((2_048, 2_048, 3), np.uint8)
    pixels[:, :1_024, 0] = pixels[:, 1_024:, 2] = 255
    for name in ("a.jpg", "a.png"):
        Image.fromarray(pixels).save(tmp_path / name, quality=95)
        shown = np.asarray(open_thumbnail(tmp_path / name))
        assert shown[:, :250].min() > 245, name
        assert shown[:, 262:].max() < 10, name


def test_things_stay_where_they_are(tmp_path: Path) -> None:
    """A spot lies where it lay: sizes that eight does not divide do not shift the image."""
    width, height, x, y = 4_103, 3_001, 3_900, 2_870
    pixels = np.zeros((height, width), np.uint8)
    pixels[y - 80 : y + 81, x - 80 : x + 81] = 255
    for name in ("a.jpg", "a.png"):
        Image.fromarray(pixels).save(tmp_path / name)
        shown = np.asarray(open_thumbnail(tmp_path / name)).astype(float)
        shown[shown < 40] = 0
        rows, columns = np.indices(shown.shape) + 0.5
        centre = [(place * shown).sum() / shown.sum() for place in (columns, rows)]
        scales = shown.shape[1] / width, shown.shape[0] / height
        expected = [(x + 0.5) * scales[0], (y + 0.5) * scales[1]]
        assert centre == pytest.approx(expected, abs=0.2), name


def test_sixteen_bits_are_stretched_before_they_are_scaled(tmp_path: Path) -> None:
    """Twelve bits in sixteen are no black image, and the slow way says the same."""
    pixels = draw_image(1, height=1_200, width=900).astype(np.uint16) * 16
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.asarray(open_thumbnail(tmp_path / "a.png")).max() > 250
    assert difference(tmp_path / "a.png") < 1


def test_four_inks_are_turned_into_light(tmp_path: Path) -> None:
    """CMYK is not decoded smaller: its turning into grey does not go with averaging."""
    picture = Image.fromarray(draw_image(2, height=1_600, width=1_200)).convert("CMYK")
    picture.save(tmp_path / "a.jpg")
    assert difference(tmp_path / "a.jpg") < 1


@pytest.mark.parametrize("encode", [encode_thumbnail, lambda *a: encode_full(*a).data])
def test_what_is_hidden_in_a_file_does_not_get_to_the_browser(
    tmp_path: Path, encode: Callable[[bytes, Path], bytes]
) -> None:
    """Bytes after the image, comments, Exif, profiles and text in it are gone."""
    exif = Image.Exif()
    exif[270] = "<script>exif"
    picture = Image.fromarray(np.zeros((50, 50), dtype=np.uint8))
    files = {"a.jpg": {"comment": b"<script>comment", "exif": exif}, "a.png": {"exif": exif}}
    for name, settings in files.items():
        path = tmp_path / name
        picture.save(path, icc_profile=b"<script>profile", **settings)
        data = path.read_bytes() + b"<script>behind</script>"
        assert data.count(b"<script>") >= 2
        assert b"script" not in encode(data, path)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "a.png").write_bytes(b"no image")
    for make in (open_whole, open_thumbnail):
        with pytest.raises(ImageError, match=r"a\.png"):
            make(tmp_path / "a.png", side=64)


def test_a_full_image_has_every_pixel(tmp_path: Path) -> None:
    """The PNG holds the first channel as it is stored, nothing lost."""
    pixels = draw_image(3, height=700, width=900)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    full = encode_full((tmp_path / "a.png").read_bytes(), tmp_path / "a.png")
    shown = Image.open(io.BytesIO(full.data))
    assert (shown.format, shown.mode) == ("PNG", "L")
    assert (np.asarray(shown) == pixels).all()
    assert full.size == full.native_size == (900, 700)


def test_a_very_large_image_is_scaled_and_says_so(tmp_path: Path) -> None:
    """The longer side is the limit; the size of the file is known."""
    Image.fromarray(draw_image(4, height=400, width=800)).save(tmp_path / "a.png")
    full = encode_full((tmp_path / "a.png").read_bytes(), tmp_path / "a.png", side=300)
    assert (full.size, full.native_size) == ((300, 150), (800, 400))
    assert Image.open(io.BytesIO(full.data)).size == (300, 150)


# ---- a run over a cohort


def test_a_run_makes_what_is_missing(cohort: Cohort, store: Store) -> None:
    """All at first, nothing the second time, one after its file is gone."""
    seen: list[tuple[str, int, int]] = []
    first = compute_thumbnails(cohort, store, on_progress=lambda *now: seen.append(now))
    assert (first.n_computed, first.n_cached, first.n_left) == (N_IMAGES, 0, 0)
    assert seen == [("Making thumbnails", n, N_IMAGES) for n in range(1, N_IMAGES + 1)]
    assert first.failed[["image_id", "row", "reason"]].to_numpy().tolist() == [
        ["image3.png", 4, "there is no file of that name in the folder images"]
    ]
    second = compute_thumbnails(cohort, store)
    assert (second.n_computed, second.n_cached) == (0, N_IMAGES)
    sha256 = cohort.table["sha256"][0]
    next((store.root / "thumbnails").glob(f"{sha256}*")).unlink()
    third = compute_thumbnails(cohort, store)
    assert (third.n_computed, third.n_cached) == (1, N_IMAGES - 1)


def test_only_thumbnails_of_today_are_counted(cohort: Cohort, store: Store) -> None:
    """Another size, an older version and a stranger's file are no thumbnails of today."""
    assert list_thumbnails(store) == set()
    compute_thumbnails(cohort, store)
    made = list_thumbnails(store)
    assert made == set(cohort.select_xrays().select_with_file().table["sha256"])
    one, other = sorted(made)[:2]
    for name in (f"{one}-64-v1.jpg", f"{'0' * 64}-512-v0.jpg", f"{other}.jpg"):
        store.write_file("thumbnails", name, b"x")
    assert list_thumbnails(store) == made


def test_workers_change_nothing_but_time(cohort: Cohort, tmp_path: Path) -> None:
    """One thread or five: the same bytes, and the same as made alone when asked for."""
    stores = [Store(tmp_path / str(n)) for n in (1, 5)]
    for store, n_workers in zip(stores, (1, 5), strict=True):
        compute_thumbnails(cohort, store, n_workers=n_workers)
    for sha256 in cohort.table["sha256"].dropna():
        one, five = (read_thumbnail(store, sha256) for store in stores)
        assert one is not None
        assert one == five
    path, sha256 = cohort.image_path("image1.png"), str(cohort.table["sha256"][0])
    assert load_thumbnail(path, sha256, Store(tmp_path / "new")) == read_thumbnail(
        stores[0], sha256
    )


def test_one_content_is_made_once(tmp_path: Path, store: Store) -> None:
    """Two rows with the same picture share a thumbnail, and both are counted."""
    same = draw_image(1)
    root = make_cohort(tmp_path / "c", [{}, {}], images={"image1.png": same, "image2.png": same})
    seen: list[tuple[str, int, int]] = []
    report = compute_thumbnails(load_cohort(root), store, on_progress=lambda *n: seen.append(n))
    assert report.n_computed == 2
    assert seen == [("Making thumbnails", 1, 1)]


def test_a_bad_file_is_named_and_the_rest_goes_on(cohort: Cohort, store: Store) -> None:
    """Gone, changed, replaced by a link out, a folder, truncated: each with its reason."""
    folder = cohort.root / "images"
    (folder / "image1.png").unlink()
    Image.fromarray(draw_image(99)).save(folder / "image2.png")
    outside = cohort.root.parent / "secret.png"
    shutil.copy(folder / "image4.png", outside)
    (folder / "image4.png").unlink()
    (folder / "image4.png").symlink_to(outside)
    (folder / "image5.png").unlink()
    (folder / "image5.png").mkdir()
    report = compute_thumbnails(cohort, store)
    reasons = dict(zip(report.failed["image_id"], report.failed["reason"], strict=True))
    assert report.n_computed == N_IMAGES - 4
    assert "there is no file" in reasons["image1.png"]
    assert "changed after the cohort was read" in reasons["image2.png"]
    assert "link that leaves" in reasons["image4.png"]
    assert "not a regular file" in reasons["image5.png"]


def test_damaged_and_enormous_files_are_named(cohort: Cohort, store: Store) -> None:
    """A truncated file and a header that claims ten gigapixels cost one line each."""
    folder, table = cohort.root / "images", cohort.table.copy()
    whole = (folder / "image1.png").read_bytes()
    header = bytearray(whole)
    header[16:24] = (100_000).to_bytes(4) * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4)
    damaged = {"image1.png": whole[:-300], "image2.png": bytes(header)}
    damaged["image4.png"] = make_damaged_avif()
    for name, data in damaged.items():
        (folder / name).write_bytes(data)
        table.loc[table["image_id"] == name, "sha256"] = hashlib.sha256(data).hexdigest()
    report = compute_thumbnails(replace(cohort, table=table), store)
    reasons = dict(zip(report.failed["image_id"], report.failed["reason"], strict=True))
    assert "damaged or truncated" in reasons["image1.png"]
    assert "far too many pixels" in reasons["image2.png"]
    assert "Failed to decode frame" in reasons["image4.png"]
    assert report.n_computed == N_IMAGES - 3


def test_large_images_take_turns(
    cohort: Cohort, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads wait for each other over large images, and none waits for ever."""
    monkeypatch.setattr(image_files, "LARGE_PIXELS", 1)
    assert compute_thumbnails(cohort, store, n_workers=4).n_computed == N_IMAGES


def test_a_run_stops_when_asked_and_goes_on_later(cohort: Cohort, store: Store) -> None:
    """What was made is kept; what was not come to is counted as left."""
    report = compute_thumbnails(cohort, store, n_workers=1, should_stop=lambda: True)
    assert report.n_computed >= 1
    assert report.n_left == N_IMAGES - report.n_computed > 0
    later = compute_thumbnails(cohort, store)
    assert later.n_cached >= report.n_computed
    assert later.n_computed + later.n_cached == N_IMAGES


def test_a_damaged_thumbnail_is_made_anew(
    cohort: Cohort, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """One flipped bit, a half-written or an empty file: never shown, set aside, made again."""
    path, sha256 = cohort.image_path("image1.png"), str(cohort.table["sha256"][0])
    right = load_thumbnail(path, sha256, store)
    (file,) = (store.root / "thumbnails").iterdir()
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 1
    for damaged in (bytes(flipped), whole[:200], b"", right, b"<script>"):
        file.write_bytes(damaged)
        caplog.clear()
        assert read_thumbnail(store, sha256) is None
        assert "damaged" in caplog.text
        assert load_thumbnail(path, sha256, store) == right
        assert file.read_bytes() == whole


def test_a_folder_deleted_between_is_made_again(cohort: Cohort, store: Store) -> None:
    """The cache may go at any time: what is asked for next is made and kept."""
    path, sha256 = cohort.image_path("image1.png"), str(cohort.table["sha256"][0])
    right = load_thumbnail(path, sha256, store)
    shutil.rmtree(store.root)
    assert read_thumbnail(store, sha256) is None
    assert load_thumbnail(path, sha256, store) == right
    assert read_thumbnail(store, sha256) == right


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_does_not_hide_an_image(
    cohort: Cohort, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """One image is shown all the same; a run over all says that there is no space left."""
    path, sha256 = cohort.image_path("image1.png"), str(cohort.table["sha256"][0])
    assert load_thumbnail(path, sha256, store)[:3] == b"\xff\xd8\xff"
    assert "no space left" in caplog.text
    assert read_thumbnail(store, sha256) is None
    with pytest.raises(StoreError, match="no space left"):
        compute_thumbnails(cohort, store)
    assert list(store.root.rglob("*.tmp")) == []


def test_a_cache_that_is_no_folder_does_not_hide_an_image(
    cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file where the cache should be: shown, and said in the log."""
    (tmp_path / "file").write_text("x")
    path, sha256 = cohort.image_path("image1.png"), str(cohort.table["sha256"][0])
    assert load_thumbnail(path, sha256, Store(tmp_path / "file"))[:3] == b"\xff\xd8\xff"
    assert "not kept" in caplog.text


def test_a_changed_file_is_not_shown_as_the_old_one(cohort: Cohort, store: Store) -> None:
    """Without a stored thumbnail the file must be the one that the cohort was loaded with."""
    path, sha256 = cohort.image_path("image1.png"), str(cohort.table["sha256"][0])
    Image.fromarray(draw_image(99)).save(path)
    with pytest.raises(ImageError, match="changed"):
        load_thumbnail(path, sha256, store)
    assert read_thumbnail(store, sha256) is None


RUN = """
import sys
from cxrlib.cohort.cohort import load_cohort
from cxrlib.storage.store import Store
from cxrlib.display.thumbnails import compute_thumbnails
report = compute_thumbnails(load_cohort(sys.argv[1]), Store(sys.argv[2]), n_workers=2)
print(report.n_computed + report.n_cached)
"""


def test_two_processes_at_once(cohort: Cohort, store: Store) -> None:
    """Both end well, and each thumbnail is there once and whole."""
    command = [sys.executable, "-c", RUN, str(cohort.root), str(store.root)]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = [process.communicate(timeout=120)[0].strip() for process in both]
    assert answers == [str(N_IMAGES)] * 2
    assert len(list((store.root / "thumbnails").iterdir())) == N_IMAGES
    assert all(read_thumbnail(store, sha) for sha in cohort.table["sha256"].dropna())


@pytest.mark.slow
def test_real_thumbnails_equal_the_slow_way(real_root: Path) -> None:
    """All files of the real collection: within 4 grey levels on average, 1.2 over all.

    Most of it is JPEG: at this quality it alone changes a noisy image by 2 grey levels.
    """
    differences = [difference(path) for path in sorted((real_root / "images").iterdir())]
    assert max(differences) < 4
    assert np.mean(differences) < 1.2
