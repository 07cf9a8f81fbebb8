"""From anatomy to line integrals: what a ray meets on its way to each pixel.

Beer and Lambert: the detector sees ``I0 exp(-sum mu * length)``. This module gives the sum, in
units of optical depth, for a beam that diverges from a focal spot: AP images show a larger
heart than PA images because the heart then lies far from the detector.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cxrlib.synthetic.opacities import Lesions, noise_field
from cxrlib.synthetic.phantom import Anatomy, Array, Posture, Tubes, profile

__all__ = ["Camera", "Exposure", "Textures", "make_camera", "make_textures", "project", "splat"]

Placer = Callable[[Tubes], Tubes]

# Attenuation at about 70 keV effective, 1/cm: soft tissue, inflated lung; bone is the excess.
MU_SOFT = 0.195
MU_LUNG = 0.052
MU_BONE = 0.26

# Vessels are drawn stronger than water would be: the finest ones are left out.
VESSEL_GAIN = 2.8

#: Side of a noise tile, pixels; no image is larger.
TILE = 768


@dataclass(frozen=True)
class Camera:
    """Hold the geometry of one exposure.

    Parameters
    ----------
    axis : int
        Coordinate along the beam: 1 (y) frontal, 0 (x) lateral.
    source : float
        Position of the focal spot on that axis, cm.
    distance : float
        Focal spot to detector, cm.
    width, height : int
        Pixels.
    pixel : float
        Size of a pixel on the detector, cm.
    centre : tuple of float
        Detector coordinates (horizontal, vertical) of the image centre, cm.
    beam_height : float
        Height of the central ray, cm.
    """

    axis: int
    source: float
    distance: float
    width: int
    height: int
    pixel: float
    centre: tuple[float, float]
    beam_height: float = 0.0

    def magnification(self, depth: Array | float) -> Array:
        """Give the magnification of a plane at a depth along the beam."""
        return np.asarray(self.distance / np.abs(np.asarray(depth) - self.source))

    def rows(self, depth: float, step: int = 1) -> Array:
        """Give the height z (cm) each pixel row sees in the plane at a depth."""
        above = self.height / 2 - (np.arange(0, self.height, step) + step / 2)
        v = self.centre[1] + above * self.pixel
        return np.asarray(self.beam_height + (v - self.beam_height) / self.magnification(depth))

    def columns(self, depth: float, step: int = 1) -> Array:
        """Give the coordinate across (x, or y in a lateral) each column sees at a depth."""
        beside = (np.arange(0, self.width, step) + step / 2) - self.width / 2
        u = self.centre[0] + beside * self.pixel
        return np.asarray((u if self.axis == 1 else -u) / self.magnification(depth))


@dataclass(frozen=True)
class Textures:
    """Hold noise tiles shared by all images of a process: three sizes of grain."""

    coarse: Array
    middle: Array
    fine: Array

    def cut(self, tile: str, shape: tuple[int, int], start: tuple[int, int]) -> Array:
        """Cut a window of at most 768 x 768 out of a tile, which is stored twice each way."""
        source: Array = getattr(self, tile)
        return source[start[0] : start[0] + shape[0], start[1] : start[1] + shape[1]]


@dataclass(frozen=True)
class Exposure:
    """Hold what one projection gives.

    Parameters
    ----------
    depth : ndarray of shape (height, width), float32
        Optical depth, the sum of attenuation along each ray.
    sides : ndarray of shape (height, width), int8
        -1 right lung, +1 left lung, seen beside heart and diaphragm; 0 neither.
    heart_width : float
        Width of the heart's shadow on the detector, cm.
    """

    depth: Array
    sides: Array
    heart_width: float


def make_textures(seed: int) -> Textures:
    """Make the noise tiles of a cohort."""
    rng = np.random.default_rng([seed, 99])
    scales = {"coarse": (9.0, 120.0), "middle": (3.5, 30.0), "fine": (1.6, 6.0)}
    tiles = {name: noise_field(rng, TILE, *scale) for name, scale in scales.items()}
    return Textures(**{name: np.tile(tile, (2, 2)) for name, tile in tiles.items()})


def make_camera(
    view: str, *, width: int, height: int, field_width: float, shift: tuple[float, float] = (0, 0)
) -> Camera:
    """Place focal spot and detector for a view.

    Parameters
    ----------
    view : str
        "PA", "AP", "AP Supine" or "L".
    width, height : int
        Pixels.
    field_width : float
        Width of the image on the detector, cm.
    shift : tuple of float
        How far the image is off centre, cm.
    """
    distance = {"PA": 183.0, "AP": 115.0, "AP Supine": 100.0, "L": 183.0}[view]
    if view == "PA":
        axis, source = 1, 14.0 - distance
    elif view == "L":
        axis, source = 0, 18.0 - distance
    else:
        axis, source = 1, distance - 14.0
    centre = (shift[0], shift[1] - 0.5)
    pixel = field_width / width
    height_of_beam = 1.5 if view.startswith("AP") else 0.0
    return Camera(axis, source, distance, width, height, pixel, centre, height_of_beam)


def project(
    anatomy: Anatomy,
    posture: Posture,
    camera: Camera,
    lesions: Lesions,
    zone_severity: tuple[float, ...],
    textures: Textures,
    start: tuple[int, int],
) -> Exposure:
    """Sum attenuation along every ray.

    Parameters
    ----------
    anatomy, posture, camera
        Who, how placed, how taken.
    lesions : Lesions
        Where opacities can lie.
    zone_severity : tuple of float
        How much of each of the six zones is filled, 0 to 1.
    textures : Textures
        Noise tiles.
    start : tuple of int
        Where this patient's window into the tiles begins.

    Returns
    -------
    Exposure
    """
    shape = (camera.height, camera.width)
    air, sides, heart_width = _lungs(anatomy, posture, camera)
    body = _resize(_body(anatomy, posture, camera), shape)
    filled = _fill(camera, lesions, zone_severity, textures, start)
    grain = 0.025 * textures.cut("fine", shape, start) + 0.05 * textures.cut("middle", shape, start)
    depth = MU_SOFT * np.maximum(body - air, 0) + MU_LUNG * air * (1 + grain)
    depth += (MU_SOFT - MU_LUNG) * air * filled
    place = _placer(posture)
    depth += _lung_detail(anatomy, camera, place, air, filled)
    depth += _aorta(anatomy, camera) * air / (air + 5)
    depth -= 0.75 * MU_SOFT * _trachea(anatomy, posture, camera)
    depth += MU_BONE * _bones(anatomy, posture, camera, place)
    depth -= MU_SOFT * _gas(anatomy, posture, camera) * (body > 8)
    heart_width *= camera.axis  # 0 in a lateral
    return Exposure(np.maximum(depth, 0).astype(np.float32), sides, heart_width)


def _lung_detail(
    anatomy: Anatomy, camera: Camera, place: Placer, air: Array, filled: Array
) -> Array:
    """Give what vessels add to the optical depth, and what bronchi take from filled lung."""
    in_lung = air / (air + 1.5)
    large, middle, small = anatomy.vessels
    trunks = splat(place(large), camera, count=18)
    vessels = trunks + splat(place(middle), camera, count=4) + splat(place(small), camera, count=1)
    vessels = vessels / (1 + 0.4 * vessels)
    detail = VESSEL_GAIN * (MU_SOFT - MU_LUNG) * vessels * in_lung * (1 - 0.95 * filled)
    if filled.max() > 0.3:  # bronchi run beside the large vessels and stay open
        detail -= 0.35 * MU_SOFT * trunks * in_lung * filled**2
    return np.asarray(detail)


def _centre_line(tubes: Tubes, z: Array, axis: int) -> Array:
    """Give where a nearly vertical tube runs at each height."""
    order = np.argsort(tubes.points[:, 2])
    return np.asarray(np.interp(z, tubes.points[order, 2], tubes.points[order, axis]))


def _trachea(anatomy: Anatomy, posture: Posture, camera: Camera) -> Array:
    """Give the air in trachea and main bronchi along each ray, cm."""
    plane = 1 - camera.axis
    z, across = camera.rows(-1.5), camera.columns(-1.5)
    girth = float(anatomy.airways.radius[0])
    centre = _centre_line(anatomy.airways, z, plane)
    if plane == 0:
        centre = centre - 1.5 * np.tan(np.radians(posture.turn))
    open_ = 1 / (1 + np.exp(-np.clip((z - anatomy.carina) / 0.35, -30, 30)))
    open_ = open_.astype(np.float32)
    air = 2 * girth * _chord(across, centre, np.full(len(z), girth), 2.0) * open_[:, None]
    return np.asarray(air + 0.9 * splat(anatomy.main_bronchi, camera, count=40))


def _aorta(anatomy: Anatomy, camera: Camera) -> Array:
    """Give the optical depth of the descending aorta against lung."""
    plane = 1 - camera.axis
    z, across = camera.rows(-4.5), camera.columns(-4.5)
    centre = _centre_line(anatomy.aorta, z, plane)
    ends = np.clip((5.5 - z) / 1.5, 0, 1) * np.clip((z + 13) / 3, 0, 1)
    ends = ends.astype(np.float32)
    chord = 2.5 * _chord(across, centre, np.full(len(z), 1.25), 2.0) * ends[:, None]
    return np.asarray((MU_SOFT - MU_LUNG) * chord)


def _resize(values: Array, shape: tuple[int, int]) -> Array:
    """Enlarge a smooth field (bilinear)."""
    from PIL import Image

    image = Image.fromarray(np.asarray(values, dtype=np.float32))
    resized = image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.float32)


def _chord(at: Array, centre: Array | float, half: Array | float, power: float) -> Array:
    """Give the half length, as a share, of chords through superelliptical sections.

    Rows are sections: `centre` and `half` belong to the rows, `at` to the columns.
    """
    centre = np.asarray(centre, dtype=np.float32).reshape(-1, 1)
    half = np.asarray(half, dtype=np.float32).reshape(-1, 1)
    out = np.zeros((len(half), len(at)), dtype=np.float32)
    near = (at > np.min(centre - half)) & (at < np.max(centre + half))
    if not near.any():
        return out
    first, last = int(np.argmax(near)), len(at) - int(np.argmax(near[::-1]))
    share = np.abs((at[None, first:last].astype(np.float32) - centre) / half)
    inside = np.maximum(1 - (share * share if power == 2 else share ** np.float32(power)), 0)
    out[:, first:last] = np.sqrt(inside) if power == 2 else inside ** np.float32(1 / power)
    return out


_BODY_Z = np.array([-30, -15, -5, 2, 7, 10.5, 13, 14.6, 16, 17.5, 20, 26], dtype=float)
_BODY_X = np.array([17.2, 16.4, 16.3, 16.8, 18.2, 19.6, 19.4, 16.5, 11.5, 8.0, 6.4, 6.0])
_BODY_Y = np.array([13.6, 12.6, 11.4, 11.3, 10.8, 9.8, 8.6, 7.6, 6.9, 6.4, 6.0, 5.8])


def _body(anatomy: Anatomy, posture: Posture, camera: Camera) -> Array:
    """Give the thickness of the body along each ray, at half resolution, cm."""
    mid = 0.0
    z = camera.rows(mid, 2)
    half_x = profile(z, _BODY_Z, _BODY_X) * anatomy.width + 0.75 * anatomy.fat
    half_y = profile(z, _BODY_Z, _BODY_Y) * anatomy.depth + 0.6 * anatomy.fat
    centre_y = profile(z, np.array([-20, 0, 10, 16, 20.0]), np.array([0.2, 0, -0.8, -1.6, -1.0]))
    across = camera.columns(mid, 2)
    if camera.axis == 1:
        thickness = 2 * half_y[:, None] * _chord(across, 0.0, half_x, 2.7)
    else:
        half_x = np.minimum(half_x, 16.4 * anatomy.width + anatomy.fat)
        thickness = 2 * half_x[:, None] * _chord(across, centre_y, half_y, 2.3)
    thickness = _add_arms(thickness, anatomy, posture, camera)
    if anatomy.breast > 0:
        thickness = thickness + _breasts(anatomy, posture, camera)
    return np.asarray(thickness)


def _add_arms(thickness: Array, anatomy: Anatomy, posture: Posture, camera: Camera) -> Array:
    """Join the upper arms to the trunk (frontal), or raise them out of the way (lateral)."""
    if camera.axis == 0:
        z, y = camera.rows(0.0, 2), camera.columns(0.0, 2)
        arms = 2 * 4.6 * _chord(y, 2.5 + 0.75 * (z - 14), np.full(len(z), 4.8), 2.0)
        return np.asarray(np.cbrt(thickness**3 + (arms * np.clip((z[:, None] - 9) / 4, 0, 1)) ** 3))
    z, x = camera.rows(-2.0, 2), camera.columns(-2.0, 2)
    lean = 0.52 if posture.view == "PA" else 0.17
    girth = 4.3 + 0.35 * anatomy.fat
    total = thickness**3
    for side in (-1, 1):
        axis = side * (18.8 * anatomy.width + lean * np.clip(11 - z, 0, None))
        fade = np.clip((15.0 - z) / 3.0, 0, 1)[:, None]
        total = total + (2 * girth * _chord(x, axis, np.full(len(z), girth), 2.0) * fade) ** 3
    return np.asarray(np.cbrt(total))


def _breasts(anatomy: Anatomy, posture: Posture, camera: Camera) -> Array:
    """Give the thickness of both breasts, half ellipsoids on the front wall, cm."""
    size = anatomy.breast * (0.75 if posture.is_supine else 1.0)
    z = camera.rows(10.0, 2)
    below = z + 6.2
    drop = np.clip(1 - (below / 3.8) ** 2, 0, 1) ** 0.75
    slope = np.clip(1 - below / 9.0, 0, 1) ** 1.3
    shape_z = np.where(below < 0, drop, slope)
    if camera.axis == 0:
        y = camera.columns(0.0, 2)
        front = 9.6 * anatomy.depth + 0.6 * anatomy.fat
        half = np.maximum(4.6 * size * np.sqrt(shape_z), 1e-3)
        tissue = (7.0 * size * shape_z)[:, None] * _chord(y, front, half, 2.0)
        return np.asarray(tissue / (1 + np.exp(-(y - front)[None] / 0.8)))
    total = np.zeros((len(z), len(camera.columns(10.0, 2))), dtype=np.float32)
    x = camera.columns(10.0, 2)
    half = np.maximum(6.6 * np.sqrt(shape_z), 1e-3)
    for side in (-1, 1):
        drift = side * (9.0 + (1.2 if posture.is_supine else 0)) * anatomy.width
        total += (2.7 * size * shape_z)[:, None] * _chord(x, drift, half, 2.0)
    return total


_DOME_MEDIAL, _DOME_LATERAL, _DOME_DEEP = 0.035, 0.088, 3.4e-4


def _lungs(anatomy: Anatomy, posture: Posture, camera: Camera) -> tuple[Array, Array, float]:
    """Give the length of lung along each ray (cm), the sides seen, the heart's width (cm)."""
    total = np.zeros((camera.height, camera.width), dtype=np.float32)
    sides = np.zeros(total.shape, dtype=np.int8)
    heart_low, heart_high, shadow, heart_width = _heart(anatomy, posture, camera)
    for side in (-1, 1):
        mid = 0.0 if camera.axis == 1 else side * 7.0
        z, across = camera.rows(mid), camera.columns(mid)
        centre_x, half_x, centre_y, half_y = anatomy.lung(side, z)
        if camera.axis == 1:
            plane, along = (centre_x, half_x, 2.6), (centre_y, half_y)
        else:
            plane, along = (centre_y, half_y, 2.3), (centre_x, half_x)
        cut = _columns_near(across, plane[0], plane[1])
        across = across[cut]
        floor = np.clip((z + 15.8) / 1.2, 0, 1)
        reach = _chord(across, *plane) * (along[1] * floor).astype(np.float32)[:, None]
        centre = along[0].astype(np.float32)[:, None]
        dome, top = _dome(anatomy, posture, side, z, across, camera.axis)
        heart = (heart_low[:, cut], heart_high[:, cut])
        total[:, cut] += _minus(centre - reach, centre + reach, heart, dome)
        if camera.axis == 1:
            seen = (reach > 0.25) & ~shadow[:, cut] & (z[:, None] > top[None])
            sides[:, cut][seen] = side
    return total, sides, heart_width


