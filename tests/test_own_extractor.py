"""The worked example of docs/own-extractor.md: installed it is known everywhere; broken, told."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cohort_factory import draw_image, make_cohort

ROOT = Path(__file__).resolve().parents[1]
DOC = (ROOT / "docs" / "own-extractor.md").read_text()
COMMANDS = """
import json
import sys

from typer.testing import CliRunner

from cxrlib.baselines.features import list_feature_sets
from cxrlib.cli import app
from cxrlib.cohort import load_cohort
from cxrlib.embedding.extractors import list_plugin_problems
from cxrlib.maps import list_map_extractors
from cxrlib.storage import Store

data, cache, name = sys.argv[1:]


def run(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--data", data, "--cache", cache])
    return result.exit_code, result.stdout, result.stderr


embedded = run("embed", "--extractor", name, "--format", "json")
mapped = run(
    *("map", "--extractor", name, "--method", "pca", "--features", "embedding"),
    *("--format", "json"),
)
loco = run(
    *("loco", "--task", "icu-stay", "--resamples", "20", "--format", "json"),
    *("--features", f"{name}:embedding+age-sex"),
)
texture = run("embed", "--extractor", "texture", "--format", "json")
store = Store(cache)
cohort = load_cohort(data, store=store)
print(
    json.dumps(
        {
            "embedded": embedded,
            "mapped": mapped,
            "loco": loco,
            "texture": texture,
            "ready": [c.name for c in list_feature_sets(cohort, store) if c.is_ready],
            "maps": [each.name for each in list_map_extractors(cohort, store)],
            "problems": list_plugin_problems(),
        }
    )
)
"""


def take_block(language: str) -> str:
    """Take a block of code out of the page."""
    found = re.search(rf"```{language}\n(.*?)```", DOC, re.DOTALL)
    assert found is not None
    return found.group(1)


def install(folder: Path, name: str, module: str, code: str, package: str = "cxr-plugin") -> None:
    """Install a package into a folder as pip does: a module and its dist-info."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[cxrlib.extractors]\n{name} = {module}\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a cohort of 24 X-rays in three regions."""
    rows: list[dict[str, object]] = [
        {
            "offset": 1 + i % 7,
            "location": ("Lyon, France", "Tokyo, Japan", "Lima, Peru")[i % 3],
            "went_icu": "YN"[i // 3 % 2],
        }
        for i in range(24)
    ]
    images = {f"image{i}.png": draw_image(i) for i in range(1, 25)}
    return make_cohort(tmp_path_factory.mktemp("own") / "cohort", rows, images=images)


def run_commands(folder: Path, data: Path, cache: Path, name: str) -> dict[str, object]:
    """Run the commands with a folder of packages on the path."""
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, str(data), str(cache), name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "CXR_DATA": "", "CXR_CACHE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_worked_example_is_known_to_everything(tmp_path: Path, data: Path) -> None:
    """The page's two files: embedded, mapped, run; then a newer version says what to redo."""
    pytest.importorskip("torchvision")
    assert 'resnet18 = "cxr_resnet"' in take_block("toml")
    code = take_block("python")
    install(tmp_path / "site", "resnet18", "cxr_resnet", code)
    found = run_commands(tmp_path / "site", data, tmp_path / "cache", "resnet18")
    embedded, mapped, loco = (found[key] for key in ("embedded", "mapped", "loco"))
    assert embedded[0] == mapped[0] == loco[0] == 0, (embedded, mapped, loco)
    assert json.loads(embedded[1])["computed"] == 24
    assert json.loads(mapped[1])["n_on_map"] == 24
    assert json.loads(loco[1])["features"]["n_columns"] >= 512
    assert {"resnet18:intermediate", "resnet18:outputs"} <= set(found["ready"])
    assert "resnet18" in found["maps"]
    assert found["problems"] == []

    (tmp_path / "site" / "cxr_resnet.py").write_text(code.replace("resnet18-v1", "resnet18-v2"))
    ask = (
        "from cxrlib.embedding.extractors import describe_stale;"
        "from cxrlib.storage import EmbeddingStore, Store;"
        f"(info,) = [each for each in EmbeddingStore(Store({str(tmp_path / 'cache')!r}))"
        ".list_extractors() if each.name == 'resnet18'];"
        "print(describe_stale(info))"
    )
    path = os.pathsep.join([str(tmp_path / "site"), str(ROOT)])
    for env, words in (
        (path, "'resnet18-v1', the installed one is 'resnet18-v2'"),
        (str(ROOT), "no installed package brings it"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", ask],
            env={**os.environ, "PYTHONPATH": env},
            capture_output=True,
            text=True,
            check=True,
        )
        assert words in done.stdout


TOY = """
import numpy as np
from cxrlib.storage import ExtractorInfo
INFO = ExtractorInfo("toy", "Toy", "", "toy-v1", 2, ("Brightness",))
def describe(name):
    return INFO
def prepare(image):
    return np.array([image.mean(), image.std()], np.float32)
class Toy:
    works_in_prepare, device, info, prepare = True, "cpu", INFO, staticmethod(prepare)
    def check_prepared(self, item):
        return ""
    def compute(self, batch):
        return batch, batch[:, :1]
def load(name, *, weights, trust_sha256, device, on_progress):
    return Toy()
"""
ITEM = "return np.array([image.mean(), image.std()], np.float32)"
BROKEN = {
    "import": ("import nothing_such\n", "cannot be imported (ModuleNotFoundError"),
    "exit": ("raise SystemExit(3)\n", "cannot be imported (SystemExit: 3)"),
    "describe": (TOY.replace("return INFO", "1 / 0", 1), "cannot be described (ZeroDivisionError"),
    "name": (TOY.replace('"toy", "Toy"', '"other", "Toy"'), "by another name (other)"),
    "leave": (TOY.replace("return INFO", "raise SystemExit(3)", 1), "described (SystemExit: 3)"),
    "kind": (TOY.replace("return INFO", "return 5", 1), "not described by an ExtractorInfo (int)"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_plugin_is_one_sentence(tmp_path: Path, data: Path, fault: str) -> None:
    """It is named with its package and the reason; the other extractors go on."""
    code, words = BROKEN[fault]
    install(tmp_path / "site", "toy", "cxr_toy", code)
    found = run_commands(tmp_path / "site", data, tmp_path / "cache", "toy")
    (problem,) = found["problems"]
    assert problem.startswith("Extractor 'toy' of package 'cxr-plugin' ")
    assert words in problem
    exit_code, _, error = found["embedded"]
    assert exit_code == 1
    assert error.strip().endswith(f"Error: {problem}")
    assert found["texture"][0] == 0
    assert "toy" not in found["maps"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            TOY.replace("return Toy()", "raise OSError('no GPU')"),
            "cannot be loaded (OSError: no GPU",
        ),
        (
            TOY.replace("return Toy()", "return object()"),
            "lacks a part of an extractor (info, works",
        ),
        (TOY.replace("batch[:, :1]", "batch"), "gives other shapes than described"),
        (TOY.replace("return batch, batch[:, :1]", "1 / 0"), "failed on a batch of images"),
        (TOY.replace('True, "cpu"', 'True, "abacus"'), "runs on none of cpu, cuda, mps"),
        (TOY.replace("return Toy()", "raise SystemExit(0)"), "cannot be loaded (SystemExit: 0)"),
        (TOY.replace('"cpu", INFO', '"cpu", None'), "has no ExtractorInfo as its info (NoneType)"),
        (
            TOY.replace("staticmethod(prepare)", "staticmethod(lambda x: x)"),
            "that is no function of a module",
        ),
    ],
)
def test_plugin_that_fails_at_work_is_one_sentence(
    tmp_path: Path, data: Path, code: str, words: str
) -> None:
    """What it does wrong when it is used is told as well."""
    install(tmp_path / "site", "toy", "cxr_toy", code)
    found = run_commands(tmp_path / "site", data, tmp_path / "cache", "toy")
    exit_code, _, error = found["embedded"]
    assert exit_code == 1
    assert words in error
    assert "Traceback" not in error
    assert found["texture"][0] == 0


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("None", "it was prepared as nothing"),
        ("[1.0, 2.0]", "it was prepared as list, not as an array"),
        ("np.zeros(1 + int(image.sum()) % 7)", "it was prepared with the shape"),
    ],
)
def test_item_that_is_no_array_is_told_of_its_image(
    tmp_path: Path, data: Path, item: str, words: str
) -> None:
    """No image is passed over in silence, and none stops the others."""
    install(tmp_path / "site", "toy", "cxr_toy", TOY.replace(ITEM, f"return {item}"))
    found = run_commands(tmp_path / "site", data, tmp_path / "cache", "toy")
    exit_code, _, error = found["embedded"]
    assert exit_code in (1, 3)
    assert words in error or "gives other shapes" in error
    assert "Traceback" not in error


def test_plugin_cannot_take_the_name_of_another(tmp_path: Path, data: Path) -> None:
    """The library's own extractors stay what they are; of two packages the first is taken."""
    site = tmp_path / "site"
    install(site, "texture", "cxr_fake", TOY, package="cxr-fake")
    install(site, "a:b", "cxr_colon", TOY, package="cxr-colon")
    install(site, "toy", "cxr_toy", TOY, package="cxr-toy")
    install(site, "toy", "cxr_toy_two", TOY, package="cxr-toy-two")
    found = run_commands(site, data, tmp_path / "cache", "toy")
    problems = " ".join(found["problems"])
    assert "'texture' of package 'cxr-fake' is left out: this program has one" in problems
    assert "'a:b' of package 'cxr-colon' is left out" in problems
    assert "'toy' of package 'cxr-toy-two' is left out: package 'cxr-toy' brings one" in problems
    assert found["embedded"][0] == 0
