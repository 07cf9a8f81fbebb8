"""The rules of the house that a tool cannot check: who imports whom, what a module is called."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.measure_house import find_circles, read_graph
from cxrlib.cohort import load_cohort
from cxrlib.embedding import compute_embeddings
from cxrlib.embedding.extractors import load_extractor
from cxrlib.maps import MappedCohort, ProjectionSettings, compute_map
from cxrlib.storage import Store

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "torchvision", "torchxrayvision", "umap", "sklearn", "skimage")
FORBIDDEN = {
    "cxrlib": ("streamlit", "ui", "pages", "app"),
    "ui": ("pages", "app", "cxrlib.cli"),
    "pages": ("pages", "app", "ui.router", "cxrlib.cli"),
}
VAGUE_NAMES = {"utils", "util", "helpers", "common", "manager", "misc"}

#: The library from the ground up: a package imports only from those before it.
ORDER = (
    "errors", "notice", "aliases", "short_repr", "html_repr", "number_text", "system", "literature",
    "storage", "synthetic", "images", "cohort", "quality.rules", "quality", "importing", "display",
    "embedding.extractors", "embedding", "selection", "summary", "maps", "baselines.tasks",
    "baselines.features", "baselines.evaluation", "baselines.runs", "patients", "jobs", "uploads",
    "charts.style", "charts.cohort", "charts.patients", "charts.maps", "charts.scores", "reports",
    "notebook", "cli", "__main__",
)  # fmt: skip

#: The dashboard likewise; a page's folder imports no other page's.
PAGE_FOLDERS = ("cohort", "patients", "trajectories", "baselines", "data")
UI_ORDER = ("widgets", "session", "shell", "images", *PAGE_FOLDERS, "router")


def python_files(folder: str) -> list[Path]:
    """List the Python files below a folder of the repository."""
    return sorted((ROOT / folder).rglob("*.py"))


def imported_names(path: Path) -> Iterator[str]:
    """List every module a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_imports_go_down_only(folder: str) -> None:
    """No module imports one that stands above it."""
    files = python_files(folder)
    assert files
    for path in files:
        for name in imported_names(path):
            for banned in FORBIDDEN[folder]:
                below = f"{name}.".startswith(f"{banned}.")
                assert not below, f"{path.relative_to(ROOT)} imports {name}"


def find_room(name: str, order: tuple[str, ...]) -> str | None:
    """Find the entry of an ordered list that a module belongs to, the most special one."""
    inner = name.partition(".")[2]
    rooms = [room for room in order if f"{inner}.".startswith(f"{room}.")]
    return max(rooms, key=len, default=None)


def list_arrows(folder: str, order: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """List each import between modules of a folder: file, its room, the module, its room."""
    for path in python_files(folder):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        room = find_room(module.removesuffix(".__init__"), order)
        if module in {"cxrlib.__init__", "cxrlib.baselines.__init__", "cxrlib.charts.__init__"}:
            continue
        if module == "ui.__init__":
            continue
        assert room, f"{module} is in no package of the list: give it its place there"
        for name in imported_names(path):
            target = find_room(name, order) if name.startswith(f"{folder}.") else None
            if target is not None:
                yield str(path.relative_to(ROOT)), room, name, target


@pytest.mark.parametrize(("folder", "order"), [("cxrlib", ORDER), ("ui", UI_ORDER)])
def test_packages_import_only_those_before_them(folder: str, order: tuple[str, ...]) -> None:
    """One ordered list says who may import whom; lazy imports count."""
    arrows = list(list_arrows(folder, order))
    assert len(arrows) > 100
    for path, room, name, target in arrows:
        assert order.index(target) <= order.index(room), f"{path} imports {name}, which is above it"
        if room in PAGE_FOLDERS and folder == "ui":
            assert target == room or target not in PAGE_FOLDERS, f"{path} imports {name}"


def list_doors() -> list[str]:
    """List the packages that name what others may take from them."""
    return [
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in sorted((ROOT / "cxrlib").rglob("__init__.pyi"))
        if path.parent.name != "cxrlib"
    ]


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_packages_are_entered_by_their_doors(folder: str) -> None:
    """What one package takes of another, it takes from the package, not from a file in it."""
    doors = list_doors()
    assert len(doors) > 20
    for path in python_files(folder):
        own = ".".join(path.parent.relative_to(ROOT).parts)
        for name in imported_names(path):
            room = name.rpartition(".")[0]
            is_package = (ROOT / name.replace(".", "/") / "__init__.py").is_file()
            is_at_home = f"{own}.".startswith(f"{room}.")
            assert room not in doors or is_package or is_at_home, (
                f"{path.relative_to(ROOT)} takes from {name}: name it in {room}"
            )


@pytest.mark.parametrize("door", list_doors())
def test_door_gives_each_name_it_lists(door: str) -> None:
    """Every public name is there, once, and is no module."""
    package = importlib.import_module(door)
    assert package.__all__
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        assert not inspect.ismodule(getattr(package, name)), name


def test_no_circle_of_files() -> None:
    """No two files import one another, directly or by a way round."""
    assert find_circles(read_graph()) == []


def test_no_module_has_a_vague_name() -> None:
    """A file's name says what it is for."""
    for folder in FORBIDDEN:
        for path in python_files(folder):
            assert path.stem not in VAGUE_NAMES, path


def test_what_the_server_imports_is_light() -> None:
    """Loading a page's modules imports neither torch nor UMAP: they cost seconds."""
    code = (
        "import sys, ui.session.resources, ui.trajectories.details, cxrlib.cli\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip().splitlines()[-1] == "[]", answer.stdout


def test_no_pages_folder_lies_beside_the_main_script() -> None:
    """Streamlit would serve such a page without the frame that carries the notice."""
    assert not (ROOT / "ui" / "pages").exists()
    assert "ui/router.py" in (ROOT / "app.py").read_text()


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "README.md", "docs/library.md"])
def test_document_names_only_paths_that_exist(name: str) -> None:
    """A file or folder that a document points to is there; `<part>` stands for any."""
    text = (ROOT / name).read_text("utf-8")
    paths = re.findall(r"`((?:cxrlib|ui|pages|tests|docs|examples|benchmarks)/[^`\s]*)`", text)
    assert paths
    for path in paths:
        pattern = re.sub(r"<\w+>", "*", path)
        assert list(ROOT.glob(pattern)), f"{name} names {path}"


def test_the_cache_is_described_as_it_is(mapped_cohort: MappedCohort, tmp_path: Path) -> None:
    """Each folder that a run leaves in the cache stands in the cache's own README."""
    store = Store(tmp_path)
    cohort = load_cohort(mapped_cohort.cohort.root, store=store)
    extractor = load_extractor("texture")
    compute_embeddings(cohort, extractor, store, n_workers=1)
    compute_map(cohort, extractor.info, store, settings=ProjectionSettings(method="pca"))
    described = (ROOT / "cache" / "README.md").read_text()
    folders = [path.name for path in tmp_path.iterdir() if path.is_dir()]
    assert folders
    for name in folders:
        assert f"`{name}/`" in described, name
