"""Maps of a notebook are those of the library and of the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import cxrlib as cxr
from cxrlib.cli import app
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import ProjectionError, ReportError, SelectionError
from cxrlib.maps import ProjectionSettings, compute_map
from cxrlib.notebook import CohortMap
from cxrlib.storage import Store


@pytest.fixture(scope="module")
def pca(demo: Cohort, outputs: EmbeddingSet) -> CohortMap:
    """Map the small demo by principal components."""
    return cxr.fit_map(demo, outputs, method="pca")


def test_fit_map_gives_the_map_of_the_library(
    demo: Cohort, outputs: EmbeddingSet, pca: CohortMap, tmp_path: Path
) -> None:
    """The same places, bit for bit, and a table of them."""
    assert demo.cache is not None
    settings = ProjectionSettings(method="pca")
    ours = compute_map(demo, outputs.info, Store(demo.cache), settings=settings)
    assert np.array_equal(pca.mapped.projection.coordinates, ours.projection.coordinates)
    assert len(pca.points) == len(ours.projection.image_ids) == demo.n_images - 1  # one lateral
    assert np.array_equal(pca.points[["x", "y"]].to_numpy(np.float32), ours.projection.coordinates)


def test_fit_map_reads_the_cache_again(
    demo: Cohort, outputs: EmbeddingSet, pca: CohortMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fitted at the second call; other settings are another map."""
    fitted = []
    monkeypatch.setattr(
        "cxrlib.maps.projection._fit_pca",
        lambda numbers: fitted.append(1) or np.zeros((len(numbers), 2), np.float32),
    )
    again = cxr.fit_map(demo, outputs, method="pca")
    assert again.points.equals(pca.points)
    assert not fitted
    cxr.fit_map(demo, outputs, method="pca", features="embedding", views=("PA",))
    assert fitted == [1]


@pytest.mark.parametrize("name", ["map.html", "map.parquet"])
def test_save_writes_what_the_command_writes(
    demo: Cohort, pca: CohortMap, tmp_path: Path, name: str
) -> None:
    """The same file for the same choices."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    pca.save(ours / name, patients=["12", "29"], state="icu", colour="view", where="sex=M")
    words = ["map", "--data", str(demo.root), "--cache", str(demo.cache)]
    words += ["--extractor", "texture", "--method", "pca", "--patients", "12,29"]
    words += ["--state", "icu", "--colour", "view", "--where", "sex=M"]
    result = CliRunner().invoke(app, [*words, "--out", str(theirs / name)])
    assert result.exit_code == 0, result.output
    if name.endswith("parquet"):
        written = [pd.read_parquet(folder / name) for folder in (ours, theirs)]
        pd.testing.assert_frame_equal(*written)
    else:
        page = (ours / name).read_text("utf-8")
        assert "Patient 29" in page
        assert len(page) == pytest.approx(len((theirs / name).read_text("utf-8")), abs=50)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"path": "map.gif"}, ReportError, r"\.html or \.svg"),
        ({"path": "no/folder/map.html"}, ReportError, "no folder"),
        ({"patients": ["212"]}, SelectionError, "not among the 36 patients"),
        ({"patients": ["8"]}, SelectionError, "no image on the map"),
        ({"state": "ill"}, SelectionError, "'ICU or tube'"),
        ({"colour": "mood"}, SelectionError, "'view'"),
        ({"where": "view=XX"}, SelectionError, "The cohort has"),
        ({"rows": "500"}, SelectionError, "No image on this map"),
    ],
)
def test_save_rejects_what_there_is_not(
    pca: CohortMap,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, object],
    error: type[Exception],
    words: str,
) -> None:
    """Each message names the value and the way out; nothing is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        pca.save(**{"path": "map.html", **options})
    assert not list(tmp_path.iterdir())


def test_save_puts_a_second_cohort_behind(demo: Cohort, pca: CohortMap, tmp_path: Path) -> None:
    """Projected onto the map by its embeddings; images of both are no second cohort."""
    with pytest.raises(ProjectionError):
        pca.save(tmp_path / "m.html", reference=demo)


def test_fit_map_rejects_a_cohort_without_images(demo: Cohort, outputs: EmbeddingSet) -> None:
    """The message says which images a map shows."""
    lateral = cxr.select_images(demo, "view=L")
    with pytest.raises(ProjectionError, match="X-rays in PA, AP, AP Supine view"):
        cxr.fit_map(lateral, outputs)


def test_fit_map_says_where_the_embeddings_must_be(
    demo: Cohort, outputs: EmbeddingSet, tmp_path: Path
) -> None:
    """A cache that was not embedded into: which function fills it."""
    with pytest.raises(ProjectionError, match="embed"):
        cxr.fit_map(demo, outputs, cache=tmp_path)


def test_map_shows_counts_in_a_notebook(pca: CohortMap) -> None:
    """One line at a prompt, a table of few rows in a notebook."""
    assert repr(pca).startswith("CohortMap('39 of 40 images of Small demo")
    assert len(repr(pca)) < 200
    page = pca._repr_html_()
    assert cxr.NOTICE in page
    assert page.count("<tr") <= 30
