"""The command line: what it prints, where, and how it ends."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from cxrlib.cli import app
from tests.cohort_factory import make_cohort, make_damaged_avif

HEADER = "patientid,offset,finding,view,modality,location,filename,in_icu,survival\n"


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments), env={"CXR_DATA": "", "CXR_CACHE": ""})


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a cohort of three rows: an X-ray, an X-ray without a file, a CT slice."""
    root = tmp_path / "small"
    (root / "images").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (256, 256), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "images" / "a.png")
    (root / "metadata.csv").write_text(
        HEADER
        + 'p1,3,Pneumonia/Viral/COVID-19,PA,X-ray,"Lyon, France",a.png,N,Y\n'
        + 'p2,4,Pneumonia/Viral/COVID-19,AP,X-ray,"Lyon, France",gone.png,Y,N\n'
        + "p3,,No Finding,Axial,CT,,c.nii,,\n"
    )
    return root


def test_info_counts_in_json(small: Path, tmp_path: Path) -> None:
    """Counts go to standard output as JSON and nothing else does."""
    result = run("info", "--data", str(small), "--cache", str(tmp_path / "c"), "--format", "json")
    assert result.exit_code == 0, result.output
    counts = json.loads(result.stdout)
    assert (counts["n_images"], counts["n_xray"], counts["n_patients"]) == (3, 2, 2)
    assert counts["n_missing"] == 1
    assert len(counts["fingerprint"]) == 64


NO_FILE = "1 X-ray without a file. To list them: python -m cxrlib quality --rule no-file\n"


def test_info_counts_files_that_are_missing_and_names_other_problems(
    small: Path, tmp_path: Path
) -> None:
    """One line for all of them; the list is where the line says."""
    arguments = ["--data", str(small), "--cache", str(tmp_path / "c")]
    metadata = small / "metadata.csv"
    metadata.write_text(metadata.read_text().replace("p2,4,", "p2,four,"))
    said = run("info", *arguments).stderr
    assert said.count(NO_FILE) == 1
    assert "gone.png" not in said
    assert "offset 'four'" in said
    assert "gone.png" in run("quality", "--rule", "no-file", *arguments).stdout


def test_embed_counts_what_is_missing_and_a_second_run_computes_nothing(
    small: Path, tmp_path: Path
) -> None:
    """A row without a file is counted and is not an error; the second run finds the first's."""
    arguments = ["embed", "--data", str(small), "--cache", str(tmp_path / "c")]
    arguments += ["--extractor", "texture", "--format", "json"]
    first = run(*arguments)
    assert first.exit_code == 0, first.output
    assert NO_FILE in first.stderr
    assert "gone.png" not in first.stderr
    counts = json.loads(first.stdout)
    assert counts["failures"][0]["filename"] == "gone.png"
    assert (counts["computed"], counts["cached"], counts["failed"]) == (1, 0, 1)
    counts = json.loads(run(*arguments).stdout)
    assert (counts["computed"], counts["cached"], counts["failed"]) == (0, 1, 1)


def test_embed_with_a_broken_image_ends_with_3(small: Path, tmp_path: Path) -> None:
    """An image that is there and cannot be read is named; the rest is done; the code is 3."""
    (small / "images" / "gone.png").write_bytes(b"this is no image")
    arguments = ["--data", str(small), "--cache", str(tmp_path / "c"), "--extractor", "texture"]
    result = run("embed", *arguments)
    assert result.exit_code == 3, result.output
    assert "gone.png" in result.stderr


