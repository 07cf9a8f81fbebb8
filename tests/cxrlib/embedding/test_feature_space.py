"""The space of an extractor's numbers: standardised, ordered, without what is no number."""

import numpy as np
import pytest

from cxrlib.embedding import lay_out_feature_space, measure_distances
from cxrlib.errors import SelectionError
from tests.course_tables import make_embeddings, make_table


def test_space_is_standardised_and_leaves_constants_out():
    """Random images are about 1.41 apart, whatever the units; a constant column does not count."""
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=400), 1000 * rng.normal(size=400) + 5, np.ones(400)])
    rows = [(f"i{k}", f"p{k}", k, "PA") for k in range(400)]
    space = lay_out_feature_space(make_table(rows), make_embeddings([r[0] for r in rows], values))
    assert space.n_constant == 1
    everything = np.arange(400)
    distances = measure_distances(space, everything, everything)
    assert np.sqrt((distances**2).mean()) == pytest.approx(np.sqrt(2), rel=1e-6)
    assert np.diag(distances) == pytest.approx(0, abs=1e-7)


def test_space_holds_xrays_with_finite_numbers():
    """By person, view, day; CT rows and infinite numbers are out."""
    rows = [
        ("b", "q", 5, "PA"), ("a", "q", 1, "PA"), ("c", "p", 1, "PA"),
        ("ct", "p", 1, "Axial", {"is_xray": False}), ("inf", "p", 2, "PA"),
    ]  # fmt: skip
    values = [[1.0], [2.0], [3.0], [4.0], [np.inf]]
    space = lay_out_feature_space(make_table(rows), make_embeddings([r[0] for r in rows], values))
    assert space.table["image_id"].tolist() == ["c", "a", "b"]


def test_blanks_have_no_code():
    """Articles, sites, views and days that are not recorded are nobody's; others are numbered."""
    rows = [
        ("a", "p", None, "PA", {"article": "x"}), ("b", "p", 2, None), ("c", "p", 1, "AP"),
    ]  # fmt: skip
    space = lay_out_feature_space(
        make_table(rows), make_embeddings(["a", "b", "c"], [[1], [2], [3]])
    )
    codes = {
        name: dict(zip(space.table["image_id"], places, strict=True))
        for name, places in space.codes.items()
    }
    assert codes["article"] == {"a": 0, "b": -1, "c": -1}
    assert codes["view"] == {"a": 1, "b": -1, "c": 0}
    assert codes["day"] == {"a": -1, "b": 1, "c": 0}
    assert set(codes["site"].values()) == {-1}


def test_an_empty_space():
    """No image, no vector."""
    rows = [("a", "p", 1, "PA")]
    empty = lay_out_feature_space(make_table(rows).iloc[:0], make_embeddings(["a"], [[1]]))
    assert len(empty.table) == len(empty.vectors) == 0


def test_unknown_features_are_an_error():
    """The message names what there is."""
    with pytest.raises(SelectionError, match="'pixels' do not exist: 'outputs' or 'embedding'"):
        lay_out_feature_space(
            make_table([("a", "p", 1, "PA")]), make_embeddings(["a"], [[1]]), features="pixels"
        )
