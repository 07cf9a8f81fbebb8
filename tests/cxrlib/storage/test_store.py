"""Test the store: right after interruptions, damage, full disks and other writers."""

import errno
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.errors import SelectionError, StoreError
from cxrlib.storage import EmbeddingStore, Store, file_index
from cxrlib.storage.file_index import FileIndex

INFO = ExtractorInfo("toy", "Toy", "ab" * 32, "toy-v1", 3, ("Lung Opacity", "Mass"), "for tests")


def make_rows(n, seed=0):
    """Make n images' names, embeddings and outputs."""
    rng = np.random.default_rng(seed)
    names = [f"{seed:02d}{i:062x}" for i in range(n)]
    return names, rng.random((n, 3), np.float32), rng.random((n, 2), np.float32)


def make_files(folder, n=5):
    """Make n files that are old enough to be noted in the index."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i}.png" for i in range(n)]
    for i, path in enumerate(paths):
        path.write_bytes(b"content %d" % i)
        os.utime(path, ns=(10**18 + i, 10**18 + i))
    return paths


@pytest.fixture
def store(tmp_path):
    """Give a store in a folder that is not there yet."""
    return Store(tmp_path / "deep" / "cache")


@pytest.fixture
def n_reads(monkeypatch):
    """Count how often a file's content is read for hashing."""
    calls = []
    real = file_index.hash_file
    monkeypatch.setattr(file_index, "hash_file", lambda path: calls.append(path) or real(path))
    return calls


def test_hashes_are_sha256(store, tmp_path):
    """The hash of a known content is the known SHA-256."""
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    hashes, failures = FileIndex(store).hash_files([path])
    assert hashes[path] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert failures == {}


def test_unchanged_file_is_not_read_again(store, tmp_path, n_reads):
    """A second call reads nothing; a changed file is read, a touched one too."""
    paths = make_files(tmp_path / "images")
    first, _ = FileIndex(store).hash_files(paths)
    assert len(n_reads) == 5
    assert FileIndex(Store(store.root)).hash_files(paths)[0] == first
    assert len(n_reads) == 5
    paths[1].write_bytes(b"other")
    os.utime(paths[1], ns=(10**18 + 99, 10**18 + 99))
    second, _ = FileIndex(store).hash_files(paths)
    assert len(n_reads) == 6
    assert [p for p in paths if first[p] != second[p]] == [paths[1]]


def test_fresh_file_is_hashed_but_not_noted(store, tmp_path, n_reads):
    """A file written this very moment may change within its clock tick: read it again."""
    path = tmp_path / "fresh"
    path.write_bytes(b"1")
    os.utime(path, ns=(time.time_ns() + 10**9,) * 2)
    FileIndex(store).hash_files([path])
    FileIndex(store).hash_files([path])
    assert len(n_reads) == 2


def test_unreadable_files_are_named_with_reason(store, tmp_path):
    """A missing file, a folder and a named pipe are failures, the rest goes on."""
    good = make_files(tmp_path / "images", 1)[0]
    os.mkfifo(tmp_path / "pipe")
    bad = [tmp_path / "missing", tmp_path, tmp_path / "pipe"]
    hashes, failures = FileIndex(store).hash_files([*bad, good])
    assert list(hashes) == [good]
    assert failures[bad[0]] == "there is no such file"
    assert failures[bad[1]] == failures[bad[2]] == "it is a folder, not a file"


