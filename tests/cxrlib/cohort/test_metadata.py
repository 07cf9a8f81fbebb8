"""metadata.csv is read whatever it is like, and what was mended is written down."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import METADATA_FILE, ProblemLog, parse_number
from cxrlib.cohort.input_problems import PROBLEM_COLUMNS
from cxrlib.cohort.metadata import Records, read_records, type_records
from cxrlib.errors import CohortError
from tests.cohort_factory import HEADER, fill_row, format_csv


def read(root: Path, content: str | bytes) -> tuple[Records, pd.DataFrame]:
    """Write the file, read it, return its records and the problems."""
    data = content.encode() if isinstance(content, str) else content
    (root / METADATA_FILE).write_bytes(data)
    problems = ProblemLog()
    return read_records(root, problems), problems.to_table()


def load(root: Path, *rows: dict[str, object]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write rows, read and type them, return the table and the problems."""
    content = format_csv(fill_row(row, i) for i, row in enumerate(rows, start=1))
    (root / METADATA_FILE).write_text(content, encoding="utf-8")
    problems = ProblemLog()
    table = type_records(read_records(root, problems), problems)
    return table, problems.to_table()


# ---- a file that says nothing


def test_no_folder(tmp_path) -> None:
    """The message names the folder and what would be right."""
    with pytest.raises(CohortError, match=r"no folder .*nowhere.*\. Give the folder"):
        read_records(tmp_path / "nowhere", ProblemLog())


def test_a_file_is_no_folder(tmp_path) -> None:
    """Pointing at metadata.csv itself is told."""
    (tmp_path / METADATA_FILE).write_text("patientid,filename\n1,a.png\n")
    with pytest.raises(CohortError, match="not a folder"):
        read_records(tmp_path / METADATA_FILE, ProblemLog())


def test_no_metadata(tmp_path) -> None:
    """Without the file, a folder below that has one is named."""
    with pytest.raises(CohortError, match=r"holds no file metadata\.csv\. A cohort is"):
        read_records(tmp_path, ProblemLog())
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / METADATA_FILE).touch()
    with pytest.raises(CohortError, match="folder 'inner': give that"):
        read_records(tmp_path, ProblemLog())


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \r\n , ,\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty(tmp_path, content) -> None:
    """Nothing at all, blank lines, a mark alone."""
    with pytest.raises(CohortError, match="is empty"):
        read(tmp_path, content)


def test_header_only(tmp_path) -> None:
    """A header without rows."""
    with pytest.raises(CohortError, match="a header and no rows"):
        read(tmp_path, ",".join(HEADER) + "\n\n,,\n")


def test_essential_columns(tmp_path) -> None:
    """Without patient ids or file names there is no cohort; other delimiters are guessed."""
    with pytest.raises(
        CohortError, match=r"lacks the column filename\. It begins with 'patientid'"
    ):
        read(tmp_path, "patientid,age\n1,50\n")
    with pytest.raises(CohortError, match=r"patientid and filename.*separated by ';'"):
        read(tmp_path, "patientid;filename;age\n1;a.png;50\n")


