"""Stored embeddings: a folder an extractor, with its description beside parts of images' rows."""

import json
import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from cxrlib.errors import SelectionError, StoreError
from cxrlib.short_repr import short_repr
from cxrlib.storage.extractor_info import ExtractorInfo
from cxrlib.storage.store import EMBEDDINGS_FOLDER, Store, check_key

logger = logging.getLogger(__name__)

EXTRACTOR_FILE = "_extractor.json"
_JSON_ERRORS = (ValueError, KeyError, TypeError, OverflowError, RecursionError, SelectionError)


@dataclass(frozen=True)
class StoredEmbeddings:
    """Hold embeddings read from the store, in the requested order.

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


class EmbeddingStore:
    """Keep the embeddings of images in a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._root = store.root / EMBEDDINGS_FOLDER

    def list_extractors(self) -> list[ExtractorInfo]:
        """List the extractors that have embeddings here, by name."""
        infos = []
        for folder in self._store.list_folders(self._root):
            info = self._read_description(folder)
            if info is not None and self._store.list_parts(folder):
                infos.append(info)
        return sorted(infos, key=lambda info: (info.name, info.key))

    def read_sha256s(self, extractor: ExtractorInfo) -> set[str]:
        """Read which images have an embedding by this extractor.

        The embeddings are read as well, so that one in a damaged part counts as missing.
        """
        stored: set[str] = set()
        for part in self._list_parts(extractor):
            table = self._store.read_part(part)
            if table is not None and _fits(table, extractor):
                stored.update(table["image_sha256"].to_pylist())
        return stored

    def read(self, extractor: ExtractorInfo, sha256s: Sequence[str]) -> StoredEmbeddings:
        """Read embeddings in the requested order; images without one are left out.

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
        for part in self._list_parts(extractor):
            table = self._store.read_part(part)
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

    def sign(self, extractor: ExtractorInfo) -> tuple[tuple[str, int, int], ...]:
        """List the stored parts of an extractor with size and time: equal while nothing changed."""
        parts = self._list_parts(extractor)
        with self._store.reported("read"):
            states = [(part.name, part.stat()) for part in parts]
        return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)

    def open_writer(
        self, extractor: ExtractorInfo, *, images_a_part: int = 256, seconds_a_part: float = 20.0
    ) -> "EmbeddingWriter":
        """Open a writer of embeddings, to be used in a ``with`` statement."""
        return EmbeddingWriter(self, extractor, images_a_part, seconds_a_part)

    def mend_description(self, extractor: ExtractorInfo) -> None:
        """Write an extractor's description again where it is missing, damaged or outdated.

        Without it its embeddings are passed over: the folder's name alone does not say what
        the numbers are.

        Raises
        ------
        StoreError
            When it cannot be written.
        """
        folder = self._folder(extractor)
        if self._read_description(folder) != extractor:
            text = json.dumps(extractor.to_dict(), indent=2)
            self._store.write_bytes(folder / EXTRACTOR_FILE, text.encode())

    def write(
        self,
        extractor: ExtractorInfo,
        sha256s: Sequence[str],
        embedding: np.ndarray,
        outputs: np.ndarray,
    ) -> None:
        """Write the rows of some images as a new part; see `open_writer` for many.

        Raises
        ------
        StoreError
            When it cannot be written.
        """
        self.mend_description(extractor)
        values = pa.array(np.ascontiguousarray(embedding, np.float32).ravel())
        columns = {
            "image_sha256": pa.array(sha256s, pa.string()),
            "embedding": pa.FixedSizeListArray.from_arrays(values, extractor.n_features),
        }
        for i, name in enumerate(extractor.output_names):
            columns[name] = pa.array(np.ascontiguousarray(outputs[:, i], np.float32))
        folder = self._folder(extractor)
        self._store.write_part(folder, pa.table(columns), info=extractor.to_dict())

    def remove(self, extractor: ExtractorInfo) -> None:
        """Remove all embeddings of an extractor.

        Raises
        ------
        StoreError
            When they cannot be removed.
        """
        folder = self._folder(extractor)
        if folder.is_symlink() or not folder.is_dir():
            return
        with self._store.reported("written"):
            shutil.rmtree(folder)

    def _list_parts(self, extractor: ExtractorInfo) -> list[Path]:
        return self._store.list_parts(self._folder(extractor))

    def _folder(self, extractor: ExtractorInfo) -> Path:
        return self._root / check_key(extractor.key)

    def _read_description(self, folder: Path) -> ExtractorInfo | None:
        """Read a folder's extractor; None where its file is missing, damaged or another's."""
        data = self._store.read_bytes(folder / EXTRACTOR_FILE)
        if data is None:
            return None
        try:
            info = ExtractorInfo.from_dict(json.loads(data))
        except _JSON_ERRORS as error:
            logger.warning("%s is damaged (%s) and ignored.", folder / EXTRACTOR_FILE, error)
            return None
        return info if info.key == folder.name else None


class EmbeddingWriter:
    """Gather embeddings and store them in parts; what was gathered is stored on the way out.

    Parameters
    ----------
    store : EmbeddingStore
    extractor : ExtractorInfo
    images_a_part : int
        Write a part when so many images are gathered.
    seconds_a_part : float
        Or when the last part was written so many seconds ago.
    """

    def __init__(
        self,
        store: EmbeddingStore,
        extractor: ExtractorInfo,
        images_a_part: int,
        seconds_a_part: float,
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

    def __exit__(self, kind: object, error: object, trace: object) -> None:
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
        self._store.write(
            self._extractor, sha256s, np.concatenate(embeddings), np.concatenate(outputs)
        )
        self._written = time.monotonic()


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
