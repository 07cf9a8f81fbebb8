"""What leaves the program: it names its origin, and nothing in it runs."""

import re
from io import StringIO
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from cxrlib import NOTICE
from cxrlib.errors import CxrError
from cxrlib.maps import MappedCohort, compute_trajectory
from cxrlib.reports import (
    MapWish,
    csv_with_header,
    list_provenance,
    map_page,
    stops_table,
    write_map_page,
    write_map_table,
)
from cxrlib.selection import Selection, select


def read_csv(data: bytes) -> tuple[list[str], pd.DataFrame]:
    """Part an exported table from its header lines."""
    lines = data.decode().splitlines()
    n_header = sum(line.startswith("# ") for line in lines)
    return lines[:n_header], pd.read_csv(StringIO("\n".join(lines[n_header:])), dtype=str)


def test_every_export_says_where_it_comes_from(mapped_cohort: MappedCohort) -> None:
    """Notice first; then cohort, fingerprint, features, map settings, date."""
    lines = list_provenance(mapped_cohort)
    assert lines[0] == NOTICE
    text = " ".join(lines)
    assert mapped_cohort.cohort.fingerprint in text
    assert mapped_cohort.extractor.label in text
    assert mapped_cohort.projection.describe() in text
    assert "neighbours" not in text  # principal components have none
    assert "(unit: image)" in text


def test_csv_keeps_every_row_and_value(mapped_cohort: MappedCohort) -> None:
    """The table under the header is the table that went in."""
    table = pd.DataFrame({"patient_id": ["1", "a,b", 'q"'], "x": [1.5, -2.0, None]})
    header, read = read_csv(csv_with_header(table, list_provenance(mapped_cohort)))
    assert len(header) == len(list_provenance(mapped_cohort))
    assert read["patient_id"].tolist() == ["1", "a,b", 'q"']
    assert read["x"].tolist()[:2] == ["1.5", "-2.0"]
    assert read["x"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("value", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_not_a_formula(value: str) -> None:
    """An id, a category or a column's name that a spreadsheet would run is quoted."""
    table = pd.DataFrame({"id": [value, "x"]}, dtype="category")
    _, read = read_csv(csv_with_header(table, ["notice"]))
    assert read["id"][0].startswith("'")
    named = csv_with_header(pd.DataFrame({value: [1]}), []).decode()
    assert named.startswith(("'", "\"'"))


@pytest.mark.parametrize(
    "line",
    ["Cohort: x,=1+1", 'Cohort: x, "=1+1"', "Filters: Source a;@SUM(A1)", "x,\n=1+1", "x,\t+1"],
)
def test_a_header_line_holds_no_formula(line: str) -> None:
    """Parted at commas or semicolons, no part of a line starts like a formula."""
    (text,), _ = read_csv(csv_with_header(pd.DataFrame({"id": ["x"]}), [line]))
    for part in re.split("[,;]", text):
        assert not part.strip(' "').startswith(("=", "+", "-", "@"))


def test_nothing_recorded_is_an_empty_cell() -> None:
    """A blank stays a blank in any type of column."""
    table = pd.DataFrame(
        {
            "n": pd.array([1, None], dtype="Int64"),
            "id": ["a", None],
            "view": pd.Categorical(["PA", None]),
        }
    )
    _, read = read_csv(csv_with_header(table, ["notice"]))
    assert read.loc[0].tolist() == ["1", "a", "PA"]
    assert read.loc[1].isna().all()


def test_an_export_names_the_filters(mapped_cohort: MappedCohort) -> None:
    """What was selected stands in the header of a map and of a cohort; or that nothing was."""
    assert "Filters: View AP; Day up to 7" in list_provenance(
        mapped_cohort, filters=["View AP", "Day up to 7"]
    )
    lines = list_provenance(mapped_cohort.cohort)
    assert "Filters: none" in lines
    assert lines[0] == NOTICE
    assert not any("Image features" in line for line in lines)


def test_stops_table_has_a_row_a_day(mapped_cohort: MappedCohort) -> None:
    """A path's days are rows; the first day has no step."""
    table, projection = mapped_cohort.cohort.table, mapped_cohort.projection
    path = compute_trajectory(table, projection, "p1")
    rows = stops_table([path])
    assert rows["day"].tolist() == [stop.day for stop in path.stops]
    assert rows["step_map_units"].isna().tolist() == [True] + [False] * len(path.steps)
    assert rows["n_images"].sum() + len(path.undated) == path.n_images
    assert stops_table([]).columns.tolist() == rows.columns.tolist()


def test_map_page_asks_nothing_of_the_network(mapped_cohort: MappedCohort, tmp_path: Path) -> None:
    """The page holds its own script, the notice and the fingerprint."""
    out = tmp_path / "map.html"
    write_map_page(mapped_cohort, out, MapWish(patients=["p1"]))
    page = out.read_text()
    assert NOTICE in page
    assert mapped_cohort.cohort.fingerprint in page
    assert 'src="http' not in page
    assert "default-src 'none'" in page


def test_map_table_opens_in_any_parquet_reader(mapped_cohort: MappedCohort, tmp_path: Path) -> None:
    """One row an image on the map; the provenance is in the file."""
    out = tmp_path / "map.parquet"
    write_map_table(mapped_cohort, out)
    assert len(pd.read_parquet(out)) == len(mapped_cohort.projection.image_ids)
    assert NOTICE.encode() in pq.read_schema(out).metadata[b"about"]


def test_filters_choose_what_is_written(mapped_cohort: MappedCohort, tmp_path: Path) -> None:
    """A page and a table of a selection hold its images, and say so; the map is the same."""
    selection = Selection(day=(0, 5))
    selected = select(mapped_cohort.cohort, selection)
    wish = MapWish(selected=selected, filters=selection.describe())
    write_map_table(mapped_cohort, tmp_path / "map.parquet", wish)
    table = pd.read_parquet(tmp_path / "map.parquet")
    assert 0 < len(table) < len(mapped_cohort.projection.image_ids)
    assert set(table["image_id"]) <= set(selected.table["image_id"])
    assert b"Filters: Day" in pq.read_schema(tmp_path / "map.parquet").metadata[b"about"]
    page = map_page(mapped_cohort, wish)
    assert f"{len(table)} images" in page
    assert "Filters: Day" in page


def test_nobody_is_drawn_where_nobody_is_wished_for(mapped_cohort: MappedCohort) -> None:
    """A reader who chose no patient gets none; without a wish the story stands there."""
    without = map_page(mapped_cohort, MapWish(patients=[]))
    with_one = map_page(mapped_cohort, MapWish(patients=["p1"]))
    words = "Patient p1 (survival"
    assert words in with_one
    assert words not in without


def test_a_folder_that_is_not_there_is_named(mapped_cohort: MappedCohort, tmp_path: Path) -> None:
    """Writing into nowhere says so and leaves nothing behind."""
    with pytest.raises(CxrError, match="cannot be written"):
        write_map_table(mapped_cohort, tmp_path / "nowhere" / "map.parquet")
    assert list(tmp_path.iterdir()) == []
