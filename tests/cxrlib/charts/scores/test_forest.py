"""Forest plots: marks where the numbers are, reasons where there are none, and room for both."""

import numpy as np
import pytest

from cxrlib.charts.scores import Series, describe_forest, find_chance, plot_forest
from cxrlib.charts.scores.legend import NARROW
from cxrlib.charts.style import PALETTES, contrast
from tests.figures import assert_valid
from tests.score_tables import NAN, REGIONS, make_folds, make_many, make_scores

THEMES = ("light", "dark")


def find_marks(figure):
    """Return (x, y) of each mark, by series key and fold; the open one of the paper apart."""
    found, printed = {}, {}
    for trace in figure.data:
        if trace.customdata is None:
            continue
        is_open = trace.marker.color == trace.marker.line.color
        side = found if is_open or not isinstance(trace.marker.symbol, str) else printed
        for x, y, data in zip(trace.x, trace.y, trace.customdata, strict=True):
            side[tuple(data)] = (x, y)
    return found, printed


def texts(figure):
    """Return the texts of a figure."""
    return [note.text for note in figure.layout.annotations]


def lines(figure):
    """Return (low, high, y) of all lines of two ends."""
    found = []
    for trace in figure.data:
        if trace.mode == "lines":
            for place in range(0, len(trace.x), 3):
                found.append((trace.x[place], trace.x[place + 1], trace.y[place]))
    return found


@pytest.mark.parametrize("theme", THEMES)
def test_marks_and_intervals_are_those_of_the_table(theme):
    """Each scored fold of each series has its value and its interval in a row of its own."""
    series = [Series("a", make_scores()), Series("b", make_scores(shift=0.05), kind="shortcut")]
    figure = plot_forest(series, "auroc", folds=make_folds(), theme=theme)
    assert_valid(figure)
    marks, _ = find_marks(figure)
    assert set(marks) == {(s, f) for s in "ab" for f in ("Asia", "Europe", "mean", "pooled")}
    drawn = lines(figure)
    for name, shift in (("a", 0.0), ("b", 0.05)):
        for fold in ("Asia", "Europe"):
            value, low, high = (number + shift for number in REGIONS[fold][2:5])
            x, y = marks[name, fold]
            assert x == pytest.approx(value)
            assert any(line == pytest.approx((low, high, y)) for line in drawn)
    assert len({y for _, y in marks.values()}) == len(marks)


def test_the_mean_is_below_the_groups_and_the_pooled_below_the_mean():
    """From the top: groups in their order, the mean, the pooled."""
    figure = plot_forest([Series("a", make_scores())], "auroc")
    marks, _ = find_marks(figure)
    folds = sorted((y, fold) for (_, fold), (_, y) in marks.items())
    assert [fold for _, fold in folds] == ["Asia", "Europe", "mean", "pooled"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]


def test_numbers_and_counts_stand_at_the_right():
    """Score, interval, standard deviation of the mean; images of the class, persons."""
    words = " ".join(texts(plot_forest([Series("a", make_scores())], "auroc", folds=make_folds())))
    assert "0.75 (0.55 to 0.90)" in words
    assert "15 of 46 images positive, 43 persons" in words
    assert "0.62 ± 0.18 (0.53 to 0.72)" in words
    assert "Mean ± SD over 2 regions" in words


def test_groups_without_a_score_stand_in_grey_with_their_reason():
    """Under the axis, and counted; what the reason says already is not said twice."""
    figure = plot_forest([Series("a", make_scores())], "auroc", folds=make_folds())
    notes = {note.text: note for note in figure.layout.annotations}
    assert "<b>Not estimable: 2 of 4 regions</b>" in notes
    reason = next(text for text in notes if text.startswith("4 images, all of the class 'yes'"))
    few = next(text for text in notes if text.startswith("1 of 10 images positive, 7 persons: 1"))
    for text in ("Americas", reason, "Oceania", few):
        assert notes[text].font.color == PALETTES["light"].quiet
        assert notes[text].yshift < 0
    assert notes[reason].yshift == notes["Americas"].yshift


def test_a_series_without_a_score_says_why_in_its_row():
    """Where another has one; a fold that was not run is said too."""
    other = make_scores()
    other = other[other["fold"] != "Asia"]
    other.loc[other["fold"] == "Europe", ["value", "reason"]] = [NAN, "Not <b>here</b>."]
    figure = plot_forest([Series("a", make_scores()), Series("b", other)], "auroc")
    assert "Not &lt;b&gt;here&lt;/b&gt;." in texts(figure)
    assert "no score" in texts(figure)


