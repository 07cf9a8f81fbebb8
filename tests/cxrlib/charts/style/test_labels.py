"""Labels beside a path cover neither it nor each other."""

import numpy as np

from cxrlib.charts.style import place_labels

FRAME = (0.0, 800.0, 0.0, 600.0)


def boxes(points, sizes, offsets):
    """Return each label's lower left and upper right corner."""
    centres = np.asarray(points) + offsets
    return centres - np.asarray(sizes) / 2, centres + np.asarray(sizes) / 2


def overlap(low, high, first, second):
    """Tell whether two labels share an area."""
    return bool(np.all(np.minimum(high[first], high[second]) > np.maximum(low[first], low[second])))


def test_lone_label_stands_close_at_the_right():
    """Put a label with nothing in its way at the right of its point, level with it."""
    (offset,) = place_labels([[400, 300]], [[50, 20]], obstacles=np.zeros((1, 2)), frame=FRAME)
    np.testing.assert_allclose(offset, [25 + 11, 0], atol=1e-9)


def test_crowded_labels_do_not_overlap():
    """Keep eight labels of points a few pixels apart from covering each other."""
    points = np.column_stack([400 + 4.0 * np.arange(8), 300 + 3.0 * np.arange(8)])
    sizes = np.tile([50.0, 20.0], (8, 1))
    low, high = boxes(points, sizes, place_labels(points, sizes, obstacles=points, frame=FRAME))
    clashes = [(a, b) for a in range(8) for b in range(a) if overlap(low, high, a, b)]
    assert not clashes


def test_labels_leave_a_straight_path_free():
    """Put labels above or below a level path, off its line."""
    line = np.column_stack([np.arange(100.0, 700.0, 8.0), np.full(75, 300.0)])
    points = np.array([[200.0, 300.0], [400.0, 300.0], [600.0, 300.0]])
    sizes = np.tile([60.0, 20.0], (3, 1))
    low, high = boxes(points, sizes, place_labels(points, sizes, obstacles=line, frame=FRAME))
    assert all((low[:, 1] > 300) | (high[:, 1] < 300))


def test_labels_stay_in_the_frame():
    """Turn a label inwards at each corner."""
    points = np.array([[2.0, 2.0], [798.0, 2.0], [2.0, 598.0], [798.0, 598.0]])
    sizes = np.tile([90.0, 20.0], (4, 1))
    low, high = boxes(points, sizes, place_labels(points, sizes, obstacles=points, frame=FRAME))
    assert low.min() >= 0
    assert high[:, 0].max() <= 800
    assert high[:, 1].max() <= 600


def test_place_labels_stays_in_the_frame_of_a_narrow_screen():
    """A label that fits beside its point here, and not where all but words is smaller."""
    points, sizes = np.array([[120.0, 300.0]]), np.array([[90.0, 20.0]])
    # What is at its right, above and below is covered: there is room at the left only.
    obstacles = np.array([[x, y] for x in range(122, 400, 6) for y in range(100, 500, 6)], float)
    low = {}
    for share in (1.0, 0.6):
        offsets = place_labels(points, sizes, obstacles=obstacles, frame=FRAME, narrowest=share)
        low[share] = boxes(points * 0.6, sizes, offsets)[0][0, 0]
    assert low[1.0] < 0 <= low[0.6]
