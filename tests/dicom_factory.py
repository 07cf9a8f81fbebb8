"""DICOM files for the tests, drawn on this machine: no patient is behind them."""

import io
import zlib
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MARKER = "SECRET^MARKER^7391"
"""The patient's name in every file: it must never come to light."""
DX = "1.2.840.10008.5.1.4.1.1.1.1"
DEFLATED = "1.2.840.10008.1.2.1.99"


def make_dataset(pixels: np.ndarray, **elements: Any) -> Dataset:
    """Make a radiograph of 8 or 16 bits; ``elements`` replace or, where None, remove."""
    dataset = Dataset()
    bits = pixels.dtype.itemsize * 8
    fields = {
        "SOPClassUID": DX,
        "SOPInstanceUID": generate_uid(entropy_srcs=["test"]),
        "Modality": "DX",
        "PatientName": MARKER,
        "PatientID": MARKER,
        "InstitutionName": MARKER,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": elements.get("BitsStored", bits) - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    for keyword, value in {**fields, **elements}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" not in elements:
        dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
        dataset["PixelData"].VR = "OW"
    return dataset


def write(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Write a dataset as a file."""
    deflated = syntax == DEFLATED
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = DX
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
    target = io.BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    assert not deflated or dcmread(io.BytesIO(target.getvalue())).Modality
    return target.getvalue()


def make_dicom(
    pixels: np.ndarray, *, syntax: str = ExplicitVRLittleEndian, **elements: Any
) -> bytes:
    """Make a file of a radiograph."""
    return write(make_dataset(pixels, **elements), syntax)


def make_compressed(pixels: np.ndarray, frame: bytes, syntax: str, **elements: Any) -> bytes:
    """Make a file whose only frame is compressed already."""
    dataset = make_dataset(pixels, PixelData=encapsulate([frame]), **elements)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return write(dataset, syntax)


def make_deflated_bomb(n_bytes: int) -> bytes:
    """Make a small file that unpacks into many bytes of nothing."""
    whole = make_dicom(np.zeros((64, 64), np.uint8), syntax=DEFLATED)
    head = whole[: 132 + 12 + int.from_bytes(whole[140:144], "little")]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(1 << 20)
    parts = [packer.compress(block) for _ in range(n_bytes >> 20)]
    return head + b"".join(parts) + packer.flush()
