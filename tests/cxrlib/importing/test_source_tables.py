"""Tests of reading tables: encodings, separators, joins, what is left out and named."""

import gzip
from pathlib import Path

import pytest

from cxrlib.errors import CohortError
from cxrlib.importing.source_tables import JoinedTables
from tests.source_factory import name_mapping, write_table

ONE = "[[table]]\nfile = 'a.*'\n{more}\n[columns]\npatientid = 'id'\nfilename = 'film'\n"
ROWS = [{"id": "1", "film": "a", "note": "Größe – 5 µm"}, {"id": "2", "film": "b", "note": ""}]


def read(root: Path, text: str) -> tuple[JoinedTables, list[list[str]]]:
    """Read the joined rows of a source."""
    tables = JoinedTables(root, name_mapping(text).mapping)
    return tables, [cells for _, cells in tables.read_rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_read_rows_finds_encoding_and_separator(tmp_path, encoding, delimiter, name) -> None:
    """The same rows are read whatever the file is written in."""
    write_table(tmp_path / name, ROWS, encoding=encoding, delimiter=delimiter)
    _, rows = read(tmp_path, ONE.format(more=""))
    assert rows == [list(row.values()) for row in ROWS]


def test_read_rows_takes_latin_where_windows_has_no_sign(tmp_path) -> None:
    """A byte that Windows-1252 lacks does not stop the reading."""
    (tmp_path / "a.csv").write_bytes(b"id,film\n1,caf\xe9\x81\n")
    tables, rows = read(tmp_path, ONE.format(more=""))
    assert rows == [["1", "café\x81"]]
    assert tables.counts[0].encoding == "latin-1"


def test_read_rows_takes_the_named_encoding(tmp_path) -> None:
    """A named encoding counts; one that does not fit is said, with what to do."""
    write_table(tmp_path / "a.csv", [{"id": "ж", "film": "x"}], encoding="koi8-r")
    assert read(tmp_path, ONE.format(more="encoding = 'koi8-r'"))[1] == [["ж", "x"]]
    with pytest.raises(CohortError, match="Name another"):
        read(tmp_path, ONE.format(more="encoding = 'utf-8'"))
    with pytest.raises(CohortError, match="unknown encoding"):
        read(tmp_path, ONE.format(more="encoding = 'klingon'"))


def test_read_rows_counts_what_does_not_fit(tmp_path) -> None:
    """Blank, short and long rows are counted; no cell is lost."""
    (tmp_path / "a.csv").write_text('id,film,note\n1,a\n\n , ,\n2,b,x,y,\n"3\n3",c,z\n')
    tables, rows = read(tmp_path, ONE.format(more=""))
    assert rows == [["1", "a", ""], ["2", "b", "x, y"], ["3\n3", "c", "z"]]
    counts = tables.counts[0]
    assert (counts.n_rows, counts.n_blank, counts.n_short, counts.n_long) == (3, 2, 1, 1)


def test_read_rows_takes_long_cells(tmp_path) -> None:
    """A report may be longer than the limit that Python sets."""
    write_table(tmp_path / "a.csv", [{"id": "1", "film": "x" * 300_000}])
    assert len(read(tmp_path, ONE.format(more=""))[1][0][1]) == 300_000


def test_header_names_are_made_distinct(tmp_path) -> None:
    """A name that comes twice, or none, is still a column."""
    (tmp_path / "a.csv").write_text(",id,id,film\n0,1,2,x\n")
    tables, _ = read(tmp_path, ONE.format(more=""))
    assert list(tables.header) == ["column 1", "id", "id (2)", "film"]


def test_find_table_refuses_what_is_not_one(tmp_path) -> None:
    """No file, several files, a spreadsheet and a damaged archive are said as such."""
    with pytest.raises(CohortError, match=r"no file 'a\.\*'.*no table"):
        read(tmp_path, ONE.format(more=""))
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04")
    with pytest.raises(CohortError, match="spreadsheet or a zip"):
        read(tmp_path, ONE.format(more=""))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,film\n" * 999)[:-9])
    with pytest.raises(CohortError, match="2 files fit"):
        read(tmp_path, ONE.format(more=""))
    (tmp_path / "a.csv").unlink()
    with pytest.raises(CohortError, match="cannot be read"):
        read(tmp_path, ONE.format(more=""))


@pytest.mark.parametrize("name", ["../a.csv", "/etc/passwd", "x/../../a.csv"])
def test_find_table_stays_within_the_source(tmp_path, name) -> None:
    """A mapping reads no file outside of the source."""
    write_table(tmp_path / "a.csv", ROWS)
    (tmp_path / "in").mkdir()
    with pytest.raises(CohortError, match="leaves the source"):
        read(tmp_path / "in", ONE.replace("a.*", name).format(more=""))
    (tmp_path / "in" / "a.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(CohortError, match="has no file"):
        read(tmp_path / "in", ONE.format(more=""))


JOINED = """
[[table]]
file = "films.csv"
[[table]]
file = "people.tsv"
by = {{ who = "id" }}
{more}
[columns]
patientid = "id"
filename = "film"
"""


def test_read_rows_joins_by_key(tmp_path) -> None:
    """Each film has its person's cells beside it; keys without a film, and repeated, are named."""
    films = [{"id": i, "film": f"f{i}"} for i in ("1", "2", "1", "", "9")]
    people = [
        {"who": w, "born": b} for w, b in (("2", "20"), ("1", "10"), ("1", "11"), ("5", "50"))
    ]
    write_table(tmp_path / "films.csv", films)
    write_table(tmp_path / "people.tsv", people, delimiter="\t")
    tables, rows = read(tmp_path, JOINED.format(more=""))
    assert [row[2] for row in rows] == ["10", "20", "10", "", ""]
    counts = tables.counts[1]
    assert (counts.n_rows, counts.n_repeated, counts.n_unused) == (4, 1, 1)
    assert any("'5'" in words for words in counts.examples["a key that no image has: left out"])


def test_read_rows_joins_like_a_plain_merge(tmp_path) -> None:
    """The same rows come from a slow reference: a dictionary for each table."""
    films = [{"id": str(i % 7), "film": f"f{i}", "day": i} for i in range(60)]
    people = [{"who": str(i), "born": str(1900 + i), "ward": "ab"[i % 2]} for i in range(6)]
    write_table(tmp_path / "films.csv", films)
    write_table(tmp_path / "people.tsv", people, delimiter="\t")
    _, rows = read(tmp_path, JOINED.format(more=""))
    by_id = {row["who"]: [row["born"], row["ward"]] for row in people}
    wanted = [[*map(str, film.values()), *by_id.get(film["id"], ["", ""])] for film in films]
    assert rows == wanted


def test_joined_tables_refuse_wrong_keys_and_loops(tmp_path) -> None:
    """A key that is not there, a column that two tables have, tables that wait for each other."""
    write_table(tmp_path / "films.csv", [{"id": "1", "film": "a"}])
    write_table(tmp_path / "people.tsv", [{"who": "1", "film": "b", "x": "c"}], delimiter="\t")
    with pytest.raises(CohortError, match=r"column 'film', as a table above.*prefix"):
        read(tmp_path, JOINED.format(more=""))
    with pytest.raises(CohortError, match="'what', a column that it lacks"):
        read(tmp_path, JOINED.replace("who =", "what =").format(more=""))
    with pytest.raises(CohortError, match="no table above it has"):
        read(tmp_path, JOINED.replace('"id" }', '"no" }').format(more="prefix = 'p '"))
    loop = JOINED.replace('"id" }', '"y" }').format(
        more="prefix = 'p '\n[[table]]\nfile = 'more.csv'\nby = { z = 'p x' }"
    )
    write_table(tmp_path / "more.csv", [{"z": "1", "y": "2"}])
    with pytest.raises(CohortError, match=r"more\.csv has it, which comes later"):
        read(tmp_path, loop)


def test_read_rows_reads_many_files_as_one_table(tmp_path) -> None:
    """With all = true files of one table come one after another; other columns are refused."""
    for i in (1, 2):
        write_table(tmp_path / f"s{i}" / "a.csv", [{"id": str(i), "film": f"f{i}"}])
    text = ONE.replace("a.*", "*/a.csv")
    _, rows = read(tmp_path, text.format(more="all = true"))
    assert rows == [["1", "f1"], ["2", "f2"]]
    write_table(tmp_path / "s2" / "a.csv", [{"id": "1", "film": "x", "more": "y"}])
    with pytest.raises(CohortError, match="same columns"):
        read(tmp_path, text.format(more="all = true"))


def test_read_rows_lists_files_by_the_parts_of_their_paths(tmp_path) -> None:
    """Rows can be the files themselves; one without the parts is counted."""
    for name in ("p1/a.png", "p2/b.png", "x/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    text = ONE.replace("a.*", "*/*.png").replace("'film'", "'path'")
    tables, rows = read(tmp_path, text.format(more="parts = '(?P<id>p[0-9]+)/'"))
    assert rows == [["p1/a.png", "p1"], ["p2/b.png", "p2"]]
    assert tables.counts[0].n_blank == 1
