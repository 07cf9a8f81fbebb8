"""DICOM files: what a reading room would show, and words for whatever is no radiograph."""

import io
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_voi_lut
from pydicom.pixels.utils import compress

from cxrlib.errors import ImageError
from cxrlib.images import decode_dicom, dicom, looks_like_dicom
from tests.cohort_factory import draw_image
from tests.dicom_factory import (
    DEFLATED,
    MARKER,
    make_compressed,
    make_dataset,
    make_deflated_bomb,
    make_dicom,
    write,
)

NAME = Path("upload")
JPEG, EXTENDED, J2K = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 90))
RLE, BIG_ENDIAN, IMPLICIT = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2"


def twelve_bits(seed: int = 1) -> np.ndarray:
    """Draw an X-ray of 12 bits, 0 to 4095."""
    return draw_image(seed, height=96, width=80).astype(np.uint16) * 16


def decode(data: bytes) -> np.ndarray:
    """Decode and give pixels as shares of white."""
    return decode_dicom(data, NAME).pixels / 65535


@pytest.mark.parametrize("syntax", [IMPLICIT, "1.2.840.10008.1.2.1", BIG_ENDIAN, DEFLATED])
def test_pixels_come_back_whatever_the_file_is_written_in(syntax: str) -> None:
    """Little or big endian, explicit or not, deflated: the same shades."""
    pixels = twelve_bits()
    values = pixels.byteswap() if syntax == BIG_ENDIAN else pixels
    dataset = make_dataset(values, BitsStored=12)
    shades = decode(write(dataset, syntax))
    expected = (pixels - pixels.min()) / float(np.ptp(pixels))
    np.testing.assert_allclose(shades, expected, atol=1e-5)


def test_run_lengths_are_expanded() -> None:
    """RLE of pydicom's own writer, 8 and 16 bits."""
    for pixels in (twelve_bits(), draw_image(2, height=64, width=71)):
        dataset = make_dataset(pixels)
        plain = decode(write(make_dataset(pixels)))
        dataset.file_meta = None
        write(dataset)
        compress(dataset, RLE)
        np.testing.assert_array_equal(decode(write(dataset, RLE)), plain)


def test_jpeg_2000_and_jpeg_are_decoded() -> None:
    """By Pillow: lossless ones exactly, the others nearly."""
    pixels = draw_image(3, height=96, width=80)
    plain = decode(make_dicom(pixels))
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="JPEG2000", irreversible=False)
    np.testing.assert_array_equal(decode(make_compressed(pixels, target.getvalue(), J2K)), plain)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="JPEG", quality=98)
    for syntax in (JPEG, EXTENDED):
        shades = decode(make_compressed(pixels, target.getvalue(), syntax))
        assert np.abs(shades - plain).mean() < 0.02


def test_sixteen_bit_jpeg_2000_is_decoded() -> None:
    """The kind archives keep radiographs in."""
    pixels = twelve_bits() * 16
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="JPEG2000", irreversible=False)
    shades = decode(make_compressed(pixels, target.getvalue(), J2K))
    np.testing.assert_allclose(shades, decode(make_dicom(pixels)), atol=1e-4)


def test_monochrome_1_is_inverted() -> None:
    """Air is black and bone is white, whichever way the file says it."""
    pixels = twelve_bits()
    plain = decode_dicom(make_dicom(pixels), NAME)
    turned = decode_dicom(
        make_dicom(pixels.max() + pixels.min() - pixels, PhotometricInterpretation="MONOCHROME1"),
        NAME,
    )
    np.testing.assert_allclose(turned.pixels / 65535, plain.pixels / 65535, atol=2e-5)
    assert "Inverted" in " ".join(turned.notes)
    assert "inverted" not in " ".join(plain.notes)


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": "2.5", "RescaleIntercept": "-300"}])
def test_windows_are_those_of_pydicom(function: str | None, rescale: dict) -> None:
    """The slow reference: pydicom's own windowing, brought to shares of white."""
    pixels = twelve_bits()
    slope, intercept = (
        float(rescale.get("RescaleSlope", 1)),
        float(rescale.get("RescaleIntercept", 0)),
    )
    dataset = make_dataset(
        pixels,
        BitsStored=12,
        WindowCenter=[2000 * slope + intercept, 5],
        WindowWidth=[1500 * slope, 7],
        VOILUTFunction=function,
        **rescale,
    )
    reference = apply_voi_lut(pixels * slope + intercept, dataset)
    low, high = intercept, 4095 * slope + intercept
    shades = decode(write(dataset))
    np.testing.assert_allclose(shades, (reference - low) / (high - low), atol=1e-3)


