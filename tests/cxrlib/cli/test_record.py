"""The command ``record``: what it writes is the library's, and it refuses in one line."""

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cxrlib.cli import app
from tests.cohort_factory import draw_image, make_cohort

HOSTILE = "\x1b[2J /a#b"
ROWS: list[dict[str, object]] = [
    {"patientid": "a", "offset": 1, "license": "CC BY-NC-ND"},
    {"patientid": "a", "offset": 2, "filename": "no\x1b[31mlicence.png"},
    {"patientid": "a", "offset": 3, "license": "CC BY", "filename": "gone.png"},
    {"patientid": "b", "license": "ask me"},
    {"patientid": HOSTILE, "license": "CC0"},
    {"patientid": "c", "license": "CC BY"},
    {"patientid": "c", "license": ""},
]


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments), env={"CXR_DATA": "", "CXR_CACHE": ""})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Write a cohort, and give the options that name it."""
    folder = tmp_path_factory.mktemp("record")
    names = ("image1.png", "no\x1b[31mlicence.png", "image4.png", "image5.png", "image6.png")
    images = {name: draw_image(i) for i, name in enumerate((*names, "image7.png"))}
    root = make_cohort(folder / "c", ROWS, images=images)
    return ["record", "--data", str(root), "--cache", str(folder / "cache")]


def test_a_record_goes_to_standard_output(data: list[str]) -> None:
    """CSV unless JSON is asked for; nothing else stands there."""
    csv = run(*data, "--patient", "a")
    assert csv.exit_code == 0, csv.output
    assert csv.stdout.startswith("# For research and teaching.")
    assert sum("image1.png" in line for line in csv.stdout.splitlines()) == 1
    answer = json.loads(run(*data, "--patient", HOSTILE, "--format", "json").stdout)
    assert answer["patient"]["patient_id"] == HOSTILE
    assert len(answer["images"]) == 1


def test_a_record_is_written_to_a_file(data: list[str], tmp_path: Path) -> None:
    """The same bytes, and standard output stays empty."""
    for form in ("csv", "json"):
        out = tmp_path / f"record.{form}"
        result = run(*data, "--patient", "b", "--format", form, "--out", str(out))
        assert (result.exit_code, result.stdout) == (0, "")
        shown = run(*data, "--patient", "b", "--format", form).stdout
        assert out.read_bytes().decode().rstrip("\n") == shown.rstrip("\n")


def test_images_are_packed_and_the_others_named(data: list[str], tmp_path: Path) -> None:
    """Code 3 where a file that may go out could not be used; no sign steers the terminal."""
    archive = tmp_path / "images.zip"
    result = run(*data, "--patient", "a", "--images", str(archive))
    assert result.exit_code == 3
    assert "1 of 3 images in" in result.stderr
    assert "licence.png: no licence" in result.stderr
    assert "gone.png: no readable file" in result.stderr
    assert "\x1b" not in result.stderr
    with zipfile.ZipFile(archive) as opened:
        assert [name for name in opened.namelist() if "/" in name] == ["images/001-image1.png"]
    # Only licences keep images here: that is no fault of a file.
    assert run(*data, "--patient", "c", "--images", str(archive)).exit_code == 0


def test_no_image_that_may_go_out_is_an_error(data: list[str], tmp_path: Path) -> None:
    """One line, and neither file is written."""
    out, archive = tmp_path / "r.csv", tmp_path / "images.zip"
    result = run(*data, "--patient", "b", "--out", str(out), "--images", str(archive))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "No image may be passed on (licence not known: 1)" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_is_refused(data: list[str], tmp_path: Path) -> None:
    """An unknown patient (1), an ending or a folder that makes no sense (2)."""
    unknown = run(*data, "--patient", "\x1b[2Jnobody")
    assert unknown.exit_code == 1
    assert "is not among the 4 patients" in unknown.stderr
    assert "\x1b" not in unknown.stderr
    assert run(*data).exit_code == 2
    assert run(*data, "--patient", "a", "--images", str(tmp_path / "x.tar")).exit_code == 2
    assert run(*data, "--patient", "a", "--out", str(tmp_path / "no" / "r.csv")).exit_code == 2
    assert run(*data, "--patient", "a", "--out", str(tmp_path)).exit_code == 1
    assert list(tmp_path.iterdir()) == []
