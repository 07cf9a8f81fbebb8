"""Images that leave the program: only those whose licence says so, and nothing unsafe with them."""

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import ReportError
from cxrlib.reports import (
    describe_pictures,
    image_export,
    pack_images,
    pictures_for_export,
    placeholders,
    plan_pack,
)
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort, make_damaged_avif

ROWS: list[dict[str, object]] = [
    {"license": "CC BY-NC-SA 4.0", "doi": "10.1000/1"},
    {"license": "CC BY-NC-ND", "doi": "10.1000/2"},
    {"license": ""},
    {"license": "listed as authorized for everyone"},
    {"license": "CC BY", "filename": "gone.png"},
    {"license": "CC BY", "filename": "=1+1, <b>.PNG", "doi": "=2+2"},
    {"license": "CC BY 3.0", "filename": "sub/..evil .jpg.exe"},
    {"license": "CC BY", "filename": "../outside.png"},
    {"license": "CC BY", "filename": "broken.png"},
]
ALLOWED = {"image1.png", "=1+1, <b>.PNG", "sub/..evil .jpg.exe"}
UNCHANGED_ONLY = {"image2.png"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write a cohort whose images stand under all kinds of licences and names."""
    names = ("image1.png", "image2.png", "image3.png", "image4.png", "=1+1, <b>.PNG")
    images = {name: draw_image(i, height=700, width=600) for i, name in enumerate(names)}
    root = make_cohort(tmp_path / "c", [{"patientid": "p", **row} for row in ROWS], images=images)
    (root / "images" / "sub").mkdir()
    Image.fromarray(draw_image(9)).save(root / "images" / "sub" / "..evil .jpg.exe", format="PNG")
    (root / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    Image.fromarray(draw_image(10)).save(tmp_path / "outside.png")
    return root


@pytest.fixture
def cohort(root: Path) -> Cohort:
    """Load it."""
    return load_cohort(root)


def open_zip(data: bytes) -> zipfile.ZipFile:
    """Open an archive whose bytes are sound."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


def test_pictures_are_scaled_copies_of_what_may_be_changed(cohort: Cohort, tmp_path: Path) -> None:
    """Neither without a licence, nor where changes are forbidden, nor a file's own bytes."""
    pictures = pictures_for_export(cohort, Store(tmp_path / "s"), cohort.table, side=128)
    assert set(pictures) == ALLOWED
    for address in pictures.values():
        head, _, body = address.partition(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(body))) as picture:
            assert (picture.format, picture.mode) == ("JPEG", "L")
            assert max(picture.size) <= 128
    large = pictures_for_export(cohort, Store(tmp_path / "s"), cohort.table, side=5000)
    with Image.open(io.BytesIO(base64.b64decode(large["image1.png"].split(",")[1]))) as picture:
        assert max(picture.size) == 512
        shown = np.asarray(picture, dtype=float)
    with Image.open(cohort.root / "images" / "image1.png") as original:
        expected = np.asarray(original.resize(picture.size), dtype=float)
    assert np.abs(shown - expected).mean() < 3


def test_places_without_a_picture_say_why(cohort: Cohort, tmp_path: Path) -> None:
    """Each image has a picture or a reason; a file that changed has a reason too."""
    changed = cohort.root / "images" / "image1.png"
    Image.fromarray(draw_image(77)).save(changed)
    pictures = pictures_for_export(cohort, Store(tmp_path / "s"), cohort.table)
    reasons = placeholders(cohort, cohort.table, pictures)
    assert set(reasons) | set(pictures) == set(cohort.table["image_id"])
    assert not set(reasons) & set(pictures)
    assert reasons == {
        "image1.png": "the file cannot be read any more",
        "image2.png": "changes forbidden: not shown scaled",
        "image3.png": "no licence: not shown",
        "image4.png": "licence not known: not shown",
        "gone.png": "no readable file",
        "../outside.png": "no readable file",
        "broken.png": "no readable file",
    }


def test_a_figure_tells_whose_pictures_it_shows(cohort: Cohort, tmp_path: Path) -> None:
    """Counts, credits of what is shown only, and what their licences ask."""
    rows = cohort.table.head(4)
    pictures = pictures_for_export(cohort, Store(tmp_path / "s"), rows)
    assert describe_pictures(cohort, rows) == describe_pictures(cohort, rows, pictures)
    assert describe_pictures(cohort, rows, pictures) == [
        "Pictures are scaled copies of 1 of 4 images",
        "Images without a picture: 1 (changes forbidden), 1 (no licence), 1 (licence not known)",
        "https://doi.org/10.1000/1: 1 image, CC BY-NC-SA 4.0",
        "Non-commercial: 1 of 1 image; share alike: 1",
    ]
    assert describe_pictures(cohort, rows.tail(1), {}) == [
        "Images without a picture: 1 (licence not known)"
    ]
    assert describe_pictures(cohort, rows.head(0), {}) == []


