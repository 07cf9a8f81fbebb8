"""Tests of packages that only some uses need."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

from cxrlib.charts.style.rendering import find_chrome
from cxrlib.errors import ImageError, ReportError
from cxrlib.images.dicom import decode_dicom
from cxrlib.system.optional_packages import EXTRAS, require_package

ROOT = Path(__file__).resolve().parents[3]


def test_require_package_names_the_extra_that_brings_it(monkeypatch) -> None:
    """The message says what needs the package and how to install it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ReportError, match=r"Tables for paper need .* pip install 'cxrlib\[tables\]'"
    ):
        require_package("great_tables", "Tables for paper", ReportError)


def test_extras_are_those_of_the_package() -> None:
    """Each optional package is brought by the extra that the message names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for name, extra in EXTRAS.items():
        needed = project["optional-dependencies"][extra]
        assert any(each.startswith(name.replace("_", "-")) for each in needed)


def test_figures_and_dicom_say_which_package_is_missing(monkeypatch, tmp_path) -> None:
    """What needs an optional package fails with one sentence, not with a traceback."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ReportError, match="SVG and PNG need the package choreographer"):
        find_chrome()
    with pytest.raises(ImageError, match="DICOM files need the package pydicom"):
        decode_dicom(b"DICM", tmp_path / "a.dcm")
