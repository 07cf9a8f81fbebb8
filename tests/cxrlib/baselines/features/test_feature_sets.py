"""Features: outside numbers are checked, aligned by id, and nothing is dropped without a word."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.features import (
    SHORTCUTS,
    Features,
    are_features_at_hand,
    describe_missing,
    features_from_matrix,
    list_feature_sets,
    load_features,
    load_pixel_features,
    match_features,
)
from cxrlib.baselines.features.feature_sets import PIXEL_PARAMETERS
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from tests.feature_rows import describe_network, embed, make_task_cohort, take

IDS = ("a.png", "b.png", "c.png")
MATRIX = np.arange(6.0).reshape(3, 2)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a small cohort with rows of the ICU task."""
    return make_task_cohort(tmp_path_factory.mktemp("features") / "cohort")


# ---- the set itself


def test_rows_come_in_the_order_asked_for() -> None:
    """A model gets the numbers of an image by its id, whatever the file's order was."""
    features = features_from_matrix(MATRIX, IDS, ["x", "y"])
    np.testing.assert_array_equal(features.take(["c.png", "a.png"]), MATRIX[[2, 0]])
    assert features.take([]).shape == (0, 2)
    assert (features.columns, features.n_parameters, features.kind) == (("x", "y"), 3, "outside")


def test_an_image_without_numbers_is_named() -> None:
    """Asked for an image it lacks, a set says which and why."""
    features = features_from_matrix([[1, 2], [3, np.nan], [5, 6]], IDS, ["x", "y"])
    with pytest.raises(SelectionError, match=r"'b\.png': column 'y' is nan"):
        features.take(["a.png", "b.png"])
    with pytest.raises(SelectionError, match=r"'z\.png': it is not among its images"):
        features.take(["z.png"])


def test_a_set_cannot_be_changed() -> None:
    """Sets are kept and shared: a model must not write into one."""
    given = MATRIX.copy()
    features = features_from_matrix(given, IDS)
    with pytest.raises(ValueError, match="read-only"):
        features.matrix[0, 0] = 9
    given[0, 0] = 9  # the caller's own matrix stays the caller's
    assert features.matrix[0, 0] == 0


def test_the_key_is_of_the_numbers_not_of_their_order() -> None:
    """The same numbers of the same images have one key; any other number, id or name another."""
    features = features_from_matrix(MATRIX, IDS, ["x", "y"])
    turned = features_from_matrix(MATRIX[::-1], IDS[::-1], ["x", "y"])
    assert features.key == turned.key
    assert len(features.key) == 16
    others = [
        features_from_matrix(MATRIX + 1e-12, IDS, ["x", "y"]),
        features_from_matrix(MATRIX[::-1], IDS, ["x", "y"]),
        features_from_matrix(MATRIX, ("a.png", "b.png", "d.png"), ["x", "y"]),
        features_from_matrix(MATRIX, IDS, ["x", "z"]),
        features_from_matrix(MATRIX, IDS, ["x", "y"], name="mine"),
        features_from_matrix(MATRIX[:2], IDS[:2], ["x", "y"]),
    ]
    assert len({features.key, *(other.key for other in others)}) == len(others) + 1
    negative = features_from_matrix(MATRIX * -1.0 * -1.0 - 0.0, IDS, ["x", "y"])
    assert negative.key == features.key


# ---- numbers from outside


def test_values_nobody_can_learn_from_are_marked() -> None:
    """NaN, infinities and absurd sizes keep an image out, with the reason; nothing is filled in."""
    matrix = [[1, 2], [np.nan, 2], [1, np.inf], [1, -1e300], [3, 4]]
    features = features_from_matrix(matrix, ["a", "b", "c", "d", "e"], ["x", "y"])
    assert features.image_ids == ("a", "e")
    assert features.missing == {
        "b": "column 'x' is nan",
        "c": "column 'y' is inf",
        "d": "column 'y' is -1e+300, beyond the limit of 1e+12",
    }
    assert describe_missing(features).startswith("3 of 5 images have no values in 'outside': ")


