"""Download the public collection: one commit of it, verified, into a folder of its own.

Git fetches the commit with its list of files, then the contents of those that are wanted, a few
at a time. Its hashes prove each file to be of the commit.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import filelock

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.cohort.form import METADATA_FILE
from cxrlib.cohort.git import Git
from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.metadata import read_records, type_records
from cxrlib.errors import CohortError, DownloadError, DownloadStoppedError, SelectionError
from cxrlib.storage import ANNOTATIONS_FOLDER, IMAGES_FOLDER
from cxrlib.system import describe_write_error

REPOSITORY = "ieee8023/covid-chestxray-dataset"
COMMIT = "6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8"
"""The last state of metadata.csv: 950 rows, 866 of them X-rays."""
REPOSITORY_URL = f"https://github.com/{REPOSITORY}.git"
ARCHIVE_URL = f"https://github.com/{REPOSITORY}/archive/{{commit}}.zip"

LICENCE_NOTICE = (
    "The COVID-19 Image Data Collection is the work of its contributors, published at "
    f"https://github.com/{REPOSITORY}. Each image has a licence of its own, in the column "
    '"license" of metadata.csv: many forbid commercial use (CC BY-NC-SA), some forbid changed '
    "copies (CC BY-NC-ND), and where the column is blank nothing is granted. The tables and "
    "documents are CC BY-NC-SA 4.0. Cite the collection (arXiv:2006.11988). For research and "
    "teaching, not for diagnosis."
)

WORK_FOLDER = ".fetching"
UNPACKING = "unpacking"  # there while files are written; holds the commit
RECORD_FILE = "fetched.json"
MAX_BYTES = 8 << 30  # of all that is fetched, and of all that is unpacked
LOT = 32  # files that are fetched at a time: what has arrived of an unfinished lot is lost
KEPT_FOLDERS = (IMAGES_FOLDER, ANNOTATIONS_FOLDER)
KEPT_FILES = re.compile(r"metadata\.csv|SCHEMA\.md|README\.md|(LICEN[CS]E|COPYING|NOTICE)(\..*)?")


@dataclass(frozen=True)
class FetchReport:
    """Hold what was fetched.

    Parameters
    ----------
    root : str
        The cohort's folder.
    commit : str
    n_files, n_bytes : int
        Of all that was unpacked.
    n_xrays, n_xrays_missing : int
        Rows of X-rays, and those of them whose file the collection does not hold.
    checked : str
        What the files were compared with, as a sentence.
    """

    root: str
    commit: str
    n_files: int
    n_bytes: int
    n_xrays: int
    n_xrays_missing: int
    checked: str


def fetch_collection(
    folder: Path,
    *,
    commit: str = COMMIT,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> FetchReport:
    """Fetch the public collection into a folder with git, and check it.

    What has arrived stays in the folder's ``.fetching`` until all is there; only then are files
    written, and metadata.csv, which makes a folder a cohort, gets its name when all are checked.
    Run it again to go on. A folder that was fetched before is left as it is.

    Parameters
    ----------
    folder : Path
        New, empty, or left by an earlier run of this function.
    commit : str
        Forty hexadecimal digits.
    on_progress : callable, optional
        Called with what is done, how many files so far and in all.
    should_stop : callable, optional
        True ends the work; what came is kept.

    Returns
    -------
    FetchReport

    Raises
    ------
    SelectionError
        When the commit is no hash of one.
    CohortError
        When the folder holds something else, is used by another run, or cannot be written.
    DownloadError
        When the collection cannot be had, or what came is not the collection.
    DownloadStoppedError
        When `should_stop` said so.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{40}", commit):
        raise SelectionError(
            f"Commit {commit!r} is not valid: give all forty hexadecimal digits, as in {COMMIT!r}."
        )
    commit, folder = commit.lower(), folder.expanduser().absolute()
    try:
        if (done := _find_fetched(folder, commit)) is not None:
            return done
        _check_folder(folder, commit)
        with _work_folder(folder) as work:
            return _fetch(folder, work, commit, on_progress or (lambda *_: None), should_stop)
    except OSError as error:
        raise CohortError(
            f"The collection cannot be written to {str(folder)!r}: "
            f"{describe_write_error(error)}. Fix this and run it again, or choose another folder; "
            "what was downloaded is kept."
        ) from error


