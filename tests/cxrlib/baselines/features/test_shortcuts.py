"""Shortcuts: what could be told without the lungs, and never by the label itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import PUBLISHED, LocoSettings, run_loco
from cxrlib.baselines.features import SHORTCUTS, load_features
from cxrlib.baselines.features.shortcuts import (
    _RECORDED_NAMES,
    AGE_WHERE_BLANK,
    Shortcut,
    list_label_columns,
    read_shortcut,
)
from cxrlib.baselines.tasks import PAPER_TASKS, TaskRows, find_task, form_task, take_rows
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.storage import Store
from cxrlib.summary import RECORDED_COLUMNS
from tests.feature_rows import make_icu_rows, make_task_cohort, take


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a small cohort with rows of the ICU task."""
    return make_task_cohort(tmp_path_factory.mktemp("shortcuts") / "cohort")


@pytest.fixture(scope="module")
def collection(real_root: Path) -> Cohort:
    """Load the real collection without its images."""
    return load_cohort(real_root, inspect_images=False)


@pytest.mark.parametrize(("name", "column"), [("view", "view"), ("source", "source")])
def test_values_are_marked(cohort: Cohort, name: str, column: str) -> None:
    """Each view or source has a column, and each image a 1 in its own."""
    rows = take(cohort)
    table = read_shortcut(name, rows).table
    values = rows.table[column].replace("", "not recorded")
    assert list(table.columns) == sorted(values.unique())
    assert table.sum(axis=1).eq(1).all()
    assert table.idxmax(axis=1).tolist() == values.tolist()


def test_what_is_recorded_is_marked(cohort: Cohort) -> None:
    """A column says of each image whether the field holds anything; what never differs is out."""
    rows = take(cohort)
    shortcut = read_shortcut("recorded", rows)
    images = cohort.table.set_index("image_id").loc[rows.table["image_id"]].reset_index(drop=True)
    table = shortcut.table
    assert table["In the ICU at the image"].tolist() == [float(n % 3 == 0) for n in range(24)]
    pd.testing.assert_series_equal(
        table["Temperature"], images["temperature"].notna().astype(float), check_names=False
    )
    assert table["Location"].tolist() == [float(n % 4 != 3) for n in range(24)]
    assert "Finding" not in table
    assert (table.nunique() == 2).all()
    assert "Left out because the label comes from it: Ever in ICU." in shortcut.origin


def test_unclear_is_recorded(tmp_path: Path) -> None:
    """Somebody looked and wrote "unclear": that is not a blank."""
    metadata = [row | {"RT_PCR_positive": ("Unclear", "")[i % 2]} for i, row in _enumerate()]
    rows = take(make_task_cohort(tmp_path / "cohort", metadata))
    assert read_shortcut("recorded", rows).table["RT-PCR positive"].tolist() == [1.0, 0.0] * 12


def _enumerate() -> list[tuple[int, dict[str, object]]]:
    return list(enumerate(make_icu_rows()))


def test_age_and_sex_are_numbers_with_their_blanks(cohort: Cohort) -> None:
    """A blank age is a constant of no data beside a column that says so; sexes are columns."""
    rows = take(cohort)
    table = read_shortcut("age-sex", rows).table
    assert list(table.columns) == ["age", "age not recorded", "female", "male", "sex not recorded"]
    blank = rows.table["age"].isna()
    assert blank.any()
    assert table["age"].tolist() == rows.table["age"].fillna(AGE_WHERE_BLANK).tolist()
    assert table["age not recorded"].tolist() == blank.astype(float).tolist()
    assert table["male"].tolist() == rows.table["sex"].eq("M").astype(float).tolist()


@pytest.mark.parametrize("name", SHORTCUTS)
def test_no_shortcut_looks_at_the_label(cohort: Cohort, name: str) -> None:
    """With the labels turned round, in the rows and in the metadata, all is as before."""
    rows = take(cohort)
    before = read_shortcut(name, rows)
    turned = rows.table.assign(y=1 - rows.table["y"], label="?")
    table = cohort.table.copy()
    table["went_icu"] = "not recorded"
    other = replace(rows, table=turned, cohort=replace(cohort, table=table))
    pd.testing.assert_frame_equal(read_shortcut(name, other).table, before.table)


@pytest.mark.parametrize("name", SHORTCUTS)
def test_an_images_values_are_its_own(cohort: Cohort, name: str) -> None:
    """Order and absence of other images change no value: nothing leaks from a test region."""
    rows = take(cohort)
    whole = read_shortcut(name, rows).table
    order = np.random.default_rng(0).permutation(len(rows.table))[:17]
    part = replace(rows, table=rows.table.iloc[order].reset_index(drop=True))
    found = read_shortcut(name, part).table
    shared = [column for column in whole if column in found]
    assert shared
    expected = whole.iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[shared], expected[shared])
    assert np.isfinite(whole.to_numpy()).all()


