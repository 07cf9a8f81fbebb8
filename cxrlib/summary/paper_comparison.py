"""A cohort compared with the numbers of the papers: what agrees, differs or cannot be compared.

A number of ours can differ from a printed one because of the code, of the data or of the paper.
The collection has grown and was mended since, so a number is called a *difference* only where
the counts it rests on are those of the paper; elsewhere it comes from a *different cohort*. Equal
counts are a necessary sign, not a proof: as many images can be other images.
"""

import math
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.literature import PublishedCell, PublishedTable, find_table
from cxrlib.summary.paper_counts import OURS_COLUMNS, count_published

AGREES, DIFFERENCE, DIFFERENT_COHORT = VERDICTS = ("agrees", "difference", "different cohort")

COMPARISON_COLUMNS = (
    *("table", "row", "title", "column", "unit", "decimals", "paper", "ours"),
    *("counted", "n_paper", "n_ours", "same_counts", "verdict", "explanation"),
)


# A page asks for the same tables at every run; they go with the cohort.
_REMEMBERED: weakref.WeakKeyDictionary[Cohort, dict[str, pd.DataFrame]] = (
    weakref.WeakKeyDictionary()
)


def compare_published(cohort: Cohort, name: str) -> pd.DataFrame:
    """Compare a cohort with one of the papers' tables.

    Parameters
    ----------
    cohort : Cohort
        As it is selected; the table's own selection (frontal views, usable findings) is made
        on top. Filters take patients away, so that most numbers are of a different cohort.
    name : str
        One of `cxrlib.literature.PUBLISHED`.

    Returns
    -------
    DataFrame
        See `compare_cells`. Remembered as long as the cohort is held: do not change it in
        place.

    Raises
    ------
    SelectionError
        If there is no such table.
    """
    published = find_table(name)
    remembered = _REMEMBERED.setdefault(cohort, {})
    if name not in remembered:
        ours = count_published(cohort, name)
        remembered[name] = compare_cells(published, ours, is_synthetic=cohort.is_synthetic)
    return remembered[name]


def compare_cells(
    published: PublishedTable, ours: pd.DataFrame, *, is_synthetic: bool = False
) -> pd.DataFrame:
    """Compare numbers with a published table, each with the counts of both.

    Parameters
    ----------
    published : PublishedTable
    ours : DataFrame
        `cxrlib.summary.paper_counts.OURS_COLUMNS`, with or without ``remark``; rows and columns
        that the paper does not have are passed over (see `list_unpublished_rows`).
    is_synthetic : bool, default False
        Whether ours is a made-up cohort: then no number can agree but by chance, and none
        does.

    Returns
    -------
    DataFrame
        `COMPARISON_COLUMNS`, a line a number in the paper's order. ``paper`` and ``ours`` are
        numbers of ``unit``, ours in full; ``decimals`` is how many the paper prints, and
        they agree if they are equal when printed so. ``n_paper`` and ``n_ours`` say how many
        (``counted``: images or patients) each was taken from, missing where not known;
        ``same_counts`` says whether all counts that the paper gives are ours too, patients
        and images.

    Raises
    ------
    SelectionError
        If ours lacks a column or has a number twice.
    """
    found = _index_ours(ours)
    nothing = {"value": math.nan, "n_images": 0, "n_patients": 0, "remark": ""}
    rows = [
        _compare_cell(published, cell, found.get((cell.row, cell.column), nothing), is_synthetic)
        for cell in _add_up_repeats(published.cells)
    ]
    table = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    return table.astype({"n_paper": "Int64", "n_ours": "Int64"})


def list_unpublished_rows(published: PublishedTable, ours: pd.DataFrame) -> tuple[str, ...]:
    """List the rows of ours that the published table does not have, in our order."""
    rows = dict.fromkeys(str(row) for row in ours["row"])
    return tuple(row for row in rows if row not in published.row_titles)


def count_verdicts(comparison: pd.DataFrame) -> dict[str, int]:
    """Count the numbers of each verdict, those without any as 0."""
    counts = comparison["verdict"].value_counts()
    return {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}


def describe_comparison(comparison: pd.DataFrame) -> str:
    """Describe how many numbers agree, and how many of those from equal counts.

    Examples
    --------
    >>> verdicts = {"verdict": ["agrees", "different cohort"], "same_counts": [True, False]}
    >>> describe_comparison(pd.DataFrame(verdicts))
    '1 of 2 numbers agree (1 from equal counts), 0 differ from equal counts, 1 is of a ...'
    """
    counts = count_verdicts(comparison)
    n_same = int((comparison["same_counts"] & (comparison["verdict"] == AGREES)).sum())
    n_other = counts[DIFFERENT_COHORT]
    return (
        f"{counts[AGREES]:,} of {len(comparison):,} numbers agree ({n_same:,} from equal counts), "
        f"{counts[DIFFERENCE]:,} differ from equal counts, {n_other:,} "
        f"{'is' if n_other == 1 else 'are'} of a different cohort."
    )


