"""Tests of citations: well-formed whatever the metadata hold."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.literature import (
    PAPER_COMMIT,
    PAPERS,
    PUBLISHED,
    article_link,
    cite_articles,
    cite_collection,
)
from cxrlib.literature.bibliography import COLLECTION_URL

HOSTILE = (
    "https://example.org/a}, url = {https://evil.example/",
    "https://example.org/a b\n@misc{x, title={y}}",
    "10.1000/{\\input{/etc/passwd}}",
    "javascript:alert(1)",
    "<script>alert(1)</script>",
    "https://[::1",
    "50 % of \\textbf{$x_1$} & #2",
    "}}}}{{{{",
    "=HYPERLINK(1)",
)


def parse_bibtex(text: str) -> list[tuple[str, dict[str, str]]]:
    """Read entries by counting braces: (key, fields), or fail."""
    entries = []
    rest = text.strip()
    while rest:
        head = re.match(r"@(?:misc|article)\{([a-z0-9-]+),\n", rest)
        assert head, rest[:80]
        fields: dict[str, str] = {}
        rest = rest[head.end() :]
        while not rest.startswith("}"):
            name = re.match(r"  (\w+) = \{", rest)
            assert name, rest[:80]
            depth, end = 1, name.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(rest[end], 0)
                end += 1
            fields[name.group(1)] = rest[name.end() : end - 1]
            assert rest[end : end + 2] == ",\n"
            rest = rest[end + 2 :]
        entries.append((head.group(1), fields))
        rest = rest[1:].strip()
    return entries


def make_table(*articles: str | None, license: str | None = None) -> pd.DataFrame:  # noqa: A002
    """Make the columns of a cohort's table that are read."""
    return pd.DataFrame({"article": list(articles), "license": license}, dtype="str")


def test_the_papers_can_be_cited() -> None:
    """Both entries are well-formed and named as in docs/references.md."""
    references = (Path(__file__).resolve().parents[3] / "docs/references.md").read_text("utf-8")
    for key, text in PAPERS.items():
        (name, fields), *others = parse_bibtex(text)
        assert (name, others) == (key, [])
        assert f"| {key} |" in references
        assert f"arXiv:{fields['eprint']}" in references
        assert fields["author"].startswith("Cohen, Joseph Paul and Morrison, Paul and Dao, Lan")


def test_the_collection_is_cited_with_its_state() -> None:
    """The commit, such as that which the paper's tables count, stands in the note if known."""
    ((_, fields),) = parse_bibtex(cite_collection(PAPER_COMMIT))
    assert fields["url"] == COLLECTION_URL
    assert PAPER_COMMIT in fields["note"]
    assert "commit" not in cite_collection()


def test_an_article_says_its_doi_its_images_and_their_licences() -> None:
    """One entry an article, in the table's order, rows without one passed over."""
    doi, page = "10.1016/j.jfma.2020.02.007", "https://www.eurorad.org/case/16660"
    table = make_table(doi, None, page, doi, license="CC BY-NC-SA 4.0")
    (first_key, first), (second_key, second) = parse_bibtex(cite_articles(table))
    assert first["doi"] == doi
    assert first["url"] == f"https://doi.org/{doi}"
    assert first["note"] == (
        "2 images in the collection; licence CC BY-NC-SA 4.0; Cheng et al. [2020] in Table 7 of "
        "cohen2020b"
    )
    assert second == {"url": page, "note": "1 image in the collection; licence CC BY-NC-SA 4.0"}
    assert first_key != second_key
    assert "licence not recorded" in cite_articles(make_table(doi))
    assert cite_articles(make_table(None)) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_metadata_stay_within_their_field(text: str) -> None:
    """No article and no licence opens a field or an entry of its own."""
    table = pd.DataFrame({"article": [text, "10.1000/1"], "license": [text, text]})
    entries = parse_bibtex(cite_articles(table))
    assert len(entries) == 2
    for _, fields in entries:
        assert set(fields) <= {"doi", "url", "howpublished", "note"}
        assert "\n" not in "".join(fields.values())
        assert "{" not in "".join(fields.values())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_addresses_are_no_links_or_encoded(text: str) -> None:
    """A link is http or https and has no sign that ends an attribute or field."""
    link = article_link(text)
    assert link is None or re.fullmatch(r"https?://[^\s{}\\\"'<>]+", link)


def test_articles_that_differ_in_signs_have_keys_of_their_own() -> None:
    """Keys hold letters, digits and hyphens only, and never fall together."""
    table = make_table("10.1000/a.b", "10.1000/a-b", "10.1000/a_b", "日本", "中国")
    keys = [key for key, _ in parse_bibtex(cite_articles(table))]
    assert len(set(keys)) == 5


def test_the_real_collection_can_be_cited(real_root: Path) -> None:
    """Every article of the collection makes an entry; those of Table 7 name their citation."""
    table = load_cohort(real_root, inspect_images=False).table
    entries = parse_bibtex(cite_articles(table[table["is_xray"]]))
    assert len(entries) == table.loc[table["is_xray"], "article"].nunique()
    assert len({key for key, _ in entries}) == len(entries)
    cited = [fields for _, fields in entries if "Table 7" in fields["note"]]
    assert len(cited) == len(PUBLISHED["table-7"].row_titles)


def test_the_papers_titles_are_theirs() -> None:
    """Titles, address and pages stand in the papers' texts."""
    folder = os.environ.get("CXR_PAPERS")
    if not folder:
        pytest.skip("CXR_PAPERS is not set: the papers' texts are not at hand.")
    text = next(Path(folder).glob("2020-12-*")).read_text("utf-8")
    joined = "".join(text.split())
    ((_, fields),) = parse_bibtex(PAPERS["cohen2020b"])
    assert fields["url"].removeprefix("https://") in joined
    assert "2020:2. pp 1-38" in text
    assert "2006.11988" in text
