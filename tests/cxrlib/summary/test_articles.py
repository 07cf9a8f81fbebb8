"""Articles: counted by view, with their sites and licences."""

from pathlib import Path

from cxrlib.cohort import load_cohort
from cxrlib.summary import list_articles
from tests.cohort_factory import make_cohort


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
