"""Articles: links that lead to articles only, and BibTeX that compiles."""

from pathlib import Path

import pytest

from cxrlib.articles import format_bibtex, link_article, list_articles
from cxrlib.cohort import load_cohort
from tests.cohort_factory import make_cohort


@pytest.mark.parametrize(
    "hostile",
    [
        "javascript:alert(1)",
        "http://x.org/<script>",
        "https://x.org/a b",
        "//x.org",
        "data:text/html,x",
        "10.1",
        "10.1000/a b",
        "file:///etc/passwd",
        'https://x.org/"onmouseover=',
        "",
    ],
)
def test_what_is_no_address_has_no_link(hostile: str) -> None:
    """Only DOIs and plain web addresses are links."""
    assert link_article(hostile) == ""


def test_signs_of_a_doi_are_encoded() -> None:
    """Brackets, quotes and hashes of a DOI cannot end the address."""
    link = link_article('10.1000/a<b>"c#d?e')
    assert link == "https://doi.org/10.1000/a%3Cb%3E%22c%23d%3Fe"


def test_articles_are_counted_by_view_with_sites_and_licences(tmp_path: Path) -> None:
    """One line an article, however its DOI is written; licences that differ are all named."""
    doi = "10.1000/Paper.1"
    rows: list[dict[str, object]] = [
        {"doi": doi, "url": "https://a.org/1", "license": "CC BY", "view": "PA"},
        {"doi": f"https://doi.org/{doi}", "url": "https://b.org/1", "view": "L"},
        {"url": "https://www.c.org/case?x=1", "license": "CC0"},
        {},
    ]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    table = list_articles(cohort).set_index("article")
    first = table.loc["10.1000/paper.1"]
    assert (first["n_images"], first["n_pa"], first["n_lateral"]) == (2, 1, 1)
    assert first["source"] == "a.org; b.org"
    assert first["licence"] == "CC BY; not recorded"
    assert table.loc["https://www.c.org/case?x=1", "source"] == "c.org"
    assert table.index[-1] == "not recorded"
    assert table.loc["not recorded", "link"] == ""
    text = format_bibtex(list_articles(cohort))
    assert text.count("@misc{") == 2
    assert "doi = {10.1000/paper.1}" in text


def test_bibtex_survives_hostile_names(tmp_path: Path) -> None:
    """Braces stay balanced, TeX's signs are escaped, keys are unique and plain."""
    rows: list[dict[str, object]] = [
        {"doi": "10.1000/a}{\\input{x}%", "license": "CC & BY #1_{"},
        {"doi": "10.1000/a.b"},
        {"doi": "10.1000/a_b"},
    ]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    text = format_bibtex(list_articles(cohort))
    plain = text.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")
    assert "\\input" not in text.replace("\\textbackslash input", "")
    keys = [line[6:-1] for line in text.splitlines() if line.startswith("@misc{")]
    assert len(set(keys)) == 3
    assert all(key.replace("-", "").isalnum() for key in keys)
