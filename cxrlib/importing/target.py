"""The folder that an import writes: there whole or not at all, and resumed where it stopped.

Everything is written into a folder beside the target, which is renamed at the very end. A marker in
it says what it was begun with: the same command goes on, another one is refused.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cxrlib.errors import CohortError
from cxrlib.storage import open_regular, write_whole
from cxrlib.system import describe_write_error

MARKER = "unfinished.json"
LOCK = "unfinished.lock"


def check_apart(source: Path, target: Path) -> None:
    """Refuse a target that is the source, or lies within or around it.

    Raises
    ------
    CohortError
    """
    here, there = source.resolve(), target.resolve()
    if here == there:
        raise CohortError(f"{str(target)!r} is the source itself. Name another folder to write.")
    if there.is_relative_to(here):
        raise CohortError(f"{str(target)!r} lies within the source. Name a folder outside of it.")
    if here.is_relative_to(there):
        raise CohortError(f"{str(target)!r} lies around the source. Name a folder outside of it.")


def check_free(target: Path) -> None:
    """Refuse a target that holds anything, or whose parent is not there.

    Raises
    ------
    CohortError
    """
    try:
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise CohortError(f"{str(target)!r} is there and is no folder. Name a new folder.")
        if target.is_dir() and any(target.iterdir()):
            raise CohortError(f"{str(target)!r} is there and holds files. Name a new folder.")
        if not target.parent.is_dir():
            raise CohortError(f"There is no folder {str(target.parent)!r} to write into. Make it.")
    except OSError as error:
        raise _explain(target, error) from error


@contextlib.contextmanager
def write_target(target: Path, begun_with: dict[str, Any]) -> Iterator[Path]:
    """Give a folder to write into, which becomes the target when the block ends without an error.

    Parameters
    ----------
    target : Path
        New or empty.
    begun_with : dict
        What the content follows from, of what JSON can hold: an unfinished folder is gone on with
        only if this is equal.

    Raises
    ------
    CohortError
        If the target is not free, another process writes it, an unfinished one was begun
        otherwise, or the disk cannot take it; what is written so far is then kept.
    """
    target = target.absolute()
    check_free(target)
    work = target.with_name(f".{target.name}.unfinished")
    digest = hashlib.sha256(json.dumps(begun_with, sort_keys=True).encode()).hexdigest()
    try:
        if work.is_symlink():
            raise CohortError(f"{str(work)!r} is a link. Remove it.")
        work.mkdir(exist_ok=True)
        lock = FileLock(work / LOCK)
        with lock.acquire(timeout=0):
            _mark(work, digest)
            yield work
            for name in (MARKER, LOCK):
                (work / name).unlink(missing_ok=True)
            _rename(work, target)
    except Timeout as error:
        raise CohortError(
            f"Another process writes {str(target)!r}. Wait for it, or stop it."
        ) from error
    except OSError as error:
        raise _explain(target, error) from error


def _mark(work: Path, digest: str) -> None:
    """Mark a folder as unfinished; refuse one that was begun otherwise, or by something else."""
    marker = work / MARKER
    there = [path.name for path in work.iterdir() if path.name != LOCK]
    if not marker.is_file():
        if there:
            raise CohortError(f"{str(work)!r} holds files and no {MARKER}. Move or remove it.")
        write_whole(marker, json.dumps({"begun with": digest}).encode())
        return
    if marker.read_text("utf-8", "replace") != json.dumps({"begun with": digest}):
        raise CohortError(
            f"{str(work)!r} holds an unfinished import with another source, mapping or options. "
            "Give the same command again, or remove that folder."
        )


def _rename(work: Path, target: Path) -> None:
    if target.is_dir():
        target.rmdir()
    work.rename(target)


def _explain(target: Path, error: OSError) -> CohortError:
    return CohortError(
        f"{str(target)!r} cannot be written: {describe_write_error(error)}. Nothing is there "
        "under that name; what was written so far is kept. Mend this and give the same command "
        "again."
    )


# ---- images


def link_folder(folder: Path, link: Path) -> None:
    """Make a link to a whole folder; one that is there already is left.

    Raises
    ------
    CohortError
        If the system makes no links.
    """
    if link.is_symlink() and os.path.realpath(link) == os.path.realpath(folder):
        return
    try:
        link.symlink_to(folder, target_is_directory=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise CohortError(
            f"A link to {str(folder)!r} cannot be made here ({error.strerror}). Copy the images: "
            "--copy."
        ) from error


def copy_file(source: Path, target: Path) -> bool:
    """Copy a regular file whole; one of the same size and time is left.

    Returns
    -------
    bool
        Whether it was copied now.
    """
    status = source.stat()
    with contextlib.suppress(FileNotFoundError):
        there = target.lstat()
        if (there.st_size, there.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with open_regular(source) as read, temporary.open("xb") as written:
            shutil.copyfileobj(read, written, 1 << 20)
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return True


def share_file(source: Path, target: Path) -> bool:
    """Give a file a second name on the same disk, or copy it where that cannot be.

    Returns
    -------
    bool
        Whether it is the same file under a second name.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(os.path.realpath(source), target)
    except FileExistsError:
        return target.samefile(source)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        copy_file(source, target)
        return False
    return True
