"""Pixels: preprocessed images as feature vectors, decoded once and kept in the store.

What torchxrayvision's networks take (first channel, [-1024, 1024], centre crop, 224 x 224), as a
row of 50,176 numbers: the paper's "image pixels" (2020-12, section 4.2).
"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cxrlib.aliases import Floats, Progress, ShouldStop
from cxrlib.cohort import Cohort, locate_files
from cxrlib.errors import SelectionError
from cxrlib.images import PREPROCESSING, SIDE, ImageFile, prepare_images, preprocess
from cxrlib.storage import Store

logger = logging.getLogger(__name__)

N_PIXELS = SIDE * SIDE
MAX_IMAGES = 2000
"""Most images of a set: 0.4 GB, and twice that again once they are float64."""
PIXELS_KIND = "pixels"
N_BYTES = 4 * N_PIXELS


def load_pixels(
    cohort: Cohort,
    image_ids: Sequence[str],
    store: Store,
    *,
    n_workers: int = 0,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[Floats, tuple[str, ...], dict[str, str]]:
    """Load the pixels of images; decode those that are not in the store, and keep them there.

    Parameters
    ----------
    cohort : Cohort
    image_ids : sequence of str
        At most `MAX_IMAGES`.
    store : Store
    n_workers : int, default 0
        Processes that decode; 0 for none.
    on_progress : callable, optional
        Called after each image; images here are distinct contents.
    should_stop : callable, optional
        Asked after each image; True ends the decoding. What was decoded is kept.

    Returns
    -------
    pixels : ndarray of shape (n_kept, 50176), float32
    kept : tuple of str
        The images that have some, in the order asked for.
    missing : dict of str to str
        Why the others have none, as clauses.

    Raises
    ------
    SelectionError
        For too many images, or one that the cohort does not have.
    StoreError
        When the store cannot be read or written.
    """
    files, missing = _locate(cohort, image_ids)
    found, wanted = _read_stored(files, store)
    bad: dict[str, str] = {}
    stream = prepare_images(wanted, preprocess, n_workers=n_workers, n_ahead=16)
    try:
        for done, each in enumerate(stream, start=1):
            if each.item is None:
                bad[each.sha256] = each.reason
            else:
                found[each.sha256] = _store_pixels(store, each.sha256, each.item)
            if on_progress is not None:
                on_progress("Decoding images", done, len(wanted))
            if should_stop is not None and should_stop():
                break
    finally:
        stream.close()
    kept = tuple(name for name in image_ids if name in files and files[name].sha256 in found)
    for name in set(files).difference(kept):
        missing[name] = bad.get(files[name].sha256, "it was not decoded: the run was stopped")
    rows = [found[files[name].sha256] for name in kept]
    return np.stack(rows) if rows else np.empty((0, N_PIXELS), np.float32), kept, missing


def are_pixels_stored(cohort: Cohort, image_ids: Sequence[str], store: Store) -> bool:
    """Tell whether `load_pixels` would decode nothing: the images without a file count as done."""
    table = cohort.table
    usable = table["image_id"].isin(set(image_ids)) & table["file_status"].eq("ok")
    names = {_make_file_name(sha256) for sha256 in table.loc[usable, "sha256"].dropna()}
    return names.issubset(store.list_files(PIXELS_KIND))


def _locate(
    cohort: Cohort, image_ids: Sequence[str]
) -> tuple[dict[str, ImageFile], dict[str, str]]:
    """Find the files of images, and why others have none; refuse too many and strange ones."""
    if len(image_ids) > MAX_IMAGES:
        raise SelectionError(
            f"Pixels of {len(image_ids):,} images do not fit into memory: {MAX_IMAGES:,} do. "
            "Choose fewer by filters, or outputs instead of pixels."
        )
    contents = cohort.table.set_index("image_id")["sha256"]
    unknown = [image_id for image_id in image_ids if image_id not in contents.index]
    if unknown:
        raise SelectionError(f"Cohort {cohort.name!r} has no image {unknown[0][:80]!r}.")
    return locate_files(cohort, contents.loc[list(image_ids)].reset_index())


def _read_stored(
    files: Mapping[str, ImageFile], store: Store
) -> tuple[dict[str, Floats], list[ImageFile]]:
    """Read the pixels that are stored, by content; list the files of the others once each."""
    found: dict[str, Floats] = {}
    contents = {file.sha256: file for file in files.values()}
    for sha256 in contents:
        data = store.read_file(PIXELS_KIND, _make_file_name(sha256))
        pixels = None if data is None or len(data) != N_BYTES else np.frombuffer(data, "<f4")
        if pixels is not None and np.isfinite(pixels).all():
            found[sha256] = pixels
    logger.info("Pixels of %d of %d images lie in the store.", len(found), len(contents))
    return found, [file for sha256, file in contents.items() if sha256 not in found]


def _store_pixels(store: Store, sha256: str, item: NDArray[np.float32]) -> Floats:
    """Store the pixels of an image, and return them as a row."""
    pixels = np.ravel(item).astype("<f4")
    store.write_file(PIXELS_KIND, _make_file_name(sha256), pixels.tobytes())
    return pixels


def _make_file_name(sha256: str) -> str:
    return f"{sha256}-{PREPROCESSING}.f32"
