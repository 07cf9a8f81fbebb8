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
import stat
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxrlib.aliases import Progress
from cxrlib.errors import SelectionError, StoreError
from cxrlib.short_repr import short_repr
from cxrlib.storage.extractor_info import ExtractorInfo
from cxrlib.storage.files import open_regular, read_regular
from cxrlib.system.os_errors import describe_read_error, describe_write_error

__all__ = ["EmbeddingWriter", "Store", "StoredEmbeddings"]

logger = logging.getLogger(__name__)

INDEX_FOLDER = "file-index"
EMBEDDINGS_FOLDER = "embeddings"
INFO_KEY = b"cxrlib.info"
EXTRACTOR_FILE = "_extractor.json"
INDEX_COLUMNS = ("path", "size", "mtime_ns", "sha256")
MAX_INDEX_PARTS = 16
HASHES_A_PART = 256
# A file changed twice within one tick of the file system's clock keeps its mtime: such a
# fresh file is hashed but not noted (the "racy git" problem). Ticks are at most 10 ms.
FRESH_NS = 50_000_000
READ_BYTES = 1 << 20
SEAL_BYTES = 16
MAX_BYTES = 8 << 30  # of a file of the store
# What stands at a path that was never a file of this store: read_regular's refusals.
_NO_FILE = (errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.EFBIG, errno.ENXIO)
_JSON_ERRORS = (ValueError, KeyError, TypeError, OverflowError, RecursionError, SelectionError)
_CONVERSION_ERRORS = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError),
    pa.ArrowException,
)

FileKey = tuple[str, int, int]


@dataclass(frozen=True)
class StoredEmbeddings:
    """Hold embeddings read from the store, in the order they were asked for.

    Parameters
    ----------
    sha256s : tuple of str
        Images found; those not in the store are left out.
    embedding : ndarray of shape (n_images, n_features), float32
    outputs : ndarray of shape (n_images, n_outputs), float32
    """

    sha256s: tuple[str, ...]
    embedding: np.ndarray
    outputs: np.ndarray
    __repr__ = short_repr


