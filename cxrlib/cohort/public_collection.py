"""Fetching the public collection: one commit of it, checked, into a folder of its own.

GitHub packs an archive of a commit while it is sent and gives neither its size nor its hash.
So the archive is checked file by file: against the commit's own list of contents where that
can be had, and otherwise against what this module knows of the tables.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.metadata import METADATA_FILE, read_records, type_records
from cxrlib.errors import (
    ArchiveError,
    CohortError,
    DownloadError,
    DownloadStoppedError,
    SelectionError,
)
from cxrlib.storage.files import ANNOTATIONS_FOLDER, IMAGES_FOLDER
from cxrlib.system.http_download import Download, check_space, download, try_lock
from cxrlib.system.os_errors import describe_write_error
from cxrlib.system.zip_archive import tree_id, unpack_archive

__all__ = ["COMMIT", "LICENCE_NOTICE", "FetchReport", "fetch_collection"]

REPOSITORY = "ieee8023/covid-chestxray-dataset"
COMMIT = "6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8"
"""The last state of metadata.csv: 950 rows, 866 of them X-rays."""
ARCHIVE_URL = f"https://github.com/{REPOSITORY}/archive/{{commit}}.zip"
LISTING_URL = f"https://api.github.com/repos/{REPOSITORY}/git/trees/{{commit}}?recursive=1"

LICENCE_NOTICE = (
    "The COVID-19 Image Data Collection is the work of its contributors, published at "
    f"https://github.com/{REPOSITORY}. Each image has a licence of its own, in the column "
    '"license" of metadata.csv: many forbid commercial use (CC BY-NC-SA), some forbid changed '
    "copies (CC BY-NC-ND), and where the column is blank nothing is granted. The tables and "
    "documents are CC BY-NC-SA 4.0. Cite the collection (arXiv:2006.11988). For research and "
    "teaching, not for diagnosis."
)

# What is known of COMMIT without asking: Git's ids of the table and of the annotations.
KNOWN_METADATA = "5f94a8725984b8bab884ff9324db96c032a2731e"
KNOWN_ANNOTATIONS = "f78520480a7402a4e92762074d0cf7921730054a"

WORK_FOLDER = ".fetching"
RECORD_FILE = "fetched.json"
MAX_ARCHIVE = 4 << 30  # bytes
MAX_LISTING = 32 << 20
KEPT_FOLDERS = (IMAGES_FOLDER, ANNOTATIONS_FOLDER)
KEPT_FILES = re.compile(r"metadata\.csv|SCHEMA\.md|README\.md|(LICEN[CS]E|COPYING|NOTICE)(\..*)?")

Progress = Callable[[str, int, int], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class FetchReport:
    """Say what was fetched.

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


@dataclass(frozen=True)
class _Listing:
    """Hold the contents of a commit: blob id and size by path."""

    files: dict[str, tuple[str, int]]

    def total(self, *, kept: bool) -> int:
        """Add up sizes in bytes."""
        return sum(size for path, (_, size) in self.files.items() if not kept or _is_kept(path))


