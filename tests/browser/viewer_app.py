"""A page with nothing but the viewer, for looking at it: ``?scene=panel&image=ID&image=ID``.

Scenes: one, pair, panel (380 pixels), panel-pair, broken, large (3000 x 3000 pixels), greys.
"""

import base64
import io
import os
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.display import describe_misfit, encode_full, lung_boxes, mask_png
from cxrlib.errors import CxrError
from cxrlib.images import read_image_bytes
from ui.images.viewer import Picture, show_viewer

ROOT = Path(__file__).resolve().parents[2]


@st.cache_resource
def load() -> Cohort:
    """Load the cohort named by CXR_DATA, or the demo, without looking into the images."""
    data = os.environ.get("CXR_DATA") or ROOT / "cache" / "demo"
    return load_cohort(Path(data), inspect_images=False)


def to_url(png: bytes) -> str:
    """Write bytes of a PNG as an address."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def make_picture(image_id: str) -> Picture:
    """Make a picture with all overlays that the image has."""
    cohort = load()
    row = cohort.table.set_index("image_id").loc[image_id]
    path = cohort.image_path(image_id)
    try:
        mask = to_url(mask_png(cohort, image_id))
    except CxrError:
        mask = None
    return Picture(
        url=to_url(encode_full(read_image_bytes(path), path).data),
        alt=f"Chest X-ray {image_id}",
        caption=f"Patient {row['patient_id']}, {row['view']}",
        boxes=lung_boxes(cohort, image_id),
        mask_url=mask,
        name=image_id,
    )


def make_drawn(pixels: np.ndarray, name: str) -> Picture:
    """Make a picture of pixels of our own."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    height, width = pixels.shape
    return Picture(url=to_url(file.getvalue()), alt=name, name=name, width=width, height=height)


def draw_large() -> np.ndarray:
    """Draw 3000 x 3000 pixels with fine detail."""
    rng = np.random.default_rng(1)
    ramp = np.add.outer(np.arange(3000), np.arange(3000)) / 6000 * 200
    return (ramp + rng.integers(0, 55, ramp.shape)).astype(np.uint8)


def draw_greys() -> np.ndarray:
    """Draw sixteen greys, 17 values apart, as columns of 50 pixels."""
    return np.repeat(np.tile(np.arange(0, 256, 17, dtype=np.uint8), (400, 1)), 50, axis=1)


def find_images() -> list[str]:
    """Return the images of the address, or else two that have boxes and masks."""
    asked = st.query_params.get_all("image")
    if asked:
        return asked
    table = load().table
    rich = table[(table["file_status"] == "ok") & table["has_lung_box"] & table["has_lung_mask"]]
    return rich["image_id"].tolist()[:2]


st.set_page_config(layout="wide")
scene = st.query_params.get("scene", "one")
ids = find_images()
st.html("<div class='cxr-notice'></div>")
with st.container(horizontal=True):
    st.button("Run again")
    if st.button("Other images"):
        ids = ids[::-1]
column = st.container(width=380) if scene.startswith("panel") else st.container()
with column:
    if scene == "large":
        show_viewer([make_drawn(draw_large(), "3000 x 3000 pixels")], key="viewer")
    elif scene == "greys":
        show_viewer([make_drawn(draw_greys(), "Sixteen greys")], key="viewer")
    elif scene == "broken":
        nowhere = "/_stcore/health"  # it answers "ok", as text
        gone = Picture(url=nowhere, mask_url=nowhere, alt="Gone", caption="It is not there")
        show_viewer([gone, make_picture(ids[0])], key="viewer")
    else:
        shown = ids[:2] if scene.endswith("pair") else ids[:1]
        height = 400 if scene.startswith("panel") else 520
        show_viewer([make_picture(i) for i in shown], key="viewer", height=height)
        for i in shown:
            if why := describe_misfit(load(), i):
                st.text(why)
for number in range(30):
    st.text(f"Line {number} below the viewer")
