"""Every page on an imported cohort: Figure 1 where it is at hand, and one with a note."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui.session.jobs
from cxrlib.cli import app as command
from cxrlib.importing import Importer, find_recipe
from tests.pages.reading import written
from tests.source_factory import draw, name_mapping, write_table

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("cohort", "patients", "trajectories", "baselines", "data")
TIMEOUT = 120  # seconds
NOTED = """
notes = "Survival is an assumption <b>here</b>."
[[table]]
file = "a.csv"
[images]
file = "{film}"
[columns]
patientid = "who"
view = "view"
finding = { constant = "Pneumonia" }
modality = { constant = "X-ray" }
"""


def serve(data: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Embed and map a cohort by texture; give the app on it."""
    from typer.testing import CliRunner

    out = str(cache.parent / "map.parquet")
    arguments = ["--data", str(data), "--cache", str(cache), "--extractor", "texture"]
    done = CliRunner().invoke(command, ["map", *arguments, "--out", out, "--method", "pca"])
    assert done.exit_code == 0, done.output
    monkeypatch.setenv("CXR_DATA", str(data))
    monkeypatch.setenv("CXR_CACHE", str(cache))
    monkeypatch.setenv("CXR_EXTRACTOR", "texture")
    monkeypatch.setattr(ui.session.jobs.JobQueue, "keep_worker", lambda self: None)
    return AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)


def test_pages_show_the_note_of_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the import assumes stands in the bar of each page; markup in it takes no effect."""
    rows = [{"who": f"p{i}", "film": f"f{i}.png", "view": "PA"} for i in range(6)]
    write_table(tmp_path / "source" / "a.csv", rows)
    for i in range(6):
        draw(tmp_path / "source" / f"f{i}.png", i)
    Importer(tmp_path / "source", name_mapping(NOTED)).run(tmp_path / "out")
    page = serve(tmp_path / "out", tmp_path / "cache", monkeypatch)
    page.run()
    for name in PAGES:
        page.switch_page(f"../pages/{name}.py").run()
        assert not page.exception, (name, page.exception)
        html = "".join(each.proto.body for each in page.get("html"))
        assert "Note: Survival is an assumption &lt;b&gt;here&lt;/b&gt;." in html, name


@pytest.mark.slow
def test_every_page_works_on_figure1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No page stops on the imported Figure 1."""
    beside = Path(os.environ.get("CXR_DATA", ".")).parent / "foreign"
    source = Path(os.environ.get("CXR_FOREIGN") or beside) / "figure1"
    if not (source / "metadata.csv").is_file():
        pytest.skip("Figure 1 is not at hand: set CXR_FOREIGN to the folder that holds figure1/.")
    report = Importer(source, find_recipe("figure1")).run(tmp_path / "figure1")
    assert report.images.n_found == 55
    page = serve(tmp_path / "figure1", tmp_path / "cache", monkeypatch)
    page.run()
    for name in PAGES:
        page.switch_page(f"../pages/{name}.py").run()
        assert not page.exception, (name, page.exception)
        assert written(page), name