def fetch_collection(
    folder: Path,
    *,
    commit: str = COMMIT,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> FetchReport:
    """Download the public collection into a folder and check it.

    What has arrived stays in the folder's ``.fetching`` until all is there and checked; only
    then do the files get their names, metadata.csv last. Run it again to go on. A folder that
    was fetched before is left as it is.

    Parameters
    ----------
    folder : Path
        New, empty, or left by an earlier run of this function.
    commit : str
        Forty hexadecimal digits.
    on_progress : callable, optional
        Called with what is done, how much so far and in all (bytes, files; 0 for not known).
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
            f"Commit {commit!r} is none: give all forty hexadecimal digits, as {COMMIT!r}."
        )
    commit, folder = commit.lower(), folder.expanduser().absolute()
    try:
        if (done := _find_fetched(folder, commit)) is not None:
            return done
        _check_folder(folder)
        with _work_folder(folder) as work:
            fetched = _read_placing(work, commit) or _fetch(
                folder, work, commit, on_progress or _say_nothing, should_stop
            )
            _place(folder, work, fetched)
            return fetched
    except OSError as error:
        raise CohortError(
            f"The collection cannot be written to {str(folder)!r}: "
            f"{describe_write_error(error)}. Mend that and run it again, or choose another "
            "folder; what was downloaded is kept."
        ) from error


def _say_nothing(stage: str, done: int, total: int) -> None:
    """Take progress that nobody wants."""


def _is_kept(path: str) -> bool:
    """Tell whether a file of the repository belongs to the cohort or its licence."""
    top, _, rest = path.partition("/")
    return top in KEPT_FOLDERS if rest else KEPT_FILES.fullmatch(top) is not None


# ---- the folder


def _find_fetched(folder: Path, commit: str) -> FetchReport | None:
    """Read what a finished run left, None where there was none, and refuse another commit."""
    if not (folder / METADATA_FILE).exists():
        return None
    report = _read_report(folder / RECORD_FILE)
    if report is not None and report.commit == commit:
        # A run that was killed with its very last step to do left its archive.
        shutil.rmtree(folder / WORK_FOLDER, ignore_errors=True)
        return replace(report, root=str(folder))  # it may have been moved since
    held = f"commit {report.commit[:10]} of it" if report is not None else "a cohort"
    raise CohortError(
        f"The folder {str(folder)!r} holds {held} already, which is left as it is. Choose a new "
        "or an empty folder, or use it with --data."
    )


def _check_folder(folder: Path) -> None:
    """Raise unless a folder is new, empty or an earlier run's own."""
    if folder.exists() and not folder.is_dir():
        raise CohortError(f"{str(folder)!r} is a file. Choose a new or an empty folder.")
    others = sorted(p.name for p in folder.iterdir()) if folder.exists() else []
    placing = (folder / WORK_FOLDER / RECORD_FILE).exists()
    others = [n for n in others if n != WORK_FOLDER and not (placing and _may_be_placed(n))]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise CohortError(
            f"The folder {str(folder)!r} is not empty: it holds {others[0]!r}{more}. Nothing was "
            "written. Choose a new or an empty folder."
        )


def _may_be_placed(name: str) -> bool:
    return name in (*KEPT_FOLDERS, RECORD_FILE) or KEPT_FILES.fullmatch(name) is not None


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Give the folder of what is not finished, to one run at a time; remove it when done."""
    new, work = not folder.exists(), folder / WORK_FOLDER
    if work.is_symlink():
        raise CohortError(f"{str(work)!r} is a link. Remove it or choose another folder.")
    work.mkdir(parents=True, exist_ok=True)
    with try_lock(work / "lock") as free:
        if not free:
            raise CohortError(
                f"Another run is fetching into {str(folder)!r}. Wait for it or choose another "
                "folder."
            )
        try:
            yield work
        finally:
            finished = (folder / METADATA_FILE).exists()
            if finished or not any(p.name != "lock" for p in work.iterdir()):
                shutil.rmtree(work, ignore_errors=True)
            if new and not any(folder.iterdir()):
                folder.rmdir()


def _read_placing(work: Path, commit: str) -> FetchReport | None:
    """Read the report of a run that was ended while files got their names."""
    report = _read_report(work / RECORD_FILE)
    if report is not None and report.commit != commit:
        raise CohortError(
            f"The folder {str(work.parent)!r} holds an unfinished run for commit "
            f"{report.commit}. Finish it with --commit {report.commit}, or choose another folder."
        )
    return report


def _read_report(path: Path) -> FetchReport | None:
    try:
        return FetchReport(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _place(folder: Path, work: Path, report: FetchReport) -> None:
    """Give the checked files their names; metadata.csv, which makes it a cohort, last."""
    unpacked = work / "unpacked"
    names = sorted(p.name for p in unpacked.iterdir())
    for name in sorted(names, key=lambda name: name == METADATA_FILE):
        if name == METADATA_FILE:
            shutil.copyfile(work / RECORD_FILE, folder / RECORD_FILE)
        (unpacked / name).rename(folder / name)


# ---- what is fetched


def _fetch(
    folder: Path, work: Path, commit: str, on_progress: Progress, should_stop: ShouldStop | None
) -> FetchReport:
    """Download, unpack and check; what is left to do is to give the files their names."""
    archive, unpacked = work / f"{commit}.zip", work / "unpacked"
    listing = _fetch_listing(work, commit, should_stop)
    if not archive.exists():
        _fetch_archive(archive, commit, listing, on_progress, should_stop)

    def report(done: int, total: int) -> None:
        if should_stop is not None and should_stop():
            raise DownloadStoppedError(
                "Unpacking was stopped. The archive is kept; run it again to go on."
            )
        on_progress("Unpacking files", done, total)

    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        blobs, comment = unpack_archive(archive, unpacked, _is_kept, on_progress=report)
        checked = _check_blobs(blobs, comment, commit, listing)
    except OSError:
        shutil.rmtree(unpacked, ignore_errors=True)  # a full disk needs the room
        raise
    except ArchiveError as error:
        archive.unlink()
        shutil.rmtree(unpacked, ignore_errors=True)
        url = ARCHIVE_URL.format(commit=commit)
        raise DownloadError(
            url, f"what came is not usable. {str(error).rstrip('.')}. It was removed; run it again"
        ) from error
    result = _summarise(folder, unpacked, blobs, commit, checked)
    temporary = work / f"{RECORD_FILE}.new"
    temporary.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    temporary.replace(work / RECORD_FILE)
    return result


def _fetch_archive(
    archive: Path,
    commit: str,
    listing: _Listing | None,
    on_progress: Progress,
    should_stop: ShouldStop | None,
) -> None:
    """Download the archive if the disk has room for it and for what is in it."""
    url = ARCHIVE_URL.format(commit=commit)
    expected = listing.total(kept=False) if listing else 0
    part = archive.with_name(f".{archive.name}.part")
    here = part.stat().st_size if part.exists() else 0
    if listing is not None:  # images hardly shrink in an archive
        check_space(archive.parent, expected - here + listing.total(kept=True), url)
    wanted = Download(
        url, archive, label="the collection", max_bytes=MAX_ARCHIVE, expected_bytes=expected
    )
    download(wanted, on_progress=on_progress, should_stop=should_stop)


def _fetch_listing(work: Path, commit: str, should_stop: ShouldStop | None) -> _Listing | None:
    """Download the list of a commit's contents; None where it cannot be had or is cut."""
    path = work / f"{commit}.json"
    url = LISTING_URL.format(commit=commit)
    if not path.exists():
        try:
            download(
                Download(url, path, label="the list of files", max_bytes=MAX_LISTING),
                should_stop=should_stop,
            )
        except DownloadError:
            return None
    listing = _parse_listing(path)
    if listing is None:
        path.unlink()
    return listing


def _parse_listing(path: Path) -> _Listing | None:
    """Read GitHub's list: https://docs.github.com/rest/git/trees."""
    try:
        found = json.loads(path.read_bytes())
        if found.get("truncated") is not False:
            return None
        files = {
            str(entry["path"]): (str(entry["sha"]), int(entry["size"]))
            for entry in found["tree"]
            if entry["type"] == "blob"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    sound = all(re.fullmatch(r"[0-9a-f]{40}", sha) and size >= 0 for sha, size in files.values())
    return _Listing(files) if sound and METADATA_FILE in files else None


# ---- whether it is right


def _check_blobs(blobs: dict[str, str], comment: str, commit: str, listing: _Listing | None) -> str:
    """Compare what was unpacked with what is known; return what it was compared with.

    Raises
    ------
    ArchiveError
        At the first difference.
    """
    if METADATA_FILE not in blobs:
        raise ArchiveError(f"The archive holds no {METADATA_FILE}.")
    # `git archive` writes the commit into the comment; a packer that does not leaves it blank.
    if re.fullmatch(r"[0-9a-f]{40}", comment) and comment != commit:
        raise ArchiveError(f"The archive is of commit {comment[:10]}, not of {commit[:10]}.")
    if listing is not None:
        _compare_listing(blobs, listing)
        return "every file has the hash that the commit's own list gives"
    if commit != COMMIT:
        return (
            "only the archive's own checksums: the commit's list of files could not be had, and "
            "this version knows no hashes of that commit"
        )
    folder = f"{ANNOTATIONS_FOLDER}/"
    inside = {p.removeprefix(folder): b for p, b in blobs.items() if p.startswith(folder)}
    if blobs[METADATA_FILE] != KNOWN_METADATA or tree_id(inside) != KNOWN_ANNOTATIONS:
        raise ArchiveError(
            f"{METADATA_FILE} or the annotations are not those of commit {commit[:10]}."
        )
    return (
        f"{METADATA_FILE} and the annotations have the known hashes; the images passed the "
        "archive's own checksums only, as the commit's list of files could not be had"
    )


def _compare_listing(blobs: dict[str, str], listing: _Listing) -> None:
    """Raise at the first file that differs from the commit's list, or is in one only."""
    wanted = {path: sha for path, (sha, _) in listing.files.items() if _is_kept(path)}
    for path in sorted(wanted.keys() | blobs.keys()):
        if path not in blobs:
            raise ArchiveError(f"The file {path!r} is not in the archive.")
        if path not in wanted:
            raise ArchiveError(f"The file {path!r} is not of the commit.")
        if wanted[path] != blobs[path]:
            raise ArchiveError(f"The file {path!r} has another content than in the commit.")


def _summarise(
    folder: Path, unpacked: Path, blobs: dict[str, str], commit: str, checked: str
) -> FetchReport:
    """Count what was unpacked."""
    problems = ProblemLog()
    table = type_records(read_records(unpacked, problems), problems)
    xrays = table.loc[table["is_xray"], "filename"].fillna("")
    missing = sum(f"{IMAGES_FOLDER}/{name}" not in blobs for name in xrays)
    return FetchReport(
        root=str(folder),
        commit=commit,
        n_files=len(blobs),
        n_bytes=sum((unpacked / path).stat().st_size for path in blobs),
        n_xrays=len(xrays),
        n_xrays_missing=missing,
        checked=checked,
    )
