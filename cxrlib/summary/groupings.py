"""Groupings: how the images of a cohort are divided into the rows of a table.

Every X-ray is in one row. Blanks have a row of their own, the last.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import UNKNOWN, XRAY_VIEWS, is_usable, parse_finding
from cxrlib.errors import SelectionError
from cxrlib.selection import list_levels
from cxrlib.short_repr import short_repr

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
    __repr__ = short_repr


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
    cxrlib.errors.SelectionError: There is no table by 'continent'. Choose one of: finding, ...
    """
    if name not in GROUPINGS:
        raise SelectionError(
            f"There is no table by {name[:60]!r}. Choose one of: {', '.join(GROUPINGS)}."
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
        return _number(_read_findings(table), levels, _rank_findings)
    known = list(zip(*(_read_texts(table[level]) for level in levels), strict=True))
    ranks: dict[str, Rank] = {
        "view": _rank_views,
        "source": _rank_by_count,
        "article": _rank_by_count,
    }
    return _number(known, levels, ranks.get(by, _rank_places))


Labels = tuple[str, ...]
Rank = Callable[[dict[Labels, int]], Callable[[Labels], tuple[object, ...]]]


def _read_texts(column: pd.Series) -> list[str]:
    known = column.notna().to_numpy(dtype=bool)
    texts = column.to_numpy(dtype=object)
    return [
        str(text) if is_known else NOT_RECORDED for text, is_known in zip(texts, known, strict=True)
    ]


def _number(known: list[Labels], levels: tuple[str, ...], rank: Rank) -> Groups:
    """Give the distinct labels numbers in the order to show."""
    counts = Counter(known)
    order = sorted(counts, key=rank(counts))
    places = {labels: place for place, labels in enumerate(order)}
    # A finding is named by all of its levels, any other group by the last one.
    rows = ["/".join(filter(None, each)) if levels[0] == "finding" else each[-1] for each in order]
    rows = _number_repeats(rows)
    columns = dict(zip(levels, zip(*order, strict=True), strict=True)) if order else {}
    labels = pd.DataFrame({"row": rows, **columns}, columns=["row", *levels], dtype="str")
    return Groups(np.array([places[each] for each in known], dtype=int), labels)


def _number_repeats(names: Sequence[str]) -> list[str]:
    """Add a number to names that come again: "A" in view "B, C" reads as "A, B" in view "C"."""
    known, apart = set(names), dict[str, None]()  # in order
    for name in names:
        free, number = name, 1
        while free in apart or (number > 1 and free in known):
            number += 1
            free = f"{name} ({number})"
        apart[free] = None
    return list(apart)


def _cross(findings: Groups, views: Groups) -> Groups:
    """Part by two groupings at once."""
    labels = findings.labels.merge(views.labels[["view"]], how="cross")
    labels["row"] = _number_repeats((labels["row"] + ", " + labels["view"]).tolist())
    return Groups(findings.codes * len(views.labels) + views.codes, labels)


# ---- findings


def _read_findings(table: pd.DataFrame) -> list[Labels]:
    """Give finding, type and genus as Table 1 names them; "" for what is no pneumonia."""
    found = {}
    texts = _read_texts(table["finding"])
    for text in dict.fromkeys(texts):
        parsed = parse_finding(text)
        is_pneumonia = list_levels(text)[0] == PNEUMONIA
        kind, genus = parsed.kind or UNKNOWN, parsed.genus or UNKNOWN
        if kind in WITHOUT_ORGANISM and parsed.genus is None:
            genus = NOT_APPLICABLE
        found[text] = (PNEUMONIA, kind, genus) if is_pneumonia else (text, "", "")
    return [found[text] for text in texts]


def _rank_findings(counts: dict[Labels, int]) -> Callable[[Labels], tuple[object, ...]]:
    """Put pneumonia first, types and genera by count, what is unknown last."""
    of_type: Counter[str] = Counter()
    for (_, kind, _), n in counts.items():
        of_type[kind] += n

    def rank(labels: Labels) -> tuple[object, ...]:
        finding, kind, genus = labels
        last = (-counts[labels], genus, finding)
        if finding == PNEUMONIA:
            return (False, False, kind == UNKNOWN, -of_type[kind], kind, genus == UNKNOWN, *last)
        is_unusable = finding == NOT_RECORDED or not is_usable(finding)
        return (True, is_unusable, False, 0, "", False, *last)

    return rank


# ---- other orders


def _rank_views(counts: dict[Labels, int]) -> Callable[[Labels], tuple[object, ...]]:
    places = {view: i for i, view in enumerate(XRAY_VIEWS)}
    return lambda labels: (
        labels[0] == NOT_RECORDED,
        places.get(labels[0], len(places)),
        labels[0],
    )


def _rank_places(counts: dict[Labels, int]) -> Callable[[Labels], tuple[object, ...]]:
    return lambda labels: tuple((part == UNKNOWN, part) for part in labels)


def _rank_by_count(counts: dict[Labels, int]) -> Callable[[Labels], tuple[object, ...]]:
    return lambda labels: (labels[0] == NOT_RECORDED, -counts[labels], labels[0])
