"""Near-identical images are found, and patients who share one are one person."""

import itertools
import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlib.cohort import image_measures, persons, sort_naturally
from cxrlib.cohort.near_duplicates import SIDE
from cxrlib.cohort.persons import compute_signature, inspect_images, merge_persons
from cxrlib.errors import StoreError
from cxrlib.storage import Store
from tests.cohort_factory import draw_image

# ---- signatures


@pytest.mark.parametrize("shape", [(64, 64), (640, 192), (32, 32), (65, 1000)])
def test_signature_is_the_mean_of_cells(shape) -> None:
    """Against means taken cell by cell, where cells are whole pixels."""
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    signature = np.frombuffer(compute_signature(image), np.uint8).reshape(SIDE, SIDE)
    assert signature.min() == 0
    assert signature.max() == 255
    if all(side % SIDE == 0 for side in shape):
        height, width = shape[0] // SIDE, shape[1] // SIDE
        cells = image.reshape(SIDE, height, SIDE, width).mean(axis=(1, 3))
        scaled = (cells - cells.min()) / (cells.max() - cells.min()) * 255
        np.testing.assert_allclose(signature, scaled, atol=0.51)


def test_signature_bears_depth_and_contrast() -> None:
    """16 bits, and a linear change of grey values, leave the same signature."""
    image = draw_image(1, height=320, width=320)
    sixteen = image.astype(np.uint16) * 257
    dim = (image * 0.5 + 20).astype(np.uint8)
    first, deep, second = (
        np.frombuffer(compute_signature(i), np.uint8).astype(int) for i in (image, sixteen, dim)
    )
    assert np.abs(first - deep).max() <= 1  # rounding
    assert np.abs(first - second).max() <= 2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_images_have_no_signature(value) -> None:
    """Two black pictures are no evidence of one person."""
    assert compute_signature(np.full((64, 64), value, np.uint8)) == b""


# ---- persons


def test_merge_is_transitive_and_takes_the_first_id() -> None:
    """Chains are one person, named by the smallest id in natural order."""
    ids = ["10", "9", "a", "8", "b2", "b10"]
    pairs = [("10", "9"), ("a", "10"), ("b10", "b2")]
    expected = {"10": "9", "9": "9", "a": "9", "8": "8", "b2": "b2", "b10": "b2"}
    for order in itertools.permutations(ids):
        for chain in itertools.permutations(pairs):
            assert merge_persons(order, chain) == expected


def test_merge_against_slow_reference() -> None:
    """Random pairs, merged by going through them until nothing changes."""
    rng = np.random.default_rng(0)
    ids = [str(i) for i in range(40)]
    pairs = [(str(a), str(b)) for a, b in rng.integers(0, 40, (25, 2))]
    person = {i: int(i) for i in ids}
    for _ in ids:
        for a, b in pairs:
            person[a] = person[b] = min(person[a], person[b])
    assert merge_persons(ids, pairs) == {i: str(p) for i, p in person.items()}


def test_natural_order() -> None:
    """Numbers by value, whatever stands around them and however long they are."""
    ids = ["", "7", "07", "78", "201", "311", "311a", "311b", "9" * 5000, "(row 2)", "(row 10)"]
    expected = ["", "07", "7", "78", "201", "311", "311a", "311b", "9" * 5000]
    assert sort_naturally(reversed(ids)) == [*expected, "(row 2)", "(row 10)"]


# ---- the pass over the files


@pytest.fixture
def files(tmp_path) -> dict:
    """Give three files by a name in place of their hash: two images and a broken one."""
    paths = {name: tmp_path / f"{name}.png" for name in ("a", "b", "broken")}
    Image.fromarray(draw_image(0, height=50, width=40)).save(paths["a"])
    Image.fromarray(draw_image(1)).save(paths["b"])
    paths["broken"].write_bytes(paths["a"].read_bytes()[:60])
    return paths


def test_inspect_images(files) -> None:
    """Sizes and signatures of what can be decoded, reasons for what cannot."""
    seen = []
    found = inspect_images(files, on_progress=lambda *n: seen.append(n), n_workers=2)
    assert found.table.loc["a", ["width", "height"]].tolist() == [40, 50]
    assert found.table.loc["a", "signature"] == compute_signature(
        draw_image(0, height=50, width=40)
    )
    assert set(found.failures) == {"broken"}
    assert seen == [("Reading images", done, 3) for done in (1, 2, 3)]


def test_signatures_are_kept(files, tmp_path, monkeypatch) -> None:
    """A second pass decodes only what is new or was broken."""
    store = Store(tmp_path / "cache")
    first = inspect_images({"a": files["a"], "broken": files["broken"]}, store=store)
    decoded = []
    original = persons.read_image
    monkeypatch.setattr(persons, "read_image", lambda p: decoded.append(p.stem) or original(p))
    second = inspect_images(files, store=store)
    assert sorted(decoded) == ["b", "broken"]
    assert second.table.loc["a"].tolist() == first.table.loc["a"].tolist()
    assert inspect_images({"b": files["b"]}, store=store).table.index.tolist() == ["b"]
    assert sorted(decoded) == ["b", "broken"]


def test_kept_in_parts(files, tmp_path, monkeypatch) -> None:
    """An interrupted pass goes on where it stopped."""
    monkeypatch.setattr(image_measures, "IMAGES_A_PART", 1)
    store = Store(tmp_path / "cache")

    def stop(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect_images(files, store=store, on_progress=stop)
    seen = []
    inspect_images(files, store=store, on_progress=lambda *n: seen.append(n))
    assert seen[-1] == ("Reading images", 2, 2)


def test_full_disk(files, tmp_path, monkeypatch, caplog) -> None:
    """Without room for signatures the pass goes on, and says so."""

    def refuse(*args: object, **settings: object) -> None:
        raise StoreError("There is no space left.")

    monkeypatch.setattr(Store, "write_table", refuse)
    monkeypatch.setattr(Store, "read_table", refuse)
    with caplog.at_level(logging.WARNING):
        found = inspect_images(files, store=Store(tmp_path / "cache"))
    assert len(found.table) == 2
    assert caplog.text.count("no space left") == 2


def test_damaged_memory_is_not_used(files, tmp_path) -> None:
    """Stored tables of another shape are looked through: the images are read anew."""
    store = Store(tmp_path / "cache")
    expected = inspect_images(files, store=store).table
    good = store.read_table("signatures", persons.VERSION)
    bad = [good.drop(columns="width"), good.assign(height=None), good.assign(signature=b"short")]
    bad.append(good.assign(landmarks=b"short"))
    for table in bad:
        store.write_table("signatures", persons.VERSION, table, info={})
        found = inspect_images(files, store=store).table
        pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index())