def test_a_table_of_shades_is_applied_and_goes_before_a_window() -> None:
    """A VOI LUT, here one that turns all round."""
    pixels = draw_image(4, height=64, width=64)
    item = Dataset()
    item.LUTDescriptor = [256, 0, 16]
    item.LUTData = np.arange(255, -1, -1, dtype=np.uint16) * 257
    item["LUTData"].VR = "US"
    item.LUTData = list(map(int, np.arange(255, -1, -1, dtype=np.uint32) * 257))
    data = make_dicom(pixels, VOILUTSequence=[item], WindowCenter=3, WindowWidth=2)
    np.testing.assert_allclose(decode(data), 1 - pixels / 255, atol=1e-4)


def test_only_the_bits_that_hold_the_value_are_read() -> None:
    """Overlays in high bits, signed values and values shifted up come out the same."""
    pixels = twelve_bits()
    plain = decode(make_dicom(pixels, BitsStored=12))
    overlay = pixels | np.uint16(0x8000)
    np.testing.assert_array_equal(decode(make_dicom(overlay, BitsStored=12)), plain)
    shifted = pixels << 4
    np.testing.assert_array_equal(decode(make_dicom(shifted, BitsStored=12, HighBit=15)), plain)
    signed = (pixels.astype(np.int16) - 2048) & 0x0FFF
    data = make_dicom(signed.astype(np.uint16), BitsStored=12, PixelRepresentation=1)
    np.testing.assert_array_equal(decode(data), plain)


def test_padding_neither_stretches_nor_shines() -> None:
    """What the machine filled in around the image is black, also where white is stored as 0."""
    pixels = twelve_bits()
    plain = decode(make_dicom(pixels, BitsStored=12))
    padded = pixels.copy()
    padded[:10] = 60_000
    shades = decode(make_dicom(padded, PixelPaddingValue=60_000))
    assert (shades[:10] == 0).all()
    kept = pixels[10:].astype(float)
    np.testing.assert_allclose(shades[10:], (kept - kept.min()) / np.ptp(kept), atol=1e-4)
    assert plain.max() == 1
    turned = decode(
        make_dicom(padded, PixelPaddingValue=60_000, PhotometricInterpretation="MONOCHROME1")
    )
    assert (turned[:10] == 0).all()


def test_a_window_that_leaves_nothing_is_not_used() -> None:
    """Some machines write windows that belong to other images."""
    pixels = twelve_bits()
    read = decode_dicom(make_dicom(pixels, WindowCenter=60_000, WindowWidth=10), NAME)
    np.testing.assert_array_equal(read.pixels, decode_dicom(make_dicom(pixels), NAME).pixels)
    assert "has no usable window" in read.notes[0]


def test_raw_images_of_a_detector_are_said_to_be_such() -> None:
    """They are negatives of sorts, without the machine's own processing."""
    read = decode_dicom(make_dicom(twelve_bits(), PresentationIntentType="FOR PROCESSING"), NAME)
    assert "raw" in read.notes[-1]


def test_files_without_the_first_128_bytes_are_read() -> None:
    """As older machines wrote them, and as they come out of a network capture."""
    data = make_dicom(twelve_bits(), syntax=IMPLICIT)
    bare = data[132:]
    assert looks_like_dicom(bare)
    start = 12 + int.from_bytes(bare[8:12], "little")
    for each in (bare, bare[start:]):
        np.testing.assert_array_equal(decode(each), decode(data))


ENCRYPTED = Dataset()
ENCRYPTED.EncryptedContentTransferSyntaxUID = "1.2.840.10008.1.2.1"
ENCRYPTED.EncryptedContent = b"\x00" * 64

GREY = draw_image(5, height=64, width=64)


def without_pixels(**elements: object) -> bytes:
    """Make a file without an image."""
    dataset = make_dataset(GREY, **elements)
    del dataset.PixelData
    return write(dataset)


def frame_of(width: int, height: int) -> bytes:
    """Make a JPEG."""
    target = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(target, format="JPEG")
    return target.getvalue()


