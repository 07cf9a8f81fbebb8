"""Show one X-ray or two on black: zoom, windowing, overlays, all by mouse, touch and keyboard.

Everything happens in the browser: looking closer never runs the script again. What the reader
has set outlives a run of the script and is dropped when another picture comes.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cxrlib import NOTICE
from cxrlib.display import Box
from ui.widgets.component import load_component

__all__ = ["MAX_PICTURES", "Picture", "show_viewer"]

MAX_PICTURES = 2
# What changes in an address without its picture changing: see ui/images/image_route.py.
PASSING = frozenset({"expires", "token"})


@dataclass(frozen=True)
class Picture:
    """Hold an X-ray for the viewer.

    Parameters
    ----------
    url : str
        Where the browser gets it: an address of this server, or a ``data:image/`` one.
    alt : str
        The picture in words, for those who do not see it.
    caption : str
        Shown under it; without one, the alt text is in full screen.
    width, height : int or None
        Its size in pixels, so that its place is known before it is there.
    boxes : sequence of Box
        Rectangles to lay over it.
    mask_url : str or None
        Where the browser gets a transparent mask of the same proportions.
    preview_url : str or None
        A small copy that is shown until the picture is there.
    name : str
        What makes it the same picture; its address without the parts that expire unless given.

    Raises
    ------
    ValueError
        If an address leads elsewhere: no picture of a cohort comes from outside.
    """

    url: str
    alt: str
    caption: str = ""
    width: int | None = None
    height: int | None = None
    boxes: Sequence[Box] = ()
    mask_url: str | None = None
    preview_url: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for url in (self.url, self.mask_url, self.preview_url):
            if url is not None:
                _check_url(url)


def show_viewer(pictures: Sequence[Picture], *, key: str, height: int = 520) -> None:
    """Show one or two pictures in the viewer.

    Parameters
    ----------
    pictures : sequence of Picture
        Two share zoom and window until the reader unlinks them.
    key : str
        Names this viewer: what the reader has set belongs to it.
    height : int
        Of the black surround, pixels.

    Raises
    ------
    ValueError
        If there is no picture or there are more than two.
    """
    if not 1 <= len(pictures) <= MAX_PICTURES:
        raise ValueError(f"The viewer shows 1 or {MAX_PICTURES} pictures, not {len(pictures)}.")
    data = {
        "key": key,
        "height": height,
        "notice": NOTICE,  # full screen covers the page's own
        "pictures": [describe_picture(picture) for picture in pictures],
    }
    load_component(__file__)(key=key, data=data, height="content")


def describe_picture(picture: Picture) -> dict[str, Any]:
    """Turn a picture into what the browser's part of the viewer takes."""
    return {
        "name": picture.name or _identify(picture.url),
        "url": picture.url,
        "preview": picture.preview_url,
        "alt": picture.alt,
        "caption": picture.caption,
        "width": picture.width,
        "height": picture.height,
        "boxes": [_describe_box(box) for box in picture.boxes],
        "mask": picture.mask_url,
    }


def _describe_box(box: Box) -> dict[str, Any]:
    """Turn a box into a label and four fractions, which JSON can hold."""
    place = [float(side) for side in (box.left, box.top, box.width, box.height)]
    if not all(math.isfinite(side) and 0 <= side <= 1 for side in place):
        raise ValueError(f"Box {box!r} is not in fractions of the image, from 0 to 1.")
    return {"label": box.label, "place": place}


def _check_url(url: str) -> None:
    """Refuse an address of another host."""
    if url.startswith("data:image/"):
        return
    # To browsers a backslash is a slash, and tabs and line ends are not there.
    odd = any(sign <= " " or sign == "\\" for sign in url)
    try:
        parts = urlsplit(url)
        here = not parts.scheme and not parts.netloc
    except ValueError:
        here = False
    if odd or not here or not url:
        raise ValueError(
            f"Address {url[:80]!r} is not one of this server: give a path such as "
            "/xray/demo/image.png, or a data:image/ address."
        )


def _identify(url: str) -> str:
    """Return an address without its expiring parts.

    Examples
    --------
    >>> _identify("/xray/demo/a.png?kind=full&expires=17&token=ab")
    '/xray/demo/a.png?kind=full'
    """
    if url.startswith("data:"):
        return hashlib.sha256(url.encode()).hexdigest()
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in PASSING]
    return urlunsplit(parts._replace(query=urlencode(kept)))