def _columns_near(across: Array, centre: Array, half: Array) -> slice:
    """Give the columns a solid can reach."""
    near = (across > np.min(centre - half)) & (across < np.max(centre + half))
    if not near.any():
        return slice(0, 1)
    return slice(int(np.argmax(near)), len(across) - int(np.argmax(near[::-1])))


def _minus(low: Array, high: Array, a: tuple[Array, Array], b: tuple[Array, Array]) -> Array:
    """Give the length of an interval less two others (inclusion and exclusion)."""
    a_low, a_high = np.maximum(low, a[0]), np.minimum(high, a[1])
    b_low, b_high = np.maximum(low, b[0]), np.minimum(high, b[1])
    both = np.maximum(np.minimum(a_high, b_high) - np.maximum(a_low, b_low), 0)
    cut = np.maximum(a_high - a_low, 0) + np.maximum(b_high - b_low, 0) - both
    return np.asarray(np.maximum(high - low - cut, 0))


def _heart(anatomy: Anatomy, posture: Posture, camera: Camera) -> tuple[Array, Array, Array, float]:
    """Give where each ray enters and leaves heart and mediastinum, its shadow, its width."""
    depth = 2.0 if camera.axis == 1 else 1.5
    z = camera.rows(depth)
    z_heart = z - 0.75 * posture.breath
    wide = 1.0 + (0.07 if posture.is_supine else 0.0) + 0.012 * posture.breath
    turn = np.tan(np.radians(posture.turn))
    right = profile(z_heart, *anatomy.heart_right) * wide - 1.5 * turn
    left = profile(z_heart, *anatomy.heart_left) * wide + 2.5 * turn
    knots = np.array([-15, -8, -2, 3, 8, 14.0])
    half_y = profile(z_heart, knots, np.array([4.6, 5.3, 5.2, 4.3, 3.9, 3.6])) * anatomy.depth
    centre_y = profile(z_heart, knots, np.array([2.4, 2.3, 1.8, 0.2, -0.9, -1.2])) * anatomy.depth
    across = camera.columns(depth)
    width = float((right + left)[z < 2].max() * camera.magnification(depth))
    if camera.axis == 1:
        reach = _chord(across, (left - right) / 2, (left + right) / 2, 2.3)
        reach = reach * half_y.astype(np.float32)[:, None]
        centre = centre_y.astype(np.float32)[:, None]
    else:
        reach = _chord(across, centre_y, half_y, 2.3)
        reach = reach * ((left + right) / 2).astype(np.float32)[:, None]
        centre = ((left - right) / 2).astype(np.float32)[:, None]
    return centre - reach, centre + reach, reach > 0.3, width