@pytest.mark.parametrize("name", SHORTCUTS)
def test_images_all_alike_give_one_constant(tmp_path: Path, name: str) -> None:
    """Where a shortcut can tell nothing it is a constant and says so: no crash, no empty set."""
    metadata = [{"went_icu": "YN"[i % 2], "offset": 3} for i in range(4)]
    shortcut = read_shortcut(name, take(make_task_cohort(tmp_path / "cohort", metadata)))
    told = "All images have the same value, so it cannot predict anything." in shortcut.origin
    assert told
    assert shortcut.table.to_numpy().tolist() == [[1.0]] * 4


@pytest.mark.parametrize("name", SHORTCUTS)
def test_no_rows_give_no_numbers(cohort: Cohort, name: str) -> None:
    """A task without a row is no reason to crash."""
    rows = take(cohort)
    nobody = replace(rows, table=rows.table.iloc[:0])
    assert len(read_shortcut(name, nobody).table) == 0


def test_age_is_no_feature_where_it_is_the_label(cohort: Cohort) -> None:
    """A task made of a column does not get the column back as a shortcut."""
    rows = take_rows(cohort, form_task(cohort, "age"))
    shortcut = read_shortcut("age-sex", rows)
    assert list(shortcut.table.columns) == ["female", "male", "sex not recorded"]
    assert "Age" not in read_shortcut("recorded", rows).table
    assert "Age is the label and is left out." in shortcut.origin


def test_what_is_the_label_by_another_name_is_left_out() -> None:
    """The label's own column is always among what is left out."""
    for task in PAPER_TASKS:
        columns = list_label_columns(task.column)
        assert task.column in columns or columns[0] == "finding"
    assert "RT_PCR_positive" in list_label_columns("covid-19")
    assert "extubated" in list_label_columns("intubated")


def test_a_shortcut_that_is_none_is_refused(cohort: Cohort) -> None:
    """The message lists those there are."""
    with pytest.raises(SelectionError, match=r"no shortcut 'weather'.*view, source, recorded"):
        read_shortcut("weather", take(cohort))


# ---- the real collection


def _score_published(shortcut: Shortcut, rows: TaskRows) -> dict[str, float]:
    """Score by the published rule, slow and plain: balanced accuracy of the predicted class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score

    values, y = shortcut.table.to_numpy(), rows.table["y"].to_numpy()
    regions, scores = rows.table["region"].to_numpy(), {}
    for region in sorted(set(regions) - {"Unknown"}):
        test = regions == region
        if len(set(y[test])) == 2:
            model = LogisticRegression(max_iter=1000).fit(values[~test], y[~test])
            scores[region] = balanced_accuracy_score(y[test], model.predict(values[test]))
    return scores


def test_recordedness_alone_beats_the_papers_best_features(collection: Cohort) -> None:
    """On the ICU task which fields are recorded scores above 0.9; the paper's best is 0.81."""
    rows = take_rows(collection, find_task("icu-stay"))
    scores = _score_published(read_shortcut("recorded", rows), rows)
    assert scores.keys() == {"Asia", "Europe"}
    assert np.mean(list(scores.values())) == pytest.approx(0.923, abs=5e-4)
    view = _score_published(read_shortcut("view", rows), rows)
    assert view["Asia"] == 1
    assert np.mean(list(view.values())) > 0.9


def test_the_loop_finds_the_same_of_recordedness(collection: Cohort, tmp_path: Path) -> None:
    """The published protocol as the program runs it agrees with the plain one above."""
    rows = take_rows(collection, find_task("icu-stay"))
    features = load_features("recorded", rows, Store(tmp_path))
    settings = LocoSettings(protocol=PUBLISHED, n_resamples=0)
    scores = run_loco(rows, features, settings).scores
    found = scores[scores["metric"].eq("auroc")].set_index("fold")["value"]
    expected = _score_published(read_shortcut("recorded", rows), rows)
    assert found["mean"] == pytest.approx(np.mean(list(expected.values())))
    for region, score in expected.items():
        assert found[region] == pytest.approx(score)


def test_a_test_written_down_is_the_diagnosis(collection: Cohort) -> None:
    """Why a recorded RT-PCR is left out of the COVID-19 task: it is the label, but for one row."""
    rows = take_rows(collection, find_task("covid-19"), need_file=False)
    images = collection.table.set_index("image_id").loc[rows.table["image_id"]]
    recorded = images["RT_PCR_positive"].ne("not recorded").to_numpy()
    assert int((recorded != rows.table["y"].eq(1).to_numpy()).sum()) == 1
    assert "RT-PCR positive" not in read_shortcut("recorded", rows).table


def test_read_shortcut_keeps_names_that_are_part_of_run_ids(cohort: Cohort) -> None:
    """Each field of the missingness table has a fixed name, whatever its title on screen."""
    assert _RECORDED_NAMES.keys() == RECORDED_COLUMNS.keys()
    assert _RECORDED_NAMES["in_icu"] == "In the ICU at the image"
    assert _RECORDED_NAMES["intubation_present"] == "Tube at the image"
    columns = read_shortcut("recorded", take(cohort)).table.columns
    assert set(columns) <= set(_RECORDED_NAMES.values())
