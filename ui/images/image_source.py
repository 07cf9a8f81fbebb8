"""What an image's address stands for: the cohort, the file, the bytes made from its pixels.

Apart from the route itself, since it imports what takes a second and a server's start waits
for the route.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cxrlib.cohort import Cohort
from cxrlib.display import FULL_VERSION, THUMBNAIL_VERSION, encode_full, load_thumbnail, mask_png
from cxrlib.errors import SelectionError
from cxrlib.images import check_unchanged, read_unchanged
from cxrlib.storage import Store
from ui.session import resources
from ui.session.byte_cache import ByteCache

__all__ = ["Picture", "find_picture"]

LONGEST_ID = 80  # characters of an image id that an answer repeats
MEMORY = 128 << 20  # bytes of full images kept: a few dozen
_full_images = ByteCache(max_bytes=MEMORY)


@dataclass(frozen=True)
class Picture:
    """Hold what an address stands for; its bytes are made only if the browser lacks them.

    Parameters
    ----------
    etag : str
        Names the content, in quotes as HTTP has them.
    media_type : str
    make : callable
        Returns the bytes and further headers; raises ImageError.
    """

    etag: str
    media_type: str
    make: Callable[[], tuple[bytes, dict[str, str]]] = field(repr=False)


def find_picture(slug: str, image_id: str, kind: str) -> Picture:
    """Find what an address stands for.

    Parameters
    ----------
    slug, image_id, kind : str
        As `ui.images.image_route.image_url` takes them.

    Raises
    ------
    SelectionError
        If there is no such cohort, image or mask.
    ImageError
        If the image has no file that can be used, or it is another one now.
    CxrError
        If the cohort cannot be used.
    """
    cohort = resources.find_cohort(slug)
    sha256 = _find_content(cohort, image_id)
    if kind == "mask":
        data = mask_png(cohort, image_id)
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        return Picture(etag, "image/png", lambda: (data, {}))
    path = cohort.image_path(image_id)
    check_unchanged(path, sha256)
    if kind == "thumb":
        store = Store(resources.find_cache())
        etag = f'"{sha256[:32]}-{kind}-{THUMBNAIL_VERSION}"'
        return Picture(etag, "image/jpeg", lambda: (load_thumbnail(path, sha256, store), {}))
    etag = f'"{sha256[:32]}-{kind}-{FULL_VERSION}"'
    return Picture(etag, "image/png", lambda: _load_full(path, sha256))


def _find_content(cohort: Cohort, image_id: str) -> str:
    """Return the hash of an image's content; raise SelectionError if there is no such image."""
    found = cohort.table.loc[cohort.table["image_id"] == image_id, "sha256"]
    if found.empty:
        raise SelectionError(
            f"Cohort {cohort.name!r} has no image {image_id[:LONGEST_ID]!r} any more. Reload the "
            "page to see the cohort as it is now."
        )
    return str(found.iloc[0])


def _load_full(path: Path, sha256: str) -> tuple[bytes, dict[str, str]]:
    """Encode a whole image, or take it from memory; say in a header if it was scaled down."""
    full = _full_images.get(sha256)
    if full is None:
        image = encode_full(read_unchanged(path, sha256), path)
        header = {}
        if image.size != image.native_size:
            sizes = [f"{width}x{height}" for width, height in (image.size, image.native_size)]
            header = {"X-Scaled-Down": f"{sizes[0]} of {sizes[1]}"}
        full = (image.data, header)
        _full_images.put(sha256, full)
    return full
