"""Opacities of the lung: where a patient's pneumonia sits, zone by zone, and its texture."""

from dataclasses import dataclass

import numpy as np

from cxrlib.synthetic.phantom import Anatomy, Array

__all__ = ["Lesions", "build_lesions", "noise_field"]


@dataclass(frozen=True)
class Lesions:
    """Hold the places a patient's opacities can fill.

    Parameters
    ----------
    centres : ndarray of shape (n, 3)
        Centres, cm.
    sizes : ndarray of shape (n, 3)
        Standard deviations along x, y and z, cm.
    zones : ndarray of shape (n,)
        Zone of each, an index into `course.ZONES`.
    strength : ndarray of shape (n,)
        Weight within its zone.
    fissure : tuple of float
        Height (cm) and sign of a sharp lower (+1) or upper (-1) edge; sign 0 for none.
    """

    centres: Array
    sizes: Array
    zones: Array
    strength: Array
    fissure: tuple[float, int]


def build_lesions(rng: np.random.Generator, anatomy: Anatomy, pattern: str) -> Lesions:
    """Draw the places of a patient's opacities.

    Parameters
    ----------
    rng : Generator
        Seeded by the patient: all images of a patient share the places.
    anatomy : Anatomy
        The lungs they lie in.
    pattern : str
        "peripheral", "diffuse", "perihilar", "upper", "lobar" or "none".
    """
    near_wall = {"peripheral": 0.78, "perihilar": 0.32, "lobar": 0.55}.get(pattern, 0.55)
    centres, sizes, zones, strength = [], [], [], []
    n_each = 5 if pattern == "lobar" else 8
    for zone in range(6):
        side = -1 if zone < 3 else 1
        dome = anatomy.dome_right if side < 0 else anatomy.dome_left
        top = anatomy.apex - 1.5
        third = (top - dome) / 3
        heights = top - third * (zone % 3 + rng.uniform(0.02, 1.0, n_each))
        if zone % 3 == 2:
            heights -= rng.uniform(0, 2.0, n_each)
        centre_x, half, centre_y, half_y = anatomy.lung(side, heights)
        reach = np.clip(rng.normal(near_wall, 0.17, n_each), 0.1, 0.97)
        inner = 2.2 + 2.2 * (zone % 3 == 2)
        outer = np.abs(centre_x) + half
        x = side * (inner + (outer - inner) * reach)
        y = centre_y + half_y * rng.uniform(-0.85, 0.35, n_each)
        spread = rng.uniform(1.0, 2.7, n_each) * (1.25 if pattern == "lobar" else 1.0)
        shape = rng.uniform(0.75, 1.3, (n_each, 3)) * np.array([0.9, 1.2, 1.1])
        centres.append(np.stack([x, y, heights], 1))
        sizes.append(spread[:, None] * shape)
        zones.append(np.full(n_each, zone))
        strength.append(rng.uniform(0.4, 1.25, n_each))
    edge = int(rng.choice([-1, 0, 1])) if pattern == "lobar" else 0
    return Lesions(
        np.concatenate(centres),
        np.concatenate(sizes),
        np.concatenate(zones),
        np.concatenate(strength),
        (float(rng.normal(0.2, 0.8)), edge),
    )


def noise_field(rng: np.random.Generator, size: int, finest: float, coarsest: float) -> Array:
    """Make a cloudy noise tile that wraps round, mean 0 and standard deviation 1.

    Parameters
    ----------
    rng : Generator
        Source of chance.
    size : int
        Side of the tile, pixels.
    finest, coarsest : float
        Smallest and largest grain, pixels; in between the amplitude falls as 1 / frequency**1.4.

    Returns
    -------
    ndarray of shape (size, size), float32
    """
    from scipy import fft

    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    low, high = 0.5 / coarsest, 0.5 / finest
    band = np.maximum(frequency, low) ** -1.4 * np.exp(-((frequency / high) ** 2))
    band *= 1 - np.exp(-((frequency / low) ** 2))
    white = fft.rfft2(rng.standard_normal((size, size)).astype(np.float32))
    field = fft.irfft2(white * band, s=(size, size))
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)
