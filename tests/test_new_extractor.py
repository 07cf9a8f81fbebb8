"""The recipe of CONTRIBUTING for an extractor: a module and its line, and everything knows it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cxrlib
from cxrlib.embedding import extractors
from tests.cohort_factory import draw_image, make_cohort

TOY = """
import numpy as np

from cxrlib.storage.extractor_info import ExtractorInfo

INFO = ExtractorInfo("toy", "Toy", "", "toy-v1", 3, ("Brightness",))


def prepare(image):
    \"\"\"Measure brightness.\"\"\"
    return np.array([image.mean(), image.std(), np.median(image)], np.float32)


class ToyExtractor:
    \"\"\"Describe an image by its brightness.\"\"\"

    works_in_prepare = True
    device = "cpu"
    info = INFO
    prepare = staticmethod(prepare)

    def check_prepared(self, item):
        return ""

    def compute(self, batch):
        return batch, batch[:, :1]


def describe(name):
    return INFO


def load(name, *, weights, trust_sha256, device, on_progress):
    return ToyExtractor()
"""

COMMANDS = """
import json
import sys

from typer.testing import CliRunner

from cxrlib.cli import app
from cxrlib.cohort.cohort import load_cohort
from cxrlib.baselines.features.feature_sets import list_feature_sets
from cxrlib.maps.inventory import list_extractor_states
from cxrlib.maps.map_settings import list_map_extractors
from cxrlib.storage.store import Store

data, cache = sys.argv[1:]


def run(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--data", data, "--cache", cache])
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return json.loads(result.stdout)


store = Store(cache)
cohort = load_cohort(data, store=store)
before = [c.name for c in list_feature_sets(cohort, store) if c.name.startswith("toy:")]
embedded = run("embed", "--extractor", "toy", "--format", "json")
mapped = run("map", "--extractor", "toy", "--method", "pca", "--format", "json")
loco = run(
    *("loco", "--task", "icu-stay", "--resamples", "20", "--format", "json"),
    *("--features", "toy:intermediate"),
)
print(
    json.dumps(
        {
            "before": before,
            "embedded": embedded["computed"],
            "mapped": mapped["n_on_map"],
            "columns": loco["features"]["n_columns"],
            "states": {s.name: s.ready for s in list_extractor_states(cohort, store)},
            "maps": [extractor.name for extractor in list_map_extractors(cohort, store)],
            "ready": [c.name for c in list_feature_sets(cohort, store) if c.is_ready],
        }
    )
)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Copy the package and add an extractor, as the recipe says."""
    source = Path(cxrlib.__file__).parent
    shutil.copytree(source, tmp_path / "cxrlib", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "cxrlib" / Path(extractors.__file__).parent.relative_to(source)
    (folder / "toy.py").write_text(TOY)
    table = folder / "__init__.py"
    text = table.read_text()
    line = '    "texture": texture,\n'
    assert line in text
    text = text.replace(line, f'{line}    "toy": toy,\n')
    table.write_text(text.replace("import densenet, texture", "import densenet, texture, toy"))
    return tmp_path


def test_new_extractor_is_known_to_embed_map_loco_and_pages(package: Path) -> None:
    """One module and one line: commands, maps, feature sets and the data page all have it."""
    rows: list[dict[str, object]] = [
        {
            "offset": 1 + i % 7,
            "location": ("Lyon, France", "Tokyo, Japan", "Lima, Peru")[i % 3],
            "went_icu": "YN"[i // 3 % 2],
        }
        for i in range(24)
    ]
    images = {f"image{i}.png": draw_image(i) for i in range(1, 25)}
    root = make_cohort(package / "cohort", rows, images=images)
    run = subprocess.run(
        [sys.executable, "-c", COMMANDS, str(root), str(package / "cache")],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package), "CXR_DATA": "", "CXR_CACHE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["before"] == ["toy:intermediate", "toy:outputs"]
    assert (found["embedded"], found["mapped"], found["columns"]) == (24, 24, 3)
    assert found["states"]["toy"] == "no map"  # of the paper's settings: this one is by PCA
    assert "toy" in found["maps"]
    assert {"toy:intermediate", "toy:outputs"} <= set(found["ready"])


@pytest.mark.parametrize("name", extractors.EXTRACTOR_NAMES)
def test_describe_extractor_is_current(name: str) -> None:
    """What is described without loading is what this version would compute."""
    info = extractors.describe_extractor(name)
    assert info.name == name
    assert extractors.is_current(info)
    assert not extractors.is_current(extractors.ExtractorInfo(name, "x", "", "old", 1, ()))
