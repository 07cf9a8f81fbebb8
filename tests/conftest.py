"""Fixtures shared by the tests."""

import os
from pathlib import Path

import pytest

from cxrlib.maps import MappedCohort, compute_map
from tests.cohort_factory import draw_image, make_cohort


def pytest_configure(config: pytest.Config) -> None:
    """Take in what ends a session that a test would keep alive, and the demo that pages show."""
    config.pluginmanager.import_plugin("tests.leftovers")
    config.pluginmanager.import_plugin("tests.served_demo")


@pytest.fixture(scope="session")
def real_root() -> Path:
    """Give the real collection's folder, or skip: it is found by CXR_DATA only."""
    value = os.environ.get("CXR_DATA")
    if not value:
        pytest.skip("CXR_DATA is not set: the real collection is not at hand.")
    root = Path(value)
    if not (root / "metadata.csv").is_file():
        pytest.skip(f"CXR_DATA={value!r} holds no metadata.csv.")
    return root


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort of twelve X-rays of five patients, one row without a file, one CT row."""
    rows: list[dict[str, object]] = [
        {"patientid": f"p{1 + i % 5}", "offset": i, "view": "L" if i == 11 else "AP"}
        for i in range(12)
    ]
    rows[3] |= {"in_icu": "Y"}
    rows[4] |= {"offset": ""}
    rows += [{"patientid": "p6", "filename": "c.nii", "modality": "CT", "view": "Axial"}]
    images = {f"image{i}.png": draw_image(i) for i in range(1, 13) if i != 3}
    return make_cohort(tmp_path_factory.mktemp("small") / "cohort", rows, images=images)


@pytest.fixture(scope="session")
def mapped_cohort(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> MappedCohort:
    """Embed the small cohort by texture and lay it out by principal components."""
    from cxrlib.cohort import load_cohort
    from cxrlib.embedding import compute_embeddings
    from cxrlib.embedding.extractors import load_extractor
    from cxrlib.maps import ProjectionSettings
    from cxrlib.storage import Store

    store = Store(tmp_path_factory.mktemp("cache"))
    cohort = load_cohort(small_root, store=store)
    extractor = load_extractor("texture")
    compute_embeddings(cohort, extractor, store, n_workers=1)
    settings = ProjectionSettings(method="pca")
    return compute_map(cohort, extractor.info, store, settings=settings)
