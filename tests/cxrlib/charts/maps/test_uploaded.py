"""An upload's mark on the map: where it belongs, unlike any state, and silent on outcomes."""

import pytest

from cxrlib.charts.maps import mark_upload
from cxrlib.charts.style import PALETTES, Theme, make_figure
from cxrlib.uploads import place_upload
from tests.cxrlib.uploads.test_placement import OUTCOMES, make_map, make_upload


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_mark_is_where_the_upload_is_placed(theme: Theme) -> None:
    """One star, joined to each of its neighbours, in no state's colour."""
    placed = place_upload(make_upload([50, 51, 49]), make_map())
    figure = mark_upload(make_figure([], {}, theme), placed, theme=theme)
    lines, star = figure.data
    assert (star.x[0], star.y[0]) == (placed.x, placed.y)
    assert star.marker.symbol == "star"
    assert star.marker.color not in PALETTES[theme].states.values()
    assert len(lines.x) == 3 * len(placed.neighbours)
    assert list(lines.x[1::3]) == placed.neighbours["x"].tolist()
    assert star.customdata is None


def test_the_mark_says_nothing_but_whose_it_is_and_that_it_is_far() -> None:
    """No state, no share."""
    for outputs, words in (([50, 51, 49], "your X-ray"), ([900, 0, 0], "unlike this cohort")):
        figure = mark_upload(
            make_figure([], {}, "light"), place_upload(make_upload(outputs), make_map(60, 2))
        )
        said = figure.layout.annotations[0].text + figure.data[1].hovertemplate
        assert words in said
        assert not [word for word in OUTCOMES if word in said.lower()]