def test_other_kinds_of_files(tmp_path) -> None:
    """A spreadsheet and an image are no tables."""
    with pytest.raises(CohortError, match="spreadsheet or a zip file"):
        read(tmp_path, b"PK\x03\x04rest")
    with pytest.raises(CohortError, match="lacks the column"):
        read(tmp_path, b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    (tmp_path / METADATA_FILE).unlink()
    (tmp_path / METADATA_FILE).mkdir()
    with pytest.raises(CohortError, match="holds no file"):
        read_records(tmp_path, ProblemLog())


# ---- encodings


TEXT = "patientid,filename,location,finding\n1,a.png,Málaga,x\n2,b.png,Köln,y\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf8(tmp_path, encoding) -> None:
    """UTF-8 with and without its mark is nothing to write about."""
    records, problems = read(tmp_path, TEXT.encode(encoding))
    assert records.table["location"].tolist() == ["Málaga", "Köln"]
    assert problems["problem"].str.endswith("columns of the form missing").tolist() == [True]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16(tmp_path, encoding) -> None:
    """UTF-16 is known by its mark or its NUL bytes."""
    records, problems = read(tmp_path, TEXT.encode(encoding))
    assert records.table["location"].tolist() == ["Málaga", "Köln"]
    assert problems["problem"][0].startswith("the file is UTF-16")
    with pytest.raises(CohortError, match="looks like UTF-16"):
        read(tmp_path, TEXT.encode("utf-16") + b"\x00")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_latin1(tmp_path, mark) -> None:
    """The first byte that is no UTF-8 is named with its row."""
    data = mark + TEXT.encode("latin-1")
    records, problems = read(tmp_path, data)
    assert records.table["location"].tolist() == ["Málaga", "Köln"]
    line = problems[problems["row"].notna()].iloc[0]
    assert line["problem"] == f"byte {data.index(0xE1)} (0xE1) is not UTF-8"
    assert "Windows-1252" in line["action"]
    assert line["row"] == 2


def test_latin1_with_gaps(tmp_path) -> None:
    """Bytes that Windows-1252 leaves open do not stop the reading."""
    records, problems = read(tmp_path, b"patientid,filename\n1,\x81\xe9.png\n")
    assert records.table["filename"].tolist() == ["\x81é.png"]
    assert problems["action"].str.contains("Latin-1").any()


def test_mixed_encoding_in_a_later_row(tmp_path) -> None:
    """The row counts records, not lines."""
    text = b'patientid,filename,clinical_notes\n1,a.png,"two\nlines"\n2,b.png,caf\xe9\n'
    _, problems = read(tmp_path, text)
    assert problems.loc[problems["problem"].str.startswith("byte"), "row"].tolist() == [3]


# ---- records


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path) -> None:
    """A quoted cell of several lines is one row; a blank row counts and is written down."""
    text = 'patientid,filename,clinical_notes\n1,a.png,"one\n\ntwo"\n\n2,b.png,\n,,\n3,c.png,\n\n'
    records, problems = read(tmp_path, text)
    assert records.rows == [2, 4, 6]
    assert records.table["clinical_notes"][0] == "one\n\ntwo"
    blank = problems[problems["problem"] == "the row is blank"]
    assert blank["row"].tolist() == [3, 5]


def test_ragged_rows(tmp_path) -> None:
    """Short rows are filled, long ones keep their text in other_notes."""
    text = "patientid,filename,other_notes\n1\n2,b.png,note,more, and more \n3,c.png,\n4,d.png\n"
    records, problems = read(tmp_path, text)
    assert records.table["filename"].tolist() == ["", "b.png", "c.png", "d.png"]
    assert records.table["other_notes"].tolist() == ["", "note, more, and more", "", ""]
    lines = problems[problems["row"].notna()]
    assert lines["row"].tolist() == [2, 3, 5]
    assert lines["problem"].tolist() == [
        "the row has 1 cells, the header 3",
        "text in a column without a name",
        "the row has 2 cells, the header 3",
    ]


def test_spilled_text_without_other_notes(tmp_path) -> None:
    """Text beyond the header is kept though the file has no column for it."""
    records, _ = read(tmp_path, "patientid,filename,\n1,a.png,spilled\n2,b.png,\n")
    table = type_records(records, ProblemLog())
    assert table["other_notes"].tolist()[0] == "spilled"
    assert table["other_notes"].isna().tolist() == [False, True]


def test_header_spellings(tmp_path) -> None:
    """Case, blanks and older names of columns; strangers and repeats are written down."""
    text = "PatientID, Filename ,clinical notes,wbc count,po2 saturation,mood,filename\n"
    records, problems = read(tmp_path, text + "1,a.png,well,7.5,97,good,z.png\n")
    assert records.table.iloc[0].to_dict() == {
        "patientid": "1",
        "filename": "a.png",
        "clinical_notes": "well",
        "leukocyte_count": "7.5",
        "pO2_saturation": "97",
        "extra:mood": "good",
        "extra:filename (2)": "z.png",
    }
    done = problems.set_index("column")["action"]
    assert "mood" not in done  # kept, typed and listed among the extra columns: no problem
    assert done["filename"].endswith("this is kept as the extra column 'filename (2)'")
    said = problems.set_index("column")["problem"]
    assert said["filename"] == "the column appears twice"
    assert said[""] == "23 columns of the form missing"


