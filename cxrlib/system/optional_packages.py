"""Packages that only some uses need: the extras of the installed package."""

import importlib.util
from collections.abc import Callable

from cxrlib.errors import CxrError

# Package to the extra that brings it, as in pyproject.toml.
EXTRAS = {
    "pydicom": "dicom",
    "imagecodecs": "dicom-jpeg",
    "choreographer": "figures",
    "kaleido": "figures",
    "great_tables": "tables",
}


def require_package(name: str, use: str, error: Callable[[str], CxrError] = CxrError) -> None:
    """Raise a plain error where an optional package is not installed.

    Parameters
    ----------
    name : str
        A key of `EXTRAS`.
    use : str
        What needs it, as the subject of a sentence: "DICOM files".
    error : callable
        Makes the error to raise of the sentence.

    Examples
    --------
    >>> require_package("pydicom", "DICOM files")
    """
    if importlib.util.find_spec(name) is None:
        raise error(
            f"{use} need the package {name}, which is not installed. Install it with: "
            f"pip install 'cxrlib[{EXTRAS[name]}]'"
        )
