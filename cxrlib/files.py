"""The files of a cohort: where an image lies, and hashes of contents."""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cxrlib.errors import StoreError

if TYPE_CHECKING:
    from cxrlib.store import Store

__all__ = ["hash_annotations", "hash_files", "locate_image"]

logger = logging.getLogger(__name__)

IMAGES_FOLDER = "images"
ANNOTATIONS_FOLDER = "annotations"


def locate_image(root: Path, filename: str) -> tuple[Path | None, str, str]:
    """Find an image's file within a cohort's folder.

    File names come from a table that anyone may have written: one that leads out of the
    folder, as it stands or through a link, is refused.

    Parameters
    ----------
    root : Path
        The cohort's folder, resolved.
    filename : str
        As the metadata give it.

    Returns
    -------
    path : Path or None
        The file, None if there is none that may be used.
    status : str
        "ok", "no file", "unreadable" or "outside".
    reason : str
        Why there is no path, as a clause; "" if there is one.
    """
    status, reason = "no file", "the file name is blank"
    path = root / IMAGES_FOLDER / filename
    if filename:
        status, reason = _refuse_name(filename) or _look_at(root, path)
    return (path if status == "ok" else None), status, reason


def _refuse_name(filename: str) -> tuple[str, str] | None:
    """Return status and reason for a file name that leads out of its folder as it stands."""
    if "\x00" in filename:
        return "outside", "the file name holds a NUL character"
    # "C:" is a drive, a backslash parts folders on Windows: refused everywhere alike.
    if filename.startswith("/") or "\\" in filename or filename[1:2] == ":":
        return "outside", "the file name is not relative to the folder images"
    if ".." in filename.split("/"):
        return "outside", "the file name leaves the folder images"
    return None


def _look_at(root: Path, path: Path) -> tuple[str, str]:
    """Return status and reason for what lies at a path."""
    try:
        if not path.exists():
            return "no file", "there is no file of that name in the folder images"
        if _leaves(root, path):
            return "outside", "the file is a link that leaves the folder"
        if not path.is_file():
            return "unreadable", "it is not a regular file"
    except OSError as error:
        return "no file", f"the file cannot be asked for ({error.strerror})"
    return "ok", ""


def _leaves(root: Path, path: Path) -> bool:
    """Tell whether a path leads out of the cohort's folder through a link.

    Links to elsewhere within the cohort are fine (git-annex makes such), and the folder
    images may itself be one.
    """
    real = Path(os.path.realpath(path))
    inside = (root, Path(os.path.realpath(root / IMAGES_FOLDER)))
    return not any(real.is_relative_to(folder) for folder in inside)


def hash_files(
    paths: Sequence[Path],
    *,
    store: "Store | None" = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[Path, str], dict[Path, str]]:
    """Hash files through the store's index, or by reading them if that cannot be used.

    Parameters
    ----------
    paths : sequence of Path
    store : Store, optional
        Its index saves reading unchanged files.
    on_progress : callable, optional
        Called with the number of files done and the number of all.

    Returns
    -------
    hashes : dict of Path to str
        SHA-256 in hexadecimal digits.
    failures : dict of Path to str
        Why a file could not be read, as a clause.
    """
    if store is not None:
        try:
            return store.hash_files(paths, on_progress)
        except StoreError as error:
            logger.warning("Hashes of images are not kept. %s", error)
    hashes: dict[Path, str] = {}
    failures: dict[Path, str] = {}
    for done, path in enumerate(paths, start=1):
        try:
            with path.open("rb") as file:
                hashes[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            failures[path] = (error.strerror or str(error)).lower()
        if on_progress is not None:
            on_progress(done, len(paths))
    return hashes, failures


def hash_annotations(root: Path) -> list[tuple[str, str]]:
    """Return path and content hash of every file in the folder annotations."""
    folder = root / ANNOTATIONS_FOLDER
    hashed: list[tuple[str, str]] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
            except OSError:
                sha256 = "none"
            hashed.append((path.relative_to(folder).as_posix(), sha256))
    return hashed
