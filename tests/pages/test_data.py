"""The data page, run without a browser; no worker is started."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui.data.work_panel
import ui.session.jobs
from cxrlib.cohort import Cohort
from cxrlib.errors import StoreError
from cxrlib.jobs import JobBook, JobRequest, format_job
from cxrlib.maps import ExtractorState
from cxrlib.storage import Store
from tests.pages.reading import written

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120  # seconds


@pytest.fixture
def page(served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Give the app on the small demo cohort, on its data page."""
    data, cache = served_demo
    monkeypatch.setenv("CXR_DATA", str(data))
    monkeypatch.setenv("CXR_CACHE", str(cache))
    monkeypatch.setenv("HOME", str(cache))  # no weights that happen to be on this machine
    monkeypatch.delenv("CXR_EXTRACTOR", raising=False)
    monkeypatch.setattr(ui.session.jobs.JobBook, "keep_worker", lambda self: None)
    for job in JobBook(cache).list():
        JobBook(cache).cancel(job.id)
        JobBook(cache).forget(job.id)
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.run()
    app.switch_page("../pages/data.py").run()
    return app


def test_says_what_is_here(page: AppTest) -> None:
    """Counts with units, the fingerprint, extractors and the cache stand on the page."""
    assert not page.exception
    text = written(page)
    assert page.title[0].value == "What is here, and what is missing?"
    assert "X-rays of" in text
    assert "with a readable file" in text
    assert "images embedded" in text
    assert any(len(e.value) == 64 for e in page.code)
    assert len(page.dataframe) >= 1


def test_missing_weights_are_offered_with_a_way_without_internet(page: AppTest) -> None:
    """The pretrained network can be downloaded, or its file put into place."""
    assert [b.label for b in page.button if "Download" in b.label] == ["Download 28 MB"]
    text = written(page)
    assert "SHA-256 56524913" in text
    assert str(ROOT) not in text


