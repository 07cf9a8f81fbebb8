"""Near-identical images are found, whatever was cut off, scaled or toned; strangers are not."""

import itertools

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import alignment, landmarks, near_duplicates
from cxrlib.cohort.near_duplicates import MIN_AGREEMENT, SIDE, find_near_duplicates
from cxrlib.cohort.persons import merge_persons
from cxrlib.storage import Store
from tests.cohort_factory import draw_image
from tests.film_factory import compress, cut, draw_film, look_at, tone


def list_pairs(pairs: pd.DataFrame) -> set[tuple[str, str]]:
    """List the names of each pair."""
    return set(zip(pairs["first"], pairs["second"], strict=True))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_find_near_duplicates_passes_over_flat_images(value) -> None:
    """Two black pictures are no evidence of one person."""
    flat = np.full((64, 64), value, np.uint8)
    looks = look_at(flat, flat.copy()).assign(signature=b"", landmarks=b"")
    assert find_near_duplicates(looks).empty


def test_find_near_duplicates_finds_plain_copies() -> None:
    """Scaled, compressed and brightened copies of a picture too plain for landmarks."""
    image = draw_image(1, height=400, width=360)
    copies = [compress(image, 300), compress(image, 150, 80), tone(image, 0.8)]
    pairs = find_near_duplicates(look_at(image, *copies, draw_image(2)))
    groups = merge_persons("01234", list_pairs(pairs))
    assert groups == dict.fromkeys("0123", "0") | {"4": "4"}


@pytest.mark.parametrize("seed", range(4))
def test_find_near_duplicates_finds_cut_copies(seed) -> None:
    """Cut by up to 15 % a side, toned and compressed; two cuttings of a film not here, too."""
    film = draw_film(seed)
    images = [
        tone(cut(film, 0.15, 0.02, 0.15, 0.0), 0.7),
        tone(compress(cut(film, 0.0, 0.15, 0.05, 0.15), 250), 1.4),
        255 - cut(film, 0.08, 0.08, 0.0, 0.1),
        *(draw_film(100 * seed + i) for i in range(10, 30)),
    ]
    pairs = find_near_duplicates(look_at(*images))
    assert list_pairs(pairs) <= {("0", "1"), ("0", "2"), ("1", "2")}
    groups = merge_persons("012", list_pairs(pairs))
    assert set(groups.values()) == {"0"}
    assert (pairs["matches"] >= alignment.MIN_MATCHES).all()
    assert pairs["overlap"].between(alignment.MIN_OVERLAP, 1).all()
    assert (pairs["agreement"] >= MIN_AGREEMENT).all()


def test_find_near_duplicates_bears_a_label() -> None:
    """A box drawn in spoils some blocks; half of another film, mirroring or turning, too many."""
    film = draw_film(0)
    written, mixed = film.copy(), film.copy()
    written[300:360, 100:250] = 0
    mixed[:, :200] = draw_film(1)[:, :200]
    looks = look_at(film, written, mixed, film[:, ::-1].copy(), film.T.copy())
    assert list_pairs(find_near_duplicates(looks)) == {("0", "1")}


def test_find_near_duplicates_wants_more_than_what_all_share() -> None:
    """Pictures with one strong common pattern differ in their details."""
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    common = 200 * np.exp(-(x**2) * 3) + 40 * y
    details = [
        np.kron(np.random.default_rng(seed).normal(0, 9, (32, 32)), np.ones((10, 10)))
        for seed in (0, 1)
    ]
    images = [(common + detail).clip(0, 255).astype(np.uint8) for detail in details]
    looks = look_at(*images)
    cells = [np.frombuffer(s, np.uint8).astype(float) for s in looks["signature"]]
    assert np.corrcoef(*cells)[0, 1] > 0.95
    assert find_near_duplicates(looks).empty