def format_number(value: float, decimals: int) -> str:
    """Format a number with as many decimals as the paper prints; an en dash for none.

    Examples
    --------
    >>> format_number(53.1249, 2), format_number(1204, 0), format_number(math.nan, 2)
    ('53.12', '1,204', '–')
    """
    return "–" if pd.isna(value) else f"{value:,.{decimals}f}"


# ---- one number


def _index_ours(ours: pd.DataFrame) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Map row and column to a number of ours."""
    needed = [name for name in OURS_COLUMNS if name != "remark"]
    missing = [name for name in needed if name not in ours.columns]
    if missing:
        raise SelectionError(
            f"The numbers to compare lack the column {missing[0]!r}. They need {', '.join(needed)}."
        )
    keys = ours[["row", "column"]]
    if keys.duplicated().any():
        row, column = keys[keys.duplicated()].iloc[0]
        raise SelectionError(
            f"The numbers to compare have {column!r} of {row!r} twice. Give each number once."
        )
    full = ours if "remark" in ours.columns else ours.assign(remark="")
    records: list[Any] = full.to_dict("records")
    return {(each["row"], each["column"]): each for each in records}


def _add_up_repeats(cells: tuple[PublishedCell, ...]) -> Iterator[PublishedCell]:
    """Add up cells of rows that the paper prints twice: Salehi et al. in Table 7."""
    sums: dict[tuple[str, str], PublishedCell] = {}
    for cell in cells:
        key = (cell.row, cell.column)
        before = sums.get(key)
        value = cell.value + (before.value if before else 0)
        sums[key] = PublishedCell(
            cell.row, cell.column, value, cell.decimals, cell.n_images, cell.n_patients
        )
    return iter(sums.values())


def _compare_cell(
    published: PublishedTable, cell: PublishedCell, ours: Mapping[str, Any], is_synthetic: bool
) -> dict[str, object]:
    """Judge one number."""
    is_equal = _is_equal(cell, ours["value"]) and not is_synthetic
    same_counts = _has_same_counts(cell, ours) and not is_synthetic
    verdict = AGREES if is_equal else DIFFERENCE if same_counts else DIFFERENT_COHORT
    unit = "patients" if published.unit == "patient" else "images"
    n_paper = cell.n_patients if unit == "patients" else cell.n_images
    return {
        "table": published.name,
        "row": cell.row,
        "title": published.row_titles[cell.row],
        "column": cell.column,
        "unit": published.find_column(cell.column).unit,
        "decimals": cell.decimals,
        "paper": cell.value,
        "ours": ours["value"],
        "counted": unit,
        "n_paper": pd.NA if n_paper is None else n_paper,
        "n_ours": ours[f"n_{unit}"],
        "same_counts": same_counts,
        "verdict": verdict,
        "explanation": " ".join(
            text
            for text in (
                _explain(cell, ours, verdict, same_counts, is_synthetic),
                *_list_notes(published, cell),
                ours["remark"],
            )
            if text
        ),
    }


def _is_equal(cell: PublishedCell, ours: float) -> bool:
    """Check whether our number, with as many decimals, could be the paper's.

    A number half-way between two printed ones may be rounded to either.
    """
    if pd.isna(ours):
        return False
    half = 0.5 * 10.0**-cell.decimals if cell.decimals else 0.0  # counts are not rounded
    return abs(ours - cell.value) <= half + 1e-9


def _pair_counts(cell: PublishedCell, ours: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """List what is counted, how many the paper has and how many we have."""
    pairs = [
        ("patients", cell.n_patients, ours["n_patients"]),
        ("images", cell.n_images, ours["n_images"]),
    ]
    return [(noun, paper, int(own)) for noun, paper, own in pairs if paper is not None]


def _has_same_counts(cell: PublishedCell, ours: Mapping[str, Any]) -> bool:
    """Check whether all counts of the paper are ours as well; False if it gives none."""
    pairs = _pair_counts(cell, ours)
    return bool(pairs) and all(paper == own for _, paper, own in pairs)


def _explain(
    cell: PublishedCell,
    ours: Mapping[str, Any],
    verdict: str,
    same_counts: bool,
    is_synthetic: bool,
) -> str:
    """Describe the reason of the verdict; "" where number and counts agree."""
    if is_synthetic:
        return "Synthetic cohort: it has no patient of the paper."
    if verdict == DIFFERENCE:
        return "Counts agree but the number does not: due to code, record or paper."
    if same_counts:
        return ""
    pairs = _pair_counts(cell, ours)
    if not pairs:
        return "The paper does not give the count."
    counts = " and ".join(f"{paper:,} {noun}" for noun, paper, _ in pairs)
    own = " and ".join(f"{own:,}" for *_, own in pairs)
    start = "Equal although the cohorts differ: " if verdict == AGREES else ""
    return f"{start}{counts} in the paper, {own} here."


def _list_notes(published: PublishedTable, cell: PublishedCell) -> Iterator[str]:
    """List what is known of this number, and at a row's first number what is known of the row.

    Columns' notes stand at the head of a column, where the page shows them.
    """
    yield published.cell_notes.get((cell.row, cell.column), "")
    first = next(each for each in published.cells if each.row == cell.row)
    if cell.column == first.column:
        yield published.row_notes.get(cell.row, "")
