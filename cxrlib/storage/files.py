"""Open, read and write files whole; locate the image files of a cohort."""

import contextlib
import errno
import hashlib
import io
import os
import stat
import uuid
from pathlib import Path

IMAGES_FOLDER = "images"
ANNOTATIONS_FOLDER = "annotations"

# Opening a named pipe would wait for a writer, for ever; other systems know no such flag.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading if it is one: a pipe or a device could wait or flow for ever.

    Raises
    ------
    OSError
        If the file cannot be opened, or is a folder, a pipe, a socket or a device.
    """
    descriptor = os.open(path, _OPEN_FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file", str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_regular(path: Path, *, max_bytes: int) -> bytes:
    """Read a whole file that may have been put there by anyone.

    Parameters
    ----------
    path : Path
    max_bytes : int
        A larger file is refused before it is read.

    Raises
    ------
    OSError
        As `open_regular`, or if the file is too large; `strerror` says why, as a clause.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        # Asked for a gigabyte, Python would set one aside for each small file.
        data = None if size > max_bytes else file.read(size + 1)
        if data is not None and len(data) > size:  # it grew meanwhile
            data += file.read(max_bytes + 1 - len(data))
    if data is None or len(data) > max_bytes:
        raise OSError(errno.EFBIG, f"the file is larger than {max_bytes >> 20} MiB", str(path))
    return data


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal; raises as `open_regular`."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that it is there whole or not at all, in place of an earlier one.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    data : bytes
    durable : bool, default True
        Whether to wait for the disk, so that the file outlives a power cut.

    Raises
    ------
    OSError
        If it cannot be written; an earlier file is then as it was.
    """
    # A file's own name may be as long as names can be.
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Flush a rename to disk, where the system lets folders be opened (not Windows)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def locate_image(root: Path, filename: str) -> tuple[Path | None, str, str]:
    """Find an image's file within a cohort's folder.

    File names come from a table that anyone may have written: one that leads out of the
    folder, as it stands or through a link, is refused.

    Parameters
    ----------
    root : Path
        The cohort's folder, resolved.
    filename : str
        As the metadata give it.

    Returns
    -------
    path : Path or None
        The file, None if there is none that may be used.
    status : str
        "ok", "no file", "unreadable" or "outside".
    reason : str
        Why there is no path, as a clause; "" if there is one.
    """
    status, reason = "no file", "the file name is blank"
    path = root / IMAGES_FOLDER / filename
    if filename:
        status, reason = _refuse_name(filename) or _look_at(root, path)
    return (path if status == "ok" else None), status, reason


def _refuse_name(filename: str) -> tuple[str, str] | None:
    """Return status and reason for a file name that leads out of its folder."""
    if "\x00" in filename:
        return "outside", "the file name holds a NUL character"
    # "C:" is a drive, a backslash parts folders on Windows: refused everywhere alike.
    if filename.startswith("/") or "\\" in filename or filename[1:2] == ":":
        return "outside", "the file name is not relative to the folder images"
    if ".." in filename.split("/"):
        return "outside", "the file name leaves the folder images"
    return None


def _look_at(root: Path, path: Path) -> tuple[str, str]:
    """Return status and reason for the file at a path."""
    try:
        if not path.exists():
            return "no file", "there is no file of that name in the folder images"
        if leaves_cohort(root, path):
            return "outside", "the file is a link that leaves the folder"
        if not path.is_file():
            return "unreadable", "it is not a regular file"
    except OSError as error:
        return "no file", f"the file cannot be accessed ({error.strerror})"
    return "ok", ""


def leaves_cohort(root: Path, path: Path) -> bool:
    """Tell whether a path leads out of the cohort's folder through a link.

    Links to elsewhere within the cohort are fine (git-annex makes such), and the folders
    images and annotations may themselves be links.
    """
    real = Path(os.path.realpath(path))
    folders = (root / IMAGES_FOLDER, root / ANNOTATIONS_FOLDER)
    inside = (root, *(Path(os.path.realpath(folder)) for folder in folders))
    return not any(real.is_relative_to(folder) for folder in inside)


def hash_annotations(root: Path) -> list[tuple[str, str]]:
    """Return path and content hash of every file in the folder annotations.

    What is no file, cannot be read or is a link out of the cohort has the hash "none".
    """
    folder = root / ANNOTATIONS_FOLDER
    hashed: list[tuple[str, str]] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            sha256 = "none"
            if not leaves_cohort(root, path):
                with contextlib.suppress(OSError):
                    sha256 = hash_file(path)
            hashed.append((path.relative_to(folder).as_posix(), sha256))
    return hashed
