"""The three-dimensional anatomy of one simulated patient.

Coordinates are centimetres: x to the patient's left, y to the front, z up; z = 0 lies about
4 cm below the carina. Large organs are solids whose horizontal cross-sections are
superellipses, so that the length of a ray inside them has a closed form in the frontal and in
the lateral view alike. Ribs, clavicles, vessels and airways are swept tubes, held as points
with a frame and a volume, to be summed onto the detector.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

__all__ = ["Anatomy", "Posture", "Tubes", "build_anatomy", "profile", "run_curve", "sweep"]

Array = np.ndarray
_UP, _FORWARD, _LEFT = np.array([0, 0, 1.0]), np.array([0, 1.0, 0]), np.array([1.0, 0, 0])


class Tubes(NamedTuple):
    """Hold points along swept tubes.

    Parameters
    ----------
    points : ndarray of shape (n, 3)
        Centre line, cm.
    axis_1, axis_2 : ndarray of shape (n, 3)
        Half axes of the elliptical cross-section, cm.
    length : ndarray of shape (n,)
        Length of centre line each point stands for, cm.
    """

    points: Array
    axis_1: Array
    axis_2: Array
    length: Array

    def pick(self, keep: Array) -> "Tubes":
        """Keep some of the points."""
        return Tubes(*(values[keep] for values in self))

    @property
    def radius(self) -> Array:
        """Give the greater half axis of each point, cm."""
        return np.linalg.norm(self.axis_1, axis=1)


@dataclass(frozen=True)
class Posture:
    """Hold how a patient was placed for one image.

    Parameters
    ----------
    view : str
        "PA", "AP", "AP Supine" or "L".
    breath : float
        How far the diaphragm stands above full inspiration, cm.
    turn : float
        Rotation about the long axis, degrees.
    """

    view: str
    breath: float = 0.0
    turn: float = 0.0

    @property
    def is_supine(self) -> bool:
        """Tell whether the patient is supine."""
        return self.view == "AP Supine"


@dataclass(frozen=True)
class Anatomy:
    """Hold the anatomy of one patient: sizes, profiles over height, bones, vessels.

    Profiles are pairs (z, value) in cm, ascending in z; the lung's run over the square root of
    the distance below its apex, which rounds the apex.
    """

    width: float
    depth: float
    fat: float
    apex: float
    dome_right: float
    dome_left: float
    heart_right: tuple[Array, Array]
    heart_left: tuple[Array, Array]
    breast: float
    spine_bend: float
    ribs: Tubes
    clavicles: Tubes
    scapulae: Tubes
    spine_processes: Tubes
    sternum: Tubes
    vessels: tuple[Tubes, Tubes, Tubes]
    airways: Tubes
    main_bronchi: Tubes
    carina: float
    arms: Tubes
    aorta: Tubes
    gas: tuple[tuple[float, ...], ...]

    def lung(self, side: int, z: Array) -> tuple[Array, Array, Array, Array]:
        """Give a lung's cross-sections: centre x, half width, centre y, half depth.

        Parameters
        ----------
        side : int
            +1 left, -1 right.
        z : ndarray of shape (n,)
            Heights, cm.
        """
        return _lung_section(side, z, self.apex, self.width, self.depth)


_LUNG_DEPTH_BELOW = np.sqrt(np.array([0, 0.5, 1.5, 3, 5, 8, 12, 16, 20, 24, 28, 34]))
_LUNG_LATERAL = np.array([5.4, 7.4, 8.9, 10.1, 11.2, 12.2, 12.9, 13.5, 13.8, 13.9, 13.8, 13.5])
_LUNG_MEDIAL = np.array([5.4, 4.3, 3.3, 2.2, 1.2, 0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2])
_LUNG_HALF_DEPTH = np.array([0.1, 1.7, 3.1, 4.5, 5.7, 6.9, 7.9, 8.5, 8.8, 8.9, 8.8, 8.4])
_LUNG_CENTRE_Y = np.array([-2.2, -2.1, -1.9, -1.6, -1.3, -0.9, -0.5, -0.3, -0.2, -0.2, -0.3, -0.5])


def profile(at: Array, knots: Array, values: Array) -> Array:
    """Interpolate a profile monotonically between its knots, constant outside.

    Parameters
    ----------
    at : ndarray
        Where to evaluate.
    knots, values : ndarray of shape (n_knots,)
        Ascending knots, and the values there.
    """
    curve = _fit_profile(knots.astype(float).tobytes(), values.astype(float).tobytes())
    return np.asarray(curve(np.clip(at, knots[0], knots[-1])))


@lru_cache(maxsize=256)
def _fit_profile(knots: bytes, values: bytes) -> Callable[[Array], Array]:
    """Fit a profile once for all images that use it."""
    from scipy.interpolate import PchipInterpolator

    curve: Callable[[Array], Array] = PchipInterpolator(np.frombuffer(knots), np.frombuffer(values))
    return curve


def _lung_section(
    side: int, z: Array, apex: float, width: float, depth: float
) -> tuple[Array, Array, Array, Array]:
    """Compute the cross-sections of a lung; see `Anatomy.lung`."""
    below = np.sqrt(np.clip(apex - np.asarray(z, dtype=float), 0.0, None))
    lateral = profile(below, _LUNG_DEPTH_BELOW, _LUNG_LATERAL) * width
    medial = profile(below, _LUNG_DEPTH_BELOW, _LUNG_MEDIAL)
    half_depth = profile(below, _LUNG_DEPTH_BELOW, _LUNG_HALF_DEPTH) * depth
    centre_y = profile(below, _LUNG_DEPTH_BELOW, _LUNG_CENTRE_Y)
    half = np.where(z >= apex, 1e-3, np.maximum((lateral - medial) / 2, 1e-3))
    return side * (lateral + medial) / 2, half, centre_y, np.maximum(half_depth, 1e-2)


def build_anatomy(rng: np.random.Generator, *, female: bool, age: int) -> Anatomy:
    """Draw the anatomy of one patient.

    Parameters
    ----------
    rng : Generator
        Seeded by the patient, so that all views show one anatomy.
    female : bool
        Sets the size and adds breasts.
    age : int
        Widens the aorta and bends the spine in years.

    Returns
    -------
    Anatomy
    """
    size = 0.94 if female else 1.02
    width = float(size * np.clip(rng.normal(1.0, 0.065), 0.86, 1.16))
    depth = float(size * rng.normal(1.0, 0.06))
    fat = float(np.clip(rng.gamma(2.2, 0.55), 0.1, 3.6))
    apex = float(12.3 * size + rng.normal(0, 0.9))
    right, left = _draw_heart(rng, age, width)
    ribs = _build_ribs(rng, apex, width, depth)
    airways, main_bronchi, carina = _build_airways(rng)
    return Anatomy(
        width=width,
        depth=depth,
        fat=fat,
        apex=apex,
        dome_right=float(-8.5 + rng.normal(0, 1.2)),
        dome_left=float(-9.6 + rng.normal(0, 1.2)),
        heart_right=right,
        heart_left=left,
        breast=float(rng.uniform(0.5, 1.2) * (0.8 + 0.2 * fat)) if female else 0.0,
        spine_bend=float(rng.normal(0, 0.5)),
        ribs=ribs,
        clavicles=_build_clavicles(rng, width),
        scapulae=_build_scapulae(rng, width),
        spine_processes=_build_processes(rng, depth),
        sternum=_build_sternum(depth),
        vessels=_build_vessels(rng, width),
        airways=airways,
        main_bronchi=main_bronchi,
        carina=carina,
        arms=_build_arms(width),
        aorta=_build_aorta(age, rng),
        gas=_draw_gas(rng),
    )


_HEART_Z = np.array(
    [-15, -13, -11, -9, -7, -5, -3, -1, 1, 2.5, 3.8, 5.2, 6.5, 8, 11, 14, 20], dtype=float
)
_HEART_RIGHT = np.array(
    [2.0, 2.6, 3.2, 3.9, 4.3, 4.35, 4.0, 3.35, 2.85, 2.7, 2.65, 2.6, 2.55, 2.5, 2.4, 2.4, 2.6]
)
_HEART_LEFT = np.array(
    [2.5, 4.6, 6.8, 8.1, 8.2, 7.4, 6.0, 4.6, 3.55, 2.95, 3.1, 3.7, 3.2, 2.5, 2.3, 2.3, 2.4]
)


def _draw_heart(
    rng: np.random.Generator, age: int, width: float
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Draw the two borders of heart and great vessels as profiles over height."""
    old = np.clip((age - 45) / 40, 0, 1)
    size = width * (0.97 + np.clip(rng.normal(0, 0.11), -0.2, 0.3) + 0.10 * old)
    shift = rng.normal(0, 0.25)
    right, left = _HEART_RIGHT.copy(), _HEART_LEFT.copy()
    ventricle = _HEART_Z < 2
    left[ventricle] *= size * (1 + rng.normal(0, 0.04))
    right[ventricle] *= size * (1 + rng.normal(0, 0.05))
    knob = np.exp(-(((_HEART_Z - 5.2) / 1.3) ** 2))
    left += knob * (0.9 * old + rng.normal(0, 0.2))
    left += np.exp(-(((_HEART_Z - 1.6) / 1.2) ** 2)) * rng.normal(0.15, 0.25)
    right += np.exp(-(((_HEART_Z - 5.5) / 3.0) ** 2)) * (0.4 * old + rng.normal(0, 0.15))
    lift = rng.normal(0, 0.8)
    return (_HEART_Z + lift, right - shift), (_HEART_Z + lift, left + shift)


