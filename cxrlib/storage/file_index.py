"""The index of files' hashes: contents that were hashed once are not read again."""

import errno
import logging
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from cxrlib.aliases import Progress
from cxrlib.errors import StoreError
from cxrlib.storage.files import hash_file
from cxrlib.storage.store import INDEX_FOLDER, Store
from cxrlib.system import describe_read_error

logger = logging.getLogger(__name__)

INDEX_COLUMNS = ("path", "size", "mtime_ns", "sha256")
MAX_INDEX_PARTS = 16
HASHES_A_PART = 256
# A file changed twice within one tick of the file system's clock keeps its mtime: such a
# fresh file is hashed but not noted (the "racy git" problem). Ticks are at most 10 ms.
FRESH_NS = 50_000_000

FileKey = tuple[str, int, int]
Hashes = tuple[dict[Path, str], dict[Path, str]]


def hash_files(
    paths: Sequence[Path], *, store: Store | None = None, on_progress: Progress | None = None
) -> Hashes:
    """Hash files through a store's index, or by reading them all if that cannot be used.

    Parameters
    ----------
    paths : sequence of Path
    store : Store, optional
        Its index saves reading unchanged files.
    on_progress : callable, optional
        Called after each file.

    Returns
    -------
    hashes : dict of Path to str
        SHA-256 as 64 hexadecimal digits.
    failures : dict of Path to str
        Why a file could not be read, as a clause.
    """
    if store is not None:
        try:
            return FileIndex(store).hash_files(paths, on_progress)
        except StoreError as error:
            logger.warning("Hashes of images are not stored. %s", error)
    return _hash_each(paths, hash_file, on_progress)


class FileIndex:
    """Keep the hashes of files in a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.root / INDEX_FOLDER

    def hash_files(self, paths: Sequence[Path], on_progress: Progress | None = None) -> Hashes:
        """Hash the contents of files, reading only those that are new or changed.

        A file counts as unchanged while its path, size and time of change are the same.
        New hashes are noted as they come, so an interrupted call goes on where it stopped.
        See `hash_files` for parameters and what is returned.

        Raises
        ------
        StoreError
            When the index cannot be read or written.
        """
        known = self._read()
        fresh: dict[FileKey, str] = {}

        def hash_one(path: Path) -> str:
            if len(fresh) >= HASHES_A_PART:
                self._append(fresh)
            return _hash_one(path, known, fresh)

        try:
            return _hash_each(paths, hash_one, on_progress)
        finally:
            self._append(fresh)

    def _read(self) -> dict[FileKey, str]:
        parts = self._store.list_parts(self._folder)
        known: dict[FileKey, str] = {}
        for part in parts:
            table = self._store.read_part(part, columns=INDEX_COLUMNS)
            if table is not None:
                columns = [table[name].to_pylist() for name in INDEX_COLUMNS]
                known.update(
                    ((path, size, mtime_ns), sha256)
                    for path, size, mtime_ns, sha256 in zip(*columns, strict=True)
                )
        if len(parts) > MAX_INDEX_PARTS:
            # Many parts become one; another process may do the same, to the same end.
            self._append(dict(known))
            self._store.delete_parts(parts)
        return known

    def _append(self, fresh: dict[FileKey, str]) -> None:
        """Write the hashes as a new part and empty the dict."""
        if not fresh:
            return
        table = pa.table(
            {
                "path": pa.array([key[0] for key in fresh], pa.string()),
                "size": pa.array([key[1] for key in fresh], pa.int64()),
                "mtime_ns": pa.array([key[2] for key in fresh], pa.int64()),
                "sha256": pa.array(list(fresh.values()), pa.string()),
            }
        )
        fresh.clear()
        self._store.write_part(self._folder, table)


def _hash_each(
    paths: Sequence[Path], hash_one: Callable[[Path], str], on_progress: Progress | None
) -> Hashes:
    """Hash one file after the other; those that cannot be read have failed."""
    hashes: dict[Path, str] = {}
    failures: dict[Path, str] = {}
    for done, path in enumerate(paths, start=1):
        try:
            hashes[path] = hash_one(path)
        except OSError as error:
            failures[path] = describe_read_error(error)
        if on_progress is not None:
            on_progress("Hashing images", done, len(paths))
    return hashes, failures


def _hash_one(path: Path, known: Mapping[FileKey, str], fresh: dict[FileKey, str]) -> str:
    """Look a file's hash up, or read the file and note its hash in `fresh`."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
        raise IsADirectoryError(errno.EISDIR, "not a regular file")
    name = os.path.abspath(path)  # noqa: PTH100 (Path.resolve would ask the disk again)
    # Bytes that are not UTF-8 in a name: Parquet cannot hold them as text.
    name = os.fsencode(name).decode("utf-8", "backslashreplace")
    key = (name, status.st_size, status.st_mtime_ns)
    sha256 = known.get(key) or fresh.get(key)
    if sha256 is not None:
        return sha256
    started = time.time_ns()
    sha256 = hash_file(path)
    after = path.stat()
    same = (after.st_size, after.st_mtime_ns) == key[1:]
    if same and started - status.st_mtime_ns > FRESH_NS:
        fresh[key] = sha256
    return sha256
