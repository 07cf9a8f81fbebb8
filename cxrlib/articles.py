"""Articles: where the images of a cohort were published, as links and as BibTeX.

A cohort knows the DOI or the address of an article, not its title or authors: the entries are
complete enough to be found, and a reference manager fills in the rest from the DOI.
"""

import re
from urllib.parse import quote

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.statistics import VIEW_COLUMNS, summarise
from cxrlib.units import read_images

__all__ = ["format_bibtex", "link_article", "list_articles"]

# A DOI begins with 10., a number and a slash (ISO 26324).
DOI = re.compile(r"10\.\d{4,9}/\S+", re.ASCII)
WEB = re.compile(r"https?://[^\s<>\"'\\^`{|}]+", re.ASCII | re.IGNORECASE)
NO_LICENCE = "not recorded"


def link_article(article: str) -> str:
    """Give the address of an article: its DOI's, or its own if it is one of the web's.

    Parameters
    ----------
    article : str
        As in a cohort's table.

    Returns
    -------
    str
        Starts with http:// or https://; "" where there is none.

    Examples
    --------
    >>> link_article("10.1016/s0140-6736(20)30211-7")
    'https://doi.org/10.1016/s0140-6736%2820%2930211-7'
    >>> link_article("javascript:alert(1)")
    ''
    """
    if DOI.fullmatch(article):
        return "https://doi.org/" + quote(article, safe="/.:;")
    return article if WEB.fullmatch(article) else ""


def list_articles(cohort: Cohort) -> pd.DataFrame:
    """List the articles of a cohort's X-rays, the one with the most images first.

    Returns
    -------
    DataFrame
        article, link ("" where there is none), source (the sites), licence (those recorded,
        parted by "; ", with "not recorded" where some image has none), n_images, n_patients,
        n_persons and the images by view (n_pa, n_ap, n_ap_supine, n_lateral,
        n_other_view).
    """
    rows = read_images(cohort).table
    keys = rows["article"].fillna(NO_LICENCE)
    summary = summarise(cohort, "article").table
    licences, sites = (
        _join(rows[column].fillna(NO_LICENCE), keys, summary["article"])
        for column in ("license", "source")
    )
    counts = ["n_images", "n_patients", "n_persons", *VIEW_COLUMNS.values(), "n_other_view"]
    return pd.DataFrame(
        {
            "article": summary["article"],
            "link": pd.array([link_article(each) for each in summary["article"]], dtype="str"),
            "source": sites,
            "licence": licences,
        }
    ).join(summary[counts])


def _join(values: pd.Series, keys: pd.Series, order: pd.Series) -> pd.Series:
    """Name the distinct values of each key, in alphabetical order."""
    found: dict[str, set[str]] = {}
    for key, value in zip(keys, values, strict=True):
        found.setdefault(key, set()).add(value)
    return pd.Series(["; ".join(sorted(found[key])) for key in order], dtype="str")


def format_bibtex(articles: pd.DataFrame) -> str:
    """Write articles as BibTeX.

    Parameters
    ----------
    articles : DataFrame
        As `list_articles` gives it.

    Returns
    -------
    str
        One ``@misc`` an article with a DOI or an address; the others are passed over.
    """
    entries: list[str] = []
    used: set[str] = set()
    columns = articles[["article", "link", "licence", "n_images"]]
    for article, link, licence, n_images in columns.itertuples(index=False, name=None):
        if not link:
            continue
        key = _name_entry(article, used)
        is_doi = DOI.fullmatch(article) is not None
        fields = [f"  doi = {{{_escape(article)}}},"] if is_doi else []
        fields.append(f"  url = {{{_escape(link)}}},")
        images = "image" if n_images == 1 else "images"
        fields.append(
            f"  note = {{{n_images} {images} of the cohort; licence: {_escape(licence)}}}"
        )
        entries.append("\n".join([f"@misc{{{key},", *fields, "}"]))
    return "\n\n".join(entries) + ("\n" if entries else "")


def _name_entry(article: str, used: set[str]) -> str:
    """Make a key of letters and digits that no other entry has."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", article.partition("://")[2] or article).strip("-")[:60]
    key, n = stem or "article", 1
    while key in used:
        n += 1
        key = f"{stem}-{n}"
    used.add(key)
    return key


_BIBTEX = {"\\": r"\textbackslash ", "{": r"\{", "}": r"\}"}
_BIBTEX |= {sign: "\\" + sign for sign in "%#&_$"}


def _escape(text: str) -> str:
    """Keep signs that mean something to TeX from doing so."""
    plain = " ".join(text.split())
    return "".join(_BIBTEX.get(sign, sign) for sign in plain)
