"""Compressions of DICOM pixels that Pillow does not know, by the optional package imagecodecs.

Archives store radiographs as JPEG Lossless, JPEG-LS and lately as High-Throughput JPEG 2000. The
package brings libjpeg-turbo, CharLS and OpenJPEG. A frame says itself how large it is, and a
decoder sets memory aside for it: it is compared with the file's header first.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrlib.errors import ImageError

_STEM = "1.2.840.10008.1.2.4."
EXTENDED = _STEM + "51"
CODECS = {
    EXTENDED: "JPEG of 12 bits",
    **dict.fromkeys((_STEM + "57", _STEM + "70"), "JPEG Lossless"),
    **dict.fromkeys((_STEM + "80", _STEM + "81"), "JPEG-LS"),
    **dict.fromkeys((_STEM + "201", _STEM + "202", _STEM + "203"), "High-Throughput JPEG 2000"),
}
"""What is decoded here, transfer syntax to words."""

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # F7: JPEG-LS
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_END = b"\xff\xd9"
_SIZES = struct.Struct(">4xHHIIIIIIIIH")  # of JPEG 2000, after "start" and "size"


def decode_frame(
    frame: bytes, syntax: str, shape: tuple[int, int], path: Path
) -> NDArray[np.integer[Any]]:
    """Decode the frame of a greyscale image.

    Parameters
    ----------
    frame : bytes
    syntax : str
        One of `CODECS`.
    shape : tuple of int
        Height and width that the file's header says.
    path : Path
        For messages.

    Returns
    -------
    ndarray of shape (height, width), uint8 or uint16

    Raises
    ------
    ImageError
        If the frame has another size than the header says, or no end.
    ValueError
        If it is damaged; a decoder raises what it likes.
    """
    import imagecodecs

    is_wavelet = CODECS[syntax].endswith("2000")
    if (_read_sizes(frame) if is_wavelet else _read_frame_header(frame)) != (*shape, 1):
        raise ImageError(path, "its header and its pixels disagree on the size")
    # Cut short, libjpeg-turbo fills up with grey, and CharLS can search for seconds.
    if not frame.rstrip(b"\0").endswith(_END):
        raise ImageError(path, "the file is truncated: some of its pixels are missing")
    if is_wavelet:
        decoded = imagecodecs.jpeg2k_decode(frame)
    elif CODECS[syntax] == "JPEG-LS":
        decoded = imagecodecs.jpegls_decode(frame)
    else:
        decoded = imagecodecs.jpeg8_decode(frame)
    pixels = np.asarray(decoded)
    if pixels.shape != shape or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError("the decoder gives another kind of image")
    return pixels


def _read_frame_header(frame: bytes) -> tuple[int, int, int]:
    """Read height, width and number of components of a JPEG or JPEG-LS stream."""
    place = 0
    while True:
        if frame[place] != 0xFF:
            raise ValueError("a marker is missing")
        marker = frame[place + 1]
        if marker == 0xFF:  # filling
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        elif marker in _START_OF_FRAME:
            height, width, n_components = struct.unpack_from(">HHB", frame, place + 5)
            return height, width, n_components
        else:
            place += 2 + struct.unpack_from(">H", frame, place + 2)[0]


def _read_sizes(frame: bytes) -> tuple[int, int, int]:
    """Read height, width and number of components of a JPEG 2000 stream."""
    if not frame.startswith(b"\xff\x4f\xff\x51"):
        raise ValueError("a marker is missing")
    _, _, right, bottom, left, top, *_, n_components = _SIZES.unpack_from(frame)
    return bottom - top, right - left, n_components