def _dome(
    anatomy: Anatomy, posture: Posture, side: int, z: Array, across: Array, axis: int
) -> tuple[tuple[Array, Array], Array]:
    """Give where each ray runs below a dome of the diaphragm, and the dome's crest."""
    top = (anatomy.dome_right if side < 0 else anatomy.dome_left) + posture.breath
    middle = side * 6.6 * anatomy.width
    centre_y = 0.9
    z32 = z.astype(np.float32)[:, None]
    if axis == 1:
        off = (across - middle) * side
        crest = top - np.where(off > 0, _DOME_LATERAL, _DOME_MEDIAL) * off**2
        under = np.maximum(crest.astype(np.float32)[None] - z32, 0) / np.float32(_DOME_DEEP)
        reach = np.sqrt(np.sqrt(under))
        return (centre_y - reach, centre_y + reach), crest
    crest = top - _DOME_DEEP * 1.4 * (across - centre_y) ** 4 - 0.01 * (across - centre_y) ** 2
    under = np.maximum(crest.astype(np.float32)[None] - z32, 0)
    out, inn = np.sqrt(under / _DOME_LATERAL), np.sqrt(under / _DOME_MEDIAL)
    if side > 0:
        return (middle - inn, middle + out), crest
    return (middle - out, middle + inn), crest