def test_interrupted_hashing_goes_on(store, tmp_path, n_reads):
    """What was hashed before Ctrl-C is not read again."""
    paths = make_files(tmp_path / "images")

    def interrupt(stage, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FileIndex(store).hash_files(paths, interrupt)
    FileIndex(store).hash_files(paths)
    assert len(n_reads) == 5


def test_hash_progress_counts_up(store, tmp_path):
    """Progress is called with done and total."""
    calls = []
    FileIndex(store).hash_files(make_files(tmp_path / "i", 3), lambda *now: calls.append(now))
    assert calls == [("Hashing images", done, 3) for done in (1, 2, 3)]


def test_many_index_parts_are_merged(store, tmp_path, n_reads):
    """The index stays small in files and loses nothing."""
    paths = make_files(tmp_path / "images", file_index.MAX_INDEX_PARTS + 3)
    for path in paths:
        FileIndex(store).hash_files([path])
    FileIndex(store).hash_files(paths)
    assert len(list((store.root / "file-index").glob("part-*"))) <= file_index.MAX_INDEX_PARTS
    assert len(n_reads) == len(paths)


def test_file_name_that_is_not_utf8(store, tmp_path, n_reads):
    """A name of stray bytes is hashed and remembered."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png"))
    path.write_bytes(b"x")
    os.utime(path, ns=(10**18, 10**18))
    FileIndex(store).hash_files([path])
    FileIndex(store).hash_files([path])
    assert len(n_reads) == 1


def test_table_round_trip_with_info(store):
    """A small table comes back equal, its settings too; a stranger reads it."""
    table = pd.DataFrame({"image_id": ["a", "b"], "x": np.array([1.5, -2], np.float32)})
    store.write_table("maps", "k1", table, info={"seed": 0, "views": ["PA"]})
    pd.testing.assert_frame_equal(store.read_table("maps", "k1"), table)
    assert store.read_info("maps", "k1") == {"seed": 0, "views": ["PA"]}
    pd.testing.assert_frame_equal(pd.read_parquet(store.root / "maps" / "k1.parquet"), table)
    store.write_table("maps", "k1", table.iloc[:1], info={})
    assert len(store.read_table("maps", "k1")) == 1


def test_nothing_there_is_none(store):
    """Reading what was never written gives None or nothing and makes no folder."""
    assert store.read_table("maps", "k") is None
    assert store.read_info("maps", "k") is None
    assert EmbeddingStore(store).list_extractors() == []
    assert EmbeddingStore(store).read_sha256s(INFO) == set()
    assert EmbeddingStore(store).read(INFO, ["00"]).embedding.shape == (0, 3)
    assert not store.root.exists()


@pytest.mark.parametrize("key", ["../x", "/etc/x", "a/b", "", ".hidden", "x" * 200, "a\0b"])
def test_key_cannot_leave_the_folder(store, key):
    """A key that is no plain file name is refused, as kind and as key."""
    with pytest.raises(SelectionError, match="cannot be a file name"):
        store.read_table("maps", key)
    with pytest.raises(SelectionError, match="cannot be a file name"):
        store.read_table(key, "maps")
    with pytest.raises(SelectionError, match="store's own"):
        store.read_table("embeddings", "x")


def test_damaged_table_is_set_aside(store, caplog):
    """A truncated small table reads as None, is named in the log and kept aside."""
    store.write_table("maps", "k1", pd.DataFrame({"x": range(1000)}), info={})
    path = store.root / "maps" / "k1.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with caplog.at_level(logging.WARNING):
        assert store.read_table("maps", "k1") is None
    assert "k1.parquet is damaged" in caplog.text
    assert (store.root / "maps" / "_damaged-k1.parquet.bad").exists()
    assert not path.exists()


def test_embeddings_come_back_in_the_order_asked(store):
    """Any order, repeats and gaps: each row is the one that was written."""
    names, embedding, outputs = make_rows(10)
    with EmbeddingStore(store).open_writer(INFO, images_a_part=4) as writer:
        for i in range(0, 10, 2):
            writer.append(names[i : i + 2], embedding[i : i + 2], outputs[i : i + 2])
    order = [7, 0, 7, 3, 9]
    asked = [names[i] for i in order[:2]] + ["ff" * 32] + [names[i] for i in order[2:]]
    found = EmbeddingStore(store).read(INFO, asked)
    assert found.sha256s == tuple(names[i] for i in order)
    np.testing.assert_array_equal(found.embedding, embedding[order])
    np.testing.assert_array_equal(found.outputs, outputs[order])
    assert found.embedding.dtype == found.outputs.dtype == np.float32
    assert EmbeddingStore(store).read_sha256s(INFO) == set(names)
    assert EmbeddingStore(store).list_extractors() == [INFO]


def test_embeddings_are_read_by_any_parquet_reader(store):
    """The folder is a plain dataset to pandas and pyarrow, with outputs by name."""
    names, embedding, outputs = make_rows(6)
    with EmbeddingStore(store).open_writer(INFO, images_a_part=2) as writer:
        for i in range(6):
            writer.append(names[i : i + 1], embedding[i : i + 1], outputs[i : i + 1])
    folder = store.root / "embeddings" / INFO.key
    assert len(list(folder.glob("*.parquet"))) == 3
    table = pd.read_parquet(folder)
    assert list(table) == ["image_sha256", "embedding", "Lung Opacity", "Mass"]
    assert table["image_sha256"].tolist() == names
    np.testing.assert_array_equal(np.stack(table["embedding"]), embedding)
    np.testing.assert_array_equal(table["Mass"], outputs[:, 1])
    assert pyarrow.dataset.dataset(folder).count_rows() == 6


def test_same_image_twice_counts_once(store):
    """Two writers may store the same image; the reader takes the first."""
    names, embedding, outputs = make_rows(3)
    for _ in range(2):
        with EmbeddingStore(store).open_writer(INFO) as writer:
            writer.append(names, embedding, outputs)
    np.testing.assert_array_equal(EmbeddingStore(store).read(INFO, names).embedding, embedding)


def test_extractors_do_not_mix(store):
    """Other weights or other preprocessing are other embeddings."""
    names, embedding, outputs = make_rows(2)
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names, embedding, outputs)
    other = ExtractorInfo("toy", "Toy", "cd" * 32, "toy-v1", 3, ("Lung Opacity", "Mass"))
    later = ExtractorInfo("toy", "Toy", "ab" * 32, "toy-v2", 3, ("Lung Opacity", "Mass"))
    assert len({INFO.key, other.key, later.key}) == 3
    assert (
        EmbeddingStore(store).read_sha256s(other)
        == EmbeddingStore(store).read_sha256s(later)
        == set()
    )


def test_wrong_shape_is_refused(store):
    """A batch that does not fit the extractor is refused before it is written."""
    names, embedding, outputs = make_rows(2)
    with (
        EmbeddingStore(store).open_writer(INFO) as writer,
        pytest.raises(StoreError, match="do not fit"),
    ):
        writer.append(names, embedding[:, :2], outputs)


def test_blank_or_repeated_outputs_are_refused():
    """An output needs a column of its own."""
    for names in [("a", "a"), ("",), ("embedding",)]:
        with pytest.raises(SelectionError, match="cannot be stored"):
            ExtractorInfo("toy", "Toy", "", "v1", 3, names)


def test_damaged_part_is_named_set_aside_and_missing(store, caplog):
    """A truncated part costs its own images only."""
    names, embedding, outputs = make_rows(6)
    with EmbeddingStore(store).open_writer(INFO, images_a_part=2) as writer:
        for i in range(0, 6, 2):
            writer.append(names[i : i + 2], embedding[i : i + 2], outputs[i : i + 2])
    part = sorted((store.root / "embeddings" / INFO.key).glob("part-*"))[1]
    part.write_bytes(part.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        assert EmbeddingStore(store).read_sha256s(INFO) == {*names[:2], *names[4:]}
    assert part.name in caplog.text
    assert EmbeddingStore(store).read(INFO, names).sha256s == (*names[:2], *names[4:])
    assert len(pd.read_parquet(part.parent)) == 4


def test_flipped_bit_is_noticed(store):
    """A changed byte inside a page fails its checksum instead of giving other numbers."""
    names, embedding, outputs = make_rows(200)
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names, embedding, outputs)
    part = next((store.root / "embeddings" / INFO.key).glob("part-*"))
    data = bytearray(part.read_bytes())
    start = pq.ParquetFile(part).metadata.row_group(0).column(1).dictionary_page_offset or 0
    data[start + 200] ^= 1
    part.write_bytes(data)
    assert EmbeddingStore(store).read_sha256s(INFO) == set()


def test_damaged_extractor_file_is_written_anew(store):
    """Without its description a folder is passed over; the next write mends it."""
    names, embedding, outputs = make_rows(2)
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names[:1], embedding[:1], outputs[:1])
    path = store.root / "embeddings" / INFO.key / "_extractor.json"
    path.write_text("{")
    assert EmbeddingStore(store).list_extractors() == []
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names[1:], embedding[1:], outputs[1:])
    assert EmbeddingStore(store).list_extractors() == [INFO]
    assert json.loads(path.read_text())["note"] == "for tests"


def test_interrupted_writer_keeps_what_it_had(store):
    """Ctrl-C in the middle: gathered rows are stored on the way out."""
    names, embedding, outputs = make_rows(3)

    def write():
        with EmbeddingStore(store).open_writer(INFO) as writer:
            writer.append(names, embedding, outputs)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert EmbeddingStore(store).read_sha256s(INFO) == set(names)


def test_full_disk_leaves_the_store_right(store, monkeypatch):
    """No space left: a clear error, nothing half-written, the earlier part readable."""
    names, embedding, outputs = make_rows(4)
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names[:2], embedding[:2], outputs[:2])

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        writer = EmbeddingStore(store).open_writer(INFO)
        writer.append(names[2:], embedding[2:], outputs[2:])
        with pytest.raises(StoreError, match="no space left on the disk"):
            writer.flush()
        with pytest.raises(StoreError, match="no space left"):
            store.write_table("maps", "k", pd.DataFrame({"x": [1]}), info={})
    assert EmbeddingStore(store).read_sha256s(INFO) == set(names[:2])
    assert [p.name for p in store.root.rglob("*") if p.name.startswith(".")] == []
    assert store.read_table("maps", "k") is None


WRITE_UNDER_LIMIT = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from cxrlib.errors import StoreError
from cxrlib.embedding.extractors import ExtractorInfo
from cxrlib.storage.embedding_store import EmbeddingStore
from cxrlib.storage.store import Store
info = ExtractorInfo("toy", "Toy", "", "v1", 3000, ())
store = Store(sys.argv[1])
rows = np.random.default_rng(0).random((100, 3000), np.float32)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with EmbeddingStore(store).open_writer(info) as writer:
        writer.append([str(i) for i in range(100)], rows, np.empty((100, 0), np.float32))
except StoreError as error:
    print(error)
"""


def test_system_that_refuses_to_write(store):
    """A real refusal by the system, halfway through a file, leaves no half file."""
    run = subprocess.run(
        [sys.executable, "-c", WRITE_UNDER_LIMIT, store.root],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "larger than allowed" in run.stdout
    assert list(store.root.rglob("*.parquet")) == list(store.root.rglob("*.tmp")) == []


def test_file_in_the_way_is_a_clear_error(tmp_path):
    """A file where the cache folder should be is reported, not overwritten."""
    (tmp_path / "cache").write_text("mine")
    with pytest.raises(StoreError, match="a file is where a folder should be"):
        Store(tmp_path / "cache").write_table("maps", "k", pd.DataFrame(), info={})
    assert (tmp_path / "cache").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_is_a_clear_error(tmp_path):
    """A folder that may not be written is reported."""
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="no permission"):
        Store(tmp_path / "cache").write_table("maps", "k", pd.DataFrame(), info={})


def write_many(root, seed):
    """Write ten parts and a table again and again; run in another process."""
    store = Store(root)
    names, embedding, outputs = make_rows(20, seed)
    with EmbeddingStore(store).open_writer(INFO, images_a_part=2) as writer:
        for i in range(0, 20, 2):
            writer.append(names[i : i + 2], embedding[i : i + 2], outputs[i : i + 2])
            store.write_table("maps", "same", pd.DataFrame({"x": [seed] * 50}), info={"s": seed})
            store.read_table("maps", "same")
            EmbeddingStore(store).read(INFO, names)
    # At once: on a busy machine Arrow's threads can abort a process that ends as it should.
    os._exit(0)


def test_two_processes_write_at_once(store):
    """Two writers lose nothing, and a reader never sees half a file."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(store.root, seed)) for seed in (1, 2)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        table = store.read_table("maps", "same")
        assert table is None or len(set(table["x"])) == 1
        EmbeddingStore(store).read_sha256s(INFO)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert EmbeddingStore(store).read_sha256s(INFO) == {*make_rows(20, 1)[0], *make_rows(20, 2)[0]}
    assert list(store.root.rglob("*.bad")) == []


def test_store_needs_no_heavy_import():
    """The dashboard reads the store without torch, umap, skimage or sklearn."""
    code = (
        "import sys, cxrlib.storage.embedding_store, cxrlib.storage.file_index\n"
        "import cxrlib.embedding.extractors\n"
        "print([m for m in ('torch', 'umap', 'skimage', 'sklearn', 'scipy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def replace_by(kind, path):
    """Put something that is no file in a file's place."""
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("kind", ["pipe", "folder", "loop"])
def test_what_is_no_file_is_set_aside(store, kind):
    """A pipe is not waited for; what stands in a part's place is moved out of the way."""
    names, embedding, outputs = make_rows(4)
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names, embedding, outputs)
    store.write_table("maps", "a", pd.DataFrame({"x": [1.0]}), info={})
    folder = store.root / "embeddings" / INFO.key
    for path in (*folder.glob("part-*"), folder / "_extractor.json", store.root / "maps/a.parquet"):
        replace_by(kind, path)
    assert EmbeddingStore(store).list_extractors() == []
    assert EmbeddingStore(store).read_sha256s(INFO) == set()
    assert store.read_table("maps", "a") is None
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names, embedding, outputs)
    assert EmbeddingStore(store).list_extractors() == [INFO]
    assert EmbeddingStore(store).read_sha256s(INFO) == set(names)


