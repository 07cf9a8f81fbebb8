"""Test fetching the collection: from a server of this machine, whole, broken and false."""

import io
import json
import os
import shutil
import threading
import time
import zipfile

import pytest
import typer
from typer.testing import CliRunner

from cxrlib.cli import fetching
from cxrlib.cohort import public_collection
from cxrlib.cohort.cohort import load_cohort
from cxrlib.cohort.public_collection import COMMIT, WORK_FOLDER, FetchReport, fetch_collection
from cxrlib.errors import CohortError, DownloadError, DownloadStoppedError, SelectionError
from cxrlib.literature.paper_tables import PAPER_COMMIT
from cxrlib.system import http_download
from cxrlib.system.http_download import try_lock
from cxrlib.system.zip_archive import blob_id, tree_id
from tests.cohort_factory import make_cohort
from tests.faulty_server import Served, faulty_server

OTHERS = {
    "README.md": b"# Collection",
    "LICENSE": b"CC BY-NC-SA 4.0",
    "scripts/evil.py": b"print('no')",
    "volumes/DOWNLOAD.md": b"no",
    ".github/workflows/tests.yml": b"no",
    "metadata.csv.bak": b"no",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Make a small collection as a repository holds it."""
    root = tmp_path_factory.mktemp("collection") / "c"
    rows = [{"filename": f"image{i}.png"} for i in range(1, 6)]
    rows += [{"filename": "gone.png"}, {"filename": "ct.png", "modality": "CT", "view": "Axial"}]
    cohort = make_cohort(root, rows, scores={"image1.png": (2, 3)}, boxes=["image2.png"])
    (cohort / "images" / "gone.png").unlink()
    found = {p.relative_to(cohort).as_posix(): p.read_bytes() for p in cohort.rglob("*.*")}
    return found | OTHERS


def pack(files, commit=COMMIT):
    """Pack files as GitHub does."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(f"covid-chestxray-dataset-{commit}/{name}", content)
        made.comment = commit.encode()
    return buffer.getvalue()


def list_files(files, **changes):
    """List files as GitHub does."""
    tree = [
        {"path": name, "type": "blob", "sha": blob_id(content), "size": len(content)}
        for name, content in files.items()
    ]
    tree.append({"path": "images", "type": "tree", "sha": "0" * 40})
    return json.dumps({"sha": "0" * 40, "truncated": False, "tree": tree} | changes).encode()


@pytest.fixture
def server(files, monkeypatch):
    """Serve the small collection as the real one; its hashes are the known ones."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(http_download, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(http_download, "TIMEOUT", 60)
    monkeypatch.setattr(public_collection, "KNOWN_METADATA", blob_id(files["metadata.csv"]))
    inside = {
        p.removeprefix("annotations/"): blob_id(c)
        for p, c in files.items()
        if p.startswith("annotations/")
    }
    monkeypatch.setattr(public_collection, "KNOWN_ANNOTATIONS", tree_id(inside))
    with faulty_server() as running:
        monkeypatch.setattr(public_collection, "ARCHIVE_URL", running.url("/archive/{commit}.zip"))
        monkeypatch.setattr(public_collection, "LISTING_URL", running.url("/trees/{commit}"))
        serve(running, files)
        yield running


def serve(server, files, commit=COMMIT, *, listing=True):
    """Serve a collection; like GitHub's, the archive has no length and no ranges."""
    archive = Served(pack(files, commit), etag='W/"x"', ranges=False, length=False)
    server.answers = {f"/archive/{commit}.zip": archive}
    if listing:
        server.answers[f"/trees/{commit}"] = Served(list_files(files))
    return archive


def held(folder):
    """Read every file of a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_the_collection_arrives(server, files, tmp_path):
    """What belongs to the cohort arrives, nothing else; it loads; it is checked file by file."""
    folder, calls = tmp_path / "new" / "collection", []
    report = fetch_collection(folder, on_progress=lambda *call: calls.append(call))
    kept = {n for n in files if n.split("/")[0] in ("images", "annotations", "metadata.csv")}
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        *kept,
        *("README.md", "LICENSE", "fetched.json"),
    }
    assert all((folder / name).read_bytes() == files[name] for name in kept)
    assert (report.n_xrays, report.n_xrays_missing, report.commit) == (6, 1, COMMIT)
    assert "every file" in report.checked
    assert len(load_cohort(folder).table) == 7
    stages = [stage for stage, *_ in calls]
    assert stages[0] == "Downloading the collection"
    assert calls[-1] == ("Unpacking files", len(kept) + 2, len(kept) + 2)


def test_a_second_run_fetches_nothing(server, tmp_path):
    """What was fetched is not fetched again; another commit does not go on top of it."""
    first = fetch_collection(tmp_path / "c")
    n_asked = len(server.asked)
    assert fetch_collection(tmp_path / "c") == first
    with pytest.raises(CohortError, match=f"holds commit {COMMIT[:10]} of it already"):
        fetch_collection(tmp_path / "c", commit=PAPER_COMMIT)
    assert len(server.asked) == n_asked


def test_an_empty_folder_is_used(server, tmp_path):
    """An empty folder that somebody made for us is fine, whatever its parent allows."""
    folder = tmp_path / "made"
    folder.mkdir()
    fetch_collection(folder)
    assert (folder / "metadata.csv").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("kind", ["cohort", "other", "file", "hidden", "link"])
def test_a_folder_in_use_is_left_alone(server, tmp_path, kind):
    """A cohort, other files, a file or a link: said, nothing asked for, nothing changed."""
    folder = tmp_path / "c"
    if kind == "cohort":
        make_cohort(folder)
    elif kind == "file":
        folder.write_text("mine")
    else:
        folder.mkdir()
        if kind == "link":
            (tmp_path / "elsewhere").mkdir()
            (folder / WORK_FOLDER).symlink_to(tmp_path / "elsewhere")
        else:
            (folder / {"other": "images", "hidden": ".notes"}[kind]).mkdir()
    before = sorted(tmp_path.rglob("*"))
    words = {"cohort": "a cohort already", "file": "is a file", "link": "is a link"}
    with pytest.raises(CohortError, match=words.get(kind, "is not empty: it holds '")):
        fetch_collection(folder)
    assert sorted(tmp_path.rglob("*")) == before
    assert server.asked == []


def test_no_permission(server, tmp_path):
    """A folder that may not be written is said as such."""
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("This user may write everywhere.")
    with pytest.raises(CohortError, match="there is no permission"):
        fetch_collection(tmp_path / "c")


def test_without_the_list_the_tables_are_checked(server, files, tmp_path):
    """GitHub's list out of reach or cut: known hashes count instead, and that is said."""
    serve(server, files, listing=False)
    assert "known hashes" in fetch_collection(tmp_path / "a").checked
    for body in (list_files(files, truncated=True), b"{}", b"[]", b"[" * 10**6, b"\xff", b"null"):
        server.answers[f"/trees/{COMMIT}"] = Served(body)
        folder = tmp_path / f"b{len(body)}"
        assert "known hashes" in fetch_collection(folder).checked


def test_another_commit(server, files, tmp_path):
    """Another commit has its own address; without a list only checksums count, and it says so."""
    serve(server, files, PAPER_COMMIT)
    report = fetch_collection(tmp_path / "a", commit=PAPER_COMMIT.upper())
    assert (report.commit, report.checked[:10]) == (PAPER_COMMIT, "every file")
    serve(server, files, PAPER_COMMIT, listing=False)
    assert "only the archive's own" in fetch_collection(tmp_path / "b", commit=PAPER_COMMIT).checked
    for wrong in ("master", "", "6a42", "../" * 14, COMMIT + "0"):
        with pytest.raises(SelectionError, match="forty hexadecimal digits"):
            fetch_collection(tmp_path / "c", commit=wrong)
    assert not (tmp_path / "c").exists()


FALSE = {
    "image": "'images/image2.png' has another content than in the commit",
    "lacks": "'images/image2.png' is not in the archive",
    "more": "'images/more.png' is not of the commit",
    "commit": "is of commit 1111111111, not of",
    "no table": "holds no metadata.csv",
    "escape": "leads elsewhere",
    "damage": "damaged",
    "page": "a web page came",
}


@pytest.mark.parametrize(
    ("change", "listing"),
    # Without the list, images are known by the archive's own checksums only.
    [(c, True) for c in FALSE] + [(c, False) for c in FALSE if c not in ("image", "lacks", "more")],
)
def test_a_false_archive_is_refused(server, files, tmp_path, change, listing):
    """What is not the commit is named, removed, and gets no name in the folder."""
    false = dict(files)
    if change == "image":
        false["images/image2.png"] += b"?"
    elif change in ("lacks", "no table"):
        del false["images/image2.png" if change == "lacks" else "metadata.csv"]
    elif change in ("more", "escape"):
        false["images/more.png" if change == "more" else "../../evil"] = b"?"
    archive = serve(server, files, listing=listing)
    archive.data = pack(false, "1" * 40 if change == "commit" else COMMIT)
    if change == "damage":
        archive.data = archive.data[:-900]
    if change == "page":
        archive.content_type = "text/html"
    with pytest.raises(DownloadError, match=FALSE[change]):
        fetch_collection(tmp_path / "c")
    assert not list(tmp_path.rglob("*.zip"))
    assert not list(tmp_path.rglob("*.png"))
    assert not list(tmp_path.rglob("evil"))
    serve(server, files)
    assert fetch_collection(tmp_path / "c").n_xrays == 6


@pytest.mark.parametrize("changed", ["metadata.csv", "annotations/covid-severity-scores.csv"])
def test_false_tables_are_noticed_without_the_list(server, files, tmp_path, changed):
    """Table and annotations are known by hash."""
    serve(server, {**files, changed: files[changed] + b"\n"}, listing=False)
    with pytest.raises(DownloadError, match="are not those of commit"):
        fetch_collection(tmp_path / "c")


def test_a_broken_download_leaves_no_cohort_and_is_resumed(server, files, tmp_path):
    """After a break only the hidden folder is there; with ranges the rest alone is fetched."""
    archive = serve(server, files)
    archive.etag, archive.ranges, archive.length = '"x"', True, True
    archive.faults = ["drop:9000", *["status:503"] * 5]
    with pytest.raises(DownloadError, match=r"503 .* are kept"):
        fetch_collection(tmp_path / "c")
    assert [p.name for p in (tmp_path / "c").iterdir()] == [WORK_FOLDER]
    sent = server.n_sent
    fetch_collection(tmp_path / "c")
    assert server.n_sent - sent == len(archive.data) - 9000
    assert not (tmp_path / "c" / WORK_FOLDER).exists()


def test_no_network_leaves_nothing(tmp_path, monkeypatch):
    """Without network: one clear error within seconds, and no folder is left."""
    monkeypatch.setattr(
        public_collection, "ARCHIVE_URL", "https://no-such-name.invalid/{commit}.zip"
    )
    monkeypatch.setattr(public_collection, "LISTING_URL", "https://no-such-name.invalid/{commit}")
    started = time.monotonic()
    with pytest.raises(DownloadError, match="no network"):
        fetch_collection(tmp_path / "c")
    assert time.monotonic() - started < 60
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("stage", ["Downloading the collection", "Unpacking files"])
def test_stopping(server, tmp_path, stage, monkeypatch):
    """Stopped in any stage: no cohort, and the next run ends it."""
    monkeypatch.setattr(http_download, "ASK_INTERVAL", 0)
    seen = []
    words = {"Unpacking files": "archive is kept"}.get(stage, "cannot be resumed")
    with pytest.raises(DownloadStoppedError, match=words):
        fetch_collection(
            tmp_path / "c",
            on_progress=lambda *call: seen.append(call[0]),
            should_stop=lambda: stage in seen,
        )
    assert not (tmp_path / "c" / "metadata.csv").exists()
    assert not list((tmp_path / "c" / WORK_FOLDER).glob("*.part"))
    n_asked = len(server.asked)
    fetch_collection(tmp_path / "c")
    assert (len(server.asked) == n_asked) == (stage == "Unpacking files")


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
def test_killed_while_files_get_their_names(server, files, tmp_path, monkeypatch, after):
    """Ended between two renames: metadata.csv comes last, and the next run ends it offline."""
    rename, done = public_collection.Path.rename, []

    def fail(path, target):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(target)
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(public_collection.Path, "rename", fail)
        with pytest.raises(KeyboardInterrupt):
            fetch_collection(tmp_path / "c")
    assert not (tmp_path / "c" / "metadata.csv").exists()
    with pytest.raises(CohortError, match=f"unfinished run for commit {COMMIT}"):
        fetch_collection(tmp_path / "c", commit=PAPER_COMMIT)
    server.answers = {}
    assert fetch_collection(tmp_path / "c").n_xrays == 6
    assert (tmp_path / "c" / "images" / "image1.png").read_bytes() == files["images/image1.png"]
    assert not (tmp_path / "c" / WORK_FOLDER).exists()


def test_room_is_asked_for_archive_and_files(server, files, tmp_path, monkeypatch):
    """Both sizes count before the first byte of the archive is asked for."""
    size = sum(map(len, files.values()))
    usage = shutil.disk_usage("/")
    free = http_download.SPARE_SPACE + size + size // 2
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(DownloadError, match="of space and the disk of"):
        fetch_collection(tmp_path / "c")
    assert not any("/archive/" in path for path, _ in server.asked)


def test_a_disk_that_fills_up(server, tmp_path, monkeypatch):
    """A disk full while unpacking: said, what was unpacked is removed, the archive is kept."""

    def fill(*_, **__):
        (tmp_path / "c" / WORK_FOLDER / "unpacked").mkdir()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(public_collection, "unpack_archive", fill)
        with pytest.raises(CohortError, match="there is no space left on the disk"):
            fetch_collection(tmp_path / "c")
    assert not (tmp_path / "c" / WORK_FOLDER / "unpacked").exists()
    n_asked = len(server.asked)
    fetch_collection(tmp_path / "c")
    assert len(server.asked) == n_asked


def test_two_runs_into_one_folder(server, tmp_path):
    """The second says that the first is at work."""
    work = tmp_path / "c" / WORK_FOLDER
    work.mkdir(parents=True)
    with try_lock(work / "lock") as free:
        assert free
        with pytest.raises(CohortError, match="Another run is fetching"):
            fetch_collection(tmp_path / "c")
    assert server.asked == []
    fetch_collection(tmp_path / "c")


def test_two_runs_at_once(server, tmp_path):
    """Whoever comes first fetches; the other is told so or finds it done."""
    results = []

    def go():
        try:
            results.append(fetch_collection(tmp_path / "c"))
        except CohortError as error:
            results.append(str(error))

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(results) == 3
    assert any(isinstance(result, FetchReport) for result in results)
    assert fetch_collection(tmp_path / "c").n_xrays == 6


# ---- the command


def run(*arguments):
    """Run the command alone."""
    app = typer.Typer()
    fetching.register(app)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["fetch", *arguments])


