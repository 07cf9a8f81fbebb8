"""A folder of DICOM files as rows of our form, its films written anew as PNG.

Two passes. The first reads the header of every file, at any depth, whatever its name: it finds the
radiographs of the chest, copies of one image, and each patient's first day. The second decodes
the films in worker processes and writes them. Names of files and folders can hold names of
patients: they are for the screen alone (`DicomSource.left`), never for a file that is written.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cxrlib.aliases import Progress
from cxrlib.errors import CohortError, ImageError
from cxrlib.images import (
    MODALITIES,
    check_elements,
    decode_dicom,
    encode_png,
    guard_image,
    is_enveloped,
    looks_like_dicom,
    read_elements,
    read_image_bytes,
)
from cxrlib.importing.burned_in_text import find_text
from cxrlib.importing.dicom_header import (
    KEYWORDS,
    DicomOptions,
    Film,
    LeftOutError,
    describe_film,
)
from cxrlib.importing.file_workers import FileWorkers
from cxrlib.importing.pseudonyms import Pseudonyms
from cxrlib.storage import IMAGES_FOLDER, open_regular, write_whole
from cxrlib.system import count_cores, describe_read_error

COLUMNS = (
    *("patientid", "offset", "sex", "age", "view", "modality", "folder", "filename"),
    *("study", "acquisition", "view_from", "bits_stored", "text_burned_in", "text_seen"),
)
"""Columns of a row: ours, then extra ones."""
MAX_FILE_BYTES = 1 << 30
MAX_WORKERS = 8
FILES_A_TASK = 32
PROGRESS_FILE = "unfinished-films.jsonl"
"""In an unfinished folder: films that are written, by hashed id and hashed place."""

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
_DIRECTORY_GROUP = 0x0004
_STRANGER = "it is not a DICOM file"
_BROKE = "it ended the process that read it: the file is damaged or hostile"
_STAGE_HEADERS, _STAGE_FILMS = "reading headers", "writing films"


@dataclass(frozen=True)
class LeftFile:
    """Name a file that is not imported, for the screen alone.

    Parameters
    ----------
    path : str
        Within the source.
    number : int
        Its place among all files of the source in order of their paths, from 1.
    reason : str
        A clause that holds nothing of the file.
    kind : {"other", "not wanted", "failed"}
        No DICOM; no radiograph of the chest; a radiograph, or damaged.
    """

    path: str = field(repr=False)
    number: int
    reason: str
    kind: str


@dataclass(frozen=True)
class _Scanned:
    """What the first pass found in a file; size, time and tags of a film only."""

    film: Film | None = None
    reason: str = ""
    kind: str = ""
    state: tuple[int, int] = (0, 0)
    tags: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Task:
    """A film to write."""

    path: str
    image: str
    state: tuple[int, int]


@dataclass(frozen=True)
class _Written:
    """What the second pass made of a film."""

    reason: str = ""
    notes: tuple[str, ...] = ()
    has_text: bool = False


@dataclass(frozen=True)
class _Planned:
    """A film of the source."""

    path: str
    number: int
    state: tuple[int, int]
    film: Film
    tags: tuple[int, ...]


class DicomSource:
    """Read a folder of DICOM files.

    Parameters
    ----------
    root : Path
    pseudonyms : Pseudonyms
    options : DicomOptions, optional

    Attributes
    ----------
    films : list
        Radiographs of the chest in the order of rows; filled by `scan`.
    left : list of LeftFile
        Every other file; `rows` adds films that could not be decoded.
    n_files : int
    made : dict of str to dict
        The row of each film that was written, by the film's hashed id.
    notes : Counter of str
        What was done to the pixels, in sentences, with numbers of films.
    """

    def __init__(
        self, root: Path, pseudonyms: Pseudonyms, options: DicomOptions | None = None
    ) -> None:
        if not root.is_dir():
            raise CohortError(f"{str(root)!r} is not a folder. Give the folder of DICOM files.")
        self.root = root.resolve()
        self.options = options or DicomOptions()
        self.films: list[_Planned] = []
        self.left: list[LeftFile] = []
        self.n_files = 0
        self.n_links = 0
        self.notes: Counter[str] = Counter()
        self._pseudonyms = pseudonyms
        self.made: dict[str, dict[str, str]] = {}

    @property
    def _n_workers(self) -> int:
        asked = self.options.n_workers
        return count_cores(most=MAX_WORKERS) if asked is None else asked

    # ---- first pass

    def scan(self, on_progress: Progress | None = None) -> None:
        """Read every header; no pixels.

        Raises
        ------
        CohortError
            If there is no radiograph of the chest; the message says what there is.
        """
        paths = self._list_files()
        self.n_files = len(paths)
        today = dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(1)
        work = partial(_scan_file, self.root, self._pseudonyms, self.options, today)
        workers: FileWorkers[str, _Scanned] = FileWorkers(
            work, n_workers=self._n_workers, n_together=FILES_A_TASK
        )
        found: dict[str, _Planned] = {}
        same: dict[tuple[int, ...], tuple[int, ...]] = {}  # one machine writes one set of elements
        for number, (path, result) in enumerate(workers.map(paths), start=1):
            scanned = result or _Scanned(reason=_BROKE, kind="failed")
            if scanned.film is None:
                self._leave(path, number, scanned.reason, scanned.kind)
            elif (first := found.get(scanned.film.image)) is not None:
                self._leave(path, number, self._compare(path, first.path), "not wanted")
            else:
                tags = same.setdefault(scanned.tags, scanned.tags)
                planned = _Planned(path, number, scanned.state, scanned.film, tags)
                found[scanned.film.image] = planned
            if on_progress is not None:
                on_progress(_STAGE_HEADERS, number, len(paths))
        if not found:
            raise CohortError(self.explain_nothing())
        self._order(found.values())

    def _list_files(self) -> list[str]:
        """List all files by their paths; a folder behind a link is not entered."""
        paths = []
        for parent, folders, names in os.walk(self.root):
            folders.sort()
            self.n_links += sum(Path(parent, each).is_symlink() for each in folders)
            inner = os.path.relpath(parent, self.root)
            paths += [os.path.normpath(os.path.join(inner, each)) for each in names]  # noqa: PTH118
        return sorted(paths)

    def _leave(self, path: str, number: int, reason: str, kind: str) -> None:
        self.left.append(LeftFile(path, number, reason, kind))

    def _compare(self, path: str, first: str) -> str:
        """Tell whether two files with one SOPInstanceUID are one."""
        with contextlib.suppress(ImageError):
            one, two = (
                hashlib.sha256(read_image_bytes(self.root / each)).digest()
                for each in (path, first)
            )
            if one == two:
                return "it is a copy of a file before it"
        return "it has the SOPInstanceUID of a file before it and other content: the first is kept"

    def _order(self, films: Iterable[_Planned]) -> None:
        """Order films by hashed ids and days: nothing of the source's order is left."""
        self.films = sorted(
            films,
            key=lambda each: (
                each.film.patient,
                each.film.day is None,
                each.film.day or 0,
                each.film.image,
            ),
        )

    def explain_nothing(self) -> str:
        """Explain in a sentence that there is nothing to import."""
        reasons = Counter(each.reason for each in self.left).most_common(4)
        shown = "; ".join(f"{n:,} x {reason}" for reason, n in reasons)
        return (
            f"{str(self.root)!r} holds no radiograph of the chest that can be read, of "
            f"{self.n_files:,} files{': ' if shown else ''}{shown}."
        )

    # ---- second pass

    def rows(self, folder: Path, on_progress: Progress | None = None) -> Iterator[dict[str, str]]:
        """Write each film and give its row.

        Parameters
        ----------
        folder : Path
            Takes ``images/``. Films that an interrupted call wrote there are not written again.
        on_progress : callable, optional

        Yields
        ------
        dict of str to str
            The cells of `COLUMNS`.

        Raises
        ------
        OSError
            If a file cannot be written.
        """
        images = folder / IMAGES_FOLDER
        images.mkdir(exist_ok=True)
        done = dict(self._read_progress(folder))
        first_days = self._find_first_days()
        with (folder / PROGRESS_FILE).open("a", encoding="utf-8") as log:
            for n_done, (planned, written) in enumerate(self._write(images, done), start=1):
                film = planned.film
                if planned.path not in done and not written.reason:
                    place = self._name_place(planned)
                    log.write(json.dumps({"place": place, **asdict(written)}) + "\n")
                    log.flush()
                if written.reason:
                    self._leave(planned.path, planned.number, written.reason, "failed")
                else:
                    self.notes.update(written.notes)
                    self.made[film.image] = row = _make_row(film, written, first_days)
                    yield row
                if on_progress is not None:
                    on_progress(_STAGE_FILMS, n_done, len(self.films))

    def finish(self, folder: Path) -> None:
        """Remove what a later call would have gone on from, and whatever no row names."""
        (folder / PROGRESS_FILE).unlink(missing_ok=True)
        for path in (folder / IMAGES_FOLDER).iterdir():
            if path.suffix != ".png" or path.stem not in self.made:
                path.unlink()

    def _write(
        self, images: Path, done: dict[str, _Written]
    ) -> Iterator[tuple[_Planned, _Written]]:
        """Give each film, in order, with what became of it."""
        tasks = (
            _Task(each.path, each.film.image, each.state)
            for each in self.films
            if each.path not in done
        )
        workers: FileWorkers[_Task, _Written] = FileWorkers(
            partial(_write_film, self.root, images), n_workers=self._n_workers
        )
        fresh = workers.map(tasks)
        for planned in self.films:
            if planned.path in done:
                yield planned, done[planned.path]
            else:
                yield planned, next(fresh)[1] or _Written(_BROKE)
        fresh.close()

    def _name_place(self, planned: _Planned) -> str:
        """Name a file with its size and time by keyed hash."""
        return self._pseudonyms.name("place", f"{planned.path}\0{planned.state}", length=32)

    def _read_progress(self, folder: Path) -> Iterator[tuple[str, _Written]]:
        """Give the paths of films that are written already, with what became of them."""
        places = {self._name_place(each): each for each in self.films}
        try:
            lines = (folder / PROGRESS_FILE).read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            with contextlib.suppress(ValueError, TypeError, KeyError):  # a line that was cut off
                fields: dict[str, Any] = json.loads(line)
                planned = places[fields.pop("place")]
                if (folder / IMAGES_FOLDER / f"{planned.film.image}.png").is_file():
                    written = _Written(**fields)
                    yield planned.path, replace(written, notes=tuple(written.notes))

    def _find_first_days(self) -> dict[str, int]:
        first: dict[str, int] = {}
        for each in self.films:
            if each.film.day is not None:
                patient = each.film.patient
                first[patient] = min(first.get(patient, each.film.day), each.film.day)
        return first

    # ---- what a reader should know

    def count_elements(self) -> Counter[int]:
        """Count the films that have an element, private ones too, by its tag."""
        sets = Counter(each.tags for each in self.films if each.film.image in self.made)
        counts: Counter[int] = Counter()
        for tags, n in sets.items():
            counts.update(dict.fromkeys(tags, n))
        return counts

    def find_spellings(self) -> list[tuple[str, ...]]:
        """List ids, hashed, that differ in case, blanks, signs or leading zeros alone."""
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for each in self.films:
            if each.film.likeness:
                groups[each.film.likeness].add(each.film.patient)
        return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)

    def find_contradictions(self) -> list[tuple[str, str]]:
        """List patients, hashed, under whose id there are two sexes, birth dates or issuers."""
        seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for each in self.films:
            for name, value in zip(("sex", "birth date", "issuer"), each.film.bearer, strict=True):
                if value:
                    seen[each.film.patient, name].add(value)
        return sorted(key for key, values in seen.items() if len(values) > 1)


