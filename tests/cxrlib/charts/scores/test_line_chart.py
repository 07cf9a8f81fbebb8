"""Figures of a run: valid, told in words, apart without colour, refused where few."""

from collections.abc import Callable

import numpy as np
import pytest

from cxrlib.baselines.evaluation import (
    LocoResult,
    LocoSettings,
    bin_predictions,
    compare_numbers,
    compute_importance,
    compute_learning_curve,
    compute_net_benefit,
    confuse,
    fit_recalibration,
    run_loco,
    trace_curves,
)
from cxrlib.charts.scores import (
    describe_confusion,
    describe_curves,
    describe_importance,
    describe_learning_curve_figure,
    describe_net_benefit,
    describe_reliability,
    plot_confusion,
    plot_curves,
    plot_importance,
    plot_learning_curve,
    plot_net_benefit,
    plot_numbers,
    plot_reliability,
)
from cxrlib.charts.scores.line_chart import (
    MOST_LINES,
    Axes,
    Line,
    Look,
    find_looks,
    format_key,
    plot_lines,
)
from cxrlib.charts.style import PALETTES, REGIONS, contrast
from tests.evaluation_rows_factory import draw_rows, make_features, make_rows
from tests.figures import assert_valid

HOSTILE = "<b>Moon</b>"


@pytest.fixture(scope="module")
def result() -> LocoResult:
    """Make a run of classes, with a group that has too few persons and a hostile name."""
    rng = np.random.default_rng(0)
    y = [1.0, 0, 0, *np.tile([0.0, 1], 40)]
    rows = make_rows(y, region=[HOSTILE] * 3 + ["Asia"] * 40 + ["Europe"] * 40)
    matrix = np.c_[rng.normal(size=83) + np.array(y), rng.normal(size=83)]
    return run_loco(rows, make_features(rows, matrix), LocoSettings(n_resamples=50))


@pytest.fixture(scope="module")
def number() -> LocoResult:
    """Make a run of a number."""
    rows, rng = draw_rows(1, task="geographic-extent")
    return run_loco(
        rows, make_features(rows, rng.normal(size=(90, 2))), LocoSettings(n_resamples=50)
    )


def list_keys(figure) -> list[str]:
    """List the entries of the key."""
    return [trace.name for trace in figure.data if trace.showlegend]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["roc", "precision-recall"])
def test_curves_name_every_group(result: LocoResult, kind, theme) -> None:
    """Those that are drawn with their area, others as not estimable; markup is text."""
    table = trace_curves(result, kind)
    figure = plot_curves(table, kind, event="<i>ill</i>", theme=theme)
    assert_valid(figure)
    keys = " ".join(list_keys(figure))
    for name in ("Asia: 0.", "Europe: 0.", "Pooled within regions", "&lt;b&gt;Moon"):
        assert name in keys
    assert "not estimable, 3 persons" in keys
    assert HOSTILE not in figure.to_json()
    assert "<i>ill" not in figure.to_json()
    words = describe_curves(table, kind)
    assert "the model's own decision" in words
    assert "not estimable, 3 persons (1 person of the smaller class" in words


def test_lines_differ_without_colour(result: LocoResult) -> None:
    """By dash and symbol, those that are drawn."""
    figure = plot_curves(trace_curves(result))
    drawn = [trace for trace in figure.data if trace.showlegend and "markers" in trace.mode]
    looks = {(trace.line.dash, trace.marker.symbol) for trace in drawn}
    assert len(looks) == len(drawn) == 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_looks_are_apart_and_seen_on_the_page(theme) -> None:
    """Regions and others, at least 3 to 1 with the page; no two share dash or symbol."""
    for folds in (list(REGIONS)[:-1], [f"site {place}" for place in range(20)]):
        looks = list(find_looks(folds, theme).values())
        assert len(looks) == min(len(folds), MOST_LINES)
        assert len({look.dash for look in looks}) == len({look.symbol for look in looks})
        assert len({look.dash for look in looks}) == len(looks)
        assert all(contrast(look.colour, PALETTES[theme].page) >= 3 for look in looks)


def test_the_band_of_a_curve_has_gaps_where_it_has_no_interval() -> None:
    """It is not drawn across."""
    band = [(0.0, 0.1, 0.5), (0.5, 0.2, 0.6), (0.6, np.nan, np.nan), (0.8, 0.4, 0.9), (1, 0.5, 1)]
    line = Line("one", Look("#123456"), [0, 1], [0, 1], band=band)
    figure = plot_lines([line], Axes("x", "y"))
    assert_valid(figure)
    pieces = [trace for trace in figure.data if trace.fill == "toself"]
    assert [len(piece.x) for piece in pieces] == [4, 4]