@pytest.mark.parametrize(
    ("matrix", "ids", "columns", "words"),
    [
        (MATRIX, IDS[:2], None, "3 rows and 2 image ids"),
        (MATRIX, (*IDS, "d"), None, "3 rows and 4 image ids"),
        (MATRIX, IDS, ["x"], "2 columns and 1 column name"),
        (MATRIX, ("a", "b", "a"), None, "the image id 'a' 2 times, at places 1 and 3"),
        (MATRIX, IDS, ["x", "x"], "the column 'x' 2 times"),
        (MATRIX, ("a", "", "c"), None, "image id at place 2 of features 'outside' is ''"),
        (MATRIX, (1, 2, 3), None, "image id at place 1 of features 'outside' is 1"),
        (MATRIX, ("a", "b" * 201, "c"), None, "text of 1 to 200 characters"),
        (np.zeros((3, 2, 2)), IDS, None, r"shape \(3, 2, 2\)"),
        (np.zeros((3, 0)), IDS, None, r"shape \(3, 0\)"),
        (np.float64(3), IDS, None, r"shape \(\)"),
        ([["x"], ["y"], ["z"]], IDS, None, "not a matrix of numbers"),
        ([[1], [2, 3], [4]], IDS, None, "not a matrix of numbers"),
        (np.array([1j, 2, 3]), IDS, None, "not a matrix of numbers"),
        (np.array([{}, 1, 2], dtype=object), IDS, None, "not a matrix of numbers"),
        (np.array(["2020-01-01"] * 3, dtype="M8[D]"), IDS, None, "not a matrix of numbers"),
        (None, IDS, None, r"shape \(\)"),
        (pd.DataFrame({"x": ["1", "2", "3"]}), IDS, None, "not a matrix of numbers"),
        (np.array([b"1", 2, 3], dtype=object), IDS, None, "not a matrix of numbers"),
        ([1, 2, 3], "a", None, "3 rows and 1 image id"),
    ],
)
def test_what_does_not_match_is_refused(
    matrix: object, ids: tuple[str, ...], columns: list[str] | None, words: str
) -> None:
    """A matrix that is none, or not of these ids, is refused with the reason."""
    with pytest.raises(SelectionError, match=words):
        features_from_matrix(matrix, ids, columns)


def test_a_single_column_and_a_table_are_taken_as_meant() -> None:
    """A flat list is one column; a table brings its columns' names."""
    assert features_from_matrix([1, 2, 3], IDS).columns == ("column 1",)
    table = pd.DataFrame({"x": [1, 2, 3], "y": [True, False, True]})
    features = features_from_matrix(table, IDS)
    assert features.columns == ("x", "y")
    assert features.matrix.tolist() == [[1, 1], [2, 0], [3, 1]]


def test_blanks_of_every_kind_are_marked() -> None:
    """A masked value, None and pandas' blank are blanks, not numbers and not a crash."""
    masked = np.ma.masked_array([[1], [2], [3]], mask=[[0], [1], [0]])
    nullable = pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64")})
    for matrix in (masked, nullable, [1, None, 3], pd.Series([1, pd.NA, 3], dtype=object)):
        features = features_from_matrix(matrix, IDS, ["x"])
        assert features.matrix.tolist() == [[1.0], [3.0]]
        assert features.missing == {"b.png": "column 'x' is nan"}


def test_outside_numbers_are_matched_by_id(cohort: Cohort) -> None:
    """Those of a task's images are taken in its order; the others are counted, none is guessed."""
    rows = take(cohort)
    wanted = rows.table["image_id"].tolist()
    ids = [*wanted[:0:-1], "stranger.png", "another.png"]
    values = np.arange(len(ids), dtype=float)
    values[0] = np.nan  # of the task's last image
    features = match_features(features_from_matrix(values, ids, ["score"], "mine"), rows)
    assert features.image_ids == tuple(wanted[1:-1])
    np.testing.assert_array_equal(features.matrix[:, 0], np.arange(len(wanted) - 2, 0, -1.0))
    assert features.missing == {
        wanted[0]: "no row for this image",
        wanted[-1]: "column 'score' is nan",
    }
    assert features.origin[-1] == (
        "2 image ids of 'mine' match no image of the cohort: 'another.png', 'stranger.png' "
        "(nearest 'image9.png')."
    )


def test_numbers_of_other_images_are_refused(cohort: Cohort) -> None:
    """Where no id matches, a score would be of nothing: both kinds of ids are shown."""
    rows = take(cohort)
    with pytest.raises(SelectionError, match=r"none of the task's \d+ images, such as 'image1"):
        match_features(features_from_matrix([1.0], ["IMAGE1"]), rows)
    nobody = replace(rows, table=rows.table.iloc[:0])
    assert match_features(features_from_matrix([1.0], ["IMAGE1"]), nobody).image_ids == ()


# ---- sets by name


