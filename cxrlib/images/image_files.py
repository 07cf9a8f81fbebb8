"""Image files: from bytes to pixels, and from pixels to what a network takes.

Reading follows torchxrayvision's own reader (scikit-image over imageio), so that numbers
agree with it: colour images give their first channel, transparency is not applied, the
Exif orientation is not applied, a palette is expanded first. Where that reader gives
nonsense or stops, this one does what is meant: 1-bit images span the whole range, 16-bit
ones are scaled by 65535, CMYK is turned into RGB, of an animation the first frame counts.
"""

import hashlib
import io
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from cxrlib.errors import CxrError, ImageError
from cxrlib.storage import hash_file, read_regular
from cxrlib.system import describe_read_error

PREPROCESSING = "xrv-224-v1"
SIDE = 224
"""Side of a preprocessed image, pixels."""
MIN_SIDE = 32
"""Shortest side of a usable image, pixels: below, no anatomy is left to see."""
MAX_PIXELS = 150_000_000
"""Most pixels of a usable image; checked in the header, before anything is decoded."""
MAX_FILE_BYTES = 1 << 30
LARGE_PIXELS = 30_000_000
"""Threads decode images of more pixels one at a time: one of the largest needs 750 MB."""
FORMATS = (
    *("PNG", "JPEG", "JPEG2000", "TIFF", "GIF", "WEBP", "AVIF", "BMP", "DIB"),
    *("PPM", "TGA", "PCX"),
)
"""Formats, as Pillow names them. Others are refused: Pillow hands EPS to Ghostscript, which
runs it as a program, and containers such as ICO hold larger images than their header says."""
_CHANGED = "the file changed after the cohort was read, restart to read it again"
_LIMIT = f"the limit is {MAX_PIXELS // 10**6} megapixels"

_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_TO_RGB = ("CMYK", "YCbCr")
_WITHOUT_COLOUR = (*_SIXTEEN_BIT, "1", "L", "LA")
_AS_STORED = ("L", "LA", "RGB", "RGBA", "RGBX")
# warnings.catch_warnings swaps a list of the whole process: one thread at a time.
_warnings_lock = threading.Lock()
_one_large = threading.Lock()

T = TypeVar("T")


