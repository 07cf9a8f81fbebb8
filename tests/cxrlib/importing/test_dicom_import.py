"""A folder of DICOM files as a cohort: everything found, nothing of a patient let through."""

import base64
import csv
import datetime as dt
import io
import json
import logging
import os
import re
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import compress

from cxrlib.cohort import load_cohort
from cxrlib.errors import CohortError
from cxrlib.images import read_image
from cxrlib.importing import DicomImport, DicomOptions, dicom_source, import_dicom
from cxrlib.importing.dicom_source import PROGRESS_FILE, DicomSource
from cxrlib.system import optional_packages
from tests.cohort_factory import draw_image
from tests.dicom_factory import (
    DEFLATED,
    MARKER,
    NESTED_SECRETS,
    SECRETS,
    make_compressed,
    make_dataset,
    make_named,
    write,
)

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
BIG_ENDIAN, RLE = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4."
HERE = DicomOptions(n_workers=0)
PIXELS = draw_image(7, height=96, width=80).astype(np.uint16) * 16


def run(source: Path, tmp_path: Path, **options: object) -> DicomImport:
    """Import a folder in this process."""
    chosen = DicomOptions(**{"n_workers": 0, **options})
    return import_dicom(source, tmp_path / "cohort", key_file=tmp_path / "key", options=chosen)