def sweep(points: Array, half_1: Array | float, half_2: Array | float, up: Array) -> Tubes:
    """Make a tube along a centre line.

    Parameters
    ----------
    points : ndarray of shape (n, 3)
        Centre line, cm.
    half_1, half_2 : ndarray of shape (n,) or float
        Half axes along `up` (made perpendicular) and across it, cm.
    up : ndarray of shape (3,) or (n, 3)
        Direction of the first half axis.
    """
    step = np.gradient(points, axis=0)
    length = np.linalg.norm(step, axis=1)
    tangent = step / np.maximum(length, 1e-9)[:, None]
    up = np.broadcast_to(np.asarray(up, dtype=float), points.shape)
    first = up - (up * tangent).sum(1, keepdims=True) * tangent
    first = first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-6)
    second = np.cross(tangent, first)
    size_1 = np.broadcast_to(half_1, len(points))[:, None]
    size_2 = np.broadcast_to(half_2, len(points))[:, None]
    return Tubes(points, first * size_1, second * size_2, length)


def _join(parts: Sequence[Tubes]) -> Tubes:
    """Join many tubes at once."""
    return Tubes(*map(np.concatenate, zip(*parts, strict=True)))


def _build_ribs(rng: np.random.Generator, apex: float, width: float, depth: float) -> Tubes:
    """Build eleven pairs of ribs that hug the lungs: back, round the side, down to the front."""
    parts = []
    drop = 9.4 + rng.normal(0, 0.9)
    spacing = 2.28 * (apex / 12.6)
    for number in range(11):
        head = apex + 1.0 - spacing * number - 0.045 * number**1.6
        for side in (-1, 1):
            jitter = rng.normal(0, 0.12, 3)
            start, fall = head + jitter[0], drop + jitter[1] * 3
            parts.append(_build_rib(number, side, start, fall, apex, width, depth))
    return _join(parts)


