"""Annotations of a cohort: severity scores, lung boxes and lung masks.

All lie in the folder annotations/ and all are optional. Boxes and masks are in the pixels
of the image as it was annotated, which need not be its size now: scale by the annotation's
own size.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.metadata import decode_text
from cxrlib.cohort.plain_numbers import parse_number
from cxrlib.errors import CohortError
from cxrlib.storage import leaves_cohort, read_regular
from cxrlib.system import describe_read_error

FOLDER = "annotations"
SCORES_FILE = f"{FOLDER}/covid-severity-scores.csv"
BOXES_FILE = f"{FOLDER}/imageannotation_ai_lung_bounding_boxes.json"
MASKS_FOLDER = f"{FOLDER}/lungVAE-masks"
MASK_ENDING = "_mask.png"
MAX_BYTES = 256 << 20

# Cohen et al. 2020, arXiv:2005.11856: geographic extent 0-8, opacity 0-6, means of 3 raters.
SCORE_RANGES = {"geographic_mean": 8.0, "opacity_mean": 6.0}
BOX_COLUMNS = ("filename", "side", "left", "top", "width", "height", "image_width", "image_height")


def read_scores(root: Path, filenames: Iterable[str], problems: ProblemLog) -> pd.DataFrame:
    """Read the severity scores.

    Parameters
    ----------
    root : Path
        The cohort's folder.
    filenames : iterable of str
        File names in the metadata; scores of others are written down and left out.
    problems : ProblemLog

    Returns
    -------
    DataFrame
        Columns geographic_mean (0 to 8) and opacity_mean (0 to 6), Float64, indexed by file
        name; empty where the file is missing or cannot be used.
    """
    known = set(filenames)
    scores: dict[str, dict[str, float | None]] = {}
    for row, cells in _read_score_rows(root, problems):
        name = cells["filename"]
        reason = _judge_name(name, known, scores)
        if reason:
            problems.add(SCORES_FILE, reason, "left out", row=row, column="filename", value=name)
            continue
        scores[name] = {
            column: _read_score(column, cells[column], row, problems) for column in SCORE_RANGES
        }
    table = pd.DataFrame.from_dict(scores, orient="index", columns=list(SCORE_RANGES))
    return table.astype("Float64").rename_axis("filename")


def read_lung_boxes(root: Path, filenames: Iterable[str], problems: ProblemLog) -> pd.DataFrame:
    """Read the bounding boxes of the lungs, a file in COCO form.

    Parameters
    ----------
    root : Path
        The cohort's folder.
    filenames : iterable of str
        File names in the metadata; boxes of others are written down and left out.
    problems : ProblemLog

    Returns
    -------
    DataFrame
        A row a box: filename, side ("Right Lung", "Left Lung", as the file names them),
        left, top, width, height, and the annotated image's image_width and image_height,
        all in that image's pixels.
    """
    content = _read_json(root, problems)
    images = _read_box_images(content, set(filenames), problems)
    sides = {
        entry.get("id"): str(entry.get("name"))
        for entry in _list_entries(content, "categories")
        if _is_key(entry.get("id"))
    }
    boxes = []
    for entry in _list_entries(content, "annotations"):
        key = entry.get("image_id")
        if not _is_key(key) or key not in images:
            problems.add(
                BOXES_FILE, "the box belongs to no image", "left out", value=str(entry.get("id"))
            )
            continue
        image = images[key]
        box = _to_numbers(entry.get("bbox"), 4)
        if box is None or min(box[2:]) <= 0:
            problems.add(
                BOXES_FILE,
                f"the box of {image['filename'] or key!r} is not left, top, width and height",
                "left out",
                value=str(entry.get("bbox")),
            )
        elif image["filename"]:
            category = entry.get("category_id")
            side = sides.get(category, "") if _is_key(category) else ""
            boxes.append({**image, "side": side, **dict(zip(_BOX_SIDES, box, strict=True))})
    return pd.DataFrame(boxes, columns=list(BOX_COLUMNS))


def find_lung_masks(root: Path, filenames: Iterable[str], problems: ProblemLog) -> dict[str, str]:
    """Find the lung mask of each image.

    A mask is named after its image without the ending: ``a.jpg`` has ``a_mask.png``. Where
    two images differ in their endings only, the mask could be of either and is left out.

    Returns
    -------
    dict of str to str
        File name of an image to the path of its mask within the cohort's folder.
    """
    images: dict[str, list[str]] = {}
    for name in dict.fromkeys(filenames):
        images.setdefault(PurePosixPath(name).stem, []).append(name)
    found = {}
    for mask in _list_masks(root, problems):
        owners = images.get(mask.removesuffix(MASK_ENDING), [])
        path = f"{MASKS_FOLDER}/{mask}"
        problem = _refuse_file(root, path)
        if not problem and len(owners) != 1:
            problem = "the mask matches several images" if owners else "the mask matches no image"
        if problem:
            problems.add(MASKS_FOLDER, problem, "left out", column="filename", value=mask)
        else:
            found[owners[0]] = path
    return found


_BOX_SIDES = ("left", "top", "width", "height")


# ---- scores


def _read_score_rows(root: Path, problems: ProblemLog) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of the scores' file with their numbers, comments and blanks left out."""
    data = _read_file(root, SCORES_FILE, problems)
    if data is None:
        return []
    try:
        text = decode_text(data, SCORES_FILE, problems)
        records = list(enumerate(csv.reader(io.StringIO(text, newline="")), start=1))
    except (CohortError, csv.Error) as error:
        problems.add(SCORES_FILE, f"the file cannot be read ({error})", "no scores")
        return []
    # Five lines of citation and licence come first, each begins with "##".
    records = [(row, cells) for row, cells in records if any(cells) and cells[0][:1] != "#"]
    header = [name.strip() for name in records[0][1]] if records else []
    missing = [name for name in ("filename", *SCORE_RANGES) if name not in header]
    if missing:
        problems.add(SCORES_FILE, f"the file lacks the column {', '.join(missing)}", "no scores")
        return []
    return [
        (row, dict(zip(header, [*map(str.strip, cells), *[""] * len(header)], strict=False)))
        for row, cells in records[1:]
    ]