def _fill(
    camera: Camera,
    lesions: Lesions,
    zone_severity: tuple[float, ...],
    textures: Textures,
    start: tuple[int, int],
) -> Array:
    """Give the share of the lung along each ray that is filled by opacities, 0 to 1."""
    shape = (camera.height, camera.width)
    severity = np.asarray(zone_severity)[lesions.zones] * lesions.strength
    if severity.max(initial=0) <= 0:
        return np.zeros(shape, dtype=np.float32)
    along = lesions.centres[:, camera.axis]
    scale = camera.magnification(along)
    plane = 1 - camera.axis
    z, across = camera.rows(0.0, 2), camera.columns(0.0, 2)
    base = float(camera.magnification(0.0))
    centre_z = (lesions.centres[:, 2] * scale / base)[:, None]
    centre_u = (lesions.centres[:, plane] * scale / base)[:, None]
    rows = np.exp(-(((z[None] - centre_z) / lesions.sizes[:, 2:3]) ** 2) / 2)
    columns = np.exp(-(((across[None] - centre_u) / lesions.sizes[:, plane][:, None]) ** 2) / 2)
    total = np.einsum("nh,nw->hw", rows * severity[:, None], columns, optimize=False)
    if camera.axis == 0:
        total = total * 0.5
    height, sign = lesions.fissure
    if sign and camera.axis == 1:
        edge = 1 / (1 + np.exp(-np.clip(sign * (z - height) / 0.12, -30, 30)))
        total = total * np.where(across[None] < 0, 0.15 + 0.85 * edge[:, None], 1.0)
    coarse, middle, fine = (textures.cut(t, shape, start) for t in ("coarse", "middle", "fine"))
    mottle = np.exp(0.42 * coarse + 0.22 * middle + 0.06 * fine - 0.1)
    return np.asarray(0.88 * (1 - np.exp(-1.25 * _resize(total, shape) * mottle)), dtype=np.float32)