def test_info_and_embed_go_on_after_whatever_a_decoder_raises(small: Path, tmp_path: Path) -> None:
    """A photo that was saved as AVIF, under another ending, and half blanked since."""
    (small / "images" / "gone.png").write_bytes(make_damaged_avif())
    arguments = ["--data", str(small), "--cache", str(tmp_path / "c"), "--format", "json"]
    result = run("info", *arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["n_unreadable"] == 1
    result = run("embed", *arguments, "--extractor", "texture")
    assert result.exit_code == 3, result.output
    assert "Failed to decode frame" in result.stderr
    assert json.loads(result.stdout)["computed"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["info", "--data", "/no/such/folder"], "/no/such/folder"),
        (["map", "--patient", "p99"], "'p99' is not among the 3 patients"),
        (["map", "--patient", "p3"], "'p3' has no image on the map"),
        (["embed", "--extractor", "densenet121-res224-all", "--weights", "/no/w.pt"], "/no/w.pt"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(
    arguments: list[str], said: str, small: Path, tmp_path: Path
) -> None:
    """What was wrong is said in one line on standard error, without a stack trace."""
    if "--data" not in arguments:
        arguments = [*arguments, "--data", str(small)]
    result = run(*arguments, "--cache", str(tmp_path / "c"))
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert len([line for line in result.stderr.splitlines() if "Error:" in line]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "--no-such-option"],
        ["map", "--out", "map.pdf"],
        ["map", "--out", "/there/is/no/folder/map.html"],
        ["map", "--seed", "-1"],
        ["embed", "--extractor", "resnet99"],
        ["embed", "--device", "abacus"],
        ["demo", "somewhere", "--patients", "3"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str], small: Path) -> None:
    """An option that does not exist, or a value it cannot have, ends with 2, before any work."""
    data = [] if arguments[0] == "demo" else ["--data", str(small)]
    assert run(*arguments, *data).exit_code == 2


def test_a_hostile_file_name_does_not_steer_the_terminal(small: Path, tmp_path: Path) -> None:
    """Control characters in a file name are written as escapes, on one line."""
    metadata, name = small / "metadata.csv", "\x1b]0;x\x07gone\n.png"
    metadata.write_text(metadata.read_text().replace("gone.png", f'"{name}"'))
    (small / "images" / name).write_bytes(b"this is no image")
    arguments = ["--data", str(small), "--cache", str(tmp_path / "c"), "--extractor", "texture"]
    for command in (["info", *arguments[:4]], ["embed", *arguments]):
        result = run(*command)
        assert "\x1b" not in result.stderr
        assert "\\x1b" in result.stderr


def test_map_writes_a_page_and_a_table(tmp_path: Path) -> None:
    """Both forms are written, name the chosen patient and hold the same images."""
    root = make_cohort(tmp_path / "cohort", [{"patientid": f"p{i // 3}"} for i in range(9)])
    arguments = ["--data", str(root), "--cache", str(tmp_path / "c"), "--extractor", "texture"]
    page = run("map", *arguments, "--out", str(tmp_path / "m.html"), "--patient", "p1")
    assert page.exit_code == 0, page.output
    assert "Patient p1" in (tmp_path / "m.html").read_text()
    table = run("map", *arguments, "--out", str(tmp_path / "m.parquet"))
    assert table.exit_code == 0, table.output
    assert len(pd.read_parquet(tmp_path / "m.parquet")) == 9


def test_map_writes_what_filters_leave(tmp_path: Path) -> None:
    """--where chooses the images that are written; the map is still of all of them."""
    rows = [{"patientid": f"p{i // 3}", "view": "AP" if i < 3 else "PA"} for i in range(9)]
    root = make_cohort(tmp_path / "cohort", rows)
    arguments = ["--data", str(root), "--cache", str(tmp_path / "c"), "--extractor", "texture"]
    arguments += ["--where", "view=PA", "--format", "json"]
    table = run("map", *arguments, "--out", str(tmp_path / "m.parquet"))
    assert table.exit_code == 0, table.output
    assert json.loads(table.stdout)["n_on_map"] == 9
    assert pd.read_parquet(tmp_path / "m.parquet")["view"].tolist() == ["PA"] * 6
    left_out = run("map", *arguments, "--patient", "p0")
    assert left_out.exit_code == 1
    assert "that the filters leave" in left_out.stderr


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_figure_without_a_chrome_is_refused_before_anything_is_computed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """One line says what to install; the cache stays empty."""
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-chrome"))
    out = tmp_path / f"map.{suffix}"
    arguments = ["--data", str(small), "--cache", str(tmp_path / "c"), "--out", str(out)]
    result = run("map", *arguments)
    assert result.exit_code == 1
    assert "apt-get install chromium" in result.stderr
    assert not (tmp_path / "c").exists()
    assert not out.exists()


@pytest.mark.slow
def test_map_writes_figures(tmp_path: Path) -> None:
    """SVG and PNG are drawn by a Chrome of this machine and name the cohort."""
    from cxrlib.charts.style import find_chrome
    from cxrlib.errors import ReportError

    try:
        find_chrome()
    except ReportError as error:
        pytest.skip(str(error))
    root = make_cohort(tmp_path / "cohort", [{"patientid": f"p{i // 3}"} for i in range(9)])
    arguments = ["--data", str(root), "--cache", str(tmp_path / "c"), "--extractor", "texture"]
    for name in ("m.svg", "m.png"):
        result = run("map", *arguments, "--out", str(tmp_path / name), "--patient", "p1")
        assert result.exit_code == 0, result.output
    assert "Patient p1" in (tmp_path / "m.svg").read_text()
    with Image.open(tmp_path / "m.png") as image:
        assert image.width == 1800


def test_info_counts_what_filters_leave(small_root, tmp_path):
    """--where chooses images as the dashboard does, and says why the rest are out."""
    arguments = ["info", "--data", str(small_root), "--cache", str(tmp_path), "--format", "json"]
    answer = CliRunner().invoke(app, [*arguments, "--where", "view=L"])
    assert answer.exit_code == 0
    counts = json.loads(answer.stdout)
    assert (counts["n_images"], counts["where"]) == (1, "view=L")
    assert sum(line["n_images"] for line in counts["left_out"]) == 11
    wrong = CliRunner().invoke(app, [*arguments, "--where", "view=sideways"])
    assert wrong.exit_code == 1
    assert "'sideways'" in wrong.stderr