def _build_rib(
    number: int, side: int, head: float, drop: float, apex: float, width: float, depth: float
) -> Tubes:
    """Build one rib; the first is short and flat, the lower ones end further out."""
    end = np.radians((48, 58, 62, 64, 63, 60, 54, 46, 36, 24, 6)[number])
    phi = np.linspace(np.radians(-83), end, 280)
    share = (phi - phi[0]) / (np.radians(62) - phi[0])
    fall = drop * (0.40, 0.72, 0.9, 1, 1, 1, 1, 1, 1, 1, 1)[number]
    # The neck rises a little from the spine, then the shaft falls ever faster to the front.
    z = (
        head
        + 0.5 * np.sin(np.clip(share / 0.25, 0, 1) * np.pi)
        - fall * (0.16 * share + 0.84 * share**1.75)
    )
    level = np.full(1, head - fall * 0.28)
    centre, half, centre_y, half_y = _lung_section(1, level, apex, width, depth)
    semi_x = max(float(centre[0] + half[0]) + 0.22, 5.4)
    semi_y = max(float(half_y[0]) + 0.45, 4.2)
    x = side * semi_x * np.sign(np.cos(phi)) * np.abs(np.cos(phi)) ** 0.82
    y = float(centre_y[0]) + semi_y * np.sign(np.sin(phi)) * np.abs(np.sin(phi)) ** 0.95
    height = (0.60 + 0.012 * number) * (1 + 0.2 * np.clip(share - 0.6, 0, 1))
    height = height * np.clip((1.0 - share * np.radians(62 + 83) / (end - phi[0])) * 25, 0.4, 1)
    thick = 0.40 - 0.14 * np.clip(share, 0, 1)
    return sweep(np.stack([x, y, z], 1), height, thick, _UP)


