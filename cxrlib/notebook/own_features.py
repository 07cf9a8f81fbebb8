"""Features of one's own for a notebook: stored by name, then like those of any extractor."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxrlib.baselines.features import (
    FeatureTable,
    add_feature_set,
    check_table,
    read_table_file,
)
from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet, load_embeddings
from cxrlib.notebook.cohorts import open_store
from cxrlib.notebook.notes import print_note


def store_features(
    cohort: Cohort,
    name: str,
    features: ArrayLike | Path | str,
    *,
    image_ids: Sequence[str] | None = None,
    cache: Path | str | None = None,
) -> EmbeddingSet:
    """Store numbers that were made elsewhere as a feature set, for baselines, maps and all else.

    Images are known by their id; those whose picture is absent have their features all the same.
    What a reader must know, such as ids that match no image, is printed.

    Parameters
    ----------
    cohort : Cohort
        Whose images they are.
    name : str
        By which the set is asked for from then on, as in `evaluate_loco(..., features=name)`.
    features : array-like of shape (n_images, n_columns), Path or str
        Numbers, a DataFrame with the names of its columns, or a file: Parquet or CSV with a column
        image_id, or FILE.npy with its ids, one a line, in FILE.ids.txt.
    image_ids : sequence of str, optional
        The image of each row; of a DataFrame by default its index. Not for a file.
    cache : Path or str, optional
        By default the cache that the cohort was loaded with.

    Returns
    -------
    EmbeddingSet
        As of an extractor: `outputs` and `embedding` are both the columns, float32.

    Raises
    ------
    SelectionError
        If the name is taken, a value is no number, a column has none, an id is there twice, or no
        id is one of the cohort's; the message names which and what to do.
    StoreError
        If the cache cannot be written.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> cohort = cxr.load_demo()  # doctest: +SKIP
    >>> own = cxr.store_features(cohort, "radiomics", "radiomics.csv")  # doctest: +SKIP
    >>> cxr.evaluate_loco(cohort, "icu-stay", features="radiomics+age-sex")  # doctest: +SKIP
    """
    store = open_store(cohort, cache)
    if isinstance(features, str | Path):
        table = read_table_file(features)
    else:
        table = _to_table(features, image_ids, name)
    added = add_feature_set(table, name, cohort, store)
    for note in added.notes:
        print_note(note)
    return load_embeddings(cohort, added.own.info, store)


def _to_table(features: ArrayLike, image_ids: Sequence[str] | None, name: str) -> FeatureTable:
    """Check a matrix as the columns of a file are."""
    columns = None
    if isinstance(features, pd.DataFrame):
        columns = list(features.columns)
        image_ids = list(features.index) if image_ids is None else image_ids
    return check_table(np.asarray(features), image_ids or (), columns, name)
