"""DICOM files: from bytes to pixels as a reading room shows them, and nothing else of the file.

Only the elements that pixels depend on are read (`TAGS`): names, dates and places in a header
never become values of this program, so no message and no log can hold them. An import reads a few
more, each named by it (`read_elements`). Everything is checked before it is decoded, and whatever
could grow is unpacked up to a limit: such files are meant to be read in a process of their own
(`cxrlib.uploads.isolated_process`, `cxrlib.importing`).

References: DICOM PS3.3 C.7.6.3 (pixels), C.11.1 and C.11.2 (modality and VOI), PS3.5 A and G.
"""

import contextlib
import io
import struct
import warnings
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from cxrlib.errors import ImageError
from cxrlib.images.dicom_codecs import CODECS, EXTENDED, decode_frame
from cxrlib.images.image_files import MAX_PIXELS, MIN_SIDE, guard_image
from cxrlib.short_repr import short_repr
from cxrlib.system import require_package

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Stored = NDArray[np.integer[Any]]
Tone = Callable[[NDArray[Any]], NDArray[Any]]

MODALITIES = ("CR", "DX", "RG")
"""Computed, digital and conventional radiography."""
OTHERS = {
    "CT": "a CT",
    "MR": "an MRI",
    "US": "an ultrasound image",
    "MG": "a mammogram",
    "NM": "a scintigram",
    "PT": "a PET",
    "XA": "an angiogram",
    "RF": "a fluoroscopy",
    "SEG": "a segmentation",
    "KO": "a list of images, without an image",
    "IO": "a dental X-ray",
    "PX": "a panoramic X-ray",
    "DOC": "a document",
    "SR": "a report",
    "PR": "a presentation state, without an image",
}
TAGS = (
    *("SOPClassUID", "Modality", "PresentationIntentType", "NumberOfFrames"),
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept"),
    *("ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "WindowWidth"),
    *("VOILUTFunction", "EncryptedAttributesSequence", "PixelData"),
)
"""Keywords of all that is read."""

IMPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
EXPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
NATIVE = (IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED)
BY_PILLOW = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 90, 91))
_UNCOMPRESS = "save it uncompressed or export it as PNG first"

#: Of a whole file once inflated: the largest image, and room for the rest.
MAX_INFLATED = 2 * MAX_PIXELS + (16 << 20)
#: Content type of a file in a cryptographic envelope (PKCS #7), as PS3.15 wraps secure DICOM.
_ENVELOPE = bytes.fromhex("06092a864886f70d010703")
_BAND = 4_000_000  # pixels worked on at a time
_PIXEL_GROUP, _PIXELS = 0x7FE0, 0x7FE00010


@dataclass(frozen=True, eq=False)
class DicomImage:
    """Hold the pixels of a DICOM file as they are meant to be looked at.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), uint16
        65535 is white; dense is white, as on the X-rays of a cohort.
    notes : tuple of str
        What was done to get there, in sentences.
    """

    pixels: NDArray[np.uint16]
    notes: tuple[str, ...]
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class DicomElements:
    """Hold some elements of a DICOM file, read without its pixels.

    Parameters
    ----------
    dataset : pydicom Dataset
        The elements that were asked for and are there.
    syntax : str
        UID of the transfer syntax.
    has_pixels : bool
        Whether pixels follow.
    tags : tuple of int
        Of all elements in the file's main level up to the pixels, as 32-bit numbers; private
        and unknown ones too.
    """

    dataset: "Dataset"
    syntax: str
    has_pixels: bool
    tags: tuple[int, ...]
    __repr__ = short_repr


def looks_like_dicom(data: bytes) -> bool:
    """Tell whether bytes begin as DICOM files do, with the 128 bytes in front or without."""
    return data[128:132] == b"DICM" or data[:2] in (b"\x02\x00", b"\x08\x00")


def is_enveloped(data: bytes) -> bool:
    """Tell whether bytes begin as an encrypted envelope does (PKCS #7), DICOM's or any other."""
    return data[:1] == b"\x30" and _ENVELOPE in data[:64]