def _make_row(film: Film, written: _Written, first_days: dict[str, int]) -> dict[str, str]:
    """Make the cells of a film's row."""
    cells = {
        "patientid": film.patient,
        "offset": "" if film.day is None else str(film.day - first_days[film.patient]),
        "sex": film.sex,
        "age": film.age,
        "view": film.view,
        "modality": "X-ray",
        "folder": IMAGES_FOLDER,
        "filename": f"{film.image}.png",
        "study": film.study,
        "acquisition": film.acquisition,
        "view_from": film.view_from,
        "bits_stored": str(film.bits),
        "text_burned_in": film.burned_in,
        "text_seen": "yes" if written.has_text else "no",
    }
    return {name: cells[name] for name in COLUMNS}


# ---- in a worker


def _scan_file(
    root: Path, pseudonyms: Pseudonyms, options: DicomOptions, today: dt.date, path: str
) -> _Scanned:
    """Find out what a file is, by its content."""
    full = root / path
    if not os.path.realpath(full).startswith(os.path.join(root, "")):  # noqa: PTH118
        return _Scanned(reason="it is a link that leads out of the folder", kind="other")
    try:
        with open_regular(full) as file:
            status = os.fstat(file.fileno())
            head = file.read(132)
            if not looks_like_dicom(head) and not is_enveloped(head):
                return _Scanned(reason=_describe_stranger(head), kind="other")
            if status.st_size > MAX_FILE_BYTES:
                reason = f"the file is larger than {MAX_FILE_BYTES >> 20} MiB"
                return _Scanned(reason=reason, kind="failed")
            file.seek(0)
            return _scan_header(file, head, full, pseudonyms, options, today, status)
    except OSError as error:
        return _Scanned(reason=describe_read_error(error), kind="failed")
    except MemoryError:
        return _Scanned(reason="there is not enough memory to read it", kind="failed")


