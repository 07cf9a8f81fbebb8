"""From a simulated patient to pixels: anatomy, placing, projection and film, image by image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlib.synthetic.course import Patient, Shot
from cxrlib.synthetic.devices import draw_devices
from cxrlib.synthetic.film import choose_style, expose
from cxrlib.synthetic.opacities import Lesions, build_lesions
from cxrlib.synthetic.phantom import Anatomy, Array, Posture, build_anatomy
from cxrlib.synthetic.radiograph import Textures, make_camera, project

__all__ = ["Picture", "render_patient", "render_shot"]


@dataclass(frozen=True)
class Picture:
    """Hold one rendered image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width), uint8
        The image.
    lung_mask : ndarray of shape (height, width), bool
        Lung seen beside heart and diaphragm; frontal views only.
    sides : ndarray of shape (height, width), int8
        -1 over the right lung, +1 over the left, 0 elsewhere.
    heart_width : float
        Width of the heart's shadow on the detector, cm; 0 in laterals.
    """

    pixels: Array
    lung_mask: Array
    sides: Array
    heart_width: float


def build_body(seed: int, patient: Patient) -> tuple[Anatomy, Lesions, tuple[int, int]]:
    """Build what all images of a patient share: anatomy, places of opacities, grain."""
    rng = np.random.default_rng([seed, 3, patient.index])
    anatomy = build_anatomy(rng, female=patient.sex == "F", age=patient.age)
    lesions = build_lesions(rng, anatomy, patient.pattern)
    start = (int(rng.integers(0, 768)), int(rng.integers(0, 768)))
    return anatomy, lesions, start


def render_shot(
    seed: int, shot: Shot, body: tuple[Anatomy, Lesions, tuple[int, int]], textures: Textures
) -> Picture:
    """Render one image of a patient.

    Parameters
    ----------
    seed : int
        The cohort's.
    shot : Shot
        Day, view and severity by zone.
    body : tuple
        From `build_body`.
    textures : Textures
        From `radiograph.make_textures`.
    """
    patient = shot.patient
    anatomy, lesions, start = body
    rng = np.random.default_rng([seed, 4, patient.index, shot.number])
    style = choose_style(seed, patient.hospital)
    view = shot.view
    breath = {"PA": 0.0, "AP": 1.0, "AP Supine": 2.0, "L": 0.0}[view] + abs(rng.normal(0, 0.5))
    breath += 0.8 * shot.severity
    posture = Posture(view, breath=breath, turn=float(rng.normal(0, 1.2 if view == "PA" else 2.6)))
    span = (2 * 16.9 * anatomy.width + 1.2 * anatomy.fat) * (1.03 if view == "PA" else 1.10)
    aspect = style.aspect
    if view == "L":
        span, aspect = 30.0 * anatomy.depth + 2 * anatomy.fat, 1.22
    elif view != "PA":
        aspect = min(aspect, 1.0) * 0.9
    lift = float((anatomy.apex + max(anatomy.dome_right, anatomy.dome_left) + 0.5) / 2)
    tall = (anatomy.apex - anatomy.dome_left + 9.5) * (1.04 if view in ("PA", "L") else 1.14)
    span = max(span, tall / aspect)
    span *= float(np.exp(rng.normal(0.0, 0.03)))
    width = 2 * round((style.side if aspect <= 1 else style.side / aspect) / 2)
    height = 2 * round(width * aspect / 2)
    shift = rng.normal(0, 0.7, 2)
    camera = make_camera(
        view, width=width, height=height, field_width=span, shift=(shift[0], lift - 1.0 + shift[1])
    )
    exposure = project(anatomy, posture, camera, lesions, shot.zone_severity, textures, start)
    depth = exposure.depth * np.float32(0.78 if view == "L" else 1.0)  # laterals: harder beam
    tube, icu = patient.has_tube(shot.day), patient.in_icu(shot.day)
    if view != "L" and (tube or icu):
        depth = depth + draw_devices(anatomy, camera, rng, tube=tube, monitored=True)
    pixels = expose(depth, style, view, rng)
    return Picture(pixels, exposure.lung_mask, exposure.sides, exposure.heart_width)


def render_patient(
    seed: int, shots: Sequence[Shot], textures: Textures
) -> Iterator[tuple[Shot, Picture]]:
    """Render all images of one patient, one after the other."""
    body = build_body(seed, shots[0].patient)
    for shot in shots:
        yield shot, render_shot(seed, shot, body, textures)
