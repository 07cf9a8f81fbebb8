"""Make small cohorts on disk for tests."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

HEADER = (
    *("patientid", "offset", "sex", "age", "finding", "RT_PCR_positive", "survival"),
    *("intubated", "intubation_present", "went_icu", "in_icu", "needed_supplemental_O2"),
    *("extubated", "temperature", "pO2_saturation", "leukocyte_count", "neutrophil_count"),
    *("lymphocyte_count", "view", "modality", "date", "location", "folder", "filename", "doi"),
    *("url", "license", "clinical_notes", "other_notes"),
)
SCORES_FILE = "covid-severity-scores.csv"
BOXES_FILE = "imageannotation_ai_lung_bounding_boxes.json"
MASKS_FOLDER = "lungVAE-masks"


def make_cohort(
    root: Path,
    rows: Sequence[Mapping[str, object]] = ({},),
    *,
    images: Mapping[str, np.ndarray] | None = None,
    scores: Mapping[str, tuple[object, object]] | None = None,
    boxes: Iterable[str] = (),
    masks: Iterable[str] = (),
    planted: Mapping[str, object] | None = None,
    header: Sequence[str] = HEADER,
) -> Path:
    """Write a cohort in the collection's layout.

    Parameters
    ----------
    root : Path
        Folder to write into; it is made.
    rows : sequence of mapping
        Cells by column name. What a row leaves out is: patientid and filename by its place
        ("1", "image1.png"), view PA, modality X-ray, finding Pneumonia/Viral/COVID-19,
        folder images, else blank.
    images : mapping of str to ndarray, optional
        Pixels by file name. Without, each named file is drawn with pixels of its own.
    scores : mapping, optional
        (geographic_mean, opacity_mean) by file name.
    boxes, masks : iterable of str
        File names of images that have lung boxes or a lung mask.
    planted : mapping, optional
        Content of planted.json.

    Returns
    -------
    Path
        The folder.
    """
    full = [fill_row(row, i) for i, row in enumerate(rows, start=1)]
    root.mkdir(parents=True, exist_ok=True)
    (root / "images").mkdir(exist_ok=True)
    (root / "metadata.csv").write_text(format_csv(full, header), encoding="utf-8")
    if images is None:
        names = dict.fromkeys(str(row["filename"]) for row in full)
        images = {name: draw_image(seed) for seed, name in enumerate(names)}
    for name, pixels in images.items():
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    _write_annotations(root, scores or {}, boxes, masks)
    if planted is not None:
        (root / "planted.json").write_text(json.dumps(planted), encoding="utf-8")
    return root


def fill_row(row: Mapping[str, object], i: int) -> dict[str, object]:
    """Complete a row; `i` is its place, from 1."""
    return {
        "patientid": i,
        "filename": f"image{i}.png",
        "view": "PA",
        "modality": "X-ray",
        "finding": "Pneumonia/Viral/COVID-19",
        "folder": "images",
        **row,
    }


def format_csv(rows: Iterable[Mapping[str, object]], header: Sequence[str] = HEADER) -> str:
    """Write rows as comma-separated text."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, header, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def draw_image(seed: int, *, height: int = 80, width: int = 64) -> np.ndarray:
    """Draw a smooth random picture (height, width), uint8: unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.uniform(20, 235, (10, 8)).astype(np.float32))
    return (
        np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
        .clip(0, 255)
        .astype(np.uint8)
    )


def _write_annotations(
    root: Path,
    scores: Mapping[str, tuple[object, object]],
    boxes: Iterable[str],
    masks: Iterable[str],
) -> None:
    folder = root / "annotations"
    (folder / MASKS_FOLDER).mkdir(parents=True, exist_ok=True)
    lines = ["## a comment,,", "filename,geographic_mean,opacity_mean"]
    lines += [f"{name},{extent},{opacity}" for name, (extent, opacity) in scores.items()]
    (folder / SCORES_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / BOXES_FILE).write_text(json.dumps(make_boxes(boxes)), encoding="utf-8")
    for name in masks:
        mask = Image.fromarray(np.zeros((80, 64), np.uint8))
        mask.save(folder / MASKS_FOLDER / f"{Path(name).stem}_mask.png")


def make_boxes(names: Iterable[str]) -> dict[str, list[dict[str, object]]]:
    """Make the content of a file of lung boxes: a right and a left lung for each image."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for i, name in enumerate(names, start=1):
        images.append({"id": i, "file_name": name, "width": 640, "height": 800})
        for side in (1, 2):
            box = [50 + 300 * (side - 1), 100, 220, 500]
            annotations.append(
                {"id": 2 * i + side, "image_id": i, "category_id": side, "bbox": box}
            )
    sides = [{"id": 1, "name": "Right Lung"}, {"id": 2, "name": "Left Lung"}]
    return {"images": images, "annotations": annotations, "categories": sides}


def make_damaged_avif() -> bytes:
    """Make a photo-like AVIF whose second half is blank: its decoder raises RuntimeError."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:256, 0:256]
    pixels = 127 + 60 * np.sin(x / 40) * np.cos(y / 55) + 25 * rng.standard_normal(x.shape)
    target = io.BytesIO()
    # Tiles, as large photos have them: one cannot be told from noise, the next is missing.
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
        target, "AVIF", tile_rows=2, tile_cols=2
    )
    data = target.getvalue()
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
