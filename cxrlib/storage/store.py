"""The store: everything that was computed and is worth keeping, under one folder.

Layout, tables as Parquet, so that any Parquet reader understands them::

    cache/file-index/part-*.parquet     path, size, mtime_ns -> sha256
    cache/embeddings/KEY/part-*.parquet image_sha256, embedding, one column an output
    cache/embeddings/KEY/_extractor.json  the extractor (readers skip names with "_")
    cache/KIND/KEY.parquet              small tables with their settings as JSON metadata
    cache/KIND/NAME                     small files, such as thumbnails; not Parquet

Every file is written whole under a hidden name, flushed to disk and then renamed, so a
reader sees all of it or none, and a killed process or a full disk leaves the rest right.
Small files are not flushed but carry a hash of their content, which is checked.
Parts have unique names, so two processes may write at once. A damaged file is named in the
log, set aside and computed anew. Nothing is ever pickled.
"""

import errno
import hashlib
import json
import logging
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxrlib.errors import SelectionError, StoreError
from cxrlib.storage.files import read_regular, write_whole
from cxrlib.system import describe_read_error, describe_write_error

logger = logging.getLogger(__name__)

INDEX_FOLDER = "file-index"
EMBEDDINGS_FOLDER = "embeddings"
INFO_KEY = b"cxrlib.info"
SEAL_BYTES = 16
MAX_BYTES = 8 << 30  # of a file of the store
# What stands at a path that was never a file of this store: read_regular's refusals.
_NO_FILE = (errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.EFBIG, errno.ENXIO)
_CONVERSION_ERRORS = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError),
    pa.ArrowException,
)


