"""Test computing and loading embeddings: bad files, interruptions, workers, memory."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlib.cohort import load_cohort
from cxrlib.embedding import compute_embeddings, load_embeddings
from cxrlib.embedding.extractors import ExtractorInfo, load_extractor
from cxrlib.errors import CxrError, StoreError
from cxrlib.images import ImageFile, prepare_images, preprocess, read_image
from cxrlib.storage import EmbeddingStore, Store
from tests.cohort_factory import make_damaged_avif

HEADER = ["patientid", "offset", "sex", "age", "finding", "view", "modality", "filename"]


def prepare_mean(image):
    """Prepare an image as its size and brightness."""
    return np.array([image.shape[0], image.shape[1], image.mean()], np.float32)


def prepare_and_die(image):
    """End the worker process without a word, as the system does when memory is short."""
    os._exit(9)


def prepare_badly(image):
    """Raise what no list of classes names, for tall images."""
    if len(image) > 64:
        raise AssertionError
    return prepare_mean(image)


class Toy:
    """Extract size and brightness, and count the batches."""

    works_in_prepare = True
    device = "cpu"
    info = ExtractorInfo("toy", "Toy", "", "toy-v1", 3, ("Brightness",))
    prepare = staticmethod(prepare_mean)

    def __init__(self):
        self.batches = []

    def check_prepared(self, item):
        """Refuse very bright images."""
        return "it is too bright" if item[2] > 250 else ""

    def compute(self, batch):
        """Give the item and its brightness; nothing finite for very dark images."""
        self.batches.append(len(batch))
        embedding = np.where(batch[:, 2:] < 5, np.nan, batch)
        return embedding.astype(np.float32), batch[:, 2:]


def save_image(folder, name, seed, level=None):
    """Save a small image of its own."""
    pixels = np.random.default_rng(seed).integers(20, 200, (60 + seed % 7, 50), np.uint8)
    Image.fromarray(pixels if level is None else np.full_like(pixels, level)).save(folder / name)


def make_root(root, n=10):
    """Make a cohort folder of n X-rays."""
    (root / "images").mkdir(parents=True)
    names = [f"{i:03d}.png" for i in range(n)]
    for i, name in enumerate(names):
        save_image(root / "images", name, i)
    write_metadata(root, names)
    return root


def write_metadata(root, names):
    """Write the table, one row a name."""
    rows = [[f"p{i}", i, "F", 50, "Pneumonia", "PA", "X-ray", n] for i, n in enumerate(names)]
    pd.DataFrame(rows, columns=HEADER).to_csv(root / "metadata.csv", index=False)


def load(root):
    """Load the cohort without looking into images, as a second start does."""
    return load_cohort(root, inspect_images=False)


@pytest.fixture
def root(tmp_path):
    """Give a cohort folder of ten images."""
    return make_root(tmp_path / "cohort")


@pytest.fixture
def store(tmp_path):
    """Give an empty store."""
    return Store(tmp_path / "cache")


def test_embeddings_are_those_of_the_images(root, store):
    """Each row of the result belongs to its image, in the cohort's order."""
    cohort = load(root)
    report = compute_embeddings(cohort, Toy(), store, n_workers=0, batch_size=3)
    assert (report.n_computed, report.n_cached, len(report.failed), report.n_left) == (10, 0, 0, 0)
    found = load_embeddings(cohort, Toy.info, store)
    assert found.image_ids == tuple(cohort.table["image_id"])
    expected = [prepare_mean(read_image(cohort.image_path(i))) for i in found.image_ids]
    np.testing.assert_array_equal(found.embedding, np.stack(expected))
    np.testing.assert_array_equal(found.outputs[:, 0], np.stack(expected)[:, 2])


def test_row_order_changes_nothing(root, store):
    """A reordered cohort gets the same rows, reordered."""
    compute_embeddings(load(root), Toy(), store, n_workers=0)
    names = [f"{i:03d}.png" for i in (7, 2, 9)]
    write_metadata(root, names)
    again = load_embeddings(load(root), Toy.info, store)
    expected = [prepare_mean(read_image(root / "images" / name)) for name in names]
    np.testing.assert_array_equal(again.embedding, np.stack(expected))


def test_second_run_computes_only_what_is_new(root, store):
    """Nothing at all the second time; one image when one is added."""
    toy = Toy()
    compute_embeddings(load(root), toy, store, n_workers=0)
    toy.batches.clear()
    report = compute_embeddings(load(root), toy, store)
    assert (report.n_computed, report.n_cached, toy.batches) == (0, 10, [])
    save_image(root / "images", "new.png", 99)
    write_metadata(root, [*(f"{i:03d}.png" for i in range(10)), "new.png"])
    report = compute_embeddings(load(root), toy, store)
    assert (report.n_computed, report.n_cached, toy.batches) == (1, 10, [1])


