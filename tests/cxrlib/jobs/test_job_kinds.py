"""The kinds of work: parameters that are checked, results that are right, and an end when asked."""

import itertools
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cxrlib import synthetic
from cxrlib.cohort import load_cohort
from cxrlib.embedding.extractors import load_extractor
from cxrlib.errors import (
    CohortError,
    DownloadStoppedError,
    ProjectionError,
    SelectionError,
    WeightsError,
)
from cxrlib.jobs.job_kinds import KINDS, WorkStoppedError, check_parameters, run_work, warm_up
from cxrlib.maps import ProjectionSettings, load_map, load_spread
from cxrlib.storage import Store

PCA = {"method": "pca"}


def do(kind: str, cache: Path, **parameters: object) -> dict:
    """Do work of a kind, to its end."""
    return run_work(kind, parameters, cache, lambda *_: None, lambda: False)


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("bake", {}, "Kind of job 'bake' is not known. Use one of: embed,"),
        ("embed", {"data": "/c"}, "needs the parameter 'extractor'"),
        ("demo", {"size": 3}, "no parameter 'size'"),
        ("embed", {"data": 3, "extractor": "texture"}, "'data' of a job 'embed' is 3: give str"),
        ("embed", {"data": "", "extractor": "texture"}, "is no path: ''"),
        ("embed", {"data": "/c\x00", "extractor": "texture"}, "no path"),
        ("embed", {"data": "/c\udcff", "extractor": "texture"}, "not written in UTF-8"),
        ("embed", {"data": "/c", "extractor": "texture", "device": None}, "give str"),
        ("embed", {"data": "/c", "extractor": "texture", "weights": True}, "str or NoneType"),
        ("embed", {"data": "/c", "extractor": "x" * 70_000}, "65,536 are the limit"),
        ("map", {"data": "/c", "extractor": "t", "settings": []}, "give dict"),
        ("map", {"data": "/c", "extractor": "t", "settings": {"colour": 1}}, "no setting 'colour'"),
        ("map", {"data": "/c", "extractor": "t", "settings": {"seed": "1"}}, "give int"),
        ("map", {"data": "/c", "extractor": "t", "settings": {"seed": True}}, "give int"),
        (
            "map",
            {"data": "/c", "extractor": "t", "settings": {"min_dist": float("nan")}},
            "give float",
        ),
        ("map", {"data": "/c", "extractor": "t", "settings": {"views": "PA"}}, "give tuple"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(kind, parameters, words) -> None:
    """A record that anyone may have written starts nothing that is not a known kind of work."""
    with pytest.raises(SelectionError, match=words.replace("(", r"\(")):
        check_parameters(kind, parameters)


def test_all_parameters_are_plain_json_and_checking_twice_changes_nothing() -> None:
    """What is kept in a record is what comes out of it."""
    full = check_parameters("prepare", {"data": "c", "extractor": "texture"})
    assert Path(full["data"]).is_absolute()
    assert full["settings"]["views"] == ["PA", "AP", "AP Supine"]
    assert json.loads(json.dumps(full)) == full
    assert check_parameters("prepare", full) == full
    other = {"data": "c", "extractor": "texture", "settings": {"min_dist": 1}}
    assert check_parameters("prepare", other)["settings"]["min_dist"] == 1.0


def test_prepare_is_embed_and_map(small_root: Path, tmp_path: Path) -> None:
    """One job or two lead to the same map, and each says what it did."""
    prepared = do(
        "prepare", tmp_path / "a", data=str(small_root), extractor="texture", settings=PCA
    )
    embedded = do("embed", tmp_path / "b", data=str(small_root), extractor="texture")
    mapped = do("map", tmp_path / "b", data=str(small_root), extractor="texture", settings=PCA)
    assert {**embedded, **mapped, "seconds": 0} == {**prepared, "seconds": 0}
    assert (embedded["n_computed"], embedded["n_without_file"], embedded["n_failed"]) == (11, 1, 0)
    maps = []
    for cache in ("a", "b"):
        store = Store(tmp_path / cache)
        cohort = load_cohort(small_root, store=store)
        found = load_map(
            cohort, store, settings=ProjectionSettings(method="pca"), extractor=mapped["extractor"]
        )
        maps.append(found.projection.coordinates.tolist())
    assert maps[0] == maps[1]
    assert len(maps[0]) == mapped["n_on_map"]
    assert do("embed", tmp_path / "b", data=str(small_root), extractor="texture")["n_cached"] == 11


def test_seeds_are_drawn_once_and_go_on_where_they_stopped(
    small_root: Path, tmp_path: Path, monkeypatch
) -> None:
    """The job lays maps by other seeds onto the shown one; a stop between two maps loses none."""
    drawn: list[int] = []

    def fit(features: np.ndarray, settings: ProjectionSettings, effective: object) -> np.ndarray:
        drawn.append(settings.seed)
        return features[:, :2] * (1 + settings.seed)

    monkeypatch.setattr("cxrlib.maps.projection._fit_umap", fit)
    parameters = {"data": str(small_root), "extractor": "texture", "n_seeds": 3}
    do("embed", tmp_path, data=str(small_root), extractor="texture")
    with pytest.raises(WorkStoppedError):
        run_work("seeds", parameters, tmp_path, lambda *_: None, lambda: len(drawn) == 2)
    assert drawn == [0, 1]
    result = do("seeds", tmp_path, **parameters)
    assert drawn == [0, 1, 2, 3]
    assert result["n_seeds"] == 3
    store = Store(tmp_path)
    mapped = load_map(
        load_cohort(small_root, store=store), store, settings=ProjectionSettings(), extractor="auto"
    )
    spread = load_spread(mapped.embeddings, ProjectionSettings(), store, n_seeds=3)
    assert spread is not None
    assert len(spread.image_ids) == result["n_on_map"]
    assert do("seeds", tmp_path, **parameters) == result
    assert len(drawn) == 4
    with pytest.raises(ProjectionError, match="has no seed"):
        do("seeds", tmp_path, **parameters, settings=PCA)


def test_thumbnails_are_made_once(small_root: Path, tmp_path: Path) -> None:
    """A second job finds what the first has made."""
    first = do("thumbnails", tmp_path, data=str(small_root))
    second = do("thumbnails", tmp_path, data=str(small_root))
    assert (first["n_computed"], first["n_cached"]) == (11, 0)
    assert (second["n_computed"], second["n_cached"]) == (0, 11)


@pytest.mark.parametrize("kind", ["embed", "prepare", "thumbnails"])
def test_work_stops_when_asked_at_any_moment(kind: str, small_root: Path, tmp_path: Path) -> None:
    """However often it has been asked before, it stops; what it had done is found again."""
    parameters = {"data": str(small_root)}
    if kind != "thumbnails":
        parameters["extractor"] = "texture"
    if kind == "prepare":
        parameters["settings"] = PCA
    for asked in itertools.count(step=7):
        cache = tmp_path / str(asked)
        answers = iter([False] * asked)
        stopping = partial(next, answers, True)
        try:
            run_work(kind, parameters, cache, lambda *_: None, stopping)
        except WorkStoppedError:
            assert asked < 200
            continue
        break
    assert asked > 5


def test_stopped_work_goes_on_where_it_stopped(small_root: Path, tmp_path: Path) -> None:
    """A batch that was computed before the stop is in the cache."""
    seen: list[int] = []

    def on_progress(stage: str, done: int, total: int) -> None:
        if stage == "Embedding images":
            seen.append(done)

    parameters = {"data": str(small_root), "extractor": "texture"}
    with pytest.raises(WorkStoppedError):
        run_work("embed", parameters, tmp_path, on_progress, lambda: bool(seen))
    assert do("embed", tmp_path, **parameters)["n_cached"] == seen[-1] == 8


def test_what_cannot_be_done_says_why(small_root: Path, tmp_path: Path) -> None:
    """Known errors come through as they are."""
    with pytest.raises(CohortError, match="There is no folder"):
        do("embed", tmp_path, data=str(tmp_path / "none"), extractor="texture")
    with pytest.raises(SelectionError, match="Extractor 'lungs' is not known"):
        do("embed", tmp_path, data=str(small_root), extractor="lungs")
    with pytest.raises(ProjectionError, match="Nothing is embedded by extractor 'texture' yet"):
        do("map", tmp_path, data=str(small_root), extractor="texture")
    with pytest.raises(SelectionError, match="No extractor with weights"):
        do("weights", tmp_path, extractor="texture")


def test_a_record_cannot_make_a_file_trusted(small_root: Path, tmp_path: Path, monkeypatch) -> None:
    """A pickle is opened only if whoever started the process named its hash."""
    import cxrlib.embedding.extractors

    weights = tmp_path / "w.pt"
    weights.write_bytes(b"evil")
    told: list[str | None] = []

    def load(name: str, **options: str | None) -> object:
        told.append(options["trust_sha256"])
        return load_extractor("texture")

    monkeypatch.setattr(cxrlib.embedding.extractors, "load_extractor", load)
    parameters = {
        "data": str(small_root),
        "extractor": "densenet121-res224-all",
        "weights": str(weights),
        "trust_sha256": "ab",
    }
    for value in (None, "cd"):
        if value:
            monkeypatch.setenv("CXR_TRUST_SHA256", value)
        with pytest.raises(WeightsError, match="the worker does not"):
            do("embed", tmp_path, **parameters)
    assert told == []
    monkeypatch.setenv("CXR_TRUST_SHA256", "ab")
    assert do("embed", tmp_path, **parameters)["n_computed"] == 11
    assert told == ["ab"]


def test_an_extractor_is_loaded_once(small_root: Path, tmp_path: Path, monkeypatch) -> None:
    """A worker keeps the last one: a network takes seconds to load."""
    import cxrlib.embedding.extractors
    from cxrlib.jobs import job_kinds

    monkeypatch.setattr(job_kinds, "_loaded", {})
    names: list[str] = []

    def load(name: str, **options: object) -> object:
        names.append(name)
        return load_extractor(name)

    monkeypatch.setattr(cxrlib.embedding.extractors, "load_extractor", load)
    for _ in range(3):
        do("embed", tmp_path, data=str(small_root), extractor="texture")
    assert names == ["texture"]


def test_a_stopped_download_is_stopped_work(tmp_path: Path, monkeypatch) -> None:
    """The downloader has a word of its own for it."""
    from cxrlib.embedding.extractors import weights

    def download(name: str, **options: object) -> Path:
        raise DownloadStoppedError("The download was stopped.")

    monkeypatch.setattr(weights, "download_weights", download)
    with pytest.raises(WorkStoppedError):
        do("weights", tmp_path, extractor="densenet121-res224-all")
    monkeypatch.setattr(weights, "download_weights", lambda name, **_: tmp_path / "w.pt")
    assert do("weights", tmp_path, extractor="densenet121-res224-all") == {"file": "w.pt"}


def test_the_collection_lands_in_the_cache_and_nowhere_else(tmp_path: Path, monkeypatch) -> None:
    """No record can name the folder that is written to."""
    import cxrlib.cohort
    from cxrlib.cohort import public_collection

    folders: list[Path] = []

    def fetch_here(folder: Path, **options: object) -> public_collection.FetchReport:
        folders.append(folder)
        return public_collection.FetchReport(str(folder), "a" * 40, 3, 4, 2, 1, "Nothing.")

    # The package keeps what was imported from it once: there it is to be replaced.
    monkeypatch.setattr(cxrlib.cohort, "fetch_collection", fetch_here)
    assert do("collection", tmp_path) == {"n_xrays": 2, "n_xrays_missing": 1}
    assert folders == [tmp_path / "collection"]
    with pytest.raises(SelectionError, match="no parameter 'folder'"):
        do("collection", tmp_path, folder="/etc")


def test_every_kind_is_described() -> None:
    """Each kind has words of its own and parameters with types and defaults."""
    for name, kind in KINDS.items():
        assert kind.run.__doc__, name
        for types, default in kind.parameters.values():
            assert types
            assert default is not None or type(None) in types


@pytest.mark.slow
def test_the_demo_is_generated_embedded_and_mapped(tmp_path: Path, monkeypatch) -> None:
    """One job leads from nothing to a map; stopped in the middle it can be asked for again."""
    small = partial(synthetic.generate_demo, n_patients=24)
    monkeypatch.setattr(synthetic, "generate_demo", small)
    done: list[int] = []

    def on_progress(stage: str, count: int, total: int) -> None:
        if stage == "Generating radiographs":
            done.append(count)

    with pytest.raises(WorkStoppedError):
        run_work("demo", {}, tmp_path, on_progress, lambda: sum(done) > 0)
    assert not (tmp_path / "demo").exists()
    result = do("demo", tmp_path)
    assert result["n_on_map"] > 20
    assert (tmp_path / "demo" / "metadata.csv").is_file()
    shutil.rmtree(tmp_path / "demo")


@pytest.mark.slow
def test_warming_up_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    """It computes a map of noise and writes none."""
    monkeypatch.chdir(tmp_path)
    warm_up()
    assert list(tmp_path.iterdir()) == []
