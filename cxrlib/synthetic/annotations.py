"""What raters and annotators would say of the simulated images."""

from dataclasses import dataclass

import numpy as np

from cxrlib.synthetic.course import Shot
from cxrlib.synthetic.phantom import Array
from cxrlib.synthetic.records import ImageTask

__all__ = ["Drawn", "box_entries", "collect_boxes", "draw_scores", "true_scores"]


@dataclass(frozen=True)
class Drawn:
    """Hold what the annotations need of a finished image: its size and its lung boxes."""

    width: int
    height: int
    boxes: list[tuple[int, list[int]]]


def true_scores(zone_severity: tuple[float, ...]) -> tuple[float, float]:
    """Compute geographic extent (0 to 8) and opacity (0 to 6) from severity by zone.

    Each lung counts extent 0 to 4 and opacity 0 to 3, as in the scheme of the real collection.
    """
    zones = np.asarray(zone_severity, dtype=float).reshape(2, 3)
    extent = 4 * np.clip(zones / 0.55, 0, 1).mean(1)
    opacity = 3 * np.clip(zones.mean(1) / 0.8, 0, 1) ** 0.8
    return float(extent.sum()), float(opacity.sum())


def draw_scores(shot: Shot, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the mean scores of three raters who read the truth with some error."""
    extent, opacity = true_scores(shot.zone_severity)
    extents = np.clip(np.round(extent + rng.normal(0, 0.7, 3)), 0, 8)
    opacities = np.clip(np.round(opacity + rng.normal(0, 0.55, 3)), 0, 6)
    return round(float(extents.mean()), 1), round(float(opacities.mean()), 1)


def box_entries(sides: Array) -> list[tuple[int, list[int]]]:
    """Give the boxes of both lungs as (category, [x, y, width, height]) in pixels."""
    entries = []
    for category, side in ((1, -1), (2, 1)):
        rows, columns = np.nonzero(sides == side)
        if len(rows) < 50:
            continue
        x, y = int(columns.min()), int(rows.min())
        entries.append((category, [x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1]))
    return entries


def collect_boxes(
    tasks: list[ImageTask], rows: dict[str, dict[str, str]], drawn: dict[str, Drawn]
) -> dict[str, object]:
    """Collect lung boxes in the layout of the real collection (COCO)."""
    images: list[dict[str, object]] = []
    boxes: list[dict[str, object]] = []
    for task in tasks:
        made = drawn.get(task.filename)
        if "box" not in task.annotated or made is None:
            continue
        row = rows[task.filename]
        number = len(images) + 1
        images.append(
            {
                "license": 1,
                "file_name": task.filename,
                "height": made.height,
                "width": made.width,
                "id": number,
                "metadata": {k: row[k] for k in ("patientid", "offset", "sex", "age", "view")},
            }
        )
        for category, box in made.boxes:
            boxes.append(
                {
                    "segmentation": [],
                    "area": box[2] * box[3],
                    "image_id": number,
                    "bbox": box,
                    "id": len(boxes) + 1,
                    "category_id": category,
                }
            )
    lungs = [
        {"supercategory": "Lungs", "id": 1, "name": "Right Lung"},
        {"supercategory": "Lungs", "id": 2, "name": "Left Lung"},
    ]
    return {
        "info": {"description": "Lung boxes of a synthetic cohort", "url": ""},
        "licenses": [{"id": 1, "name": "CC0 1.0", "url": ""}],
        "categories": lungs,
        "images": images,
        "annotations": boxes,
    }
