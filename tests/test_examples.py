"""What README, docs/library.md and the notebooks show is true: their code runs, on a small demo."""

import ast
import json
import re
from pathlib import Path

import pytest

import cxrlib
from tests.small_demo import lay_out_by_components, stand_in, write_small_demo

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def find_blocks(name: str) -> list[str]:
    """Find the Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / name).read_text("utf-8"), re.M | re.S)


def read_cells(path: Path) -> list[dict]:
    """Read the cells of a notebook."""
    return json.loads(path.read_text("utf-8"))["cells"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the small demo."""
    return write_small_demo(tmp_path_factory.mktemp("examples") / "demo")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the examples one cache, so that images are embedded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def small_demo(root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let examples load the small demo and write into an empty folder."""
    stand_in(monkeypatch, root, cache)
    lay_out_by_components(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_code(text: str, names: dict) -> object:
    """Run code and give the value of its last line, as a notebook does."""
    *lines, last = ast.parse(text).body
    exec(compile(ast.Module(lines, []), "<cell>", "exec"), names)  # noqa: S102  (our own pages)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), "<cell>", "exec"), names)  # noqa: S102
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)  # noqa: S307


def test_readme_block_is_that_of_the_library_page() -> None:
    """One block, shown twice, of ten lines or fewer."""
    (block,) = find_blocks("README.md")
    assert find_blocks("docs/library.md")[0] == block
    assert len([line for line in block.splitlines() if line]) <= 10


def test_library_page_blocks_run(small_demo: Path) -> None:
    """One after another, as a reader would; they write the files that they name."""
    names: dict = {}
    for block in find_blocks("docs/library.md"):
        run_code(block, names)
        for name in re.findall(r'"(\w+\.(?:html|zip))"', block):
            assert (small_demo / name).stat().st_size > 1000
    assert names["cohort"].is_synthetic
    assert "patient 29" in (small_demo / "map.html").read_text("utf-8").lower()
    assert "SVC" in names["own"].model


@pytest.mark.slow
def test_readme_block_runs_with_umap(
    root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands, without a stand-in for the map."""
    stand_in(monkeypatch, root, cache / "umap")
    monkeypatch.chdir(tmp_path)
    run_code(find_blocks("README.md")[0], names := {})
    assert names["umap"].mapped.projection.settings.method == "umap"
    assert (tmp_path / "map.html").exists()


def test_there_are_three_notebooks() -> None:
    """A cohort's tables, a map with two patients, baselines."""
    assert len(NOTEBOOKS) == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid_and_holds_no_output(path: Path) -> None:
    """Format 4.5; nothing that was computed on somebody's cohort is stored."""
    book = json.loads(path.read_text("utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    for cell in book["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert (cell["execution_count"], cell["outputs"]) == (None, [])
        else:
            assert cell["cell_type"] == "markdown"
    assert cxrlib.NOTICE in "".join(book["cells"][0]["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, small_demo: Path) -> None:
    """All code cells in order; what a cell ends in can be shown."""
    names: dict = {}
    for cell in read_cells(path):
        if cell["cell_type"] == "code":
            value = run_code("".join(cell["source"]), names)
            assert value is None or getattr(value, "_repr_html_", lambda value=value: value)()


def test_library_page_names_each_public_name() -> None:
    """No function is missing there, and none is made up."""
    page = (ROOT / "docs" / "library.md").read_text("utf-8")
    named = set(re.findall(r"^\| `(\w+)(?:\(|` )", page, re.M))
    assert named == set(cxrlib.__all__) - {"NOTICE"}