def _describe_stranger(head: bytes) -> str:
    if not head:
        return "it is empty"
    if head.startswith(_ARCHIVES):
        return "it is an archive, which is not opened: unpack it first"
    return _STRANGER


def _scan_header(
    file: Any,  # noqa: ANN401
    head: bytes,
    path: Path,
    pseudonyms: Pseudonyms,
    options: DicomOptions,
    today: dt.date,
    status: os.stat_result,
) -> _Scanned:
    """Read a header; what does not begin with the mark of DICOM must look like it inside."""
    has_mark = head[128:] == b"DICM" or is_enveloped(head)
    modality = ""
    try:
        elements = read_elements(file, path, KEYWORDS)
        header = elements.dataset
        has_mark = has_mark or any(name in header for name in ("SOPClassUID", "Modality", "Rows"))
        modality = str(header.get("Modality") or "").strip().upper()
        if any(tag >> 16 == _DIRECTORY_GROUP for tag in elements.tags):
            raise LeftOutError("it is a directory of DICOM files (DICOMDIR), without an image")
        check_elements(elements, path)
        content = "" if header.get("SOPInstanceUID") else _hash_rest(file)
        film = guard_image(
            lambda: describe_film(header, content, pseudonyms, options, today),
            path,
            "the DICOM file is damaged or truncated",
            quote=False,
        )
    except LeftOutError as error:
        return _Scanned(reason=str(error), kind="not wanted")
    except ImageError as error:
        if not has_mark and "pip install" not in error.reason:
            return _Scanned(reason=_STRANGER, kind="other")
        reason = _without_size(error.reason.removesuffix(" (modality CR, DX or RG)"))
        is_other = bool(modality) and modality not in MODALITIES
        return _Scanned(reason=reason, kind="not wanted" if is_other else "failed")
    return _Scanned(film, state=(status.st_size, status.st_mtime_ns), tags=elements.tags)


def _hash_rest(file: Any) -> str:  # noqa: ANN401
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _without_size(reason: str) -> str:
    """Make one reason of many that differ in the size of an image."""
    words = reason.split(" ")
    is_size = len(words) > 3 and words[0].isdigit() and words[1] == "x" and words[2].isdigit()
    return "its " + " ".join(words[3:]) if is_size else reason


def _write_film(root: Path, images: Path, task: _Task) -> _Written:
    """Decode a film and write it as PNG; what is wrong with the film is a reason."""
    path = root / task.path
    try:
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) != task.state:
            return _Written("the file changed while the folder was being imported")
        read = decode_dicom(read_image_bytes(path), path)
    except ImageError as error:
        return _Written(_without_size(error.reason))
    except OSError as error:
        return _Written(describe_read_error(error))
    except MemoryError:
        return _Written("there is not enough memory to decode it")
    if np.ptp(read.pixels) == 0:
        return _Written("all its pixels are of one shade")
    write_whole(images / f"{task.image}.png", encode_png(read.pixels), durable=False)
    return _Written(notes=read.notes, has_text=find_text(read.pixels))
