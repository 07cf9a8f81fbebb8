"""What ``map`` understands, and that it writes what the page shows."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from cxrlib.cli import app
from cxrlib.cli.map_options import DrawingOptions
from tests.cohort_factory import draw_image, make_cohort


def run(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Write a cohort of twelve images of four patients; name it with what makes a map quick."""
    folder = tmp_path_factory.mktemp("cli-map")
    rows: list[dict[str, object]] = [
        {"patientid": f"p{i // 3}", "offset": i % 3, "view": "AP" if i < 6 else "PA"}
        for i in range(12)
    ]
    for row in rows[:4]:
        row["in_icu"] = "Y"
    for row in rows[4:8]:
        row["in_icu"] = "N"
    root = make_cohort(folder / "cohort", rows)
    common = ["--data", str(root), "--cache", str(folder / "cache"), "--extractor", "texture"]
    return [*common, "--method", "pca"]


def test_patients_are_named_once() -> None:
    """One by one, or parted by commas."""
    asked = DrawingOptions(patient=["1"], patients=" 2,1,,3 ")
    assert asked.patient_ids == ["1", "2", "3"]
    assert DrawingOptions().patient_ids == []


def test_a_page_says_what_was_asked(arguments: list[str], tmp_path: Path) -> None:
    """State, share, view, colour, patients and rows all stand in its words."""
    out = tmp_path / "m.html"
    asked = ["--state", "icu", "--surface", "share", "--bandwidth", "30", "--colour", "view"]
    result = run(
        "map", *arguments, *asked, "--patients", "p0,p2", "--rows", "2-4", "--out", str(out)
    )
    assert result.exit_code == 0, result.output
    page = out.read_text()
    for words in (
        "share of images taken in ICU",
        "Colour: view",
        "Patient p2",
        "3 images selected (ringed)",
        "rows 2-4 of metadata.csv",
        "4 of 8 images with ICU recorded",
    ):
        assert words in page, words


def test_components_are_smoothed_by_their_spread(arguments: list[str], tmp_path: Path) -> None:
    """As on the page: a map unit of the paper's map is nothing to components of another size."""
    out = tmp_path / "m.html"
    words = []
    for asked in ([], ["--bandwidth", "30"]):
        result = run("map", *arguments, *asked, "--state", "filters", "--out", str(out))
        assert result.exit_code == 0, result.output
        words += re.findall(r"bandwidth ([\d.]+) map units", out.read_text())[:1]
    assert words[1] == "30"
    assert float(words[0]) not in (1.0, 30.0)


def test_rows_choose_what_a_table_holds(arguments: list[str], tmp_path: Path) -> None:
    """With filters both count; rows without an image are told on standard error."""
    out = tmp_path / "m.parquet"
    result = run("map", *arguments, "--rows", "2-9,77", "--where", "view=PA", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "No image on this map" in result.stderr
    assert pd.read_parquet(out)["row"].tolist() == [8, 9]
    none = run("map", *arguments, "--rows", "500", "--out", str(out))
    assert none.exit_code == 1
    assert "No image on this map" in none.stderr


def test_a_reference_is_drawn_and_not_counted(
    arguments: list[str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The page names it and counts the cohort's images only; it must be embedded first."""
    images = {f"r{i}.png": draw_image(50 + i) for i in range(5)}
    root = make_cohort(
        tmp_path / "other", [{"filename": name, "view": "PA"} for name in images], images=images
    )
    out = tmp_path / "m.html"
    asked = ["map", *arguments, "--reference", str(root), "--out", str(out)]
    refused = run(*asked)
    assert refused.exit_code == 1
    assert "Embed them with" in refused.stderr
    embedded = run("embed", "--data", str(root), *arguments[2:6])
    assert embedded.exit_code == 0, embedded.output
    result = run(*asked, "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["n_on_map"] == 12
    page = out.read_text()
    assert "Grey crosses: 5 images of other" in page
    assert "12 images of 4 patients" in page


def test_an_unknown_colour_is_named(arguments: list[str], tmp_path: Path) -> None:
    """One line lists what there is."""
    result = run("map", *arguments, "--colour", "mood", "--out", str(tmp_path / "m.html"))
    assert result.exit_code == 1
    assert "'view'" in result.stderr
    assert not (tmp_path / "m.html").exists()
