"""Boxes and masks lie where they were drawn, whatever the size of the file now."""

import io
import json
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cxrlib.cohort import BOXES_FILE, MASKS_FOLDER, load_cohort
from cxrlib.display import Box, describe_misfit, lung_boxes, mask_png
from cxrlib.errors import CxrError, ImageError, SelectionError
from tests.cohort_factory import draw_image, make_boxes, make_cohort, make_damaged_avif

ROWS = [{"filename": name} for name in ("a.png", "b.png", "c.jpg", "c.png")]


def make_overlaid(root, *, boxes=None, masks=(), shape=(80, 64), inspect=True):
    """Load a cohort of four images with boxes (a whole file's content) and masks (pixels)."""
    images = {
        str(row["filename"]): draw_image(i, height=shape[0], width=shape[1])
        for i, row in enumerate(ROWS)
    }
    make_cohort(root, ROWS, images=images)
    if boxes is not None:
        (root / BOXES_FILE).write_text(json.dumps(boxes))
    for name, pixels in dict(masks).items():
        Image.fromarray(pixels).save(root / MASKS_FOLDER / f"{name}_mask.png")
    return load_cohort(root, inspect_images=inspect)


def decode(png):
    """Return the pixels of a PNG."""
    return np.asarray(Image.open(io.BytesIO(png)))


# ---- boxes


def test_boxes_are_scaled_by_the_annotations_own_size(tmp_path) -> None:
    """An image of 64 x 80 annotated at 640 x 800 gets the same places."""
    cohort = make_overlaid(tmp_path, boxes=make_boxes(["a.png"]))
    right, left = lung_boxes(cohort, "a.png")
    assert right == Box("Right Lung", 50 / 640, 100 / 800, 220 / 640, 500 / 800)
    assert (left.label, left.left) == ("Left Lung", 350 / 640)
    assert lung_boxes(cohort, "b.png") == []
    assert describe_misfit(cohort, "a.png") == describe_misfit(cohort, "b.png") == ""


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ([-64, -80, 128, 160], (0.0, 0.0, 0.1, 0.1)),
        ([576, 720, 9999, 9999], (0.9, 0.9, 0.1, 0.1)),
        ([-1e6, -1e6, 2e6, 2e6], (0.0, 0.0, 1.0, 1.0)),
        ([700, 100, 50, 50], None),
        ([0, 801, 640, 5], None),
    ],
)
def test_what_reaches_out_of_the_image_is_cut_off(tmp_path, bbox, expected) -> None:
    """A box beyond the border ends there; one outside is none."""
    content = make_boxes(["a.png"])
    content["annotations"] = [{**content["annotations"][0], "bbox": bbox}]
    boxes = lung_boxes(make_overlaid(tmp_path, boxes=content), "a.png")
    if expected is None:
        assert boxes == []
    else:
        box = boxes[0]
        assert (box.left, box.top, box.width, box.height) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(80, 64), (81, 64), (79, 64), (160, 128), (8, 6)])
def test_rounding_of_a_resize_is_no_misfit(tmp_path, shape) -> None:
    """A pixel more or less is what resizing leaves."""
    cohort = make_overlaid(tmp_path, boxes=make_boxes(["a.png"]), shape=(80, 64))
    table = cohort.table.assign(
        height=pd.array([shape[0]] * 4, "Int64"), width=pd.array([shape[1]] * 4, "Int64")
    )
    object.__setattr__(cohort, "table", table)
    assert len(lung_boxes(cohort, "a.png")) == 2


def test_boxes_of_an_image_cropped_since_are_not_shown(tmp_path) -> None:
    """Other proportions: no box, and a sentence that names both sizes."""
    cohort = make_overlaid(tmp_path, boxes=make_boxes(["a.png"]), shape=(64, 64))
    assert lung_boxes(cohort, "a.png") == []
    assert "640 x 800" in describe_misfit(cohort, "a.png")
    assert "64 x 64" in describe_misfit(cohort, "a.png")


def test_without_the_images_sizes_boxes_are_shown(tmp_path) -> None:
    """Where images were not inspected there is nothing to compare with."""
    cohort = make_overlaid(tmp_path, boxes=make_boxes(["a.png"]), shape=(64, 64), inspect=False)
    assert len(lung_boxes(cohort, "a.png")) == 2
    assert describe_misfit(cohort, "a.png") == ""


