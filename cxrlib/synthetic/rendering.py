"""From a simulated patient to pixels: anatomy, placing, projection and film, image by image."""

from dataclasses import dataclass

import numpy as np

from cxrlib.synthetic.course import Patient, Shot
from cxrlib.synthetic.devices import draw_devices
from cxrlib.synthetic.film import choose_style, expose
from cxrlib.synthetic.opacities import Lesions, build_lesions
from cxrlib.synthetic.phantom import Anatomy, Array, Posture, build_anatomy
from cxrlib.synthetic.radiograph import Camera, Textures, make_camera, project

__all__ = ["Picture", "build_body", "render_shot"]


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
    posture = _place_patient(shot, rng)
    camera, pad, tilt = _aim(anatomy, view, style.side, style.aspect, rng)
    exposure = project(anatomy, posture, camera, lesions, shot.zone_severity, textures, start)
    depth = exposure.depth * np.float32(0.78 if view == "L" else 1.0)  # laterals: harder beam
    tube, icu = patient.has_tube(shot.day), patient.in_icu(shot.day)
    if view != "L" and (tube or icu):
        depth = depth + draw_devices(anatomy, camera, rng, tube=tube)
    pixels = expose(_turn(depth, tilt, pad), style, view, rng)
    sides = _turn(exposure.sides.astype(np.uint8) + np.uint8(1), tilt, pad).astype(np.int8) - 1
    return Picture(pixels, sides != 0, sides.astype(np.int8), exposure.heart_width)


def _place_patient(shot: Shot, rng: np.random.Generator) -> Posture:
    """Draw breath and rotation: lying and sick patients breathe less and turn more."""
    breath = {"PA": 0.0, "AP": 1.0, "AP Supine": 2.0, "L": 0.0}[shot.view]
    breath += abs(rng.normal(0, 0.8)) + 0.8 * shot.severity
    turn = rng.normal(0, 1.4 if shot.view == "PA" else 3.0)
    return Posture(shot.view, breath=float(breath), turn=float(turn))


def _aim(
    anatomy: Anatomy, view: str, side: int, aspect: float, rng: np.random.Generator
) -> tuple[Camera, int, float]:
    """Draw field, centring and tilt; give the camera, its spare rim (pixels), the tilt (deg)."""
    frontal = view != "L"
    span = 2 * 16.9 * anatomy.width + 1.2 * anatomy.fat
    if not frontal:
        span, aspect = 30.0 * anatomy.depth + 2 * anatomy.fat, 1.22
    elif view != "PA":
        span, aspect = span * 1.06, min(aspect, 1.0) * 0.92
    aspect *= float(np.exp(rng.normal(0, 0.05)))
    lift = float((anatomy.apex + max(anatomy.dome_right, anatomy.dome_left)) / 2) - 0.8
    tall = (anatomy.apex - anatomy.dome_left + 8.0) * (1.14 if view.startswith("AP") else 1.04)
    spread = 0.05 if view == "PA" else 0.065
    span = max(span, tall / aspect) * float(np.clip(np.exp(rng.normal(0.03, spread)), 0.96, 1.2))
    loose = 1.1 if view == "PA" else 1.5
    shift = np.clip(rng.normal(0, loose, 2), -2.6, 2.6)
    width = 2 * round((side if aspect <= 1 else side / aspect) / 2)
    height = 2 * round(width * aspect / 2)
    tilt = float(np.clip(rng.normal(0, 1.8 if view == "PA" else 3.0), -6, 6))
    pad = 2 * int(np.ceil(np.sin(np.radians(abs(tilt))) * max(width, height) / 4 + 0.5))
    camera = make_camera(
        view,
        width=width + 2 * pad,
        height=height + 2 * pad,
        field_width=span * (width + 2 * pad) / width,
        shift=(float(shift[0]), lift + float(shift[1])),
    )
    return camera, pad, tilt


def _turn(values: Array, tilt: float, pad: int) -> Array:
    """Turn an image in its plane and cut off the spare rim."""
    from PIL import Image

    whole = values.dtype == np.uint8
    sampling = Image.Resampling.NEAREST if whole else Image.Resampling.BILINEAR
    turned = np.asarray(Image.fromarray(values).rotate(tilt, sampling))
    return turned[pad:-pad, pad:-pad]
