"""Records: all that is known of a patient, nothing of another, nothing that takes effect."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxrlib import NOTICE
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.cohort.cohort import COLUMNS
from cxrlib.errors import SelectionError
from cxrlib.quality import find_flags
from cxrlib.reports import TITLES, find_images, record_csv, record_json, record_table
from cxrlib.reports.patient_record import FACTS, list_same_person
from tests.cohort_factory import draw_image, make_cohort

NOTE = '</script><script>alert("x")</script> **bold** & more\nsecond line, "quoted"'
HOSTILE = "=HYPERLINK(1) <b> / \x07;=1+1"
ROWS: list[dict[str, object]] = [
    {"patientid": "a", "offset": 3, "survival": "Y", "age": 50, "license": "CC BY-NC-SA 4.0"},
    {"patientid": "a", "offset": -2, "survival": "N", "temperature": 101, "license": "CC BY"},
    {"patientid": "a", "view": "L", "pO2_saturation": 91.5, "clinical_notes": NOTE},
    {"patientid": "b", "offset": 5, "license": "CC BY-NC-ND", "filename": "gone.png"},
    {"patientid": HOSTILE, "offset": 1, "license": "=1+1", "doi": "@x", "other_notes": "-2+3"},
    {"patientid": "c", "modality": "CT", "view": "Axial", "filename": "c.nii"},
    {"patientid": "twin", "offset": 9, "filename": "copy.png"},
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a cohort of four patients; one image stands under two ids."""
    images = {f"image{i}.png": draw_image(i) for i in (1, 2, 3, 5)} | {"copy.png": draw_image(1)}
    return load_cohort(make_cohort(tmp_path_factory.mktemp("records") / "c", ROWS, images=images))


def read_strictly(data: bytes) -> dict[str, Any]:
    """Read JSON that holds no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    answer: dict[str, Any] = json.loads(data, parse_constant=refuse)
    return answer


def read_csv(data: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """Part a CSV into its header lines and rows."""
    lines = data.decode().splitlines(keepends=True)
    n = next(i for i, line in enumerate(lines) if not line.startswith("# "))
    return lines[:n], list(csv.DictReader(io.StringIO("".join(lines[n:]))))


def test_images_stand_by_day_and_only_the_patients_own(cohort: Cohort) -> None:
    """Undated last; CT is no X-ray; an unknown id says which is near."""
    assert find_images(cohort, "a")["image_id"].tolist() == [
        "image2.png",
        "image1.png",
        "image3.png",
    ]
    for patient in ("c", "A", "", "a ", "x" * 10_000):
        with pytest.raises(SelectionError, match="is not among the") as caught:
            find_images(cohort, patient)
        assert len(str(caught.value)) < 300
    with pytest.raises(SelectionError, match="Did you mean 'twin'"):
        find_images(cohort, "twins")


def test_the_order_of_rows_changes_nothing(cohort: Cohort) -> None:
    """Days and rows of the file decide."""
    turned = cohort.select(pd.Series(True, index=cohort.table.index), "all")
    turned = Cohort(**{**vars(turned), "table": turned.table[::-1].reset_index(drop=True)})
    expected = record_table(cohort, "a", find_flags(cohort))
    pd.testing.assert_frame_equal(record_table(turned, "a", find_flags(cohort)), expected)


def test_a_table_holds_every_column_and_the_flags(cohort: Cohort) -> None:
    """What the cohort's table has, and what is added; no flag is lost."""
    table = record_table(cohort, "a")
    added = ("same_person_as", "flags", "licence", "passing_on", "credit")
    assert tuple(table.columns) == (*COLUMNS, *added)
    ledger = find_flags(cohort).table
    for row in table.to_dict("records"):
        own = set(ledger.loc[ledger["image_id"] == row["image_id"], "rule"])
        assert set(filter(None, row["flags"].split("; "))) == own
    assert table["passing_on"].tolist() == ["changed copies", "changed copies", "nothing"]
    assert record_table(cohort, "b")["passing_on"].tolist() == ["unchanged copies only"]


def test_ids_of_one_person_name_each_other(cohort: Cohort) -> None:
    """A copy of an image under another id; an uninspected cohort knows none."""
    assert list_same_person(cohort, "a") == ["twin"]
    assert list_same_person(cohort, "twin") == ["a"]
    assert list_same_person(cohort, "b") == []
    assert set(record_table(cohort, "a")["same_person_as"]) == {"twin"}
    blind = load_cohort(cohort.root, inspect_images=False)
    assert list_same_person(blind, "a") == []
    assert read_strictly(record_json(blind, "a"))["patient"]["person_id"] is None


def test_a_csv_says_where_it_is_from(cohort: Cohort) -> None:
    """Notice, fingerprint, licences with their counts, the meaning of each flag."""
    header, rows = read_csv(record_csv(cohort, "a"))
    text = "".join(header)
    assert header[0] == f"# {NOTICE}\n"
    assert cohort.fingerprint in text
    assert "Licences of 3 images" in text
    assert "Non-commercial: 1 of 3 images; share alike: 1" in text
    assert "no licence, not to be passed on: 1" in text
    assert "CC BY-NC-SA 4.0: no commercial use, share alike" in text
    flags = {name for row in rows for name in row["flags"].split("; ") if name}
    assert flags
    for name in flags:
        assert f"# Flag '{name}' (" in text
    assert [row["image_id"] for row in rows] == ["image2.png", "image1.png", "image3.png"]
    assert rows[2]["clinical_notes"] == NOTE


