"""The command line: what it prints, where, and how it ends."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from cxrlib.cli import app

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


def test_embed_names_what_is_missing_and_a_second_run_computes_nothing(
    small: Path, tmp_path: Path
) -> None:
    """A row without a file is named and is not an error; the second run finds the first's."""
    arguments = ["embed", "--data", str(small), "--cache", str(tmp_path / "c")]
    arguments += ["--extractor", "texture", "--format", "json"]
    first = run(*arguments)
    assert first.exit_code == 0, first.output
    assert "gone.png" in first.stderr
    counts = json.loads(first.stdout)
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["info", "--data", "/no/such/folder"], "/no/such/folder"),
        (["map", "--out", "map.svg"], ".html or .parquet"),
        (["embed", "--extractor", "resnet99"], "resnet99"),
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


def test_unknown_option_is_a_usage_error() -> None:
    """A misspelt option ends with 2, as everywhere."""
    assert run("info", "--no-such-option").exit_code == 2
