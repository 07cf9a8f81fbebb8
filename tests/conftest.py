"""Fixtures shared by the tests."""

import os
from pathlib import Path

import pytest


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
