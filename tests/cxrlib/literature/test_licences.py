"""Licences: what each text grants, and that nothing is granted by a text nobody knows."""

import itertools
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import ProblemLog
from cxrlib.cohort.metadata import read_records, type_records
from cxrlib.literature import (
    cite_images,
    count_licences,
    credit,
    describe_licences,
    read_licence,
    shorten,
    why_left_out,
    why_withheld,
)
from cxrlib.literature.licences import Licence
from cxrlib.quality.rules.origin import describe_licence

# What is recorded in the collection: granted, changes, non-commercial, share alike. Read by hand.
BY_HAND = {
    "CC BY-NC-SA": (True, True, True, True),
    "CC BY-NC-SA 4.0": (True, True, True, True),
    "CC BY 3.0": (True, True, False, False),
    "CC BY-NC-ND": (True, False, True, False),
    "CC BY-NC-ND 4.0": (True, False, True, False),
    "Apache 2.0": (True, True, False, False),
    "listed as authorized for everyone": (False, False, False, False),
    "CC BY 4.0": (True, True, False, False),
    "CC BY": (True, True, False, False),
    "CC BY-SA": (True, True, False, True),
    " ": (False, False, False, False),
    "": (False, False, False, False),
}
X_RAYS_BY_LICENCE = {
    "CC BY-NC-SA": 253,
    "none recorded": 236,
    "CC BY 3.0": 164,
    "CC BY-NC-SA 4.0": 154,
    "CC BY-NC-ND 4.0": 23,
    "CC BY-NC-ND": 20,
    "“listed as authorized for everyone”": 7,
    "CC BY 4.0": 6,
    "CC BY": 2,
    "CC BY-SA": 1,
}
LONG_WORDS = {"nc": "NonCommercial", "sa": "ShareAlike", "nd": "NoDerivatives"}
COMBINATIONS = ((), ("sa",), ("nd",), ("nc",), ("nc", "sa"), ("nc", "nd"))


def flags(licence: Licence) -> tuple[bool, bool, bool, bool]:
    """Give what a licence allows."""
    return (
        licence.is_granted,
        licence.allows_changes,
        licence.is_noncommercial,
        licence.is_share_alike,
    )


@pytest.mark.parametrize(("text", "expected"), BY_HAND.items())
def test_texts_of_the_collection_are_read_as_by_hand(text: str, expected: tuple[bool, ...]) -> None:
    """Each distinct text of the real collection."""
    assert flags(read_licence(text)) == expected


@pytest.mark.parametrize("terms", COMBINATIONS)
def test_spellings_of_one_licence_are_one(terms: tuple[str, ...]) -> None:
    """Six licences, in every order of their terms and every usual way to write them."""
    expected = (True, "nd" not in terms, "nc" in terms, "sa" in terms)
    path = "-".join(["by", *terms])
    names = set()
    for order in itertools.permutations(terms):
        short = "-".join(["by", *order])
        words = "-".join(["Attribution", *(LONG_WORDS[term] for term in order)])
        texts = [
            f"CC {short.upper()} 4.0",
            f"cc-{short}-4.0",
            f"CC {short.upper().replace('-', ' ')} 4",
            f"  CC\u00a0{short.upper().replace('-', '‑')}  4.0 ",
            f"cc_{short}_4.0",
            f"Creative Commons {words} 4.0 International License",
            f"Creative Commons {words} 4.0 International Public License",
            f"https://creativecommons.org/licenses/{short}/4.0/",
            f"http://www.creativecommons.org/licenses/{short}/4.0/legalcode.en",
        ]
        for text in texts:
            licence = read_licence(text)
            assert flags(licence) == expected, text
            assert licence.url == f"https://creativecommons.org/licenses/{licence_path(terms)}/4.0/"
            names.add(licence.name)
    assert names == {f"CC {licence_path(terms).upper()} 4.0"}
    without_version = read_licence(f"CC {path}")
    assert flags(without_version) == expected
    assert without_version.url == ""


