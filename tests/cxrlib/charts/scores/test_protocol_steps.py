"""The walk between protocols: a row a step, joined where a score can be followed."""

import pandas as pd
import pytest

from cxrlib.charts.scores import describe_protocol_steps, plot_protocol_steps
from cxrlib.charts.scores.protocol_steps import choose_fold
from tests.figures import assert_valid
from tests.score_tables import NAN

WORDS = (
    "As published",
    "Ranked on decision values, not on the predicted class",
    "No <b>person</b>",
)
#: By step: mean, pooled, Asia, Europe.
VALUES = ((0.8, 0.7, 0.9, 0.7), (0.6, 0.7, 0.5, 0.7), (NAN, 0.65, NAN, 0.7))


def make_steps(values=VALUES):
    """Make the table of a walk."""
    rows = []
    for number, numbers in enumerate(values):
        for place, fold in enumerate(("mean", "pooled", "Asia", "Europe")):
            value = numbers[place]
            change = value - values[number - 1][place] if number else NAN
            rows.append(
                {
                    "step": number,
                    "words": WORDS[number],
                    "fold": fold,
                    "metric": "auroc",
                    "value": value,
                    "low": value - 0.1,
                    "high": value + 0.1,
                    "n_images": 46,
                    "n_persons": 38,
                    "change": change,
                    "reason": "",
                }
            )
    table = pd.DataFrame(rows)
    table.loc[table["value"].isna(), "reason"] = "1 region with a score: a mean needs 2."
    return table


def find_marks(figure):
    """Return x by fold and step."""
    return {
        tuple(data): x
        for trace in figure.data
        if trace.customdata is not None
        for x, data in zip(trace.x, trace.customdata, strict=True)
    }


def test_the_mean_is_followed_as_far_as_there_is_one():
    """The pooled score where the last step has no mean."""
    assert choose_fold(make_steps()) == "pooled"
    assert choose_fold(make_steps(VALUES[:2])) == "mean"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_step_has_its_score_and_what_it_changed(theme):
    """Joined by a line, with the change in words."""
    figure = plot_protocol_steps(make_steps(), theme=theme)
    assert_valid(figure)
    marks = find_marks(figure)
    assert marks == {("pooled", "0"): 0.7, ("pooled", "1"): 0.7, ("pooled", "2"): 0.65}
    texts = " ".join(note.text for note in figure.layout.annotations)
    assert "unchanged" in texts
    assert "−0.05 from this change" in texts
    path = next(trace for trace in figure.data if trace.mode == "lines" and trace.line.dash)
    assert list(path.x) == [0.7, 0.7, 0.65]


def test_a_step_without_a_score_says_why():
    """And the groups stand beside their mean."""
    figure = plot_protocol_steps(make_steps(), fold="mean")
    assert_valid(figure)
    marks = find_marks(figure)
    assert marks["mean", "1"] == 0.6
    assert marks["Asia", "0"] == 0.9
    texts = [note.text for note in figure.layout.annotations]
    assert "1 region with a score: a mean needs 2." in texts
    assert "No &lt;b&gt;person&lt;/b&gt;" in texts
    assert "each region" in texts


def test_words_say_every_step():
    """With what changed."""
    words = describe_protocol_steps(make_steps(), fold="mean")
    assert "in 3 steps" in words
    assert f"{WORDS[1]}: 0.60 (0.50 to 0.70), −0.20 from this change" in words
    assert "not estimable (1 region" in words
    assert describe_protocol_steps(make_steps(), fold="Africa").startswith("No step")


def test_no_step_is_an_empty_chart():
    """Not an error."""
    assert_valid(plot_protocol_steps(make_steps().iloc[:0], fold="mean"))
