"""What `import cxrlib` gives: quickly, lazily, with documentation."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import cxrlib

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pandas", "pyarrow", "plotly", "scipy", "sklearn", "torch", "umap", "streamlit")
FUNCTIONS = [name for name in cxrlib.__all__ if inspect.isfunction(getattr(cxrlib, name))]


def test_import_is_quick_and_brings_nothing_heavy() -> None:
    """Less than 0.3 s; what a function needs comes when it is used."""
    code = (
        "import sys, time; start = time.process_time(); import cxrlib\n"
        f"print(time.process_time() - start, [n for n in {HEAVY!r} if n in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds, _, heavy = answer.stdout.strip().partition(" ")
    assert float(seconds) < 0.3
    assert heavy == "[]"


def test_dir_lists_the_public_names() -> None:
    """`dir` and ``__all__`` agree, and each name is there."""
    assert sorted(cxrlib.__all__) == sorted(dir(cxrlib))
    assert {"load_cohort", "load_demo", "embed", "fit_map", "evaluate_loco"} <= set(FUNCTIONS)
    assert isinstance(cxrlib.__version__, str)
    with pytest.raises(AttributeError, match="nothing_such"):
        cxrlib.nothing_such  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_documents_what_it_takes_and_gives(name: str) -> None:
    """Every parameter, the result; numpydoc sections."""
    function = getattr(cxrlib, name)
    text = inspect.getdoc(function) or ""
    parameters = text.partition("Parameters\n----------")[2].partition("Returns\n-------")[0]
    assert "Returns\n-------" in text
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.annotation is not parameter.empty
        assert parameter.name in parameters, parameter.name