def test_prevalence_says_nothing_of_an_image(cohort: Cohort, tmp_path: Path) -> None:
    """One constant column of all rows, counted as the paper counts it."""
    rows = take(cohort)
    features = load_features("prevalence", rows, Store(tmp_path))
    assert features.matrix.shape == (len(rows.table), 1)
    assert np.ptp(features.matrix, axis=0).max() == 0
    assert (features.n_parameters, features.kind) == (2, "prevalence")


def test_shortcuts_are_feature_sets(cohort: Cohort, tmp_path: Path) -> None:
    """Each shortcut is loaded by name for all rows of the task, without a store."""
    rows = take(cohort)
    for name in SHORTCUTS:
        features = load_features(name, rows, Store(tmp_path))
        assert features.kind == "shortcut"
        assert features.image_ids == tuple(rows.table["image_id"])
        assert features.n_parameters == len(features.columns) + 1


def test_pixels_are_the_preprocessed_image(cohort: Cohort, tmp_path: Path) -> None:
    """Pixels are 224 x 224 numbers in [-1024, 1024] with the paper's count of parameters."""
    rows = replace(take(cohort), table=take(cohort).table.iloc[:3])
    features = load_features("pixels", rows, Store(tmp_path))
    assert features.matrix.shape == (3, 50_176)
    assert np.abs(features.matrix).max() <= 1024
    assert features.n_parameters == PIXEL_PARAMETERS == 5_017_801
    assert features.columns[0] == "row 1 column 1"
    again = load_pixel_features(rows, Store(tmp_path), on_progress=_must_not_be_called)
    assert again is features  # pixels are large: results in use share them


def test_pixels_are_asked_for_before_they_are_decoded(cohort: Cohort, tmp_path: Path) -> None:
    """Whether numbers are at hand is known at once; of all but pixels they always are."""
    store, rows = Store(tmp_path), replace(take(cohort), table=take(cohort).table.iloc[3:5])
    assert not are_features_at_hand("pixels", rows, store)
    assert are_features_at_hand("view", rows, store)
    load_features("pixels", rows, store)
    assert are_features_at_hand("pixels", rows, store)
    shorter = replace(rows, table=rows.table.iloc[::-1])
    turned = load_features("pixels", shorter, store)
    assert turned.image_ids == tuple(shorter.table["image_id"])


def _must_not_be_called(done: int, total: int) -> None:
    raise AssertionError("an image was decoded twice")


@pytest.mark.parametrize("name", ["nothing", "", "texture:", ":outputs", "texture:pixels", "x" * 9])
def test_names_that_do_not_exist_are_refused(cohort: Cohort, tmp_path: Path, name: str) -> None:
    """A name that is none is answered with those there are."""
    with pytest.raises(SelectionError, match=r"There is no feature set .* Choose embedding"):
        load_features(name, take(cohort), Store(tmp_path))


def test_the_list_begins_with_the_papers_six(cohort: Cohort, tmp_path: Path) -> None:
    """The paper's six stand first; what is not ready says why and what to do."""
    store = Store(tmp_path)
    embed(cohort, store, describe_network(), places=slice(0, -2))
    choices = list_feature_sets(cohort, store)
    names = [choice.name for choice in choices]
    assert names[:6] == [
        *("intermediate", "outputs", "4-outputs", "lung-opacity", "pixels", "prevalence")
    ]
    assert names[6] == "densenet121-untrained:intermediate"
    assert "texture:outputs" in names
    assert names[-4:] == list(SHORTCUTS)
    assert len(set(names)) == len(names)
    by_name = {choice.name: choice for choice in choices}
    assert [by_name[name].n_parameters for name in names[:6]] == [1025, 19, 5, 2, 5_017_801, 2]
    absent = by_name["outputs"]
    assert not absent.is_ready
    assert "densenet121-res224-all" in absent.why_not
    assert "python -m cxrlib embed" in absent.what_to_do
    partial = by_name["densenet121-untrained:outputs"]
    assert partial.is_ready
    assert partial.why_not.startswith("2 X-rays of 24 with a readable file are not embedded")


def test_every_set_that_is_ready_can_be_loaded(cohort: Cohort, tmp_path: Path) -> None:
    """The list promises nothing that loading does not hold, and the other way round."""
    store, rows = Store(tmp_path), take(cohort)
    embed(cohort, store, describe_network())
    for choice in list_feature_sets(cohort, store):
        if choice.is_ready:
            features = load_features(choice.name, rows, store)
            assert (features.title, features.kind) == (choice.title, choice.kind)
            assert choice.n_parameters in (features.n_parameters, 0)
            assert isinstance(features, Features)
        else:
            with pytest.raises(SelectionError, match="Embed the cohort"):
                load_features(choice.name, rows, store)
