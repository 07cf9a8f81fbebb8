"""Near-identical images are found, and patients who share one are one person."""

import io
import itertools
import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlib.cohort import image_measures, persons, sort_naturally
from cxrlib.cohort.persons import (
    MIN_AGREEMENT,
    MIN_DETAIL,
    MIN_LIKENESS,
    SIDE,
    compute_agreement,
    compute_signature,
    find_near_duplicates,
    inspect_images,
    merge_persons,
)
from cxrlib.errors import StoreError
from cxrlib.storage import Store
from tests.cohort_factory import draw_image


def sign(*images: np.ndarray) -> pd.Series:
    """Sign images, named by their place."""
    names = [str(i) for i in range(len(images))]
    return pd.Series([compute_signature(image) for image in images], index=names, dtype=object)


def sharpen_slowly(cells: np.ndarray) -> np.ndarray:
    """Take away the mean of 9 x 9 surroundings cell by cell, edges repeated."""
    padded, side = np.pad(cells, 4, mode="edge"), len(cells)
    means = [[padded[y : y + 9, x : x + 9].mean() for x in range(side)] for y in range(side)]
    return cells - np.array(means)


def correlate(first: np.ndarray, second: np.ndarray) -> float:
    """Correlate all cells of two arrays."""
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


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
def test_flat_images_match_nothing(value) -> None:
    """Two black pictures are no evidence of one person."""
    flat = np.full((64, 64), value, np.uint8)
    assert compute_signature(flat) == b""
    assert find_near_duplicates(sign(flat, flat.copy())).empty


# ---- pairs


def test_copies_are_found() -> None:
    """Scaled, compressed and brightened copies of a picture; not another picture."""
    image = draw_image(1, height=400, width=360)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=40)
    small = np.asarray(Image.fromarray(image).resize((150, 170)))
    bright = (255 * (image / 255) ** 0.8).astype(np.uint8)
    pairs = find_near_duplicates(
        sign(image, np.asarray(Image.open(file)), small, bright, draw_image(2))
    )
    found = set(zip(pairs["first"], pairs["second"], strict=True))
    assert found == set(itertools.combinations("0123", 2))
    assert (pairs["likeness"] > 0.99).all()


def test_what_all_radiographs_share_is_not_enough() -> None:
    """Pictures with one strong common pattern differ in their details."""
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    common = 200 * np.exp(-(x**2) * 3) + 40 * y
    details = [
        np.kron(np.random.default_rng(seed).normal(0, 9, (32, 32)), np.ones((10, 10)))
        for seed in (0, 1)
    ]
    images = [(common + detail).clip(0, 255).astype(np.uint8) for detail in details]
    cells = [np.frombuffer(s, np.uint8).astype(float) for s in sign(*images)]
    assert correlate(*cells) > 0.95
    assert find_near_duplicates(sign(*images)).empty


def test_agreement_bears_a_shift_a_crop_and_a_label() -> None:
    """Films cropped, moved and written on agree; films alike in most places do not."""
    y, x = np.mgrid[0:1:500j, 0:1:500j]
    rng = np.random.default_rng(0)
    film = 128 + sum(
        rng.uniform(5, 20) * np.sin(2 * np.pi * (fy * y + fx * x) + rng.uniform(0, 6))
        for fy, fx in rng.uniform(-9, 9, (40, 2))
    )
    film = film.clip(0, 255).astype(np.uint8)
    written = film.copy()
    written[440:480, 200:300] = 0
    mixed = film.copy()
    mixed[:, :200] = draw_image(5, height=500, width=200)
    others = {
        "same": film,
        "cropped": film[8:-10, 5:-15],
        "moved": np.roll(film, (10, -12), axis=(0, 1)),
        "written": written,
        "stretched": np.asarray(Image.fromarray(film).resize((700, 400))),
        "mixed": mixed,
        "mirrored": film[:, ::-1],
    }
    cells = {
        name: np.frombuffer(compute_signature(np.ascontiguousarray(image)), np.uint8)
        for name, image in others.items()
    }
    agreement = {
        name: compute_agreement(cells["same"].reshape(SIDE, SIDE), c.reshape(SIDE, SIDE))
        for name, c in cells.items()
    }
    assert agreement["same"] == pytest.approx(1)
    assert min(agreement[name] for name in ("cropped", "moved", "written", "stretched")) > 0.9
    assert max(agreement["mixed"], agreement["mirrored"]) < 0.5
    assert compute_agreement(np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))) == 0


