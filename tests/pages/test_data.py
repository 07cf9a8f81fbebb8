"""The data page, run without a browser; no worker is started."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui.data.own_features
import ui.data.work_panel
import ui.session.jobs
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.embedding import list_own_sets, remove_own_set
from cxrlib.errors import StoreError
from cxrlib.jobs import JobQueue, JobRequest, format_job
from cxrlib.maps import ExtractorState
from cxrlib.storage import Store
from tests.own_cohort_factory import make_own_cohort
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
    monkeypatch.setattr(ui.session.jobs.JobQueue, "keep_worker", lambda self: None)
    for job in JobQueue(cache).list():
        JobQueue(cache).cancel(job.id)
        JobQueue(cache).forget(job.id)
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app.run()
    app.switch_page("../pages/data.py").run()
    return app


def test_data_page_shows_counts_and_tables(page: AppTest) -> None:
    """Counts with units, the fingerprint, extractors and the cache stand on the page."""
    assert not page.exception
    text = written(page)
    assert page.title[0].value == "Which data are available, and what is missing?"
    assert "X-rays of" in text
    assert "with a readable file" in text
    assert "images embedded" in text
    assert any(len(e.value) == 64 for e in page.code)
    assert len(page.dataframe) >= 1


def test_data_page_offers_missing_weights_with_a_way_without_internet(page: AppTest) -> None:
    """The pretrained network can be downloaded, or its file put into place."""
    labels = [b.label for b in page.button if b.label.startswith("Download")]
    assert labels == ["Download weights (28 MB)"]
    text = written(page)
    assert "SHA-256 56524913" in text
    assert str(ROOT) not in text


def test_button_starts_a_job_and_progress_takes_its_place(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """The untrained control is not embedded: its button starts one job, shown as waiting."""
    next(b for b in page.button if b.label == "Compute the map").click().run()
    assert not page.exception
    (job,) = JobQueue(served_demo[1]).list()
    assert (job.kind, job.state) == ("prepare", "waiting")
    assert "Cancel job" in [b.label for b in page.button]
    assert "waiting" in written(page)


def test_job_is_cancelled_resumed_and_removed(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """What one session started another can cancel; it can be resumed, and removed."""
    data, cache = served_demo
    request = JobRequest("embed", {"data": str(data), "extractor": "densenet121-untrained"})
    JobQueue(cache).submit(request, label="Somebody's embeddings")
    page.run()
    page.button(key=f"cancel-list-{request.id}").click().run()
    assert JobQueue(cache).read(request.id).state == "cancelled"
    page.button(key=f"resume-{request.id}").click().run()
    assert JobQueue(cache).read(request.id).state == "waiting"
    page.button(key=f"cancel-list-{request.id}").click().run()
    page.button(key=f"forget-{request.id}").click().run()
    assert JobQueue(cache).read(request.id) is None
    assert not page.exception


def test_weights_files_have_an_offer_each(
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
        offers = [b for b in page.button if b.key and b.key.startswith("start-")]
        assert [b.label for b in offers[:2]] == ["Compute the map", "Compute the map"]
        assert "weights bbbbbbbb" in written(page)
        assert "By hand." in written(page)
        offers[1].click().run()
    finally:
        ui.data.work_panel._list_states.cache_clear()
    (job,) = JobQueue(served_demo[1]).list()
    assert (job.kind, job.parameters["extractor"]) == ("map", f"texture-{'b' * 16}-texture-v1")


def test_job_of_another_version_cannot_be_resumed(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """A record may ask for a kind of work that this program lacks: a sentence, no traceback."""
    book = JobQueue(served_demo[1])
    job = book.submit(JobRequest("demo"), label="Of another version")
    job = replace(book.cancel(job.id), kind="bake")
    (book.folder / f"{job.id}.json").write_bytes(format_job(job))
    page.run()
    page.button(key=f"resume-{job.id}").click().run()
    assert not page.exception
    assert "Kind of job 'bake' is not known" in written(page)


def test_unreadable_jobs_leave_the_page(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, and the page below the jobs is still there."""

    def refuse(self: JobQueue) -> list[Path]:
        raise StoreError("The jobs could not be read.")

    monkeypatch.setattr(JobQueue, "_list_records", refuse)
    page.run()
    assert not page.exception
    assert written(page).count("The jobs could not be read.") == 1
    assert "Cache" in [each.value for each in page.subheader]


def test_unknown_cohort_in_the_address_is_reported(page: AppTest) -> None:
    """A slug that the server does not have is named; the first cohort is shown."""
    page.query_params["cohort"] = "../../etc"
    page.run()
    assert not page.exception
    assert "'../../etc', which this page does not have" in written(page)


