"""Unpacking a downloaded zip archive that anyone may have written.

Nothing is written outside the folder given, no link is made, and what an entry says of its
size is an upper limit, not a promise.
"""

import hashlib
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from cxrlib.errors import ArchiveError
from cxrlib.system.os_errors import describe_read_error

__all__ = ["blob_id", "tree_id", "unpack_archive"]

MAX_ENTRIES = 100_000
MAX_ENTRY_BYTES = 512 << 20
MAX_BYTES = 8 << 30
MAX_PATH = 1000  # characters
BLOCK = 1 << 20  # bytes

_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a way of packing that Python does not know
    RuntimeError,  # encrypted
    ValueError,  # a place before the file's beginning, a name that is no text
)


def unpack_archive(
    archive: Path,
    folder: Path,
    keep: Callable[[str], bool],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, str], str]:
    """Unpack the wanted files of a zip archive that has one folder at its top.

    Parameters
    ----------
    archive : Path
    folder : Path
        Where to; new or empty. The archive's top folder is left out of the paths.
    keep : callable
        Takes a path below the top folder, with ``/``; tells whether it is unpacked.
    on_progress : callable, optional
        Called with files done and files in all.

    Returns
    -------
    blobs : dict of str to str
        Git's id of each file's content, by path below the top folder.
    comment : str
        The archive's own comment; Git writes the commit there.

    Raises
    ------
    ArchiveError
        When the archive is damaged, too large, or holds paths that lead elsewhere, links, or
        a path twice.
    OSError
        When a file cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            wanted = _choose_entries(opened.infolist(), keep)
            blobs = {}
            for done, (path, entry) in enumerate(wanted.items(), start=1):
                blobs[path] = _unpack_entry(opened, entry, folder / path)
                if on_progress is not None:
                    on_progress(done, len(wanted))
            return blobs, opened.comment.decode("ascii", errors="replace")
    except _READ_ERRORS as error:
        raise ArchiveError(f"The archive is damaged or of another kind: {error}.") from error


def _choose_entries(
    entries: list[zipfile.ZipInfo], keep: Callable[[str], bool]
) -> dict[str, zipfile.ZipInfo]:
    """Check every path and return the wanted files by path below the top folder."""
    if len(entries) > MAX_ENTRIES:
        raise ArchiveError(
            f"The archive holds {len(entries):,} entries: more than {MAX_ENTRIES:,}."
        )
    wanted: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        _check_path(entry.orig_filename)
        path = entry.orig_filename.partition("/")[2]
        if not path or path.endswith("/") or not keep(path):
            continue
        _check_file(entry)
        if path in wanted:
            raise ArchiveError(f"The archive holds {entry.orig_filename!r} twice.")
        wanted[path] = entry
    _check_tops(wanted)
    n_bytes = sum(entry.file_size for entry in wanted.values())
    if n_bytes > MAX_BYTES:
        raise ArchiveError(
            f"The archive would unpack to {n_bytes:,} bytes: more than {MAX_BYTES:,}."
        )
    return wanted


def _check_path(path: str) -> None:
    """Raise where a path could lead out of a folder on any system."""
    parts = path.rstrip("/").split("/")
    bad = (
        not path
        or len(path) > MAX_PATH
        or path.startswith("/")
        or "\\" in path
        or path[1:2] == ":"
        or re.search(r"[\x00-\x1f\x7f]", path)
        or any(part in ("", ".", "..") for part in parts)
    )
    if bad:
        raise ArchiveError(
            f"The archive holds a path that leads elsewhere, {path[:80]!r}: it was not made by "
            "those who publish the collection."
        )


def _check_file(entry: zipfile.ZipInfo) -> None:
    """Raise unless an entry is a plain file of a size that may be."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):  # 0: made on a system that does not tell
        raise ArchiveError(f"{entry.orig_filename!r} in the archive is a link or no plain file.")
    if entry.file_size > MAX_ENTRY_BYTES:
        raise ArchiveError(
            f"{entry.orig_filename!r} in the archive would unpack to {entry.file_size:,} bytes: "
            f"more than {MAX_ENTRY_BYTES:,}."
        )


def _check_tops(wanted: dict[str, zipfile.ZipInfo]) -> None:
    """Raise where paths meet: two top folders, or a file where another path has a folder."""
    if len({entry.orig_filename.partition("/")[0] for entry in wanted.values()}) > 1:
        raise ArchiveError("The archive has more than one folder at its top.")
    for path in wanted:
        for parent in PurePosixPath(path).parents:
            if str(parent) in wanted:
                raise ArchiveError(f"The archive holds {str(parent)!r} as a file and as a folder.")


def _unpack_entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    """Write one file, which must not be there, and return the id of its content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha1(b"blob %d\0" % entry.file_size, usedforsecurity=False)
    done = 0
    with target.open("xb") as out:
        for block in _read_blocks(opened, entry):
            done += len(block)
            if done > entry.file_size:
                break
            digest.update(block)
            out.write(block)
    if done != entry.file_size:
        raise ArchiveError(f"{entry.orig_filename!r} in the archive has another size than it says.")
    return digest.hexdigest()


def _read_blocks(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Read a file piece by piece; its checksum is compared at the end."""
    try:
        with opened.open(entry) as source:
            while block := source.read(BLOCK):
                yield block
    except OSError as error:  # a damaged archive points to places that it does not have
        raise ArchiveError(
            f"{entry.orig_filename!r} in the archive cannot be read: {describe_read_error(error)}."
        ) from error


def blob_id(content: bytes) -> str:
    """Give Git's id of a content.

    Examples
    --------
    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def tree_id(blobs: dict[str, str]) -> str:
    """Give Git's id of a folder of plain files.

    Parameters
    ----------
    blobs : dict of str to str
        Ids of contents by path below the folder.

    Examples
    --------
    >>> tree_id({})
    '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
    """
    below: dict[str, dict[str, str]] = {}
    entries: list[tuple[bytes, bytes, str]] = []
    for path, blob in blobs.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = blob
        else:
            entries.append((os.fsencode(name), b"100644", blob))
    entries += [(os.fsencode(name), b"40000", tree_id(inside)) for name, inside in below.items()]
    # Git sorts a folder as if its name ended in a slash.
    entries.sort(key=lambda entry: entry[0] + (b"/" if entry[1] == b"40000" else b""))
    body = b"".join(b"%s %s\0" % (mode, name) + bytes.fromhex(id_) for name, mode, id_ in entries)
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
