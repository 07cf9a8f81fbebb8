"""The app's own route for X-rays: images by id, with a signed token that ends after a while.

A page that may be seen makes the addresses of its images; whoever has no such address gets no
image, also where a sign-in stands before the pages. An answer is encoded anew from pixels, or
is one sentence of plain text that says why there is none. An address names a cohort and an
image id, never a path, and nothing is looked up before its token was checked.
"""

import functools
import logging
import re
import secrets
from typing import Literal
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from cxrlib.display import check, choose_expiry, sign
from cxrlib.errors import CxrError, ImageError, SelectionError, TokenError
from ui.widgets.address import base_path

__all__ = ["Kind", "image_url", "routes"]

logger = logging.getLogger(__name__)

Kind = Literal["thumb", "full", "mask"]

PREFIX = "xray"
PERIOD = 30 * 60  # seconds; an address is good for one to two of these
FRESH = 5 * 60  # seconds in which a browser that has an image does not ask again
# Addresses made by another server, or before a restart, are not this one's.
_SECRET = secrets.token_bytes(32)

# The image is shown as an image whatever its bytes, from this server's own pages, and its
# address goes to no other server.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


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
    return f"{base_path()}/{PREFIX}/{place}?kind={kind}&expires={expires}&token={token}"


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

    return [Route(f"{base_path()}/{PREFIX}/{{slug}}/{{image_id:path}}", answer, methods=["GET"])]


def _check_token(request: Request, slug: str, image_id: str, kind: str) -> None:
    query = request.query_params
    expires = query.get("expires", "")
    # No number: any will do, the token cannot fit.
    end = int(expires) if re.fullmatch("[0-9]{1,12}", expires) else 0
    check(query.get("token", ""), [slug, image_id, kind], secret=_SECRET, expires=end)


def _answer(slug: str, image_id: str, kind: str, known: str) -> Response:
    """Find an image, unless the browser has it already; runs in a thread."""
    from ui.images.image_source import (
        find_picture,  # a second's import, not before the server is up
    )

    try:
        picture = find_picture(slug, image_id, kind)
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
            503, "The cohort cannot be read at present. Reload the page to see what is wrong."
        )
    return Response(data, media_type=picture.media_type, headers=headers | more)


def _refuse(status: int, sentence: str) -> Response:
    headers = _HEADERS | {"Cache-Control": "no-store"}
    # Half a surrogate pair in a name has no encoding.
    text = sentence.encode("utf-8", "replace").decode("utf-8")
    return PlainTextResponse(text + "\n", status_code=status, headers=headers)
