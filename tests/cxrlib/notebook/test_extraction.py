"""Embeddings of a notebook are those of the command, computed once."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import cxrlib as cxr
from cxrlib.cli import app
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet, load_embeddings
from cxrlib.errors import SelectionError, WeightsError
from cxrlib.notebook import choose_extractor
from cxrlib.storage import Store
from tests.cohort_factory import make_cohort


def test_embed_gives_what_the_command_computed(
    demo: Cohort, demo_root: Path, outputs: EmbeddingSet, tmp_path: Path
) -> None:
    """The same numbers, bit for bit, in the cohort's order."""
    words = ["embed", "--data", str(demo_root), "--cache", str(tmp_path), "--extractor", "texture"]
    assert CliRunner().invoke(app, words).exit_code == 0
    stored = load_embeddings(demo, outputs.info, Store(tmp_path))
    assert stored.image_ids == outputs.image_ids == tuple(demo.table["image_id"])
    assert np.array_equal(stored.outputs, outputs.outputs)
    assert np.array_equal(stored.embedding, outputs.embedding)
    assert outputs.outputs.shape == (demo.n_images, len(outputs.info.output_names))


def test_embed_uses_the_cache_again(
    demo: Cohort, outputs: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is computed at the second call; the command finds it too."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an image was prepared again")

    monkeypatch.setattr("cxrlib.embedding.embeddings.prepare_images", refuse)
    assert np.array_equal(cxr.embed(demo).outputs, outputs.outputs)
    words = ["embed", "--data", str(demo.root), "--cache", str(demo.cache), "--format", "json"]
    result = CliRunner().invoke(app, [*words, "--extractor", "texture"])
    assert json.loads(result.stdout)["cached"] == demo.n_images


def test_embed_rejects_an_unknown_extractor(demo: Cohort) -> None:
    """The message lists those there are."""
    with pytest.raises(SelectionError, match=r"'mood' is not known.*texture"):
        cxr.embed(demo, "mood")


def test_embed_rejects_weights_that_an_extractor_does_not_take(demo: Cohort) -> None:
    """Texture has none."""
    with pytest.raises(WeightsError, match="takes no weights"):
        cxr.embed(demo, "texture", weights="weights.pt")


def test_embed_counts_what_could_not_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with where to look; the rest goes on."""
    rows = [{"patientid": str(i), "filename": f"image{i}.png"} for i in range(4)]
    root = make_cohort(tmp_path / "cohort", rows)
    (root / "images" / "image0.png").unlink()
    (root / "images" / "image1.png").write_bytes(b"no image")
    cohort = cxr.load_cohort(root, cache=tmp_path / "cache")
    assert cxr.embed(cohort).image_ids == ("image2.png", "image3.png")
    assert "2 X-rays could not be embedded" in capsys.readouterr().err


def test_choose_extractor_takes_the_network_where_its_weights_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else texture; a name is taken as it is."""
    monkeypatch.setattr("cxrlib.notebook.extraction.find_weights", lambda _: None)
    assert choose_extractor("auto") == "texture"
    assert choose_extractor("auto", weights=Path("w.pt")) == "densenet121-res224-all"
    assert choose_extractor("densenet121-untrained") == "densenet121-untrained"


def test_embedding_set_shows_counts_and_outputs(demo: Cohort, outputs: EmbeddingSet) -> None:
    """A heading with sizes, the notice, few rows."""
    page = outputs._repr_html_()
    assert f"{demo.n_images} images by Simple texture" in page
    assert outputs.info.output_names[0] in page
    assert cxr.NOTICE in page
    assert page.count("<tr") <= 30