REFUSED = {
    "a CT": (lambda: make_dicom(GREY, Modality="CT"), "it is a CT, not a radiograph"),
    "another": (lambda: make_dicom(GREY, Modality=MARKER[:6]), "of another kind, not a rad"),
    "no modality": (lambda: make_dicom(GREY, Modality=None), "of a kind not recorded"),
    "frames": (lambda: make_dicom(np.vstack([GREY] * 3), Rows=64, NumberOfFrames=3), "one frame"),
    "colour": (lambda: make_dicom(GREY, PhotometricInterpretation="RGB"), "in colour"),
    "1 x 1": (lambda: make_dicom(GREY[:1, :1]), "1 x 1 pixels are too few"),
    "huge": (lambda: make_dicom(GREY, Rows=20_000, Columns=10_000), "10000 x 20000 .*150 mega"),
    "short": (lambda: make_dicom(GREY, Rows=640), "truncated: some of its pixels"),
    "empty": (without_pixels, "it contains no image"),
    "report": (lambda: without_pixels(Modality="SR"), "it is a report, not"),
    "directory": (lambda: without_pixels(Modality=None), "it contains no image: it is a document"),
    "attributes": (
        lambda: without_pixels(EncryptedAttributesSequence=[ENCRYPTED]),
        "parts of it are encrypted",
    ),
    "lossless": (
        lambda: make_compressed(GREY, b"\xff\xd8\xff\xd9", "1.2.840.10008.1.2.4.70"),
        "damaged or truncated",
    ),
    "video": (
        lambda: make_compressed(GREY, b"\x00\x00\x01\xb3", "1.2.840.10008.1.2.4.100"),
        "compressed by a method that is not supported",
    ),
    "12-bit": (
        lambda: make_compressed(twelve_bits(), frame_of(80, 97), EXTENDED, BitsStored=12),
        "disagree on the size",
    ),
    "sizes": (lambda: make_compressed(GREY, frame_of(6400, 640), JPEG), "disagree on the size"),
    "1 bit": (lambda: make_dicom(GREY, BitsAllocated=1, BitsStored=1), "1 bit each: it is a mask"),
    "float": (
        lambda: make_dicom(GREY, BitsAllocated=32, BitsStored=32),
        "neither in 8 nor in 16 bits",
    ),
    "slope": (
        lambda: make_dicom(GREY, RescaleSlope="0"),
        "rescale slope or intercept is not usable",
    ),
    "deflated": (lambda: make_deflated_bomb(400 << 20), "once unpacked it has more than"),
    "not jpeg": (lambda: make_compressed(GREY, b"nothing!", JPEG), "damaged or truncated"),
    "runs": (lambda: make_compressed(GREY, b"\x01" + bytes(99), RLE), "damaged or truncated"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_radiograph_is_refused_in_words(case: str) -> None:
    """Each with what it is, and nothing of what the file says."""
    make, words = REFUSED[case]
    with pytest.raises(ImageError, match=words) as refusal:
        decode_dicom(make(), NAME)
    assert "SECRET" not in str(refusal.value)


def test_run_lengths_that_never_end_are_not_expanded(monkeypatch) -> None:
    """Sixty times the image in runs: no more is expanded than the image has."""
    run = b"\x81\x00" * 100_000  # 12.8 million pixels
    frame = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + run
    seen = []
    real = dicom._expand_segment
    monkeypatch.setattr(
        dicom, "_expand_segment", lambda *given: seen.append(real(*given)) or seen[-1]
    )
    assert decode(make_compressed(GREY, frame, RLE)).shape == GREY.shape
    assert [len(each) for each in seen] == [GREY.size]


def test_an_encrypted_envelope_is_named() -> None:
    """DICOM Secure wraps the whole file (PS3.15 D), so nothing in it looks like DICOM."""
    envelope = bytes.fromhex("3082ffff06092a864886f70d010703a082") + bytes(500)
    with pytest.raises(ImageError, match="it is encrypted"):
        decode_dicom(envelope, NAME)


def test_files_cut_anywhere_are_refused_or_read() -> None:
    """A thousand ends of a file, and as many single damages: words each time, never a crash."""
    data = make_dicom(twelve_bits(), BitsStored=12, WindowCenter="2000", WindowWidth="900")
    rng = np.random.default_rng(0)
    refusals = []
    for step in range(600):
        damaged = bytearray(data[: int(rng.integers(len(data)))] if step % 2 else data)
        for _ in range(0 if step % 4 == 1 else 4):
            damaged[int(rng.integers(min(len(damaged), 900)))] = int(rng.integers(256))
        try:
            decode_dicom(bytes(damaged), NAME)
        except ImageError as error:
            refusals.append(error)
    assert len(refusals) > 200
    assert not [error for error in refusals if "SECRET" in str(error) or error.__context__]


def test_nothing_a_header_says_is_logged_or_warned_of(caplog) -> None:
    """The reader warns of values that break the standard, quoting them."""
    data = make_dicom(twelve_bits()).replace(b"SECRET", b"\xff\xfeCRET")
    odd = data.replace(b"MONOCHROME2 ", b"MONOCHROME2\xff")
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decode_dicom(data, NAME)
        with pytest.raises(ImageError):
            decode_dicom(odd, NAME)
    assert caught == []
    assert caplog.records == []