def test_nothing_scored_is_no_empty_axis():
    """Only reasons, and a sentence."""
    few = dict.fromkeys(REGIONS, (1, 2, NAN, NAN, NAN, "too <few>"))
    scores = make_scores(few, mean=NAN, pooled=NAN)
    figure = plot_forest([Series("a", scores)], "auroc")
    assert_valid(figure)
    assert not figure.data
    assert "There are no scores to draw." in texts(figure)
    assert "chance 0.5" not in texts(figure)
    assert "3 images, 1 person: too &lt;few&gt;" in texts(figure)
    figure = plot_forest([], "auroc")
    assert_valid(figure)
    assert texts(figure) == ["There are no scores to draw."]
    assert_valid(plot_forest([Series("a", scores.iloc[:0])], "auroc"))


def test_one_bad_cell_does_not_eat_the_axis():
    """R² of −5 is cut at −1, with a sign at the end, its number and words in the key."""
    regions = {**REGIONS, "Asia": (15, 31, -5.02, -9.0, -0.5, "")}
    figure = plot_forest([Series("a", make_scores(regions, metric="r2"))], "r2")
    assert_valid(figure)
    assert figure.layout.xaxis.range[0] > -1.1
    cut = next(t for t in figure.data if "triangle-left" in (t.marker.symbol or ()))
    assert tuple(cut.customdata[0]) == ("a", "Asia")
    assert "−5.02" in cut.hovertext[0]
    assert "beyond the axis" in texts(figure)
    assert any("−5.02 (−9.00 to −0.50)" in text for text in texts(figure))
    assert min(line[0] for line in lines(figure)) == -1
    assert "beyond the axis" not in texts(plot_forest([Series("a", make_scores())], "auroc"))


def test_an_interval_that_ends_at_one_is_not_cut():
    """Rounding is not beyond the axis."""
    regions = {**REGIONS, "Asia": (15, 31, 1.0, 0.8, 1 + 1e-12, "")}
    assert "beyond the axis" not in texts(plot_forest([Series("a", make_scores(regions))], "auroc"))


def test_a_large_error_is_cut_too():
    """An error has no end: the axis goes to 2.5 medians."""
    regions = {
        **{str(k): (5, 5, 1.0 + k / 10, 0.8, 1.2, "") for k in range(6)},
        "far": (5, 5, 40.0, 30.0, 50.0, ""),
    }
    scores = make_scores(regions, metric="mae", mean=1.2, pooled=NAN)
    figure = plot_forest([Series("a", scores)], "mae", unit="points")
    assert_valid(figure)
    assert figure.layout.xaxis.range[1] < 5
    assert "beyond the axis" in texts(figure)
    assert figure.layout.xaxis.title.text == "Mean absolute error (points; lower is better)"


def test_the_papers_number_is_open_and_the_null_is_a_band():
    """At their places, explained in the key; neither is explained where it is not."""
    series = Series("a", make_scores(), printed={"Asia": 0.89}, null={"Asia": (0.35, 0.66)})
    figure = plot_forest([series], "auroc")
    marks, printed = find_marks(figure)
    y = marks["a", "Asia"][1]
    assert printed == {("a", "Asia"): (0.89, y)}
    assert (0.35, 0.66, y) in lines(figure)
    assert {"score printed in the paper", "permuted labels, middle 95 %"} <= set(texts(figure))
    bare = plot_forest([Series("a", make_scores())], "auroc")
    assert not {"score printed in the paper", "permuted labels, middle 95 %"} & set(texts(bare))


def test_chance_is_a_line_or_a_mark_a_fold():
    """AUROC starts at 0.5 everywhere, AUPRC at the share of the class."""
    figure = plot_forest([Series("a", make_scores())], "auroc")
    line = figure.layout.shapes[0]
    # Between grid and marks Plotly draws only what hangs on axes.
    assert (line.x0, line.layer, line.xref, line.yref) == (0.5, "between", "x", "y")
    folds = make_folds()
    chance = find_chance("auprc", folds)
    assert chance["Asia"] == pytest.approx(15 / 46)
    assert chance["mean"] == pytest.approx((15 / 46 + 14 / 29) / 2)
    assert find_chance("auprc_event", folds, event="negative")["Asia"] == pytest.approx(31 / 46)
    assert "Americas" not in chance
    figure = plot_forest([Series("a", make_scores(metric="auprc"))], "auprc", chance=chance)
    marks, _ = find_marks(figure)
    y = marks["a", "Asia"][1]
    assert any(
        line[0] == line[1] == pytest.approx(15 / 46) and abs(line[2] - y) < 15
        for line in lines(figure)
    )


