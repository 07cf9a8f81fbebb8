"""Where the image of a row is: looked for within the source only, however its name is written."""

# Paths are text here: `pathlib` takes several times as long, and there can be 100,000 of them.
# ruff: noqa: PTH114, PTH116, PTH118, PTH122

import os
import posixpath
import stat
from collections import Counter
from collections.abc import Mapping as Dict, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cxrlib.images import looks_like_dicom
from cxrlib.importing.mapping import Images
from cxrlib.importing.rows import Row, make_taker
from cxrlib.storage import open_regular

ENDINGS = {
    *(".png", ".jpg", ".jpeg", ".jp2", ".tif", ".tiff", ".gif", ".webp", ".avif", ".bmp"),
    *(".ppm", ".pgm", ".tga", ".pcx", ".dcm", ".dicom"),
}
"""How the names of image files end, in small letters."""
DICOM_ENDINGS = (".dcm", ".dicom")
MOST_NAMED = 20


@dataclass
class ImageCounts:
    """Hold what became of the images.

    Parameters
    ----------
    n_found, n_repeated, n_unnamed, n_dicom : int
        Rows with an image; those of them whose image an earlier row has; images of the source
        that no row names; DICOM files in the folder of images.
    left : dict of str to int
        Rows without an image, by reason.
    examples : dict of str to list of (int, str)
        Row and name of the first of each reason.
    """

    n_found: int = 0
    n_repeated: int = 0
    n_unnamed: int = 0
    n_dicom: int = 0
    left: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def leave(self, reason: str, row: int, name: str) -> None:
        """Count a row without an image; keep the first of each reason."""
        self.left[reason] += 1
        kept = self.examples.setdefault(reason, [])
        if len(kept) < MOST_NAMED:
            kept.append((row, name))


class ImageFinder:
    """Find the images of rows.

    Parameters
    ----------
    root : Path
        The source, resolved.
    images : Images or None
        None where no column says where they are.
    header : mapping of str to int
        Place of each column in a row.
    """

    def __init__(self, root: Path, images: Images | None, header: Dict[str, int]) -> None:
        self.root, self._root = root, str(root)
        self._folders: dict[str, str] = {}
        self.counts = ImageCounts()
        self._takers = [make_taker(cell, header) for cell in images.file] if images else []
        self._endings = images.endings if images else ("",)
        self.folder = _find_folder([cell.text for cell in images.file]) if images else ""
        self._by_name = self._index() if images and images.anywhere else None
        if self._by_name is not None:
            self.folder = ""
        self._base = os.path.realpath(root / self.folder)
        self._seen: set[str] = set()

    def _index(self) -> dict[str, str]:
        """Map the name of each image of the source to its path; "" where several have it."""
        found: dict[str, str] = {}
        for relative in walk_images(self.root):
            name = relative.rpartition("/")[2]
            found[name] = "" if name in found else relative
        return found

    def find(self, row: Row, number: int) -> tuple[str, bool]:
        """Find the image of a row.

        Returns
        -------
        name : str
            Path below `folder`, of a file that is there or of the one that should be.
        is_there : bool
        """
        wanted = [name for name in (take(row) for take in self._takers) if name]
        if not wanted:
            self.counts.leave("no file is named", number, "")
            return "", False
        reason = "there is no such file"
        for name in (name + ending for name in wanted for ending in self._endings):
            found, why = self._look(name)
            if found:
                self.counts.n_found += 1
                self.counts.n_repeated += found in self._seen
                self._seen.add(found)
                return found, True
            reason = why or reason
        name = self._shorten(wanted[0] + self._endings[0])
        self.counts.leave(reason, number, wanted[0])
        return name, False

    def _look(self, name: str) -> tuple[str, str]:
        """Look for a file; return its path below the folder, or why it cannot be used."""
        if not is_safe(name):
            return "", "its name leaves the source"
        if self._by_name is not None:
            last = name.rpartition("/")[2]
            name = self._by_name.get(last, "")
            if not name:
                return "", "several files have its name" if last in self._by_name else ""
        why = self._refuse(os.path.join(self._root, name))
        return ("", why) if why is not None else (self._shorten(name), "")

    def _refuse(self, path: str) -> str | None:
        """Say why a file cannot be used, "" where there is none; None for one that can."""
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                return "it is not a regular file"
        except (OSError, ValueError):
            return ""
        real = self._resolve(path)
        if not real.startswith(self._base + os.sep):
            return "it is a link that leaves the folder of images"
        return "it is a DICOM file, which is never linked or copied" if _is_dicom(real) else None

    def _resolve(self, path: str) -> str:
        """Follow all links of a path; those of its folder are followed once."""
        if os.path.islink(path):
            return os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)

    def _shorten(self, name: str) -> str:
        """Give a path below the folder of images; what leaves the source stays to be refused."""
        if not is_safe(name):
            return name
        plain = posixpath.normpath(name)
        return plain.removeprefix(f"{self.folder}/") if self.folder else plain

    def count_unnamed(self) -> None:
        """Count the images of the source that no row names, and DICOM files among images."""
        for relative in walk_images(self.root):
            name = self._shorten(relative)
            self.counts.n_unnamed += name not in self._seen
            is_among = not self.folder or relative.startswith(f"{self.folder}/")
            self.counts.n_dicom += is_among and name.casefold().endswith(DICOM_ENDINGS)


def _is_dicom(path: str) -> bool:
    """Tell by a file's first bytes whether it is DICOM."""
    try:
        with open_regular(Path(path)) as file:
            return looks_like_dicom(file.read(132))
    except OSError:
        return False


def _find_folder(texts: Sequence[str]) -> str:
    """Find the folder that all paths begin with, before any column.

    Examples
    --------
    >>> _find_folder(["images/{id}"]), _find_folder(["images/{id}", "{path}"])
    ('images', '')
    """
    starts = [text.partition("{")[0].rpartition("/")[0] for text in texts]
    first = starts[0]
    return first if all(start == first for start in starts) and is_safe(first) else ""


def is_safe(name: str) -> bool:
    """Tell whether a path stays within its folder, as it is written.

    Examples
    --------
    >>> is_safe("a/b.png"), is_safe("../b.png"), is_safe("/etc/passwd"), is_safe("C:/b.png")
    (True, False, False, False)
    """
    if not name or name.startswith("/") or "\\" in name or "\x00" in name or name[1:2] == ":":
        return False
    return ".." not in name.split("/")


def walk_images(root: Path) -> list[str]:
    """List the image files of a source by their endings, without hidden folders, sorted."""
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(parent).relative_to(root).as_posix()
        start = "" if below == "." else f"{below}/"
        for name in sorted(names):
            if os.path.splitext(name)[1].casefold() in ENDINGS:
                found.append(start + name)
    return found