def test_edited_boxes_are_read_again(tmp_path) -> None:
    """A file changed under a running server is noticed; one gone leaves none."""
    cohort = make_overlaid(tmp_path, boxes=make_boxes(["a.png"]))
    assert len(lung_boxes(cohort, "a.png")) == 2
    file = tmp_path / BOXES_FILE
    content = make_boxes(["a.png"])
    content["annotations"] = content["annotations"][:1]
    file.write_text(json.dumps(content))
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))
    assert len(lung_boxes(cohort, "a.png")) == 1
    file.unlink()
    assert lung_boxes(cohort, "a.png") == []


def test_unknown_image_is_named(tmp_path) -> None:
    """Each way in says which id is not there."""
    cohort = make_overlaid(tmp_path)
    for ask in (lung_boxes, mask_png, describe_misfit):
        with pytest.raises(SelectionError, match=r"no image '\.\./x'"):
            ask(cohort, "../x")


# ---- masks


def draw_mask(height=80, width=64):
    """Draw a mask: a rectangle at rows 20..59, columns 8..31 of 80 x 64, scaled."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height * 3 // 4, width // 8 : width // 2] = 255
    return mask


@pytest.mark.parametrize("scale", [1, 3, 20])
def test_mask_lies_where_it_was_drawn(tmp_path, scale) -> None:
    """Transparent outside, firm at the edge, faint within, in fractions of the image."""
    cohort = make_overlaid(tmp_path, masks={"a": draw_mask(80 * scale, 64 * scale)})
    alpha = decode(mask_png(cohort, "a.png"))[..., 3]
    height, width = alpha.shape
    assert max(alpha.shape) <= 1024
    assert abs(width / height - 64 / 80) < 0.002
    rows, columns = np.nonzero(alpha)
    assert rows.min() / height == pytest.approx(0.25, abs=0.002)
    assert (rows.max() + 1) / height == pytest.approx(0.75, abs=0.002)
    assert columns.min() / width == pytest.approx(0.125, abs=0.002)
    assert (columns.max() + 1) / width == pytest.approx(0.5, abs=0.002)
    edge, inner = alpha[rows.min(), width // 4], alpha[height // 2, width // 4]
    assert edge > 200
    assert 0 < inner < 100


def erode_slowly(mask):
    """Keep a pixel if all four neighbours that there are belong to the mask."""
    height, width = mask.shape
    kept = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            near = [(y, x), (y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            kept[y, x] = all(mask[v, u] for v, u in near if 0 <= v < height and 0 <= u < width)
    return kept


def test_edge_is_that_of_the_slow_reference(tmp_path) -> None:
    """Of random blots, those that touch the border among them."""
    blots = np.where(draw_image(5) > 120, 255, 0).astype(np.uint8)
    pixels = decode(mask_png(make_overlaid(tmp_path, masks={"a": blots}), "a.png"))
    inner = erode_slowly(blots > 0)
    assert set(np.unique(pixels[inner, 3])) == {32}
    assert set(np.unique(pixels[(blots > 0) & ~inner, 3])) == {235}
    assert not pixels[blots == 0].any()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, bool])
def test_kinds_of_masks(tmp_path, kind) -> None:
    """1, 8 and 16 bits mean the same; a faint rim of smoothing is not lung."""
    mask = draw_mask()
    pixels = mask.astype(kind)
    if kind is np.uint16:
        pixels *= 257
    if kind is np.uint8:
        pixels = np.maximum(pixels, 50)
    cohort = make_overlaid(tmp_path, masks={"a": pixels})
    assert np.array_equal(decode(mask_png(cohort, "a.png"))[..., 3] > 0, mask > 0)


def test_empty_mask_is_transparent(tmp_path) -> None:
    """No lung is drawn where none was found."""
    cohort = make_overlaid(tmp_path, masks={"a": np.zeros((80, 64), np.uint8)})
    assert not decode(mask_png(cohort, "a.png")).any()


def test_no_mask_is_said(tmp_path) -> None:
    """Neither an image without one nor one of two that could own it has a mask."""
    cohort = make_overlaid(tmp_path, masks={"c": draw_mask()})
    with pytest.raises(SelectionError, match="has no lung mask"):
        mask_png(cohort, "a.png")
    alone = cohort.select(cohort.table["filename"] == "c.png", "c.png")
    with pytest.raises(SelectionError, match="has no lung mask"):
        mask_png(alone, "c.png")


def test_mask_of_other_proportions_is_refused(tmp_path) -> None:
    """It cannot be laid over the image, and both sizes are named."""
    cohort = make_overlaid(tmp_path, masks={"a": draw_mask(64, 80)})
    with pytest.raises(ImageError, match="80 x 64 pixels, and the file has 64 x 80"):
        mask_png(cohort, "a.png")


def test_damaged_mask_and_link_out_are_refused(tmp_path, tmp_path_factory) -> None:
    """What the folder holds may change after the cohort was loaded."""
    cohort = make_overlaid(tmp_path, masks={"a": draw_mask(), "b": draw_mask()})
    for data in (b"no image", make_damaged_avif()):
        (tmp_path / MASKS_FOLDER / "a_mask.png").write_bytes(data)
        with pytest.raises(ImageError, match="a_mask"):
            mask_png(cohort, "a.png")
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    Image.fromarray(draw_mask()).save(secret)
    path = tmp_path / MASKS_FOLDER / "b_mask.png"
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(CxrError, match=r"leaves the folder|no lung mask"):
        mask_png(cohort, "b.png")


# ---- the real collection

CROPPED = ["ciaa199.pdf-001-a.png", "ciaa199.pdf-001-b.png"]


@pytest.fixture(scope="module")
def annotated(real_root):
    """Give the real collection's annotated images that have a file, with their sizes."""
    cohort = load_cohort(real_root, inspect_images=False)
    table = cohort.table
    keep = (table["has_lung_box"] | table["has_lung_mask"]) & (table["file_status"] == "ok")
    cohort = cohort.select(keep, "annotated")
    for i, name in cohort.table["filename"].items():
        with Image.open(real_root / "images" / name) as image:
            cohort.table.loc[i, ["width", "height"]] = image.size
    return cohort


