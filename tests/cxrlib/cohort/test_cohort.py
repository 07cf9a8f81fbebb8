"""The cohort: every row kept, files judged, fingerprint, selections, counts."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlib.cohort import (
    METADATA_FILE,
    YES_NO_CATEGORIES,
    YES_NO_COLUMNS,
    Keeping,
    count_cohort,
    list_missing_files,
    load_cohort,
    near_duplicates,
    persons,
)
from cxrlib.cohort.cohort import COLUMNS
from cxrlib.errors import CohortError, ImageError, SelectionError
from cxrlib.quality import find_flags
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, fill_row, format_csv, make_cohort, make_damaged_avif
from tests.film_factory import cut, draw_film

ROWS = [
    {"patientid": "7", "offset": 0, "location": "Hannover, Germany", "license": "CC BY 3.0"},
    {"patientid": "7", "offset": 4, "view": "L", "in_icu": "Y", "location": "Hannover, Germany"},
    {"patientid": "12", "view": "AP", "finding": "todo", "location": "Seoul, South Korea"},
    {"patientid": "311a", "view": "Axial", "modality": "CT", "filename": "scan.nii.gz"},
    {"patientid": "3", "view": "AP Supine", "filename": "gone.png"},
]


@pytest.fixture
def root(tmp_path) -> Path:
    """Give a cohort of five rows: three images, a CT, a missing file."""
    images = {f"image{i}.png": draw_image(i) for i in (1, 2, 3)}
    return make_cohort(
        tmp_path / "five",
        ROWS,
        images=images,
        scores={"image1.png": (3.5, 2)},
        boxes=["image2.png"],
        masks=["image3.png"],
    )


# ---- the table


def test_every_row_is_a_row(root) -> None:
    """CT, missing file, lateral: all there, in the file's order, with their status."""
    cohort = load_cohort(root)
    table = cohort.table
    assert tuple(table.columns) == COLUMNS
    assert table.index.equals(pd.RangeIndex(5))
    assert table["row"].tolist() == [2, 3, 4, 5, 6]
    assert table["file_status"].tolist() == ["ok", "ok", "ok", "not an X-ray", "no file"]
    assert (table["file_reason"] == "").tolist() == [True, True, True, True, False]
    assert table["sha256"].isna().tolist() == [False, False, False, True, True]
    assert table["width"].tolist()[:3] == [64, 64, 64]
    assert table["height"].isna().tolist() == [False, False, False, True, True]
    assert (cohort.name, cohort.n_images, cohort.n_patients, cohort.n_persons) == ("five", 5, 3, 3)
    assert (cohort.is_synthetic, cohort.planted, cohort.steps) == (False, {}, ())
    assert cohort.root == root.resolve()
    assert "5 images of 3 patients" in repr(cohort)


def test_values(root) -> None:
    """Places, findings, annotations, licences and states reach their columns."""
    table = load_cohort(root).table
    assert table["region"].tolist() == ["Europe", "Europe", "Asia", "Unknown", "Unknown"]
    assert table["sub_region"][2] == "Eastern Asia"
    assert table["country"].tolist()[2:] == ["South Korea", "Unknown", "Unknown"]
    assert table["usable_finding"].tolist() == [True, True, False, True, True]
    assert table["finding_genus"].tolist()[0] == "COVID-19"
    assert pd.isna(table["finding_type"][2])
    assert table["geographic_mean"].tolist() == [3.5, pd.NA, pd.NA, pd.NA, pd.NA]
    assert table["opacity_mean"][0] == 2.0
    assert table["has_lung_box"].tolist() == [False, True, False, False, False]
    assert table["has_lung_mask"].tolist() == [False, False, True, False, False]
    assert table["license"].isna().tolist() == [False, True, True, True, True]
    assert table["state"].tolist()[1] == "bad"
    assert table["is_last_image"].tolist() == ["yes", "undefined", "yes", "undefined", "yes"]


def test_types_do_not_depend_on_values(root, tmp_path) -> None:
    """A cohort where nothing is recorded has the same column types."""
    bare = make_cohort(tmp_path / "bare", [{"modality": "", "view": "", "finding": ""}], images={})
    full, empty = load_cohort(root).table, load_cohort(bare).table
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert load_cohort(root, inspect_images=False).table.dtypes.to_dict() == full.dtypes.to_dict()


