"""The shift: planted where it is, absent where it is not, and fair to both sides."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from cxrlib.baselines.evaluation import (
    CORRECTED,
    PUBLISHED,
    LocoSettings,
    compute_region_shift,
    load_region_shift,
    region_shift,
)
from cxrlib.baselines.evaluation.region_shift import compare_region_shift
from cxrlib.baselines.features import Features
from cxrlib.baselines.tasks import TaskRows, find_task, take_rows
from cxrlib.cohort import load_cohort
from cxrlib.errors import RunStoppedError, SelectionError
from cxrlib.storage import Store
from tests.evaluation_rows_factory import REGIONS, draw_rows, make_features, make_rows, shuffle_rows

FEW = LocoSettings(n_resamples=8)


def draw_signal(seed: int, *, local: str | None = None) -> tuple[TaskRows, np.ndarray]:
    """Draw labels and two features: noise, and one that follows the label, of a region or of all.

    A local one is turned round everywhere else.
    """
    rows, rng = draw_rows(seed, n_images=120, n_persons=90)
    y = rows.table["y"].to_numpy()
    sign = 1.0 if local is None else np.where(rows.table["region"] == local, 1.0, -1.0)
    signal = sign * (y - 0.5) + 0.3 * rng.normal(size=120)
    return rows, np.column_stack([signal, rng.normal(size=120)])


def test_a_planted_shortcut_of_a_region_is_seen() -> None:
    """What marks the label in Asia only, and misleads elsewhere, is known inside alone."""
    rows, matrix = draw_signal(0, local="Asia")
    table = compare_region_shift(rows, make_features(rows, matrix), FEW, n_repeats=2).table
    asia = table.set_index("fold").loc["Asia"]
    assert asia["inside"] > 0.85
    assert asia["outside"] < 0.3
    assert 0.5 < asia["low"] < asia["difference"] < asia["high"]
    assert asia["difference"] == asia["inside"] - asia["outside"]


def test_what_holds_everywhere_is_no_shift() -> None:
    """A feature that follows the label in all regions is known from outside as well."""
    rows, matrix = draw_signal(1)
    table = compare_region_shift(rows, make_features(rows, matrix), FEW, n_repeats=2).table
    assert table["fold"].tolist() == [*REGIONS, "pooled"]
    assert (table[["inside", "outside"]] > 0.8).all(axis=None)
    assert table["difference"].abs().max() < 0.1
    assert ((table["low"] <= table["difference"]) & (table["difference"] <= table["high"])).all()


def test_noise_favours_neither_side() -> None:
    """On random features both score a half: cross-validation must not push one below it."""
    found = []
    for seed in range(8):
        rows, rng = draw_rows(seed, n_images=60, n_persons=60)
        settings = LocoSettings(n_resamples=0)
        features = make_features(rows, rng.normal(size=(60, 2)))
        table = compare_region_shift(rows, features, settings, n_repeats=1).table
        found.append(table.set_index("fold").loc["pooled", ["outside", "inside"]].to_list())
    # The standard error of either mean is about 0.025.
    assert np.abs(np.mean(found, axis=0) - 0.5).max() < 0.06


@pytest.mark.parametrize("is_strict", [False, True])
def test_both_sides_are_alike_and_keep_apart_what_must_be(
    is_strict: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many images of each class, and nobody, no article and no site on both sides."""
    rows, rng = draw_rows(3, n_images=150, n_persons=100)
    table = rows.table
    number = table["person_id"].str[1:].astype(int)
    table["article"] = [f"a{n}" if n % 3 else "" for n in number // 2]
    table["source"] = [f"s{n}" for n in number // 4]
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    predict: Callable = region_shift._predict

    def spy(images, train: np.ndarray, test: np.ndarray, protocol) -> np.ndarray:
        seen.append((train, test))
        return predict(images, train, test, protocol)

    monkeypatch.setattr(region_shift, "_predict", spy)
    settings = LocoSettings(n_resamples=0, is_strict=is_strict)
    result = compare_region_shift(
        rows, make_features(rows, rng.normal(size=(150, 2))), settings, n_repeats=2
    )
    assert seen
    guards = ["person_id", "article", *(["source"] if is_strict else [])]
    for train, test in seen:
        for guard in guards:
            both = set(table[guard].iloc[train]) & set(table[guard].iloc[test])
            assert not both - {""}
    region = table["region"].to_numpy()
    for (outside, test), (inside, same) in zip(seen[::2], seen[1::2], strict=True):
        assert np.array_equal(test, same)
        assert set(region[inside]) == set(region[test])
        assert not set(region[outside]) & set(region[test])
        row = result.table.set_index("fold").loc[region[test][0]]
        for train in (outside, inside):
            assert len(train) == len(set(train)) == row["n_train"]
            assert table["y"].iloc[train].sum() == row["n_train_positive"]


def test_every_image_is_tested_once_a_repeat() -> None:
    """Pairs are those of images tested together; all of a part's are compared."""
    rows, rng = draw_rows(4)
    images = region_shift._take_images(rows, make_features(rows, rng.normal(size=(90, 2))), FEW)
    test = np.flatnonzero(images.group == "Asia")
    parts = list(region_shift._part(images, test, 5, rng))
    assert np.array_equal(np.sort(np.concatenate(parts)), test)
    assert all(len(set(images.y[part])) == 2 for part in parts)


def test_persons_are_drawn_whole_and_copies_stay_together() -> None:
    """As many as there are, with all of their images; no copy is tested by its original."""
    rows, rng = draw_rows(10)
    images = region_shift._take_images(rows, make_features(rows, rng.normal(size=(90, 2))), FEW)
    places = np.flatnonzero(images.group == "Asia")
    drawn = region_shift._draw_persons(images, places, rng)
    n_of = np.bincount(drawn, minlength=90)
    for person in set(images.person[places]):
        assert len(set(n_of[places][images.person[places] == person])) == 1
    firsts = [places[images.person[places] == person][0] for person in set(images.person[places])]
    assert n_of[firsts].sum() == len(firsts)
    again = images.take(drawn)
    plan = region_shift._make_plan(again, np.arange(len(drawn)), rng, 1)
    for test, inside in zip(plan.tests, plan.inside, strict=True):
        assert not set(drawn[test]) & set(drawn[inside])


def test_what_comes_of_parting_once_is_taken_out() -> None:
    """Of the variance of resamples all but a share of that between repeats; never all of it."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(0.1, 0.1, 400)
    drawn[0] = np.nan
    parted = rng.normal(0, 0.05, 20)
    left = region_shift._settle(drawn, parted, 0.2)
    variance = np.nanvar(drawn, ddof=1) - np.var(parted, ddof=1) * 19 / 20
    assert np.nanvar(left, ddof=1) == pytest.approx(variance)
    assert np.nanmean(left) == pytest.approx(0.2)
    assert np.isnan(left[0])
    most = region_shift._settle(drawn, 9 * parted, 0.0)
    assert np.nanvar(most) == pytest.approx(region_shift.LEAST_LEFT * np.nanvar(drawn))
    for once in (parted[:1], np.full(3, np.nan)):
        assert np.nanvar(region_shift._settle(drawn, once, 0.0)) == pytest.approx(np.nanvar(drawn))


def test_the_order_of_rows_changes_nothing() -> None:
    """Nor does that of the features."""
    rows, rng = draw_rows(5)
    features = make_features(rows, rng.normal(size=(90, 3)))
    other = shuffle_rows(rows, 2)
    moved = make_features(other, features.take(other.table["image_id"].tolist()))
    first, second = (
        compare_region_shift(*each, LocoSettings(n_resamples=2), n_repeats=1)
        for each in ((rows, features), (other, moved))
    )
    assert_frame_equal(first.table, second.table)
    assert_frame_equal(first.repeats, second.repeats)


def test_repeats_are_listed() -> None:
    """Each has a score of its own; their number is as asked for."""
    rows, matrix = draw_signal(6)
    settings = LocoSettings(n_resamples=0)
    result = compare_region_shift(rows, make_features(rows, matrix), settings, n_repeats=3)
    assert result.repeats.groupby("fold")["repeat"].apply(list).tolist() == [[0, 1, 2]] * 3
    means = result.repeats.groupby("fold")[["outside", "inside"]].mean()
    table = result.table.set_index("fold").loc[list(REGIONS), ["outside", "inside"]].astype(float)
    # Repeats have nearly as many pairs each.
    assert np.abs(means - table).max(axis=None) < 0.05


def test_numbers_are_compared_by_their_order() -> None:
    """Severity has no classes: a shift in it is one of which image is worse."""
    rows, rng = draw_rows(7, task="geographic-extent")
    y = rows.table["y"].to_numpy()
    sign = np.where(rows.table["region"] == "Europe", 1.0, -1.0)
    features = make_features(rows, (sign * y + 0.5 * rng.normal(size=90))[:, None])
    table = compare_region_shift(rows, features, FEW, n_repeats=3).table.set_index("fold")
    assert (table["metric"] == "concordance").all()
    assert table.loc["Europe", "inside"] > 0.8
    assert table.loc["Europe", "outside"] < 0.2
    assert table["n_train_positive"].isna().all()


def test_too_few_have_a_reason() -> None:
    """Too few persons of a class inside, to learn from outside, or all bound to each other."""
    few = make_rows([0, 1] * 4, region=["Asia"] * 8)
    alone = make_rows([0, 1] * 12, region=["Asia"] * 24)
    bound = make_rows(
        [0, 1] * 24, region=["Asia"] * 24 + ["Europe"] * 24, article=["a"] * 24 + [""] * 24
    )
    for rows, words in (
        (few, "4 persons of the smaller class: not estimable below 5"),
        (alone, "0 persons of the smaller class left for training outside the region"),
        (bound, "share a person, an article or a source"),
    ):
        features = make_features(rows, np.random.default_rng(0).normal(size=(len(rows.table), 1)))
        table = compare_region_shift(rows, features, FEW, n_repeats=2).table
        assert words in table["reason"].iloc[0]
        assert np.isnan(table["difference"].iloc[0])
        assert "pooling needs two" in table["reason"].iloc[-1]


def test_the_protocol_says_what_ranks() -> None:
    """By predicted classes a score is coarser, and the difference another."""
    rows, matrix = draw_signal(8)
    features = make_features(rows, matrix)
    one, other = (
        compare_region_shift(
            rows, features, LocoSettings(protocol, n_resamples=0), n_repeats=2
        ).table
        for protocol in (CORRECTED, PUBLISHED)
    )
    assert (one["inside"] > other["inside"]).all()


def test_it_can_be_stopped_and_pixels_are_refused() -> None:
    """It says so by an error, at once."""
    rows, rng = draw_rows(9)
    features = make_features(rows, rng.normal(size=(90, 1)))
    with pytest.raises(RunStoppedError):
        compare_region_shift(rows, features, FEW, should_stop=lambda: True)
    object.__setattr__(features, "kind", "pixels")
    with pytest.raises(SelectionError, match="thousands of models"):
        compare_region_shift(rows, features, FEW)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("covid-19", ["Europe"]),
        ("viral-or-bacterial", []),
        ("icu-stay", []),
        ("intubated", ["Europe"]),
        ("opacity", ["Asia", "Europe"]),
    ],
)
def test_on_the_collection_few_regions_can_be_compared(
    real_root: Path, task: str, names: list[str]
) -> None:
    """Too few persons of a class inside, or to learn from outside; each says which."""
    cohort = load_cohort(real_root, inspect_images=False)
    rows = take_rows(cohort, find_task(task), need_file=False)
    features = make_features(rows, np.random.default_rng(0).normal(size=(len(rows.table), 2)))
    table = compare_region_shift(rows, features, LocoSettings(n_resamples=0), n_repeats=1).table
    compared = table["difference"].notna() & (table["fold"] != "pooled")
    assert table.loc[compared, "fold"].tolist() == names
    assert (table.loc[table["difference"].isna(), "reason"] != "").all()


# ---- keeping

FEWEST = LocoSettings(n_resamples=2)


@pytest.mark.parametrize("y", ["classes", "one class"])
def test_a_comparison_is_made_once(y: str, tmp_path: Path, monkeypatch) -> None:
    """Out of the store come the digits that went in, reasons included."""
    rows, features = make_case(y)
    store = Store(tmp_path)
    assert load_region_shift(rows, features, FEWEST, store, n_repeats=1) is None
    made = compute_region_shift(rows, features, FEWEST, store, n_repeats=1)
    monkeypatch.setattr(region_shift, "compare_region_shift", None)
    again = compute_region_shift(rows, features, FEWEST, store, n_repeats=1)
    assert_frame_equal(again.table, made.table, check_dtype=False)
    assert_frame_equal(again.repeats, made.repeats, check_dtype=False)


@pytest.mark.parametrize("damage", ["columns", "type", "repeats", "rows", "cut"])
def test_a_damaged_comparison_is_not_shown(damage: str, tmp_path: Path) -> None:
    """Whatever lies in its place, it is as if it had not been made."""
    rows, features = make_case("classes")
    store = Store(tmp_path)
    made = compute_region_shift(rows, features, FEWEST, store, n_repeats=1)
    key = region_shift.make_region_shift_key(rows, features, FEWEST, 1)
    if damage == "cut":
        path = next(tmp_path.rglob(f"{key}.parquet"))
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "repeats":
        store.write_table("shifts", f"{key}-repeats", made.repeats.astype(str), info={})
    else:
        wrong = {
            "columns": made.table.drop(columns="low"),
            "type": made.table.assign(inside="high"),
            "rows": made.table.iloc[:-1],
        }
        store.write_table("shifts", key, wrong[damage], info={})
    assert load_region_shift(rows, features, FEWEST, store, n_repeats=1) is None


def make_case(y: str) -> tuple[TaskRows, Features]:
    """Draw rows with noise; of one class no comparison can be made."""
    rows, rng = draw_rows(9, n_images=60, n_persons=60)
    if y == "one class":
        rows.table["y"] = 1.0
    return rows, make_features(rows, rng.normal(size=(len(rows.table), 2)))