def _placer(posture: Posture) -> Placer:
    """Give a function that turns tubes with the patient."""
    cos, sin = np.cos(np.radians(posture.turn)), np.sin(np.radians(posture.turn))

    def turn(vectors: Array) -> Array:
        x, y, z = vectors.T
        return np.stack([cos * x + sin * y, cos * y - sin * x, z], 1)

    def place(tubes: Tubes) -> Tubes:
        return Tubes(turn(tubes.points), turn(tubes.axis_1), turn(tubes.axis_2), tubes.length)

    return place


def _halved(camera: Camera) -> Camera:
    """Give the same camera with pixels twice the size."""
    width, height = camera.width // 2, camera.height // 2
    return replace(camera, width=width, height=height, pixel=camera.pixel * 2)


def _spiral(count: int) -> Array:
    """Spread points evenly over the unit disc (sunflower)."""
    index = np.arange(count) + 0.5
    radius, angle = np.sqrt(index / count), index * 2.399963
    return np.asarray(np.stack([radius * np.cos(angle), radius * np.sin(angle)]), dtype=np.float32)


def splat(tubes: Tubes, camera: Camera, *, count: int = 30, cortex: float = 0.0) -> Array:
    """Sum the thickness of swept tubes onto the detector, cm.

    Each point of the centre line stands for a short piece of tube; its volume is spread over
    the cross-section and dropped on the four nearest pixels. `cortex` moves bone to the cortex.
    """
    near = _near(tubes, camera)
    if not near.all():
        tubes = tubes.pick(near)
    offsets = _spiral(count) if count > 1 else np.zeros((2, 1), dtype=np.float32)
    weights = 1 + cortex * (np.hypot(*offsets) > 0.84)
    weights = (weights / weights.sum()).astype(np.float32)
    # A spin that never repeats: a regular one shows as the strands of a rope.
    spin = np.float32(2 * np.pi) * (np.sin(np.arange(len(tubes.points)) * 12.9898) * 43758.5 % 1)
    spin = spin.astype(np.float32)
    cos, sin = np.cos(spin)[:, None], np.sin(spin)[:, None]
    a = cos * offsets[0] - sin * offsets[1]
    b = sin * offsets[0] + cos * offsets[1]
    position = [
        tubes.points[:, i, None].astype(np.float32)
        + a * tubes.axis_1[:, i, None].astype(np.float32)
        + b * tubes.axis_2[:, i, None].astype(np.float32)
        for i in range(3)
    ]
    area = np.pi * np.linalg.norm(tubes.axis_1, axis=1) * np.linalg.norm(tubes.axis_2, axis=1)
    volume = (area * tubes.length).astype(np.float32)[:, None] * weights
    reach = np.abs(position[camera.axis] - np.float32(camera.source))
    scale = (camera.distance / reach).astype(np.float32)
    across = position[1 - camera.axis] * (1 if camera.axis == 1 else -1)
    u = (across * scale - camera.centre[0]) / camera.pixel + camera.width / 2 - 0.5
    rise = (position[2] - camera.beam_height) * scale + camera.beam_height
    v = camera.height / 2 - 0.5 - (rise - camera.centre[1]) / camera.pixel
    return _drop(u, v, volume * scale**2 / camera.pixel**2, camera)