def licence_path(terms: tuple[str, ...]) -> str:
    """Write terms in the order in which the licences have them."""
    return "-".join(["by", *sorted(terms)])


@pytest.mark.parametrize("text", ["CC0", "cc-0 1.0", "CC0 1.0 Universal", "public domain"])
def test_given_up_rights_ask_for_nothing(text: str) -> None:
    """CC0 and the public domain."""
    assert flags(read_licence(text)) == (True, True, False, False)
    assert read_licence(text).words == ""


@pytest.mark.parametrize(
    "text",
    [
        *("CC", "cc -", "-", "–", "license", "License license", "BY", "NC-SA", "CC NC-SA", "CC SA"),
        *("not CC BY", "CC BY?", "CC BY or CC BY-NC", "CC BY, CC BY-NC", "CC BY BY", "CC BY-NC-NC"),
        *("CC BY-SA-ND", "CC BY-NC-SA-ND 4.0", "CC BY 9.0", "CC BY 4.0 4.0", "CC BY 3.0 XX YY"),
        *("CC BY 4.0 except figures", "CC BY-NX", "CC BYE", "CC BY 4.0\u202e", "СС BY 4.0"),
        *("CC BY 4.0 SA", "https://creativecommons.org.evil.org/licenses/by/4.0/", "y", "Y", "1"),
        *("https://evil.org/?https://creativecommons.org/licenses/by/4.0/", "all rights reserved"),
        *("https://creativecommons.org/licenses/by-sa-nd/4.0/", "todo", "Unknown", "open access"),
        *("not in the public domain", "public domain?", "Apache", "Apache 1.1", "MIT"),
        "CC BY 4.0" + " " * 300 + "but no copies",
        "CC BY " * 10_000,
        "<b>CC BY</b>",
    ],
)
def test_a_text_nobody_knows_grants_nothing(text: str) -> None:
    """Nothing is guessed: what is near a licence, contradicts itself or goes on is none."""
    licence = read_licence(text)
    assert flags(licence) == (False, False, False, False)
    assert licence.passing_on == "nothing"
    assert licence.url == ""
    assert len(licence.name) < 100
    assert licence.name.startswith("“"), "nobody takes it for the name of a licence"


@pytest.mark.parametrize("cell", [None, pd.NA, float("nan"), "", "  ", "\u00a0"])
def test_a_blank_is_no_licence(cell: object) -> None:
    """Whatever stands for missing."""
    licence = read_licence(cell)
    assert not licence.is_granted
    assert licence.name == "none recorded"


def test_the_ledger_reads_licences_alike() -> None:
    """Its rule "restrictive licence" holds what is not free with credit and share alike."""
    for text in filter(str.strip, BY_HAND):
        licence = read_licence(text)
        is_free = licence.allows_changes and not licence.is_noncommercial
        assert (describe_licence(text) == "") is is_free, text


def make_row(licence: object, status: str = "ok", **cells: object) -> dict[str, object]:
    """Make what is asked of a row."""
    row = {"license": licence, "file_status": status, "filename": "a.png"}
    return row | {"article": "10.1000/1", "source": "x.org"} | cells


def test_why_images_stay_behind() -> None:
    """Unchanged copies of those that forbid changes go out, scaled ones do not."""
    cases = {
        "CC BY": ("", ""),
        "CC BY-NC-SA": ("", ""),
        "CC BY-NC-ND": ("", "changes forbidden: not shown scaled"),
        None: ("no licence", "no licence: not shown"),
        "ask me": ("licence not known", "licence not known: not shown"),
    }
    for licence, expected in cases.items():
        row = make_row(licence)
        assert (why_withheld(row), why_left_out(row)) == expected
        assert why_withheld(row, is_synthetic=True) == why_left_out(row, is_synthetic=True) == ""
    gone = make_row("CC BY", "no file")
    assert why_withheld(gone) == why_left_out(gone) == "no readable file"
    assert why_withheld(gone, is_synthetic=True) == "no readable file"