def decode_dicom(data: bytes, path: Path) -> DicomImage:
    """Decode a radiograph in a DICOM file.

    Stored values go through the file's rescaling, then its table or first window; without one
    they are stretched from darkest to brightest, padding left out. MONOCHROME1 is inverted.

    Parameters
    ----------
    data : bytes
    path : Path
        For messages.

    Raises
    ------
    ImageError
        If it is no radiograph, not one image, too small or too large, damaged, encrypted or
        compressed in a way that is not decoded here. No message repeats what the file holds.
    """
    require_package("pydicom", "DICOM files", partial(ImageError, path))

    def decode() -> DicomImage:
        if is_enveloped(data):
            raise ImageError(path, "it is encrypted; decrypt it first")
        dataset, syntax = _read(io.BytesIO(data), path, TAGS)
        _check(dataset, syntax, path, has_pixels="PixelData" in dataset)
        return _develop(dataset, _read_stored(dataset, syntax, path), path)

    with _silent_pydicom():
        return guard_image(decode, path, _DAMAGED, quote=False)


def read_elements(file: BinaryIO, path: Path, keywords: Collection[str]) -> DicomElements:
    """Read named elements of a DICOM file up to its pixels, and those that pixels depend on.

    Parameters
    ----------
    file : BinaryIO
        At its start; it can seek.
    path : Path
        For messages.
    keywords : collection of str
        As the standard spells them. No other element becomes a value.

    Raises
    ------
    ImageError
        If the file is damaged, truncated or encrypted. No message repeats what it holds.
    """
    require_package("pydicom", "DICOM files", partial(ImageError, path))
    tags: list[int] = []

    def stop(tag: int, *_: object) -> bool:
        tags.append(int(tag))
        return int(tag) >> 16 >= _PIXEL_GROUP

    def read() -> DicomElements:
        if is_enveloped(file.read(64)):
            raise ImageError(path, "it is encrypted; decrypt it first")
        file.seek(0)
        dataset, syntax = _read(file, path, (*TAGS, *keywords), stop)
        ahead = tags.pop() if tags and tags[-1] >> 16 >= _PIXEL_GROUP else 0
        return DicomElements(dataset, syntax, ahead == _PIXELS, tuple(tags))

    with _silent_pydicom():
        return guard_image(read, path, _DAMAGED, quote=False)


def check_elements(elements: DicomElements, path: Path) -> None:
    """Refuse what is no radiograph that can be decoded; raises ImageError as decoding would."""
    with _silent_pydicom():
        guard_image(
            lambda: _check(elements.dataset, elements.syntax, path, has_pixels=elements.has_pixels),
            path,
            _DAMAGED,
            quote=False,
        )


_DAMAGED = "the DICOM file is damaged or truncated"


@contextlib.contextmanager
def _silent_pydicom() -> Iterator[None]:
    """Let pydicom take values as they are: its warnings quote what is in the file."""
    from pydicom import config

    config.settings.reading_validation_mode = config.IGNORE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# ---- reading


def _read(
    file: BinaryIO, path: Path, keywords: Collection[str], stop: Callable[..., bool] | None = None
) -> tuple["Dataset", str]:
    """Read elements, up to one where `stop` says so, and the transfer syntax."""
    from pydicom.filereader import read_dataset
    from pydicom.tag import Tag

    has_preamble = file.read(132)[128:] == b"DICM"
    file.seek(132 if has_preamble else 0)
    meta = read_dataset(file, False, True, stop_when=lambda tag, *_: tag.group != 2)
    # Without a group 2, as old files are, pydicom finds out how elements are written.
    syntax = str(meta.get("TransferSyntaxUID", IMPLICIT))
    if syntax == DEFLATED:
        file = _inflate(file, path)
    dataset = read_dataset(
        file,
        syntax == IMPLICIT,
        syntax != BIG_ENDIAN,
        stop_when=stop,
        specific_tags=[Tag(keyword) for keyword in keywords],
    )
    return dataset, syntax


