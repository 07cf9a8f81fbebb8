"""Refuse uploads unless the server allows them, and keep allowed ones off the disk.

Streamlit takes uploads at one address whether a page has a widget for them or not. It reads them
as forms, by a parser that lays whatever is over 1 MB into a temporary file first.
"""

from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cxrlib.uploads import are_uploads_allowed

__all__ = ["IN_MEMORY", "guard_uploads"]

PLACE = "/_stcore/upload_file/"
IN_MEMORY = 256 << 20
"""Bytes of an upload that stay in memory: more than Streamlit's limit of 200 MB lets in."""


def guard_uploads() -> Middleware:
    """Return middleware that keeps uploads out, or in memory where they are allowed."""
    return Middleware(_Gate)


class _Gate:
    """Answer 403 to uploads where the server was not started with ``--allow-uploads``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        MultiPartParser.spool_max_size = IN_MEMORY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["method"] == "PUT" and PLACE in scope["path"]
        if is_upload and not are_uploads_allowed():
            await PlainTextResponse("Uploads are not allowed here.", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)
