"""Test fetching the collection: from a repository of this machine, whole, broken and hostile."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import fields

import filelock
import pytest
import typer
from typer.testing import CliRunner

from cxrlib.cli import fetching
from cxrlib.cohort import COMMIT, fetch_collection, git, load_cohort, public_collection
from cxrlib.cohort.git import Git
from cxrlib.cohort.public_collection import WORK_FOLDER, FetchReport
from cxrlib.errors import CohortError, DownloadError, DownloadStoppedError, SelectionError
from cxrlib.literature import PAPER_COMMIT
from tests.cohort_factory import make_cohort

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

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


class Repository:
    """Keep a bare repository that serves parts of itself, as GitHub does."""

    def __init__(self, folder):
        self.folder = folder
        self.url = folder.as_uri()
        self.do("init", "--quiet", "--bare", str(folder))
        for name in ("allowFilter", "allowAnySHA1InWant"):
            self.do("config", f"uploadpack.{name}", "true")

    def do(self, *arguments, given=b""):
        """Run a git command on it and return what it writes."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "a", f"GIT_{role}_EMAIL": "a@example.org"}
        command = ["git", f"--git-dir={self.folder}", *arguments]
        done = subprocess.run(
            command, input=given, env=environment, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def add(self, content, kind="blob"):
        """Store an object, however strange."""
        options = ("hash-object", "-w", "-t", kind, "--literally", "--stdin")
        return self.do(*options, given=content)

    def commit(self, files, *, special=()):
        """Commit files, and entries of another mode as (mode, id, path)."""
        self.do("read-tree", "--empty")
        entries = [("100644", self.add(content), path) for path, content in files.items()]
        lines = "".join(f"{m} {i}\t{p}\0" for m, i, p in [*entries, *special])
        self.do("update-index", "-z", "--index-info", given=lines.encode())
        return self.commit_tree(self.do("write-tree"))

    def commit_tree(self, tree):
        """Commit a tree and give it a branch."""
        made = self.do("commit-tree", tree, "-m", "x")
        self.do("update-ref", f"refs/heads/b{made[:8]}", made)
        return made


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Serve a repository of this machine as the real one; fetch small lots, without pauses."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(git, "PAUSE", 0.01)
    monkeypatch.setattr(public_collection, "LOT", 2)
    made = Repository(tmp_path / "repository.git")
    monkeypatch.setattr(public_collection, "REPOSITORY_URL", made.url)
    return made


@pytest.fixture
def commit(repository, files):
    """Commit the small collection."""
    return repository.commit(files)


@pytest.fixture
def target(tmp_path):
    """Name a folder to be made, alone in another."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place" / "c"


@pytest.fixture
def fetched_ids(monkeypatch):
    """Note every object that is asked for."""
    inner, asked = Git._fetch, []

    def note(self, *arguments, on_wait):
        asked.extend(a for a in arguments if len(a) == 40)
        inner(self, *arguments, on_wait=on_wait)

    monkeypatch.setattr(Git, "_fetch", note)
    return asked


def go_offline(repository):
    """Take the repository away."""
    repository.folder.rename(repository.folder.with_name("away"))


def go_online(repository):
    """Bring it back."""
    repository.folder.with_name("away").rename(repository.folder)


def is_wanted(path):
    """Tell whether a file of `files` belongs to the cohort."""
    return path.split("/")[0] in ("images", "annotations", "metadata.csv", "README.md", "LICENSE")


def check_arrived(folder, files):
    """Compare a folder with the collection, byte for byte."""
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    kept = {path for path in files if is_wanted(path)}
    assert found == kept | {"fetched.json"}
    assert all((folder / path).read_bytes() == files[path] for path in kept)


def test_fetch_collection_brings_the_cohort_alone(commit, files, target):
    """What belongs to the cohort arrives, nothing else; it loads; it is checked file by file."""
    calls = []
    report = fetch_collection(
        target / "new", commit=commit, on_progress=lambda *call: calls.append(call)
    )
    check_arrived(target / "new", files)
    assert (report.n_xrays, report.n_xrays_missing, report.commit) == (6, 1, commit)
    assert report.n_bytes == sum(len(files[path]) for path in files if is_wanted(path))
    assert "every file" in report.checked
    assert len(load_cohort(target / "new").table) == 7
    stages = list(dict.fromkeys(stage.partition(" (")[0] for stage, *_ in calls))
    assert stages == ["Fetching the list of files", "Fetching files", "Unpacking files"]
    assert calls[-1] == ("Unpacking files", report.n_files, report.n_files)


def test_fetch_collection_leaves_other_files_on_the_server(repository, files, target, monkeypatch):
    """Contents that are not of the cohort are not transferred."""
    commit = repository.commit({**files, "scripts/large.bin": os.urandom(3_000_000)})
    seen = []
    monkeypatch.setattr(Git, "_wait", _spy_on_size(Git._wait, seen))
    fetch_collection(target, commit=commit)
    assert 0 < max(seen) < 1_000_000


def _spy_on_size(wait, seen):
    def spy(self, process, on_wait):
        wait(self, process, on_wait)
        seen.append(self.n_bytes())

    return spy


@pytest.mark.parametrize(
    "record",
    ["[" * 100_000, "{}", "no JSON", json.dumps({field.name: 5 for field in fields(FetchReport)})],
)
def test_fetch_collection_refuses_a_folder_with_a_damaged_record(record, commit, target):
    """Whatever its record holds, a folder with a table is left as it is, in a sentence."""
    target.mkdir()
    (target / "metadata.csv").write_text("patientid\n")
    (target / "fetched.json").write_text(record)
    with pytest.raises(CohortError, match="already holds"):
        fetch_collection(target, commit=commit)
    assert len(list(target.iterdir())) == 2


def test_fetch_collection_a_second_time_fetches_nothing(commit, repository, target):
    """What was fetched is not fetched again; another commit does not go on top of it."""
    first = fetch_collection(target, commit=commit)
    go_offline(repository)
    assert fetch_collection(target, commit=commit.upper()) == first
    with pytest.raises(CohortError, match=f"already holds commit {commit[:10]} of it"):
        fetch_collection(target, commit=PAPER_COMMIT)


def test_fetch_collection_uses_an_empty_folder(commit, target):
    """An empty folder that somebody made for us is fine, whatever its parent allows."""
    target.mkdir()
    fetch_collection(target, commit=commit)
    assert (target / "metadata.csv").exists()
    assert [p.name for p in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("kind", ["cohort", "other", "file", "hidden", "link"])
def test_fetch_collection_leaves_a_folder_in_use_alone(commit, target, kind, fetched_ids):
    """A cohort, other files, a file or a link: said, nothing asked for, nothing changed."""
    if kind == "cohort":
        make_cohort(target)
    elif kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        if kind == "link":
            (target.parent / "elsewhere").mkdir()
            (target / WORK_FOLDER).symlink_to(target.parent / "elsewhere")
        else:
            (target / {"other": "images", "hidden": ".notes"}[kind]).mkdir()
    before = sorted(target.parent.rglob("*"))
    words = {"cohort": "already holds a cohort", "file": "is a file", "link": "is a link"}
    with pytest.raises(CohortError, match=words.get(kind, "is not empty: it holds '")):
        fetch_collection(target, commit=commit)
    assert sorted(target.parent.rglob("*")) == before
    assert fetched_ids == []


def test_fetch_collection_says_that_it_may_not_write(commit, tmp_path):
    """A folder that may not be written is said as such."""
    (tmp_path / "closed").mkdir(mode=0o500)
    if os.access(tmp_path / "closed", os.W_OK):
        pytest.skip("This user may write everywhere.")
    with pytest.raises(CohortError, match="there is no permission"):
        fetch_collection(tmp_path / "closed" / "c", commit=commit)


def test_fetch_collection_takes_another_commit(commit, repository, files, target):
    """Another commit has its own files; what is none, or not there, is said."""
    changed = files | {"images/image1.png": files["images/image2.png"]}
    other = repository.commit(changed)
    fetch_collection(target / "a", commit=other)
    check_arrived(target / "a", changed)
    for wrong in ("master", "", "6a42", "../" * 14, COMMIT + "0"):
        with pytest.raises(SelectionError, match="forty hexadecimal digits"):
            fetch_collection(target / "b", commit=wrong)
    with pytest.raises(DownloadError, match="no such commit"):
        fetch_collection(target / "b", commit="1" * 40)
    assert not (target / "b").exists()


# ---- hostile contents


def test_fetch_collection_refuses_links_and_repositories(repository, files, target):
    """A link or a repository among the wanted files: named, and nothing of it is written."""
    link = repository.add(b"/etc/passwd")
    for mode, id_, path in (
        ("120000", link, "images/link.png"),
        ("120000", link, "README.md"),
        ("160000", "1" * 40, "annotations/other"),
    ):
        others = {k: v for k, v in files.items() if k != path}
        commit = repository.commit(others, special=[(mode, id_, path)])
        with pytest.raises(DownloadError, match=f"'{path}' is a link or a repository"):
            fetch_collection(target, commit=commit)
        assert [p.name for p in target.iterdir()] == [WORK_FOLDER]
    commit = repository.commit(files, special=[("120000", link, "scripts/link")])
    fetch_collection(target, commit=commit)
    check_arrived(target, files)


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "."])
def test_fetch_collection_refuses_paths_that_lead_elsewhere(repository, files, target, name):
    """Git itself refuses a path that leaves the folder or enters a repository."""
    blob = repository.add(b"evil")
    inner = repository.add(b"100644 evil\0" + bytes.fromhex(blob), "tree")
    images = repository.add(f"40000 {name}\0".encode() + bytes.fromhex(inner), "tree")
    table = repository.add(files["metadata.csv"])
    top = b"40000 images\0" + bytes.fromhex(images)
    top += b"100644 metadata.csv\0" + bytes.fromhex(table)
    with pytest.raises(DownloadError):
        fetch_collection(target, commit=repository.commit_tree(repository.add(top, "tree")))
    assert not list(target.parent.rglob("evil"))
    assert not (target / "metadata.csv").exists()


def test_fetch_collection_obeys_no_attributes(repository, files, target):
    """Attributes that change line ends, encodings or words, or name a filter, do nothing."""
    text = b"$Id$ one\r\ntwo\n\xe4\n"
    attributes = b"* text eol=crlf ident filter=evil working-tree-encoding=UTF-16\n"
    hostile = files | {
        "images/.gitattributes": attributes,
        ".gitattributes": attributes,
        "annotations/notes.txt": text,
    }
    fetch_collection(target, commit=repository.commit(hostile))
    check_arrived(target, {k: v for k, v in hostile.items() if k != ".gitattributes"})


def test_fetch_collection_runs_nothing_of_the_user(commit, files, target, tmp_path, monkeypatch):
    """Hooks, filters, helpers and monitors of the user's settings and environment stay unused."""
    home, mark = tmp_path / "home", tmp_path / "ran"
    (home / "hooks").mkdir(parents=True)
    script = home / "script"
    script.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    script.chmod(0o700)
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        (home / "hooks" / name).symlink_to(script)
    lines = [
        f"[core]\n hooksPath = {home}/hooks\n fsmonitor = {script}\n sshCommand = {script}",
        f" attributesFile = {home}/attributes\n autocrlf = true",
        f'[filter "evil"]\n smudge = {script}\n process = {script}\n required = true',
        f"[init]\n templateDir = {home}\n[credential]\n helper = {script}",
        f'[url "ext::{script}"]\n insteadOf = file:',
        f"[core]\n alternateRefsCommand = {script}\n[trace2]\n eventTarget = {mark}",
    ]
    (home / ".gitconfig").write_text("\n".join(lines))
    (home / "attributes").write_text("* filter=evil text\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(home))
    monkeypatch.setenv("GIT_TRACE", str(mark))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(script))
    monkeypatch.setenv("GIT_DIR", str(home))
    fetch_collection(target, commit=commit)
    check_arrived(target, files)
    assert not mark.exists()


def test_git_keeps_proxies_and_certificates_of_the_environment(monkeypatch):
    """Certificates by either name, proxies as they are; a switched off check is not."""
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/hospital.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    found = git._clean_environment()
    assert (found["GIT_SSL_CAINFO"], found["HTTPS_PROXY"]) == ("/hospital.pem", "http://proxy:1")
    assert "GIT_SSL_NO_VERIFY" not in found
    monkeypatch.setenv("GIT_SSL_CAINFO", "/other.pem")
    assert git._clean_environment()["GIT_SSL_CAINFO"] == "/other.pem"


def test_git_talks_over_one_protocol(repository, commit, target):
    """An address of another kind than the one given is refused by git."""
    (target / "tree").mkdir(parents=True)
    other = Git(target, target / "tree", "https://example.org/x.git")
    with pytest.raises(DownloadError, match="transport 'file' not allowed"):
        other.run("fetch", repository.url, commit)


def test_fetch_collection_follows_no_links_of_others(commit, files, target):
    """Links that were planted where an earlier run was are not written through."""
    elsewhere = target.parent / "elsewhere"
    elsewhere.mkdir()
    work = target / WORK_FOLDER
    work.mkdir(parents=True)
    (work / "objects").symlink_to(elsewhere)
    with pytest.raises(CohortError, match="objects' is a link"):
        fetch_collection(target, commit=commit)
    (work / "objects").unlink()
    (work / public_collection.UNPACKING).write_text(commit)
    (target / "images").symlink_to(elsewhere)
    (target / "README.md").symlink_to(elsewhere / "victim")
    fetch_collection(target, commit=commit)
    check_arrived(target, files)
    assert list(elsewhere.iterdir()) == []


def test_fetch_collection_refuses_too_much(commit, target, monkeypatch):
    """More than may be is refused before files are written, packed or not."""
    monkeypatch.setattr(public_collection, "MAX_BYTES", 5000)
    with pytest.raises(DownloadError, match=r"more than 5,000|larger than 5,000"):
        fetch_collection(target, commit=commit)
    assert not list(target.rglob("*.png"))


def test_fetch_collection_refuses_a_commit_without_table(repository, files, target):
    """A commit of something else is no cohort."""
    others = {k: v for k, v in files.items() if k != "metadata.csv"}
    with pytest.raises(DownloadError, match=r"holds no metadata\.csv"):
        fetch_collection(target, commit=repository.commit(others))


# ---- breaks


def test_fetch_collection_without_git_says_the_way_out(target, monkeypatch):
    """Git missing: how to get it, how to do without, and nothing is left."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DownloadError, match=rf"git-scm\.com.*archive/{COMMIT}\.zip.*--data"):
        fetch_collection(target)
    assert not target.exists()


def test_fetch_collection_without_network_leaves_nothing(repository, target, monkeypatch):
    """Without network: one clear error within seconds, and no folder is left."""
    monkeypatch.setattr(public_collection, "REPOSITORY_URL", "https://no-such-name.invalid/c.git")
    started = time.monotonic()
    with pytest.raises(DownloadError, match="no network"):
        fetch_collection(target, commit=COMMIT)
    assert time.monotonic() - started < 60
    assert not target.exists()


def test_fetch_collection_does_not_wait_for_a_silent_server(repository, target, monkeypatch):
    """A server that takes the call and says nothing is left after a while."""
    monkeypatch.setattr(git, "SILENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/c.git"
        monkeypatch.setattr(public_collection, "REPOSITORY_URL", url)
        with pytest.raises(DownloadError, match="nothing arrived for"):
            fetch_collection(target, commit=COMMIT)
    assert not target.exists()


def test_fetch_collection_goes_on_after_a_break(commit, repository, files, target, fetched_ids):
    """After a break only the hidden folder is there; the next run asks for the rest alone."""

    def lose(stage, done, total):
        if stage.startswith("Fetching files") and done == 4:
            repository.folder.with_name("away").exists() or go_offline(repository)

    with pytest.raises(DownloadError, match="not appear to be a git repository"):
        fetch_collection(target, commit=commit, on_progress=lose)
    assert len(fetched_ids) == 1 + 4 + 2 * git.TRIES
    assert [p.name for p in target.iterdir()] == [WORK_FOLDER]
    go_online(repository)
    before = set(fetched_ids[:5])
    fetched_ids.clear()
    fetch_collection(target, commit=commit)
    assert not before & set(fetched_ids)
    assert len(fetched_ids) == len({files[p] for p in files if is_wanted(p)}) - 4
    check_arrived(target, files)


def test_fetch_collection_goes_on_after_it_was_killed(commit, repository, files, target):
    """Killed at any moment, as by a machine that is switched off, it goes on."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from cxrlib.cohort import public_collection\n"
        "public_collection.LOT = 1; public_collection.REPOSITORY_URL = sys.argv[2]\n"
        "public_collection.fetch_collection(Path(sys.argv[1]), commit=sys.argv[3],\n"
        "    on_progress=lambda *call: print(*call, flush=True))\n"
    )
    command = [sys.executable, "-c", code, str(target), repository.url, commit]
    for n_lines in (1, 3, 6):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(n_lines):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        assert not (target / "metadata.csv").exists()
        # What is locked or half written stays so when a machine goes down.
        (target / WORK_FOLDER / "repository").mkdir(exist_ok=True)
        for name in ("shallow.lock", "index.lock", "config.lock"):
            (target / WORK_FOLDER / "repository" / name).touch()
        (target / WORK_FOLDER / "objects" / "pack").mkdir(parents=True, exist_ok=True)
        (target / WORK_FOLDER / "objects" / "pack" / "tmp_pack_x").write_bytes(b"PACK")
    fetch_collection(target, commit=commit)
    check_arrived(target, files)


