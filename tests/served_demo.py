"""A small demo cohort, embedded and mapped as a user would do it: by the command line."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put `__main__` back: Streamlit leaves its script there, and spawned processes run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def served_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give folder and cache of a small demo cohort with its map."""
    base = tmp_path_factory.mktemp("served")
    data, cache = base / "demo", base / "cache"
    run_cli("demo", str(data), "--patients", "30")
    run_cli("map", "--data", str(data), "--cache", str(cache), "--extractor", "texture")
    return data, cache


@pytest.fixture
def on_demo(served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Open pages on the small demo cohort; give its folder and cache."""
    data, cache = served_demo
    monkeypatch.setenv("CXR_DATA", str(data))
    monkeypatch.setenv("CXR_CACHE", str(cache))
    monkeypatch.delenv("CXR_EXTRACTOR", raising=False)
    return data, cache


def run_cli(*arguments: str) -> str:
    """Run the command line; fail with what it said."""
    answer = subprocess.run(
        [sys.executable, "-m", "cxrlib", *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert answer.returncode in (0, 3), answer.stderr
    return answer.stdout