def test_an_archive_holds_files_byte_for_byte(cohort: Cohort) -> None:
    """Those that forbid changes too; each is named in the credits, others with a reason."""
    pack = pack_images(cohort, cohort.table, title="Patient\np")
    archive = open_zip(pack.data)
    packed = pack.contents[pack.contents["file"] != ""]
    assert set(packed["image_id"]) == ALLOWED | UNCHANGED_ONLY
    assert pack.n_packed == 4
    images = [name for name in archive.namelist() if name.startswith("images/")]
    assert images == packed["file"].tolist()
    for row in packed.to_dict("records"):
        data = archive.read(row["file"])
        assert data == (cohort.root / "images" / row["filename"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
    left_out = pack.contents[pack.contents["file"] == ""].set_index("image_id")["left_out"]
    assert left_out.to_dict() == {
        "image3.png": "no licence",
        "image4.png": "licence not known",
        **dict.fromkeys(("gone.png", "../outside.png", "broken.png"), "no readable file"),
    }


def test_names_in_an_archive_are_harmless(cohort: Cohort) -> None:
    """No path, no formula, no program, no blank; numbers keep them apart."""
    names = open_zip(pack_images(cohort, cohort.table).data).namelist()
    assert names == [
        "images/001-image1.png",
        "images/002-image2.png",
        "images/006-1_1_b.png",
        "images/007-evil_.jpg.png",
        "CREDITS.csv",
        "README.txt",
    ]


def test_names_that_differ_in_nothing_harmless_stay_apart(tmp_path: Path) -> None:
    """Reserved, endless and invisible names, and two that only differ in case."""
    names = ("CON.png", "con.PNG", "é.png", "ñ.png", "x" * 200 + ".png", "a\u202egnp.png")
    rows = [{"license": "CC BY", "patientid": "p", "filename": name} for name in names]
    root = make_cohort(tmp_path / "c", rows)
    pack = pack_images(load_cohort(root), load_cohort(root).table)
    files = [name for name in open_zip(pack.data).namelist() if name.startswith("images/")]
    assert len({name.lower() for name in files}) == len(names)
    assert all(name.isascii() and len(name) < 90 for name in files)
    assert files[0] == "images/001-CON.png"
    assert files[2:4] == ["images/003.png", "images/004.png"]


def test_credits_run_nothing_and_say_what_is_recorded(cohort: Cohort) -> None:
    """A spreadsheet reads cells that look like formulas as text."""
    archive = open_zip(pack_images(cohort, cohort.table).data)
    lines = archive.read("CREDITS.csv").decode().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("# ")))
    assert len(rows) == len(cohort.table)
    for row in rows:
        assert not any(cell.startswith(("=", "+", "@", "-")) for cell in row.values())
    assert rows[0]["licence_address"] == "https://creativecommons.org/licenses/by-nc-sa/4.0/"
    assert rows[0]["licence_holds_back"] == "no commercial use, share alike"
    assert rows[5]["filename"] == "'=1+1, <b>.PNG"


def test_the_readme_names_licences_and_what_is_missing(cohort: Cohort) -> None:
    """Notice, restrictions of what is packed, each left-out image with its reason."""
    pack = pack_images(cohort, cohort.table, title="Patient\np \x1b[2J")
    text = open_zip(pack.data).read("README.txt").decode()
    assert text.startswith("Patient p [2J\n\nFor research and teaching. Not for diagnosis.\n")
    assert "4 of 9 images" in text
    assert "Non-commercial: 2 of 4 images; share alike: 1; no derivatives" in text
    assert "- image3.png: no licence\n" in text
    assert "- gone.png: no readable file\n" in text
    assert str(cohort.root) not in text


