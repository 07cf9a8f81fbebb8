"""Copies of images for the screen, encoded anew: a file's own bytes never get there.

Thumbnails are greyscale JPEG of at most 512 pixels a side, made once for each image content
and kept in the store. Full images are greyscale PNG at their own size, made when asked for.
Both show the first channel, as everything that is computed uses it.
"""

import io
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.cohort import Cohort, RunReport, count_run, locate_files
from cxrlib.errors import ImageError, StoreError
from cxrlib.images import (
    ImageFile,
    decode_image,
    decode_smaller,
    guard_image,
    read_unchanged,
    to_eight_bits,
)
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store
from cxrlib.system import count_cores

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE = 512  # pixels
FULL_SIDE = 3000  # pixels; larger ones are scaled down, as no screen shows more
THUMBNAIL_VERSION = "v1"
FULL_VERSION = "v1"
FOLDER = "thumbnails"
JPEG_QUALITY = 90
MOST_WORKERS = 8  # beyond, threads wait for each other in Python's own part of the work


@dataclass(frozen=True)
class FullImage:
    """Hold a whole image as PNG.

    Parameters
    ----------
    data : bytes
    size, native_size : tuple of int
        Width and height, of the PNG and of the file; they differ where it was scaled down.
    """

    data: bytes
    size: tuple[int, int]
    native_size: tuple[int, int]
    __repr__ = short_repr


