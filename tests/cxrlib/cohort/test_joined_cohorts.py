"""Joined cohorts: ids stay apart, persons are matched, nobody is on both sides."""

from pathlib import Path

import pytest

from cxrlib.cohort import Cohort, join_cohorts, list_shared_persons, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort
from tests.film_factory import cut, draw_film, tone
from tests.own_cohort_factory import make_own_cohort


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a first cohort."""
    return make_own_cohort(tmp_path_factory.mktemp("first") / "a", n_images=12)


def test_join_cohorts_keeps_equal_ids_of_strangers_apart(first: Cohort, tmp_path: Path) -> None:
    """File names and patient ids of both are the same, and no image is: twice as many persons."""
    second = make_own_cohort(tmp_path / "b", n_images=10, seed=5)
    joined = join_cohorts(first, second, store=Store(tmp_path / "cache"))
    assert joined.n_images == 22
    assert joined.table["image_id"].is_unique
    assert joined.table["person_id"].nunique() == 22
    assert "equal ids are taken for different people" in joined.note
    assert joined.test_name == "b"
    assert set(joined.table["cohort"]) == {"a", "b"}
    for image_id in joined.table["image_id"]:
        folder = "b" if image_id in joined.second_ids else "a"
        assert joined.image_path(image_id).parent.parent.name == folder
    assert joined.fingerprint != join_cohorts(second, first).fingerprint


def test_join_cohorts_merges_persons_by_a_shared_image(first: Cohort, tmp_path: Path) -> None:
    """One film under another id of the other cohort is one person."""
    same = {"image3.png": draw_image(1000)}  # the first image of the first cohort
    second = make_own_cohort(tmp_path / "b", n_images=10, seed=5, prefix="q", images=same)
    joined = join_cohorts(first, second)
    table = joined.table.set_index("patient_id")["person_id"]
    assert table["p000"] == table["q002"]
    assert joined.table["person_id"].nunique() == 21
    assert joined.note == "1 person has images in both cohorts, by near-identical images."


def test_join_cohorts_takes_equal_ids_for_one_person_where_one_shares_an_image(
    first: Cohort, tmp_path: Path
) -> None:
    """The same numbering in both: all equal ids are one person."""
    same = {"image1.png": draw_image(1000)}
    second = make_own_cohort(tmp_path / "b", n_images=10, seed=5, images=same)
    joined = join_cohorts(first, second)
    assert joined.table["person_id"].nunique() == 12
    assert "equal ids are one person" in joined.note


def test_join_cohorts_types_extra_columns_of_both_anew(first: Cohort, tmp_path: Path) -> None:
    """A column of one only is blank in the other; one of two types takes the wider."""
    own: dict[str, list[object]] = {"crp": ["high", "low"] * 5, "only b": ["1", "0"] * 5}
    second = make_own_cohort(tmp_path / "b", n_images=10, seed=5, own=own)
    joined = join_cohorts(first, second)
    kinds = {column.name: (column.kind, column.n_values) for column in joined.extra}
    assert kinds["Later"] == ("yes/no", 22)
    assert kinds["only b"] == ("yes/no", 10)
    assert kinds["crp"] == ("text", 22)
    assert joined.table["extra:Later"].tolist() == [
        *first.table["extra:Later"],
        *second.table["extra:Later"],
    ]


def test_join_cohorts_tells_two_of_one_name_apart(first: Cohort, tmp_path: Path) -> None:
    """The second has a number; the same one twice, and a filtered one, are refused."""
    second = make_own_cohort(tmp_path / "a", n_images=10, seed=5)
    assert join_cohorts(first, second).test_name == "a (2)"
    with pytest.raises(SelectionError, match="are the same cohort"):
        join_cohorts(first, first)
    with pytest.raises(SelectionError, match="is filtered"):
        join_cohorts(first, second.select_xrays())


def test_list_shared_persons_names_both_ids(tmp_path) -> None:
    """A film of the one, cut and toned in the other, is one person, by the ids of each."""
    films = {"one.png": draw_film(1), "two.png": draw_film(2)}
    rows = [{"patientid": name[:3], "filename": name} for name in films]
    first = load_cohort(make_cohort(tmp_path / "first", rows, images=films))
    others = {
        "a.png": tone(cut(films["two.png"], 0.1, 0.05, 0.0, 0.12), 0.7),
        "b.png": draw_film(3),
    }
    rows = [{"patientid": name[:1], "filename": name} for name in others]
    second = load_cohort(make_cohort(tmp_path / "second", rows, images=others))
    joined = join_cohorts(first, second)
    shared = list_shared_persons(joined)
    assert shared[["first_ids", "second_ids"]].values.tolist() == [["two", "a"]]
    assert "1 person has images in both cohorts" in joined.note