def test_unknown_country(tmp_path) -> None:
    """A country that the table lacks stays as written, with a line."""
    cohort = load_cohort(make_cohort(tmp_path, [{"location": "Somewhere, Atlantis"}]))
    assert cohort.table.loc[0, ["country", "sub_region", "region"]].tolist() == [
        "Atlantis",
        "Unknown",
        "Unknown",
    ]
    assert cohort.problems["value"].tolist() == ["Atlantis"]


def test_country_has_one_name(tmp_path) -> None:
    """Spellings of one country are counted as one."""
    rows = [{"location": name} for name in ("Vietnam", "Hanoi, Viet Nam", "VIETNAM")]
    assert set(load_cohort(make_cohort(tmp_path, rows)).table["country"]) == {"Vietnam"}


# ---- files


def test_hostile_file_names(tmp_path) -> None:
    """File names that leave the folder are refused and named; the rest loads."""
    (tmp_path / "secret.png").write_bytes(b"secret")
    names = ["../secret.png", "/etc/passwd", "..\\secret.png", "a\x00.png", "link.png", "ok.png"]
    rows = [{"filename": name} for name in names]
    root = make_cohort(tmp_path / "cohort", rows, images={"ok.png": draw_image(0)})
    (root / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    cohort = load_cohort(root)
    assert cohort.table["file_status"].tolist() == ["outside"] * 5 + ["ok"]
    assert cohort.table["sha256"].notna().tolist() == [False] * 5 + [True]
    assert cohort.problems["row"].tolist() == [2, 3, 4, 5, 6]
    assert cohort.problems["value"].tolist() == [*names[:3], "a\\x00.png", names[4]]
    for image_id in names[:5]:
        with pytest.raises(ImageError):
            cohort.image_path(image_id)
    assert cohort.image_path("ok.png").read_bytes()


def test_unreadable_images(tmp_path) -> None:
    """Truncated, empty, tiny, no image, a folder, blanked: each keeps its row and its reason."""
    names = ["ok.png", "cut.png", "empty.png", "tiny.png", "text.png", "avif.jpg", "folder.png"]
    images = {"ok.png": draw_image(0), "tiny.png": np.zeros((1, 1), np.uint8)}
    root = make_cohort(tmp_path, [{"filename": name} for name in names], images=images)
    folder = root / "images"
    (folder / "cut.png").write_bytes((folder / "ok.png").read_bytes()[:-900])
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no image")
    (folder / "avif.jpg").write_bytes(make_damaged_avif())
    (folder / "folder.png").mkdir()
    cohort = load_cohort(root)
    table = cohort.table.set_index("image_id")
    assert table["file_status"].tolist() == ["ok"] + ["unreadable"] * 6
    assert "empty" in table.loc["empty.png", "file_reason"]
    assert "1 x 1" in table.loc["tiny.png", "file_reason"]
    assert "Failed to decode frame" in table.loc["avif.jpg", "file_reason"]
    assert len(cohort.problems) == 6
    assert table["person_id"].notna().all()
    ledger = find_flags(cohort).table
    assert "avif.jpg" in set(ledger.loc[ledger["rule"] == "unreadable", "image_id"])
    assert cohort.select_with_file().n_images == 1
    # The same without decoding: only what cannot be opened is known to be unreadable.
    quick = load_cohort(root, inspect_images=False).table
    assert quick["file_status"].tolist() == ["ok"] * 6 + ["unreadable"]


def test_image_path(root) -> None:
    """Paths are given for usable images only, looked at again each time."""
    cohort = load_cohort(root)
    assert cohort.image_path("image1.png") == root.resolve() / "images" / "image1.png"
    with pytest.raises(SelectionError, match=r"no image 'image1.pgn'\. Did you mean 'image1.png'"):
        cohort.image_path("image1.pgn")
    with pytest.raises(ImageError, match="not an X-ray"):
        cohort.image_path("scan.nii.gz")
    with pytest.raises(ImageError, match="no file of that name"):
        cohort.image_path("gone.png")
    (root / "images" / "image2.png").unlink()
    (root / "images" / "image2.png").symlink_to("/etc/hostname")
    with pytest.raises(ImageError, match="link that leaves"):
        cohort.image_path("image2.png")


# ---- persons


def make_shared(folder: Path, order: list[int]) -> Path:
    """Make five patients of which 78, 201 and 1000 share images, rows in some order."""
    shared, other = draw_image(50), draw_image(51)
    copy = np.asarray(Image.fromarray(shared).resize((200, 250)))
    owners = [("201", shared), ("78", copy), ("5", draw_image(52)), ("1000", other), ("201", other)]
    rows = [{"patientid": owner, "filename": f"{i}.png"} for i, (owner, _) in enumerate(owners)]
    rows.append({"patientid": "9", "filename": "missing.png"})
    images = {f"{i}.png": pixels for i, (_, pixels) in enumerate(owners)}
    return make_cohort(folder, [rows[i] for i in order], images=images)


def test_persons(tmp_path) -> None:
    """Ids that share a near-identical image are one person, also through a third."""
    cohort = load_cohort(make_shared(tmp_path, list(range(6))))
    person = dict(zip(cohort.table["patient_id"], cohort.table["person_id"], strict=True))
    assert person == {"201": "78", "78": "78", "5": "5", "1000": "78", "9": "9"}
    assert (cohort.n_patients, cohort.n_persons) == (5, 3)
    shown = cohort.duplicates[["patient_id_1", "patient_id_2"]].to_numpy().tolist()
    assert sorted(map(sorted, shown)) == [["1000", "201"], ["201", "78"]]


def test_row_order_changes_nothing(tmp_path) -> None:
    """Persons, states and the images' part of the fingerprint stay under permutation."""
    first = load_cohort(make_shared(tmp_path / "a", [0, 1, 2, 3, 4, 5]))
    second = load_cohort(make_shared(tmp_path / "b", [5, 3, 1, 4, 0, 2]))
    tables = [
        cohort.table.drop(columns="row").sort_values("image_id").reset_index(drop=True)
        for cohort in (first, second)
    ]
    pd.testing.assert_frame_equal(*tables)
    shutil.copy(tmp_path / "a" / METADATA_FILE, tmp_path / "b" / METADATA_FILE)
    assert load_cohort(tmp_path / "b").fingerprint == first.fingerprint


def test_without_inspection(root) -> None:
    """Persons and sizes are unknown then, the rest is the same."""
    quick, full = load_cohort(root, inspect_images=False), load_cohort(root)
    unknown = ["person_id", "width", "height"]
    assert quick.table[unknown].isna().all(axis=None)
    assert quick.n_persons is None
    assert count_cohort(quick)["n_persons"] is None
    assert quick.fingerprint == full.fingerprint
    pd.testing.assert_frame_equal(
        quick.table.drop(columns=unknown), full.table.drop(columns=unknown)
    )


# ---- store


def test_store_changes_nothing(root, tmp_path, monkeypatch) -> None:
    """With a store the cohort is the same, and a second load decodes nothing."""
    store = Store(tmp_path / "cache")
    plain, cold = load_cohort(root), load_cohort(root, store=store)
    monkeypatch.setattr(persons, "read_image", lambda path: pytest.fail(f"{path} was decoded"))
    warm = load_cohort(root, store=store)
    for other in (cold, warm):
        pd.testing.assert_frame_equal(other.table, plain.table)
        pd.testing.assert_frame_equal(other.duplicates, plain.duplicates)
        assert other.fingerprint == plain.fingerprint


def test_progress(root) -> None:
    """All stages report, and end at all."""
    seen = {}
    load_cohort(root, on_progress=lambda stage, done, total: seen.update({stage: (done, total)}))
    stages = ("Hashing images", "Reading images", "Comparing images", "Looking at images")
    assert seen == dict.fromkeys(stages, (3, 3))


# ---- fingerprint


def test_fingerprint_is_of_the_content(root, tmp_path) -> None:
    """Another place gives the same; any changed content another one."""
    original = load_cohort(root, inspect_images=False).fingerprint
    assert len(original) == 64

    def change(name: str, edit) -> str:
        copy = tmp_path / name
        shutil.copytree(root, copy)
        edit(copy)
        return load_cohort(copy, inspect_images=False).fingerprint

    assert change("same", lambda _: None) == original
    assert change("touched", lambda copy: (copy / "images" / "image1.png").touch()) == original
    edits = {
        "metadata": lambda copy: (
            (copy / METADATA_FILE).open("a").close()
            or (copy / METADATA_FILE).write_bytes((copy / METADATA_FILE).read_bytes() + b"\n")
        ),
        "image": lambda copy: Image.fromarray(draw_image(99)).save(copy / "images" / "image1.png"),
        "gone": lambda copy: (copy / "images" / "image1.png").unlink(),
        "came": lambda copy: Image.fromarray(draw_image(99)).save(copy / "images" / "gone.png"),
        "swapped": swap_images,
        "scores": lambda copy: (copy / "annotations" / "covid-severity-scores.csv").write_text(""),
        "mask": lambda copy: (copy / "annotations" / "lungVAE-masks" / "image3_mask.png").unlink(),
    }
    prints = [change(name, edit) for name, edit in edits.items()]
    assert len({original, *prints}) == 1 + len(edits)


def swap_images(folder: Path) -> None:
    """Give two images each other's content."""
    first, second = (folder / "images" / f"image{i}.png" for i in (1, 2))
    first.rename(folder / "kept")
    second.rename(first)
    (folder / "kept").rename(second)


# ---- synthetic cohorts


def test_planted(tmp_path) -> None:
    """planted.json makes a cohort synthetic and names it; a given name wins."""
    planted = {"synthetic": True, "name": "Demo (synthetic)", "seed": 1}
    root = make_cohort(tmp_path, planted=planted)
    cohort = load_cohort(root)
    assert (cohort.name, cohort.is_synthetic, cohort.planted) == ("Demo (synthetic)", True, planted)
    assert load_cohort(root, name="mine").name == "mine"
    assert load_cohort(make_cohort(tmp_path, planted={"synthetic": False})).is_synthetic is False


@pytest.mark.parametrize("content", ["", "{", "[]", "3"])
def test_broken_planted(tmp_path, content) -> None:
    """In doubt patients are made up."""
    root = make_cohort(tmp_path)
    (root / "planted.json").write_text(content)
    cohort = load_cohort(root)
    assert cohort.is_synthetic
    assert cohort.problems["file"].tolist() == ["planted.json"]


# ---- selections


def test_selections(root) -> None:
    """Each keeps what it says, numbers rows anew and remembers what went and why."""
    cohort = load_cohort(root)
    xrays = cohort.select_xrays()
    assert xrays.steps[0].removed == {"modality CT": 1}
    filed = xrays.select_with_file()
    assert filed.steps[1].removed == {"no file": 1}
    frontal = filed.select_frontal()
    assert frontal.steps[2].removed == {"view L": 1}
    usable = frontal.select_usable_finding()
    assert usable.steps[3].removed == {"finding todo": 1}
    assert [step.n_images for step in usable.steps] == [4, 3, 2, 1]
    assert [step.n_patients for step in usable.steps] == [3, 2, 2, 1]
    assert usable.table.index.equals(pd.RangeIndex(1))
    assert usable.table["image_id"].tolist() == ["image1.png"]
    assert usable.image_path("image1.png").is_file()
    assert usable.fingerprint == cohort.fingerprint
    assert cohort.n_images == 5
    assert cohort.steps == ()
    assert cohort.select_frontal().n_images == 3


def test_select(root) -> None:
    """A selection must fit the table."""
    cohort = load_cohort(root)
    male = cohort.select(cohort.table["patient_id"] == "7", "patient 7")
    assert male.steps[0].removed == {"not patient 7": 3}
    nobody = male.select(pd.Series(False, index=male.table.index), "nobody")
    assert (nobody.n_images, nobody.n_patients, nobody.n_persons) == (0, 0, 0)
    assert nobody.select_frontal().n_images == 0
    with pytest.raises(SelectionError, match="'one' has 1 values for 5 images"):
        cohort.select(pd.Series([True]), "one")
    with pytest.raises(SelectionError, match="some are missing"):
        cohort.select(cohort.table["offset"] > 1, "late")
    with pytest.raises(SelectionError, match=r"no view 'PAA'.*AP Supine"):
        cohort.select_views(["PA", "PAA"])


def test_steps_at_once_equal_one_after_the_other(small_root) -> None:
    """Take rows once and count the same: rows, labels, patients, reasons and their order."""
    cohort = load_cohort(small_root, inspect_images=False)
    rules = [
        lambda table: (table["view"] != "L", "not L", "view " + table["view"]),
        lambda table: (table["patient_id"].isin(["p1", "p3"]), "two", table["patient_id"]),
        lambda table: (table["row"] > 5, "late", None),
        lambda table: (table["row"] < 0, "nobody", table["finding"].where(table["row"] > 9)),
    ]
    slow = cohort.select_xrays()
    for rule in rules:
        keep, label, reasons = rule(slow.table)
        slow = slow.select(keep, label, reasons=reasons)
    steps = [cohort.keeping_xrays, *(Keeping(*rule(cohort.table)) for rule in rules)]
    for n_steps in range(len(steps)):
        fast = cohort.select_in_steps(steps[: n_steps + 1])
        assert fast.steps == slow.steps[: n_steps + 1]
        assert fast.n_images == slow.steps[n_steps].n_images
        assert list(fast.steps[-1].removed) == list(slow.steps[n_steps].removed)
    last = cohort.select_in_steps(steps[:-1]).table
    assert last.index.equals(pd.RangeIndex(len(last)))
    assert last["row"].tolist() == [7, 9, 12]
    assert slow.steps[2].removed == {"p2": 2, "p4": 2, "p5": 2}
    pd.testing.assert_frame_equal(cohort.select_in_steps([]).table, cohort.table)
    with pytest.raises(SelectionError, match="'one' has 1 values"):
        cohort.select_in_steps([steps[0], Keeping(pd.Series([True]), "one")])


def test_counts_go_into_json(root) -> None:
    """All numbers are plain ones."""
    counts = count_cohort(load_cohort(root))
    assert json.loads(json.dumps(counts)) == counts
    expected = {"n_images": 5, "n_xray": 4, "n_xray_with_file": 3, "n_patients": 3, "n_missing": 1}
    assert {name: counts[name] for name in expected} == expected


def test_patients_are_those_of_xrays(root) -> None:
    """One count everywhere: patients with CT alone are in none of them."""
    cohort = load_cohort(root)
    counts = count_cohort(cohort)
    xrays = cohort.select_xrays()
    assert cohort.table["patient_id"].nunique() == 4
    assert cohort.n_patients == xrays.n_patients == xrays.steps[0].n_patients == 3
    assert cohort.n_persons == xrays.n_persons == 3
    assert (counts["n_patients"], counts["n_persons"]) == (3, 3)
    ct = cohort.select(~cohort.table["is_xray"], "CT")
    assert (ct.n_images, ct.n_patients, ct.n_persons, ct.steps[0].n_patients) == (1, 0, 0, 0)


# ---- bad folders


def test_unusable_folder(tmp_path) -> None:
    """One error for the command line to show."""
    with pytest.raises(CohortError):
        load_cohort(tmp_path)
    with pytest.raises(CohortError):
        load_cohort(str(tmp_path / "nowhere"))


def test_metadata_alone(tmp_path) -> None:
    """Two columns and neither images nor annotations make a cohort too."""
    (tmp_path / METADATA_FILE).write_text("patientid,filename\n1,a.png\n2,b.png\n")
    cohort = load_cohort(tmp_path)
    assert cohort.n_images == 2
    assert cohort.table[list(YES_NO_COLUMNS)].eq("not recorded").all(axis=None)
    assert count_cohort(cohort)["n_xray"] == 2  # nobody wrote that they are anything else
    said = cohort.problems["problem"].tolist()
    assert "26 columns of the form missing" in said
    assert "no modality and no view is recorded" in said


# ---- planted truths


def test_planted_truths(tmp_path) -> None:
    """A random cohort comes out as it was written, cell by cell."""
    rng = np.random.default_rng(3)
    words = {"Y": "yes", "N": "no", "Unclear": "unclear", "": "not recorded"}
    rows = []
    for i in range(60):
        row = {"patientid": rng.integers(20), "offset": rng.choice(["", "0", "5", "-3"])}
        row |= {column: rng.choice(list(words)) for column in YES_NO_COLUMNS}
        row["view"] = rng.choice(["PA", "AP", "AP Supine", "L", "AP Erect"])
        rows.append(fill_row(row, i))
    root = make_cohort(tmp_path, rows, images={})
    (root / METADATA_FILE).write_text(format_csv(rows))
    table = load_cohort(root).table
    for row, got in zip(rows, table.itertuples(), strict=True):
        assert got.patient_id == str(row["patientid"])
        assert got.view == row["view"]
        expected = float(row["offset"]) if row["offset"] else math.nan
        assert (got.offset is pd.NA and math.isnan(expected)) or got.offset == expected
        for column in YES_NO_COLUMNS:
            assert getattr(got, column) == words[row[column]]
    assert all(list(table[c].cat.categories) == list(YES_NO_CATEGORIES) for c in YES_NO_COLUMNS)
    statuses = {"ok", "no file", "unreadable", "outside", "not an X-ray"}
    assert set(table["file_status"]) <= statuses


# ---- the real collection


@pytest.fixture(scope="module")
def real(real_root):
    """Give the real cohort, its images inspected."""
    return load_cohort(real_root)


def test_real_counts(real) -> None:
    """The numbers of the protocol."""
    counts = count_cohort(real)
    assert counts["n_images"] == 950
    assert counts["n_xray"] == 866
    assert counts["n_xray_with_file"] == 851
    assert counts["n_patients"] == 449
    assert counts["n_missing"] == 15
    assert counts["n_unreadable"] == counts["n_outside"] == 0
    frontal = real.select_xrays().select_frontal()
    usable = frontal.select_usable_finding()
    assert (usable.n_images, usable.n_patients) == (697, 423)
    assert frontal.select_views(["PA", "AP"]).n_images == 547
    assert usable.select_views(["PA", "AP"]).n_images == 535
    assert usable.table["country"].nunique() == 41
    known = real.table[real.table["country"] != "Unknown"]
    assert (known["region"] != "Unknown").all()


def test_real_annotations(real) -> None:
    """93 scored names have a row, 90 of them are PA or AP."""
    scored = real.table[real.table["geographic_mean"].notna()]
    assert len(scored) == 93
    assert scored["view"].isin(["PA", "AP"]).sum() == 90


def test_real_persons(real) -> None:
    """The seven known pairs of ids, five more of the same films, and no others.

    193 and 195: sternal wires and ribs lie on each other, one is cropped, each has an arrow of its
    own. 30 and 31: the second film of 31 is that of 30 without its black margin; both bear the same
    window, "W 2108 : L 2723".
    """
    person = dict(zip(real.table["patient_id"], real.table["person_id"], strict=True))
    known = {"178": "97", "462": "87", "446": "142", "448": "176", "201": "78", "450": "100"}
    known |= {"425d": "423a"}
    found = {"422": "321", "202": "137", "196": "192", "195": "193", "31": "30"}
    merged = {patient: p for patient, p in person.items() if patient != p}
    assert merged == known | found
    assert (real.n_patients, real.n_persons) == (449, 437)


def test_real_problems(real) -> None:
    """15 missing files in one line, 5 spilled notes, 7 annotations without an image or a box."""
    assert "15 of 866 X-rays have no file" in real.problems["problem"].tolist()
    assert len(list_missing_files(real)) == 15
    assert real.problems["file"].value_counts().to_dict() == {
        "metadata.csv": 6,
        "annotations/imageannotation_ai_lung_bounding_boxes.json": 3,
        "annotations/lungVAE-masks": 3,
        "annotations/covid-severity-scores.csv": 1,
    }


def test_planted_text_without_encoding(tmp_path) -> None:
    """Half a surrogate pair in planted.json reaches neither screen nor file."""
    root = make_cohort(tmp_path / "c")
    (root / "planted.json").write_text('{"name": "a\\ud800\\n b", "story": {"x": "\\udfff"}}')
    cohort = load_cohort(root)
    assert cohort.name == "a? b"
    assert cohort.planted["story"] == {"x": "?"}


def test_duplicates_within_an_id_must_be_closer(tmp_path, monkeypatch) -> None:
    """What agrees too little for a copy of one patient is enough for one person of two ids."""
    film = draw_film(1)
    images = {"a.png": film, "b.png": cut(film, 0.1, 0.0, 0.05, 0.1)}
    monkeypatch.setattr(near_duplicates, "MIN_AGREEMENT_WITHIN", 1.01)
    for ids, n_pairs in ((("1", "1"), 0), (("1", "2"), 1)):
        rows = [{"patientid": i, "filename": n} for i, n in zip(ids, images, strict=True)]
        cohort = load_cohort(make_cohort(tmp_path / "".join(ids), rows, images=images))
        assert (len(cohort.duplicates), cohort.n_persons) == (n_pairs, 1)
