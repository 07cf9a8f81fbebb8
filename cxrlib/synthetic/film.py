"""How a hospital's equipment turns optical depth into a stored image: its acquisition style."""

from dataclasses import dataclass

import numpy as np

from cxrlib.synthetic.phantom import Array
from cxrlib.synthetic.places import Hospital

__all__ = ["Style", "choose_style", "expose"]


@dataclass(frozen=True)
class Style:
    """Hold the acquisition style of a hospital.

    Parameters
    ----------
    side : int
        Longer side of its images, pixels.
    aspect : float
        Height over width of its upright images.
    marker : str
        Text of the side marker at the patient's left or right.
    marker_side : int
        +1 where the marker stands on the right of the image (patient's left).
    border : str
        "none", "shutter" (black collimator edges), "frame" (thin black frame), "white".
    level, slope : float
        Optical depth shown at mid-grey, and the width of the curve.
    gamma, noise, blur, sharpen : float
        Curve, quantum noise (relative), blur (pixels), edge enhancement.
    caption : bool
        True where technique is written into the image.
    """

    side: int
    aspect: float
    marker: str
    marker_side: int
    border: str
    level: float
    slope: float
    gamma: float
    noise: float
    blur: float
    sharpen: float
    caption: bool


_REGION_LOOK: dict[str, tuple[str, str, float]] = {
    "Asia": ("R", "none", 1.0),
    "Europe": ("L", "shutter", 1.16),
    "Americas": ("R", "frame", 1.12),
    "Africa": ("L", "shutter", 1.05),
    "Oceania": ("LT", "none", 1.2),
    "": ("L", "none", 1.08),
}


def choose_style(seed: int, hospital: Hospital) -> Style:
    """Choose a hospital's style: marker and border of its region, plus the planted direction."""
    rng = np.random.default_rng([seed, 7, hospital.number])
    marker, border, aspect = _REGION_LOOK[hospital.region]
    sign = hospital.style_sign
    return Style(
        side=int(rng.choice([512, 520, 540, 560])),
        aspect=aspect + float(rng.normal(0, 0.03)),
        marker=marker,
        marker_side=-1 if marker == "R" else 1,
        border=border,
        level=3.15 - 0.13 * sign + float(rng.normal(0, 0.06)),
        slope=0.86 + 0.10 * sign + float(rng.normal(0, 0.03)),
        gamma=1.0 - 0.10 * sign,
        noise=0.0019 - 0.0006 * sign,
        blur=0.62 + 0.22 * sign,
        sharpen=0.8 - 0.35 * sign,
        caption=bool(rng.random() < 0.4),
    )


def expose(depth: Array, style: Style, view: str, rng: np.random.Generator) -> Array:
    """Turn optical depth into an 8-bit image in a hospital's style.

    Parameters
    ----------
    depth : ndarray of shape (height, width)
        Optical depth of every ray.
    style : Style
        The hospital's.
    view : str
        Decides marker and caption.
    rng : Generator
        Chance of this image: exposure, noise.

    Returns
    -------
    ndarray of shape (height, width), uint8
    """
    seen = _detect(depth, style, rng)
    seen = _even_out(seen, style)
    # The workstation finds its level from the dense parts of the image, as most do.
    dense = float(np.percentile(seen[::4, ::4], 90))
    level = style.level + 0.75 * (dense - 4.35) + rng.normal(0, 0.06)
    slope = style.slope * np.exp(rng.normal(0, 0.05)) * (1.15 if view == "L" else 1.0)
    grey = 1 / (1 + np.exp(-(seen - level) / slope, dtype=np.float32))
    low, high = 0.03, 1 / (1 + np.exp(-(2.0) / slope))
    grey = np.clip((grey - low) / (high - low), 0, 1) ** np.float32(style.gamma)
    grey = 8 + 240 * grey
    grey = _collimate(grey, style, rng)
    return _mark(np.clip(grey, 0, 255).astype(np.uint8), style, view, rng)