def test_kinds_of_series_differ_in_shape_and_are_named():
    """And no shape is that of a state: a filled diamond or any circle."""
    kinds = ("features", "published", "shortcut", "control")
    series = [Series(kind, make_scores(), kind=kind) for kind in kinds]
    figure = plot_forest(series, "auroc")
    symbols = {t.customdata[0][0]: t.marker.symbol for t in figure.data if t.customdata is not None}
    assert len(set(symbols.values())) == 4
    assert not {"circle", "diamond", "circle-open"} & set(symbols.values())
    assert {"image features", "shortcut (does not use the image)", "control"} <= set(texts(figure))


@pytest.mark.parametrize("theme", THEMES)
def test_marks_stand_out_from_the_page(theme):
    """3 to 1 for marks."""
    kinds = ("features", "published", "shortcut", "control")
    figure = plot_forest([Series(k, make_scores(), kind=k) for k in kinds], "auroc", theme=theme)
    for trace in figure.data:
        if trace.customdata is not None:
            assert contrast(trace.marker.color, PALETTES[theme].page) >= 3


@pytest.mark.parametrize("n_series", [1, 3])
def test_long_names_leave_room_for_the_scores(n_series):
    """Of 25 sources with names of forty letters, on the narrowest figure."""
    many = make_many()
    series = [
        Series(f"a feature set with a long name {k}", make_scores(many)) for k in range(n_series)
    ]
    figure = plot_forest(series, "auroc", folds=make_folds(many), hold_out="source")
    assert_valid(figure)
    margin = figure.layout.margin
    assert NARROW - margin.l - margin.r > 230
    assert "<b>Not estimable: 21 of 25 sources</b>" in texts(figure)
    assert figure.layout.height < 2400


def test_rows_do_not_touch():
    """Each text has its own room, whatever it takes."""
    many = make_many(8, 8)
    series = [Series("a name that is long enough for two lines", make_scores(many))] * 2
    figure = plot_forest(series, "auroc", folds=make_folds(many))
    marks = sorted({y for t in figure.data if t.customdata is not None for y in t.y})
    assert np.diff(marks).min() >= 40


def test_text_of_others_is_no_markup():
    """A group's or a series' name is shown as it stands."""
    regions = {"<b>x</b>": (5, 5, 0.7, 0.6, 0.8, ""), "y": (5, 5, NAN, NAN, NAN, "<i>why</i>")}
    figure = plot_forest([Series("<a href=''>s</a>", make_scores(regions))] * 2, "auroc")
    for text in [*texts(figure), *(t for trace in figure.data for t in trace.hovertext or ())]:
        assert not {"<i>", "<a "} & {text[k : k + 3] for k in range(len(text))}
        assert "<b>x</b>" not in text


def test_words_say_what_is_drawn():
    """Every score, what is not estimable, and of many only the ends."""
    words = describe_forest([Series("a", make_scores(), printed={"Asia": 0.89})], "auroc")
    assert "a: Asia 0.75 (0.55 to 0.90), in the paper 0.89; Europe 0.50" in words
    assert "not estimable: Americas, Oceania" in words
    many = make_many(25, 20)
    words = describe_forest([Series("a", make_scores(many))], "auroc", hold_out="source")
    assert words.count("a-hospital") == 7  # the lowest, the highest, five that are out
    assert describe_forest([Series("a", make_scores().iloc[:0])], "auroc").endswith("a: no score.")


def test_order_of_rows_changes_nothing_but_the_order():
    """A table turned round has the same marks."""
    first = plot_forest([Series("a", make_scores())], "auroc")
    second = plot_forest([Series("a", make_scores().iloc[::-1])], "auroc")
    x = [{fold: x for (_, fold), (x, _) in find_marks(f)[0].items()} for f in (first, second)]
    assert x[0] == x[1]


def test_plot_forest_of_parts_of_persons_begins_with_the_mean():
    """Parts mean nothing one by one; the sums are above, parted from them by a line."""
    series = [Series("a", make_scores()), Series("b", make_scores(), kind="shortcut")]
    figure = plot_forest(series, "auroc", hold_out="persons:4")
    marks, _ = find_marks(figure)
    heights = [marks["a", fold][1] for fold in ("mean", "pooled", "Asia", "Europe")]
    assert heights == sorted(heights)  # from the top, which is 0
    places, _ = find_marks(plot_forest(series, "auroc"))
    assert places["a", "mean"][1] > places["a", "Europe"][1]
    assert len(figure.layout.shapes) == len(plot_forest(series, "auroc").layout.shapes)


def test_plot_forest_of_a_test_on_one_cohort_draws_it_once():
    """Its pooled score is its own: neither drawn nor told twice."""
    series = [Series("a", make_scores())]
    marks, _ = find_marks(plot_forest(series, "auroc", hold_out="cohort:Asia"))
    assert {fold for _, fold in marks} == {"Asia", "Europe"}
    words = describe_forest(series, "auroc", hold_out="cohort:Asia")
    assert "Mean" not in words
    assert "Within" not in words
