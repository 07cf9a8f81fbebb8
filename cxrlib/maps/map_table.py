"""A map as one table for other tools: places, states, outputs and each image's nearest ones.

FiftyOne and Embedding Atlas read it (decision 0022). Nearest is in the numbers the map was made
of, not on the map; images of the same person and copies are among them.
"""

import io
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlib.embedding import find_nearest
from cxrlib.maps.mapped_cohort import MappedCohort
from cxrlib.maps.trajectories import TABLE_COLUMNS, map_points
from cxrlib.storage import IMAGES_FOLDER

if TYPE_CHECKING:
    import pyarrow as pa

N_NEIGHBOURS = 15
"""As Embedding Atlas computes by itself."""
# What makes a state, so that a reader of an export can count again.
STATE_COLUMNS = (
    *("in_icu", "intubation_present", "survival", "is_last_image"),
    *("state_reasons", "state_overlap", "finding", "region"),
)
RECORD_COLUMNS = (
    *("row", "sex", "age", "went_icu", "intubated", "country", "source", "license"),
    *("geographic_mean", "opacity_mean"),
)


def list_outputs(names: Sequence[str]) -> list[str]:
    """Name a column for each output, in words that every tool takes for a name.

    Examples
    --------
    >>> list_outputs(["Lung Opacity", "Lung-Opacity", "%"])
    ['output_lung_opacity', 'output_lung_opacity_2', 'output']
    """
    found: list[str] = []
    for name in names:
        words = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
        column = stem = f"output_{words}".rstrip("_")
        number = 1
        while column in found:
            number += 1
            column = f"{stem}_{number}"
        found.append(column)
    return found


def export_map(
    mapped: MappedCohort,
    image_ids: Collection[str] | None = None,
    *,
    n_neighbours: int = N_NEIGHBOURS,
) -> "pa.Table":
    """Lay out the map's images as a table.

    Parameters
    ----------
    mapped : MappedCohort
    image_ids : collection of str, optional
        Those to export, by default all on the map; neighbours are found among them.
    n_neighbours : int, default 15

    Returns
    -------
    pyarrow.Table
        A row an image, in the order of the file: ids, day (offset), view, state, x, y (map
        units), what makes the state, what else is recorded, ``file`` (below the cohort's folder),
        ``output_*``, ``vector`` (the numbers the map was made of), ``neighbors`` (a struct of
        ``ids``, rows of this table from 0, and ``distances``) and ``neighbor_image_ids``.
    """
    import pyarrow as pa

    points = map_points(mapped.mapped.table, mapped.projection)
    if image_ids is not None:
        points = points[points["image_id"].isin(set(image_ids))].reset_index(drop=True)
    embeddings = mapped.embeddings
    rows = pd.Index(embeddings.image_ids).get_indexer(pd.Index(points["image_id"]))
    columns = {name: _to_arrow(points[name]) for name in (*TABLE_COLUMNS, *STATE_COLUMNS)}
    columns |= {name: _to_arrow(points[name]) for name in RECORD_COLUMNS if name in points}
    columns["file"] = pa.array([f"{IMAGES_FOLDER}/{name}" for name in points["filename"]])
    outputs = embeddings.outputs[rows]
    for place, name in enumerate(list_outputs(embeddings.info.output_names)):
        columns[name] = pa.array(outputs[:, place], type=pa.float32())
    vectors = getattr(embeddings, mapped.projection.settings.features)[rows]
    columns["vector"] = _to_lists(vectors.astype(np.float32), pa.float32())
    sha256s = np.asarray(embeddings.sha256s, dtype=object)[rows]
    distances, places = _find_neighbours(vectors, sha256s, points["image_id"], n_neighbours)
    ids = points["image_id"].to_numpy(dtype=object)
    columns["neighbors"] = pa.StructArray.from_arrays(
        [_to_lists(places, pa.int64()), _to_lists(distances, pa.float64())],
        names=["ids", "distances"],
    )
    columns["neighbor_image_ids"] = _to_lists(ids[places], pa.string())
    return pa.table(columns)


def _find_neighbours(
    vectors: np.ndarray, sha256s: np.ndarray, image_ids: pd.Series, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find each image's nearest ones; ties by content and id, whatever the order of the rows."""
    order = np.lexsort((image_ids.to_numpy(dtype=str), sha256s.astype(str)))
    sorted_numbers = vectors[order]
    distances, places = find_nearest(sorted_numbers, sorted_numbers, k, are_same=True)
    back = np.argsort(order)
    return distances[back], order[places[back]]


def _to_arrow(values: pd.Series) -> "pa.Array":
    """Turn a column into plain types: a category would come back as one, and not everywhere."""
    import pyarrow as pa

    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object).where(values.notna(), None)
    array = pa.Array.from_pandas(values)
    return array.cast(pa.string()) if pa.types.is_large_string(array.type) else array


def _to_lists(values: np.ndarray, kind: "pa.DataType") -> "pa.Array":
    """Turn a table of numbers into a list a row."""
    import pyarrow as pa

    n_rows, n_columns = values.shape
    offsets = np.arange(n_rows + 1, dtype=np.int32) * n_columns
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), type=kind))


def encode_parquet(table: "pa.Table", lines: Sequence[str]) -> bytes:
    """Encode a table as Parquet, what it says of itself in the file's own metadata.

    Parameters
    ----------
    table : pyarrow.Table
    lines : sequence of str
        `cxrlib.reports.list_provenance`; under the key ``about``.
    """
    import pyarrow.parquet as pq

    about = {b"about": "\n".join(lines).encode("utf-8", "replace")}
    target = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(about), target, compression="zstd")
    return target.getvalue()