def test_a_credit_names_file_article_and_licence() -> None:
    """What is held back stands with it; nothing recorded is said."""
    assert credit(make_row("CC BY-NC-SA 4.0")) == (
        "a.png; https://doi.org/10.1000/1 (x.org); CC BY-NC-SA 4.0 (no commercial use, share alike)"
    )
    page = make_row("CC BY", article="https://x.org/1")
    assert credit(page) == "a.png; https://x.org/1; CC BY"
    bare = make_row(None, filename="", article=None, source=None)
    assert credit(bare) == (
        "no file named; source not recorded; none recorded (no licence is recorded: nothing is "
        "granted)"
    )
    assert "10.1000" not in credit(page, is_synthetic=True)


def test_a_credit_of_hostile_text_stays_on_one_line() -> None:
    """Line breaks, steering signs and endless names; an article that is no link is no link."""
    row = make_row("x\r\n=1+1\u202e" * 99, filename="a\n\x1b[2J" * 99, article="javascript:\n1")
    line = credit(row)
    assert line.isprintable()
    assert len(line) < 400
    assert shorten("a" * 500, longest=10) == "aaaaaaaaa…"


def test_images_are_cited_and_counted() -> None:
    """A line an article and licence; counts by what is held back."""
    cells: dict[str, list[str | None]] = {
        "article": ["10.1000/1", "10.1000/1", "10.1000/1", None, "10.1000/2"],
        "source": ["x.org", "x.org", "x.org", None, "x.org"],
        "license": ["CC BY-NC-SA", "CC BY-NC-SA", "CC BY-ND", None, "ask me"],
    }
    rows = pd.DataFrame(cells)
    assert cite_images(rows) == [
        "https://doi.org/10.1000/1 (x.org): 2 images, CC BY-NC-SA",
        "https://doi.org/10.1000/1 (x.org): 1 image, CC BY-ND",
        "source not recorded: 1 image, none recorded",
        "https://doi.org/10.1000/2 (x.org): 1 image, “ask me”",
    ]
    counts = count_licences(rows)
    assert (counts.n_images, counts.n_granted, counts.n_without, counts.n_unknown) == (5, 3, 1, 1)
    assert (counts.n_noncommercial, counts.n_share_alike, counts.n_no_derivatives) == (2, 2, 1)
    first, second = describe_licences(rows)
    assert first.startswith("Licences of 5 images: CC BY-NC-SA: 2;")
    assert second == (
        "Non-commercial: 2 of 5 images; share alike: 2; no derivatives, to be passed on unchanged "
        "only: 1; no licence, not to be passed on: 1; licence not known, not to be passed on: 1"
    )
    assert count_licences(rows.iloc[[3]]).describe_terms() == (
        "No licence, not to be passed on: 1 of 1 image"
    )
    assert describe_licences(rows.head(0)) == []
    assert cite_images(rows.head(0)) == cite_images(rows.head(0), is_synthetic=True) == []


def test_synthetic_images_are_free() -> None:
    """What their licence column says was drawn at random."""
    rows = pd.DataFrame({"license": [None, "CC BY-NC-ND"]})
    counts = count_licences(rows, is_synthetic=True)
    assert (counts.n_granted, counts.n_no_derivatives) == (2, 0)
    assert describe_licences(rows, is_synthetic=True) == [
        "Licence of 2 images: drawn by a program, no licence is needed"
    ]


def test_the_real_collection_holds_what_was_counted(real_root: Path) -> None:
    """236 X-rays without a licence, 43 that forbid changes, 407 under CC BY-NC-SA."""
    problems = ProblemLog()
    table = type_records(read_records(real_root, problems), problems)
    assert set(table["license"].fillna("")) <= set(BY_HAND)
    counts = count_licences(table[table["is_xray"]])
    assert counts.names == X_RAYS_BY_LICENCE
    assert (counts.n_images, counts.n_granted) == (866, 623)
    assert (counts.n_without, counts.n_unknown, counts.n_no_derivatives) == (236, 7, 43)
    assert (counts.n_noncommercial, counts.n_share_alike) == (450, 408)
