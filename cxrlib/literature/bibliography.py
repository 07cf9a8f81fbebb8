"""How to cite the papers, the collection, and the articles the images were published in.

Entries are BibTeX. Those of articles say what the metadata say, a DOI or an address, and how the
paper cites them; titles and authors are not in the metadata, and a reference manager finds them
by the DOI. Metadata are anybody's text: what goes into an entry is encoded or escaped first.
"""

import hashlib
import re
from urllib.parse import quote, urlsplit

import pandas as pd

from cxrlib.literature.csv_tables import FOLDER
from cxrlib.literature.paper_tables import PUBLISHED

PAPERS_FILE = FOLDER / "papers.bib"

COLLECTION_URL = "https://github.com/ieee8023/covid-chestxray-dataset"

PAPERS = {
    entry[entry.index("{") + 1 : entry.index(",")]: entry
    for entry in PAPERS_FILE.read_text("utf-8").strip().split("\n\n")
}
"""BibTeX of the papers that describe the collection, by their key in docs/references.md; the
later one, which counts most of it, first."""

# Signs that a web address may hold as they are. Braces and backslashes, which mean something to
# BibTeX, are not among them.
_URL_SIGNS = ":/?#[]@!$&'()*+,;=-._~%"
_DOI_SIGNS = "/.:;()-_<>"
_LATEX = {
    **{sign: f"\\{sign}" for sign in "#$%&_"},
    **dict.fromkeys("{}", ""),
    "\\": r"\textbackslash ",
    "~": r"\textasciitilde ",
    "^": r"\textasciicircum ",
}


def cite_collection(commit: str | None = None) -> str:
    """Format the entry of the collection itself, with the state that was used.

    Parameters
    ----------
    commit : str, optional
        The state's name, where it is known: a folder does not say which it holds.

    Examples
    --------
    >>> print(cite_collection().splitlines()[0])
    @misc{covid-chestxray-dataset,
    """
    fields = {
        "author": "Cohen, Joseph Paul and Morrison, Paul and Dao, Lan",
        "title": "{COVID-19} Image Data Collection: images and metadata",
        "year": "2020",
        "url": COLLECTION_URL,
        "note": "Each image has a licence of its own"
        + (f"; commit {_escape(commit)}" if commit else ""),
    }
    return _format_entry("covid-chestxray-dataset", fields)


def article_link(article: str) -> str | None:
    """Return the address of an article given by its DOI or address; None for anything else.

    Examples
    --------
    >>> article_link("10.1016/j.jfma.2020.02.007")
    'https://doi.org/10.1016/j.jfma.2020.02.007'
    >>> article_link("javascript:alert(1)") is None
    True
    """
    if _is_doi(article):
        return "https://doi.org/" + quote(article, safe="/.:;()-_")
    try:
        parts = urlsplit(article)
    except ValueError:  # such as an unclosed bracket in the host
        return None
    is_web = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return quote(article, safe=_URL_SIGNS) if is_web else None


def cite_articles(table: pd.DataFrame) -> str:
    """Format an entry for each article that images of a table were published in.

    Parameters
    ----------
    table : DataFrame
        A cohort's table, or the rows of it that are cited: article and license are read.

    Returns
    -------
    str
        BibTeX, the articles in the order of the table. Each says how many of the rows are
        its images and under which licences they stand.
    """
    rows = table[table["article"].notna()]
    entries = [
        _cite_article(str(article), len(group), sorted(set(group["license"].dropna())))
        for article, group in rows.groupby("article", sort=False)
    ]
    return "\n\n".join(entries)


def _cite_article(article: str, n_images: int, licences: list[str]) -> str:
    link = article_link(article)
    fields = {"url": link} if link else {"howpublished": _escape(article)}
    if _is_doi(article):
        fields = {"doi": quote(article, safe=_DOI_SIGNS), **fields}
    title = PUBLISHED["table-7"].row_titles.get(article)
    images = f"{n_images:,} {'image' if n_images == 1 else 'images'} in the collection"
    licence = ", ".join(map(_escape, licences)) or "not recorded"
    cited = f"; {title} in Table 7 of cohen2020b" if title else ""
    fields["note"] = f"{images}; licence {licence}{cited}"
    return _format_entry(_make_key(article), fields)


def _is_doi(text: str) -> bool:
    return re.fullmatch(r"10\.\d{4,9}/\S+", text) is not None


def _make_key(article: str) -> str:
    """Name an article in letters, digits and hyphens, two articles never the same."""
    words = re.sub(r"[^a-z0-9]+", "-", article.lower().removeprefix("https://")).strip("-")
    digest = hashlib.sha256(article.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{words[:48].strip('-')}-{digest[:6]}".lstrip("-")


def _escape(text: str) -> str:
    """Make text plain for LaTeX: one line, braces gone, signs that mean something escaped."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join(_LATEX.get(sign, sign) for sign in line)


def _format_entry(key: str, fields: dict[str, str]) -> str:
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{key},\n{lines}}}"