def compute_thumbnails(
    cohort: Cohort,
    store: Store,
    *,
    n_workers: int | None = None,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RunReport:
    """Make the thumbnails that are not in the store yet, of all X-rays of a cohort.

    A bad file is reported and the rest goes on. An interrupted run has stored what it made.
    The workers are threads: Pillow leaves Python's lock while it decodes, scales and encodes,
    and new processes would cost as much as a hundred thumbnails.

    Parameters
    ----------
    cohort : Cohort
    store : Store
    n_workers : int, optional
        Threads; one a core and at most 8 unless given.
    on_progress : callable, optional
        Called after each thumbnail; it counts distinct contents to make.
    should_stop : callable, optional
        Asked after each thumbnail; True ends the run.

    Returns
    -------
    RunReport

    Raises
    ------
    StoreError
        When the store cannot be read or written.
    """
    started = time.monotonic()
    rows = cohort.table.loc[cohort.table["is_xray"], ["image_id", "row", "filename", "sha256"]]
    files, reasons = locate_files(cohort, rows)
    stored = store.list_files(FOLDER)
    missing = {f.sha256: f for f in files.values() if _name(f.sha256) not in stored}
    made, bad = _make_all(
        list(missing.values()),
        store,
        n_workers=n_workers or count_cores(most=MOST_WORKERS),
        on_progress=on_progress,
        should_stop=should_stop,
    )
    return count_run(
        rows,
        files,
        reasons,
        made=made,
        bad=bad,
        n_cached=sum(file.sha256 not in missing for file in files.values()),
        seconds=time.monotonic() - started,
    )


def list_thumbnails(store: Store) -> set[str]:
    """List the contents (SHA-256) that have a thumbnail of today's making; raises StoreError."""
    ending = _name("")
    names = store.list_files(FOLDER)
    return {name.removesuffix(ending) for name in names if name.endswith(ending)}


def read_thumbnail(store: Store, sha256: str) -> bytes | None:
    """Read a thumbnail from the store, or None where there is none; raises StoreError."""
    return store.read_file(FOLDER, _name(sha256))


def load_thumbnail(path: Path, sha256: str, store: Store) -> bytes:
    """Read a thumbnail from the store, or make it; a store that fails is passed over.

    Parameters
    ----------
    path : Path
        The image's file.
    sha256 : str
        The content it must have.
    store : Store

    Raises
    ------
    ImageError
        If it has to be made and the file cannot be read or was changed.
    """
    try:
        stored = read_thumbnail(store, sha256)
    except StoreError as error:
        logger.warning("Thumbnails are made anew each time. %s", error)
        stored = None
    if stored is not None:
        return stored
    data = encode_thumbnail(read_unchanged(path, sha256), path)
    try:
        store.write_file(FOLDER, _name(sha256), data)
    except StoreError as error:  # a full disk: the image is shown all the same
        logger.warning("A thumbnail is not kept. %s", error)
    return data


# ---- encoding


def encode_thumbnail(data: bytes, path: Path, *, side: int = THUMBNAIL_SIDE) -> bytes:
    """Decode the bytes of an image file and encode it small, as a greyscale JPEG.

    JPEG files are decoded at a smaller size where that is enough, and scaled with Pillow's
    Hamming filter: within half a grey level on average of decoding all and scaling by Lanczos,
    in half the time.

    Parameters
    ----------
    data : bytes
    path : Path
        For messages.
    side : int, default 512
        Longest side, pixels; smaller images stay as they are.

    Raises
    ------
    ImageError
        If they are no image that can be used.
    """
    # Pixels only: from an image as it was opened Pillow would write the file's comment too.
    pixels, extent = decode_smaller(data, path, side=side)

    def encode() -> bytes:
        picture = Image.fromarray(to_eight_bits(pixels))
        scale = side / max(extent)
        if scale < 1:
            size = (max(1, round(extent[0] * scale)), max(1, round(extent[1] * scale)))
            # A gap of 1.5: whole factors beyond it are averaged first, which is fast.
            picture = picture.resize(
                size, Image.Resampling.HAMMING, box=(0, 0, *extent), reducing_gap=1.5
            )
        return _encode(picture, "JPEG", quality=JPEG_QUALITY)

    return guard_image(encode, path, "no small copy can be made of it")


def encode_full(data: bytes, path: Path, *, side: int = FULL_SIDE) -> FullImage:
    """Decode the bytes of an image file and encode it as a greyscale PNG of the same size.

    Parameters
    ----------
    data : bytes
    path : Path
        For messages.
    side : int, default 3000
        A longer one is scaled down to so many pixels.

    Raises
    ------
    ImageError
        If they are no image that can be used.
    """
    pixels = decode_image(data, path)

    def encode() -> FullImage:
        picture = Image.fromarray(to_eight_bits(pixels))
        native_size = picture.size
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        return FullImage(_encode(picture, "PNG", compress_level=3), picture.size, native_size)

    return guard_image(encode, path, "it cannot be encoded as PNG")


def _encode(picture: Image.Image, kind: str, **settings: int) -> bytes:
    target = io.BytesIO()
    picture.save(target, format=kind, **settings)
    return target.getvalue()


# ---- a run


def _name(sha256: str) -> str:
    return f"{sha256}-{THUMBNAIL_SIDE}-{THUMBNAIL_VERSION}.jpg"


def _make(file: ImageFile, store: Store) -> str:
    """Make and keep a thumbnail; return why there is none, "" where there is."""
    try:
        data = encode_thumbnail(read_unchanged(file.path, file.sha256), file.path)
    except ImageError as error:
        return error.reason
    store.write_file(FOLDER, _name(file.sha256), data)
    return ""


def _make_all(
    files: Sequence[ImageFile],
    store: Store,
    *,
    n_workers: int,
    on_progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[set[str], dict[str, str]]:
    """Make thumbnails in threads; return contents done and reasons of others."""
    reasons: dict[str, str] = {}
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="thumbnails")
    try:
        waiting = {pool.submit(_make, file, store): file.sha256 for file in files}
        for future in as_completed(waiting):
            reasons[waiting[future]] = future.result()
            if on_progress is not None:
                on_progress("Making thumbnails", len(reasons), len(files))
            if should_stop is not None and should_stop():
                break
    finally:  # those not begun yet are not made
        pool.shutdown(wait=True, cancel_futures=True)
    bad = {sha256: reason for sha256, reason in reasons.items() if reason}
    return reasons.keys() - bad, bad