def draw_film(seed: int) -> np.ndarray:
    """Draw 500 x 500 pixels with structure everywhere, fine and coarse."""
    y, x = np.mgrid[0:1:500j, 0:1:500j]
    rng = np.random.default_rng(seed)
    film = 128 + 60 * np.sin(2 * np.pi * x) * np.cos(3 * y)
    for fy, fx in rng.uniform(-9, 9, (60, 2)):
        height, phase = rng.uniform(10, 40) / (1 + abs(fy) + abs(fx)), rng.uniform(0, 6)
        film += height * np.sin(2 * np.pi * (fy * y + fx * x) + phase)
    return film.clip(0, 255).astype(np.uint8)


def test_order_of_images_changes_no_pair(monkeypatch) -> None:
    """A film and a cutting that agree one way only, by a hair, are a pair in either order."""
    for name in ("MIN_LIKENESS", "MIN_DETAIL"):  # all are candidates: it is about agreement
        monkeypatch.setattr(persons, name, -1.0)
    n_borderline = 0
    for seed in range(6):
        film = draw_film(seed)
        signatures = sign(film, np.ascontiguousarray(film[24:-24, 24:-24]))
        there, back = (np.frombuffer(s, np.uint8).reshape(SIDE, SIDE) for s in signatures)
        assert compute_agreement(there, back) == compute_agreement(back, there)
        one_way = [persons._agree_one_way(*two) for two in ((there, back), (back, there))]
        n_borderline += min(one_way) < MIN_AGREEMENT <= max(one_way)
        found = [len(find_near_duplicates(s)) for s in (signatures, signatures[::-1])]
        assert found[0] == found[1] == (max(one_way) >= MIN_AGREEMENT)
    assert n_borderline > 1


def test_pairs_against_slow_reference(monkeypatch) -> None:
    """Blocks of any size give the pairs of a plain double loop over correlations."""
    rng = np.random.default_rng(0)
    images = []
    for seed in range(12):
        image = draw_image(seed, height=64, width=64).astype(float)
        copies = [image + rng.normal(0, noise, image.shape) for noise in (0, 3, 60)]
        images += [copy.clip(0, 255).astype(np.uint8) for copy in copies[: 1 + seed % 3]]
    signatures = sign(*images)
    fine = [np.frombuffer(s, np.uint8).reshape(SIDE, SIDE) for s in signatures]
    coarse = [cells.reshape(32, 2, 32, 2).mean(axis=(1, 3)) for cells in fine]
    sharp = [sharpen_slowly(cells) for cells in coarse]
    expected = {}
    for i, j in itertools.combinations(range(len(fine)), 2):
        likeness, detail = correlate(coarse[i], coarse[j]), correlate(sharp[i], sharp[j])
        agreement = compute_agreement(fine[i], fine[j])
        least = (MIN_LIKENESS, MIN_DETAIL, MIN_AGREEMENT)
        if all(np.array([likeness, detail, agreement]) >= least):
            expected[str(i), str(j)] = (likeness, detail, agreement)
    assert 5 < len(expected) < 40
    for block in (1, 5, 1024):
        monkeypatch.setattr(persons, "BLOCK", block)
        pairs = find_near_duplicates(signatures).set_index(["first", "second"])
        assert set(pairs.index) == set(expected)
        for pair, values in expected.items():
            np.testing.assert_allclose(pairs.loc[pair], values, atol=1e-5)


def test_pairs_are_kept(tmp_path, monkeypatch) -> None:
    """The same images are not compared again, others are."""
    store = Store(tmp_path)
    signatures = sign(draw_image(0), draw_image(0), draw_image(1))
    first = find_near_duplicates(signatures, store=store)
    assert len(first) == 1
    with monkeypatch.context() as patch:
        patch.setattr(persons, "_find_candidates", lambda *_: pytest.fail("compared again"))
        pd.testing.assert_frame_equal(find_near_duplicates(signatures, store=store), first)
        with pytest.raises(pytest.fail.Exception, match="compared again"):
            find_near_duplicates(signatures[:2], store=store)
    assert find_near_duplicates(signatures[1:], store=store).empty