def test_unclosed_quote(tmp_path) -> None:
    """A quote that swallows the rest is named with its row."""
    _, problems = read(tmp_path, 'patientid,filename\n1,a.png\n2,"b.png\n3,c.png\n')
    line = problems[problems["problem"].str.contains("quote")].iloc[0]
    assert line["row"] == 3


def test_long_cell(tmp_path) -> None:
    """A note beyond the csv module's limit is read, and the limit is put back."""
    limit = csv.field_size_limit()
    note = "long " * 50_000
    records, _ = read(tmp_path, f"patientid,filename,clinical_notes\n1,a.png,{note}\n")
    assert records.table["clinical_notes"][0] == note.strip()
    assert csv.field_size_limit() == limit


# ---- types


def test_types(tmp_path) -> None:
    """Each column has its type, whatever the values."""
    table, problems = load(tmp_path, {"age": 65, "sex": "M", "survival": "Y"}, {})
    assert problems.empty
    assert tuple(problems.columns) == PROBLEM_COLUMNS
    assert str(table["age"].dtype) == "Float64"
    assert table["age"].tolist() == [65.0, pd.NA]
    assert table["survival"].tolist() == ["yes", "not recorded"]
    assert list(table["survival"].cat.categories) == ["yes", "no", "unclear", "not recorded"]
    assert table["sex"].isna().tolist() == [False, True]
    assert table["is_xray"].dtype == bool
    assert table["row"].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("38", 38.0),
        ("-360", -360.0),
        (" 0.5 ", 0.5),
        (".5", 0.5),
        ("1e2", 100.0),
        ("+7.", 7.0),
        ("38,5", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1_000", None),
        ("0x10", None),
        ("٣", None),
        ("3 days", None),
        ("-", None),
        ("", None),
    ],
)
def test_parse_number(cell, number) -> None:
    """Plain decimals only."""
    assert parse_number(cell) == number


def test_cells_that_are_not_understood(tmp_path) -> None:
    """Each is written down with row, column, value and what is done; the row stays."""
    table, problems = load(
        tmp_path,
        {},
        {
            "offset": "a few",
            "age": "of age",
            "survival": "perhaps",
            "sex": "X",
            "view": "oblique",
            "modality": "MRI",
        },
    )
    assert len(table) == 2
    assert set(problems["row"]) == {3}
    assert dict(zip(problems["column"], problems["value"], strict=True)) == {
        "offset": "a few",
        "age": "of age",
        "survival": "perhaps",
        "sex": "X",
        "view": "oblique",
        "modality": "MRI",
    }
    assert problems["action"].str.len().gt(0).all()
    last = table.iloc[1]
    assert last[["offset", "age", "sex"]].isna().all()
    assert last["survival"] == "not recorded"
    assert (last["view"], last["modality"], last["is_xray"]) == ("oblique", "MRI", False)


def test_words(tmp_path) -> None:
    """Case and blanks make no difference, "unclear" is not "not recorded"."""
    table, problems = load(
        tmp_path,
        {"RT_PCR_positive": "Unclear", "in_icu": " y ", "sex": "female", "view": "aps"},
        {"RT_PCR_positive": "", "in_icu": "NO", "sex": "m", "view": "ap  supine"},
        {"modality": "xray", "view": "l"},
    )
    assert problems.empty
    assert table["RT_PCR_positive"].tolist()[:2] == ["unclear", "not recorded"]
    assert table["in_icu"].tolist() == ["yes", "no", "not recorded"]
    assert table["sex"].tolist()[:2] == ["F", "M"]
    assert table["view"].tolist() == ["AP Supine", "AP Supine", "L"]
    assert table["is_xray"].all()


def test_blank_text_is_missing(tmp_path) -> None:
    """Blank and missing are the same thing in text columns; file names stay text."""
    table, _ = load(tmp_path, {"license": " ", "clinical_notes": "", "finding": " Pneumonia "})
    assert table[["license", "clinical_notes", "location", "date"]].isna().all(axis=None)
    assert table["finding"].tolist() == ["Pneumonia"]


