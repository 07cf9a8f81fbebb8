"""Nulls: labels move by persons within groups, p is right, and what is done is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxrlib.baselines.evaluation import (
    OBSERVED,
    PUBLISHED,
    LocoSettings,
    compute_permutation_null,
    load_permutation_null,
    make_permutation_null_key,
    permutation_null,
    run_loco,
)
from cxrlib.baselines.evaluation.permutation_null import permute_labels
from cxrlib.baselines.features import load_features
from cxrlib.baselines.tasks import find_task, take_rows
from cxrlib.cohort import load_cohort
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.evaluation_rows_factory import REGIONS, draw_rows, make_features, make_rows, shuffle_rows


def find_row(null: permutation_null.PermutationNull, fold: str, metric: str) -> pd.Series:
    """Return the row of one score."""
    table = null.table
    return table[(table["fold"] == fold) & (table["metric"] == metric)].iloc[0]


@pytest.mark.parametrize("seed", range(5))
def test_labels_move_by_persons_within_groups(seed: int) -> None:
    """Each person has all the labels of one of its group, none is taken by two."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(np.array(["a", "b"], dtype=object), 60)
    persons = np.array([f"{g}{rng.integers(8)}" for g in groups], dtype=object)
    # A label that names its person shows where it went.
    names = sorted(set(persons))
    y = np.array([names.index(p) for p in persons], dtype=float)
    permuted = permute_labels(y, groups, persons, rng)
    taken = {}
    for person in names:
        (giver,) = set(permuted[persons == person])
        taken[person] = names[int(giver)]
    assert sorted(taken.values()) == names
    assert all(person[0] == giver[0] for person, giver in taken.items())
    assert taken != {person: person for person in names}


def test_labels_keep_the_order_of_a_persons_images_and_begin_again() -> None:
    """With more images a person's new labels begin again, with fewer the last are not used."""
    y = np.array([1.0, 2.0, 3.0, 7.0, 8.0])
    persons = np.array(["a", "a", "a", "b", "b"], dtype=object)
    groups = np.array(["g"] * 5, dtype=object)
    seen = {
        tuple(permute_labels(y, groups, persons, np.random.default_rng(seed))) for seed in range(20)
    }
    assert seen == {(1, 2, 3, 7, 8), (7, 8, 7, 1, 2)}


def test_a_person_with_images_in_two_groups_is_taken_as_two() -> None:
    """Labels never leave their group."""
    y = np.array([1.0, 5.0, 2.0, 6.0])
    groups = np.array(["a", "b", "a", "b"], dtype=object)
    persons = np.array(["x", "x", "y", "z"], dtype=object)
    for seed in range(10):
        permuted = permute_labels(y, groups, persons, np.random.default_rng(seed))
        assert set(permuted[groups == "a"]) == {1, 2}
        assert set(permuted[groups == "b"]) == {5, 6}


def test_labels_without_meaning_give_any_p() -> None:
    """On random features p is spread evenly from its smallest value to 1."""
    found = []
    for seed in range(10):
        rows, rng = draw_rows(seed, n_images=48, n_persons=40)
        features = make_features(rows, rng.normal(size=(48, 2)))
        null = compute_permutation_null(rows, features, LocoSettings(n_resamples=0), n=19)
        found.append(find_row(null, "pooled", "auroc")["p"])
    assert 0.35 < np.mean(found) < 0.65
    assert min(found) < 0.2
    assert max(found) > 0.8


def test_a_perfect_feature_has_the_smallest_p() -> None:
    """No permutation is as good: p is one of all labels that were looked at."""
    rows, rng = draw_rows(1)
    y = rows.table["y"].to_numpy()
    null = compute_permutation_null(
        rows, make_features(rows, y[:, None] + 0.01 * rng.normal(size=(90, 1))), n=9
    )
    for fold in ("pooled", "mean", "Asia"):
        row = find_row(null, fold, "auroc")
        assert (row["observed"], row["n"], row["n_at_least"], row["p"]) == (1.0, 9, 0, 0.1)
        assert row["low"] <= row["middle"] <= row["high"] < 1
    assert null.describe().startswith(
        "p < 0.11: 0 of 9 permutations score at least as well. Labels are permuted over patients"
    )


