"""Sums of feature sets: the columns of all parts, the images that all parts have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxrlib.baselines.features import (
    FeatureChoice,
    add_features,
    features_from_matrix,
    list_feature_sets,
    load_features,
    offer_sum,
    spell_set_name,
    split_sum,
)
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.feature_rows import describe_network, embed, make_task_cohort, take


def test_load_features_adds_columns_side_by_side(tmp_path: Path) -> None:
    """A sum is its parts, column by column; the intercept counts once."""
    cohort, store = make_task_cohort(tmp_path / "c"), Store(tmp_path / "cache")
    embed(cohort, store, describe_network("texture", note=""))
    rows = take(cohort)
    with pytest.raises(SelectionError, match="texture"):  # another preprocessing: not current
        load_features("texture:outputs+view", rows, store)
    both = load_features("view + age-sex", rows, store)
    view, age = (load_features(name, rows, store) for name in ("view", "age-sex"))
    assert both.name == "view+age-sex"
    assert both.columns == (*view.columns, *age.columns)
    assert np.array_equal(both.matrix, np.hstack([view.matrix, age.matrix]))
    assert both.n_parameters == view.n_parameters + age.n_parameters - 1
    assert both.kind == "shortcut"
    assert len(both.origin) == len(view.origin) + len(age.origin)


def test_add_features_leaves_out_images_that_lack_a_part() -> None:
    """An image without one part is missing, with that part's reason."""
    first = features_from_matrix([[1.0], [2.0], [3.0]], ["a", "b", "c"], ["x"], name="one")
    second = features_from_matrix([[9.0], [8.0], [np.nan]], ["c", "a", "b"], ["y"], name="two")
    both = add_features([first, second])
    assert both.image_ids == ("a", "c")
    assert both.matrix.tolist() == [[1.0, 8.0], [3.0, 9.0]]
    assert dict(both.missing) == {"b": "two: column 'y' is nan"}


def test_add_features_prefixes_columns_on_clash_only() -> None:
    """A name that two parts have says whose it is."""
    first = features_from_matrix([[1.0, 2.0]], ["a"], ["x", "y"], name="one")
    second = features_from_matrix([[3.0, 4.0]], ["a"], ["y", "z"], name="two")
    assert add_features([first, second]).columns == ("x", "one: y", "two: y", "z")


def test_add_features_is_the_same_in_any_order_of_rows() -> None:
    """Rows are matched by id, not by place."""
    ids = ["a", "b", "c"]
    first = features_from_matrix([[1.0], [2.0], [3.0]], ids, ["x"], name="one")
    second = features_from_matrix([[4.0], [5.0], [6.0]], ids, ["y"], name="two")
    turned = features_from_matrix([[6.0], [5.0], [4.0]], ids[::-1], ["y"], name="two")
    assert add_features([first, second]).key == add_features([first, turned]).key


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("view+view", "'view' twice"),
        ("view+", "plus without a set"),
        ("+view", "plus without a set"),
        ("view+nonsense", "no feature set 'nonsense'"),
        ("view+own.csv", "cxrlib features add"),
        ("view+" + "+".join(f"s{i}" for i in range(9)), "at most 8"),
    ],
)
def test_load_features_refuses_a_bad_sum(tmp_path: Path, name: str, words: str) -> None:
    """What is wrong with a sum is named."""
    rows = take(make_task_cohort(tmp_path / "c"))
    with pytest.raises(SelectionError, match=words):
        load_features(name, rows, Store(tmp_path / "cache"))


def test_add_features_refuses_pixels_and_images_without_all_parts() -> None:
    """Pixels have a network of their own; a sum of no image is none."""
    first = features_from_matrix([[1.0]], ["a"], ["x"], name="one")
    second = features_from_matrix([[1.0]], ["b"], ["x"], name="two")
    with pytest.raises(SelectionError, match=r"No image has all parts.*'b': one: no row"):
        add_features([first, second])
    pixels = replace(first, kind="pixels", name="pixels")
    with pytest.raises(SelectionError, match="Pixels cannot be added"):
        add_features([pixels, first])


def test_spell_set_name_keeps_file_names() -> None:
    """A plus within a file's name is part of it."""
    assert spell_set_name("a + b.csv") == "a + b.csv"
    assert split_sum("a+b.parquet") == ("a+b.parquet",)
    assert spell_set_name("embedding + view") == "intermediate+view"


def test_offer_sum_is_ready_where_all_parts_are(tmp_path: Path) -> None:
    """A sum is offered as its parts are."""
    cohort = make_task_cohort(tmp_path / "c")
    choices = list_feature_sets(cohort, Store(tmp_path / "cache"))
    ready, not_ready = (offer_sum(name, choices) for name in ("view+source", "view+outputs"))
    assert isinstance(ready, FeatureChoice)
    assert (ready.name, ready.is_ready, ready.title) == (
        "view+source",
        True,
        "View only + Source only",
    )
    assert not_ready is not None
    assert not not_ready.is_ready
    assert not_ready.what_to_do
    assert offer_sum("view", choices) == next(c for c in choices if c.name == "view")
    assert offer_sum("view+nonsense", choices) is None
    assert offer_sum("view+pixels", choices) is None
