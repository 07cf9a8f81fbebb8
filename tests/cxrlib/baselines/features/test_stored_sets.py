"""Feature sets of one's own: from a file to a stored name, to runs, maps and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlib.baselines.evaluation import LocoSettings
from cxrlib.baselines.features import (
    FeatureTable,
    add_feature_set,
    check_table,
    list_feature_sets,
    load_features,
    read_feature_file,
    read_table_bytes,
    read_table_file,
)
from cxrlib.baselines.runs import (
    RunSpec,
    compare_runs,
    find_run,
    list_runs,
    make_run,
    make_run_parameters,
    make_spec,
    run_permutation_null,
    run_region_shift,
)
from cxrlib.baselines.tasks import find_task
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.embedding import (
    clean_columns,
    find_own_set,
    list_own_sets,
    load_embeddings,
    remove_own_set,
)
from cxrlib.errors import SelectionError, StoreError
from cxrlib.jobs.job_kinds import check_parameters
from cxrlib.maps import ProjectionSettings, compute_map, list_map_extractors, load_map
from cxrlib.reports import gather_parts, make_run_report
from cxrlib.storage import Store
from tests.cohort_factory import draw_image, make_cohort
from tests.feature_rows import take

ICU = find_task("icu-stay")
N = 30
PCA = ProjectionSettings(method="pca")


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Load 30 X-rays of three regions; the last four have no picture."""
    rows: list[dict[str, object]] = [
        {
            "patientid": f"p{i}",
            "offset": 1 + i % 6,
            "location": ("Lyon, France", "Tokyo, Japan", "Lima, Peru")[i % 3],
            "went_icu": "YN"[i // 3 % 2],
        }
        for i in range(N)
    ]
    images = {f"image{i}.png": draw_image(i) for i in range(1, N - 3)}
    return load_cohort(make_cohort(tmp_path / "c", rows, images=images))


def write_csv(cohort: Cohort, path: Path, **changes: object) -> Path:
    """Write three columns for every image of a cohort, with or without a picture."""
    ids = list(cohort.table["image_id"])
    matrix = np.random.default_rng(1).normal(size=(len(ids), 3))
    table = pd.DataFrame(matrix, columns=["a", "b", "c"]).assign(**changes)
    table.insert(0, "image_id", ids)
    table.to_csv(path, index=False)
    return path


def test_stored_set_is_like_any_other(cohort: Cohort, tmp_path: Path) -> None:
    """Listed, run, found, mapped; rows without a picture stay."""
    store = Store(tmp_path / "cache")
    file = write_csv(cohort, tmp_path / "own.csv")
    added = add_feature_set(read_table_file(file), "own", cohort, store)
    assert (added.n_matched, added.n_without_picture) == (N, 4)
    assert "4 images of the cohort without a readable picture keep their features." in added.notes
    choice = next(each for each in list_feature_sets(cohort, store) if each.name == "own")
    assert (choice.is_ready, choice.kind, choice.n_parameters) == (True, "outside", 4)
    spec = RunSpec(ICU, "own", LocoSettings(n_resamples=20))
    run = make_run(cohort, store, spec)
    assert len(run.result.rows.table) == N
    assert find_run(cohort, store, spec) is not None
    assert any("SHA-256" in words and "own.csv" in words for words in run.result.features.origin)
    both = make_run(cohort, store, RunSpec(ICU, "own+age-sex", spec.settings))
    assert len(both.result.rows.table) == N
    info = added.own.info
    mapped = compute_map(cohort, info, store, settings=PCA)
    assert mapped.mapped.n_images == N
    assert mapped.is_complete
    assert load_map(cohort, store, settings=PCA, extractor="own").extractor == info
    assert info.title == "own (features from outside)"
    assert "own" in [each.name for each in list_map_extractors(cohort, store)]
    assert check_parameters("map", {"data": str(cohort.root), "extractor": "own"})


def test_jobs_and_reports_take_a_stored_set(cohort: Cohort, tmp_path: Path) -> None:
    """Null, region shift, comparison and report of a sum with the set, as of any other."""
    store = Store(tmp_path / "cache")
    add_feature_set(read_table_file(write_csv(cohort, tmp_path / "own.csv")), "own", cohort, store)
    settings = LocoSettings(n_resamples=10, erase="view")
    spec = RunSpec(ICU, "own+age-sex", settings)
    asked = check_parameters("null", {**make_run_parameters(spec, str(cohort.root)), "n": 3})
    assert make_spec(asked) == spec
    quiet = (lambda *_: None, lambda: False)
    assert run_permutation_null(cohort, store, spec, *quiet, n=3)["n"] == 3
    assert run_region_shift(cohort, store, spec, *quiet)["run"]
    first, second = (
        make_run(cohort, store, RunSpec(ICU, name, settings)) for name in ("own", "own+age-sex")
    )
    assert compare_runs(first, second).table is not None
    entries = list_runs(store, cohort.fingerprint, ICU)
    files = make_run_report(first, cohort, entries, more=gather_parts(first, store))
    page = files["report.html"].decode()
    assert "own (features from outside)" in page
    assert "Beyond all shortcuts these features" in page
    assert "view erased" in page.lower()


def test_stored_set_gives_the_digits_of_its_file(cohort: Cohort, tmp_path: Path) -> None:
    """Stored or read from the file: the same scores to the last bit."""
    store = Store(tmp_path / "cache")
    file = write_csv(cohort, tmp_path / "own.csv")
    add_feature_set(read_table_file(file), "own", cohort, store)
    settings = LocoSettings(n_resamples=20)
    stored = make_run(cohort, store, RunSpec(ICU, "own", settings))
    direct = make_run(
        cohort, store, RunSpec(ICU, "own.csv", settings), features=read_feature_file(file)
    )
    assert stored.scores.equals(direct.scores)
    assert stored.predictions.equals(direct.predictions)


def test_embeddings_of_a_stored_set_are_its_columns(cohort: Cohort, tmp_path: Path) -> None:
    """By image id, in the cohort's order; images without a row are left out."""
    store = Store(tmp_path / "cache")
    ids = list(cohort.table["image_id"])[::-1][:20]
    table = check_table(np.arange(40.0).reshape(20, 2), ids, ["x", "y"], "own")
    own = add_feature_set(table, "own", cohort, store).own
    found = load_embeddings(cohort, own.info, store)
    assert found.image_ids == tuple(ids[::-1])
    np.testing.assert_array_equal(found.outputs, table.matrix[::-1].astype(np.float32))
    assert found.info.output_names == ("x", "y")


def test_rows_with_a_blank_have_no_features(cohort: Cohort, tmp_path: Path) -> None:
    """They are missing with their reason, in runs and on maps."""
    store = Store(tmp_path / "cache")
    values = np.arange(N, dtype=float)
    values[2] = np.nan
    file = write_csv(cohort, tmp_path / "own.csv", b=values)
    own = add_feature_set(read_table_file(file), "own", cohort, store).own
    assert (own.n_images, own.n_usable) == (N, N - 1)
    missing = load_features("own", take(cohort), store).missing
    assert set(missing.values()) == {"column 'b' is nan"}
    assert len(load_embeddings(cohort, own.info, store).image_ids) == N - 1


def test_remove_takes_the_set_away(cohort: Cohort, tmp_path: Path) -> None:
    """What was removed is not listed, and can be added again with other numbers."""
    store = Store(tmp_path / "cache")
    table = read_table_file(write_csv(cohort, tmp_path / "own.csv"))
    own = add_feature_set(table, "own", cohort, store).own
    assert add_feature_set(table, "own", cohort, store).own == own  # the same again is the same
    other = FeatureTable(table.name, table.image_ids, table.columns, table.matrix + 1, "other")
    with pytest.raises(SelectionError, match="'own' with other numbers is stored already"):
        add_feature_set(other, "own", cohort, store)
    with pytest.raises(SelectionError, match="These numbers are stored already, as 'own'"):
        add_feature_set(table, "OWN", cohort, store)
    with pytest.raises(SelectionError, match="'own' with other numbers"):
        add_feature_set(other, "OWN", cohort, store)
    assert remove_own_set(store, "own") == own
    assert list_own_sets(store) == []
    with pytest.raises(SelectionError, match=r"no stored feature set 'own'. There are: none"):
        remove_own_set(store, "own")
    assert add_feature_set(other, "own", cohort, store).own.sha256 != own.sha256


@pytest.mark.parametrize(
    "name",
    [
        "own.csv",
        "own.NPY",
        "view",
        "Texture",
        "auto",
        "pixels",
        "a+b",
        "a:b",
        "../x",
        "",
        ".x",
        "a/b",
        "x" * 41,
        "é",
    ],
)
def test_set_names_are_plain_and_free(cohort: Cohort, tmp_path: Path, name: str) -> None:
    """No path, no sign of a sum, no name that means something else."""
    table = read_table_file(write_csv(cohort, tmp_path / "own.csv"))
    with pytest.raises(SelectionError, match=r"cannot be called|means another"):
        add_feature_set(table, name, cohort, Store(tmp_path / "cache"))
    assert find_own_set(Store(tmp_path / "cache"), name) is None


def test_set_is_of_the_cohorts_it_was_stored_for(cohort: Cohort, tmp_path: Path) -> None:
    """Equal ids name other images elsewhere: no run, map or list takes them until it is said."""
    store = Store(tmp_path / "cache")
    table = read_table_file(write_csv(cohort, tmp_path / "own.csv"))
    own = add_feature_set(table, "own", cohort, store).own
    rows = [{"location": ("Lyon, France", "Lima, Peru")[i % 2]} for i in range(N)]
    for row in rows[::3]:
        row["went_icu"] = "Y"
    for row in rows[1::3]:
        row["went_icu"] = "N"
    other = load_cohort(make_cohort(tmp_path / "d", [{"offset": 1, **row} for row in rows]))
    assert set(other.table["image_id"]) == set(cohort.table["image_id"])
    assert len(load_embeddings(other, own.info, store).image_ids) == 0
    assert "own" not in [each.name for each in list_feature_sets(other, store)]
    spec = RunSpec(ICU, "own", LocoSettings(n_resamples=0))
    for name in ("own", "own+age-sex"):
        with pytest.raises(SelectionError, match=r"'own' was not stored for cohort 'd'.*features"):
            make_run(other, store, replace(spec, features=name))
    added = add_feature_set(table, "own", other, store).own
    assert added.cohorts == (cohort.fingerprint, other.fingerprint)
    assert make_run(other, store, spec).result.rows.n_images == 20
    for each in (cohort, other):
        assert len(load_embeddings(each, own.info, store).image_ids) == N
        assert "own" in [choice.name for choice in list_feature_sets(each, store)]


def test_rows_without_a_usable_number_are_refused(cohort: Cohort, tmp_path: Path) -> None:
    """Nothing is stored that no run could use; the column that lacks most is named."""
    values = np.ones((N, 3))
    values[:, 1] = 1e13
    values[0, 1] = np.nan
    table = check_table(values, list(cohort.table["image_id"]), ["a", "b", "c"], "own")
    store = Store(tmp_path / "cache")
    with pytest.raises(SelectionError, match=r"no row has a usable .* 'b' has none in 30 of 30"):
        add_feature_set(table, "own", cohort, store)
    assert list_own_sets(store) == []


def test_ids_that_match_nothing_are_named_with_the_nearest(cohort: Cohort, tmp_path: Path) -> None:
    """Which, how many, and what was perhaps meant."""
    store = Store(tmp_path / "cache")
    ids = ["image1.png", "image2.jpg", *(f"zz{i}" for i in range(7))]
    table = check_table(np.arange(9.0), ids, ["x"], "own")
    notes = add_feature_set(table, "own", cohort, store).notes
    assert notes[0].startswith(
        "8 of 9 image ids match no image of the cohort: 'image2.jpg' (nearest 'image2.png'), 'zz0'"
    )
    assert "and 3 more." in notes[0]
    none = check_table(np.arange(2.0), ["image1.jpg", "q"], ["x"], "own")
    with pytest.raises(SelectionError, match=r"No image id .* \(2\) .*nearest 'image1.png'"):
        add_feature_set(none, "other", cohort, store)


def test_hostile_column_names_are_cleaned(cohort: Cohort, tmp_path: Path) -> None:
    """Markup, control signs and the store's own names do not reach a page."""
    names = ["<script>alert(1)</script>", "embedding", "a\x1b[2J", "ok", "image_id"]
    columns, n_changed = clean_columns(names)
    assert n_changed == 4
    assert len(set(columns)) == 5
    assert not any(sign in "".join(columns) for sign in "<>\x1b[")
    assert clean_columns(columns) == (columns, 0)
    table = check_table(np.ones((2, 5)), ["image1.png", "image2.png"], names, "own")
    added = add_feature_set(table, "own", cohort, Store(tmp_path / "cache"))
    assert added.own.columns == columns
    assert "Signs were replaced in 4 column names." in added.notes


def test_damaged_set_is_passed_over(cohort: Cohort, tmp_path: Path) -> None:
    """A file that somebody wrote into the cache is no set."""
    store = Store(tmp_path / "cache")
    own = add_feature_set(
        read_table_file(write_csv(cohort, tmp_path / "own.csv")), "own", cohort, store
    ).own
    store.write_table("feature-sets", "evil", pd.DataFrame({"x": [1]}), info={"name": "evil"})
    (store.root / "feature-sets" / "junk.parquet").write_bytes(b"junk")
    assert list_own_sets(store) == [own]
    (store.root / "feature-sets" / "own.parquet").unlink()
    with pytest.raises(SelectionError, match="no feature set 'own'"):
        load_features("own", take(cohort), store)


# ---- files


def write_array(path: Path, array: np.ndarray, ids: list[str]) -> Path:
    """Write an array with its ids beside it."""
    np.save(path, array)
    path.with_name(f"{path.stem}.ids.txt").write_text("\n".join(ids) + "\n")
    return path


def test_read_feature_file_reads_an_array_with_its_ids(tmp_path: Path) -> None:
    """Rows belong to the ids of the text file beside it, or of the one that is named."""
    path = write_array(tmp_path / "x.npy", np.arange(6, dtype=np.int16).reshape(3, 2), list("abc"))
    features = read_feature_file(path)
    assert features.image_ids == ("a", "b", "c")
    assert features.matrix.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert features.columns == ("column 1", "column 2")
    (tmp_path / "other.txt").write_text("image_id\nq\nr\ns\n")
    assert read_feature_file(path, ids=tmp_path / "other.txt").image_ids == ("q", "r", "s")
    single = write_array(tmp_path / "one.npy", np.array([1.5, 2.5]), ["a", "b"])
    assert read_feature_file(single).matrix.tolist() == [[1.5], [2.5]]


def test_read_feature_file_never_unpickles(tmp_path: Path) -> None:
    """An array of objects is refused by its header."""
    trap = tmp_path / "trap.npy"
    np.save(trap, np.array([{"x": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "trap.ids.txt").write_text("a\n")
    with pytest.raises(SelectionError, match="it must be"):
        read_feature_file(trap)


@pytest.mark.parametrize(
    ("data", "ids", "words"),
    [
        (b"no array", b"a\n", "not an array of NumPy"),
        (None, None, "needs its image ids"),
        (None, b"a\n", "2 rows and 1 image id"),
        (None, b"a\nb\n\xff", "not UTF-8"),
        (None, b"a\na\n", "'a' twice"),
        (None, b"a\n\nb\n", "2 rows and 3 image ids"),
    ],
)
def test_read_table_bytes_names_what_is_wrong_with_an_array(
    tmp_path: Path, data: bytes | None, ids: bytes | None, words: str
) -> None:
    """Each fault has its own sentence."""
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    with pytest.raises(SelectionError, match=words):
        read_table_bytes(data or (tmp_path / "x.npy").read_bytes(), "x.npy", ids)


def test_read_table_bytes_refuses_a_header_that_lies(tmp_path: Path) -> None:
    """A header that promises more than there is makes no array; nor does text, or three axes."""
    np.save(tmp_path / "x.npy", np.ones((10, 10)))
    data = (tmp_path / "x.npy").read_bytes()
    with pytest.raises(SelectionError, match="ends early"):
        read_table_bytes(data[:-8], "x.npy", b"a\n")
    with pytest.raises(SelectionError, match="ends early"):
        read_table_bytes(data.replace(b"(10, 10)", b"(99, 99)"), "x.npy", b"a\n")
    for array in (np.ones((2, 2, 2)), np.array(["a", "b"])):
        np.save(tmp_path / "y.npy", array)
        with pytest.raises(SelectionError, match="it must be"):
            read_table_bytes((tmp_path / "y.npy").read_bytes(), "y.npy", b"a\nb\n")


def test_read_table_file_names_a_missing_file_of_ids(tmp_path: Path) -> None:
    """What is missing and where it was looked for."""
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    with pytest.raises(SelectionError, match=r"'x.ids.txt' cannot be read"):
        read_table_file(tmp_path / "x.npy")


def test_read_table_file_names_columns_without_a_number(tmp_path: Path) -> None:
    """A column of blanks would leave every image out: it is named instead."""
    (tmp_path / "x.csv").write_text("image_id,a,b\np.png,1,\nq.png,2,nan\n")
    with pytest.raises(SelectionError, match=r"'b' has no number in any of 2 rows. Remove it"):
        read_table_file(tmp_path / "x.csv")
    with pytest.raises(SelectionError, match="'x', 'y' have no number"):
        check_table(np.full((2, 2), np.nan), ["a", "b"], ["x", "y"], "own")


def test_stored_numbers_that_are_gone_are_named(cohort: Cohort, tmp_path: Path) -> None:
    """A set whose file lost its columns says to add it again."""
    store = Store(tmp_path / "cache")
    table = read_table_file(write_csv(cohort, tmp_path / "own.csv"))
    own = add_feature_set(table, "own", cohort, store).own
    info = store.read_info("feature-sets", "own")
    assert info is not None
    store.write_table("feature-sets", "own", pd.DataFrame({"image_id": ["a"]}), info=info)
    assert find_own_set(store, "own") == own
    with pytest.raises(StoreError, match="add its file again"):
        load_features("own", take(cohort), store)