def test_the_command_shows_the_notice_first(server, tmp_path):
    """Without --yes and nobody to ask, nothing is fetched and the notice is there to read."""
    result = run(str(tmp_path / "c"))
    assert result.exit_code == 1
    assert "CC BY-NC-SA" in result.stderr
    assert "add --yes" in result.stderr
    assert server.asked == []


def test_the_command(server, tmp_path):
    """Results go to standard output, as JSON if asked."""
    result = run(str(tmp_path / "c"), "--yes", "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["n_xrays"] == 6
    assert "CC BY-NC-SA" in result.stderr
    assert run(str(tmp_path / "c"), "--yes").stdout.startswith("root ")


def test_the_command_fetches_weights_alone(server, tmp_path, monkeypatch):
    """Weights need no folder, and no notice about images."""
    monkeypatch.setattr(fetching, "download_weights", lambda name, **_: tmp_path / name)
    result = run("--weights", "densenet121-res224-all")
    assert result.exit_code == 0
    assert str(tmp_path / "densenet121-res224-all") in result.stdout.replace("\n", "")
    assert "licence" not in result.stderr
    assert server.asked == []


def test_the_command_says_errors_in_a_line(server, tmp_path):
    """A known error is one line and exit code 1."""
    server.answers = {}
    result = run(str(tmp_path / "c"), "--yes")
    assert result.exit_code == 1
    assert "404 Not Found" in result.stderr.splitlines()[-1]


def test_what_is_known_is_true(real_root):
    """The hashes in the module are those of the collection's last state."""
    blobs = {
        p.relative_to(real_root).as_posix(): blob_id(p.read_bytes())
        for p in [real_root / "metadata.csv", *real_root.joinpath("annotations").rglob("*")]
        if p.is_file()
    }
    assert blobs.pop("metadata.csv") == public_collection.KNOWN_METADATA
    inside = {path.removeprefix("annotations/"): blob for path, blob in blobs.items()}
    assert tree_id(inside) == public_collection.KNOWN_ANNOTATIONS
