"""Feature files: plain tables of numbers, whoever wrote them; all else is refused in words."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxrlib.baselines.features import feature_files, features_from_matrix, read_feature_file
from cxrlib.errors import SelectionError
from cxrlib.reports import csv_with_header

IDS = ["a.png", "b c.png", "ü#1.png"]
VALUES = np.array([[1.5, -2e-9], [0.1, 3.0], [1 / 3, 1e11]])


def write_csv(folder: Path, text: str | bytes, name: str = "mine.csv") -> Path:
    """Write a text file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def encode_parquet(folder: Path, columns: object, name: str = "mine.parquet") -> Path:
    """Write a Parquet file of a dict of columns or a table."""
    path = folder / name
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
    return path


def refuse(path: Path, words: str) -> None:
    """Check that a file is refused with words that name it."""
    with pytest.raises(SelectionError, match=words) as caught:
        read_feature_file(path)
    assert repr(path.name) in str(caught.value)


# ---- what is read


def test_both_kinds_of_file_give_the_same_digits(tmp_path: Path) -> None:
    """Numbers come back to the last bit, from Parquet and from text, as from a matrix."""
    frame = pd.DataFrame({"x": VALUES[:, 0], "image_id": IDS, "y": VALUES[:, 1]})
    frame.to_csv(tmp_path / "mine.csv", index=False)
    frame.to_parquet(tmp_path / "mine.parquet", index=False)
    for name in ("mine.csv", "mine.parquet"):
        features = read_feature_file(tmp_path / name)
        assert (features.name, features.title, features.kind) == (name, name, "outside")
        assert features.image_ids == tuple(IDS)
        assert features.columns == ("x", "y")
        np.testing.assert_array_equal(features.matrix, VALUES)
        assert features.n_parameters == 3
        assert features.key == features_from_matrix(VALUES, IDS, ["x", "y"], name).key
        assert features.origin[0].startswith(f"Features from the file '{name}': 3 rows, 2 columns;")


def test_the_programs_own_exports_are_read(tmp_path: Path) -> None:
    """Comment lines above the header, as exports have them, are passed over."""
    frame = pd.DataFrame({"image_id": IDS, "x": VALUES[:, 0]})
    path = write_csv(tmp_path, csv_with_header(frame, ["Cohort: demo, of 3", "Not for diagnosis"]))
    assert read_feature_file(path).image_ids == tuple(IDS)


def test_types_of_numbers_become_floats(tmp_path: Path) -> None:
    """Integers, small floats, booleans and a column of text by dictionary are taken."""
    path = encode_parquet(
        tmp_path,
        {
            "image_id": pa.array(IDS).dictionary_encode(),
            "int": pa.array([1, 2, -3], pa.int64()),
            "large": pa.array([2**63, 0, 1], pa.uint64()),
            "half": pa.array(np.array([0.5, 1, 2], np.float16)),
            "flag": pa.array([True, False, True]),
        },
    )
    features = read_feature_file(path)
    assert features.missing == {"a.png": "column 'large' is 9.22337e+18, beyond the limit of 1e+12"}
    assert features.matrix.tolist() == [[2, 0, 1, 0], [-3, 1, 2, 1]]


def test_blanks_are_marked(tmp_path: Path) -> None:
    """A blank, NaN or infinite value keeps its image out, named with the column."""
    text = "image_id,x,y\na,1,\nb,NaN,2\nc,inf,2\nd,1e999,2\ne, 3 ,4\nf,N/A,null\n"
    expected = {
        "a": "column 'y' is nan",
        "b": "column 'x' is nan",
        "c": "column 'x' is inf",
        "d": "column 'x' is inf",
        "f": "column 'x' is nan",
    }
    features = read_feature_file(write_csv(tmp_path, text))
    assert (features.image_ids, features.missing) == (("e",), expected)
    nulls = {"image_id": ["a", "b"], "x": pa.array([1, None], pa.int32())}
    features = read_feature_file(encode_parquet(tmp_path, nulls))
    assert (features.image_ids, features.missing) == (("a",), {"b": "column 'x' is nan"})