def guard_image(work: Callable[[], T], path: Path, reason: str, *, quote: bool = True) -> T:
    """Do work on one image; whatever goes wrong in it is that image's fault.

    For code that is not ours and gets a file's content: decoders, encoders, an extractor's
    preparation. They promise no list of what they raise (AVIF's raises RuntimeError where it
    cannot decode a frame), and one image must not end a run or a page over thousands.

    Parameters
    ----------
    work : callable
        Takes nothing; its result is returned.
    path : Path
        Of the image, for messages.
    reason : str
        What is wrong, as a clause: ``"the file is damaged"``.
    quote : bool, default True
        Add the decoder's own words. False also leaves no traceback that leads to them: they
        can repeat what is in the file.

    Raises
    ------
    ImageError
        For any error but those of this library, which say more, and MemoryError, which the
        image need not be to blame for.
    """
    try:
        return work()
    except (CxrError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place, see above
        cause = error if quote else None
        said = f" ({str(error) or type(error).__name__})" if quote else ""
    # Outside of the handler: an error raised in it would carry the other one along.
    raise ImageError(path, reason + said) from cause


def read_image(path: Path) -> np.ndarray:
    """Read an image file as one channel of pixels, as they are stored.

    Parameters
    ----------
    path : Path
        A file in one of `FORMATS`; its ending does not matter.

    Returns
    -------
    ndarray of shape (height, width), uint8 or uint16
        The first channel; 255 or 65535 is white.

    Raises
    ------
    ImageError
        When the file is missing, empty, truncated, too small, too large or no image.
    """
    return decode_image(read_image_bytes(path), path)


def read_image_bytes(path: Path) -> bytes:
    """Read the bytes of an image file once, for hashing and decoding; raises ImageError."""
    try:
        return read_regular(path, max_bytes=MAX_FILE_BYTES)
    except OSError as error:
        raise ImageError(path, describe_read_error(error)) from error


def read_unchanged(path: Path, sha256: str) -> bytes:
    """Read the bytes of an image file that must have a content; raises ImageError."""
    data = read_image_bytes(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ImageError(path, _CHANGED)
    return data


def check_unchanged(path: Path, sha256: str) -> None:
    """Raise ImageError if a file has another content than it must have; hash it when it changed."""
    try:
        status = path.stat()
        key = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        now = _hash_as_it_stands(path, key)
    except OSError as error:
        raise ImageError(path, describe_read_error(error)) from error
    if now != sha256:
        raise ImageError(path, _CHANGED)


@lru_cache(maxsize=65536)
def _hash_as_it_stands(path: Path, key: tuple[int, ...]) -> str:
    """Hash a file, once for as long as its size, times and inode stay the same."""
    return hash_file(path)


def decode_image(data: bytes, path: Path) -> np.ndarray:
    """Decode the bytes of an image file; as `read_image`, the path is for messages."""
    return _decode(data, path, lambda image: _first_channel(image, path))


def decode_smaller(data: bytes, path: Path, *, side: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Decode an image at a half, a quarter or an eighth where its format can, for small copies.

    JPEG keeps frequencies: with the high ones left out an image is decoded smaller, in less
    time and memory. Other formats, and JPEG in CMYK, are decoded as they are.

    Parameters
    ----------
    data : bytes
    path : Path
        For messages.
    side : int
        The longer side is not decoded below this many pixels.

    Returns
    -------
    pixels : ndarray of shape (height, width), uint8 or uint16
        As `decode_image`.
    extent : tuple of float
        Width and height of the image in these pixels: it may end within the last ones.

    Raises
    ------
    ImageError
        As `read_image`.
    """

    def decode(image: Image.Image) -> tuple[np.ndarray, tuple[float, float]]:
        size = image.size
        extent = _draft(image, side) or size
        return _first_channel(image, path), extent

    return _decode(data, path, decode)


def decode_described(data: bytes, path: Path, *, side: int) -> tuple[np.ndarray, str, str, float]:
    """Decode as `decode_smaller` does, and tell the file's format, its pixels' kind and colour.

    Parameters
    ----------
    data, path, side
        As in `decode_smaller`.

    Returns
    -------
    pixels : ndarray of shape (height, width), uint8 or uint16
        As `decode_image`.
    format, mode : str
        As Pillow names them: "JPEG", "RGB".
    coloured : float
        Share of pixels, of a copy of some 256 a side, whose channels differ by more than 40
        of 255.

    Raises
    ------
    ImageError
        As `read_image`.
    """

    def decode(image: Image.Image) -> tuple[np.ndarray, str, str, float]:
        kind, mode = image.format or "", image.mode
        _draft(image, side)
        pixels = _first_channel(image, path)
        return pixels, kind, mode, 0.0 if mode in _WITHOUT_COLOUR else _measure_colour(image)

    return _decode(data, path, decode)


def _draft(image: Image.Image, side: int) -> tuple[float, float] | None:
    """Ask for a smaller decoding where there is one; return the image's extent in its pixels."""
    if image.format != "JPEG" or image.mode not in ("L", "RGB"):
        return None
    width, height = image.size
    scale = min(1.0, side / max(image.size))
    # No mode is asked for: "L" would give the luminance, not the first channel.
    box = image.draft(None, (max(1, int(width * scale)), max(1, int(height * scale))))
    return box[1][2:] if box else None


def _measure_colour(image: Image.Image) -> float:
    """Return the share of coloured pixels of a decoded image."""
    # A palette or CMYK is turned into RGB first: their numbers are no brightness.
    small = image.convert("RGB").reduce(max(1, max(image.size) // 256))
    red, green, blue = (np.asarray(channel) for channel in small.split())
    most = np.maximum(np.maximum(red, green), blue)
    return float((most - np.minimum(np.minimum(red, green), blue) > 40).mean())


def _decode(data: bytes, path: Path, decode: Callable[[Image.Image], T]) -> T:
    """Open an image, check its size before anything is decoded, and decode it."""
    if not data:
        raise ImageError(path, "the file is empty")
    with _open(data, path) as image:
        width, height = image.size
        if min(width, height) < MIN_SIDE:
            raise ImageError(
                path, f"{width} x {height} pixels are too few, each side needs {MIN_SIDE}"
            )
        if width * height > MAX_PIXELS:
            raise ImageError(path, f"{width} x {height} pixels are too many, {_LIMIT}")
        with _one_large if width * height > LARGE_PIXELS else nullcontext():
            try:
                return guard_image(lambda: decode(image), path, "the file is damaged or truncated")
            except MemoryError as error:
                raise ImageError(path, "there is not enough memory to decode it") from error


def _open(data: bytes, path: Path) -> Image.Image:
    """Read the header only."""
    with _warnings_lock, warnings.catch_warnings():
        # Above 89 megapixels Pillow warns of a "bomb"; our limit is checked right after.
        warnings.simplefilter("ignore")
        return guard_image(lambda: _identify(data, path), path, "the file's header is damaged")


def _identify(data: bytes, path: Path) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_formats())
    except Image.DecompressionBombError as error:
        raise ImageError(path, f"it has far too many pixels, {_LIMIT}") from error
    except UnidentifiedImageError as error:
        raise ImageError(path, _describe_stranger(data)) from error


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """Return the formats that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _describe_stranger(data: bytes) -> str:
    if data[128:132] == b"DICM":
        return "it is a DICOM file, export it as PNG first"
    if data[:64].lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page, not an image"
    return "it is not an image of a known format, or its start is damaged"


def _first_channel(image: Image.Image, path: Path) -> np.ndarray:
    mode = image.mode
    if mode in _SIXTEEN_BIT:
        return np.asarray(image).astype(np.uint16)  # native byte order
    if mode == "1":
        image = image.convert("L")
    elif mode in ("P", "PA"):
        image = image.convert("RGBA")  # RGBA keeps the palette's colours as they are
    elif mode in _TO_RGB:
        image = image.convert("RGB")
    elif mode not in _AS_STORED:
        # 32-bit integers and floats ("I", "F") have no agreed white.
        raise ImageError(
            path, f"its pixels are of kind {mode!r}, save it with 8 or 16 bits a channel"
        )
    return np.array(image if image.mode == "L" else image.getchannel(0))


def to_eight_bits(image: np.ndarray) -> np.ndarray:
    """Bring pixels to 0..255; 16-bit ones are stretched from darkest to brightest.

    Detectors often fill 12 of 16 bits: without the stretch such an image looks black. For
    looking only: what networks take is `preprocess`.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8 or uint16

    Returns
    -------
    ndarray of shape (height, width), uint8

    Examples
    --------
    >>> to_eight_bits(np.array([[0, 4095]], dtype=np.uint16)).tolist()
    [[0, 255]]
    """
    if image.dtype == np.uint8:
        return image.astype(np.uint8, copy=False)
    low, high = int(image.min()), int(image.max())
    scaled = (image.astype(np.float32) - low) * (255.0 / max(high - low, 1))
    return np.rint(scaled).astype(np.uint8)


def preprocess(image: np.ndarray) -> np.ndarray:
    """Turn pixels into what torchxrayvision's networks take.

    Equal, within 1e-3, to torchxrayvision's ``normalize`` (to +-1024), ``XRayCenterCrop``
    and ``XRayResizer(224)``. That resize (scikit-image: a Gaussian against aliasing, then
    linear interpolation, mid-grey outside) is linear and separable, so it is the product
    of the image and one small matrix on each side. Other ways to resize change the
    embeddings by 4 to 8 %.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8 or uint16

    Returns
    -------
    ndarray of shape (1, 224, 224), float32
        Values in [-1024, 1024].

    Examples
    --------
    >>> preprocess(np.full((300, 400), 255, np.uint8))[0, 112, 112].round(3)
    np.float32(1024.0)
    """
    white = _check_pixels(image)
    square = _crop_centre(image)
    scaled = _resize(square, white / 2) * np.float32(2048 / white)
    # scikit-image clips to the range of its input: mid-grey outside must not leak in.
    low, high = (2048.0 * float(value) / white - 1024.0 for value in (square.min(), square.max()))
    return np.clip(scaled, low, high, dtype=np.float32)[np.newaxis]


def _check_pixels(image: np.ndarray) -> float:
    """Return the value of white, or raise ValueError."""
    if image.ndim != 2 or min(image.shape) < 1 or image.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"Pixels of shape {image.shape!r} and type {image.dtype} cannot be preprocessed: "
            "give (height, width) of uint8 or uint16, as read_image does."
        )
    return float(np.iinfo(image.dtype).max)


def _crop_centre(image: np.ndarray) -> np.ndarray:
    """Cut the middle square out; halves are rounded as torchxrayvision does."""
    height, width = image.shape
    side = min(height, width)
    top, left = height // 2 - side // 2, width // 2 - side // 2
    return image[top : top + side, left : left + side]


def _resize(square: np.ndarray, grey: float) -> np.ndarray:
    """Subtract mid-grey and resize to (224, 224), in bands so that few zeros are multiplied."""
    bands = _bands(square.shape[0])
    rows = np.empty((SIDE, square.shape[1]), np.float32)
    for out, used, weights in bands:
        rows[out] = weights @ np.subtract(square[used], np.float32(grey), dtype=np.float32)
    result = np.empty((SIDE, SIDE), np.float32)
    for out, used, weights in bands:
        result[:, out] = rows[:, used] @ weights.T
    return result


@lru_cache(maxsize=256)
def _bands(n_in: int) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """Cut the resize matrix into bands of 16 rows with the columns that they use."""
    matrix = resize_matrix(n_in).astype(np.float32)
    bands = []
    for start in range(0, SIDE, 16):
        block = matrix[start : start + 16]
        used = np.flatnonzero(block.any(axis=0))
        columns = slice(int(used[0]), int(used[-1]) + 1)
        weights = np.ascontiguousarray(block[:, columns])
        bands.append((slice(start, start + 16), columns, weights))
    return tuple(bands)


def resize_matrix(n_in: int, n_out: int = SIDE) -> np.ndarray:
    """Build the matrix that resizes a line of pixels as scikit-image's resize does.

    Anti-aliasing is a Gaussian of sigma (n_in / n_out - 1) / 2 pixels, cut at 4 sigma and
    normalised (scipy.ndimage), then linear interpolation at pixel centres; pixels outside
    are zero in both steps.

    Parameters
    ----------
    n_in, n_out : int
        Pixels before and after.

    Returns
    -------
    ndarray of shape (n_out, n_in), float64
        Rows sum to 1 but for those that reach outside.
    """
    centres = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
    left = np.floor(centres).astype(int)
    share = centres - left
    sigma = max(0.0, (n_in / n_out - 1) / 2)
    radius = int(4 * sigma + 0.5)
    # A filter of weights g, read at left and left + 1, gives pixel left + k the weight
    # (1 - share) g[k] + share g[k - 1]; taps outside the line are dropped. The filtered
    # line itself ends at the border too: only readings inside count.
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2) if radius else np.ones(1)
    kernel /= kernel.sum()
    matrix = np.zeros((n_out, n_in))
    for reading, weight in ((left, 1 - share), (left + 1, share)):
        inside = (reading >= 0) & (reading < n_in)
        columns = reading[:, np.newaxis] + offsets
        values = (weight * inside)[:, np.newaxis] * kernel
        rows = np.broadcast_to(np.arange(n_out)[:, np.newaxis], columns.shape)
        valid = (columns >= 0) & (columns < n_in)
        np.add.at(matrix, (rows[valid], columns[valid]), values[valid])
    return matrix
