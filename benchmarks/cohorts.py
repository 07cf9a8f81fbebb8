"""Make cohorts to measure on: real files where CXR_DATA names them, else generated ones."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

COLUMNS = ["patientid", "offset", "sex", "age", "finding", "view", "modality", "filename"]
FRONTAL = ("PA", "AP", "AP Supine")


def find_real_root() -> Path | None:
    """Return the real collection's folder, if CXR_DATA names one."""
    value = os.environ.get("CXR_DATA")
    return Path(value) if value and (Path(value) / "metadata.csv").is_file() else None


def make_cohort(folder: Path, n_images: int, *, real_root: Path | None, side: int = 900) -> Path:
    """Make a cohort of frontal X-rays in a folder and return the folder."""
    (folder / "images").mkdir(parents=True)
    if real_root is not None:
        table = choose_real(real_root, n_images)
        for name in table["filename"]:
            shutil.copyfile(real_root / "images" / name, folder / "images" / name)
    else:
        table = generate(folder / "images", n_images, side)
    table.to_csv(folder / "metadata.csv", index=False)
    return folder


def choose_real(real_root: Path, n_images: int) -> pd.DataFrame:
    """Choose rows at even distances, so that all sources are there."""
    table = pd.read_csv(real_root / "metadata.csv", dtype=str)
    there = table["filename"].map(lambda name: (real_root / "images" / name).is_file())
    usable = table["view"].isin(FRONTAL) & ~table["finding"].isin(["todo", "Unknown"])
    table = table[there & usable & (table["modality"] == "X-ray")].drop_duplicates("filename")
    return table.iloc[np.linspace(0, len(table) - 1, n_images).astype(int)]


def generate(folder: Path, n_images: int, side: int) -> pd.DataFrame:
    """Write smooth random JPEG images and return their rows."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n_images):
        small = Image.fromarray(rng.integers(0, 256, (24, 20), np.uint8))
        name = f"{i:05d}.jpg"
        small.resize((side, int(side * 1.1)), Image.Resampling.BICUBIC).save(folder / name)
        rows.append([str(i), 0, "F", 50, "Pneumonia", "PA", "X-ray", name])
    return pd.DataFrame(rows, columns=COLUMNS)