def _blur(values: Array, sigma: float) -> Array:
    """Blur with a Gaussian; wide ones on a coarse grid."""
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    if sigma < 2.5:
        return np.asarray(gaussian_filter(values, sigma, truncate=3.0))
    factor = max(2, int(sigma // 3))
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    size = (max(image.width // factor, 8), max(image.height // factor, 8))
    small = image.resize(size, Image.Resampling.BOX)
    soft = gaussian_filter(np.asarray(small), sigma / factor, mode="nearest")
    back = Image.fromarray(soft).resize(image.size, Image.Resampling.BICUBIC)
    return np.asarray(back, dtype=np.float32)


def _detect(depth: Array, style: Style, rng: np.random.Generator) -> Array:
    """Count photons: attenuation, scatter, blur of the detector, quantum noise; then the log."""
    light = np.exp(-_blur(depth, style.blur))
    scatter = 0.35 * np.exp(-_blur(depth, 28.0))
    light = light + np.minimum(scatter, 0.03)
    noise = rng.standard_normal(depth.shape, dtype=np.float32)
    noise = _blur(noise, 0.55)
    light = light * (1 + 1.9 * style.noise * noise / np.sqrt(light))
    return np.asarray(-np.log(np.maximum(light, 1e-4)), dtype=np.float32)


def _even_out(seen: Array, style: Style) -> Array:
    """Process as a workstation does: flatten the large scale a little, lift edges."""
    wide = _blur(np.clip(seen, 1.8, 4.3), 34.0)
    near = _blur(seen, 3.0)
    return np.asarray(seen - 0.30 * (wide - 3.4) + style.sharpen * (seen - near))


def _collimate(grey: Array, style: Style, rng: np.random.Generator) -> Array:
    """Add the border of the collimator or of the film."""
    height, width = grey.shape
    if style.border == "shutter" or rng.random() < 0.22:
        rows, columns = np.arange(height)[:, None], np.arange(width)[None]
        lean = rng.normal(0, 0.008, 4)
        edge = rng.uniform(2, 12, 4) + (rng.random(4) < 0.25) * rng.uniform(0, 0.07, 4) * width
        inside = rows - lean[0] * columns > edge[0]
        inside = inside & (height - rows - lean[1] * columns > edge[1])
        inside = inside & (columns - lean[2] * rows > edge[2])
        inside = inside & (width - columns - lean[3] * rows > edge[3])
        return np.asarray(np.where(inside, grey, 4.0))
    if style.border == "frame":
        grey = grey.copy()
        rim = 3 + int(rng.integers(0, 4))
        grey[:rim], grey[-rim:], grey[:, :rim], grey[:, -rim:] = 0, 0, 0, 0
    return grey


def _mark(grey: Array, style: Style, view: str, rng: np.random.Generator) -> Array:
    """Write the side marker and, in some hospitals, the technique."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(grey)
    draw = ImageDraw.Draw(image)
    height, width = grey.shape
    size = int(width * 0.045)
    font = ImageFont.load_default(size)
    x = width * (0.91 if style.marker_side > 0 else 0.05) + rng.normal(0, 0.012) * width
    y = height * 0.055 + abs(rng.normal(0, 0.02)) * height
    if view == "L":
        x = width * 0.06
    text = "L" if view == "L" else style.marker
    draw.text((x, y), text, fill=int(rng.integers(215, 250)), font=font)
    if style.caption and view != "L":
        words = {"PA": "PA", "AP": "AP PORTABLE", "AP Supine": "SUPINE"}[view]
        small = ImageFont.load_default(int(width * 0.024))
        beside = (x - 0.01 * width, "la") if x < width / 2 else (0.97 * width, "ra")
        draw.text((beside[0], y + 1.3 * size), words, fill=205, font=small, anchor=beside[1])
    return np.asarray(image)