@pytest.mark.parametrize("stage", ["Fetching the list", "Fetching files", "Unpacking files"])
def test_fetch_collection_can_be_stopped(commit, files, target, stage, monkeypatch):
    """Stopped in any stage: no cohort, and the next run ends it."""
    seen = []
    monkeypatch.setattr(git, "POLL", 0.001)
    slow = Git._wait

    def wait(self, process, on_wait):
        if on_wait is not None:
            on_wait(0)
        slow(self, process, on_wait)

    monkeypatch.setattr(Git, "_wait", wait)

    def should_stop():
        if stage == "Unpacking files":  # asked once more before files are written
            return seen[-1:] != [] and seen[-1][1] == seen[-1][2] > 1
        return any(name.startswith(stage) for name, *_ in seen)

    with pytest.raises(DownloadStoppedError, match="is kept; run it again"):
        fetch_collection(
            target,
            commit=commit,
            on_progress=lambda *call: seen.append(call),
            should_stop=should_stop,
        )
    assert not (target / "metadata.csv").exists()
    fetch_collection(target, commit=commit)
    check_arrived(target, files)


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_fetch_collection_killed_while_files_are_written(
    commit, repository, files, target, monkeypatch, after
):
    """Ended between two steps: metadata.csv comes last, and the next run ends it offline."""
    steps = []

    def step(inner):
        def fail(*arguments, **options):
            if arguments[1:2] != ("update-index",):
                if arguments[1:2] not in ((), ("checkout-index",)) and inner is run:
                    return inner(*arguments, **options)
                if len(steps) == after:
                    raise KeyboardInterrupt
                steps.append(inner)
            return inner(*arguments, **options)

        return fail

    run = Git.run
    with monkeypatch.context() as patch:
        patch.setattr(Git, "run", step(run))
        patch.setattr(public_collection, "_summarise", step(public_collection._summarise))
        patch.setattr(public_collection.Path, "replace", step(public_collection.Path.replace))
        with pytest.raises(KeyboardInterrupt):
            fetch_collection(target, commit=commit)
    assert not (target / "metadata.csv").exists()
    with pytest.raises(CohortError, match=f"unfinished download of commit {commit}"):
        fetch_collection(target, commit=PAPER_COMMIT)
    go_offline(repository)
    assert fetch_collection(target, commit=commit).n_xrays == 6
    check_arrived(target, files)