def run_curve(knots: Sequence[Sequence[float] | Array], count: int) -> Array:
    """Run a smooth curve through a few points; give so many points of it."""
    from scipy.interpolate import CubicSpline

    points = np.asarray(knots, dtype=float)
    spline = CubicSpline(np.arange(len(points)), points)
    return np.asarray(spline(np.linspace(0, len(points) - 1, count)))


def _build_clavicles(rng: np.random.Generator, width: float) -> Tubes:
    """Build the two clavicles, S-shaped, from the manubrium to the shoulder."""
    parts = []
    for side in (-1, 1):
        tilt = rng.normal(0, 0.35)
        inner = [(1.9, 5.2, 10.4), (4.2, 5.6, 10.8 + 0.3 * tilt), (8.5, 3.4, 11.7 + tilt)]
        outer = [(12.6, 0.6, 12.8 + tilt), (16.3, -1.2, 12.9 + tilt)]
        line = run_curve(inner + outer, 260) * np.array([side * width, 1, 1])
        ends = np.linspace(-1, 1, 260)
        parts.append(sweep(line, 0.55 + 0.32 * ends**4, 0.55 + 0.1 * ends**2, _UP))
    return _join(parts)


def _build_scapulae(rng: np.random.Generator, width: float) -> Tubes:
    """Build shoulder blades (thin), their borders, the spine and the humeral heads."""
    parts = []
    for side in (-1, 1):
        lift = rng.normal(0, 0.4)
        inner = np.array([10.2, -9.3, 8.6 + lift])
        low = np.array([11.6, -9.6, -3.6 + lift])
        joint = np.array([16.0, -4.6, 9.8 + lift])
        scale = np.array([side * width, 1, 1])
        for a, b in ((inner, low), (low, joint)):
            line = run_curve([a, (a + b) / 2 + (0.25, 0, 0), b], 150) * scale
            parts.append(sweep(line, 0.28, 0.28, _FORWARD))
        blade = np.linspace(0, 1, 44)[:, None]
        for share in np.linspace(0.04, 0.96, 30):
            line = (low * (1 - share) + inner * share) * (1 - blade) + joint * blade
            line = line[: max(8, int(44 * (0.35 + 0.65 * share)))] * scale
            parts.append(sweep(line, 0.26, 0.055, _UP))
        middle, end = (13.5, -8.5, 9.6 + lift), (17.2, -3.2, 12.4 + lift)
        spine = run_curve([inner - (0, 0, 1.6), middle, end], 160)
        parts.append(sweep(spine * scale, 0.32, 0.5, _UP))
    return _join(parts)


def _build_arms(width: float) -> Tubes:
    """Build the upper arm bones: a round head and a shaft."""
    parts = []
    for side in (-1, 1):
        share = np.linspace(0, 1, 240)
        line = np.outer(1 - share, (17.9, -2.6, 11.4)) + np.outer(share, (22.9, -2.0, -24.0))
        neck = (share - 0.06) / 0.06
        head = np.sqrt(np.clip(1 - neck**2, 0.02, 1))
        girth = np.where(neck < 0, 2.25 * head, 1.05 + 1.2 * np.exp(-((neck / 1.15) ** 2)))
        line = line * np.array([side * width, 1, 1])
        parts.append(sweep(line, girth, girth, _FORWARD))
    return _join(parts)


