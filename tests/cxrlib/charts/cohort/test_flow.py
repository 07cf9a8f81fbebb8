"""The flow chart: bars add up, words are escaped."""

import plotly.graph_objects as go

from cxrlib.charts.cohort import describe_flow, plot_flow
from cxrlib.charts.cohort.flow import LINE
from cxrlib.cohort import SelectionStep
from tests.figures import assert_valid

STEPS = [
    SelectionStep("rows of metadata.csv", 100, 40, {}),
    SelectionStep("X-rays", 90, 38, {"modality CT": 10}),
    SelectionStep("view <b>PA</b>", 50, 20, {f"view {i}": 8 for i in range(5)}),
]


def test_bars_add_up() -> None:
    """What is left and what went make the bar above."""
    figure = plot_flow(STEPS)
    kept, gone = (list(trace.x) for trace in figure.data)
    assert kept == [100, 90, 50]
    assert [a + b for a, b in zip(kept, gone, strict=True)] == [100, 100, 90]


def test_every_bar_says_images_and_patients() -> None:
    """Counts carry their unit, reasons their number; many reasons are summed up."""
    words = [a.text for a in plot_flow(STEPS).layout.annotations]
    assert "X-rays: 90 images of 38 patients<br>left out: 10 modality CT" in words
    assert any("16 for other reasons" in text.replace("<br>", " ") for text in words)
    assert "left out 8 view 0" in describe_flow(STEPS)


def test_words_stand_over_their_bar_and_fit_a_telephone() -> None:
    """No line is longer than a narrow page; no words reach into a bar, above or below."""
    long = SelectionStep(
        "view PA, AP, AP Supine", 50, 20, {f"reason {i} " * 9: 9 for i in range(3)}
    )
    figure = plot_flow([*STEPS, long, STEPS[-1]])
    notes, bars = figure.layout.annotations, figure.data[0]
    assert max(len(line) for note in notes for line in note.text.split("<br>")) <= 60
    ends = [note.y + LINE * (note.text.count("<br>") + 1) for note in notes]
    for note, end, bar in zip(notes, ends, bars.y, strict=True):
        assert note.x == 0
        assert end <= bar - bars.width / 2 < bar
    for note, bar in zip(notes[1:], bars.y[:-1], strict=True):
        assert bar + bars.width / 2 < note.y
    room = figure.layout.yaxis.range[0] - figure.layout.yaxis.range[1]
    assert figure.layout.height - figure.layout.margin.t - figure.layout.margin.b == room


def test_one_image_of_one_patient_is_singular() -> None:
    """Small cohorts are counted in plain words too."""
    assert describe_flow([SelectionStep("rows", 1, 1, {})]) == "rows: 1 image of 1 patient."


def test_markup_is_text() -> None:
    """A label from a cohort is not read as markup."""
    texts = [a.text for a in plot_flow(STEPS).layout.annotations]
    texts += [text for trace in plot_flow(STEPS).data for text in trace.hovertext]
    assert not any("<b>" in text for text in texts)
    assert any("&lt;b&gt;PA" in text for text in texts)


def test_an_empty_cohort_is_drawn() -> None:
    """No row at all is a chart, not an error."""
    figure = plot_flow([SelectionStep("rows", 0, 0, {}), SelectionStep("X-rays", 0, 0, {})])
    assert isinstance(figure, go.Figure)


def test_everything_drawn_is_valid() -> None:
    """Give Plotly nothing it would refuse or change."""
    for theme in ("light", "dark"):
        assert_valid(plot_flow(STEPS, theme=theme))