class Store:
    """Keep small tables and small files under one folder, each whole and checked when read.

    What lies in many parts is kept by `cxrlib.storage.file_index` and
    `cxrlib.storage.embedding_store`, on top of the last methods here.

    Parameters
    ----------
    root : Path or str
        The folder; it is made when something is first written.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    # ---- small tables

    def read_table(self, kind: str, key: str) -> pd.DataFrame | None:
        """Read a small table, or None where there is none or it was damaged."""
        path = self._table_path(kind, key)
        table = self.read_part(path)
        if table is None:
            return None
        try:
            return table.to_pandas()
        except _CONVERSION_ERRORS as error:  # pandas' own metadata in the file are damaged
            self._set_aside(path, error)
            return None

    def read_info(self, kind: str, key: str) -> dict[str, Any] | None:
        """Read what was written as the `info` of a small table, or None without one."""
        path = self._table_path(kind, key)
        table = self.read_part(path, columns=())
        if table is None:
            return None
        try:
            return dict(json.loads((table.schema.metadata or {}).get(INFO_KEY, b"{}")))
        except (ValueError, TypeError, RecursionError) as error:
            self._set_aside(path, error)
            return None

    def write_table(
        self, kind: str, key: str, table: pd.DataFrame, *, info: Mapping[str, Any]
    ) -> None:
        """Write a small table under a kind and a key, in place of an earlier one.

        Parameters
        ----------
        kind : str
            Folder, such as "maps".
        key : str
            File name without its ending: letters, digits, ".", "_" and "-".
        table : DataFrame
        info : mapping
            Settings and versions, as JSON can hold them; kept in the file's metadata.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        path = self._table_path(kind, key)
        arrow = pa.Table.from_pandas(table)
        self.write_bytes(path, _to_parquet(_with_info(arrow, info)))

    def _table_path(self, kind: str, key: str) -> Path:
        return self._folder(kind) / f"{check_key(key)}.parquet"

    # ---- small files

    def list_files(self, kind: str) -> set[str]:
        """List the names of the small files of a kind."""
        with self.reported("read"):
            try:
                with os.scandir(self._folder(kind)) as entries:
                    return {entry.name for entry in entries if entry.name[0] not in "._"}
            except (FileNotFoundError, NotADirectoryError):
                return set()

    def read_file(self, kind: str, name: str) -> bytes | None:
        """Read a small file, or None where there is none or it was damaged (then set aside)."""
        path = self._folder(kind) / check_key(name)
        sealed = self.read_bytes(path)
        if sealed is None:
            return None
        data, seal = sealed[:-SEAL_BYTES], sealed[-SEAL_BYTES:]
        if _seal(data) != seal:
            self._set_aside(path, "its content is not what was written")
            return None
        return data

    def write_file(self, kind: str, name: str, data: bytes) -> None:
        """Write a small file under a kind and a name, in place of an earlier one.

        The content is followed by its hash. So it need not wait for the disk, as all else in
        the store does, which takes longer than making a thumbnail: what a power cut leaves
        half written is found out and set aside when it is read.

        Parameters
        ----------
        kind : str
            Folder, such as "thumbnails".
        name : str
            File name: letters, digits, ".", "_" and "-".
        data : bytes

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        path = self._folder(kind) / check_key(name)
        self.write_bytes(path, data + _seal(data), durable=False)

    def _folder(self, kind: str) -> Path:
        """Return the folder of a kind, which is none of the store's own."""
        if kind in (INDEX_FOLDER, EMBEDDINGS_FOLDER):
            raise SelectionError(f"Kind {kind!r} is the store's own. Choose another name.")
        return self.root / check_key(kind)

    # ---- parts, and any file of the store by its path

    def list_parts(self, folder: Path) -> list[Path]:
        """List the parts in a folder, oldest first."""
        parts = [path for path in self._list(folder) if path.suffix == ".parquet"]
        return [part for part in parts if part.name[0] not in "._"]

    def list_folders(self, folder: Path) -> list[Path]:
        """List the folders in a folder."""
        return [path for path in self._list(folder) if path.is_dir()]

    def _list(self, folder: Path) -> list[Path]:
        with self.reported("read"):
            try:
                return sorted(folder.iterdir())
            except FileNotFoundError:
                return []

    def read_part(self, path: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
        """Read a Parquet file, or None where it is gone or damaged (then set aside)."""
        data = self.read_bytes(path)
        if data is None:
            return None
        try:
            # ParquetFile takes the bytes only, never a path: what goes wrong here is damage.
            with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
                table = file.read(columns=None if columns is None else list(columns))
            missing = set(columns or ()) - set(table.column_names)
            if missing:
                raise pa.ArrowInvalid(f"it lacks the columns {sorted(missing)}")
            return table
        except (OSError, pa.ArrowException) as error:
            self._set_aside(path, error)
            return None

    def read_bytes(self, path: Path) -> bytes | None:
        """Read a file, or None where it is gone or no file at all (then set aside)."""
        try:
            return read_regular(path, max_bytes=MAX_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise self._error("read", error) from error
            self._set_aside(path, describe_read_error(error))
            return None

    def _set_aside(self, path: Path, reason: object) -> None:
        aside = path.with_name(f"_damaged-{path.name}.bad")
        try:
            path.replace(aside)
        except FileNotFoundError:
            pass  # another process has done it
        except OSError as error:
            # A folder that may only be read: what is not damaged in it is still of use.
            logger.warning(
                "%s is damaged (%s) and ignored; it cannot be set aside: %s.",
                path,
                reason,
                describe_write_error(error),
            )
            return
        logger.warning(
            "%s is damaged (%s). It is kept as %s; its content is computed again.",
            path,
            reason,
            aside.name,
        )

    def write_part(
        self, folder: Path, table: pa.Table, *, info: Mapping[str, Any] | None = None
    ) -> None:
        """Write a table as a new part of a folder, under a unique name with the time."""
        name = f"part-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet"
        self.write_bytes(
            folder / name, _to_parquet(table if info is None else _with_info(table, info))
        )

    def delete_parts(self, parts: Iterable[Path]) -> None:
        """Delete parts, of which another process may have deleted some."""
        with self.reported("written"):
            for part in parts:
                part.unlink(missing_ok=True)

    def write_bytes(self, path: Path, data: bytes, *, durable: bool = True) -> None:
        """Write a file of the store whole; its folder is made if it is not there.

        Raises
        ------
        StoreError
            When it cannot be written.
        """
        with self.reported("written"):
            try:
                write_whole(path, data, durable=durable)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, data, durable=durable)

    @contextmanager
    def reported(self, verb: str) -> Iterator[None]:
        """Turn what the system refuses into a StoreError; the verb is "read" or "written"."""
        try:
            yield
        except OSError as error:
            raise self._error(verb, error) from error

    def _error(self, verb: str, error: OSError) -> StoreError:
        reason = describe_write_error(error)
        return StoreError(
            f"The cache folder {str(self.root)!r} could not be {verb}: {reason}. Fix this or "
            "choose another cache folder, then run again; stored results are intact."
        )


def check_key(key: str) -> str:
    """Return a key that is safe as a file name, or raise SelectionError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}", key):
        raise SelectionError(
            f"Key {key!r} cannot be a file name in the cache. Use up to 181 letters, digits, "
            "'.', '_' and '-', a letter or digit first."
        )
    return key


def _seal(data: bytes) -> bytes:
    """Hash the content of a small file, to be kept behind it."""
    return hashlib.sha256(data).digest()[:SEAL_BYTES]


def _to_parquet(table: pa.Table) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return bytes(buffer.getvalue())


def _with_info(table: pa.Table, info: Mapping[str, Any]) -> pa.Table:
    text = json.dumps(dict(info), sort_keys=True, allow_nan=False)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), INFO_KEY: text.encode()})