def test_find_near_duplicates_does_not_depend_on_order() -> None:
    """Rows in any order give the same pairs and values."""
    films = [draw_film(seed) for seed in range(6)]
    cuttings = [cut(film, 0.02 * i, 0.1, 0.03 * i, 0.05) for i, film in enumerate(films)]
    looks = look_at(*films, *cuttings)
    expected = find_near_duplicates(looks)
    assert len(expected) == 6
    rng = np.random.default_rng(0)
    for _ in range(3):
        found = find_near_duplicates(looks.iloc[rng.permutation(len(looks))])
        named = [sorted(pair) for pair in found[["first", "second"]].to_numpy().tolist()]
        for pair in expected.itertuples(index=False):
            row = found.iloc[named.index(sorted(pair[:2]))]
            assert tuple(row[2:]) == tuple(pair[2:])
        assert len(found) == len(expected)


def test_find_near_duplicates_finds_what_all_pairs_would(monkeypatch) -> None:
    """The index misses nothing that laying each image on each other one finds."""
    films = [draw_film(seed) for seed in range(8)]
    copies = [compress(cut(film, 0.05, 0.1, 0.0, 0.12), 220) for film in films[:5]]
    looks = look_at(*films, *copies)
    found = find_near_duplicates(looks)
    more = {"N_NEIGHBOURS": 15, "FARTHEST": 0.8, "MOST_CANDIDATES": 1000}
    for name, value in {
        **more,
        "MOST_MATCHES": 150,
        "N_WHOLES": 100,
        "WHOLE_FARTHEST": 2.0,
    }.items():
        monkeypatch.setattr(near_duplicates, name, value)
    assert list_pairs(find_near_duplicates(looks)) == list_pairs(found)
    assert list_pairs(found) == {(str(i), str(8 + i)) for i in range(5)}


def test_find_near_duplicates_keeps_pairs(tmp_path, monkeypatch) -> None:
    """The same images are not compared again, others are."""
    store = Store(tmp_path)
    looks = look_at(draw_image(0), draw_image(0), draw_image(1))
    first = find_near_duplicates(looks, store=store)
    assert list_pairs(first) == {("0", "1")}
    with monkeypatch.context() as patch:
        patch.setattr(near_duplicates, "_find_candidates", lambda *_: pytest.fail("again"))
        pd.testing.assert_frame_equal(find_near_duplicates(looks, store=store), first)
        with pytest.raises(pytest.fail.Exception, match="again"):
            find_near_duplicates(looks[:2], store=store)
    assert find_near_duplicates(looks[1:], store=store).empty


def test_find_near_duplicates_reads_damaged_pairs_anew(tmp_path) -> None:
    """Stored pairs of another shape or of other images are found again."""
    store = Store(tmp_path)
    looks = look_at(draw_image(0), draw_image(0), draw_image(1))
    pairs = find_near_duplicates(looks, store=store)
    (key,) = (path.stem for path in (store.root / "near-duplicates").glob("*.parquet"))
    for table in (pairs.drop(columns="first"), pairs.assign(second="nobody")):
        store.write_table("near-duplicates", key, table, info={})
        pd.testing.assert_frame_equal(find_near_duplicates(looks, store=store), pairs)


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        *((near_duplicates, "MIN_AGREEMENT", 0.9), (near_duplicates, "CROWD", 5)),
        *((near_duplicates, "N_NEIGHBOURS", 9), (near_duplicates, "PAIRS_VERSION", "other")),
        *((alignment, "MIN_MATCHES", 5), (alignment, "MIN_STRUCTURE", 0.4)),
        *((landmarks, "SIZE", 100), (landmarks, "REACH", 3.0)),
    ],
)
def test_kept_pairs_are_those_of_the_same_rule(tmp_path, monkeypatch, module, name, value) -> None:
    """Pairs found by another threshold or version are not taken for today's."""
    store = Store(tmp_path)
    looks = look_at(draw_image(0), draw_image(0))
    find_near_duplicates(looks, store=store)
    monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(near_duplicates, "_find_candidates", lambda *_: pytest.fail("again"))
    with pytest.raises(pytest.fail.Exception, match="again"):
        find_near_duplicates(looks, store=store)