def _is_kept(path: str) -> bool:
    """Tell whether a file of the repository belongs to the cohort or its licence."""
    top, _, rest = path.partition("/")
    return top in KEPT_FOLDERS if rest else KEPT_FILES.fullmatch(top) is not None


# ---- the folder


def _find_fetched(folder: Path, commit: str) -> FetchReport | None:
    """Read what a finished run left, None where there was none, and refuse another commit."""
    if not (folder / METADATA_FILE).exists():
        return None
    try:
        report = FetchReport(**json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        report = None
    if report is not None and report.commit == commit:
        shutil.rmtree(folder / WORK_FOLDER, ignore_errors=True)  # of a run killed at its end
        return replace(report, root=str(folder))  # it may have been moved since
    held = f"commit {str(report.commit)[:10]} of it" if report is not None else "a cohort"
    raise CohortError(
        f"The folder {str(folder)!r} already holds {held}; it was not changed. Choose a new or an "
        "empty folder, or use it with --data."
    )


def _check_folder(folder: Path, commit: str) -> None:
    """Raise unless a folder is new, empty or an earlier run's own."""
    if folder.exists() and not folder.is_dir():
        raise CohortError(f"{str(folder)!r} is a file. Choose a new or an empty folder.")
    mark = folder / WORK_FOLDER / UNPACKING
    begun = mark.read_text(encoding="utf-8") if mark.exists() else ""
    if begun not in ("", commit):
        raise CohortError(
            f"The folder {str(folder)!r} holds an unfinished download of commit {begun}. Finish it "
            f"with --commit {begun}, or choose another folder."
        )
    others = sorted(p.name for p in folder.iterdir()) if folder.exists() and not begun else []
    others = [name for name in others if name != WORK_FOLDER]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise CohortError(
            f"The folder {str(folder)!r} is not empty: it holds {others[0]!r}{more}. Nothing was "
            "written. Choose a new or an empty folder."
        )


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Give the folder for unfinished work to one run at a time; remove it when done."""
    new, work = not folder.exists(), folder / WORK_FOLDER
    links = [p for p in (work, *(work.iterdir() if work.is_dir() else ())) if p.is_symlink()]
    if links:
        raise CohortError(f"{str(links[0])!r} is a link. Remove it or choose another folder.")
    work.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(work / "lock", blocking=False):
            try:
                yield work
            finally:
                shutil.rmtree(work / "repository", ignore_errors=True)
                kept = any(path.is_file() and path.name != "lock" for path in work.rglob("*"))
                if (folder / METADATA_FILE).exists() or not kept:
                    shutil.rmtree(work, ignore_errors=True)
                if new and not any(folder.iterdir()):
                    folder.rmdir()
    except filelock.Timeout as error:
        raise CohortError(
            f"Another download into {str(folder)!r} is running. Wait for it or choose another "
            "folder."
        ) from error


# ---- what is fetched


def _fetch(
    folder: Path, work: Path, commit: str, on_progress: Progress, should_stop: ShouldStop | None
) -> FetchReport:
    """Download, unpack and verify the files; give metadata.csv its name last."""
    if shutil.which("git") is None:
        raise _refuse(
            "Git is needed and not installed on this machine. Install it "
            "(https://git-scm.com/downloads) and run this again. Or download "
            f"{ARCHIVE_URL.format(commit=commit)} with a browser, unpack it, and use the folder "
            "with --data"
        )
    git = Git(work, folder, REPOSITORY_URL)

    def check(n_bytes: int = 0) -> None:
        if should_stop is not None and should_stop():
            raise DownloadStoppedError(
                "The download of the collection was stopped. What has arrived is kept; run it "
                "again to resume."
            )
        if n_bytes > MAX_BYTES:
            raise _refuse(f"it is larger than {MAX_BYTES:,} bytes")

    if commit not in git.list_held():
        on_progress("Fetching the list of files", 0, 1)
        git.fetch_commit(commit, on_wait=check)
    files = _list_files(git, commit)
    _fetch_files(git, files, check, on_progress)
    check()
    on_progress("Unpacking files", 0, len(files))
    (work / UNPACKING).write_text(commit, encoding="utf-8")
    try:
        n_bytes = _unpack(git, files, folder, work)
    except DownloadError:
        shutil.rmtree(git.objects)  # the disk lost something of them
        raise
    on_progress("Unpacking files", len(files), len(files))
    result = _summarise(folder, work, files, n_bytes, commit)
    record = json.dumps(asdict(result), indent=2) + "\n"
    (folder / RECORD_FILE).write_text(record, encoding="utf-8")
    (work / METADATA_FILE).replace(folder / METADATA_FILE)  # this makes it a cohort
    return result


def _refuse(reason: str) -> DownloadError:
    return DownloadError(REPOSITORY_URL, reason)


def _list_files(git: Git, commit: str) -> dict[str, str]:
    """Give Git's id of every file that is wanted, by path.

    Raises
    ------
    DownloadError
        When the commit holds no table, or something that is no plain file.
    """
    files = {}
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit)
    for entry in filter(None, os.fsdecode(listed).split("\0")):
        about, _, path = entry.partition("\t")
        mode, _, id_ = about.split()
        if not _is_kept(path):
            continue
        if not mode.startswith("100"):
            raise _refuse(f"its {path!r} is a link or a repository, not a plain file")
        files[path] = id_
    if METADATA_FILE not in files:
        raise _refuse(f"its commit {commit[:10]} holds no {METADATA_FILE}")
    return files


def _fetch_files(
    git: Git, files: dict[str, str], check: Callable[[int], None], on_progress: Progress
) -> None:
    """Fetch the contents that have not arrived yet, a few at a time: each lot is kept."""
    held = git.list_held()
    missing = sorted({id_ for id_ in files.values() if id_ not in held})
    total = len(set(files.values()))

    def report(n_bytes: int) -> None:
        check(n_bytes)
        on_progress(f"Fetching files ({n_bytes / 1e6:,.1f} MB)", done, total)

    done = total - len(missing)
    for start in range(0, len(missing), LOT):
        lot = missing[start : start + LOT]
        git.fetch_files(lot, on_wait=report)
        done += len(lot)
        report(git.n_bytes())


# ---- whether it is right


def _unpack(git: Git, files: dict[str, str], folder: Path, work: Path) -> int:
    """Write the files, metadata.csv aside, compare each with its hash, and add up sizes.

    Raises
    ------
    DownloadError
        When they are too large, or one has not the content it should have.
    """
    held = git.list_held()
    n_bytes = sum(held.get(id_, 0) for id_ in files.values())
    if n_bytes > MAX_BYTES:
        raise _refuse(f"its files have {n_bytes:,} bytes: more than {MAX_BYTES:,}")
    # Plain files all of them, with paths that git itself checks.
    index = "".join(f"100644 {id_}\t{path}\0" for path, id_ in files.items())
    git.run("update-index", "-z", "--index-info", given=os.fsencode(index))
    others = os.fsencode("\0".join(path for path in files if path != METADATA_FILE))
    git.run("checkout-index", "--force", "-z", "--stdin", given=others)
    git.run("checkout-index", "--force", f"--prefix={WORK_FOLDER}/", METADATA_FILE)
    for path, id_ in files.items():
        if _hash_blob((work if path == METADATA_FILE else folder) / path) != id_:
            raise _refuse(f"the content of {path!r} differs from the commit. Run it again")
    return n_bytes


def _hash_blob(path: Path) -> str:
    """Give Git's id of a file's content."""
    header = b"blob %d\0" % path.stat().st_size
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.sha1(header, usedforsecurity=False)
        ).hexdigest()


def _summarise(
    folder: Path, work: Path, files: dict[str, str], n_bytes: int, commit: str
) -> FetchReport:
    """Count what was unpacked."""
    problems = ProblemLog()
    table = type_records(read_records(work, problems), problems)
    xrays = table.loc[table["is_xray"], "filename"].fillna("")
    missing = sum(f"{IMAGES_FOLDER}/{name}" not in files for name in xrays)
    return FetchReport(
        root=str(folder),
        commit=commit,
        n_files=len(files),
        n_bytes=n_bytes,
        n_xrays=len(xrays),
        n_xrays_missing=missing,
        checked="every file matches its hash in the commit",
    )