class Store:
    """Keep file hashes, embeddings and small tables under one folder.

    Parameters
    ----------
    root : Path or str
        The folder; it is made when something is first written.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    # ---- hashes of files

    def hash_files(
        self,
        paths: Sequence[Path],
        on_progress: Progress | None = None,
    ) -> tuple[dict[Path, str], dict[Path, str]]:
        """Hash the contents of files, reading only those that are new or changed.

        A file counts as unchanged while its path, size and time of change are the same.
        New hashes are noted as they come, so an interrupted call goes on where it stopped.

        Parameters
        ----------
        paths : sequence of Path
        on_progress : callable, optional
            Called after each file.

        Returns
        -------
        hashes : dict of Path to str
            SHA-256 as 64 hexadecimal digits.
        failures : dict of Path to str
            Why a file could not be read, as a clause.

        Raises
        ------
        StoreError
            When the index cannot be read or written.
        """
        known = self._read_index()
        hashes: dict[Path, str] = {}
        failures: dict[Path, str] = {}
        fresh: dict[FileKey, str] = {}
        try:
            for done, path in enumerate(paths, start=1):
                try:
                    hashes[path] = _hash_one(path, known, fresh)
                except OSError as error:
                    failures[path] = describe_read_error(error)
                if len(fresh) >= HASHES_A_PART:
                    self._append_index(fresh)
                if on_progress is not None:
                    on_progress("Hashing images", done, len(paths))
        finally:
            self._append_index(fresh)
        return hashes, failures

    def _read_index(self) -> dict[FileKey, str]:
        folder = self.root / INDEX_FOLDER
        parts = self._list_parts(folder)
        known: dict[FileKey, str] = {}
        for part in parts:
            table = self._read_part(part, columns=INDEX_COLUMNS)
            if table is not None:
                columns = [table[name].to_pylist() for name in INDEX_COLUMNS]
                known.update(
                    ((path, size, mtime_ns), sha256)
                    for path, size, mtime_ns, sha256 in zip(*columns, strict=True)
                )
        if len(parts) > MAX_INDEX_PARTS:
            self._merge_index(parts, known)
        return known

    def _merge_index(self, parts: Sequence[Path], known: Mapping[FileKey, str]) -> None:
        """Replace many parts by one; another process may do the same, to the same end."""
        self._append_index(dict(known))
        with self._reported("written"):
            for part in parts:
                part.unlink(missing_ok=True)

    def _append_index(self, fresh: dict[FileKey, str]) -> None:
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
        self._write(self.root / INDEX_FOLDER / _part_name(), _to_parquet(table))

    # ---- small tables

    def read_table(self, kind: str, key: str) -> pd.DataFrame | None:
        """Read a small table, or None where there is none or it was damaged."""
        path = self._table_path(kind, key)
        table = self._read_part(path)
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
        table = self._read_part(path, columns=())
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
        self._write(path, _to_parquet(_with_info(arrow, info)))

    def _table_path(self, kind: str, key: str) -> Path:
        return self._folder(kind) / f"{check_key(key)}.parquet"

    # ---- small files

    def list_files(self, kind: str) -> set[str]:
        """List the names of the small files of a kind."""
        with self._reported("read"):
            try:
                with os.scandir(self._folder(kind)) as entries:
                    return {entry.name for entry in entries if entry.name[0] not in "._"}
            except (FileNotFoundError, NotADirectoryError):
                return set()

    def read_file(self, kind: str, name: str) -> bytes | None:
        """Read a small file, or None where there is none or it was damaged (then set aside)."""
        path = self._folder(kind) / check_key(name)
        sealed = self._read_bytes(path)
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
        self._write(path, data + _seal(data), durable=False)

    def _folder(self, kind: str) -> Path:
        """Return the folder of a kind, which is none of the store's own."""
        if kind in (INDEX_FOLDER, EMBEDDINGS_FOLDER):
            raise SelectionError(f"Kind {kind!r} is the store's own. Choose another name.")
        return self.root / check_key(kind)

    # ---- embeddings

    def list_extractors(self) -> list[ExtractorInfo]:
        """List the extractors that have embeddings here, by name."""
        infos = []
        for folder in self._list_folders(self.root / EMBEDDINGS_FOLDER):
            info = self._read_extractor(folder)
            if info is not None and self._list_parts(folder):
                infos.append(info)
        return sorted(infos, key=lambda info: (info.name, info.key))

    def read_stored_sha256s(self, extractor: ExtractorInfo) -> set[str]:
        """Read which images have an embedding by this extractor.

        The embeddings are read as well, so that one in a damaged part counts as missing.
        """
        stored: set[str] = set()
        for part in self._list_parts(self._embeddings_folder(extractor)):
            table = self._read_part(part)
            if table is not None and _fits(table, extractor):
                stored.update(table["image_sha256"].to_pylist())
        return stored

    def read_embeddings(self, extractor: ExtractorInfo, sha256s: Sequence[str]) -> StoredEmbeddings:
        """Read embeddings in the order asked for; images without one are left out.

        Parameters
        ----------
        extractor : ExtractorInfo
        sha256s : sequence of str
            Content hashes of images; the same one may come twice.

        Returns
        -------
        StoredEmbeddings
        """
        wanted = set(sha256s)
        where: dict[str, int] = {}
        embeddings, outputs, n_rows = [], [], 0
        for part in self._list_parts(self._embeddings_folder(extractor)):
            table = self._read_part(part)
            if table is None or not _fits(table, extractor):
                continue
            names = table["image_sha256"].to_pylist()
            rows = [i for i, name in enumerate(names) if name in wanted and name not in where]
            where.update((names[i], n_rows + n) for n, i in enumerate(rows))
            n_rows += len(rows)
            embeddings.append(_to_matrix(table, extractor)[rows])
            outputs.append(_to_outputs(table, extractor)[rows])
        found = tuple(sha256 for sha256 in sha256s if sha256 in where)
        order = np.array([where[sha256] for sha256 in found], dtype=np.intp)
        n_outputs = len(extractor.output_names)
        return StoredEmbeddings(
            sha256s=found,
            embedding=_stack(embeddings, extractor.n_features)[order],
            outputs=_stack(outputs, n_outputs)[order],
        )

    def sign_embeddings(self, extractor: ExtractorInfo) -> tuple[tuple[str, int, int], ...]:
        """Name the stored parts of an extractor with size and time: equal while nothing changed."""
        parts = self._list_parts(self._embeddings_folder(extractor))
        with self._reported("read"):
            states = [(part.name, part.stat()) for part in parts]
        return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)

    def embedding_writer(
        self, extractor: ExtractorInfo, *, images_a_part: int = 256, seconds_a_part: float = 20.0
    ) -> "EmbeddingWriter":
        """Open a writer of embeddings, to be used in a ``with`` statement."""
        return EmbeddingWriter(self, extractor, images_a_part, seconds_a_part)

    def _embeddings_folder(self, extractor: ExtractorInfo) -> Path:
        return self.root / EMBEDDINGS_FOLDER / check_key(extractor.key)

    def _read_extractor(self, folder: Path) -> ExtractorInfo | None:
        """Read a folder's extractor; None where its file is missing, damaged or another's."""
        data = self._read_bytes(folder / EXTRACTOR_FILE)
        if data is None:
            return None
        try:
            info = ExtractorInfo.from_dict(json.loads(data))
        except _JSON_ERRORS as error:
            logger.warning("%s is damaged (%s) and passed over.", folder / EXTRACTOR_FILE, error)
            return None
        return info if info.key == folder.name else None

    def _write_embeddings(
        self,
        extractor: ExtractorInfo,
        sha256s: Sequence[str],
        embedding: np.ndarray,
        outputs: np.ndarray,
    ) -> None:
        folder = self._embeddings_folder(extractor)
        if self._read_extractor(folder) != extractor:
            text = json.dumps(extractor.to_dict(), indent=2)
            self._write(folder / EXTRACTOR_FILE, text.encode())
        values = pa.array(np.ascontiguousarray(embedding, np.float32).ravel())
        columns = {
            "image_sha256": pa.array(sha256s, pa.string()),
            "embedding": pa.FixedSizeListArray.from_arrays(values, extractor.n_features),
        }
        for i, name in enumerate(extractor.output_names):
            columns[name] = pa.array(np.ascontiguousarray(outputs[:, i], np.float32))
        table = _with_info(pa.table(columns), extractor.to_dict())
        self._write(folder / _part_name(), _to_parquet(table))

    # ---- files

    def _list_parts(self, folder: Path) -> list[Path]:
        with self._reported("read"):
            return [
                path
                for path in _list_folder(folder)
                if path.suffix == ".parquet" and path.name[0] not in "._"
            ]

    def _list_folders(self, folder: Path) -> list[Path]:
        with self._reported("read"):
            return [path for path in _list_folder(folder) if path.is_dir()]

    def _read_part(self, path: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
        """Read a Parquet file, or None where it is gone or damaged (then set aside)."""
        data = self._read_bytes(path)
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

    def _read_bytes(self, path: Path) -> bytes | None:
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
                "%s is damaged (%s) and passed over; it stays: %s.",
                path,
                reason,
                describe_write_error(error),
            )
            return
        logger.warning(
            "%s is damaged (%s). It is kept as %s; its content will be computed anew.",
            path,
            reason,
            aside.name,
        )

    def _write(self, path: Path, data: bytes, *, durable: bool = True) -> None:
        """Write a file so that it is there whole or not at all; durable: after a power cut too."""
        temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex[:12]}.tmp")
        with self._reported("written"):
            try:
                with _open_new(temporary) as file:
                    file.write(data)
                    if durable:
                        file.flush()
                        os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            if durable:
                _sync_folder(path.parent)

    @contextmanager
    def _reported(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._error(verb, error) from error

    def _error(self, verb: str, error: OSError) -> StoreError:
        reason = describe_write_error(error)
        return StoreError(
            f"The cache folder {str(self.root)!r} could not be {verb}: {reason}. Mend this or "
            "choose another folder for the cache, then run again: what was stored is intact."
        )


class EmbeddingWriter:
    """Gather embeddings and store them in parts; what was gathered is stored on the way out.

    Parameters
    ----------
    store : Store
    extractor : ExtractorInfo
    images_a_part : int
        Write a part when so many images are gathered.
    seconds_a_part : float
        Or when the last part was written so many seconds ago.
    """

    def __init__(
        self, store: Store, extractor: ExtractorInfo, images_a_part: int, seconds_a_part: float
    ) -> None:
        self._store = store
        self._extractor = extractor
        self._images_a_part = images_a_part
        self._seconds_a_part = seconds_a_part
        self._sha256s: list[str] = []
        self._embeddings: list[np.ndarray] = []
        self._outputs: list[np.ndarray] = []
        self._written = time.monotonic()

    def __enter__(self) -> "EmbeddingWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After an interruption too: each gathered row is whole. Not after a failed write.
        if not isinstance(error, StoreError):
            self.flush()

    def append(self, sha256s: Sequence[str], embedding: np.ndarray, outputs: np.ndarray) -> None:
        """Add a batch: content hashes, embedding (n_images, n_features), outputs (n_images, k).

        Raises
        ------
        StoreError
            When shapes do not fit the extractor, or a part cannot be written.
        """
        shapes = (embedding.shape, outputs.shape)
        n_images = len(sha256s)
        right = (
            (n_images, self._extractor.n_features),
            (n_images, len(self._extractor.output_names)),
        )
        if shapes != right:
            raise StoreError(
                f"Embeddings and outputs of shapes {shapes!r} do not fit {n_images} images of "
                f"extractor {self._extractor.name!r}: they must be {right!r}."
            )
        self._sha256s.extend(sha256s)
        self._embeddings.append(embedding)
        self._outputs.append(outputs)
        age = time.monotonic() - self._written
        if len(self._sha256s) >= self._images_a_part or age >= self._seconds_a_part:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered as one part."""
        if not self._sha256s:
            return
        sha256s, embeddings, outputs = self._sha256s, self._embeddings, self._outputs
        self._sha256s, self._embeddings, self._outputs = [], [], []
        self._store._write_embeddings(
            self._extractor, sha256s, np.concatenate(embeddings), np.concatenate(outputs)
        )
        self._written = time.monotonic()


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
    sha256 = _hash_content(path)
    after = path.stat()
    same = (after.st_size, after.st_mtime_ns) == key[1:]
    if same and started - status.st_mtime_ns > FRESH_NS:
        fresh[key] = sha256
    return sha256


def _hash_content(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _part_name() -> str:
    """Name a part: sorted by the time of writing, unique among processes."""
    return f"part-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet"


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _open_new(path: Path) -> BinaryIO:
    """Open a new file for writing; its folder is made if it is not there, or was deleted."""
    try:
        return path.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")


def _sync_folder(folder: Path) -> None:
    """Flush a rename to disk, where the system lets folders be opened (not Windows)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_parquet(table: pa.Table) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return bytes(buffer.getvalue())


def _with_info(table: pa.Table, info: Mapping[str, Any]) -> pa.Table:
    text = json.dumps(dict(info), sort_keys=True, allow_nan=False)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), INFO_KEY: text.encode()})