def test_same_content_is_computed_once(root, store):
    """Two rows with one content: one computation, two rows in the result."""
    (root / "images" / "copy.png").write_bytes((root / "images" / "003.png").read_bytes())
    write_metadata(root, ["003.png", "copy.png"])
    toy = Toy()
    report = compute_embeddings(load(root), toy, store, n_workers=0)
    assert (report.n_computed, toy.batches) == (2, [1])
    found = load_embeddings(load(root), Toy.info, store)
    np.testing.assert_array_equal(found.embedding[0], found.embedding[1])


def test_bad_files_are_named_and_the_rest_goes_on(root, store):
    """Missing, truncated, empty, too bright, too dark, changed: each with row and reason."""
    images = root / "images"
    (images / "001.png").unlink()
    (images / "002.png").write_bytes((images / "002.png").read_bytes()[:300])
    (images / "003.png").write_bytes(b"")
    save_image(images, "004.png", 4, level=255)
    save_image(images, "005.png", 5, level=1)
    cohort = load(root)
    save_image(images, "006.png", 77)
    report = compute_embeddings(cohort, Toy(), store, n_workers=0)
    assert report.n_computed == 4
    assert report.n_left == 0
    reasons = report.failed.set_index("filename")["reason"]
    assert reasons["001.png"] == "no file"
    assert "truncated" in reasons["002.png"]
    assert "empty" in reasons["003.png"]
    assert reasons["004.png"] == "it is too bright"
    assert "not finite" in reasons["005.png"]
    assert "changed after the cohort was read" in reasons["006.png"]
    assert list(report.failed) == ["image_id", "row", "filename", "reason"]
    assert report.failed["row"].tolist() == [3, 4, 5, 6, 7, 8]
    assert len(load_embeddings(cohort, Toy.info, store).image_ids) == 4


@pytest.mark.parametrize("n_workers", [0, 1])
def test_compute_embeddings_names_whatever_one_image_raises(root, store, n_workers):
    """A decoder's RuntimeError, an assertion of an extractor: in a worker process or not."""
    (root / "images" / "003.png").write_bytes(make_damaged_avif())
    toy = Toy()
    toy.prepare = prepare_badly
    report = compute_embeddings(load(root), toy, store, n_workers=n_workers)
    reasons = report.failed.set_index("filename")["reason"].to_dict()
    assert reasons == {
        "003.png": "the file is damaged or truncated (Failed to decode frame 0: Decoding of color "
        "planes failed)",
        "005.png": "it could not be prepared (AssertionError)",
        "006.png": "it could not be prepared (AssertionError)",
    }
    assert report.n_computed == 7


def test_unreadable_image_is_counted_once(root, store):
    """A file that cannot be read is a failure, though its embedding was stored before."""
    compute_embeddings(load(root), Toy(), store, n_workers=0)
    cohort = load(root)
    cohort.table.loc[3, ["file_status", "file_reason"]] = ["unreadable", "the file is truncated"]
    report = compute_embeddings(cohort, Toy(), store, n_workers=0)
    assert (report.n_computed, report.n_cached, report.n_left) == (0, 9, 0)
    assert report.failed["reason"].tolist() == ["the file is truncated"]


def test_stopped_run_goes_on(root, store):
    """Asked to stop after two batches: those are stored, the next run does the rest."""
    toy, asked = Toy(), []

    def should_stop():
        asked.append(1)
        return len(asked) == 2

    options = {"n_workers": 0, "batch_size": 3}
    report = compute_embeddings(load(root), toy, store, should_stop=should_stop, **options)
    assert (report.n_computed, report.n_left, toy.batches) == (6, 4, [3, 3])
    report = compute_embeddings(load(root), toy, store, **options)
    assert (report.n_computed, report.n_cached, report.n_left) == (4, 6, 0)


