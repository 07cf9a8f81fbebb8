"""The line of filters of the command line."""

import pytest

from cxrlib.errors import SelectionError
from cxrlib.selection import Selection, parse_where
from tests.cxrlib.selection.test_selection import HOSTILE


@pytest.mark.parametrize("value", [*HOSTILE, '"', '""', " leading", "a,b", ";", "="])
def test_any_text_survives_the_command_line(value: str) -> None:
    """Separators, quotes, blanks and markup within a value are kept."""
    selection = Selection(licence=(value, "CC BY"), view=("PA",))
    assert parse_where(selection.to_where()) == selection


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("veiw=PA", "Did you mean 'view'"),
        ("zzz=red", "There are view, region"),
        ("view", "has no value"),
        ("view=", "has no value"),
        ("view=PA,,AP", "blank value"),
        ("view=PA; view=AP", "given twice"),
        ('view="PA', "not closed"),
        ("age=old", "age=20..60"),
        ("age=20", "age=20..60"),
        ("age=60..20", "smaller number first"),
        ("age=nan..20", "age=20..60"),
    ],
)
def test_a_line_that_is_not_understood_says_why(line: str, words: str) -> None:
    """Each slip names the term and what would be right."""
    with pytest.raises(SelectionError, match=words):
        parse_where(line)


def test_other_names_of_filters_are_understood() -> None:
    """The collection's own column names and spaces around signs do no harm."""
    assert parse_where(" License = CC BY ; offset=0..7;RT_PCR_positive=yes; Sub-region=X;") == (
        Selection(licence=("CC BY",), day=(0, 7), rt_pcr=("yes",), sub_region=("X",))
    )
    assert parse_where("  ").is_empty