def _near(tubes: Tubes, camera: Camera) -> Array:
    """Tell which points of the centre lines can touch the image."""
    scale = camera.magnification(tubes.points[:, camera.axis])
    across = tubes.points[:, 1 - camera.axis] * scale * (1 if camera.axis == 1 else -1)
    rise = (tubes.points[:, 2] - camera.beam_height) * scale + camera.beam_height
    room = 2.6 * scale
    in_width = np.abs(across - camera.centre[0]) < camera.width * camera.pixel / 2 + room
    in_height = np.abs(rise - camera.centre[1]) < camera.height * camera.pixel / 2 + room
    return np.asarray(in_width & in_height)


def _drop(u: Array, v: Array, weight: Array, camera: Camera) -> Array:
    """Drop weights on the four pixels around each position."""
    u, v, weight = u.ravel(), v.ravel(), weight.ravel()
    keep = (u > 0) & (v > 0) & (u < camera.width - 1) & (v < camera.height - 1)
    u, v, weight = u[keep], v[keep], weight[keep]
    column, row = u.astype(np.intp), v.astype(np.intp)
    du, dv = u - column.astype(np.float32), v - row.astype(np.float32)
    at = row * camera.width + column
    size = camera.width * camera.height
    right = weight * du
    left = weight - right
    total = np.bincount(at, left * (1 - dv), size) + np.bincount(at + 1, right * (1 - dv), size)
    total += np.bincount(at + camera.width, left * dv, size)
    total += np.bincount(at + camera.width + 1, right * dv, size)
    return np.asarray(total.reshape(camera.height, camera.width), dtype=np.float32)