def test_unusable_cohort_leaves_the_rest_usable(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty folder is named in a sentence; jobs and cache still stand."""
    monkeypatch.setenv("CXR_DATA", str(tmp_path))
    page.run()
    assert not page.exception
    assert "metadata.csv" in written(page)
    assert "Cache" in [each.value for each in page.subheader]


def test_collection_is_offered_until_it_is_there(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its button goes once it was downloaded; the list of jobs is empty all the while."""
    monkeypatch.setenv("CXR_DATA", str(tmp_path))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    page.run()
    assert "No jobs yet." in written(page)
    assert "Accept and download" in [b.label for b in page.button]
    fetched = tmp_path / "cache" / "collection"
    fetched.mkdir(parents=True)
    (fetched / "metadata.csv").write_text("patientid")
    page.run()
    assert not page.exception
    assert "Accept and download" not in [b.label for b in page.button]
    assert "No jobs yet." in written(page)


def test_resume_has_one_label_everywhere(page: AppTest, served_demo: tuple[Path, Path]) -> None:
    """A job that failed is offered by the same words where it was started and in the list."""
    book = JobQueue(served_demo[1])
    next(b for b in page.button if b.label == "Make all thumbnails").click().run()
    (job,) = book.list()
    failed = replace(book.cancel(job.id), state="failed", error="It was a test.")
    (book.folder / f"{job.id}.json").write_bytes(format_job(failed))
    page.run()
    assert not page.exception
    keys = {f"start-{job.id}", f"resume-{job.id}"}
    assert [b.label for b in page.button if b.key in keys] == ["Resume job", "Resume job"]


def test_missing_demo_is_offered(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a bare machine the demo is one button away."""
    monkeypatch.delenv("CXR_DATA")
    monkeypatch.setenv("CXR_CACHE", str(tmp_path))
    page.run()
    assert not page.exception
    assert "Demo cohort: not generated yet" in written(page)
    offer = next(b for b in page.button if b.label.startswith("Generate the demo"))
    offer.click().run()
    assert [job.kind for job in JobQueue(tmp_path).list()] == ["demo"]


def test_public_collection_is_offered_with_its_licences_first(
    page: AppTest, served_demo: tuple[Path, Path]
) -> None:
    """The notice is beside the button, which starts the job."""
    text = written(page)
    assert "where the column is blank nothing is granted" in text
    next(b for b in page.button if b.label == "Accept and download").click().run()
    assert "collection" in [job.kind for job in JobQueue(served_demo[1]).list()]


def test_fetched_collection_is_among_the_cohorts(
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


def test_data_page_lists_sets_and_takes_files_only_where_allowed(
    page: AppTest, served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stored set is listed; a form and a way to remove it are there with --allow-uploads only."""
    data, cache = served_demo
    cohort = load_cohort(data, store=Store(cache))
    ids = list(cohort.table["image_id"][:9])
    text = "image_id,a,<b>\n" + "".join(f"{each},{i},{i % 3}\n" for i, each in enumerate(ids))
    told = ui.data.own_features._add(cohort, "listed", "x.csv", text.encode(), None)
    assert told[0] == (False, "Stored listed: 9 images of this cohort have features.")
    try:
        page.run()
        assert not page.exception
        assert "listed:" in written(page)
        assert "listed (features from outside)" in written(page)
        assert not [button for button in page.button if button.label == "Remove set"]
        assert "features add FILE" in written(page)
        monkeypatch.setenv("CXR_ALLOW_UPLOADS", "1")
        page.run()
        (button,) = [button for button in page.button if button.label == "Remove set"]
        assert "stored for all users" in written(page)
        button.click().run()
        assert not page.exception
        assert "listed:" not in written(page)
    finally:
        for own in list_own_sets(Store(cache)):
            remove_own_set(Store(cache), own.name)


def test_own_features_form_says_what_is_wrong(
    served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of a file is told, not raised; the server's disk has an end."""
    data, cache = served_demo
    monkeypatch.setenv("CXR_CACHE", str(cache))
    cohort = load_cohort(data, store=Store(cache))
    ((is_error, words),) = ui.data.own_features._add(cohort, "x", "x.csv", b"\xff", None)
    assert is_error
    assert "not UTF-8" in words
    monkeypatch.setattr(ui.data.own_features, "MOST_SETS", 0)
    ((is_error, words),) = ui.data.own_features._add(cohort, "x", "x.csv", b"", None)
    assert is_error
    assert "at most" in words


def test_data_page_gives_extra_columns_with_their_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts stand beside how many rows there are; of a number its range."""
    monkeypatch.setenv("CXR_DATA", str(make_own_cohort(tmp_path / "c", n_images=12).root))
    monkeypatch.setenv("CXR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(ui.session.jobs.JobQueue, "keep_worker", lambda self: None)
    app = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    app = app.run().switch_page("../pages/data.py").run()
    assert not app.exception
    table = next(each.value for each in app.dataframe if "type" in each.value).set_index("column")
    assert table.loc["Later", "rows with a value, of 12"] == 12
    assert table.loc["Later", "values"] == "no 6, yes 6"
    assert " to " in table.loc["crp", "values"]
    assert "those of type yes/no or category held out" in written(app)