def test_fetch_collection_notices_a_damaged_disk(commit, repository, files, target):
    """What the disk changed meanwhile is refused and fetched again by the next run."""

    def stop(stage, done, total):
        if stage == "Unpacking files":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_collection(target, commit=commit, on_progress=stop)
    packs = sorted((target / WORK_FOLDER / "objects" / "pack").glob("*.pack"))
    damaged = max(packs, key=lambda pack: pack.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.chmod(0o600)
    damaged.write_bytes(content)
    with pytest.raises(DownloadError):
        fetch_collection(target, commit=commit)
    assert not (target / "metadata.csv").exists()
    fetch_collection(target, commit=commit)
    check_arrived(target, files)


def test_fetch_collection_compares_what_lies_on_the_disk(commit, files, target, monkeypatch):
    """A file that was not written as it should be is named."""
    run = Git.run

    def spoil(self, *arguments, **options):
        result = run(self, *arguments, **options)
        if arguments[0] == "checkout-index":
            (target / "images" / "image2.png").write_bytes(b"")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(Git, "run", spoil)
        with pytest.raises(DownloadError, match=r"image2\.png' differs from the commit"):
            fetch_collection(target, commit=commit)
    fetch_collection(target, commit=commit)
    check_arrived(target, files)


def test_hash_blob_is_git_s(repository, tmp_path):
    """The hash is the one git gives."""
    (tmp_path / "f").write_bytes(b"content\r\n")
    assert public_collection._hash_blob(tmp_path / "f") == repository.add(b"content\r\n")


def test_fetch_collection_is_run_once_at_a_time(commit, target, fetched_ids):
    """The second says that the first is at work."""
    work = target / WORK_FOLDER
    work.mkdir(parents=True)
    refused = pytest.raises(CohortError, match="Another download into")
    with filelock.FileLock(work / "lock"), refused:
        fetch_collection(target, commit=commit)
    assert fetched_ids == []
    fetch_collection(target, commit=commit)


def test_fetch_collection_by_three_at_once(commit, files, target):
    """Whoever comes first fetches; the others are told so or find it done."""
    results = []

    def go():
        try:
            results.append(fetch_collection(target, commit=commit))
        except CohortError as error:
            results.append(str(error))

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(results) == 3
    assert any(isinstance(result, FetchReport) for result in results)
    assert fetch_collection(target, commit=commit).n_xrays == 6
    check_arrived(target, files)


# ---- the command


def run(*arguments):
    """Run the command alone."""
    app = typer.Typer()
    fetching.register(app)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["fetch", *arguments])


