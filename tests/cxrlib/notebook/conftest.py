"""The small demo, loaded and embedded once, for the tests of this folder."""

from pathlib import Path

import pytest

import cxrlib as cxr
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet
from tests.small_demo import write_small_demo


@pytest.fixture(scope="package")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the small demo."""
    return write_small_demo(tmp_path_factory.mktemp("notebook") / "demo")


@pytest.fixture(scope="package")
def demo(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load the small demo with a cache of its own."""
    return cxr.load_cohort(demo_root, cache=tmp_path_factory.mktemp("notebook-cache"))


@pytest.fixture(scope="package")
def outputs(demo: Cohort) -> EmbeddingSet:
    """Embed it by texture."""
    return cxr.embed(demo)