def _fits(table: pa.Table, extractor: ExtractorInfo) -> bool:
    """Tell whether a part has the columns of this extractor, of its types and all finite."""
    outputs = extractor.output_names
    if table.column_names != ["image_sha256", "embedding", *outputs]:
        return False
    kinds = [pa.string(), pa.list_(pa.float32(), extractor.n_features)]
    if table.schema.types != [*kinds, *[pa.float32()] * len(outputs)]:
        return False
    if any(column.null_count for column in table.columns):
        return False
    # A null within a list is none of the column's own, and reads as NaN.
    matrix, values = _to_matrix(table, extractor), _to_outputs(table, extractor)
    return bool(np.isfinite(matrix).all() and np.isfinite(values).all())


def _to_matrix(table: pa.Table, extractor: ExtractorInfo) -> np.ndarray:
    values = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in table["embedding"].chunks]
    return np.concatenate([*values, np.empty(0, np.float32)]).reshape(-1, extractor.n_features)


def _to_outputs(table: pa.Table, extractor: ExtractorInfo) -> np.ndarray:
    columns = [table[name].to_numpy() for name in extractor.output_names]
    return np.column_stack([*columns, np.empty((table.num_rows, 0))]).astype(np.float32)


def _stack(matrices: Sequence[np.ndarray], n_columns: int) -> np.ndarray:
    return np.concatenate([*matrices, np.empty((0, n_columns), np.float32)]).astype(np.float32)