def _build_processes(rng: np.random.Generator, depth: float) -> Tubes:
    """Build pedicles and spinous processes of the vertebrae."""
    parts = []
    for number in range(14):
        z = 15.6 - 2.42 * number + rng.normal(0, 0.05)
        back = -6.6 * depth
        line = np.linspace((0, back - 2.6, z), (0.0, back - 4.6, z - 1.6), 12)
        parts.append(sweep(line, 0.32, 0.3, _LEFT))
        for side in (-1, 1):
            ring = np.linspace(0, 2 * np.pi, 26)
            x, height = side * 1.35 + 0.28 * np.cos(ring), z + 0.45 * np.sin(ring)
            oval = np.stack([x, np.full(26, back - 1.7), height], 1)
            parts.append(sweep(oval, 0.13, 0.5, _UP))
            root, tip = (side * 1.3, back - 2.0, z + 0.1), (side * 3.1, back - 2.8, z + 0.5)
            parts.append(sweep(np.linspace(root, tip, 30), 0.38, 0.38, _UP))
    return _join(parts)


def _build_sternum(depth: float) -> Tubes:
    """Build the breastbone, a flat bar in front."""
    line = run_curve([(0, 5.4, 10.6), (0, 7.4 * depth, 6.0), (0, 9.2 * depth, -6.5)], 200)
    wide = np.linspace(2.4, 1.6, 200) * (1 - 0.25 * np.exp(-(np.linspace(-8, 12, 200) ** 2)))
    return sweep(line, wide, 0.5, _LEFT)


def _build_airways(rng: np.random.Generator) -> tuple[Tubes, Tubes, float]:
    """Build trachea and main bronchi, filled with air; give the height of the carina too."""
    lean = -0.25 + rng.normal(0, 0.15)
    carina = 4.2 + rng.normal(0, 0.4)
    trachea = run_curve([(0, -0.6, 18), (lean * 0.6, -1.4, 11), (lean, -2.2, carina)], 60)
    girth = 0.88 + rng.normal(0, 0.07)
    start = (lean, -2.2, carina + 0.3)
    right = [start, (lean - 1.5, -2.2, carina - 1.5), (lean - 3.0, -2.2, carina - 2.8)]
    left = [start, (lean + 2.0, -2.3, carina - 1.6), (lean + 4.2, -2.5, carina - 2.9)]
    bronchi = []
    for knots, radius in ((right, np.linspace(0.7, 0.55, 70)), (left, np.linspace(0.62, 0.45, 80))):
        bronchi.append(sweep(run_curve(knots, len(radius)), radius, radius, _FORWARD))
    return sweep(trachea, girth, girth, _FORWARD), _join(bronchi), carina


def _build_aorta(age: int, rng: np.random.Generator) -> Tubes:
    """Build the descending aorta, whose left edge shows through the heart."""
    unfold = 0.9 * np.clip((age - 50) / 35, 0, 1) + rng.normal(0, 0.15)
    upper = [(2.2 + unfold, -2.5, 5.0), (2.5 + unfold, -4.4, 2.0)]
    lower = [(2.3 + 1.1 * unfold, -5.0, -4.0), (1.2 + 0.4 * unfold, -4.8, -12.0)]
    return sweep(run_curve(upper + lower, 260), 1.25, 1.25, _FORWARD)


def _draw_gas(rng: np.random.Generator) -> tuple[tuple[float, ...], ...]:
    """Draw gas below the left dome: centre x, y, z and half axes of each bubble."""
    x, z, half_x, half_z = map(float, rng.uniform((4.5, -14.2, 1.5, 0.7), (7.5, -12.6, 3.4, 1.4)))
    bubbles: list[tuple[float, ...]] = [(x, 2.0, z, half_x, 2.2, half_z)]
    for _ in range(int(rng.integers(0, 4))):
        centre = rng.uniform((3, 2, -19), (12, 5, -14))
        bubbles.append((*map(float, centre), float(rng.uniform(0.8, 1.8)), 1.5, 1.0))
    return tuple(bubbles)


