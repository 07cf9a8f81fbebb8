"""Tables in a notebook: counts, the notice, few rows; markup in a cohort's texts is inert."""

import pandas as pd
import pytest

from cxrlib import NOTICE
from cxrlib.html_repr import MOST_ROWS, format_html

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table><b>",
    "&lt;",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_format_html_escapes_every_text(text: str) -> None:
    """In heading, column, cell and note."""
    page = format_html(text, pd.DataFrame({text: [text]}), notes=[text])
    assert text not in page
    assert page.count("<table") == page.count("</table>") == 1
    assert "<script" not in page
    assert "<img" not in page


def test_format_html_keeps_mathjax_away() -> None:
    """Notebooks run MathJax over output: "$" in a note must not become a formula or a link."""
    page = format_html("$x$", pd.DataFrame({"a": [r"$\href{javascript:alert(1)}{x}$"]}))
    assert page.startswith('<div class="tex2jax_ignore mathjax_ignore">')


def test_format_html_shows_few_rows_of_many() -> None:
    """The first and the last, and how many there are; long texts are cut."""
    table = pd.DataFrame({"a": range(100_000), "b": "x" * 300})
    page = format_html("100,000 images", table)
    assert page.count("<tr") == MOST_ROWS + 1
    assert "20 of 100,000 rows" in page
    assert "99999" in page
    assert len(page) < 5_000
    assert NOTICE in page


def test_format_html_shows_a_missing_value_as_a_dash() -> None:
    """A blank is not a zero."""
    assert "<td>–</td>" in format_html("", pd.DataFrame({"a": [None, 1.5]}))