_INWARD = {"PA": 0.0, "AP": -1.2, "AP Supine": -2.0, "L": 0.0}


def _bones(anatomy: Anatomy, posture: Posture, camera: Camera, place: Placer) -> Array:
    """Sum all bone, weighted by how dense it is, cm of compact bone."""
    from scipy.ndimage import gaussian_filter

    coarse = _halved(camera)  # bones are wide: half the pixels give the same, faster
    ribs = splat(place(anatomy.ribs), coarse, count=16, cortex=4.0)
    total = 1.9 * ribs / (1 + 1.25 * ribs)  # tangential rays saturate
    clavicles = splat(place(anatomy.clavicles), coarse, count=64, cortex=1.6)
    total += (1.1 if camera.axis == 1 else 0.35) * clavicles
    inward = np.sign(anatomy.scapulae.points[:, :1]) * np.array([[_INWARD[posture.view], 0, 0]])
    blades = anatomy.scapulae._replace(points=anatomy.scapulae.points + inward)
    if camera.axis == 1:
        total += 0.9 * splat(place(blades), coarse, count=16, cortex=1.0)
        arms = splat(place(anatomy.arms), _halved(coarse), count=60, cortex=1.2)
        total += 0.55 * _resize(gaussian_filter(arms, 0.9), total.shape)
    total += 0.4 * splat(place(anatomy.spine_processes), coarse, count=9)
    total += (0.25 if camera.axis == 1 else 0.5) * splat(place(anatomy.sternum), coarse, count=70)
    return _resize(total, (camera.height, camera.width)) + _vertebrae(anatomy, posture, camera)


