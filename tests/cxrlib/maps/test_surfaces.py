"""What lies behind a map's points: counted by hand, and in words where there is nothing."""

import numpy as np
import pandas as pd
import pytest

from cxrlib.errors import SelectionError
from cxrlib.maps import DensityGrid, ShareGrid, SurfaceWish, estimate_surface


def make_points(n=60):
    """Make points of which every third is bad, every third good, the rest unknown; two views."""
    rng = np.random.default_rng(2)
    icu = np.array(["yes", "no", "not recorded"])[np.arange(n) % 3]
    return pd.DataFrame(rng.normal(0, 1, (n, 2)), columns=["x", "y"]).assign(
        in_icu=icu,
        intubation_present="not recorded",
        state=np.array(["bad", "good", "unknown"])[np.arange(n) % 3],
        state_overlap=False,
        view=np.where(np.arange(n) < n // 2, "AP", "PA"),
    )


def test_density_is_of_the_bad():
    """Estimate the density from bad images only, as many as are bad."""
    surface = estimate_surface(make_points(), SurfaceWish())
    assert isinstance(surface.grid, DensityGrid)
    assert surface.grid.n_points == surface.marked.n_bad == 20
    assert surface.label == "density of images taken in ICU or while intubated"
    assert "20 of 40 images with ICU or intubation recorded" in surface.remark


def test_share_leaves_unknown_images_out():
    """Estimate the share among known images; unknown ones anywhere change nothing."""
    points = make_points()
    surface = estimate_surface(points, SurfaceWish("share"))
    assert isinstance(surface.grid, ShareGrid)
    assert (surface.grid.n_bad, surface.grid.n_known) == (20, 40)
    moved = points.copy()
    moved.loc[moved["in_icu"] == "not recorded", ["x", "y"]] += 50.0
    np.testing.assert_array_equal(
        estimate_surface(moved, SurfaceWish("share")).grid.support, surface.grid.support
    )


def test_filters_and_view_narrow_what_counts():
    """Count only what the filters keep, and of it one view."""
    points = make_points()
    kept = np.arange(len(points)) < 45
    surface = estimate_surface(points, SurfaceWish("share"), kept=kept)
    assert (surface.marked.n_bad, surface.marked.n_known) == (15, 30)
    surface = estimate_surface(points, SurfaceWish("share", view="PA"), kept=kept)
    assert (surface.marked.n_bad, surface.marked.n_known) == (5, 10)
    assert "view PA" in surface.label


def test_share_of_the_filters_is_of_all():
    """Take what the filters keep as bad, of all images on the map."""
    points = make_points()
    kept = np.arange(len(points)) < 45
    surface = estimate_surface(points, SurfaceWish("share", "current filter"), kept=kept)
    assert (surface.grid.n_bad, surface.grid.n_known) == (45, 60)


def test_order_of_rows_changes_nothing():
    """Give the same surface for the same images in another order."""
    points = make_points()
    kept = np.arange(len(points)) % 4 > 0
    order = np.random.default_rng(1).permutation(len(points))
    for kind, name in (("density", "density"), ("share", "unmasked")):
        wish = SurfaceWish(kind)
        first = estimate_surface(points, wish, kept=kept).grid
        second = estimate_surface(points.iloc[order], wish, kept=kept[order]).grid
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "wish", "words"),
    [
        ({"in_icu": "not recorded"}, SurfaceWish(), "there are no images with ICU or intubation"),
        ({"in_icu": "no"}, SurfaceWish(), "none of 60"),
        ({"in_icu": "yes"}, SurfaceWish("share"), "all of 60"),
        ({}, SurfaceWish("share", "current filter"), "no image is filtered out"),
        ({}, SurfaceWish("share", "severity"), "no scored images"),
        ({}, SurfaceWish("density", view="L"), "no images with ICU or intubation recorded, view L"),
    ],
)
def test_what_cannot_be_estimated_says_why(change, wish, words):
    """Give no grid and a reason."""
    surface = estimate_surface(make_points().assign(**change), wish)
    assert surface.grid is None
    assert words in surface.remark


def test_nothing_wished_for():
    """Give nothing where nothing is wished for, and name an unknown kind."""
    assert estimate_surface(make_points(), SurfaceWish("none")) is None
    with pytest.raises(SelectionError, match="density, share, none"):
        estimate_surface(make_points(), SurfaceWish("hills"))


def test_few_images():
    """Draw a density of one image; give a share of two nowhere: too few are near."""
    points = make_points(2)
    assert estimate_surface(points, SurfaceWish()).grid.n_points == 1
    assert not estimate_surface(points, SurfaceWish("share")).grid.is_supported.any()
    assert estimate_surface(points.iloc[:0], SurfaceWish()).grid is None
