"""Frames that Pillow does not know: decoded exactly, and no larger than the header says."""

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from cxrlib.errors import ImageError
from cxrlib.images import decode_dicom
from cxrlib.images.dicom_codecs import CODECS, decode_frame
from tests.cohort_factory import draw_image
from tests.dicom_factory import make_compressed

STEM = "1.2.840.10008.1.2.4."
NAME = Path("upload")
GREY = draw_image(5, height=64, width=72)
DEEP = GREY.astype(np.uint16) * 257


def lossless(pixels: np.ndarray, predictor: int = 1) -> bytes:
    """Encode as JPEG Lossless."""
    bits = 8 * pixels.itemsize
    return bytes(
        imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor, bitspersample=bits)
    )


ENCODERS = {
    STEM + "57": lambda pixels: lossless(pixels, 6),
    STEM + "70": lossless,
    STEM + "80": lambda pixels: bytes(imagecodecs.jpegls_encode(pixels)),
    STEM + "201": lambda pixels: bytes(imagecodecs.htj2k_encode(pixels, reversible=True)),
}


@pytest.mark.parametrize("syntax", ENCODERS)
@pytest.mark.parametrize("pixels", [GREY, DEEP], ids=["8 bits", "16 bits"])
def test_decode_frame_gives_the_pixels_back(syntax: str, pixels: np.ndarray) -> None:
    """Bit for bit."""
    decoded = decode_frame(ENCODERS[syntax](pixels), syntax, pixels.shape, NAME)
    np.testing.assert_array_equal(decoded, pixels)
    assert decoded.dtype == pixels.dtype


@pytest.mark.parametrize("syntax", ENCODERS)
def test_decode_frame_refuses_a_frame_of_another_size(syntax: str) -> None:
    """Before a decoder sets memory aside: 65,500 pixels a side would take 8 GB."""
    frame = ENCODERS[syntax](GREY)
    for place in range(len(frame) - 4):
        wide = frame[:place] + struct.pack(">HH", 65_500, 65_500) + frame[place + 4 :]
        if frame[place : place + 4] == struct.pack(">HH", 64, 72):
            break
    else:
        wide = frame[:8] + struct.pack(">II", 65_500, 65_500) + frame[16:]
    with pytest.raises(ImageError, match="disagree on the size"):
        decode_frame(wide, syntax, GREY.shape, NAME)


@pytest.mark.parametrize("syntax", ENCODERS)
def test_decode_frame_refuses_a_frame_without_its_end(syntax: str) -> None:
    """A decoder would fill up with grey, or search for its end for seconds."""
    frame = ENCODERS[syntax](GREY)
    for end in (len(frame) - 1, len(frame) * 3 // 4):
        with pytest.raises(ImageError, match="truncated"):
            decode_frame(frame[:end], syntax, GREY.shape, NAME)
    np.testing.assert_array_equal(decode_frame(frame + b"\0", syntax, GREY.shape, NAME), GREY)


@pytest.mark.parametrize("syntax", ENCODERS)
def test_decode_dicom_survives_damaged_frames(syntax: str) -> None:
    """A few hundred damages each: a picture, or words."""
    frame = ENCODERS[syntax](GREY)
    rng = np.random.default_rng(0)
    refusals = []
    for step in range(200):
        damaged = bytearray(frame[: int(rng.integers(len(frame)))] if step % 3 == 0 else frame)
        for _ in range(4):
            if damaged:
                damaged[int(rng.integers(len(damaged)))] = int(rng.integers(256))
        try:
            read = decode_dicom(make_compressed(GREY, bytes(damaged), syntax), NAME)
            assert read.pixels.shape == GREY.shape
        except ImageError as error:
            refusals.append(error)
    assert len(refusals) > 20
    assert not [error for error in refusals if error.__context__]


def test_decode_dicom_reads_signed_values_of_jpeg_lossless() -> None:
    """Twelve bits in two's complement come out as the same film."""
    values = (GREY.astype(np.int16) * 16 - 2048) & 0x0FFF
    pixels = values.astype(np.uint16)
    frame = bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=12))
    data = make_compressed(pixels, frame, STEM + "70", BitsStored=12, PixelRepresentation=1)
    shades = decode_dicom(data, NAME).pixels / 65535
    expected = (GREY - GREY.min()) / float(np.ptp(GREY))
    np.testing.assert_allclose(shades, expected, atol=1e-4)


def test_codecs_are_named_in_words() -> None:
    """Each method has one name for messages."""
    assert all(
        uid.startswith(STEM) and words.startswith(("JPEG", "High")) for uid, words in CODECS.items()
    )