def test_a_feature_that_tells_only_regions_apart_is_no_better_than_its_null() -> None:
    """Permuted labels keep the shares of their region, so they reach the same score."""
    region = np.repeat(REGIONS, 40)
    share = np.repeat([0.2, 0.5, 0.8], 40)
    y = (np.tile(np.arange(40), 3) / 40 < share).astype(float)
    rows = make_rows(y, region=region)
    null = compute_permutation_null(rows, make_features(rows, share[:, None]), n=9)
    assert find_row(null, "pooled", "auroc")["p"] == 1.0


def test_of_errors_the_smaller_is_the_better() -> None:
    """A number that is predicted well has a small error, and a small p for it."""
    rows, rng = draw_rows(2, task="geographic-extent")
    y = rows.table["y"].to_numpy()
    null = compute_permutation_null(
        rows, make_features(rows, y[:, None] + 0.1 * rng.normal(size=(90, 1))), n=9
    )
    for fold, metric in (("mean", "mae"), ("mean", "correlation"), ("pooled", "concordance")):
        assert find_row(null, fold, metric)["p"] == 0.1


@pytest.mark.parametrize("protocol", [PUBLISHED, LocoSettings().protocol])
def test_observed_scores_are_those_of_the_evaluation(protocol) -> None:
    """What is not estimable there has no p here."""
    rows, rng = draw_rows(3, n_images=40, n_persons=36)
    rows.table.loc[rows.table["region"] == "Asia", "y"] = 1.0
    features = make_features(rows, rng.normal(size=(40, 3)))
    settings = LocoSettings(protocol=protocol, n_resamples=0)
    null = compute_permutation_null(rows, features, settings, n=2)
    scores = run_loco(rows, features, settings).scores.set_index(["fold", "metric"])["value"]
    table = null.table.set_index(["fold", "metric"])
    assert_frame_equal(table[["observed"]], scores.rename("observed").to_frame())
    assert table["p"].notna().equals(scores.notna())
    assert (table.loc[scores.isna(), "reason"] != "").all()
    assert "No p" in null.describe("Asia", "auroc")


def test_the_order_of_rows_changes_nothing() -> None:
    """Nor does that of the features."""
    rows, rng = draw_rows(4, n_images=50, n_persons=40)
    features = make_features(rows, rng.normal(size=(50, 3)))
    other = shuffle_rows(rows, 1)
    moved = make_features(other, features.take(other.table["image_id"].tolist()))
    assert make_permutation_null_key(rows, features, LocoSettings()) == make_permutation_null_key(
        other, moved, LocoSettings()
    )
    assert_frame_equal(
        compute_permutation_null(rows, features, n=3).table,
        compute_permutation_null(other, moved, n=3).table,
    )


def test_every_model_can_be_fitted_however_few_are_of_a_class() -> None:
    """Labels that leave nothing to learn from are not drawn: those that are have p all the same."""
    y = [1.0, 0, 1, 0, 1, 1, 1, 1, 1, 1]
    rows = make_rows(y, region=["Asia"] * 2 + ["Europe"] * 8, article=["a", "a", "a", *"bcdefgh"])
    features = make_features(rows, np.random.default_rng(0).normal(size=(10, 1)))
    null = compute_permutation_null(rows, features, LocoSettings(n_resamples=0), n=20)
    pooled = find_row(null, "pooled", "auroc")
    assert pooled["reason"] == "This score is not estimable for the true labels."
    assert (null.values["permutation"].max(), null.is_complete) == (19, True)


# ---- keeping


