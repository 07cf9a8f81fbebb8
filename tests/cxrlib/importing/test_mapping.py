"""Tests of the mapping language: what is wrong is named with its key and line."""

import re
from pathlib import Path

import pytest

from cxrlib.errors import CohortError
from cxrlib.importing import list_recipes, parse_mapping
from cxrlib.importing.mapping import list_keys
from tests.source_factory import PLAIN


def refuse(text: str) -> str:
    """Return the words that a mapping is refused with."""
    with pytest.raises(CohortError) as caught:
        parse_mapping(text, "own.toml")
    return str(caught.value)


def line_of(text: str, word: str) -> int:
    """Count lines down to the one that holds a word."""
    return next(i for i, line in enumerate(text.splitlines(), start=1) if word in line)


@pytest.mark.parametrize(
    ("line", "word", "said"),
    [
        ("agee = 'Age'", "agee", "no column 'agee' in our form. Did you mean 'age'?"),
        ("age = { frm = 'Age' }", "frm", "no key of a mapping. Did you mean 'from'?"),
        ("age = { factor = 2 }", "factor", "needs one of from, text, constant, given, labels"),
        ("age = { from = 'A', text = '{B}' }", "text =", "has from and text"),
        ("age = { from = 'A', match = '(' }", "match", "no regular expression"),
        ("age = { from = 'A', factor = 'x' }", "factor", "'x'"),
        ("age = { from = 'A', factor = inf }", "factor", "finite"),
        ("age = { from = 3 }", "age = {", "is 3: "),
        ("patient_id = 'x'", "patient_id", "'patient_id' and 'patientid' are one column"),
        ("AGE = 'x'", "AGE", "Did you mean 'age'?"),
    ],
)
def test_parse_mapping_names_key_and_line(line, word, said) -> None:
    """A wrong key is named with its line, what is wrong and what is near."""
    text = PLAIN + line
    words = refuse(text)
    assert said in words
    assert f"own.toml, line {line_of(text, word)}: " in words


def test_parse_mapping_refuses_one_column_twice() -> None:
    """Two columns to one is said as such, with the place that TOML names."""
    words = refuse(PLAIN + "age = 'A'\nage = 'B'\n")
    assert "two columns cannot become one" in words
    assert re.search(r"line \d+", words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "table is missing"),
        ("[[table]]\nfile = 'a'\n[columns]\nage = 'x'", "has no patientid"),
        ("[[table]]\nfile = 'a'\n[columns]\npatientid = 'x'", "which file is whose image"),
        ("[[table]\n", "not valid TOML"),
        ("[[table]]\nfil = 'a'\n[columns]\npatientid = 'x'", "Did you mean 'file'?"),
    ],
)
def test_parse_mapping_refuses_what_is_no_mapping(text, said) -> None:
    """A mapping needs a table, patients and images."""
    assert said in refuse(text)


def test_parse_mapping_names_the_second_table() -> None:
    """The line is that of the table that is wrong, not of the first."""
    text = "[[table]]\nfile = 'a'\n\n[[table]]\nfile = 'b'\nkey = ['x']\n[columns]\npatientid = 'x'"
    assert "line 6: " in refuse(text)


def test_choose_refuses_an_unknown_option() -> None:
    """An option that is not there is refused with those that are."""
    with pytest.raises(CohortError, match="this mapping has: none"):
        parse_mapping(PLAIN, "own.toml").choose(["fast"])


def test_every_key_is_in_the_documentation() -> None:
    """docs/import.md names each key of the language, and each recipe."""
    text = (Path(__file__).parents[3] / "docs" / "import.md").read_text("utf-8")
    for key in list_keys():
        assert re.search(rf"(`|\[){key}(`|\]|\.)", text), key
    for name in list_recipes():
        assert f"| `{name}` |" in text, name


def test_the_example_of_the_documentation_is_a_mapping() -> None:
    """The mapping that docs/import.md prints is read as it stands."""
    text = (Path(__file__).parents[3] / "docs" / "import.md").read_text("utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    assert set(parse_mapping(example, "docs/import.md").columns) >= {"age", "finding"}
