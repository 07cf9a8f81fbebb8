"""The tree of findings: every count is a bar, and each bar filters what it counts."""

import pandas as pd
import pytest

from cxrlib.charts.cohort import describe_findings, plot_findings
from cxrlib.charts.style import read_click
from cxrlib.cohort import load_cohort
from cxrlib.selection import Selection, select
from cxrlib.summary import summarise
from tests.cohort_factory import make_cohort

FINDINGS = [
    ("Pneumonia/Viral/COVID-19", "PA"),
    ("Pneumonia/Viral/COVID-19", "AP"),
    ("Pneumonia/Viral/SARS", "PA"),
    ("Pneumonia/Bacterial", "PA"),
    ("Pneumonia/Lipoid", "L"),
    ("Pneumonia", "AP"),
    ("Tuberculosis", "AP"),
    ("No <b>Finding</b>", "PA"),
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Load one image of each finding and view above."""
    rows = [{"finding": finding, "view": view} for finding, view in FINDINGS]
    return load_cohort(make_cohort(tmp_path_factory.mktemp("findings") / "cohort", rows))


def bars(figure):
    """Return (filter, count) of each bar."""
    return [
        (dict(read_click(click)), count)
        for trace in figure.data
        for click, count in zip(trace.customdata, trace.x, strict=True)
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_count_is_a_bar(cohort, theme):
    """Panels hold the same numbers as the table, zeros too."""
    counts = summarise(cohort, "finding-view").table
    drawn = bars(plot_findings(counts, theme=theme))
    assert sorted(n for _, n in drawn) == sorted(counts["n"])


def test_a_click_selects_at_least_what_is_counted(cohort):
    """A named genus selects its own images; a type without a genus selects the type."""
    for wanted, n in bars(plot_findings(summarise(cohort, "finding-view").table)):
        if n:
            chosen = Selection(finding=(wanted["finding"],), view=(wanted["view"],))
            assert len(select(cohort, chosen).table) >= n
    drawn = bars(plot_findings(summarise(cohort, "finding-view").table))
    assert ({"finding": "Pneumonia/Viral/SARS", "view": "PA"}, 1) in drawn
    assert ({"finding": "Pneumonia/Bacterial", "view": "PA"}, 1) in drawn


def test_panels_share_one_scale(cohort):
    """A bar of two images is as long in each view."""
    figure = plot_findings(summarise(cohort, "finding-view").table)
    ranges = {figure.layout[name].range for name in figure.layout if name.startswith("xaxis")}
    assert len(ranges) == 1


def test_markup_in_a_finding_is_text(cohort):
    """Neither labels nor hover read it."""
    figure = plot_findings(summarise(cohort, "finding-view").table)
    texts = [note.text for note in figure.layout.annotations]
    texts += [text for trace in figure.data for text in trace.hovertext]
    assert not any("<b>Finding" in text for text in texts)
    assert any("&lt;b&gt;Finding" in text for text in texts)


def test_words_name_the_most(cohort):
    """The text alternative counts findings and names cells with their unit."""
    words = describe_findings(summarise(cohort, "finding-view", unit="patient").table)
    assert words.startswith("Bars of 7 findings in panels by view (PA, AP, L).")
    assert "1 patient" in words


def test_an_empty_selection_is_said(cohort):
    """No row is a chart with words."""
    counts = summarise(cohort, "finding-view").table.iloc[:0]
    assert "Widen the filters" in plot_findings(counts).layout.annotations[0].text
    assert describe_findings(counts)
    assert isinstance(counts, pd.DataFrame)