def test_interrupted_run_goes_on(root, store):
    """Ctrl-C: what was computed is stored."""

    def interrupt(stage, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute_embeddings(load(root), Toy(), store, batch_size=4, on_progress=interrupt)
    assert compute_embeddings(load(root), Toy(), store).n_cached == 4


def test_progress_counts_batches(root, store):
    """Progress counts up to all; what is told of it makes the rate and the seconds left."""
    calls = []
    compute_embeddings(
        load(root), Toy(), store, batch_size=4, on_progress=lambda *call: calls.append(call)
    )
    assert calls == [("Embedding images", done, 10) for done in (4, 8, 10)]


def test_workers_give_the_same(root, store, tmp_path):
    """Two workers and none: the same numbers in the same order."""
    compute_embeddings(load(root), Toy(), store, n_workers=0)
    other = Store(tmp_path / "other")
    before = dict(os.environ)
    report = compute_embeddings(load(root), Toy(), other, n_workers=2, batch_size=3)
    assert dict(os.environ) == before
    assert report.n_computed == 10
    ours, theirs = (load_embeddings(load(root), Toy.info, s) for s in (store, other))
    np.testing.assert_array_equal(ours.embedding, theirs.embedding)


def test_worker_that_dies_is_a_clear_error(root, store):
    """A killed worker ends the run with a sentence, not with a wait for ever."""
    toy = Toy()
    toy.prepare = prepare_and_die
    with pytest.raises(CxrError, match="worker process ended unexpectedly"):
        compute_embeddings(load(root), toy, store, n_workers=1)


def test_full_disk_is_reported_and_leaves_the_store_right(root, store, monkeypatch):
    """No space left in the middle: StoreError; earlier parts stay."""
    compute_embeddings(load(root), Toy(), store, should_stop=lambda: True, batch_size=4)

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(StoreError, match="no space left"):
            compute_embeddings(load(root), Toy(), store)
    report = compute_embeddings(load(root), Toy(), store)
    assert (report.n_cached, report.n_computed) == (4, 6)


def test_images_ahead_are_bounded(root):
    """However slow the consumer, no more than n_ahead images are under way."""
    paths = sorted((root / "images").iterdir())
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield ImageFile(paths[len(taken) % len(paths)], "0" * 64)

    stream = prepare_images(endless(), prepare_mean, n_workers=1, n_ahead=12)
    for i in range(40):
        next(stream)
        assert len(taken) <= i + 12 + 4 + 1
    stream.close()


def test_densenet_through_the_whole_path(root, store):
    """The untrained network embeds a cohort as it embeds single images."""
    write_metadata(root, ["000.png", "001.png", "002.png"])
    extractor = load_extractor("densenet121-untrained", device="cpu")
    report = compute_embeddings(load(root), extractor, store, batch_size=2)
    assert report.n_computed == 3
    found = load_embeddings(load(root), extractor.info, store)
    single = extractor.compute(preprocess(read_image(root / "images" / "001.png"))[np.newaxis])[0]
    assert np.abs(found.embedding[1] - single[0]).max() < 1e-4 * np.abs(single).mean()
    assert EmbeddingStore(store).list_extractors() == [extractor.info]


DAMAGE = {
    "deleted": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_compute_embeddings_mends_the_description_of_an_extractor(root, store, damage):
    """All is cached but nobody knows by whom: what is at hand says it again."""
    compute_embeddings(load(root), Toy(), store)
    path = store.root / "embeddings" / Toy.info.key / "_extractor.json"
    before = path.read_bytes()
    DAMAGE[damage](path)
    assert EmbeddingStore(store).list_extractors() == []
    report = compute_embeddings(load(root), Toy(), store)
    assert (report.n_computed, report.n_cached) == (0, 10)
    assert path.read_bytes() == before
    assert EmbeddingStore(store).list_extractors() == [Toy.info]
    assert len(load_embeddings(load(root), Toy.info, store).image_ids) == 10


KILLED = """
import functools, os, signal, sys
from test_embeddings import Toy, load
from cxrlib.storage.embedding_store import EmbeddingStore
from cxrlib.embedding.embeddings import compute_embeddings
from cxrlib.storage.store import Store

if __name__ == "__main__":
    open_writer = functools.partialmethod(EmbeddingStore.open_writer, images_a_part=2)
    EmbeddingStore.open_writer = open_writer
    def kill(stage, done, total):
        if done >= 4:
            children = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
            print(open(children).read(), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    compute_embeddings(
        load(sys.argv[1]), Toy(), Store(sys.argv[2]), n_workers=1, batch_size=2, on_progress=kill
    )
"""


def is_running(pid):
    """Tell whether a process is there and not merely waiting to be collected."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_killed_run_goes_on_and_leaves_no_worker(root, store, tmp_path):
    """SIGKILL in the middle: stored parts count, workers end by themselves."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    path = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])
    run = subprocess.run(
        [sys.executable, script, root, store.root],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    children = [int(word) for word in run.stdout.split()]
    assert children
    deadline = time.monotonic() + 120
    while any(is_running(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in children)
    report = compute_embeddings(load(root), Toy(), store, n_workers=0)
    assert (report.n_cached, report.n_computed) == (4, 6)


def test_loading_needs_no_heavy_import():
    """The dashboard loads embeddings without torch, umap, skimage or sklearn."""
    code = (
        "import sys, cxrlib.embedding.embeddings, cxrlib.embedding.extractors\n"
        "heavy = ('torch', 'torchxrayvision', 'umap', 'skimage', 'sklearn')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.slow
def test_real_cohort_by_texture(real_root, store):
    """All 851 files are embedded, the 15 rows without a file are named."""
    cohort = load_cohort(real_root, store=store)
    report = compute_embeddings(cohort, load_extractor("texture"), store)
    assert (report.n_computed, report.n_cached, len(report.failed)) == (851, 0, 15)
    assert (report.failed["reason"] == "no file").all()
    again = compute_embeddings(cohort, load_extractor("texture"), store)
    assert (again.n_computed, again.n_cached, len(again.failed)) == (0, 851, 15)