def test_many_copies_take_no_time(monkeypatch) -> None:
    """Copies pair with the first one; a crowd of near copies is joined, not compared in full."""
    image = draw_film(1, 200).astype(float)
    rng = np.random.default_rng(0)
    noisy = (image + rng.normal(0, 3, image.shape) for _ in range(100))
    near = [copy.clip(0, 255).astype(np.uint8) for copy in noisy]
    looks = look_at(draw_film(2, 200), *near)
    looks = pd.concat([looks.iloc[[0] * 300], looks.iloc[1:]])
    looks.index = [str(i) for i in range(len(looks))]
    calls = []
    align = near_duplicates.align
    monkeypatch.setattr(near_duplicates, "align", lambda *cells: calls.append(1) or align(*cells))
    pairs = find_near_duplicates(looks)
    groups = merge_persons(looks.index, list_pairs(pairs))
    assert set(groups.values()) == {"0", "300"}
    assert (pairs["first"] == "0").sum() == 299
    assert len(calls) < 1500  # of 5,000 pairs of near copies and 45,000 of copies


@pytest.mark.parametrize("n_images", [0, 1])
def test_too_few_for_a_pair(n_images) -> None:
    """No image and one image have no pairs."""
    looks = look_at(draw_image(0)).iloc[:n_images]
    pairs = find_near_duplicates(looks)
    assert pairs.columns.tolist() == ["first", "second", *near_duplicates.VALUES]
    assert pairs.empty


@pytest.mark.slow
def test_scales_to_ten_thousand() -> None:
    """Ten thousand pictures with a hundred planted copies, in seconds."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (10_000, SIDE * SIDE), dtype=np.uint8)
    noise[9_900:] = noise[:100]
    looks = pd.DataFrame(
        {"signature": [row.tobytes() for row in noise], "landmarks": b"", "width": 9, "height": 9},
        index=[str(i) for i in range(10_000)],
    )
    pairs = find_near_duplicates(looks)
    assert (pairs["second"].astype(int) - pairs["first"].astype(int)).tolist() == [9_900] * 100


def test_progress_ends_at_all_images() -> None:
    """Whoever waits sees the number of images, at the end all of them."""
    seen = []
    looks = look_at(*(draw_film(seed) for seed in range(3)))
    find_near_duplicates(looks, on_progress=lambda *n: seen.append(n))
    assert seen[-1] == ("Comparing images", 3, 3)
    assert all(0 <= done <= total for _, done, total in seen)


def test_real_collection_has_the_pairs_seen_by_eye(real_root) -> None:
    """Images under two ids that are one film; 193 and 195 of two pages of one site, cropped."""
    from cxrlib.cohort.persons import inspect_images

    names = {
        *("2-chest-filmc.jpg", "7-fatal-covid19.jpg", "AR-1.jpg", "extubation-1.jpg"),
        *("pneumonia-7.jpg", "streptococcus-pneumoniae-pneumonia-temporal-evolution-1-day1.jpg"),
        *("streptococcus-pneumoniae-pneumonia-temporal-evolution-1-day0.jpg", "extubation-4.jpg"),
    }
    files = {name: real_root / "images" / name for name in sorted(names)}
    pairs = find_near_duplicates(inspect_images(files).table)
    assert {frozenset(pair) for pair in list_pairs(pairs)} == {
        frozenset(("2-chest-filmc.jpg", "7-fatal-covid19.jpg")),
        frozenset(("AR-1.jpg", "extubation-1.jpg")),
        frozenset(
            (
                "pneumonia-7.jpg",
                "streptococcus-pneumoniae-pneumonia-temporal-evolution-1-day1.jpg",
            )
        ),
    }


def test_pairs_are_each_there_once() -> None:
    """Three copies make three pairs, none twice."""
    film = draw_film(3)
    looks = look_at(film, tone(film, 0.8), tone(film, 1.3))
    pairs = find_near_duplicates(looks)
    assert sorted(list_pairs(pairs)) == list(itertools.combinations("012", 2))
    assert len(pairs) == 3
