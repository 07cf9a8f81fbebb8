"""Tests of the demo cohort's images: anatomy, views, opacities, devices."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cxrlib.synthetic import simulate_courses
from cxrlib.synthetic.course import Shot
from cxrlib.synthetic.opacities import noise_field
from cxrlib.synthetic.phantom import Posture, Tubes, build_anatomy, sweep
from cxrlib.synthetic.radiograph import make_camera, make_textures, splat
from cxrlib.synthetic.rendering import build_body, render_shot

SEED = 7
HEALTHY = (0.0,) * 6


@pytest.fixture(scope="module")
def textures():
    """Make the noise tiles once."""
    return make_textures(SEED)


@pytest.fixture(scope="module")
def patients():
    """Give a few simulated patients who never reach the ICU."""
    people = simulate_courses(seed=SEED, n_patients=40).patients
    return [patient for patient in people if not patient.went_icu][:4]


def render(patient, view, zones, textures, number=1):
    """Render one image of a patient."""
    shot = Shot(patient, number, 3, view, zones)
    return render_shot(SEED, shot, build_body(SEED, patient), textures)


@pytest.mark.parametrize("view", ["PA", "AP", "AP Supine"])
def test_lungs_are_darker_than_mediastinum(patients, textures, view) -> None:
    """Healthy lungs are much darker than what lies between them."""
    for patient in patients:
        picture = render(patient, view, HEALTHY, textures)
        rows = np.nonzero(picture.lung_mask.any(axis=1))[0]
        middle = slice(int(np.quantile(rows, 0.4)), int(np.quantile(rows, 0.7)))
        right = np.nonzero((picture.sides[middle] < 0).any(axis=0))[0].max()
        left = np.nonzero((picture.sides[middle] > 0).any(axis=0))[0].min()
        assert right < left, "the patient's right lies on the left of the image"
        between = picture.pixels[middle, right:left].mean()
        lungs = picture.pixels[picture.lung_mask].mean()
        assert between > lungs + 35


def test_heart_is_wider_in_ap_than_in_pa(patients, textures) -> None:
    """The heart lies far from the detector in AP: the diverging beam widens its shadow."""
    for patient in patients:
        widths = [
            render(patient, view, HEALTHY, textures).heart_width
            for view in ("PA", "AP", "AP Supine")
        ]
        assert widths[0] * 1.05 < widths[1] < widths[2]


def test_magnification_follows_similar_triangles() -> None:
    """A plane halfway between focal spot and detector is shown at twice its size."""
    camera = make_camera("AP", width=100, height=100, field_width=40)
    assert camera.magnification(camera.source - camera.distance) == pytest.approx(1)
    assert camera.magnification(camera.source - camera.distance / 2) == pytest.approx(2)


@pytest.mark.parametrize("zone", range(6))
def test_opacity_brightens_its_zone(patients, textures, zone) -> None:
    """Filling one zone brightens it more than any other zone."""
    patient = replace(patients[0], pattern="diffuse")
    zones = tuple(0.9 if k == zone else 0.0 for k in range(6))
    healthy, ill = (render(patient, "PA", z, textures) for z in (HEALTHY, zones))
    change = ill.pixels.astype(float) - healthy.pixels
    gains = []
    for side in (-1, 1):
        mask = healthy.sides == side
        rows = np.nonzero(mask.any(axis=1))[0]
        edges = np.linspace(rows.min(), rows.max(), 4).astype(int)
        for top, bottom in pairwise(edges):
            gains.append(change[top:bottom][mask[top:bottom]].mean())
    assert int(np.argmax(gains)) == zone
    assert gains[zone] > 12


def test_brightness_grows_with_severity(patients, textures) -> None:
    """More severe means brighter lungs, step by step."""
    patient = replace(patients[1], pattern="diffuse")
    means = []
    for severity in (0.0, 0.25, 0.5, 0.9):
        picture = render(patient, "PA", (severity,) * 6, textures)
        means.append(picture.pixels[picture.lung_mask].mean())
    assert np.all(np.diff(means) > 4)


def test_tube_shows_in_the_trachea(patients, textures) -> None:
    """An intubated patient's image differs from the same image without devices."""
    base = replace(patients[0], icu_day=1.0, end_day=9.0)
    tubed = replace(base, intubated=True, tube_day=1.0, went_icu=True)
    plain = render(replace(base, icu_day=None), "AP Supine", HEALTHY, textures)
    with_tube = render(tubed, "AP Supine", HEALTHY, textures)
    change = np.abs(with_tube.pixels.astype(float) - plain.pixels)
    height, width = change.shape
    neck = change[: height // 4, width // 3 : 2 * width // 3]
    assert neck.max() > 25


def test_lateral_agrees_with_frontal_in_height(patients, textures) -> None:
    """A lateral shows the same patient; it has no lung mask of two sides."""
    picture = render(patients[0], "L", HEALTHY, textures)
    assert picture.pixels.dtype == np.uint8
    assert picture.heart_width == 0


def test_rendering_is_repeatable(patients, textures) -> None:
    """Same seed and image, same pixels; another image of the patient differs."""
    first, second = (render(patients[2], "PA", HEALTHY, textures) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    other = render(patients[2], "PA", HEALTHY, textures, number=2)
    assert other.pixels.shape != first.pixels.shape or (other.pixels != first.pixels).any()


def test_splat_keeps_the_volume_of_a_tube() -> None:
    """Thickness summed over the detector is volume times squared magnification."""
    line = np.stack([np.zeros(200), np.full(200, 3.0), np.linspace(-5, 5, 200)], axis=1)
    tube = sweep(line, 0.5, 0.5, np.array([1.0, 0, 0]))
    camera = make_camera("PA", width=256, height=256, field_width=30)
    total = splat(tube, camera, count=30).sum() * camera.pixel**2
    expected = np.pi * 0.25 * 10 * float(camera.magnification(3.0)) ** 2
    assert total == pytest.approx(expected, rel=0.02)


def test_splat_gives_the_chord_of_a_tube() -> None:
    """A ray through the axis meets twice the radius."""
    line = np.stack([np.zeros(900), np.zeros(900), np.linspace(-8, 8, 900)], axis=1)
    tube = sweep(line, 1.0, 1.0, np.array([1.0, 0, 0]))
    camera = make_camera("PA", width=128, height=128, field_width=20)
    image = splat(tube, camera, count=90)
    assert image[50:70, 62:66].mean() == pytest.approx(2.0, rel=0.08)


def test_tubes_pick_keeps_rows() -> None:
    """Picking points keeps everything that belongs to them."""
    line = np.stack([np.arange(5.0), np.zeros(5), np.zeros(5)], axis=1)
    tube = sweep(line, 0.1, 0.2, np.array([0, 0, 1.0]))
    part = tube.pick(np.array([True, False, True, False, False]))
    assert isinstance(part, Tubes)
    assert part.points[:, 0].tolist() == [0.0, 2.0]
    assert len(part.length) == 2


def test_noise_wraps_and_is_standardised() -> None:
    """A tile has mean 0, deviation 1 and no seam at its edge."""
    tile = noise_field(np.random.default_rng(0), 128, 4.0, 30.0)
    assert tile.mean() == pytest.approx(0, abs=1e-3)
    assert tile.std() == pytest.approx(1, abs=1e-3)
    seam = np.abs(tile[0] - tile[-1]).mean()
    inside = np.abs(np.diff(tile, axis=0)).mean()
    assert seam < 1.5 * inside


def test_old_men_and_young_women_differ() -> None:
    """Sex and age reach the anatomy."""
    young = build_anatomy(np.random.default_rng(1), female=True, age=25)
    old = build_anatomy(np.random.default_rng(1), female=False, age=85)
    assert young.breast > 0
    assert old.breast == 0
    assert old.width > young.width
    assert Posture("AP Supine").is_supine