def _vertebrae(anatomy: Anatomy, posture: Posture, camera: Camera) -> Array:
    """Sum the vertebral bodies: boxes with waists, discs between them."""
    back = -6.6 * anatomy.depth
    mid = back if camera.axis == 1 else 0.0
    z, across = camera.rows(mid), camera.columns(mid)
    phase = (z - 15.6) / 2.42 % 1.0
    body = np.clip(np.minimum(phase - 0.13, 0.87 - phase) / 0.045, 0, 1)
    waist = 1 - 0.13 * np.sin(np.clip((phase - 0.13) / 0.74, 0, 1) * np.pi)
    size = 1.45 + 0.022 * (14 - z)
    plate = 1 + 0.3 * np.exp(-(((np.abs(phase - 0.5) - 0.335) / 0.035) ** 2))
    if camera.axis == 1:
        bend = anatomy.spine_bend * np.sin(z / 14)
        chord = 2.5 * _chord(across, bend, size * waist, 2.6)
    else:
        bow = back + 0.012 * (z + 2) ** 2 * 0.35 - 0.6
        chord = 7.5 * _chord(across, bow, 1.6 * waist, 2.6)
    density = (0.35 + 0.65 * body * plate)[:, None].astype(np.float32)
    return np.asarray(0.17 * chord * density, dtype=np.float32)


def _gas(anatomy: Anatomy, posture: Posture, camera: Camera) -> Array:
    """Sum gas in stomach and bowel, cm of air."""
    total = np.zeros((camera.height, camera.width), dtype=np.float32)
    lateral = camera.axis == 0
    for x, y, height, half_x, half_y, half_z in anatomy.gas:
        depth = x if lateral else y
        z = camera.rows(depth)
        off = np.abs((z - height - 0.5 * posture.breath) / half_z)
        ring = np.sqrt(np.maximum(1 - off * off, 0))
        if not posture.is_supine:
            ring = ring / (1 + np.exp(-(z - height - 0.5 * posture.breath + 0.35 * half_z) / 0.08))
        wide, deep, at = (half_y, half_x, y) if lateral else (half_x, half_y, x)
        chord = _chord(camera.columns(depth), at, np.maximum(wide * ring, 1e-3), 2.0)
        total += (1.5 * deep * ring)[:, None] * chord
    return total