def test_repeated_file_names(tmp_path) -> None:
    """Every row has an id of its own; the first keeps the name."""
    names = ["a.png", "a.png", "a.png#3", "", "a.png", "#5"]
    table, problems = load(tmp_path, *({"filename": name} for name in names))
    assert table["image_id"].is_unique
    assert table["image_id"].tolist() == ["a.png", "a.png#3#", "a.png#3", "#5#", "a.png#6", "#5"]
    assert problems["row"].tolist() == [3, 6]


def test_blank_patient_ids(tmp_path) -> None:
    """Rows without an id are not one patient."""
    table, problems = load(tmp_path, {"patientid": ""}, {"patientid": " "}, {"patientid": "311a"})
    assert table["patient_id"].tolist() == ["(row 2)", "(row 3)", "311a"]
    assert problems["row"].tolist() == [2, 3]


def test_modality_not_recorded(tmp_path) -> None:
    """Views that only X-rays have tell them; a file without the column says it once."""
    rows = [{"modality": "", "view": view} for view in ("PA", "L", "Axial", "")]
    table, problems = load(tmp_path, *rows)
    assert table["is_xray"].tolist() == [True, True, False, False]
    assert len(problems) == 1
    table, problems = load(tmp_path, *rows, {"modality": "CT"})
    assert table["is_xray"].tolist() == [True, True, False, False, False]
    assert problems["row"].tolist() == [2, 3, 4, 5]


def test_article_and_source(tmp_path) -> None:
    """DOIs have no case; the site is the host without www."""
    table, _ = load(
        tmp_path,
        {"doi": "10.1056/NEJMoa1 ", "url": "https://www.nejm.org/doi/x"},
        {"doi": "https://doi.org/10.1056/nejmoA1", "url": "http://[broken"},
        {"url": "https://radiopaedia.org/cases/1"},
        {"url": "radiopaedia.org:443/cases"},
        {},
    )
    assert table["article"].tolist()[:3] == [
        "10.1056/nejmoa1",
        "10.1056/nejmoa1",
        "https://radiopaedia.org/cases/1",
    ]
    assert table["source"].tolist()[0] == "nejm.org"
    assert table["source"].tolist()[2:4] == ["radiopaedia.org", "radiopaedia.org"]
    assert table["source"].isna().tolist() == [False, True, False, False, True]
    assert table["article"].isna().tolist() == [False] * 4 + [True]


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JavaScript:alert(1)//a.org", "java\tscript:alert(1)"),
        *("data:text/html,<b>x</b>", "vbscript:x", "file:///etc/passwd", "ftp://a.org/x"),
        *("mailto:a@b.org", "blob:https://a.org/x", "https://", "https://<b>.org/x", "//"),
    ],
)
def test_what_is_no_web_address_has_no_source(tmp_path, url) -> None:
    """A script, data or a file names no site, and no article; file, row and value are told."""
    table, problems = load(tmp_path, {}, {"url": url}, {"url": url, "doi": "10.1/a"})
    assert table["source"].isna().all()
    assert table["article"].isna().tolist() == [True, True, False]
    told = problems.query("column == 'url'")
    assert told["row"].tolist() == [3, 4]
    assert told["file"].unique().tolist() == ["metadata.csv"]
    assert told["action"].str.contains("read as not recorded").all()
    assert told["value"].iloc[0] == url.replace("\t", "\\t")


@pytest.mark.parametrize("words", ["personal communication", "see Fig. 2", "Smith 2020: a case"])
def test_words_in_place_of_an_address_name_an_article(tmp_path, words) -> None:
    """They group images as an address does, but are no site."""
    table, problems = load(tmp_path, {"url": words})
    assert table["article"].tolist() == [words]
    assert table["source"].isna().all()
    assert "kept as the article" in problems["action"].iloc[-1]


@pytest.mark.parametrize("url", ["eurorad.org/case/1", "//eurorad.org", "HTTP://www.eurorad.org"])
def test_addresses_of_the_web_have_a_source(tmp_path, url) -> None:
    """With or without what stands before the host; nothing is told."""
    table, problems = load(tmp_path, {"url": url})
    assert table["source"].tolist() == ["eurorad.org"]
    assert problems.query("column == 'url'").empty