def test_what_is_done_is_kept_and_gone_on_with(tmp_path: Path, monkeypatch) -> None:
    """Stopped, resumed, asked for more: each permutation is computed once, to the same digits."""
    rows, rng = draw_rows(5, n_images=40, n_persons=30)
    features = make_features(rows, rng.normal(size=(40, 2)))
    settings = LocoSettings(n_resamples=0)
    whole = compute_permutation_null(rows, features, settings, n=8)
    drawn: list[int] = []
    draw = permutation_null._draw_labels
    monkeypatch.setattr(
        permutation_null,
        "_draw_labels",
        lambda plan, number, within: drawn.append(number) or draw(plan, number, within),
    )
    store = Store(tmp_path)
    assert load_permutation_null(rows, features, settings, store) is None
    part = compute_permutation_null(
        rows, features, settings, n=6, store=store, should_stop=lambda: len(drawn) >= 3
    )
    assert (part.n_done, part.n_wanted, part.is_complete) == (3, 6, False)
    assert part.describe() == "No p-value: 3 of 6 permutations done: p is given when all are."
    assert part.table["p"].isna().all()
    asked = load_permutation_null(rows, features, settings, store)
    assert asked is not None
    assert (asked.n_done, asked.n_wanted) == (3, 6)
    known = load_permutation_null(rows, features, settings, store, n=8)
    assert known is not None
    assert_frame_equal(known.values, part.values)
    more = compute_permutation_null(rows, features, settings, n=8, store=store)
    assert drawn == list(range(8))
    assert_frame_equal(more.values, whole.values)
    fewer = compute_permutation_null(rows, features, settings, n=5, store=store)
    assert len(drawn) == 8
    assert (fewer.n_done, fewer.is_complete) == (5, True)
    assert set(fewer.values["permutation"]) == {OBSERVED, *range(5)}


