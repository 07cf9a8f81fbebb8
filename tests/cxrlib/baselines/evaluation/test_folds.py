"""Folds: who is held out, who trains, and why not."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import HOLD_OUTS, Labels, make_folds
from cxrlib.baselines.evaluation.folds import GUARDS, Fold
from cxrlib.baselines.evaluation.groupings import list_groups
from cxrlib.errors import SelectionError
from tests.task_rows_factory import NUMBER, draw_rows, make_rows


def take_labels(table: pd.DataFrame, *, is_class: bool = True) -> Labels:
    """Take the labels of a table of rows."""
    return Labels(table["y"].to_numpy(dtype=float), is_class, "went", "stayed")


def make_table(**columns: Sequence[object]) -> pd.DataFrame:
    """Make a table of rows of regions and what is given."""
    return make_rows(pd.DataFrame(columns)).table


def find(folds: tuple[Fold, ...], name: str) -> Fold:
    """Find a fold by name."""
    return next(fold for fold in folds if fold.name == name)


@pytest.mark.parametrize("hold_out", HOLD_OUTS)
def test_each_group_is_held_out_once(hold_out: str) -> None:
    """Without guards everything else trains, unknown places too, and these come last."""
    table = draw_rows(0, n_persons=6, n_each=2).table
    table["source"] = [f"site{i % 7}" if i % 7 else "" for i in range(len(table))]
    groups = list_groups(table, hold_out)
    folds = make_folds(table, take_labels(table), hold_out=hold_out)
    assert sorted(fold.name for fold in folds) == sorted(set(groups))
    for fold in folds:
        assert (groups[fold.test] == fold.name).all()
        assert (groups[fold.train] != fold.name).all()
        assert len(fold.test) + len(fold.train) == len(table)
    if "Unknown" in groups:
        assert folds[-1].name == "Unknown"
        assert not folds[-1].is_tested
        assert "used for training only" in folds[-1].reason


@pytest.mark.parametrize("guards", [(), ("person",), ("person", "article"), GUARDS, ("source",)])
def test_guards_leave_nothing_on_both_sides(guards: tuple[str, ...]) -> None:
    """A plain loop finds as many that share; blanks are not shared."""
    rng = np.random.default_rng(0)
    table = draw_rows(1, n_persons=8).table
    columns = {"person": "person_id", "article": "article", "source": "source"}
    for column in columns.values():
        table[column] = [f"{number}" if number else "" for number in rng.integers(0, 30, 40)]
    folds = make_folds(table, take_labels(table), guards=guards)
    for fold in folds:
        outside = sorted(set(range(len(table))) - set(fold.test))
        taken: list[int] = []
        for guard, column in columns.items():
            inside = {table[column][i] for i in fold.test} - {""}
            sharing = [i for i in outside if table[column][i] in inside]
            assert fold.shared[guard] == len(sharing)
            if guard in guards:
                assert fold.removed[guard] == len(set(sharing) - set(taken))
                taken += sharing
        assert set(fold.train) == set(outside) - set(taken)


def test_a_duplicate_under_two_ids_is_one_person() -> None:
    """A person's images in two regions never stand on both sides."""
    table = make_table(
        region=["Asia", "Asia", "Europe", "Europe", "Europe"],
        y=[0, 1, 0, 1, 1],
        person_id=["a", "twin", "b", "twin", "c"],
    )
    fold = find(make_folds(table, take_labels(table), guards=("person",)), "Asia")
    assert set(table["person_id"][fold.train]) == {"b", "c"}
    assert (fold.removed, fold.shared["person"]) == ({"person": 1}, 1)


def test_one_class_is_not_tested() -> None:
    """The class is named; a group with both is tested."""
    table = make_table(region=["Asia", "Asia", "Europe", "Europe"], y=[1, 1, 0, 1])
    folds = make_folds(table, take_labels(table))
    assert find(folds, "Asia").reason == ("2 images, all 'went': a score needs both classes.")
    # Asia has no image to learn "stayed" from.
    assert find(folds, "Europe").reason == (
        "2 images to train on outside 'Europe', all 'went': a model needs both classes."
    )
    assert not any(fold.is_tested or fold.is_scored for fold in folds)


def test_guards_may_leave_nothing_to_train_on() -> None:
    """That is said with how many they took."""
    table = make_table(
        region=["Asia", "Asia", "Europe", "Europe"], y=[0, 1, 0, 1], source=["s"] * 4
    )
    fold = make_folds(table, take_labels(table), guards=("source",))[0]
    assert fold.reason == "No images to train on outside 'Asia' (2 left out by guards)."


def test_one_region_has_nothing_to_train_on() -> None:
    """One region, and no row at all, are no error."""
    table = make_table(region=["Asia"] * 3, y=[0, 1, 1])
    folds = make_folds(table, take_labels(table))
    assert [fold.reason for fold in folds] == ["No images to train on outside 'Asia'."]
    assert make_folds(table.iloc[:0], take_labels(table.iloc[:0])) == ()


def test_numbers_need_three_images() -> None:
    """More than two rows, whatever they are."""
    table = make_table(region=["Asia"] * 2 + ["Europe"] * 3, y=[1.5, 2.5, 1, 1, 1])
    labels = take_labels(table, is_class=False)
    folds = make_folds(table, labels)
    assert find(folds, "Asia").reason == "2 images: a score needs at least three."
    assert find(folds, "Europe").is_scored


def test_few_persons_are_predicted_and_not_scored() -> None:
    """Persons count, not images; of the smaller class, or of all for a number."""
    table = make_table(
        region=["Asia"] * 12 + ["Europe"] * 12,
        y=[1] * 6 + [0] * 6 + [0, 1] * 6,
        person_id=[*"aabbcd", *"efghij", *"klmnopqrstuv"],
    )
    folds = make_folds(table, take_labels(table), fewest_persons=5)
    asia, europe = find(folds, "Asia"), find(folds, "Europe")
    assert asia.reason == "4 persons of the class 'went': not estimable below 5."
    assert (asia.is_tested, asia.is_scored) == (True, False)
    assert europe.is_scored
    numbers = make_folds(table, take_labels(table, is_class=False), fewest_persons=11)
    assert find(numbers, "Asia").reason == "10 persons: not estimable below 11."
    assert find(numbers, "Europe").is_scored


def test_what_a_model_cannot_learn_from_is_said() -> None:
    """A reason given by the model becomes a sentence."""
    table = draw_rows(0, task=NUMBER, n_persons=3).table
    labels = take_labels(table, is_class=False)
    folds = make_folds(table, labels, refuse=lambda train: "it is too " + "few" * (len(train) > 0))
    assert folds[0].reason == "12 images to train on outside 'Americas': it is too few."


def test_what_there_is_not_is_refused() -> None:
    """Another way to hold out or guard is an error that names those there are."""
    table = draw_rows(0, n_persons=2).table
    with pytest.raises(SelectionError, match=r"'continent'.*region, sub-region, country, source"):
        make_folds(table, take_labels(table), hold_out="continent")
    with pytest.raises(SelectionError, match=r"guard 'patient'.*person, article, source"):
        make_folds(table, take_labels(table), guards=("patient",))


def test_a_group_called_as_a_score_is_has_a_name_of_its_own() -> None:
    """What anybody may call a place is never taken for the mean over places."""
    table = make_table(region=["Asia"] * 4, y=[0, 1, 0, 1], country=["mean", "pooled", "Mean", ""])
    names = ["mean (country)", "pooled (country)", "Mean", "Unknown"]
    assert list_groups(table, "country").tolist() == names