# Directions in which the great vessels leave the hila, degrees: 0 lateral, 90 up; with the
# radius in cm. The lower ones are the larger.
_STEMS = (
    (80, 0.30), (58, 0.34), (34, 0.26), (8, 0.26),
    (-18, 0.30), (-42, 0.36), (-62, 0.50), (-78, 0.34),
)  # fmt: skip


def _build_vessels(rng: np.random.Generator, width: float) -> tuple[Tubes, Tubes, Tubes]:
    """Grow branching vessels from both hila; give the large, the middle and the fine ones."""
    starts, headings, girths = [], [], []
    for side in (-1, 1):
        out, height = (3.3, 0.6) if side < 0 else (3.7, 1.5)
        hilum = np.array([side * out * width, -1.5, height])
        for angle, girth in _STEMS:
            for lean in (rng.normal(-0.45, 0.3), rng.normal(0.4, 0.35)):
                slope = np.radians(angle + rng.normal(0, 7))
                heading = np.array([side * np.cos(slope), lean, np.sin(slope)])
                starts.append(hilum + rng.normal(0, 0.35, 3) + 0.5 * heading)
                headings.append(heading / np.linalg.norm(heading))
                girths.append(girth * rng.uniform(0.7, 1.1))
    tubes = _grow_trees(np.array(starts), np.array(headings), np.array(girths), rng)
    radius = tubes.radius
    large, small = radius > 0.16, radius < 0.065
    return tubes.pick(large), tubes.pick(~large & ~small), tubes.pick(small)


def _grow_trees(points: Array, headings: Array, radii: Array, rng: np.random.Generator) -> Tubes:
    """Grow all trees together, generation by generation."""
    length = 3.1
    tubes = []
    for generation in range(7):
        n = len(points)
        sizes = length * rng.uniform(0.65, 1.3, n)
        bow = _across(headings, rng) * (0.16 * sizes)[:, None]
        steps = np.linspace(0, 1, max(8, 42 - 6 * generation))
        line = (
            points[:, None]
            + headings[:, None] * (steps[None, :, None] * sizes[:, None, None])
            + bow[:, None] * (np.sin(steps * np.pi) * 0.5)[None, :, None]
        )
        tubes.append(_sweep_many(line, headings, sizes, radii))
        turn = np.tan(np.radians(rng.uniform(14, 34, (2, n, 1))))
        signs = np.array([1.0, -0.75])[:, None, None]
        headings = (headings[None] + signs * turn * _across(headings, rng)[None]).reshape(-1, 3)
        headings /= np.linalg.norm(headings, axis=1, keepdims=True)
        points = np.tile(line[:, -1], (2, 1))
        radii = np.tile(radii, 2) * rng.uniform(0.62, 0.86, 2 * n)
        length *= 0.80
    return _join(tubes)


def _across(headings: Array, rng: np.random.Generator) -> Array:
    """Draw unit vectors perpendicular to headings, mostly in the coronal plane."""
    draw = rng.normal(0, 1, headings.shape) * np.array([1.0, 0.6, 1.0])
    draw -= (draw * headings).sum(1, keepdims=True) * headings
    return np.asarray(draw / np.maximum(np.linalg.norm(draw, axis=1, keepdims=True), 1e-6))


def _sweep_many(line: Array, headings: Array, sizes: Array, radii: Array) -> Tubes:
    """Sweep many short branches of one generation at once; they taper to their ends."""
    steps = line.shape[1]
    across = np.cross(headings, np.array([0.0, 1.0, 0.0]))
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    second = np.cross(headings, across)
    taper = (radii[:, None] * np.linspace(1.0, 0.82, steps)[None]).reshape(-1, 1)
    return Tubes(
        line.reshape(-1, 3),
        np.repeat(across, steps, axis=0) * taper,
        np.repeat(second, steps, axis=0) * taper,
        np.repeat(sizes / steps, steps),
    )