def test_a_long_name_is_broken_and_cut() -> None:
    """So that the key fits a phone."""
    row = {"value": 0.5, "low": 0.3, "high": 0.7, "n_persons": 24}
    name = format_key("https://a-very-long-hospital-address.example.org/section/two", row)
    figure = plot_lines([Line(name, Look("#123456"), [0, 1], [0, 1])], Axes("x", "y"))
    lines = list_keys(figure)[0].split("<br>")
    assert len(lines) == 2
    assert lines[0].endswith("…")
    assert lines[1] == "0.50 (0.30 to 0.70), 24 persons"


def test_nothing_to_draw_is_said(result: LocoResult) -> None:
    """Not an empty frame."""
    table = trace_curves(result)
    none = table[(table["fold"] == HOSTILE)]
    figure = plot_curves(none)
    assert_valid(figure)
    assert "Not estimable" in figure.layout.annotations[0].text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_reliability_draws_bins_and_lines(result: LocoResult, theme) -> None:
    """Bins with intervals, a line a group; slopes in the key and the words."""
    table, bins = fit_recalibration(result), bin_predictions(result)
    figure = plot_reliability(table, bins, theme=theme)
    assert_valid(figure)
    marks = next(trace for trace in figure.data if trace.error_y.array is not None)
    assert list(marks.y) == bins["observed"].tolist()
    words = describe_reliability(table, bins)
    assert "All together slope" in words
    assert "intercept" in words
    assert "predicted, " in words
    assert HOSTILE not in figure.to_json()


def test_numbers_draw_each_image_once(number: LocoResult) -> None:
    """With the line of what was predicted."""
    predicted, table = compare_numbers(number), fit_recalibration(number)
    figure = plot_numbers(predicted, table, title="Extent", unit="points")
    assert_valid(figure)
    marks = [trace for trace in figure.data if trace.mode == "markers" and not trace.showlegend]
    assert sum(len(trace.x) for trace in marks) == 90
    assert figure.layout.xaxis.title.text == "Predicted Extent, points"
    assert "as predicted" in list_keys(figure)


def test_confusion_gives_counts_and_reasons(result: LocoResult) -> None:
    """Rates with intervals; below five persons counts alone."""
    table = confuse(result)
    figure = plot_confusion(table)
    assert_valid(figure)
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert " of 20 images" in texts
    assert "Not estimable" in texts
    words = describe_confusion(table)
    assert "no rates (1 person of the smaller class" in words
    assert "All together sensitivity" in words


def test_net_benefit_of_a_group_and_of_all(result: LocoResult) -> None:
    """Beside treating all and none; a group without one says why."""
    table = compute_net_benefit(result)
    for fold in ("pooled", "Asia"):
        figure = plot_net_benefit(table, fold)
        assert_valid(figure)
        assert {"act on all images", "act on none"} <= set(list_keys(figure))
        assert "net benefit" in describe_net_benefit(table, fold)
    assert_valid(plot_net_benefit(table, HOSTILE))
    assert "not estimable (1 person" in describe_net_benefit(table, HOSTILE)
    assert "no such group" in describe_net_benefit(table, "Mars")


@pytest.mark.parametrize("of", ["result", "number"])
def test_learning_curves_show_means_and_repeats(of: str, request: pytest.FixtureRequest) -> None:
    """Means with intervals, repeats as thin marks."""
    table = compute_learning_curve(request.getfixturevalue(of), n_repeats=2)
    figure = plot_learning_curve(table)
    assert_valid(figure)
    means = next(trace for trace in figure.data if trace.error_y.array is not None)
    assert len(means.x) == 5
    assert "by number of training persons" in describe_learning_curve_figure(table)
    none = table.assign(value=np.nan, low=np.nan, high=np.nan, reason="too few")
    assert_valid(plot_learning_curve(none))
    assert "not estimable (too few)" in describe_learning_curve_figure(none)


def test_importance_lists_the_largest_first(result: LocoResult) -> None:
    """With the sign's stability in words."""
    table = compute_importance(result, n_refits=20)
    figure = plot_importance(table)
    assert_valid(figure)
    assert "same sign in " in describe_importance(table)
    names = [note.text for note in figure.layout.annotations]
    assert any(result.features.columns[0] in name for name in names)


@pytest.mark.parametrize("n_resamples", [0])
def test_figures_without_intervals_say_so(result: LocoResult, n_resamples: int) -> None:
    """Where a run has no resamples."""
    settings = LocoSettings(n_resamples=n_resamples)
    bare = run_loco(result.rows, result.features, settings)
    draws: list[Callable] = [
        lambda: plot_curves(trace_curves(bare)),
        lambda: plot_reliability(fit_recalibration(bare), bin_predictions(bare)),
        lambda: plot_confusion(confuse(bare)),
        lambda: plot_net_benefit(compute_net_benefit(bare)),
        lambda: plot_learning_curve(compute_learning_curve(bare, n_repeats=1)),
        lambda: plot_importance(compute_importance(bare, n_refits=0)),
    ]
    for draw in draws:
        assert_valid(draw())
    assert "no interval" in describe_curves(trace_curves(bare))
