"""Tubes, lines and leads of patients in intensive care, drawn into the projection."""

import numpy as np

from cxrlib.synthetic.phantom import Anatomy, Array, run_curve, sweep
from cxrlib.synthetic.radiograph import Camera, splat

__all__ = ["draw_devices"]


def draw_devices(
    anatomy: Anatomy, camera: Camera, rng: np.random.Generator, *, tube: bool
) -> Array:
    """Give the optical depth of a patient's devices.

    Parameters
    ----------
    anatomy : Anatomy
        The patient; the tube ends 3 to 5 cm above the carina.
    camera : Camera
        Geometry of the exposure, frontal.
    rng : Generator
        Chance of this image.
    tube : bool
        Endotracheal tube, stomach tube and central line, beside electrodes and their wires.

    Returns
    -------
    ndarray of shape (height, width), float32
    """
    depth = np.zeros((camera.height, camera.width), dtype=np.float32)
    if tube:
        depth += _draw_lines(anatomy, camera, rng)
    return depth + _draw_leads(anatomy, camera, rng)


_FRONT = np.array([0.0, 1.0, 0.0])


def _draw_lines(anatomy: Anatomy, camera: Camera, rng: np.random.Generator) -> Array:
    """Draw the tube in the trachea, the stomach tube and, mostly, a central line."""
    lean = float(anatomy.airways.points[-1, 0])
    tip = anatomy.carina + rng.uniform(2.6, 4.6)
    knots = [(0.3, -0.6, 22), (0.1, -0.8, 16), (lean * 0.8, -1.5, 11), (lean, -1.9, tip)]
    airway = run_curve(knots, 420)
    total = 0.32 * splat(sweep(airway, 0.42, 0.42, _FRONT), camera, count=26, cortex=2.5)
    marked = airway + np.array([0.30, 0.0, 0.0])
    total += 3.2 * splat(sweep(marked, 0.07, 0.07, _FRONT), camera, count=4)
    sway = rng.normal(0, 0.3, 4)
    chest = [(0.6 + sway[0], -3.5, 12), (0.2 + sway[1], -4.5, 4), (0.8 + sway[2], -4.0, -5)]
    belly = [(2.2, -2, -11), (5.5 + sway[3], 0, -15), (7.0, 0, -19)]
    stomach = run_curve([(0.5, -2, 22), *chest, *belly], 760)
    total += 0.9 * splat(sweep(stomach, 0.17, 0.17, _FRONT), camera, count=8, cortex=1.0)
    if rng.random() < 0.75:
        knots = [(-4.6, 1, 19), (-4.1, 1.5, 15), (-3.0, 1.5, 10.5), (-2.5, 1, 6), (-2.4, 1, 2.4)]
        line = run_curve(knots, 420) + np.array([rng.normal(0, 0.2), 0, 0])
        total += 1.8 * splat(sweep(line, 0.11, 0.11, _FRONT), camera, count=6)
    return total


def _draw_leads(anatomy: Anatomy, camera: Camera, rng: np.random.Generator) -> Array:
    """Draw three or four electrodes with their wires leaving the image."""
    total = np.zeros((camera.height, camera.width), dtype=np.float32)
    places = [(-9.5, 7.5), (9.8, 7.0), (11.5, -9.0), (-10.5, -8.0)]
    leave = np.array([rng.choice([-1, 1]) * 24.0, 11.5, rng.uniform(-2, 14)])
    for x, z in places[: int(rng.integers(3, 5))]:
        aside, rise = rng.normal(0, 1.1, 2)
        at = np.array([x * anatomy.width + aside, 11.6, z + rise])
        ring = np.linspace(0, 2 * np.pi, 90)
        disc = np.stack([0.45 * np.cos(ring), np.zeros(90), 0.45 * np.sin(ring)], 1) + at
        total += 1.6 * splat(sweep(disc, 0.13, 0.10, _FRONT), camera, count=6)
        up = np.array([0, 0, 0.18])
        stud = np.linspace(at - up, at + up, 8)
        total += 1.4 * splat(sweep(stud, 0.22, 0.2, _FRONT), camera, count=16)
        middle = (at + leave) / 2 + np.array([rng.normal(0, 2.5), 0, rng.normal(-2.5, 2.5)])
        sag = at * 0.75 + middle * 0.25 + np.array([0, 0, rng.normal(0, 1)])
        wire = run_curve([at, sag, middle, leave], 900)
        total += 2.0 * splat(sweep(wire, 0.085, 0.085, _FRONT), camera, count=5)
    return total