def _inflate(file: BinaryIO, path: Path) -> BinaryIO:
    """Unpack the rest of a file up to a limit."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    rest = inflater.decompress(file.read(), MAX_INFLATED)
    if inflater.unconsumed_tail:
        raise ImageError(path, f"once unpacked it has more than {MAX_INFLATED >> 20} MiB")
    return io.BytesIO(rest)


def _check(dataset: "Dataset", syntax: str, path: Path, *, has_pixels: bool) -> None:
    """Refuse whatever is not one radiograph that can be decoded; nothing is decoded yet."""

    def refuse(reason: str) -> NoReturn:
        raise ImageError(path, reason)

    modality = str(dataset.get("Modality", "")).strip().upper()
    if modality not in MODALITIES:
        if not modality and not has_pixels:
            refuse(_explain_no_pixels(dataset))
        known = OTHERS.get(modality, "of another kind" if modality else "of a kind not recorded")
        refuse(f"it is {known}, not a radiograph (modality CR, DX or RG)")
    if not has_pixels:
        refuse(_explain_no_pixels(dataset))
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        refuse("it has more than one frame; export one as PNG first")
    photometric = str(dataset.get("PhotometricInterpretation", "")).strip()
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or _number(dataset, "SamplesPerPixel") > 1:
        refuse("it is in colour; a radiograph is greyscale")
    height, width = _number(dataset, "Rows"), _number(dataset, "Columns")
    if min(height, width) < MIN_SIDE:
        refuse(f"{width} x {height} pixels are too few, each side needs {MIN_SIDE}")
    if width * height > MAX_PIXELS:
        refuse(
            f"{width} x {height} pixels are too many, the limit is {MAX_PIXELS // 10**6} megapixels"
        )
    allocated, stored = _number(dataset, "BitsAllocated"), _number(dataset, "BitsStored")
    if allocated == 1:
        refuse("its pixels have 1 bit each: it is a mask or a drawing, not a radiograph")
    if allocated not in (8, 16) or not 1 <= stored <= allocated:
        refuse("its pixels are stored neither in 8 nor in 16 bits")
    _check_compression(syntax, stored, path)


def _check_compression(syntax: str, n_bits: int, path: Path) -> None:
    """Refuse a compression that is not decoded, or only by a package that is not here."""
    if needs_codec(syntax, n_bits):
        use = f"DICOM files compressed as {CODECS[syntax]}"
        require_package("imagecodecs", use, partial(ImageError, path))
    elif syntax not in (*NATIVE, RLE, *BY_PILLOW):
        raise ImageError(
            path, f"its pixels are compressed by a method that is not supported: {_UNCOMPRESS}"
        )


def needs_codec(syntax: str, n_bits: int) -> bool:
    """Tell whether pixels are decoded by imagecodecs: of JPEG Extended only those over 8 bits."""
    return syntax in CODECS and (syntax != EXTENDED or n_bits > 8)


def _number(dataset: "Dataset", keyword: str) -> int:
    """Read a whole number; 0 where it is not there."""
    return int(dataset.get(keyword) or 0)


def _explain_no_pixels(dataset: "Dataset") -> str:
    if "EncryptedAttributesSequence" in dataset:
        return "it contains no image that can be read, and parts of it are encrypted"
    return "it contains no image: it is a document, a directory or a header, or it is truncated"


# ---- stored values


def _read_stored(dataset: "Dataset", syntax: str, path: Path) -> Stored:
    """Return the values as stored, shape (height, width), of 8 or 16 bits, signed or not."""
    height, width = _number(dataset, "Rows"), _number(dataset, "Columns")
    if needs_codec(syntax, _number(dataset, "BitsStored")):
        decoded = decode_frame(_one_frame(dataset), syntax, (height, width), path)
        return _take_bits(decoded, dataset, shifted=False)
    if syntax in BY_PILLOW:
        return _take_bits(_decode_by_pillow(dataset, syntax, path), dataset, shifted=False)
    kind = np.dtype(np.uint8 if _number(dataset, "BitsAllocated") == 8 else np.uint16)
    n_bytes = height * width * kind.itemsize
    if syntax == RLE:
        data = _expand_runs(_one_frame(dataset), height * width, kind.itemsize)
        kind = kind.newbyteorder(">")  # the first segment holds the high bytes
    else:
        data = bytes(dataset["PixelData"].value)
        kind = kind.newbyteorder(">" if syntax == BIG_ENDIAN else "<")
    if len(data) < n_bytes:
        raise ImageError(path, "the file is truncated: some of its pixels are missing")
    return _take_bits(np.frombuffer(data, kind, count=height * width), dataset).reshape(
        height, width
    )


def _take_bits(values: Stored, dataset: "Dataset", *, shifted: bool = True) -> Stored:
    """Keep the bits that hold the value, moved down: old files have overlays in the others."""
    stored = _number(dataset, "BitsStored")
    has_shift = shifted and "HighBit" in dataset
    shift = _number(dataset, "HighBit") + 1 - stored if has_shift else 0
    if not 0 <= shift <= _number(dataset, "BitsAllocated") - stored:
        shift = 0
    native: Stored = values.astype(
        np.uint8 if values.dtype.itemsize == 1 else np.uint16, copy=False
    )
    kept = (native >> shift) & ((1 << stored) - 1)
    if not _number(dataset, "PixelRepresentation"):
        return np.asarray(kept)
    sign = 1 << (stored - 1)
    return np.asarray((kept ^ sign).astype(np.int32) - sign).astype(np.int16)


def _one_frame(dataset: "Dataset") -> bytes:
    """Return the compressed bytes of the only frame."""
    from pydicom.encaps import generate_frames

    return next(generate_frames(dataset["PixelData"].value, number_of_frames=1))


def _expand_runs(frame: bytes, n_pixels: int, n_segments: int) -> bytes:
    """Expand run lengths (PS3.5 G) up to the pixels there should be; pydicom sets no limit."""
    starts = struct.unpack_from("<16L", frame)
    if starts[0] != n_segments:
        raise ValueError("as many segments as bytes of a pixel are needed")
    ends = [*starts[2 : n_segments + 1], len(frame)]
    planes = [
        np.frombuffer(_expand_segment(frame[start:end], n_pixels), np.uint8)
        for start, end in zip(starts[1 : n_segments + 1], ends, strict=True)
    ]
    return np.stack(planes, axis=1).tobytes()


def _expand_segment(segment: bytes, n_pixels: int) -> bytes:
    expanded, place = bytearray(), 0
    while len(expanded) < n_pixels:
        length = segment[place]  # IndexError where it ends too soon
        if length < 128:
            expanded += segment[place + 1 : place + 2 + length]
            place += 2 + length
        else:
            if length > 128:
                expanded += segment[place + 1 : place + 2] * (257 - length)
            place += 2 if length > 128 else 1
    return bytes(expanded[:n_pixels])


def _decode_by_pillow(dataset: "Dataset", syntax: str, path: Path) -> Stored:
    """Decode JPEG or JPEG 2000, once the stream's own header says the same size."""
    from PIL import Image
    from pydicom.dataset import FileMetaDataset
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import UID

    with Image.open(io.BytesIO(_one_frame(dataset)), formats=("JPEG", "JPEG2000")) as image:
        if image.size != (_number(dataset, "Columns"), _number(dataset, "Rows")):
            raise ImageError(path, "its header and its pixels disagree on the size")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return np.asarray(pixel_array(dataset))