@pytest.mark.parametrize(
    "meta",
    [
        {b"pandas": b"garbage", b"cxrlib.info": b"garbage"},
        {b"pandas": b'{"index_columns": 5, "columns": 5}', b"cxrlib.info": b"[1]"},
        {b"cxrlib.info": b"[" * 100_000},
    ],
)
def test_metadata_of_a_file_can_be_anything(store, meta):
    """A valid Parquet file with hostile metadata is damaged, not a traceback."""
    for read in (store.read_info, store.read_table):
        store.write_table("maps", "a", pd.DataFrame({"x": [1.0]}), info={"a": 1})
        path = store.root / "maps" / "a.parquet"
        pq.write_table(pq.read_table(path).replace_schema_metadata(meta), path)
        read("maps", "a")
    assert store.read_info("maps", "a") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"n_features": -1},
        {"n_features": 10**12},
        {"n_features": float("inf")},
        {"label": "\ud800"},
        {"output_names": ["\ud800"]},
        {"name": "../../x"},
        {"name": None},
    ],
)
def test_hostile_extractor_file_is_passed_over(store, fields):
    """Its fields are checked before any is used."""
    names, embedding, outputs = make_rows(2)
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names, embedding, outputs)
    path = store.root / "embeddings" / INFO.key / "_extractor.json"
    path.write_text(json.dumps({**INFO.to_dict(), **fields}))
    assert EmbeddingStore(store).list_extractors() == []
    path.write_text("[" * 100_000)
    assert EmbeddingStore(store).list_extractors() == []


@pytest.mark.parametrize("change", ["nan", "null", "null inside", "text", "double"])
def test_part_of_other_values_counts_as_missing(store, change):
    """Only finite 32-bit numbers and names are embeddings; this store writes no others."""
    names, embedding, outputs = make_rows(3)
    with EmbeddingStore(store).open_writer(INFO) as writer:
        writer.append(names, embedding, outputs)
    (path,) = (store.root / "embeddings" / INFO.key).glob("part-*")
    table = pq.read_table(path)
    column, name = {
        "nan": (pa.array([1.0, np.nan, 2.0], pa.float32()), "Mass"),
        "null": (pa.array([None, *names[1:]]), "image_sha256"),
        "null inside": (
            pa.array([[1, 2, 3], [None, 1, 2], [1, 2, 3]], pa.list_(pa.float32(), 3)),
            "embedding",
        ),
        "text": (pa.array(["a", "b", "c"]), "Mass"),
        "double": (pa.array([1.0, 2.0, 3.0]), "Mass"),
    }[change]
    pq.write_table(table.set_column(table.column_names.index(name), name, column), path)
    assert EmbeddingStore(store).read_sha256s(INFO) == set()
    assert EmbeddingStore(store).read(INFO, names).sha256s == ()