def test_real_boxes_lie_within_their_images(annotated) -> None:
    """Each image has its two; none reaches out or is tiny; right and left are where they are."""
    table = annotated.table[annotated.table["has_lung_box"]]
    found = {i: lung_boxes(annotated, i) for i in table["image_id"]}
    assert [i for i, boxes in found.items() if len(boxes) != 2] == CROPPED
    places = [
        (b.left, b.top, b.left + b.width, b.top + b.height) for bs in found.values() for b in bs
    ]
    assert np.min(places) >= 0
    assert np.max(places) <= 1 + 1e-9
    assert min(min(b.width, b.height) for bs in found.values() for b in bs) > 0.1
    # On a frontal film the patient's right lung is at the reader's left.
    frontal = table[(table["view"] != "L") & ~table["image_id"].isin(CROPPED)]["image_id"]
    assert np.mean([found[i][0].left < found[i][1].left for i in frontal]) > 0.95


def test_real_boxes_of_cropped_files_are_refused(annotated) -> None:
    """Two files were cropped after they were annotated: their boxes would lie elsewhere."""
    told = {i: describe_misfit(annotated, i) for i in annotated.table["image_id"]}
    assert [i for i, words in told.items() if words] == CROPPED
    assert "466 x 399 pixels, and the file has 359 x 345" in told[CROPPED[0]]


@pytest.mark.slow
def test_real_masks_agree_with_the_boxes(annotated) -> None:
    """Two annotations by different hands: most of each mask lies in the boxes of its image."""
    table = annotated.table
    both = table[table["has_lung_box"] & table["has_lung_mask"]]["image_id"]
    assert len(both) > 50
    for image_id in both[~both.isin(CROPPED)]:
        lung = decode(mask_png(annotated, image_id))[..., 3] > 0
        height, width = lung.shape
        covered = np.zeros_like(lung)
        for box in lung_boxes(annotated, image_id):
            y, x = round(box.top * height), round(box.left * width)
            covered[y : y + round(box.height * height), x : x + round(box.width * width)] = True
        assert (lung & covered).sum() / lung.sum() > 0.8, image_id
