"""Articles: where the images of a cohort were published, their numbers and licences.

`cxrlib.literature.bibliography` writes them as BibTeX.
"""

import pandas as pd

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import Cohort
from cxrlib.literature import article_link
from cxrlib.summary.counts import VIEW_COLUMNS, summarise
from cxrlib.summary.units import read_images


def list_articles(cohort: Cohort) -> pd.DataFrame:
    """List the articles of a cohort's X-rays, the one with the most images first.

    Returns
    -------
    DataFrame
        article, link ("" where there is none), source (the sites), licence (those recorded,
        separated by "; ", with "not recorded" where some image has none), n_images, n_patients,
        n_persons and the images by view (n_pa, n_ap, n_ap_supine, n_lateral,
        n_other_view).
    """
    rows = read_images(cohort).table
    keys = rows["article"].fillna(NOT_RECORDED)
    summary = summarise(cohort, "article").table
    licences, sites = (
        _join(rows[column].fillna(NOT_RECORDED), keys, summary["article"])
        for column in ("license", "source")
    )
    counts = ["n_images", "n_patients", "n_persons", *VIEW_COLUMNS.values(), "n_other_view"]
    return pd.DataFrame(
        {
            "article": summary["article"],
            "link": pd.array(
                [article_link(each) or "" for each in summary["article"]], dtype="str"
            ),
            "source": sites,
            "licence": licences,
        }
    ).join(summary[counts])


def _join(values: pd.Series, keys: pd.Series, order: pd.Series) -> pd.Series:
    """Join the distinct values of each key, in alphabetical order."""
    found: dict[str, set[str]] = {}
    for key, value in zip(keys, values, strict=True):
        found.setdefault(key, set()).add(value)
    return pd.Series(["; ".join(sorted(found[key])) for key in order], dtype="str")