# ---- what is refused: text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image_id,x\na,one\n", "row 2, column 'x': 'one' is not a number"),
        ("image_id\tx\na\t1\n", "is separated by tabs. Save it with commas"),
        ("image_id,x\na,1\nb,1_000\n", "row 3, column 'x': '1_000' is not a number"),
        ("image_id,x\na,١٢\n", "row 2, column 'x'"),
        ("image_id,x\na,0x1F\n", "'0x1F' is not a number"),
        ('image_id,x\na,"1,5"\n', "'1,5' is not a number"),
        ("image_id,x\na,=1+1\n", "'=1.1' is not a number"),
        ("image_id,x\na,1\nb,2\na,1\n", "image 'a' twice, in rows 2 and 4"),
        ("image_id,x\n,1\n", "row 2: image_id is blank"),
        ("image_id,x\n" + "a" * 300 + ",1\n", "row 2: image_id has 300 characters"),
        ("image_id,x\na,1,2\n", "row 2 has 3 values for 2 columns of the header in row 1"),
        ("image_id,x\na\n", "row 2 has 1 value for 2 columns"),
        ("# note\n# note\nimage_id,x\na,?\n", "row 4, column 'x'"),
        ("filename,x\na,1\n", "no column 'image_id'; its columns begin with 'filename', 'x'"),
        ("image id,x\na,1\n", "Did you mean 'image id'"),
        ("image_id\na\n", "has no feature"),
        (",image_id,x\n0,a,1\n", "column 1 \\(''\\) looks like an index"),
        ("Unnamed: 0,image_id,x\n0,a,1\n", "looks like an index"),
        ("image_id,x,x\na,1,2\n", "the column 'x' twice"),
        ("image_id;x\na;1,5\n", "separated by semicolons"),
        ("", "'mine.csv' is empty"),
        ("# only a comment\n", "'mine.csv' is empty"),
        (b"image_id,x\na\xff,1\n", "byte 13 is invalid"),
        ("image_id,x\na,1\n".encode("utf-16"), "not UTF-8 text"),
        (b"PK\x03\x04rest", "is a spreadsheet or zip file"),
        (b"PAR1rest", "is a Parquet file .rename it to .parquet"),
        ('image_id,x\n"a,1\n', "not valid CSV"),
        ("image_id,x\n" + '"' + "a" * 200_000 + '",1\n', "not valid CSV"),
        ("image_id,x\na,1\x00\n", "is not a number"),
    ],
)
def test_text_that_is_no_table_of_numbers_is_refused(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    """File, row, column and value are named."""
    refuse(write_csv(tmp_path, text), words)


def test_a_header_alone_is_an_empty_set(tmp_path: Path) -> None:
    """No row is no error of the file: a task then says that none of its images is in it."""
    features = read_feature_file(write_csv(tmp_path, "\ufeffimage_id,x\n\n"))
    assert (features.image_ids, features.columns) == ((), ("x",))


# ---- what is refused: Parquet


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image_id": [1, 2], "x": [1, 2]}, "column 'image_id' is of type int64"),
        ({"image_id": [b"a"], "x": [1]}, "column 'image_id' is of type binary"),
        ({"image_id": ["a"], "x": ["1"]}, "column 'x' is of type string"),
        ({"image_id": ["a"], "x": [b"\x80\x04."]}, "column 'x' is of type binary"),
        ({"image_id": ["a"], "x": [[1, 2]]}, "column 'x' is of type list"),
        ({"image_id": ["a"], "x": [{"y": 1}]}, "column 'x' is of type struct"),
        ({"image_id": ["a"], "x": [None]}, "column 'x' is of type null"),
        ({"image_id": ["a"], "x": pa.array([0], pa.timestamp("s"))}, "of type timestamp"),
        ({"image_id": ["a", "b", "a"], "x": [1, 2, 3]}, "image 'a' twice, in rows 1 and 3"),
        ({"image_id": ["a", None], "x": [1, 2]}, "row 2: image_id is blank"),
        ({"name": ["a"], "x": [1]}, "no column 'image_id'"),
        ({"image_id": ["a"]}, "has no feature"),
        ({"image_id": ["a"], "__index_level_0__": [0]}, "looks like an index"),
    ],
)
def test_parquet_that_is_no_table_of_numbers_is_refused(
    tmp_path: Path, columns: dict[str, object], words: str
) -> None:
    """Only text for ids and plain numbers are read; lists, structs and bytes are not."""
    refuse(encode_parquet(tmp_path, columns), words)


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    """Which of two columns of one name is meant cannot be known."""
    arrays = [pa.array(["a"]), pa.array([1]), pa.array([2])]
    refuse(encode_parquet(tmp_path, pa.table(arrays, ["image_id", "x", "x"])), "'x' twice")