def test_a_spreadsheet_runs_no_cell(cohort: Cohort) -> None:
    """Ids, licences, articles and notes that look like formulas; header lines too."""
    header, rows = read_csv(record_csv(cohort, HOSTILE))
    assert len(rows) == 1
    for cell in rows[0].values():
        assert not cell.startswith(("=", "+", "@", "-")), cell
    for line in header:
        parts = line.replace(";", ",").split(",")
        assert not any(part.strip().startswith(("=", "+", "@", "-")) for part in parts), line
    assert rows[0]["patient_id"].startswith("'=HYPERLINK")


def test_json_is_strict_and_inert(cohort: Cohort) -> None:
    """No NaN, no markup as it stands, all text comes back as it was."""
    for patient in ("a", "b", HOSTILE):
        data = record_json(cohort, patient)
        assert not {b"<", b">", b"&"} & {data[i : i + 1] for i in range(len(data))}
        data.decode("ascii")
        answer = read_strictly(data)
        assert answer["notice"] == NOTICE
        assert answer["patient"]["patient_id"] == patient
    notes = [image["clinical_notes"] for image in read_strictly(record_json(cohort, "a"))["images"]]
    assert notes == [None, None, NOTE]


def test_json_holds_what_the_table_holds(cohort: Cohort) -> None:
    """Slow reference: each cell, and each flag with its value."""
    answer = read_strictly(record_json(cohort, "a"))
    table = record_table(cohort, "a")
    ledger = find_flags(cohort).table
    for image, row in zip(answer["images"], table.to_dict("records"), strict=True):
        for column in COLUMNS:
            if pd.isna(row[column]):
                assert image[column] is None
            else:
                assert image[column] == row[column]
        own = ledger[ledger["image_id"] == row["image_id"]]
        columns = ["rule", "severity", "column", "value"]
        assert image["flags"] == own[columns].to_dict("records")
        assert image["licence"]["passing_on"] == row["passing_on"]
        assert image["credit"] == row["credit"]
        assert {flag["rule"] for flag in image["flags"]} <= set(answer["rules"])


def test_every_column_has_a_title_of_its_own(cohort: Cohort) -> None:
    """In words, so that a table of titles loses none."""
    columns = record_table(cohort, "a").columns
    assert set(TITLES) == set(columns)
    assert len(set(TITLES.values())) == len(TITLES)
    assert not [title for title in TITLES.values() if "_" in title]


def test_json_says_what_days_count_from(tmp_path: Path) -> None:
    """As the timeline does: one source is known; without a day there is nothing to count."""
    known = {"patientid": "known", "offset": 3, "doi": "10.6084/m9.figshare.12275009"}
    rows = [known, {"patientid": "other", "offset": 3}, {"patientid": "none"}]
    cohort = load_cohort(make_cohort(tmp_path, rows))
    said = {
        patient: read_strictly(record_json(cohort, patient))["patient"]["day_counts_from"]
        for patient in ("known", "other", "none")
    }
    assert said["known"].startswith("admission")
    assert "not recorded which" in said["other"]
    assert said["none"] is None


def test_undated_facts_keep_every_value(cohort: Cohort) -> None:
    """Contradictions stand side by side; nothing recorded is an empty list, not a no."""
    patient = read_strictly(record_json(cohort, "a"))["patient"]
    assert set(patient["facts"]) == set(FACTS)
    assert patient["facts"]["survival"] == ["no", "yes"]
    assert patient["facts"]["went_icu"] == []
    assert patient["facts"]["age"] == [50]
    assert patient["days"] == [-2, 3]
    assert (patient["n_images"], patient["same_person_as"]) == (3, ["twin"])
    assert read_strictly(record_json(cohort, "b"))["patient"]["n_images_with_file"] == 0


def test_laboratory_values_carry_unit_and_doubt(cohort: Cohort) -> None:
    """As on the page: a temperature in Fahrenheit, perhaps; a column that mixes units."""
    values = read_strictly(record_json(cohort, "a"))["laboratory"]
    assert values == [
        {
            "image_id": "image2.png",
            "day": -2,
            "name": "temperature",
            "value": 101,
            "unit": "°C",
            "doubt": "perhaps Fahrenheit",
        },
        {
            "image_id": "image3.png",
            "day": None,
            "name": "pO2_saturation",
            "value": 91.5,
            "unit": "%",
            "doubt": "the column mixes % and mmHg",
        },
    ]


def test_no_record_tells_where_the_folder_lies(cohort: Cohort) -> None:
    """Paths of this machine stay here."""
    for patient in ("a", "b", HOSTILE):
        for data in (record_csv(cohort, patient), record_json(cohort, patient)):
            assert str(cohort.root).encode() not in data


def test_patients_of_the_real_collection_have_records(real_root: Path) -> None:
    """No id, note or value of the real data breaks either form; one in forty is tried."""
    cohort = load_cohort(real_root, inspect_images=False)
    ledger = find_flags(cohort)
    xrays = cohort.table[cohort.table["is_xray"]]
    for patient in xrays["patient_id"].unique()[::40]:
        answer = read_strictly(record_json(cohort, patient, ledger))
        _, rows = read_csv(record_csv(cohort, patient, ledger))
        n_images = int((xrays["patient_id"] == patient).sum())
        assert len(rows) == len(answer["images"]) == n_images