def read_rows(root: Path) -> list[dict[str, str]]:
    """Read a cohort's table as text."""
    with (root / "metadata.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def make_film(pixels: np.ndarray = PIXELS, **elements: object) -> bytes:
    """Make a chest film of 12 bits with an id of its own."""
    make_film.count += 1
    ids = {
        "SOPInstanceUID": f"1.2.3.{make_film.count}",
        "StudyInstanceUID": f"1.2.4.{make_film.count}",
        "PatientID": f"pat{make_film.count}",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "StudyDate": "20200101",
    }
    return write(make_dataset(pixels, **{**ids, **elements}), IMPLICIT)


make_film.count = 0


def make_source(tmp_path: Path, *films: bytes) -> Path:
    """Lay films into a folder."""
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    for i, film in enumerate(films):
        (source / f"{i}").write_bytes(film)
    return source


# ---- what is found and read


def make_in_syntax(syntax: str, pixels: np.ndarray) -> bytes:
    """Make a film of 12 bits in a transfer syntax, by the encoder there is for it."""
    encoders = {
        JPEG + "57": lambda: imagecodecs.jpeg8_encode(
            pixels, lossless=True, predictor=4, bitspersample=12
        ),
        JPEG + "70": lambda: imagecodecs.jpeg8_encode(
            pixels, lossless=True, predictor=1, bitspersample=12
        ),
        JPEG + "51": lambda: imagecodecs.jpeg8_encode(pixels, level=99, bitspersample=12),
        JPEG + "80": lambda: imagecodecs.jpegls_encode(pixels),
        JPEG + "81": lambda: imagecodecs.jpegls_encode(pixels, level=2),
        JPEG + "90": lambda: imagecodecs.jpeg2k_encode(
            pixels, reversible=True, level=0, codecformat="j2k", bitspersample=12
        ),
        JPEG + "91": lambda: imagecodecs.jpeg2k_encode(
            pixels, level=80, codecformat="j2k", bitspersample=12
        ),
        JPEG + "201": lambda: imagecodecs.htj2k_encode(pixels, reversible=True),
    }
    fields = {"BodyPartExamined": "CHEST", "BitsStored": 12, "PatientID": f"p {syntax}"}
    fields["SOPInstanceUID"] = f"1.2.9.{syntax.replace('.', '')}"
    if syntax in encoders:
        return make_compressed(pixels, bytes(encoders[syntax]()), syntax, **fields)
    values = pixels.byteswap() if syntax == BIG_ENDIAN else pixels
    dataset = make_dataset(values, **fields)
    if syntax == RLE:
        write(dataset)
        compress(dataset, RLE)
    return write(dataset, syntax)


SYNTAXES = {
    **dict.fromkeys((EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATED, RLE), 0),
    **dict.fromkeys([JPEG + each for each in ("57", "70", "80", "90", "201")], 0),
    JPEG + "51": 12,
    JPEG + "81": 2,
    JPEG + "91": 12,
}
"""Transfer syntaxes with the largest difference of a stored value, of 4095."""


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_import_dicom_reads_each_transfer_syntax(syntax: str, tmp_path: Path) -> None:
    """What is stored without loss comes out bit for bit, as 16-bit PNG."""
    source = make_source(tmp_path, make_in_syntax(syntax, PIXELS))
    done = run(source, tmp_path)
    assert not done.failed
    (row,) = read_rows(done.root)
    path = done.root / "images" / row["filename"]
    with Image.open(path) as image:
        assert image.mode.startswith("I;16")
    values = PIXELS.astype(float)
    expected = (values - values.min()) / np.ptp(values) * 65535
    allowed = 1 if not SYNTAXES[syntax] else SYNTAXES[syntax] * 65535 / np.ptp(values) * 2 + 1
    assert np.abs(read_image(path) - expected).max() <= allowed
    assert row["bits_stored"] == "12"


def test_import_dicom_keeps_all_steps_of_12_bits(tmp_path: Path) -> None:
    """A ramp of 4,096 values has as many shades in the PNG."""
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    done = run(make_source(tmp_path, make_film(ramp, BitsStored=12)), tmp_path)
    (path,) = (done.root / "images").iterdir()
    assert len(np.unique(read_image(path))) == 4096


def test_import_dicom_finds_films_by_content_at_any_depth(tmp_path: Path) -> None:
    """No ending, a wrong ending, no preamble; what is no DICOM is counted."""
    source = tmp_path / "source"
    deep = source / "a" / "b c" / "d"
    deep.mkdir(parents=True)
    (deep / "IM0001").write_bytes(make_film())
    (source / "picture.jpg").write_bytes(make_film())
    (source / "a" / "old.bin").write_bytes(make_film()[132:])
    bare = make_film()[132:]
    start = 12 + int.from_bytes(bare[8:12], "little")
    (source / "a" / "older").write_bytes(bare[start:])
    (source / "scan.dcm").write_bytes(b"not DICOM at all")
    (source / "numbers.bin").write_bytes(b"\x08\x00\x01\x00" + bytes(range(200)))
    (source / "empty").write_bytes(b"")
    (source / "all.zip").write_bytes(b"PK\x03\x04rest")
    done = run(source, tmp_path)
    assert done.record["n_rows"] == 4
    assert done.record["n_files"] == 8
    counts = {reason: each["n_files"] for reason, each in done.record["left_out"]["other"].items()}
    assert counts == {
        "it is not a DICOM file": 2,
        "it is empty": 1,
        "it is an archive, which is not opened: unpack it first": 1,
    }
    assert not done.failed


def test_import_dicom_gives_the_rows_of_a_cohort(tmp_path: Path) -> None:
    """View, sex, age, day: the form that `load_cohort` reads, without a complaint about a value."""
    source = make_source(
        tmp_path,
        make_film(PatientID="A", PatientSex="M", PatientAge="045Y", StudyDate="20200310"),
        make_film(PatientID="A ", PatientSex="M", ViewPosition="LL", StudyDate="2020.03.01"),
        make_film(PatientID="B", PatientSex="F", PatientAge="006M", Modality="CR", StudyDate=None),
        make_film(PatientID="C", PatientSex="O", PatientAge="097Y", ViewPosition="AP"),
    )
    done = run(source, tmp_path)
    rows = {(r["view"], r["offset"]): r for r in read_rows(done.root)}
    assert rows["L", "0"]["patientid"] == rows["PA", "9"]["patientid"]
    assert rows["PA", "9"]["age"] == "45"
    assert rows["PA", ""]["age"] == "0.5"
    assert rows["PA", ""]["acquisition"] == "CR"
    assert rows["AP", "0"]["age"] == "90"
    assert [rows[key]["sex"] for key in rows] == [r["sex"] for r in rows.values()]
    cohort = load_cohort(done.root)
    assert len(cohort.table) == 4
    assert cohort.table["is_xray"].all()
    values = cohort.problems[cohort.problems["row"].notna()]
    assert values.empty
    remarks = " ".join(done.record["remarks"])
    assert "an age of 90 or more" in remarks
    assert "the sex is neither M nor F" in remarks
    assert "no date of the study" in remarks


def test_import_dicom_is_the_same_whatever_the_names_and_order(tmp_path: Path) -> None:
    """Rows, ids and pictures depend on content and key alone."""
    films = [make_film(PatientID=f"p{i % 3}", StudyDate=f"2020010{i + 1}") for i in range(6)]
    first = run(make_source(tmp_path, *films), tmp_path)
    other = tmp_path / "other"
    (other / "x").mkdir(parents=True)
    for i, film in enumerate(reversed(films)):
        (other / "x" / f"{i}.dcm").write_bytes(film)
    second = import_dicom(other, tmp_path / "again", key_file=tmp_path / "key", options=HERE)
    names = [path.name for path in sorted((first.root / "images").iterdir())]
    for name in ("metadata.csv", "import.json", *(f"images/{name}" for name in names)):
        assert (first.root / name).read_bytes() == (second.root / name).read_bytes()
    third = import_dicom(other, tmp_path / "third", key_file=tmp_path / "key2", options=HERE)
    ids = [{row["patientid"] for row in read_rows(each.root)} for each in (second, third)]
    assert not ids[0] & ids[1]


# ---- bad input


def cut(data: bytes) -> bytes:
    """Cut the last quarter off."""
    return data[: len(data) * 3 // 4]


def without_pixels(**elements: object) -> bytes:
    """Make a film without pixels."""
    dataset = make_dataset(PIXELS, BodyPartExamined="CHEST", **elements)
    del dataset.PixelData
    return write(dataset)


REFUSED = {
    "no pixels": (without_pixels, "failed", "it contains no image"),
    "encrypted": (
        lambda: bytes.fromhex("3082ffff06092a864886f70d010703a082") + bytes(500),
        "failed",
        "it is encrypted; decrypt it first",
    ),
    "frames": (
        lambda: make_film(np.vstack([PIXELS] * 2), Rows=96, NumberOfFrames=2),
        "failed",
        "it has more than one frame; export one as PNG first",
    ),
    "3-D": (lambda: make_film(Modality="CT"), "not wanted", "it is a CT, not a radiograph"),
    "report": (lambda: without_pixels(Modality="SR"), "not wanted", "it is a report, not a"),
    "truncated": (lambda: cut(make_film()), "failed", "some of its pixels are missing"),
    "cut header": (lambda: make_film()[:300], "failed", "damaged or truncated|contains no image"),
    "1 bit": (lambda: make_film(BitsAllocated=1, BitsStored=1), "failed", "1 bit each"),
    "huge": (
        lambda: make_film(Rows=20_000, Columns=10_000),
        "failed",
        "its pixels are too many, the limit is 150 megapixels",
    ),
    "small": (lambda: make_film(PIXELS[:8, :8]), "failed", "its pixels are too few"),
    "colour": (lambda: make_film(PhotometricInterpretation="RGB"), "failed", "it is in colour"),
    "hand": (lambda: make_film(BodyPartExamined="HAND"), "not wanted", "not of the chest"),
    "spine": (lambda: make_film(BodyPartExamined="TSPINE"), "not wanted", "not of the chest"),
    "belly": (lambda: make_film(BodyPartExamined="CHESTABDOMEN"), "not wanted", "not of the chest"),
    "no part": (lambda: make_film(BodyPartExamined=None), "not wanted", "no body part is recorded"),
    "raw": (
        lambda: make_film(PresentationIntentType="FOR PROCESSING"),
        "not wanted",
        "a raw image of the detector",
    ),
    "one shade": (lambda: make_film(PIXELS * 0 + 9), "failed", "all its pixels are of one shade"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_import_dicom_counts_what_it_leaves_with_a_reason(case: str, tmp_path: Path) -> None:
    """Each with its own sentence; the film beside it comes in all the same."""
    make, kind, reason = REFUSED[case]
    source = make_source(tmp_path, make_film(), make())
    done = run(source, tmp_path)
    assert done.record["n_rows"] == 1
    (left,) = done.left
    assert left.path == "1"
    assert left.kind == kind
    assert list(done.record["left_out"][kind]) == [left.reason]
    assert re.search(reason, left.reason), left.reason
    assert len(list((done.root / "images").iterdir())) == 1


def test_import_dicom_names_the_extra_that_is_missing(tmp_path: Path, monkeypatch) -> None:
    """JPEG Lossless without its decoder."""
    real = optional_packages.importlib.util.find_spec
    monkeypatch.setattr(
        optional_packages.importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "imagecodecs" else real(name, *rest),
    )
    for syntax, name in ((JPEG + "70", "JPEG Lossless"), (JPEG + "80", "JPEG-LS")):
        source = make_source(tmp_path, make_film(), make_in_syntax(syntax, PIXELS))
        done = import_dicom(source, tmp_path / name, key_file=tmp_path / "key", options=HERE)
        (left,) = done.failed
        assert f"compressed as {name} need the package imagecodecs" in left.reason
        assert "pip install 'cxrlib[dicom-jpeg]'" in left.reason


def test_import_dicom_keeps_raw_and_unnamed_films_on_request(tmp_path: Path) -> None:
    """Two options; the report says how many."""
    source = make_source(
        tmp_path,
        make_film(BodyPartExamined=None),
        make_film(PresentationIntentType="FOR PROCESSING"),
        make_film(BodyPartExamined=None, StudyDescription="Hand links"),
        make_film(BodyPartExamined="HAND"),
        make_film(BodyPartExamined=None, SeriesDescription="Thorax pa"),
    )
    done = run(source, tmp_path, assume_chest=True, keep_raw=True)
    assert done.record["n_rows"] == 4
    assert sum("as was asked for" in each for each in done.record["remarks"]) == 1


def test_import_dicom_takes_one_of_two_files_with_one_id(tmp_path: Path) -> None:
    """A copy is a copy; another content under the same UID is said."""
    film = make_film(SOPInstanceUID="1.2.3.77", PatientID="A")
    other = make_film(PIXELS[::-1], SOPInstanceUID="1.2.3.77", PatientID="A")
    done = run(make_source(tmp_path, film, film, other), tmp_path)
    assert done.record["n_rows"] == 1
    assert [each.reason for each in done.left] == [
        "it is a copy of a file before it",
        "it has the SOPInstanceUID of a file before it and other content: the first is kept",
    ]


def test_import_dicom_flags_one_patient_id_in_two_spellings(tmp_path: Path) -> None:
    """Kept apart, named by their hashed ids; blanks at the end are no spelling."""
    films = [make_film(PatientID=each) for each in ("P-007", "p 7", "P-007 ", "P-008")]
    done = run(make_source(tmp_path, *films), tmp_path)
    assert done.record["n_patients"] == 3
    (pair,) = done.record["ids_in_two_spellings"]
    assert len(pair) == 2
    assert set(pair) <= {row["patientid"] for row in read_rows(done.root)}
    assert "may be one in two spellings" in (done.root / "import.txt").read_text()


def test_import_dicom_flags_one_id_of_two_patients(tmp_path: Path) -> None:
    """Two birth dates or sexes under one id."""
    films = [
        make_film(PatientID="A", PatientBirthDate="19500101", PatientSex="M"),
        make_film(PatientID="A", PatientBirthDate="19600101", PatientSex="F"),
        make_film(PatientID="B", PatientBirthDate="19600101"),
        make_film(PatientID="B"),
    ]
    record = run(make_source(tmp_path, *films), tmp_path).record
    assert [what for _, what in record["ids_that_contradict_themselves"]] == ["birth date", "sex"]


def test_import_dicom_computes_an_age_by_birth_date(tmp_path: Path) -> None:
    """Where the age itself is blank, or is none."""
    films = [
        make_film(PatientBirthDate="19500302", StudyDate="20200301", PatientAge=None),
        make_film(PatientBirthDate="19500301", StudyDate="20200301", PatientAge="old"),
        make_film(PatientBirthDate="20190301", StudyDate="20190901"),
        make_film(PatientBirthDate="20300101"),
    ]
    rows = read_rows(run(make_source(tmp_path, *films), tmp_path).root)
    assert sorted(row["age"] for row in rows) == ["", "0.5", "69", "70"]


@pytest.mark.parametrize("date", ["19000101", "20991231", "20201301", "yesterday"])
def test_import_dicom_reads_no_day_from_a_date_that_is_none(date: str, tmp_path: Path) -> None:
    """Placeholders and nonsense give no day, and are counted."""
    films = [make_film(PatientID="A", StudyDate=date), make_film(PatientID="A")]
    done = run(make_source(tmp_path, *films), tmp_path)
    assert sorted(row["offset"] for row in read_rows(done.root)) == ["", "0"]
    assert sum(done.record["remarks"].values()) == 1


def test_import_dicom_refuses_a_folder_without_films(tmp_path: Path) -> None:
    """In words that say what there is; no target is left."""
    source = make_source(tmp_path, make_film(Modality="CT"), b"text")
    with pytest.raises(CohortError, match=r"no radiograph of the chest.*of 2 files.*a CT"):
        run(source, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "source"]


def test_import_dicom_refuses_overlapping_folders_and_a_key_in_them(tmp_path: Path) -> None:
    """The source is never written to, the key never lies with the images."""
    source = make_source(tmp_path, make_film())
    key = tmp_path / "key"
    for target in (source, source / "cohort", tmp_path):
        with pytest.raises(CohortError, match=r"Name (another|a) folder"):
            import_dicom(source, target, key_file=key, options=HERE)
    for folder in (source, tmp_path / "cohort"):
        with pytest.raises(CohortError, match="whoever gets that folder"):
            import_dicom(source, tmp_path / "cohort", key_file=folder / "k", options=HERE)
    assert not key.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_import_dicom_follows_no_link_out_of_the_source(tmp_path: Path) -> None:
    """Neither to a film nor to a folder; a link within is followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "film").write_bytes(make_film())
    source = make_source(tmp_path, make_film())
    (source / "link").symlink_to(outside / "film")
    (source / "folder").symlink_to(outside)
    (source / "loop").symlink_to(source / "loop")
    os.mkfifo(source / "pipe")
    done = run(source, tmp_path)
    assert done.record["n_rows"] == 1
    assert done.record["n_links_to_folders"] == 1
    reasons = {each.path: each.reason for each in done.left}
    assert reasons["link"] == "it is a link that leads out of the folder"
    assert set(reasons) == {"link", "loop", "pipe"}


# ---- whole or not at all


def test_import_dicom_goes_on_where_it_stopped(tmp_path: Path, monkeypatch) -> None:
    """A full disk after two films: no target, and the next call decodes the rest only."""
    source = make_source(tmp_path, *(make_film() for _ in range(5)))
    real, seen = dicom_source.write_whole, []

    def fill(path: Path, data: bytes, **options: object) -> None:
        if len(seen) == 2:
            raise OSError(28, "No space left on device")
        seen.append(path)
        real(path, data, **options)

    monkeypatch.setattr(dicom_source, "write_whole", fill)
    with pytest.raises(CohortError, match="no space left on the disk"):
        run(source, tmp_path)
    assert not (tmp_path / "cohort").exists()
    monkeypatch.setattr(
        dicom_source, "write_whole", lambda *a, **o: seen.append(a) or real(*a, **o)
    )
    done = run(source, tmp_path)
    assert len(seen) == 5
    whole = import_dicom(source, tmp_path / "whole", key_file=tmp_path / "key", options=HERE)
    assert done.record == whole.record
    for name in ("metadata.csv", "import.txt"):
        assert (done.root / name).read_bytes() == (whole.root / name).read_bytes()
    names = sorted(path.name for path in done.root.iterdir())
    assert names == ["images", "import.json", "import.txt", "metadata.csv"]


def test_import_dicom_leaves_nothing_of_an_earlier_source(tmp_path: Path, monkeypatch) -> None:
    """A film that was taken out of the source between two tries is not in the cohort."""
    source = make_source(tmp_path, *(make_film() for _ in range(3)))
    monkeypatch.setattr(DicomSource, "finish", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(source, tmp_path)
    monkeypatch.undo()
    assert list(tmp_path.rglob(PROGRESS_FILE))
    (source / "1").unlink()
    done = run(source, tmp_path)
    assert len(list((done.root / "images").iterdir())) == done.record["n_rows"] == 2


def test_import_dicom_works_in_processes_as_in_one(tmp_path: Path) -> None:
    """Two workers give the same cohort."""
    source = make_source(tmp_path, *(make_film() for _ in range(4)), make_film(Modality="CT"))
    one = run(source, tmp_path)
    two = import_dicom(
        source,
        tmp_path / "two",
        key_file=tmp_path / "key",
        options=DicomOptions(n_workers=2),
    )
    assert one.record == two.record
    assert (one.root / "metadata.csv").read_bytes() == (two.root / "metadata.csv").read_bytes()


# ---- nothing of a patient


def spell(secret: str) -> set[bytes]:
    """Write a secret in the ways it could hide in a file."""
    plain = {secret, secret.replace("^", " "), *secret.split("^")}
    if len(secret) == 8 and secret.isdigit():
        day = dt.date(int(secret[:4]), int(secret[4:6]), int(secret[6:]))
        forms = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y.%m.%d", "%Y/%m/%d", "%d %B %Y", "%Y:%m:%d")
        plain |= {day.strftime(form) for form in forms} | {str(day.toordinal())}
    words = {each for text in plain for each in (text, text.lower(), text.upper()) if len(text) > 3}
    spelled: set[bytes] = set()
    for word in words:
        for codec in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp037"):
            spelled.add(word.encode(codec))
        raw = word.encode()
        spelled |= {raw[::-1], raw.hex().encode(), raw.hex().upper().encode()}
        spelled |= {base64.b64encode(bytes(i) + raw)[4:-4] for i in (0, 1, 2) if len(raw) > 8}
        spelled.add(b" ".join(raw[i : i + 1] for i in range(len(raw))))
    return spelled


def unpack(path: Path) -> bytes:
    """Give a file's bytes; of a PNG also what is packed in it, pixels in both byte orders."""
    data = path.read_bytes()
    if path.suffix != ".png":
        return data
    place, kinds, packed = 8, [], b""
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        kinds.append(kind)
        packed += data[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"], "nothing but a picture"
    pixels = read_image(path)
    low, high = (pixels & 255).astype(np.uint8), (pixels >> 8).astype(np.uint8)
    values = (pixels.astype(float) / 65535 * 4095).round().astype(np.uint16)
    parts = (data, zlib.decompress(packed), pixels, pixels.byteswap(), low, high, values)
    return b"\0".join(map(bytes, (*parts, (values & 255).astype(np.uint8))))


@pytest.mark.parametrize("n_workers", [0, 2])
def test_import_dicom_lets_nothing_of_a_patient_through(
    n_workers: int, tmp_path: Path, caplog, capfd
) -> None:
    """Names, dates, numbers and UIDs planted everywhere are nowhere in what is written or said."""
    caplog.set_level(logging.DEBUG)
    source = tmp_path / "source"
    named = source / "Zwanziger^Adelheid" / "20200317 MRN-0047119"
    named.mkdir(parents=True)
    overlay = PIXELS & 0x0FFF
    overlay[:20, :40] |= 0x8000  # a drawing in the high bits, as overlays once were
    frame = imagecodecs.jpeg8_encode(PIXELS, lossless=True, predictor=1, bitspersample=12)
    films = {
        "explicit": write(make_named(overlay, BitsStored=12)),
        "implicit": write(make_named(overlay, BitsStored=12, SOPInstanceUID="1.2.77.1"), IMPLICIT),
        "deflated": write(make_named(overlay, BitsStored=12, SOPInstanceUID="1.2.77.2"), DEFLATED),
        "broken": write(make_named(PIXELS, SOPInstanceUID="1.2.77.3"))[:-5000],
        "ct": write(make_named(PIXELS, SOPInstanceUID="1.2.77.4", Modality="CT")),
        "strange": write(
            make_named(
                PIXELS,
                SOPInstanceUID="1.2.77.5",
                PatientSex="Vonderheide",
                PatientAge="Vonderheide",
                ViewPosition="Vonderheide",
                StudyDate="Zwanziger",
                RescaleSlope="1",
            )
        ),
        "part": write(make_named(PIXELS, SOPInstanceUID="1.2.77.6", BodyPartExamined="Zwanziger")),
        "kind": write(make_named(PIXELS, SOPInstanceUID="1.2.77.7", Modality="Zwanziger")),
    }
    compressed = make_named(PIXELS, BitsStored=12, SOPInstanceUID="1.2.77.8")
    compressed.PixelData = encapsulate([bytes(frame)])
    compressed["PixelData"].VR = "OB"
    compressed["PixelData"].is_undefined_length = True
    films["lossless"] = write(compressed, JPEG + "70")
    for name, film in films.items():
        (named / f"Zwanziger {name}.dcm").write_bytes(film)
    done = run(source, tmp_path, n_workers=n_workers)
    assert done.record["n_rows"] == 5
    assert done.record["elements_left"]["private elements"] == 15
    assert done.record["attributes_left"]["PatientName"] == 5
    secrets = [*SECRETS.values(), *NESTED_SECRETS, MARKER, "1.2.77.1", "1.2.840"]
    printed = capfd.readouterr()
    said = " ".join(
        [
            *(printed.out, printed.err, repr(done), done.describe()),
            *(record.getMessage() for record in caplog.records),
            *(each.reason for each in done.left),
        ]
    ).encode()
    written = {
        path.relative_to(done.root).as_posix(): unpack(path)
        for path in sorted(done.root.rglob("*"))
        if path.is_file()
    }
    names = "\n".join(written).encode()
    for secret in secrets:
        for spelled in spell(secret):
            if len(spelled) < 4:
                continue
            assert spelled not in names, (secret, "a file's name")
            assert spelled not in said, (secret, "said")
            for name, data in written.items():
                assert spelled not in data, (secret, name)
    times = [path.stat().st_mtime for path in done.root.rglob("*")]
    assert min(times) > dt.datetime(2021, 1, 1, tzinfo=dt.UTC).timestamp()


def test_import_dicom_says_nothing_of_damaged_headers(tmp_path: Path, caplog, capfd) -> None:
    """Bytes changed at random in a header that names its patient: words, never its own."""
    caplog.set_level(logging.DEBUG)
    rng = np.random.default_rng(0)
    film = write(make_named(PIXELS[:40, :40], BitsStored=12), IMPLICIT)
    films = [film]
    for step in range(150):
        uid = f"{SECRETS['SOPInstanceUID'][:-3]}{step:03}".encode()
        damaged = bytearray(film.replace(SECRETS["SOPInstanceUID"].encode(), uid))
        for _ in range(1 + step % 12):
            damaged[int(rng.integers(340, len(film) - 3200))] = int(rng.integers(256))
        films.append(bytes(damaged))
    done = run(make_source(tmp_path, *films), tmp_path)
    assert len(done.left) > 20
    assert done.record["n_rows"] > 5
    printed = capfd.readouterr()
    said = [printed.out, printed.err, repr(done), *(each.reason for each in done.left)]
    said += [record.getMessage() for record in caplog.records]
    tables = ("metadata.csv", "import.json", "import.txt")
    said += [(done.root / name).read_text() for name in tables]
    whole = "\n".join(said).lower()
    for secret in (*SECRETS.values(), *NESTED_SECRETS, MARKER):
        for part in secret.lower().split("^"):
            assert part not in whole, part


def test_import_dicom_takes_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, a line break, half a pair."""
    source = make_source(tmp_path)
    for name in (b"\xff\xfe", b"a\nb", b"\xed\xa0\x80"):
        (source / os.fsdecode(name)).write_bytes(make_film())
    assert run(source, tmp_path).record["n_rows"] == 3


def test_leak_search_finds_what_is_planted(tmp_path: Path) -> None:
    """The search above is no good if it finds nothing: a name in pixels, in a table, in a chunk."""
    name = np.frombuffer(b"Zwanziger^Adelheid" * 64, np.uint8)[: 32 * 32].reshape(32, 32)
    path = tmp_path / "a.png"
    Image.fromarray(name.astype(np.uint16)).save(path)
    assert any(each in unpack(path) for each in spell("Zwanziger^Adelheid"))
    (tmp_path / "a.csv").write_text("date\n17.03.2020\n")
    assert any(each in unpack(tmp_path / "a.csv") for each in spell("20200317"))
    for codec in ("utf-16-le", "cp037"):
        assert "Klinikum".encode(codec) in spell("Klinikum")


def test_import_dicom_takes_drawings_out_of_the_high_bits(tmp_path: Path) -> None:
    """An overlay in unused bits, uncompressed or in JPEG 2000 of 16 bits, is not in the picture."""
    overlay = PIXELS | np.uint16(0)
    overlay[:20, :40] |= 0x8000
    frame = imagecodecs.jpeg2k_encode(
        overlay, reversible=True, level=0, codecformat="j2k", bitspersample=16
    )
    fields = {"BodyPartExamined": "CHEST", "BitsStored": 12}
    source = make_source(
        tmp_path,
        make_film(PIXELS, BitsStored=12),
        make_film(overlay, BitsStored=12),
        make_compressed(overlay, bytes(frame), JPEG + "90", **fields),
    )
    done = run(source, tmp_path)
    plain, *others = [read_image(path) for path in (done.root / "images").iterdir()]
    assert len(others) == 2
    for each in others:
        np.testing.assert_array_equal(each, plain)


def test_import_dicom_flags_text_in_the_pixels(tmp_path: Path) -> None:
    """As the file says it, and as it is seen."""
    image = Image.fromarray((PIXELS // 32).astype(np.uint8)).resize((512, 512))
    clean = np.asarray(image).astype(np.uint16)
    ImageDraw.Draw(image).text((20, 20), "ZWANZIGER A.", 255, ImageFont.load_default(24))
    films = [
        make_film(clean, BurnedInAnnotation="YES"),
        make_film(clean, BurnedInAnnotation="NO"),
        make_film(np.asarray(image).astype(np.uint16)),
    ]
    done = run(make_source(tmp_path, *films), tmp_path)
    flags = sorted((row["text_burned_in"], row["text_seen"]) for row in read_rows(done.root))
    assert flags == [("", "yes"), ("no", "no"), ("yes", "no")]
    assert json.loads((done.root / "import.json").read_text())["text_seen"] == {"no": 2, "yes": 1}
    assert (
        io.StringIO((done.root / "import.txt").read_text()).readline().startswith("3 images of 3")
    )
