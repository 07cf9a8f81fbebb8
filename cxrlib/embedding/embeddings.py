"""Embeddings of a cohort: computed once for each image content, stored, loaded."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.cohort import Cohort, RunReport, count_run, locate_files
from cxrlib.embedding.extractors import Extractor, ExtractorInfo
from cxrlib.embedding.own_features import list_keys
from cxrlib.html_repr import format_html
from cxrlib.images import ImageFile, Prepared, prepare_images
from cxrlib.short_repr import short_repr
from cxrlib.storage import EmbeddingStore, EmbeddingWriter, Store
from cxrlib.system import count_cores

logger = logging.getLogger(__name__)

BATCH_SIZES = {"cpu": 8, "mps": 32, "cuda": 128}  # on CPU small batches stay in its cache
# Starting a worker costs as much as preparing some dozens of images.
FEW_IMAGES = 24


@dataclass(frozen=True, eq=False)  # arrays have no single truth to compare by
class EmbeddingSet:
    """Hold the embeddings of a cohort's images, in the cohort's order.

    Parameters
    ----------
    image_ids : tuple of str
    sha256s : tuple of str
        Content of each image; of features from outside "id:", the cohort and its id.
    embedding : ndarray of shape (n_images, n_features), float32
    outputs : ndarray of shape (n_images, n_outputs), float32
    info : ExtractorInfo
    """

    image_ids: tuple[str, ...]
    sha256s: tuple[str, ...]
    embedding: np.ndarray
    outputs: np.ndarray
    info: ExtractorInfo
    __repr__ = short_repr

    def _repr_html_(self) -> str:
        heading = (
            f"{len(self.image_ids):,} images by {self.info.title}: "
            f"{self.info.n_features:,} features, {len(self.info.output_names):,} outputs"
        )
        table = pd.DataFrame(self.outputs, columns=list(self.info.output_names))
        table.insert(0, "image_id", self.image_ids)
        return format_html(heading, table)


def load_embeddings(cohort: Cohort, info: ExtractorInfo, store: Store) -> EmbeddingSet:
    """Load the stored embeddings of a cohort's images; images without one are left out.

    Parameters
    ----------
    cohort : Cohort
    info : ExtractorInfo
    store : Store

    Returns
    -------
    EmbeddingSet
    """
    keys = list_keys(cohort, info)
    image_ids, sha256s = cohort.table.loc[keys.notna(), "image_id"], keys[keys.notna()].tolist()
    found = EmbeddingStore(store).read(info, sha256s)
    there = set(found.sha256s)
    pairs = zip(image_ids, sha256s, strict=True)
    return EmbeddingSet(
        image_ids=tuple(str(image_id) for image_id, sha256 in pairs if sha256 in there),
        sha256s=found.sha256s,
        embedding=found.embedding,
        outputs=found.outputs,
        info=info,
    )


def compute_embeddings(
    cohort: Cohort,
    extractor: Extractor,
    store: Store,
    *,
    n_workers: int | None = None,
    batch_size: int | None = None,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RunReport:
    """Compute the embeddings that are not in the store yet, of all X-rays of a cohort.

    A bad file is reported and the rest goes on. An interrupted run has stored what it had
    computed; the next one goes on from there. Each content is computed once, however many
    rows share it.

    Parameters
    ----------
    cohort : Cohort
    extractor : Extractor
    store : Store
    n_workers : int, optional
        Processes that read and prepare images; 0 for none. By default as many as keep the
        network busy.
    batch_size : int, optional
        Images a pass of the network; by default 8 on CPU, more elsewhere.
    on_progress : callable, optional
        Called after each batch; it counts distinct contents to compute.
    should_stop : callable, optional
        Asked before each batch; True ends the run.

    Returns
    -------
    RunReport
        An image whose file cannot be read has failed even if the store has an embedding of
        its content, from a time when it could: maps leave it out all the same.

    Raises
    ------
    StoreError
        When the store cannot be read or written.
    """
    started = time.monotonic()
    rows = cohort.table.loc[
        cohort.table["is_xray"],
        ["image_id", "row", "filename", "file_status", "file_reason", "sha256"],
    ]
    kept = EmbeddingStore(store)
    stored = kept.read_sha256s(extractor.info)
    if stored:  # without its description what is stored would be passed over
        kept.mend_description(extractor.info)
    reasons = _find_reasons(rows)
    usable = ~rows["image_id"].isin(reasons.keys())
    cached = rows["sha256"].isin(stored) & usable
    wanted = rows[usable & ~cached]
    files, refused = locate_files(cohort, wanted)
    reasons.update(refused)
    missing = list({file.sha256: file for file in files.values()}.values())
    run = _Run(extractor, len(missing), on_progress, should_stop)
    if missing:
        logger.info("Computing %d embeddings with %s.", len(missing), extractor.info.name)
        n_workers = _choose_workers(extractor, len(missing)) if n_workers is None else n_workers
        batch_size = batch_size or BATCH_SIZES[extractor.device]
        with kept.open_writer(extractor.info) as writer:
            run.compute(missing, writer, n_workers=n_workers, batch_size=batch_size)
    return count_run(
        rows,
        files,
        reasons,
        made=run.computed,
        bad=run.bad,
        n_cached=int(cached.sum()),
        seconds=time.monotonic() - started,
    )


class _Run:
    """Compute batches of missing images and keep count."""

    def __init__(
        self,
        extractor: Extractor,
        n_images: int,
        on_progress: Progress | None,
        should_stop: ShouldStop | None,
    ) -> None:
        self._extractor = extractor
        self._n_images = n_images
        self._on_progress = on_progress
        self._should_stop = should_stop
        self.computed: set[str] = set()
        self.bad: dict[str, str] = {}

    def compute(
        self,
        missing: Sequence[ImageFile],
        writer: EmbeddingWriter,
        *,
        n_workers: int,
        batch_size: int,
    ) -> None:
        """Go through the missing images until done or asked to stop."""
        stream = prepare_images(
            missing, self._extractor.prepare, n_workers=n_workers, n_ahead=3 * batch_size
        )
        try:
            for batch in _gather(stream, batch_size):
                self._compute_batch(batch, writer)
                self._report()
                if self._should_stop is not None and self._should_stop():
                    break
        finally:
            stream.close()

    def _compute_batch(self, batch: Sequence[Prepared], writer: EmbeddingWriter) -> None:
        usable: list[tuple[str, np.ndarray]] = []
        for each in batch:
            problem = each.reason or "it was prepared as nothing"
            if each.item is not None:
                problem = self._extractor.check_prepared(each.item)
                if not problem:
                    usable.append((each.sha256, each.item))
            if problem:
                self.bad[each.sha256] = problem
        if not usable:
            return
        sha256s = [sha256 for sha256, _ in usable]
        embedding, outputs = self._extractor.compute(np.stack([item for _, item in usable]))
        finite = np.isfinite(embedding).all(axis=1) & np.isfinite(outputs).all(axis=1)
        for i in np.flatnonzero(~finite):
            self.bad[sha256s[i]] = f"{self._extractor.info.label} gave values that are not finite"
        kept = [sha256 for sha256, good in zip(sha256s, finite, strict=True) if good]
        writer.append(kept, embedding[finite], outputs[finite])
        self.computed.update(kept)

    def _report(self) -> None:
        if self._on_progress is not None:
            done = len(self.computed) + len(self.bad)
            self._on_progress("Embedding images", done, self._n_images)


def _gather(stream: Iterable[Prepared], size: int) -> Iterator[list[Prepared]]:
    batch: list[Prepared] = []
    for each in stream:
        batch.append(each)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _find_reasons(rows: pd.DataFrame) -> dict[str, str]:
    """Find why rows have no usable file, by image id."""
    bad = rows[rows["file_status"] != "ok"]
    columns = bad[["image_id", "file_status", "file_reason"]].astype(str)
    return {
        image_id: status if status == "no file" else reason or status
        for image_id, status, reason in columns.itertuples(index=False, name=None)
    }


def _choose_workers(extractor: Extractor, n_images: int) -> int:
    """Choose so many workers that whatever is slower, preparing or the network, is busy."""
    cores = count_cores()
    if n_images < FEW_IMAGES:
        return 0
    if extractor.works_in_prepare:
        return cores
    if extractor.device == "cpu":
        return max(1, cores // 4)  # the network costs four times as much as preparing
    return min(8, cores)