# ---- as a reading room shows them


def _develop(dataset: "Dataset", stored: Stored, path: Path) -> DicomImage:
    """Turn stored values into shades of grey, by a table of all values there can be."""
    inverted = str(dataset.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1"
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")
    values = np.arange(1 << (8 * unsigned.itemsize), dtype=unsigned).view(stored.dtype)
    numbers = stored.view(unsigned)
    is_used = np.zeros(values.size, bool)
    for band in _bands(stored.shape):
        is_used |= np.bincount(numbers[band].ravel(), minlength=values.size) > 0
    is_padding = _find_padding(dataset, values, is_used)
    rescaled = _make_rescaling(dataset, path)(values)
    tone, note = _make_tone(dataset)
    shades = None if tone is None else _shade(tone(rescaled), is_padding, inverted=inverted)
    if shades is None or np.ptp(shades[is_used]) == 0:  # a window that leaves nothing is none
        tone, note = _stretch(rescaled[is_used & ~is_padding])
        shades = _shade(tone(rescaled), is_padding, inverted=inverted)
    notes = [note]
    if inverted:
        notes.append("Inverted, as it was stored with air in white (MONOCHROME1).")
    if str(dataset.get("PresentationIntentType", "")).strip() == "FOR PROCESSING":
        notes.append(
            "A raw image of the detector: it looks unlike a finished one, and its values differ."
        )
    return DicomImage(shades[numbers], tuple(notes))


def _shade(
    shares: NDArray[Any], is_padding: NDArray[np.bool_], *, inverted: bool
) -> NDArray[np.uint16]:
    """Turn shares of white into shades from 0 to 65535; padding becomes black."""
    clipped = np.clip(shares, 0, 1)
    shades = np.rint((1 - clipped if inverted else clipped) * 65535).astype(np.uint16)
    shades[is_padding] = 0
    return shades


def _bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cut an image into bands of rows: counting all of a large one would take gigabytes."""
    n_rows = max(1, _BAND // shape[1])
    return (slice(start, start + n_rows) for start in range(0, shape[0], n_rows))


def _find_padding(
    dataset: "Dataset", values: Stored, is_used: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark the values that the machine filled in around the image; none where it is all."""
    if dataset.get("PixelPaddingValue") is None:
        return np.zeros(values.size, bool)
    one = int(dataset.PixelPaddingValue)
    other = dataset.get("PixelPaddingRangeLimit")
    two = one if other is None else int(other)
    is_padding = (values >= min(one, two)) & (values <= max(one, two))
    return np.asarray(is_padding & bool((is_used & ~is_padding).any()))


def _make_rescaling(dataset: "Dataset", path: Path) -> Tone:
    """Make what turns stored values into the machine's (PS3.3 C.11.1)."""
    if dataset.get("ModalityLUTSequence"):
        from pydicom.pixels.processing import apply_modality_lut

        return lambda values: apply_modality_lut(values, dataset)
    slope = float(1 if dataset.get("RescaleSlope") is None else dataset.RescaleSlope)
    intercept = float(dataset.get("RescaleIntercept") or 0)
    if not (np.isfinite(slope) and np.isfinite(intercept)) or slope == 0:
        raise ImageError(path, "the DICOM file's rescale slope or intercept is not usable")
    return lambda values: values.astype(np.float64) * slope + intercept


def _make_tone(dataset: "Dataset") -> tuple[Tone | None, str]:
    """Make what turns the machine's values into shades from 0 to 1 (PS3.3 C.11.2)."""
    if dataset.get("VOILUTSequence"):
        from pydicom.pixels.processing import apply_voi

        white = float((1 << int(dataset.VOILUTSequence[0].LUTDescriptor[2])) - 1)
        return (
            lambda values: apply_voi(np.rint(values).astype(np.int32), dataset) / white,
            "Grey levels from the file's own lookup table.",
        )
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if centre is None or width is None or not np.isfinite([centre, width]).all() or width <= 0:
        return None, ""
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip()
    note = "Grey levels from the first window in the file."
    if function == "SIGMOID":
        return (
            lambda values: 1 / (1 + np.exp(np.clip(4 * (centre - values) / width, -50, 50))),
            note,
        )
    if function == "LINEAR_EXACT":
        return lambda values: (values - centre) / width + 0.5, note
    if width < 1:
        return None, ""
    # A width of 1 parts black from white: the difference of 1e-9 is below any step.
    return lambda values: (values - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5, note


def _first(dataset: "Dataset", keyword: str) -> float | None:
    """Read a number, the first where there are several."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    return float(value if isinstance(value, int | float | str) else value[0])


def _stretch(values: NDArray[Any]) -> tuple[Tone, str]:
    """Make what spreads values from darkest to brightest over all shades."""
    low = float(values.min())
    span = max(float(values.max()) - low, 1e-9)
    note = "Grey levels stretched from darkest to brightest: the file has no usable window."
    return lambda shown: (shown - low) / span, note
