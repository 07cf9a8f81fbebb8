"""The wheel holds the library and the dashboard, and serves from any folder."""

import os
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as pip would, with the build backend that is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def list_source_files(folder: str) -> set[str]:
    """List what git would carry of a folder: every file but compiled ones."""
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {
        str(path.relative_to(ROOT))
        for path in files
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def test_wheel_holds_library_and_dashboard_under_one_package(wheel: Path) -> None:
    """Each file is there, code and data, and nothing lies at the top but the package."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert list_source_files("cxrlib") <= names
    for folder in ("ui", "pages"):
        expected = {f"cxrlib/dashboard/{name}" for name in list_source_files(folder)}
        assert expected
        assert expected <= names
    assert {"cxrlib/dashboard/app.py", "cxrlib/dashboard/.streamlit/config.toml"} <= names
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"cxrlib"}
    assert not [name for name in names if "/tests/" in name or name.startswith("cache/")]


def test_wheel_installs_the_command_and_names_abstract_ranges(wheel: Path) -> None:
    """``cxr`` is ``python -m cxrlib``; dependencies are ranges, for use among other packages."""
    archive = zipfile.ZipFile(wheel)
    (entries,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "cxr = cxrlib.cli:app" in archive.read(entries).decode()
    (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
    needed = [
        line for line in archive.read(metadata).decode().splitlines() if "Requires-Dist" in line
    ]
    assert len(needed) > 20
    assert not [line for line in needed if "==" in line.partition(";")[0]]


def read_locked() -> set[str]:
    """List the packages that ``make`` installs."""
    lines = (ROOT / "requirements.in").read_text().splitlines()
    return {line.partition("==")[0] for line in lines if "==" in line}


def test_requirements_name_what_the_package_depends_on() -> None:
    """The two lists of direct dependencies, ranges and pins, name the same packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"]]
    for name, extra in project["optional-dependencies"].items():
        named += extra if name != "all" else []
    assert {each.partition(">=")[0].partition("[")[0] for each in named} == read_locked()


@pytest.mark.slow
def test_wheel_serves_the_demo_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Installed and started elsewhere, ``cxr serve`` shows a page and keeps results in a cache."""
    site, home, folder = tmp_path / "site", tmp_path / "home", tmp_path / "elsewhere"
    folder.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    kept = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(site)}
    command = "import sys; from cxrlib.cli import app; app()"
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", command, "serve", "--port", str(port)],
            cwd=folder,
            env=kept,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 600
        page = ""
        while time.monotonic() < deadline and process.poll() is None and not page:
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/") as answer:
                    page = answer.read().decode()
            except OSError:
                time.sleep(1)
    finally:
        process.terminate()
        process.wait(60)
    said = (tmp_path / "log").read_text("utf-8")
    assert "streamlit" in page.lower(), said
    assert str(home) in said.partition("(--cache")[0]
    assert not list(folder.iterdir())