class _Trap:
    """Leave a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    """A pickle as an extension type, in pandas' metadata or in a column is never opened."""
    import pickle  # noqa: TID251, the trap itself

    mark = tmp_path / "run"
    trap = pickle.dumps(_Trap(mark))
    for name in (b"arrow.py_extension_type", b"pandas.extension", b"arrow.opaque"):
        metadata = {b"ARROW:extension:name": name, b"ARROW:extension:metadata": trap}
        fields = [
            pa.field("image_id", pa.string(), metadata=metadata),
            pa.field("x", pa.float64(), metadata=metadata),
        ]
        schema = pa.schema(fields, metadata={b"pandas": trap, b"huggingface": trap})
        table = pa.table([pa.array(["a"]), pa.array([1.0])], schema=schema)
        path = encode_parquet(tmp_path, table)
        if name == b"arrow.opaque":  # Arrow knows this one and expects JSON
            refuse(path, "is damaged")
        else:
            assert read_feature_file(path).matrix.tolist() == [[1.0]]
    refuse(encode_parquet(tmp_path, {"image_id": ["a"], "x": [trap]}), "of type binary")
    assert not mark.exists()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Bytes changed or cut off anywhere give words or numbers, never another fault."""
    path = encode_parquet(tmp_path, {"image_id": IDS, "x": [1.0, 2.0, 3.0]})
    data = path.read_bytes()
    refused = 0
    for place in range(0, len(data), max(1, len(data) // 150)):
        for damaged in (data[:place], data[:place] + b"\xff" + data[place + 1 :]):
            path.write_bytes(damaged)
            try:
                read_feature_file(path)
            except SelectionError:
                refused += 1
    assert refused > 150
    refuse(write_csv(tmp_path, "image_id,x\na,1\n", "text.parquet"), "not a Parquet file")


# ---- sizes and places


def test_too_large_a_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes are read in the footer and while reading, before memory is taken for them."""
    monkeypatch.setattr(feature_files, "MAX_CELLS", 5)
    refuse(write_csv(tmp_path, "image_id,x\na,1\nb,2\nc,3\n"), "has 3 rows and 2 columns: at most")
    path = encode_parquet(tmp_path, {"image_id": IDS, "x": [1, 2, 3]})
    refuse(path, "has 3 rows and 2 columns: at most")
    monkeypatch.undo()
    monkeypatch.setattr(feature_files, "MAX_COLUMNS", 2)
    refuse(write_csv(tmp_path, "image_id,x,y\n"), "3 columns: at most 2 columns")
    monkeypatch.undo()
    monkeypatch.setattr(feature_files, "MAX_BYTES", 10)
    refuse(path, "the file is larger than")


def test_a_bomb_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few bytes that unpack to many are refused by what the footer says of them."""
    columns = {"image_id": ["a" * 5_000_000], "x": [1]}
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table(columns), path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 50_000
    monkeypatch.setattr(feature_files, "MAX_UNPACKED", 1 << 20)
    monkeypatch.setattr(pq.ParquetFile, "read", None)
    refuse(path, "unpacks to .* MiB: at most 1 MiB")


def test_repeated_values_are_counted_before_they_are_unpacked(tmp_path: Path) -> None:
    """A run of fifty million equal values takes no room in a file; it is refused by its length."""
    n_rows = feature_files.MAX_CELLS // 2 + 1
    once = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n_rows, np.int8)), pa.array(["a"]))
    flag = pa.array(np.zeros(n_rows, bool))
    path = encode_parquet(tmp_path, {"image_id": once, "x": flag})
    assert path.stat().st_size < 5_000_000
    refuse(path, "numbers are read")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe and another ending each have their words, at once."""
    refuse(tmp_path / "none.csv", "there is no such file")
    (tmp_path / "folder.csv").mkdir()
    refuse(tmp_path / "folder.csv", "it is a folder")
    refuse(write_csv(tmp_path, "x", "mine.pkl"), r"is none of .parquet, .csv and .npy")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.parquet")
        refuse(tmp_path / "pipe.parquet", "not a regular file")


def test_a_wide_file_is_read(tmp_path: Path) -> None:
    """Pixels of some images, 50,176 columns, are no trouble."""
    n_columns = 224 * 224
    header = ",".join(["image_id", *(f"p{i}" for i in range(n_columns))])
    row = ",".join(["0.5"] * n_columns)
    features = read_feature_file(write_csv(tmp_path, f"{header}\na,{row}\nb,{row}\n"))
    assert features.matrix.shape == (2, n_columns)
