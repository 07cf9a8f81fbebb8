"""Groupings: how the images of a cohort are parted into the rows of a table.

Every X-ray stands in one row. What is not recorded has a row of its own, the last.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.errors import SelectionError
from cxrlib.filters import NOT_RECORDED
from cxrlib.findings import is_usable
from cxrlib.metadata import XRAY_VIEWS
from cxrlib.regions import UNKNOWN

__all__ = ["GROUPINGS", "Grouping", "Groups", "get_grouping", "part_images"]

NOT_APPLICABLE = "Not applicable"
PNEUMONIA = "Pneumonia"
# Types that no organism causes: Table 1 prints "Not applicable" for their genus.
WITHOUT_ORGANISM = ("Aspiration", "Lipoid")


@dataclass(frozen=True)
class Groups:
    """Hold which group each image is in.

    Parameters
    ----------
    codes : ndarray of int, shape (n_images,)
        Place of each image's group in `labels`.
    labels : DataFrame
        A row a group, in the order to show: ``row``, its name, unique; then its levels.
    """

    codes: np.ndarray
    labels: pd.DataFrame


@dataclass(frozen=True)
class Grouping:
    """Hold what a grouping is.

    Parameters
    ----------
    name : str
        As on the command line.
    title : str
        In words, over the first column.
    levels : tuple of str
        Columns that say where a row stands, the widest first.
    """

    name: str
    title: str
    levels: tuple[str, ...]


GROUPINGS: dict[str, Grouping] = {
    each.name: each
    for each in (
        Grouping("finding", "Finding", ("finding", "type", "genus")),
        Grouping("finding-view", "Finding and view", ("finding", "type", "genus", "view")),
        Grouping("region", "Region", ("region",)),
        Grouping("sub-region", "Sub-region", ("region", "sub_region")),
        Grouping("country", "Country", ("region", "sub_region", "country")),
        Grouping("view", "View", ("view",)),
        Grouping("source", "Source", ("source",)),
        Grouping("article", "Article", ("article",)),
    )
}
"""The groupings by name."""


def get_grouping(name: str) -> Grouping:
    """Return a grouping by its name.

    Raises
    ------
    SelectionError
        If there is none of that name.

    Examples
    --------
    >>> get_grouping("continent")
    Traceback (most recent call last):
    cxrlib.errors.SelectionError: There is no table by 'continent'. There are finding, ...
    """
    if name not in GROUPINGS:
        raise SelectionError(
            f"There is no table by {name[:60]!r}. There are {', '.join(GROUPINGS)}."
        )
    return GROUPINGS[name]


def part_images(table: pd.DataFrame, by: str) -> Groups:
    """Part images into groups.

    Parameters
    ----------
    table : DataFrame
        Rows of a cohort's table.
    by : str
        One of `GROUPINGS`. By finding, a row of pneumonia is its type and genus or species,
        as in Table 1 of Cohen et al. 2020b, any other finding is a row as recorded. By
        finding and view there is a row for each finding with each view, empty ones too.

    Returns
    -------
    Groups

    Raises
    ------
    SelectionError
        If there is no such grouping.
    """
    levels = get_grouping(by).levels
    if by == "finding-view":
        return _cross(part_images(table, "finding"), part_images(table, "view"))
    if by == "finding":
        return _collect(_read_findings(table), levels, _name_finding, _rank_findings)
    known = pd.DataFrame({level: _read_texts(table[level]) for level in levels}, index=table.index)
    rank = _rank_views if by == "view" else _rank_places
    if by in ("source", "article"):
        rank = _rank_by_count
    return _collect(known, levels, lambda group: str(group[levels[-1]]), rank)


def _read_texts(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), NOT_RECORDED).astype(str)


Rank = Callable[[pd.DataFrame], list[tuple[object, ...]]]


def _collect(
    known: pd.DataFrame, levels: tuple[str, ...], name: Callable[[pd.Series], str], rank: Rank
) -> Groups:
    """Number the distinct rows of levels in the order to show."""
    codes, _ = pd.factorize(pd.MultiIndex.from_frame(known))
    first = np.unique(codes, return_index=True)[1]
    labels = known.iloc[first].reset_index(drop=True)
    labels["n"] = np.bincount(codes, minlength=len(labels))
    keys = rank(labels)
    order = sorted(range(len(labels)), key=lambda i: keys[i])
    place = np.empty(len(order), dtype=int)
    place[order] = range(len(order))
    labels = labels.iloc[order].reset_index(drop=True)
    labels.insert(0, "row", pd.Series([name(group) for _, group in labels.iterrows()], dtype="str"))
    return Groups(place[codes] if len(codes) else codes, labels[["row", *levels]])


def _cross(findings: Groups, views: Groups) -> Groups:
    """Part by two groupings at once."""
    labels = findings.labels.merge(views.labels[["view"]], how="cross")
    labels["row"] = labels["row"] + ", " + labels["view"]
    return Groups(findings.codes * len(views.labels) + views.codes, labels)


# ---- findings


def _read_findings(table: pd.DataFrame) -> pd.DataFrame:
    """Give finding, type and genus as Table 1 names them; "" for what is no pneumonia."""
    finding = _read_texts(table["finding"])
    is_pneumonia = finding.str.split("/").str[0].str.strip() == PNEUMONIA
    kind = table["finding_type"].astype(object).where(table["finding_type"].notna(), UNKNOWN)
    genus = table["finding_genus"].astype(object).where(table["finding_genus"].notna(), UNKNOWN)
    without = kind.isin(WITHOUT_ORGANISM) & (genus == UNKNOWN)
    return pd.DataFrame(
        {
            "finding": finding.where(~is_pneumonia, PNEUMONIA),
            "type": kind.where(is_pneumonia, "").astype(str),
            "genus": genus.mask(without, NOT_APPLICABLE).where(is_pneumonia, "").astype(str),
        },
        index=table.index,
    )


def _name_finding(group: pd.Series) -> str:
    """Name a row: "Pneumonia/Viral/SARS", "Pneumonia/Unknown/Unknown", "Tuberculosis"."""
    return "/".join(str(part) for part in (group["finding"], group["type"], group["genus"]) if part)


def _rank_findings(labels: pd.DataFrame) -> list[tuple[object, ...]]:
    """Put pneumonia first, types and genera by count, what is unknown last."""
    of_type = labels.groupby("type")["n"].transform("sum")
    columns = (labels["finding"], labels["type"], labels["genus"], of_type, labels["n"])
    return [
        (
            finding != PNEUMONIA,
            not is_usable(finding) or finding == NOT_RECORDED,
            kind == UNKNOWN,
            -of if finding == PNEUMONIA else 0,
            kind,
            genus == UNKNOWN,
            -n,
            genus,
            finding,
        )
        for finding, kind, genus, of, n in zip(*columns, strict=True)
    ]


# ---- other orders


def _rank_views(labels: pd.DataFrame) -> list[tuple[object, ...]]:
    places = {view: i for i, view in enumerate(XRAY_VIEWS)}
    return [(view == NOT_RECORDED, places.get(view, len(places)), view) for view in labels["view"]]


def _rank_places(labels: pd.DataFrame) -> list[tuple[object, ...]]:
    levels = [level for level in labels.columns if level != "n"]
    rows = labels[levels].itertuples(index=False, name=None)
    return [tuple((part == UNKNOWN, part) for part in row) for row in rows]


def _rank_by_count(labels: pd.DataFrame) -> list[tuple[object, ...]]:
    names = labels[labels.columns[-2]]
    return [(name == NOT_RECORDED, -n, name) for name, n in zip(names, labels["n"], strict=True)]
