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


SECRETS = {
    "PatientName": "Zwanziger^Adelheid",
    "PatientID": "MRN-0047119",
    "OtherPatientIDs": "OLD-998877",
    "PatientBirthDate": "19470223",
    "PatientAddress": "Lindenstrasse 112",
    "PatientTelephoneNumbers": "+49-511-5557788",
    "PatientComments": "Neighbour of Dr. Kowalczyk",
    "AccessionNumber": "ACC7733991",
    "StudyID": "STU55512",
    "StudyDate": "20200317",
    "SeriesDate": "20200318",
    "AcquisitionDate": "20200319",
    "ContentDate": "20200320",
    "StudyTime": "134501.777",
    "InstitutionName": "Klinikum Nordstadt",
    "InstitutionAddress": "Haltenhoffweg 41",
    "ReferringPhysicianName": "Quastenberg^Ottokar",
    "PerformingPhysicianName": "Yildirim^Feride",
    "OperatorsName": "Xaverl^Toni",
    "StationName": "ROOM17XYZ",
    "DeviceSerialNumber": "SN-88221133",
    "StudyDescription": "Thorax pa Frau Zwanziger Bett 12",
    "SeriesDescription": "CHEST PA for Zwanziger",
    "ProtocolName": "Thorax Zwanziger",
    "ImageComments": "call Zwanziger at home",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.111222333444",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.555666777888",
    "SOPInstanceUID": "1.2.826.0.1.3680043.8.498.999000111222",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.121212343434",
    "IssuerOfPatientID": "NORDSTADTKIS",
    "RequestedProcedureDescription": "Thorax for Zwanziger",
}
"""What must be nowhere in an import: names, dates, numbers and UIDs, by attribute."""


def make_named(pixels: np.ndarray, **elements: Any) -> Dataset:
    """Make a chest radiograph that names its patient wherever it can."""
    nested = Dataset()
    nested.PatientName = "Nested^Schmidlin"
    nested.CodeValue = "NESTED-4711"
    nested.CodeMeaning = "Schmidlin private meaning"
    fields = {
        **SECRETS,
        "PatientSex": "F",
        "PatientAge": "073Y",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "RequestAttributesSequence": [nested],
        "ViewCodeSequence": [nested],
    }
    dataset = make_dataset(pixels, **{**fields, **elements})
    block = dataset.private_block(0x0029, "KOWALCZYK SYSTEMS", create=True)
    block.add_new(0x01, "LO", "Private^Vonderheide")
    block.add_new(0x02, "OB", b"Binary Vonderheide")
    dataset.add_new(0x60000010, "US", pixels.shape[0])
    dataset.add_new(0x60000011, "US", pixels.shape[1])
    dataset.add_new(0x60000022, "LO", "OverlayVonderheide")
    dataset.add_new(0x60003000, "OW", b"OverlayBits Vonderheide " * 8)
    return dataset


NESTED_SECRETS = (
    *("Schmidlin", "NESTED-4711", "Vonderheide", "KOWALCZYK SYSTEMS", "Adelheid", "Zwanziger"),
    *("0047119", "1947", "Kowalczyk"),
)