def test_fetch_command_shows_the_notice_first(commit, target, fetched_ids):
    """Without --yes and nobody to ask, nothing is fetched and the notice is there to read."""
    result = run(str(target))
    assert result.exit_code == 1
    assert "CC BY-NC-SA" in result.stderr
    assert "add --yes" in result.stderr
    assert fetched_ids == []


def test_fetch_command_writes_its_result(commit, target):
    """Results go to standard output, as JSON if asked."""
    result = run(str(target), "--yes", "--commit", commit, "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["n_xrays"] == 6
    assert "CC BY-NC-SA" in result.stderr
    assert run(str(target), "--yes", "--commit", commit).stdout.startswith("root ")


def test_fetch_command_fetches_weights_alone(commit, tmp_path, monkeypatch, fetched_ids):
    """Weights need no folder, and no notice about images."""
    monkeypatch.setattr(fetching, "download_weights", lambda name, **_: tmp_path / name)
    result = run("--weights", "densenet121-res224-all")
    assert result.exit_code == 0
    assert str(tmp_path / "densenet121-res224-all") in result.stdout.replace("\n", "")
    assert "licence" not in result.stderr
    assert fetched_ids == []


def test_fetch_command_says_errors_in_a_line(commit, repository, target):
    """A known error is one line and exit code 1."""
    go_offline(repository)
    result = run(str(target), "--yes", "--commit", commit)
    assert result.exit_code == 1
    assert "could not be downloaded" in result.stderr.splitlines()[-1]
