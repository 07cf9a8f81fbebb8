"""The map as a table for other tools: what it holds, and that its neighbours are right."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxrlib.maps import MappedCohort, encode_parquet, export_map
from cxrlib.maps.map_table import list_outputs


@pytest.fixture
def table(mapped_cohort: MappedCohort) -> pa.Table:
    """Export the small cohort's map with four neighbours each."""
    return export_map(mapped_cohort, n_neighbours=4)


def test_neighbours_are_the_nearest_rows_of_the_file(table: pa.Table) -> None:
    """As Embedding Atlas takes them: places of rows from 0 and rising distances; no row itself."""
    vectors = np.array(table["vector"].to_pylist(), dtype=float)
    ids = table["image_id"].to_pylist()
    for row, neighbours in enumerate(table["neighbors"].to_pylist()):
        apart = np.linalg.norm(vectors - vectors[row], axis=1)
        apart[row] = np.inf
        np.testing.assert_allclose(neighbours["distances"], np.sort(apart)[:4], rtol=1e-5)
        np.testing.assert_allclose(apart[neighbours["ids"]], neighbours["distances"], rtol=1e-5)
        assert table["neighbor_image_ids"][row].as_py() == [ids[i] for i in neighbours["ids"]]


def test_types_are_plain(table: pa.Table) -> None:
    """No category, no large string: each tool reads text, numbers, lists and one struct."""
    kinds = {str(field.type) for field in table.schema}
    assert "string" in kinds
    assert not any("dictionary" in kind or "large" in kind for kind in kinds)
    assert table.schema.field("neighbors").type.get_field_index("ids") == 0
    assert all(name.replace("_", "").isalnum() for name in table.column_names)


def test_what_is_not_recorded_is_null(mapped_cohort: MappedCohort, table: pa.Table) -> None:
    """A blank day stays a blank."""
    days = mapped_cohort.mapped.table.set_index("image_id")["offset"]
    assert table["offset"].null_count == days[table["image_id"].to_pylist()].isna().sum()


def test_a_selection_has_its_own_neighbours(mapped_cohort: MappedCohort) -> None:
    """Neighbours are rows of the same file: all of them are there."""
    ids = mapped_cohort.projection.image_ids[:3]
    part = export_map(mapped_cohort, ids)
    assert sorted(part["image_id"].to_pylist()) == sorted(ids)
    for neighbours in part["neighbors"].to_pylist():
        assert len(neighbours["ids"]) == 2
        assert set(neighbours["ids"]) < {0, 1, 2}


@pytest.mark.parametrize("n_images", [0, 1])
def test_one_image_and_none(mapped_cohort: MappedCohort, n_images: int) -> None:
    """A table without neighbours, and one without rows, can still be written and read."""
    ids = mapped_cohort.projection.image_ids[:n_images]
    read = pq.read_table(io.BytesIO(encode_parquet(export_map(mapped_cohort, ids), ["x"])))
    assert read.num_rows == n_images


def test_it_says_where_it_comes_from_and_names_no_folder(
    mapped_cohort: MappedCohort, table: pa.Table
) -> None:
    """Provenance is in the metadata; a file is named below the cohort's folder only."""
    data = encode_parquet(table, ["notice", "Cohort: x \udcff"])
    assert pq.read_schema(io.BytesIO(data)).metadata[b"about"].startswith(b"notice\nCohort")
    assert str(mapped_cohort.cohort.root).encode() not in data
    files = pd.read_parquet(io.BytesIO(data))["file"]
    assert all((mapped_cohort.cohort.root / name).is_file() for name in files)


def test_outputs_have_names_of_their_own() -> None:
    """Two outputs that read alike are two columns."""
    names = list_outputs(["Lung Opacity", "Lung_Opacity", "Öd", "Öd!", "a 2", "a"])
    assert len(set(names)) == len(names)
    assert names[0] == "output_lung_opacity"
