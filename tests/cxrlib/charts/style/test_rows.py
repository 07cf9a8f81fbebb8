"""What charts of rows share: clicks are checked, widths are estimated."""

import pytest

from cxrlib.charts.style import (
    join_words,
    note_empty,
    quote_text,
    read_click,
    start_rows,
    text_width,
)


@pytest.mark.parametrize(
    "sent", [None, 3, "region", [], ["region"], [3, 4], ["region", 4], ["password", "x"], {"a": 1}]
)
def test_what_a_browser_sends_is_not_believed(sent):
    """Anything that is no filter's name with a text is nothing."""
    assert read_click(sent) == {}


def test_a_click_can_be_two_filters():
    """Names and values by turns."""
    assert read_click(["finding", "Tuberculosis", "view", "PA"]) == {
        "finding": "Tuberculosis", "view": "PA"
    }  # fmt: skip
    assert read_click(("country", "<b>")) == {"country": "<b>"}


def test_tags_take_no_room():
    """A tag has no width, an entity that of a letter; bold letters are wider."""
    assert text_width("<i>abc</i>") == text_width("abc")
    assert text_width("a&amp;b") == text_width("abc")
    assert text_width("<b>abc</b>") > text_width("abc")


def test_small_words():
    """Blank names are said; lists are joined."""
    assert quote_text("") == quote_text(None) == "not recorded"
    assert quote_text("<b>") == "&lt;b&gt;"
    assert [join_words(part) for part in ([], ["a"], ["a", "b"])] == ["", "a", "a and b"]


def test_an_empty_chart_has_room_for_its_words():
    """It is not flat, and has no axes."""
    figure = note_empty(start_rows("light", 0))
    assert figure.layout.height > 150
    assert figure.layout.xaxis.visible is False
