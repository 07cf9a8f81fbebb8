"""The heat table: every cell's number, shade and click, and hatching where there is none."""

import pytest

from cxrlib.charts.scores import Series, describe_score_table, find_chance, plot_score_table
from cxrlib.charts.scores.legend import NARROW
from cxrlib.charts.style import PALETTES, contrast
from tests.figures import assert_valid
from tests.score_tables import NAN, REGIONS, make_folds, make_many, make_scores

THEMES = ("light", "dark")


def read_cells(figure):
    """Return by series and fold: colour, text and whether it is hatched."""
    texts = figure.data[-1]
    written = dict(zip(zip(texts.x, texts.y, strict=True), texts.text, strict=True))
    cells = {}
    for trace, hatched in zip(figure.data[:2], (False, True), strict=True):
        for place, data in enumerate(trace.customdata):
            middle = trace.base[place] + trace.y[place] / 2
            text = next(
                text
                for (x, y), text in written.items()
                if x == trace.x[place] and y == pytest.approx(middle)
            )
            colour = None if hatched else trace.marker.color[place]
            cells[tuple(data)] = (colour, text, hatched)
    return cells


@pytest.mark.parametrize("theme", THEMES)
def test_cells_hold_the_scores(theme):
    """Number and interval; hatched with a dash where there is none."""
    series = [Series("a", make_scores()), Series("b", make_scores(shift=0.1))]
    figure = plot_score_table(series, "auroc", folds=make_folds(), theme=theme)
    assert_valid(figure)
    cells = read_cells(figure)
    assert len(cells) == 2 * 6
    assert cells["a", "Asia"][1] == "0.75<br>0.55-0.90"
    assert cells["b", "Asia"][1] == "0.85<br>0.65-1.00"
    assert cells["a", "Americas"][1:] == ("–", True)
    assert not cells["a", "mean"][2]


@pytest.mark.parametrize("theme", THEMES)
def test_shades_grow_with_the_score_and_numbers_are_read_over_them(theme):
    """From chance up; text reaches 4.5 to 1 in every cell."""
    values = (0.05, 0.3, 0.5, 0.6, 0.8, 1.0)
    regions = {str(v): (5, 5, v, v, v, "") for v in values}
    scores = make_scores(regions)
    scores = scores[~scores["fold"].isin(["mean", "pooled"])]
    figure = plot_score_table([Series("a", scores)], "auroc", theme=theme)
    page = PALETTES[theme].page
    shades = {fold: contrast(cell[0], page) for (_, fold), cell in read_cells(figure).items()}
    assert shades["1.0"] > shades["0.8"] > shades["0.6"] > shades["0.5"]
    assert shades["0.05"] > shades["0.3"] > shades["0.5"]
    colours = {fold: cell[0] for (_, fold), cell in read_cells(figure).items()}
    for text, ink in zip(figure.data[-1].text, figure.data[-1].textfont.color, strict=True):
        fold = next(fold for fold in colours if f"{float(fold):.2f}" == text.split("<br>")[0])
        assert contrast(ink, colours[fold]) >= 4.5


def test_an_error_is_better_the_lower():
    """The shade of a low error is the stronger."""
    regions = {"low": (5, 5, 0.5, 0.4, 0.6, ""), "high": (5, 5, 2.0, 1.8, 2.2, "")}
    figure = plot_score_table([Series("a", make_scores(regions, metric="mae", mean=1.0))], "mae")
    page = PALETTES["light"].page
    cells = read_cells(figure)
    assert contrast(cells["a", "low"][0], page) > contrast(cells["a", "high"][0], page)


def test_what_is_above_chance_depends_on_the_fold():
    """AUPRC of 0.5 is good where the class is rare and bad where it is common."""
    regions = {"rare": (1, 9, 0.5, 0.4, 0.6, ""), "common": (9, 1, 0.5, 0.4, 0.6, "")}
    chance = find_chance("auprc", make_folds(regions))
    scores = make_scores(regions, metric="auprc", mean=NAN, pooled=NAN)
    figure = plot_score_table([Series("a", scores)], "auprc", chance=chance)
    notes = [note.text for note in figure.layout.annotations]
    assert {"worse than chance", "not estimable"} <= set(notes)
    hover = dict(zip(*(figure.data[0][name] for name in ("x", "hovertext")), strict=True))
    assert any("chance 0.10" in words for words in hover.values())


@pytest.mark.parametrize("n_series", [3, 11])
def test_many_groups_become_rows(n_series):
    """With room for the numbers of 11 sets on the narrowest figure."""
    many = make_many()
    series = [Series(f"a set with a long name {k}", make_scores(many)) for k in range(n_series)]
    figure = plot_score_table(series, "auroc", hold_out="source")
    assert_valid(figure)
    assert len(figure.layout.yaxis.tickvals) == 27
    assert len(figure.layout.xaxis.tickvals) == n_series
    margin = figure.layout.margin
    assert (NARROW - margin.l - margin.r) / n_series >= 26
    assert all("<br>" not in text for text in figure.data[-1].text)
    assert len(set(figure.layout.yaxis.ticktext)) == 27


def test_those_who_only_train_have_no_column():
    """Images of unknown origin are never held out."""
    regions = {**REGIONS, "Unknown": (1, 9, NAN, NAN, NAN, "They train.")}
    figure = plot_score_table([Series("a", make_scores(regions))], "auroc")
    assert "Unknown" not in figure.layout.xaxis.ticktext
    assert "Asia" in figure.layout.xaxis.ticktext


def test_nothing_at_all_is_said():
    """No series, no rows, nothing scored, a series without a fold."""
    empty = make_scores().iloc[:0]
    for series in ([], [Series("a", empty)]):
        figure = plot_score_table(series, "auroc")
        assert_valid(figure)
        assert figure.layout.annotations[0].text == "There are no scores to show."
        assert describe_score_table(series, "auroc").startswith("An empty table")
    figure = plot_score_table([Series("a", make_scores()), Series("b", empty)], "auroc")
    assert_valid(figure)
    assert read_cells(figure)["b", "Asia"][1:] == ("–", True)
    few = dict.fromkeys(REGIONS, (1, 2, NAN, NAN, NAN, "few"))
    figure = plot_score_table([Series("a", make_scores(few, mean=NAN, pooled=NAN))], "auroc")
    assert_valid(figure)


def test_text_of_others_is_no_markup():
    """Names are shown as they stand."""
    regions = {"<b>x</b>": (5, 5, 0.7, 0.6, 0.8, "<i>")}
    figure = plot_score_table([Series("<a>s</a>", make_scores(regions))], "auroc")
    shown = [*figure.layout.xaxis.ticktext, *figure.layout.yaxis.ticktext]
    shown += figure.data[0].hovertext
    assert not any(tag in text for text in shown for tag in ("<b>", "<a>", "<i>"))


def test_words_count_cells_and_say_means():
    """The pooled score where there is no mean."""
    series = [Series("a", make_scores()), Series("b", make_scores(mean=NAN))]
    words = describe_score_table(series, "auroc")
    assert "2 feature sets by 4 regions; 4 of 8 cells are not estimable" in words
    assert "a mean 0.62 ± 0.18 (0.53 to 0.72)" in words
    assert "b pooled 0.60" in words