def test_many_copies_take_no_time(monkeypatch) -> None:
    """Copies pair with the first one; a crowd of near copies is joined, not compared in full."""
    image = draw_image(1).astype(float)
    rng = np.random.default_rng(0)
    noisy = (image + rng.normal(0, 3, image.shape) for _ in range(100))
    near = [copy.clip(0, 255).astype(np.uint8) for copy in noisy]
    signatures = sign(*[draw_image(2)] * 300, *near)
    calls = []
    monkeypatch.setattr(
        persons, "compute_agreement", lambda *cells: calls.append(1) or compute_agreement(*cells)
    )
    pairs = find_near_duplicates(signatures)
    groups = merge_persons(signatures.index, zip(pairs["first"], pairs["second"], strict=True))
    assert set(groups.values()) == {"0", "300"}
    assert (pairs["first"] == "0").sum() == 299
    assert len(calls) < 1000  # of 5,000 pairs of near copies and 45,000 of copies


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("MIN_LIKENESS", 0.98), ("MIN_DETAIL", 0.9), ("MIN_AGREEMENT", 0.9), ("CROWD", 5)),
        *(("STRETCHES", (1,)), ("SHIFTS", (0,)), ("SURROUNDINGS", 7), ("MIN_PARTS", 20)),
        *(("MIN_STRUCTURE", 3), ("PAIRS_VERSION", "other")),
    ],
)
def test_kept_pairs_are_those_of_the_same_rule(tmp_path, monkeypatch, name, value) -> None:
    """Pairs found by another threshold, stretch or version are not taken for today's."""
    store = Store(tmp_path)
    signatures = sign(draw_image(0), draw_image(0))
    find_near_duplicates(signatures, store=store)
    monkeypatch.setattr(persons, name, value)
    monkeypatch.setattr(persons, "_find_candidates", lambda *a: pytest.fail("compared again"))
    with pytest.raises(pytest.fail.Exception, match="compared again"):
        find_near_duplicates(signatures, store=store)


@pytest.mark.parametrize("n_images", [0, 1])
def test_too_few_for_a_pair(n_images) -> None:
    """No image and one image have no pairs."""
    pairs = find_near_duplicates(sign(*[draw_image(0)] * n_images))
    assert pairs.columns.tolist() == ["first", "second", "likeness", "detail", "agreement"]
    assert pairs.empty


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


@pytest.mark.slow
def test_scales_to_ten_thousand() -> None:
    """Ten thousand pictures with a hundred planted copies, in seconds."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (10_000, SIDE * SIDE), dtype=np.uint8)
    noise[9_900:] = noise[:100]
    names = [str(i) for i in range(10_000)]
    pairs = find_near_duplicates(pd.Series([row.tobytes() for row in noise], index=names))
    assert (pairs["second"].astype(int) - pairs["first"].astype(int)).tolist() == [9_900] * 100


def test_damaged_memory_is_not_used(files, tmp_path) -> None:
    """Stored tables of another shape are looked through: the images are read anew."""
    store = Store(tmp_path / "cache")
    expected = inspect_images(files, store=store).table
    good = store.read_table("signatures", "mean-64-v1")
    bad = [good.drop(columns="width"), good.assign(height=None), good.assign(signature=b"short")]
    for table in bad:
        store.write_table("signatures", "mean-64-v1", table, info={})
        found = inspect_images(files, store=store).table
        pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index())
    signatures = sign(draw_image(0), draw_image(0), draw_image(1))
    pairs = find_near_duplicates(signatures, store=store)
    (key,) = (path.stem for path in (store.root / "near-duplicates").glob("*.parquet"))
    for table in (pairs.drop(columns="first"), pairs.assign(second="nobody")):
        store.write_table("near-duplicates", key, table, info={})
        pd.testing.assert_frame_equal(find_near_duplicates(signatures, store=store), pairs)
