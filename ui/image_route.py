"""The app's own route for X-rays: images by id, with a signed token that ends after a while.

A page that may be seen makes the addresses of its images; whoever has no such address gets no
image, also where a sign-in stands before the pages. An answer is encoded anew from pixels, or
is one sentence of plain text that says why there is none. An address names a cohort and an
image id, never a path, and nothing is looked up before its token was checked.
"""

import functools
import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import anyio
import anyio.to_thread
import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from cxrlib.cohort import Cohort
from cxrlib.errors import CxrError, ImageError, SelectionError, TokenError
from cxrlib.files import open_regular
from cxrlib.reasons import describe_read_error
from cxrlib.store import Store
from cxrlib.thumbnails import (
    FULL_VERSION,
    THUMBNAIL_VERSION,
    encode_full,
    load_thumbnail,
    read_unchanged,
)
from cxrlib.tokens import check, choose_expiry, sign
from ui.byte_cache import ByteCache

__all__ = ["Kind", "image_url", "routes"]

logger = logging.getLogger(__name__)

Kind = Literal["thumb", "full", "mask"]

PREFIX = "xray"
PERIOD = 30 * 60  # seconds; an address is good for one to two of these
FRESH = 5 * 60  # seconds in which a browser that has an image does not ask again
# Addresses made by another server, or before a restart, are not this one's.
_SECRET = secrets.token_bytes(32)
_CHANGED = "the file changed after the cohort was read, restart the server to read it again"
_full_images = ByteCache(max_bytes=128 << 20)

# The image is shown as an image whatever its bytes, from this server's own pages, and its
# address goes to no other server.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class _Picture:
    """Hold what an address stands for: its bytes are made only if the browser lacks them."""

    etag: str
    media_type: str
    make: Callable[[], tuple[bytes, dict[str, str]]] = field(repr=False)


def image_url(slug: str, image_id: str, kind: Kind) -> str:
    """Make the address of an image, for the pages of this server only.

    It stays the same for half an hour and works for at least as long. To tell whether two
    addresses show the same picture, compare what stands before ``&expires``.

    Parameters
    ----------
    slug : str
        Of the cohort.
    image_id : str
        Any text.
    kind : {"thumb", "full", "mask"}
        At most 512 pixels a side, the whole image, or its lung mask to lay over it.
    """
    expires = choose_expiry(period=PERIOD)
    token = sign([slug, image_id, kind], secret=_SECRET, expires=expires)
    place = "/".join(quote(part, safe="", errors="replace") for part in (slug, image_id))
    return f"{_base()}/{PREFIX}/{place}?kind={kind}&expires={expires}&token={token}"


def routes() -> list[BaseRoute]:
    """Return the routes to give to ``st.App``."""
    # Decoding holds memory: few at once. Thumbnails are mostly read, and must not wait for it.
    limiters = {"thumb": anyio.CapacityLimiter(4)}
    decoding = anyio.CapacityLimiter(2)

    async def answer(request: Request) -> Response:
        slug, image_id = request.path_params["slug"], request.path_params["image_id"]
        kind = request.query_params.get("kind", "")
        try:
            _check_token(request, slug, image_id, kind)
        except TokenError as error:
            return _refuse(403, str(error))
        known = request.headers.get("if-none-match", "")
        work = functools.partial(_answer, slug, image_id, kind, known)
        return await anyio.to_thread.run_sync(work, limiter=limiters.get(kind, decoding))

    return [Route(f"{_base()}/{PREFIX}/{{slug}}/{{image_id:path}}", answer, methods=["GET"])]


def _base() -> str:
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def _check_token(request: Request, slug: str, image_id: str, kind: str) -> None:
    query = request.query_params
    expires = query.get("expires", "")
    # No number: any will do, the token cannot fit.
    end = int(expires) if re.fullmatch("[0-9]{1,12}", expires) else 0
    check(query.get("token", ""), [slug, image_id, kind], secret=_SECRET, expires=end)


def _answer(slug: str, image_id: str, kind: str, known: str) -> Response:
    """Find an image, unless the browser has it already; runs in a thread."""
    try:
        picture = _find(slug, image_id, kind)
        headers = _HEADERS | {
            "ETag": picture.etag,
            "Cache-Control": f"private, max-age={FRESH}",
        }
        if picture.etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return Response(status_code=304, headers=headers)
        data, more = picture.make()
    except SelectionError as error:
        return _refuse(404, str(error))
    except ImageError as error:
        return _refuse(410, str(error))
    except CxrError as error:  # may name folders of this machine: for the log only
        logger.warning("Image %r of cohort %r is not shown. %s", image_id, slug, error)
        return _refuse(
            503, "The cohort cannot be read at present. Reload the page: it says what is wrong."
        )
    return Response(data, media_type=picture.media_type, headers=headers | more)


def _refuse(status: int, sentence: str) -> Response:
    headers = _HEADERS | {"Cache-Control": "no-store"}
    # Half a surrogate pair in a name has no encoding.
    text = sentence.encode("utf-8", "replace").decode("utf-8")
    return PlainTextResponse(text + "\n", status_code=status, headers=headers)


def _find(slug: str, image_id: str, kind: str) -> _Picture:
    from cxrlib.overlays import mask_png
    from ui.resources import find_cache, find_cohort

    cohort = find_cohort(slug)
    if kind == "mask":
        data = mask_png(cohort, image_id)
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        return _Picture(etag, "image/png", lambda: (data, {}))
    path = cohort.image_path(image_id)
    sha256 = _find_content(cohort, image_id)
    _check_unchanged(path, sha256)
    if kind == "thumb":
        store = Store(find_cache())
        etag = f'"{sha256[:32]}-{kind}-{THUMBNAIL_VERSION}"'
        return _Picture(etag, "image/jpeg", lambda: (load_thumbnail(path, sha256, store), {}))
    etag = f'"{sha256[:32]}-{kind}-{FULL_VERSION}"'
    return _Picture(etag, "image/png", lambda: _load_full(path, sha256))


def _find_content(cohort: Cohort, image_id: str) -> str:
    return str(cohort.table.loc[cohort.table["image_id"] == image_id, "sha256"].iloc[0])


def _check_unchanged(path: Path, sha256: str) -> None:
    """Raise ImageError if a file is not the one that the cohort was loaded with."""
    try:
        status = path.stat()
        key = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        now = _hash_as_it_stands(path, key)
    except OSError as error:
        raise ImageError(path, describe_read_error(error)) from error
    if now != sha256:
        raise ImageError(path, _CHANGED)


@functools.lru_cache(maxsize=65536)
def _hash_as_it_stands(path: Path, key: tuple[int, ...]) -> str:
    """Hash a file, once for as long as its size, times and inode stay the same."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