def _judge_name(name: str, known: set[str], taken: Iterable[str]) -> str:
    """Describe why a row of scores cannot be used, or give ""."""
    if not name:
        return "the file name is blank"
    if name not in known:
        return "the file name is not in the metadata"
    return "an earlier row has scores of this file" if name in taken else ""


def _read_score(column: str, cell: str, row: int, problems: ProblemLog) -> float | None:
    score = parse_number(cell)
    if score is not None and 0 <= score <= SCORE_RANGES[column]:
        return score
    if cell:
        problems.add(
            SCORES_FILE,
            f"not a number from 0 to {SCORE_RANGES[column]:g}",
            "read as not recorded",
            row=row,
            column=column,
            value=cell,
        )
    return None


# ---- boxes


def _read_json(root: Path, problems: ProblemLog) -> dict[str, object]:
    data = _read_file(root, BOXES_FILE, problems)
    if data is None:
        return {}
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        problems.add(BOXES_FILE, f"the file is not JSON ({error})", "no lung boxes")
        return {}
    if not isinstance(content, dict):
        problems.add(BOXES_FILE, "the file is not a JSON object", "no lung boxes")
        return {}
    return content


def _list_entries(content: dict[str, object], name: str) -> list[dict[str, object]]:
    """Return the objects in a list of the file; anything else has no place there."""
    entries = content.get(name)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _read_box_images(
    content: dict[str, object], known: set[str], problems: ProblemLog
) -> dict[object, dict[str, object]]:
    """Map the file's own image ids to file name ("" if not in the metadata) and size."""
    images: dict[object, dict[str, object]] = {}
    for entry in _list_entries(content, "images"):
        key, name = entry.get("id"), entry.get("file_name")
        size = _to_numbers([entry.get("width"), entry.get("height")], 2)
        if not _is_key(key) or not isinstance(name, str) or size is None or min(size) <= 0:
            problems.add(
                BOXES_FILE, "the image lacks an id, file_name or size", "left out", value=str(name)
            )
            continue
        if name not in known:
            problems.add(
                BOXES_FILE,
                "the file name is not in the metadata",
                "its boxes are left out",
                column="file_name",
                value=name,
            )
        filename = name if name in known else ""
        images[key] = {"filename": filename, "image_width": size[0], "image_height": size[1]}
    return images


def _is_key(value: object) -> bool:
    """Tell whether a JSON value can be an id: lists and objects cannot be looked up."""
    return isinstance(value, int | str)


def _to_numbers(values: object, count: int) -> list[float] | None:
    """Return finite numbers, or None if the JSON value is not so many of them."""
    if not isinstance(values, Sequence) or len(values) != count:
        return None
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        return None
    return (
        [float(v) for v in values]
        if all(abs(v) < 1e9 and math.isfinite(v) for v in values)
        else None
    )


# ---- files


def _list_masks(root: Path, problems: ProblemLog) -> list[str]:
    try:
        names = sorted(path.name for path in (root / MASKS_FOLDER).iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.add(MASKS_FOLDER, f"the folder cannot be read ({error.strerror})", "no lung masks")
        return []
    return [name for name in names if name.endswith(MASK_ENDING)]


def _read_file(root: Path, file: str, problems: ProblemLog) -> bytes | None:
    """Read an optional file; None where it is missing, a line where it cannot be read."""
    try:
        if leaves_cohort(root.resolve(), root / file):
            problems.add(file, "the file is a link that leaves the folder", "ignored")
            return None
        return read_regular(root / file, max_bytes=MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        problems.add(file, f"the file cannot be read: {describe_read_error(error)}", "ignored")
        return None


def _refuse_file(root: Path, file: str) -> str:
    """Describe why a file must not be used, as a clause, or give ""."""
    if leaves_cohort(root.resolve(), root / file):
        return "the file is a link that leaves the folder"
    return "" if (root / file).is_file() else "it is not a regular file"
