"""Write a simulated cohort to disk, in the layout of the real collection."""

import csv
import io
import json
import re
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from cxrlib.aliases import Progress
from cxrlib.errors import CohortError
from cxrlib.synthetic.annotations import Drawn, box_entries, collect_boxes, draw_scores
from cxrlib.synthetic.course import ZONES
from cxrlib.synthetic.phantom import Array
from cxrlib.synthetic.radiograph import Textures, make_textures
from cxrlib.synthetic.records import COLUMNS, ImageTask, SimulatedCohort, simulate_courses
from cxrlib.synthetic.rendering import build_body, render_shot
from cxrlib.synthetic.truth import VERSION, describe_planted
from cxrlib.system import ONE_THREAD, count_cores, with_environment, without_script

__all__ = ["generate_demo"]


def generate_demo(
    root: Path | str,
    *,
    seed: int = 20200918,
    n_patients: int = 250,
    n_workers: int | None = None,
    on_progress: Progress | None = None,
) -> Path:
    """Generate the synthetic demo cohort.

    The folder appears at once when all is written; an interrupted run leaves nothing behind
    under its name. A finished demo of the same seed, size and version is kept as it is; another
    demo is replaced, if nothing but a demo is in its folder.

    Parameters
    ----------
    root : Path or str
        Folder to make.
    seed : int, default 20200918
        Same seed, same bytes, whatever the number of workers.
    n_patients : int, default 250
        Number of patient ids, at least 24; about 3.2 images each.
    n_workers : int, optional
        Processes; by default as many as there are cores, at most 4.
    on_progress : callable, optional
        Called with a label, the number of images done and their total.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CohortError
        If the folder holds something that is not a demo cohort or does not belong to it, or
        cannot be written; if a worker process dies.

    Examples
    --------
    >>> from cxrlib.synthetic import generate_demo
    >>> root = generate_demo("demo", n_patients=250)  # doctest: +SKIP
    """
    root = Path(root)
    if n_patients < 24:
        raise CohortError(
            f"A demo cohort of {n_patients!r} patients is too small: five regions with all "
            "findings need n_patients to be at least 24."
        )
    if _is_finished(root, seed, n_patients):
        return root
    _check_replaceable(root)
    part = root.parent / f".{root.name}.{uuid.uuid4().hex[:8]}.part"
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        _write_cohort(
            part, simulate_courses(seed=seed, n_patients=n_patients), n_workers, on_progress
        )
        _put_in_place(part, root)
    except OSError as error:
        raise CohortError(
            f"The demo cohort cannot be written to {str(root)!r}: {error.strerror or error}. "
            "Choose a folder that can be written and has 100 MB free."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root


def _read_planted(root: Path) -> dict[str, object]:
    """Read planted.json, or give nothing where there is none."""
    try:
        read = json.loads((root / "planted.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _is_finished(root: Path, seed: int, n_patients: int) -> bool:
    """Tell whether a folder holds this very demo."""
    read = _read_planted(root)
    same = (read.get("seed"), read.get("version"), read.get("n_patients"))
    return same == (seed, VERSION, n_patients) and (root / "metadata.csv").is_file()


def _check_replaceable(root: Path) -> None:
    """Raise unless the folder is absent, empty, or an older demo with nothing else in it."""
    if not root.exists():
        return
    if not root.is_dir():
        raise CohortError(
            f"{str(root)!r} is a file: a demo cohort needs a folder. Choose another name."
        )
    if any(root.iterdir()) and _read_planted(root).get("synthetic") is not True:
        raise CohortError(
            f"The folder {str(root)!r} is not empty and holds no demo cohort: nothing was written. "
            "Choose a new or an empty folder."
        )
    foreign = _find_foreign(root)
    if foreign is not None:
        raise CohortError(
            f"The folder {str(root)!r} holds an older demo cohort and {foreign!r}, which is not "
            "part of it: nothing was written. Move that file, or choose another folder."
        )


# What a demo consists of, by path; names of images as `records` gives them.
_IMAGE = r"demo-(\d+[a-z]?|ct)-\d+"
_OWN_FILES = re.compile(
    r"metadata\.csv|planted\.json"
    rf"|images/{_IMAGE}\.(jpg|jpeg|png)"
    rf"|annotations/lungVAE-masks/{_IMAGE}_mask\.png"
    r"|annotations/(covid-severity-scores\.csv|planted-images\.csv"
    r"|imageannotation_ai_lung_bounding_boxes\.json)"
)
_OWN_FOLDERS = ("images", "annotations", "annotations/lungVAE-masks")


def _find_foreign(root: Path) -> str | None:
    """Return the path of something in a demo's folder that the generator does not write."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        own = path.is_dir() if name in _OWN_FOLDERS else _OWN_FILES.fullmatch(name) is not None
        if path.is_symlink() or not own:
            return name
    return None


def _put_in_place(part: Path, root: Path) -> None:
    """Rename the finished folder; an older demo or an empty folder makes way."""
    old = root.parent / f"{part.name}.old"
    if root.exists():
        root.replace(old)
    part.replace(root)
    shutil.rmtree(old, ignore_errors=True)


def _write_cohort(
    root: Path, cohort: SimulatedCohort, n_workers: int | None, on_progress: Progress | None
) -> None:
    """Write everything into a new folder."""
    (root / "images").mkdir(parents=True)
    (root / "annotations" / "lungVAE-masks").mkdir(parents=True)
    drawn = _make_images(root, cohort, n_workers, on_progress)
    rows = {row["filename"]: row for row in cohort.rows}
    _write_csv(root / "metadata.csv", COLUMNS, [[row[c] for c in COLUMNS] for row in cohort.rows])
    _write_scores(root / "annotations" / "covid-severity-scores.csv", cohort)
    _write_truth(root / "annotations" / "planted-images.csv", cohort)
    boxes = root / "annotations" / "imageannotation_ai_lung_bounding_boxes.json"
    boxes.write_text(
        json.dumps(collect_boxes(cohort.tasks, rows, drawn), indent=1), encoding="utf-8"
    )
    planted = json.dumps(describe_planted(cohort), indent=2, ensure_ascii=False)
    (root / "planted.json").write_text(planted + "\n", encoding="utf-8")


def _write_csv(path: Path, header: tuple[str, ...], rows: list[list[str]]) -> None:
    """Write a table as UTF-8 with line feeds, on every system alike."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_scores(path: Path, cohort: SimulatedCohort) -> None:
    """Write severity scores under comment lines like the real file's."""
    rng = np.random.default_rng([cohort.seed, 5])
    lines = [
        "## Synthetic severity scores (mean of 3 simulated raters),,",
        "## geographic_mean: extent of lung involvement, 0 to 8.,,",
        "## opacity_mean: degree of opacity, 0 to 6.,,",
        "filename,geographic_mean,opacity_mean",
    ]
    for task in sorted(cohort.tasks, key=lambda task: task.filename):
        if "score" in task.annotated:
            extent, opacity = draw_scores(task.shot, rng)
            lines.append(f"{task.filename},{extent},{opacity}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_truth(path: Path, cohort: SimulatedCohort) -> None:
    """Write the true severity of every image, zone by zone."""
    header = ("filename", "patientid", "true_day", "true_view", "severity", *ZONES, "style_sign")
    rows = []
    for task, row in zip(cohort.tasks, cohort.rows, strict=False):
        shot = task.shot
        severities = [f"{value:.4f}" for value in (shot.severity, *shot.zone_severity)]
        known = [task.filename, row["patientid"], str(shot.day), shot.view]
        rows.append([*known, *severities, str(shot.patient.hospital.style_sign)])
    _write_csv(path, header, rows)


def _make_images(
    root: Path, cohort: SimulatedCohort, n_workers: int | None, on_progress: Progress | None
) -> dict[str, Drawn]:
    """Render and save all files, one person after the other, on some processes."""
    by_person = sorted(
        (task for task in cohort.tasks if task.trick != "missing"),
        key=lambda task: task.shot.patient.index,
    )
    jobs = [
        (str(root), cohort.seed, tuple(tasks))
        for _, tasks in groupby(by_person, key=lambda task: task.shot.patient.index)
    ]
    drawn: dict[str, Drawn] = {}
    for made in _run_jobs(jobs, n_workers or count_cores(most=4)):
        drawn.update(made)
        if on_progress is not None:
            on_progress("Generating radiographs", len(drawn), len(by_person))
    return drawn


_Job = tuple[str, int, tuple[ImageTask, ...]]


def _run_jobs(jobs: list[_Job], n_workers: int) -> Iterator[dict[str, Drawn]]:
    """Run jobs here or in fresh processes; the result does not depend on which."""
    if n_workers <= 1:
        yield from map(_draw_person, jobs)
        return
    context = get_context("spawn")
    lean = with_environment(_CHILD_SETTINGS, overwrite=False)
    try:
        with lean, ProcessPoolExecutor(n_workers, mp_context=context) as pool:
            with without_script():  # workers start as jobs are handed in
                drawn = pool.map(_draw_person, jobs, chunksize=2)
            yield from drawn
    except BrokenProcessPool as error:
        raise CohortError(
            f"The demo was not generated: one of {n_workers} worker processes ended unexpectedly. "
            "Too little memory is the usual cause: close other programs and run it again, or from "
            "Python with n_workers=1."
        ) from error


# One numerical thread a process; and glibc keeps freed memory instead of giving it back a
# thousand times an image, which saves a fifth of the time (measured). Other systems ignore it.
_CHILD_SETTINGS = {
    **ONE_THREAD,
    "MALLOC_MMAP_THRESHOLD_": "268435456",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
}


@lru_cache(maxsize=2)
def _textures(seed: int) -> Textures:
    """Keep the noise tiles of a process."""
    return make_textures(seed)


def _draw_person(job: _Job) -> dict[str, Drawn]:
    """Render all images of one person and save them with their masks."""
    root, seed, tasks = Path(job[0]), job[1], job[2]
    body = build_body(seed, tasks[0].shot.patient)
    drawn: dict[str, Drawn] = {}
    for task in tasks:
        picture = render_shot(seed, task.shot, body, _textures(seed))
        (root / "images" / task.filename).write_bytes(_encode(picture.pixels, task))
        if "mask" in task.annotated:
            stem = task.filename.rsplit(".", 1)[0]
            path = root / "annotations" / "lungVAE-masks" / f"{stem}_mask.png"
            mask = Image.fromarray(picture.lung_mask.astype(np.uint8) * 255)
            path.write_bytes(_encode_png(mask))
        height, width = picture.pixels.shape
        drawn[task.filename] = Drawn(width, height, box_entries(picture.sides))
    return drawn


def _encode_png(image: Image.Image) -> bytes:
    """Encode as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _encode(pixels: Array, task: ImageTask) -> bytes:
    """Encode as the name says, or as the file's trick wants it."""
    image = Image.fromarray(pixels)
    if task.trick == "copy":  # the same image, published again a little smaller
        size = (round(image.width * 0.94), round(image.height * 0.94))
        image = image.resize(size, Image.Resampling.BICUBIC)
    if task.trick == "rgba":
        image = image.convert("RGBA")
    elif task.trick == "palette":
        image = image.convert("RGB").quantize(256)
    if task.filename.endswith("png") or task.trick == "png named jpg":
        return _encode_png(image)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    data = buffer.getvalue()
    return data[: len(data) // 2] if task.trick == "truncated" else data