def test_a_button_hands_in_a_job_and_progress_takes_its_place(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """The untrained control is not embedded: its button starts one job, shown as waiting."""
    next(b for b in page.button if b.label == "Embed and map").click().run()
    assert not page.exception
    (job,) = JobBook(served_demo[1]).list()
    assert (job.kind, job.state) == ("prepare", "waiting")
    assert "Cancel" in [b.label for b in page.button]
    assert "waiting" in written(page)


def test_a_job_is_cancelled_resumed_and_forgotten(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """What one session started another can cancel; it can be resumed, and forgotten."""
    data, cache = served_demo
    request = JobRequest("embed", {"data": str(data), "extractor": "densenet121-untrained"})
    JobBook(cache).submit(request, label="Somebody's embeddings")
    page.run()
    page.button(key=f"cancel-list-{request.id}").click().run()
    assert JobBook(cache).read(request.id).state == "cancelled"
    page.button(key=f"resume-{request.id}").click().run()
    assert JobBook(cache).read(request.id).state == "waiting"
    page.button(key=f"cancel-list-{request.id}").click().run()
    page.button(key=f"forget-{request.id}").click().run()
    assert JobBook(cache).read(request.id) is None
    assert not page.exception


def test_each_weights_file_has_its_own_offer(
    page: AppTest, served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three sets of one network: jobs know one, map another, and leave the third to its owner."""
    states = ui.data.work_panel.list_extractor_states

    def list_three(cohort: Cohort, store: Store) -> list[ExtractorState]:
        first = next(s for s in states(cohort, store) if s.name == "texture")
        infos = [replace(first.info, weights_sha256=sign * 64) for sign in "abc"]
        return [
            replace(first, info=infos[0], ready="incomplete"),
            replace(first, info=infos[1], ready="no map", is_at_hand=False),
            replace(first, info=infos[2], ready="incomplete", is_at_hand=False, advice="By hand."),
        ]

    monkeypatch.setattr(ui.data.work_panel, "list_extractor_states", list_three)
    ui.data.work_panel._list_states.cache_clear()
    try:
        page.run()
        assert not page.exception
        offers = [b.label for b in page.button if b.key and b.key.startswith("start-")]
        assert offers[:2] == ["Embed and map", "Make the map"]
        assert "weights bbbbbbbb" in written(page)
        assert "By hand." in written(page)
        next(b for b in page.button if b.label == "Make the map").click().run()
    finally:
        ui.data.work_panel._list_states.cache_clear()
    (job,) = JobBook(served_demo[1]).list()
    assert (job.kind, job.parameters["extractor"]) == ("map", f"texture-{'b' * 16}-texture-v1")


def test_a_job_of_another_version_cannot_be_resumed_and_says_so(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """A record may ask for a kind of work that this program lacks: a sentence, no traceback."""
    book = JobBook(served_demo[1])
    job = book.submit(JobRequest("demo"), label="Of another version")
    job = replace(book.cancel(job.id), kind="bake")
    (book.folder / f"{job.id}.json").write_bytes(format_job(job))
    page.run()
    page.button(key=f"resume-{job.id}").click().run()
    assert not page.exception
    assert "Kind of job 'bake' is not known" in written(page)


def test_a_list_of_jobs_that_cannot_be_read_leaves_the_page(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, and what stands below the jobs is still there."""

    def refuse(self: JobBook) -> list[Path]:
        raise StoreError("The jobs could not be read.")

    monkeypatch.setattr(JobBook, "_list_records", refuse)
    page.run()
    assert not page.exception
    assert written(page).count("The jobs could not be read.") == 1
    assert "In the cache" in written(page)


def test_an_unknown_cohort_in_the_address_is_reported(page: AppTest) -> None:
    """A slug that the server does not have is named; the first cohort is shown."""
    page.query_params["cohort"] = "../../etc"
    page.run()
    assert not page.exception
    assert "'../../etc', which this page does not have" in written(page)


def test_a_cohort_that_cannot_be_used_leaves_the_rest_usable(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty folder is named in a sentence; jobs and cache still stand."""
    monkeypatch.setenv("CXR_DATA", str(tmp_path))
    page.run()
    assert not page.exception
    assert "metadata.csv" in written(page)
    assert "In the cache" in written(page)


def test_what_can_be_started_is_said_only_where_a_button_is(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an offer above, the empty list of jobs points at none."""
    monkeypatch.setenv("CXR_DATA", str(tmp_path))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    page.run()
    assert "No job has been asked for. Buttons above start one." in written(page)
    fetched = tmp_path / "cache" / "collection"
    fetched.mkdir(parents=True)
    (fetched / "metadata.csv").write_text("patientid")
    page.run()
    assert not page.exception
    assert "I agree: fetch it" not in [b.label for b in page.button]
    assert "No job has been asked for." in written(page)
    assert "Buttons above" not in written(page)


def test_one_word_for_going_on_with_a_job(page: AppTest, served_demo: tuple[Path, Path]) -> None:
    """A job that failed is offered by the same word where it was asked for and in the list."""
    book = JobBook(served_demo[1])
    next(b for b in page.button if b.label == "Make all now").click().run()
    (job,) = book.list()
    failed = replace(book.cancel(job.id), state="failed", error="It was a test.")
    (book.folder / f"{job.id}.json").write_bytes(format_job(failed))
    page.run()
    assert not page.exception
    keys = {f"start-{job.id}", f"resume-{job.id}"}
    assert [b.label for b in page.button if b.key in keys] == ["Resume", "Resume"]


def test_a_demo_that_is_not_there_is_offered(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a bare machine the demo is one button away."""
    monkeypatch.delenv("CXR_DATA")
    monkeypatch.setenv("CXR_CACHE", str(tmp_path))
    page.run()
    assert not page.exception
    offer = next(b for b in page.button if b.label.startswith("Generate the demo"))
    offer.click().run()
    assert [job.kind for job in JobBook(tmp_path).list()] == ["demo"]


def test_the_public_collection_is_offered_with_its_licences_first(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """The notice stands beside the button; what was fetched is a cohort of this server."""
    text = written(page)
    assert "where the column is blank nothing is granted" in text
    next(b for b in page.button if b.label == "I agree: fetch it").click().run()
    assert "collection" in [job.kind for job in JobBook(served_demo[1]).list()]


def test_a_fetched_collection_stands_among_the_cohorts(
    served_demo: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after those that were named, under a name of its own."""
    from ui.session.resources import list_cohorts

    monkeypatch.setenv("CXR_CACHE", str(tmp_path))
    monkeypatch.delenv("CXR_DATA", raising=False)
    assert [entry.slug for entry in list_cohorts()] == ["demo"]
    (tmp_path / "collection").mkdir()
    (tmp_path / "collection" / "metadata.csv").write_text("patientid")
    assert [entry.slug for entry in list_cohorts()] == ["demo", "collection"]
    monkeypatch.setenv("CXR_DATA", str(served_demo[0]))
    assert [entry.slug for entry in list_cohorts()] == ["demo-2", "collection", "demo"]
