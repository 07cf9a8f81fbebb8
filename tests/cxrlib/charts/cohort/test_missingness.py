"""What is recorded: shades hold the table's numbers, text on them can be read."""

import pandas as pd
import pytest

from cxrlib.charts.cohort import describe_missing, plot_missing
from cxrlib.charts.cohort.missingness import choose_ink
from cxrlib.charts.style import PALETTES, contrast
from cxrlib.cohort import load_cohort
from cxrlib.summary import RECORDED_COLUMNS, describe_missingness
from tests.cohort_factory import make_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Load six images from Italy, Japan and nowhere; survival yes, unclear or blank."""
    rows = [
        {"location": place, "survival": answer, "view": view, "RT_PCR_positive": "Y"}
        for place, answer, view in [
            ("Italy", "Y", "PA"),
            ("Italy", "", "AP"),
            ("Italy", "Unclear", "AP"),
            ("Japan", "N", "PA"),
            ("Japan", "", "L"),
            ("", "", "PA"),
        ]
    ]
    return load_cohort(make_cohort(tmp_path_factory.mktemp("recorded") / "cohort", rows))


@pytest.fixture(scope="module")
def table(cohort):
    """Count what is recorded by region."""
    return describe_missingness(cohort, by="region")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_table_of_shades_holds_every_share(table, theme):
    """Rows are columns of the cohort, columns are groups, each with its share."""
    figure = plot_missing(table, theme=theme)
    shades, words = figure.data
    titles, groups = list(figure.layout.yaxis.ticktext), list(figure.layout.xaxis.ticktext)
    assert titles == list(RECORDED_COLUMNS.values())
    assert groups == ["Asia<br>2", "Europe<br>3", "Unknown<br>1"]
    survival = list(RECORDED_COLUMNS).index("survival")
    assert list(shades.z[survival]) == pytest.approx([1 / 2, 1 / 3, 0])
    assert list(words.text[3 * survival : 3 * survival + 3]) == ["50 %", "33 %", "0 %"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_on_every_shade_can_be_read(table, theme):
    """Contrast is 4.5 to 1 on the whole ramp."""
    (shades, _) = plot_missing(table, theme=theme).data
    assert all(contrast(choose_ink(colour), colour) >= 4.5 for _, colour in shades.colorscale)
    first, last = shades.colorscale[0][1], shades.colorscale[-1][1]
    page = PALETTES[theme].page
    assert contrast(first, page) < 1.3
    assert contrast(last, page) > 3


def test_only_the_largest_groups_are_shown(cohort):
    """Of many sources the largest have a column, in the table's order."""
    table = describe_missingness(cohort, by="region")
    assert list(plot_missing(table, n_groups=1).layout.xaxis.ticktext) == ["Europe<br>3"]
    assert "by 3 groups" in describe_missing(table)


def test_markup_in_a_group_is_text(table):
    """A source from a file is not read as markup."""
    table = table.assign(group="<b>site</b>").drop_duplicates("column")
    figure = plot_missing(table)
    ticks = [*figure.layout.yaxis.ticktext, *figure.layout.xaxis.ticktext]
    texts = [*ticks, *(str(trace.hovertext) for trace in figure.data)]
    assert not any("<b>site" in text for text in texts)


def test_an_empty_selection_is_said(table):
    """No row is a chart with words."""
    empty = table.iloc[:0]
    assert "Widen the filters" in plot_missing(empty).layout.annotations[0].text
    assert describe_missing(pd.DataFrame(empty))
