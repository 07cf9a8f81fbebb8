"""Embeddings for a notebook and for the commands: one function computes and stores them."""

from pathlib import Path

from cxrlib.cohort import Cohort, RunReport
from cxrlib.embedding import (
    EmbeddingSet,
    compute_embeddings,
    find_own_set,
    load_embeddings,
)
from cxrlib.embedding.extractors import ExtractorInfo, find_weights, load_extractor
from cxrlib.notebook.cohorts import open_store
from cxrlib.notebook.notes import print_note
from cxrlib.number_text import format_units
from cxrlib.storage import Store
from cxrlib.system import ProgressLine

PRETRAINED = "densenet121-res224-all"
AUTO = "auto"


def choose_extractor(name: str, *, weights: Path | None = None) -> str:
    """Resolve "auto": the pretrained network where its weights are, else texture."""
    if name != AUTO:
        return name
    is_here = weights is not None or find_weights(PRETRAINED) is not None
    return PRETRAINED if is_here else "texture"


def embed_images(
    cohort: Cohort,
    store: Store,
    extractor: str,
    *,
    weights: Path | None = None,
    trust_sha256: str | None = None,
    device: str = AUTO,
) -> tuple[RunReport, ExtractorInfo]:
    """Compute the embeddings that the store lacks, with a progress line.

    Parameters and errors are those of `embed`.
    """
    if (own := find_own_set(store, extractor)) is not None:
        stored = load_embeddings(cohort, own.info, store)
        nothing = cohort.table.iloc[:0][["image_id", "row", "filename"]].assign(reason="")
        return RunReport(0, len(stored.image_ids), nothing, 0.0), own.info
    line = ProgressLine()
    loaded = load_extractor(
        choose_extractor(extractor, weights=weights),
        weights=weights,
        trust_sha256=trust_sha256,
        device=device,
        on_progress=line,
    )
    return compute_embeddings(cohort, loaded, store, on_progress=line), loaded.info


def embed(
    cohort: Cohort,
    extractor: str = "texture",
    *,
    cache: Path | str | None = None,
    weights: Path | str | None = None,
    trust_sha256: str | None = None,
    device: str = AUTO,
) -> EmbeddingSet:
    """Turn each X-ray into numbers by an extractor; what the cache has is not computed again.

    Parameters
    ----------
    cohort : Cohort
    extractor : str, default "texture"
        One of `cxrlib.embedding.extractors.list_extractor_names`, or a set that `store_features`
        stored; "auto" takes the pretrained network
        where its weights are on this machine, else texture. The network's weights are downloaded
        (28 MB) when it is named and they are not here.
    cache : Path or str, optional
        By default the cache that the cohort was loaded with.
    weights : Path or str, optional
        Weights file of a network.
    trust_sha256 : str, optional
        SHA-256 of a pickled weights file you trust: unpickling runs code from the file.
    device : {"auto", "cpu", "cuda", "mps"}
        Where a network runs.

    Returns
    -------
    EmbeddingSet
        `embedding` of shape (n_images, n_features) and `outputs` of shape (n_images, n_outputs),
        float32, in the order of `image_ids`; `info` names the extractor and its outputs. Outputs
        of a network are values before the sigmoid, never a probability of disease. X-rays without
        a usable file are left out; their number is printed.

    Raises
    ------
    SelectionError
        If there is no such extractor or device; the message names those there are.
    WeightsError
        If the weights are missing, not trusted, damaged or of another network.
    StoreError
        If the cache cannot be read or written.

    References
    ----------
    Cohen et al. 2020b, section 4.2; torchxrayvision (Cohen et al. 2022).

    Examples
    --------
    >>> import cxrlib as cxr
    >>> outputs = cxr.embed(cxr.load_demo(), "texture")  # doctest: +SKIP
    >>> outputs.outputs.shape[1]  # doctest: +SKIP
    8
    """
    store = open_store(cohort, cache)
    report, info = embed_images(
        cohort,
        store,
        extractor,
        weights=None if weights is None else Path(weights),
        trust_sha256=trust_sha256,
        device=device,
    )
    if len(report.failed):
        images = format_units(len(report.failed), "X-ray")
        print_note(f"{images} could not be embedded. check_quality(cohort) names each file.")
    return load_embeddings(cohort, info, store)