@pytest.mark.parametrize(
    "before",
    [
        *("", "doi:", "doi: ", "DOI: https://doi.org/", "doi.org/", "www.doi.org/", "dx.doi.org/"),
        *("https://www.doi.org/", "http://dx.doi.org/", "HTTPS://DOI.ORG/"),
    ],
)
def test_an_article_has_one_name(tmp_path, before) -> None:
    """However its DOI is written: sources and guards count it once."""
    table, _ = load(tmp_path, {"doi": f"{before}10.1056/NEJMoa1"})
    assert table["article"].tolist() == ["10.1056/nejmoa1"]


def test_random_damage_never_raises_for_a_row(tmp_path) -> None:
    """Bytes changed at random: a whole-file error or a table, and no row is lost silently."""
    rng = np.random.default_rng(0)
    rows = [{"age": 50 + i, "clinical_notes": 'a "quoted", note\nof lines'} for i in range(8)]
    whole = format_csv(fill_row(row, i) for i, row in enumerate(rows)).encode()
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 13)):
            data[rng.integers(len(data))] = rng.choice(list(b'",\n\r\x00\xff\xe9a'))
        (tmp_path / METADATA_FILE).write_bytes(bytes(data))
        problems = ProblemLog()
        try:
            records = read_records(tmp_path, problems)
        except CohortError:
            continue
        table = type_records(records, problems)
        assert len(table) == len(records.rows)
        assert table["image_id"].is_unique
        if len(table) < len(rows):
            assert not problems.to_table().empty


def test_real_collection(real_root) -> None:
    """950 rows; only the spilled notes of five rows need a word."""
    problems = ProblemLog()
    table = type_records(read_records(real_root, problems), problems)
    said = problems.to_table()
    assert len(table) == 950
    assert int(table["is_xray"].sum()) == 866
    assert table.loc[table["is_xray"], "patient_id"].nunique() == 449
    assert said["row"].tolist() == [811, 812, 813, 814, 815]
    notes = table.loc[table["row"] == 811, "other_notes"].item()
    assert notes.startswith("Chest X-ray, frontal projection at day of presentation")
    pcr = table.loc[table["is_xray"], "RT_PCR_positive"].value_counts()
    assert pcr.to_dict() == {"not recorded": 357, "yes": 315, "unclear": 194, "no": 0}
    assert int(table.loc[table["is_xray"], "offset"].isna().sum()) == 206
    assert int(table.loc[table["is_xray"], "license"].isna().sum()) == 236


def test_folder_name_that_the_system_refuses() -> None:
    """A name too long for the file system is no traceback."""
    with pytest.raises(CohortError, match="its name is too long"):
        read_records(Path("x" * 5000), ProblemLog())


def test_absurdly_many_columns(tmp_path) -> None:
    """A line of commas is refused at once, and a message never repeats a long line."""
    header = "patientid,filename" + ",a" * 200_000
    with pytest.raises(CohortError, match=r"has 200,002 columns; at most 1,000"):
        read(tmp_path, f"{header}\n1,a.png\n")
    with pytest.raises(CohortError, match="lacks the columns patientid and filename") as caught:
        read(tmp_path, "x" * 1_000_000 + "\n1\n")
    assert len(str(caught.value)) < 500


def test_numbers_beyond_all_sense(tmp_path) -> None:
    """An age of 300 and a day of 1e308 are slips: not recorded, and written down."""
    cells = [
        {"age": "-5", "offset": "1e308"},
        {"age": "300", "offset": "-1e308", "leukocyte_count": "1e300"},
        {"age": "0", "offset": "-360"},
        {"age": "109", "offset": "365"},
    ]
    table, problems = load(tmp_path, *cells)
    assert table["age"].isna().tolist() == [True, True, False, False]
    assert table["offset"].isna().tolist() == [True, True, False, False]
    assert table["leukocyte_count"].isna().all()
    assert len(problems) == 5
    assert (problems["problem"] == "not a number from 0 to 130").sum() == 2