def test_what_interrupts_it_loses_nothing(tmp_path: Path) -> None:
    """What a report of progress raises ends it; what was done lies in the store."""
    rows, rng = draw_rows(5, n_images=40, n_persons=30)
    features = make_features(rows, rng.normal(size=(40, 2)))
    store, settings = Store(tmp_path), LocoSettings()
    told: list[tuple[str, int, int]] = []

    def on_progress(stage: str, done: int, total: int) -> None:
        told.append((stage, done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute_permutation_null(
            rows, features, settings, n=4, store=store, on_progress=on_progress
        )
    known = load_permutation_null(rows, features, settings, store, n=4)
    assert known is not None
    assert known.n_done == 2
    assert told[0] == ("Running permutations", 0, 4)
    # What is done so far says nothing of p: who stops when it is small finds too many.
    assert told[2] == ("Running permutations", 2, 4)


def test_the_key_holds_what_matters() -> None:
    """Other labels, features, seeds or protocols have a null of their own; resamples have none."""
    rows, rng = draw_rows(6, n_images=20, n_persons=20)
    matrix = rng.normal(size=(20, 2))
    features = make_features(rows, matrix)
    other, _ = draw_rows(7, n_images=20, n_persons=20)
    keys = {
        make_permutation_null_key(rows, features, LocoSettings()),
        make_permutation_null_key(other, make_features(other, matrix), LocoSettings()),
        make_permutation_null_key(rows, make_features(rows, matrix + 1), LocoSettings()),
        make_permutation_null_key(rows, features, LocoSettings(seed=1)),
        make_permutation_null_key(rows, features, LocoSettings(protocol=PUBLISHED)),
        make_permutation_null_key(rows, features, LocoSettings(hold_out="source")),
    }
    assert len(keys) == 6
    assert make_permutation_null_key(rows, features, LocoSettings(n_resamples=5)) in keys
    part = make_features(rows, matrix)
    some = replace(part, image_ids=part.image_ids[:15], matrix=part.matrix[:15])
    result = run_loco(rows, some)
    assert make_permutation_null_key(rows, some, LocoSettings()) not in keys
    assert make_permutation_null_key(rows, some, LocoSettings()) == make_permutation_null_key(
        result.rows, result.features, result.settings
    )


@pytest.mark.parametrize("damage", ["columns", "gap", "scores", "type"])
def test_a_damaged_null_is_computed_anew(damage: str, tmp_path: Path) -> None:
    """What does not fit is passed over, never shown."""
    rows, rng = draw_rows(8, n_images=40, n_persons=30)
    features = make_features(rows, rng.normal(size=(40, 2)))
    store, settings = Store(tmp_path), LocoSettings()
    right = compute_permutation_null(rows, features, settings, n=3, store=store)
    values = right.values
    bad = {
        "columns": values.drop(columns="metric"),
        "gap": values[values["permutation"] != 1],
        "scores": values.iloc[:-1],
        "type": values.assign(value=values["value"].astype(str)),
    }[damage]
    store.write_table(
        permutation_null.KIND, make_permutation_null_key(rows, features, settings), bad, info={}
    )
    assert load_permutation_null(rows, features, settings, store, n=3) is None
    again = compute_permutation_null(rows, features, settings, n=3, store=store)
    assert_frame_equal(again.values, values)


@pytest.mark.parametrize("n", [0, 10_001])
def test_an_unusable_number_is_refused(n: int) -> None:
    """None, or more than any answer needs."""
    rows, rng = draw_rows(9)
    with pytest.raises(SelectionError, match="use 1 to 10,000"):
        compute_permutation_null(rows, make_features(rows, rng.normal(size=(90, 1))), n=n)


def test_on_the_collection_what_is_recorded_beats_its_null(real_root: Path, tmp_path: Path) -> None:
    """A small p is no sign of disease: which fields are recorded has the smallest there is."""
    rows = take_rows(
        load_cohort(real_root, inspect_images=False), find_task("icu-stay"), need_file=False
    )
    features = load_features("recorded", rows, Store(tmp_path))
    null = compute_permutation_null(rows, features, LocoSettings(PUBLISHED), n=19)
    row = find_row(null, "mean", "auroc")
    assert row["observed"] > 0.9
    assert (row["n"], row["p"]) == (19, 0.05)
    assert row["high"] < 0.9


def test_labels_that_lose_a_class_are_drawn_again() -> None:
    """A person with both labels may hand on one of them only: such a draw scores nothing."""
    rng = np.random.default_rng(0)
    y = [0.0, 1, 0, *([0.0, 1] * 8)]
    person = ["both", "both", "one", *(f"p{i}" for i in range(16))]
    rows = make_rows(y, region=["Asia"] * 3 + ["Europe"] * 16, person=person)
    features = make_features(rows, rng.normal(size=(19, 2)))
    null = compute_permutation_null(rows, features, LocoSettings(PUBLISHED, n_resamples=0), n=12)
    assert null.n_done == 12
    assert null.values.loc[null.values["fold"] == "Asia", "value"].notna().all()


def test_another_seed_permutes_otherwise() -> None:
    """The labels as they are score the same."""
    rows, rng = draw_rows(5)
    features = make_features(rows, rng.normal(size=(len(rows.table), 2)))
    first, second = (
        compute_permutation_null(rows, features, LocoSettings(seed=seed, n_resamples=0), n=3).values
        for seed in (0, 1)
    )
    is_observed = first["permutation"] < 0
    pd.testing.assert_frame_equal(first[is_observed], second[is_observed])
    assert not first.equals(second)


def test_images_without_a_source_are_not_of_one_source() -> None:
    """Who is from where is not known, so nobody can be exchanged for another."""
    rows, rng = draw_rows(1)
    features = make_features(rows, rng.normal(size=(len(rows.table), 2)))
    assert set(rows.table["source"]) == {""}
    with pytest.raises(SelectionError, match="In no source do two patients differ"):
        compute_permutation_null(rows, features, n=1, within="source")