def test_the_same_images_give_the_same_archive(
    cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No clock and no machine is in it but the day it was made on, which is held here."""
    monkeypatch.setattr(image_export, "list_provenance", lambda _: ["notice", "made on a day"])
    assert pack_images(cohort, cohort.table).data == pack_images(cohort, cohort.table).data


def test_a_file_that_changed_is_named(cohort: Cohort) -> None:
    """The bytes must be those that were looked at when the cohort was read."""
    (cohort.root / "images" / "image1.png").write_bytes(b"something else")
    contents = pack_images(cohort, cohort.table).contents.set_index("image_id")
    assert contents.loc["image1.png", "file"] == ""
    assert "the file changed" in str(contents.loc["image1.png", "left_out"])
    (cohort.root / "images" / "image1.png").unlink()
    contents = pack_images(cohort, cohort.table).contents.set_index("image_id")
    assert (
        contents.loc["image1.png", "left_out"]
        == "there is no file of that name in the folder images"
    )


def test_a_link_put_there_later_leads_nowhere(cohort: Cohort, tmp_path: Path) -> None:
    """A file replaced by a link out of the folder is not packed."""
    secret = tmp_path / "secret.png"
    Image.fromarray(draw_image(0, height=700, width=600)).save(secret)
    image = cohort.root / "images" / "image1.png"
    image.unlink()
    image.symlink_to(secret)
    contents = pack_images(cohort, cohort.table).contents.set_index("image_id")
    assert contents.loc["image1.png", "left_out"] == "the file is a link that leaves the folder"


def test_what_is_no_image_is_not_packed_uninspected(root: Path) -> None:
    """Without inspection a cohort only knows that there is a file: it is looked at here."""
    (root / "images" / "image1.png").write_bytes(b"#!/bin/sh\necho no image\n")
    blind = load_cohort(root, inspect_images=False)
    contents = pack_images(blind, blind.table).contents.set_index("image_id")
    assert set(contents.index[contents["file"] != ""]) == (ALLOWED | UNCHANGED_ONLY) - {
        "image1.png"
    }
    assert "not an image" in str(contents.loc["image1.png", "left_out"])


def test_pictures_for_export_leaves_out_what_a_decoder_fails_on(root: Path, tmp_path: Path) -> None:
    """A file nobody looked into yet, which its decoder ends on: the other pictures are there."""
    (root / "images" / "image1.png").write_bytes(make_damaged_avif())
    blind = load_cohort(root, inspect_images=False)
    pictures = pictures_for_export(blind, Store(tmp_path / "c"), blind.table)
    assert "image1.png" not in pictures
    assert len(pictures) == len(ALLOWED) - 1


def test_too_large_an_archive_is_refused_before_reading(
    cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says how large, how large at most, and what to do."""
    monkeypatch.setattr(image_export, "MAX_PACK_BYTES", 1 << 20)
    monkeypatch.setattr(image_export, "read_unchanged", lambda *_: pytest.fail("was read"))
    with (cohort.root / "images" / "image1.png").open("r+b") as file:
        file.truncate(3 << 20)
    with pytest.raises(ReportError, match=r"have 3 MiB; an archive holds at most 1 MiB"):
        pack_images(cohort, cohort.table)
    plan = plan_pack(cohort, cohort.table)
    assert plan.n_bytes > 3 << 20
    assert "have 3 MiB" in plan.refusal


def test_no_image_at_all_is_an_error_with_reasons(cohort: Cohort) -> None:
    """Nothing licensed, or no rows: the page can say so before anyone saves an empty file."""
    rows = cohort.table[cohort.table["image_id"].isin(["image3.png", "gone.png"])]
    with pytest.raises(ReportError, match=r"\(no licence: 1; no readable file: 1\)"):
        pack_images(cohort, rows)
    with pytest.raises(ReportError, match="there is none"):
        pack_images(cohort, cohort.table.head(0))
    plan = plan_pack(cohort, rows)
    assert (plan.n_images, plan.n_allowed, plan.n_bytes) == (2, 0, 0)
    assert "(no licence: 1; no readable file: 1)" in plan.refusal


def test_a_plan_says_what_would_be_packed(cohort: Cohort) -> None:
    """As many images and bytes as the archive then holds."""
    plan, pack = plan_pack(cohort, cohort.table), pack_images(cohort, cohort.table)
    archive = open_zip(pack.data)
    sizes = [entry.file_size for entry in archive.infolist() if "/" in entry.filename]
    assert (plan.n_allowed, plan.n_bytes) == (pack.n_packed, sum(sizes))
    assert (plan.n_images, plan.refusal) == (len(cohort.table), "")


def test_synthetic_images_are_free(root: Path, tmp_path: Path) -> None:
    """Their licence column is made up; files that cannot be read still stay out."""
    (root / "planted.json").write_text('{"name": "Demo", "is_synthetic": true}')
    demo = load_cohort(root)
    assert demo.is_synthetic
    everything = ALLOWED | UNCHANGED_ONLY | {"image3.png", "image4.png"}
    assert set(pictures_for_export(demo, Store(tmp_path / "s"), demo.table)) == everything
    assert pack_images(demo, demo.table).n_packed == len(everything)
    lines = describe_pictures(demo, demo.table, dict.fromkeys(everything, ""))
    assert lines[-1] == "Licence of 6 images: drawn by a program, no licence is needed"


def test_no_image_of_the_real_collection_goes_out_against_its_licence(real_root: Path) -> None:
    """Slow reference: the words in the file decide, not the code that reads them."""
    cohort = load_cohort(real_root, inspect_images=False)
    rows = cohort.table[cohort.table["is_xray"] & (cohort.table["row"] % 6 == 0)]
    contents = pack_images(cohort, rows).contents
    packed = contents[contents["file"] != ""]
    assert packed["license"].str.startswith("CC BY").all()
    rest = contents[contents["file"] == ""]
    is_cc = rest["license"].fillna("").str.startswith("CC BY")
    assert (rest.loc[is_cc, "left_out"] == "no readable file").all()
    assert len(packed) > 80
