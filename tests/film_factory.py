"""Draw pictures with structure everywhere, and copies of them as another publisher prints them."""

import io

import numpy as np
import pandas as pd
from PIL import Image

from cxrlib.cohort.landmarks import compute_landmarks
from cxrlib.cohort.persons import compute_signature


def draw_film(seed: int, side: int = 400) -> np.ndarray:
    """Draw side x side pixels with structure everywhere, fine and coarse, like no other seed's."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    film = 128 + 50 * np.sin(2 * np.pi * x) * np.cos(3 * y)
    for _ in range(60):
        row, column, width = *rng.uniform(0, 1, 2), rng.uniform(0.015, 0.08)
        height = rng.choice([-1, 1]) * rng.uniform(20, 60)
        film += height * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))
    return film.clip(0, 255).astype(np.uint8)


def cut(film: np.ndarray, left: float, right: float, top: float, bottom: float) -> np.ndarray:
    """Cut shares of the sides off."""
    height, width = film.shape
    rows = slice(round(top * height), height - round(bottom * height))
    return np.ascontiguousarray(film[rows, round(left * width) : width - round(right * width)])


def tone(film: np.ndarray, gamma: float) -> np.ndarray:
    """Change grey values by a gamma."""
    return (255 * (film / 255) ** gamma).astype(np.uint8)


def compress(film: np.ndarray, side: int, quality: int = 40) -> np.ndarray:
    """Scale to side x side pixels and through JPEG."""
    file = io.BytesIO()
    Image.fromarray(film).resize((side, side)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def look_at(*images: np.ndarray) -> pd.DataFrame:
    """Give what `inspect_images` says of images, named by their place."""
    rows = [
        (compute_signature(image), compute_landmarks(image), image.shape[1], image.shape[0])
        for image in images
    ]
    columns = ["signature", "landmarks", "width", "height"]
    return pd.DataFrame(rows, columns=columns, index=[str(i) for i in range(len(rows))])
