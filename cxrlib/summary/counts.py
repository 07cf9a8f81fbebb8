"""The tables of a cohort: counts by finding, region, view or source, each with its denominator.

Definitions follow Tables 1, 3, 4 and 7 of Cohen et al. 2020b. Yes and no are counted where they
are recorded; blanks are counted beside them. Prefer patients or persons to images for statements
about people: someone with many images has more weight in counts of images.
"""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.cohort import PAPER_FRONTAL_VIEWS, Cohort
from cxrlib.html_repr import format_html
from cxrlib.number_text import FEW, compute_wilson, format_units
from cxrlib.short_repr import short_repr
from cxrlib.summary.groupings import get_grouping, part_images
from cxrlib.summary.units import (
    BLANK,
    FEMALE,
    MALE,
    NO,
    UNCLEAR,
    YES,
    Units,
    count_conflicts,
    read_images,
    take_units,
)

TOTALS = "Totals"
"""The row that counts the whole table."""

OUTCOMES = {
    "survival": "survival",
    "went_icu": "went_icu",
    "intubated": "intubated",
    "covid": "covid",
    "rt_pcr": "RT_PCR_positive",
}
"""Yes/no questions of a table: name of its columns, and the column they are read from."""

AVERAGES = ("age_median", "age_q1", "age_q3", "age_mean")

VIEW_COLUMNS = {"PA": "n_pa", "AP": "n_ap", "AP Supine": "n_ap_supine", "L": "n_lateral"}
"""Columns that count the images of a view; other views are in ``n_other_view``."""

OUTCOME_TITLES = {
    "survival": "Survival",
    "went_icu": "Ever in ICU",
    "intubated": "Intubated",
    "covid": "COVID-19",
    "rt_pcr": "RT-PCR positive",
}
"""Titles of the same questions."""

TITLES: dict[str, str] = {
    "row": "Row",
    "finding": "Finding",
    "type": "Type",
    "genus": "Genus or species",
    "region": "Region",
    "sub_region": "Sub-region",
    "country": "Country",
    "view": "View",
    "source": "Source",
    "article": "Article",
    "unit": "Unit",
    "n": "Total",
    "n_images": "Images",
    "n_patients": "Patients",
    "n_persons": "Persons",
    "n_pa": "Images, PA",
    "n_ap": "Images, AP",
    "n_ap_supine": "Images, AP Supine",
    "n_lateral": "Images, lateral",
    "n_other_view": "Images, other view",
    "age_known": "Age recorded",
    "age_median": "Age, median (years)",
    "age_q1": "Age, lower quartile (years)",
    "age_q3": "Age, upper quartile (years)",
    "age_mean": "Age, mean (years)",
    "sex_male": "Male",
    "sex_female": "Female",
    "sex_not_recorded": "Sex not recorded",
    "male_ratio": "Male, of all",
    "male_share": "Male, where recorded",
    "male_low": "Male, where recorded, 95 % from",
    "male_high": "Male, where recorded, 95 % to",
    **{
        f"{name}_{part}": f"{title}, {words}"
        for name, title in OUTCOME_TITLES.items()
        for part, words in (
            ("yes", "yes"),
            ("no", "no"),
            ("unclear", "unclear"),
            ("not_recorded", "not recorded"),
            ("recorded", "yes or no"),
            ("share", "share of yes"),
            ("low", "95 % from"),
            ("high", "95 % to"),
        )
    },
}
"""Titles of columns, with their units."""


@dataclass(frozen=True)
class Summary:
    """Hold a table of a cohort.

    Parameters
    ----------
    table : DataFrame
        A row a group. ``row`` names it, the columns of ``levels`` say where it stands, then

        - ``unit``, and ``n``: how many of it the row counts;
        - ``n_images``, ``n_patients``, ``n_persons`` (missing if images were not inspected) and
          images by view (``n_pa``, ``n_ap``, ``n_ap_supine``, ``n_lateral``, ``n_other_view``),
          whatever the unit;
        - of the unit: ``age_known``, ``age_median``, ``age_q1``, ``age_q3``, ``age_mean`` (years);
          ``sex_male``, ``sex_female``, ``sex_not_recorded``, ``male_ratio`` (of all, as the paper
          has it), ``male_share`` (of those known) with ``male_low`` and ``male_high``;
        - for each of survival, went_icu, intubated, covid and rt_pcr: ``_yes``, ``_no``,
          ``_unclear``, ``_not_recorded``, the denominator ``_recorded`` (yes and no), ``_share``
          (of yes) and its Wilson interval ``_low`` to ``_high``.

        Shares and averages of nothing are NaN; averages of few are there, see `to_shown`.
    totals : DataFrame
        The same columns, one row named "Totals": each unit once, so it can be less than the sum.
    by, unit : str
    levels : tuple of str
    n_total : int
        Units in all.
    n_images, n_patients : int
    n_persons : int or None
    notes : tuple of str
        What a reader of the table should know, in full sentences.
    """

    table: pd.DataFrame
    totals: pd.DataFrame
    by: str
    unit: str
    levels: tuple[str, ...]
    n_total: int
    n_images: int
    n_patients: int
    n_persons: int | None
    notes: tuple[str, ...]
    __repr__ = short_repr

    def _repr_html_(self) -> str:
        heading = f"{format_units(self.n_total, self.unit)} by {self.by}"
        return format_html(heading, self.to_shown(), notes=self.notes)

    def with_totals(self) -> pd.DataFrame:
        """Return the table with the totals as its last row."""
        return pd.concat([self.table, self.totals], ignore_index=True)

    def to_shown(self) -> pd.DataFrame:
        """Return the table with totals, without averages of fewer than `cxrlib.number_text.FEW`.

        Prefer it for what readers get, on a page or as a file. The papers average any number
        of patients, so that theirs are compared with `with_totals`.
        """
        whole = self.with_totals()
        is_few = whole["age_known"] < FEW
        return whole.assign(**{name: whole[name].mask(is_few) for name in AVERAGES})


# A page asks for the same tables at every run; they go with the cohort.
_REMEMBERED: weakref.WeakKeyDictionary[Cohort, dict[tuple[str, str], Summary]] = (
    weakref.WeakKeyDictionary()
)
_SELECTED: weakref.WeakKeyDictionary[Cohort, dict[str, Cohort]] = weakref.WeakKeyDictionary()
_WHOLES: weakref.WeakKeyDictionary[Cohort, dict[str, dict[str, object]]] = (
    weakref.WeakKeyDictionary()
)


def summarise(cohort: Cohort, by: str, *, unit: str = "image") -> Summary:
    """Count a cohort by one of its groupings.

    Parameters
    ----------
    cohort : Cohort
        Its X-rays are counted, all of them: select before (`select_published`).
    by : str
        One of `cxrlib.summary.GROUPINGS`.
    unit : {"image", "patient", "person"}, default "image"
        What is counted. Table 3 of the paper counts patients, Table 4 images.

    Returns
    -------
    Summary
        Remembered as long as the cohort is held: do not change its tables in place.

    Raises
    ------
    SelectionError
        If there is no such grouping or unit, or persons are not known.
    """
    remembered = _REMEMBERED.setdefault(cohort, {})
    if (by, unit) not in remembered:
        remembered[by, unit] = _summarise(cohort, by, unit)
    return remembered[by, unit]


def select_counted(cohort: Cohort, by: str = "region") -> Cohort:
    """Select the rows that a table of a grouping counts, as the paper's tables do.

    Tables by finding, place and both (1, 3): frontal X-rays (`Cohort.frontal_views`) with a usable
    finding. By view (Table 4): X-rays with a usable finding, lateral ones too. By source and
    article (Table 7): all X-rays. The same cohort gives the same selections, so that their tables
    are remembered.

    Raises
    ------
    SelectionError
        If there is no such grouping.
    """
    return _select(cohort, by, "frontal")


def select_published(cohort: Cohort, by: str = "region") -> Cohort:
    """Select as `select_counted`, frontal being what it is in the paper: PA, AP and AP Supine.

    Raises
    ------
    SelectionError
        If there is no such grouping.
    """
    return _select(cohort, by, "paper")


def _select(cohort: Cohort, by: str, frontal: str) -> Cohort:
    """Select the rows of a grouping, each selection of a cohort once."""
    get_grouping(by)
    if cohort not in _SELECTED:
        # One after the other, so that what tables share is selected and read once; put there
        # whole, as other threads may ask meanwhile.
        xrays = cohort.select_xrays()
        usable = xrays.select_usable_finding()
        counted = usable.select_frontal()
        is_paper = cohort.frontal_views == PAPER_FRONTAL_VIEWS
        paper = counted if is_paper else usable.select_views(PAPER_FRONTAL_VIEWS)
        _SELECTED[cohort] = {"all": xrays, "view": usable, "frontal": counted, "paper": paper}
    return _SELECTED[cohort][{"source": "all", "article": "all", "view": "view"}.get(by, frontal)]


# ---- counting


def _summarise(cohort: Cohort, by: str, unit: str) -> Summary:
    images = read_images(cohort)
    groups = part_images(images.table, by)
    counted = _count(cohort, groups.codes, len(groups.labels), unit)
    rows = _lay_out(groups.labels, counted)
    whole = pd.DataFrame([[TOTALS, *[""] * (groups.labels.shape[1] - 1)]], dtype="str")
    totals = _lay_out(whole.set_axis(groups.labels.columns, axis=1), _count_whole(cohort, unit))
    n_persons = totals["n_persons"].iloc[0]
    return Summary(
        table=rows,
        totals=totals,
        by=by,
        unit=unit,
        levels=get_grouping(by).levels,
        n_total=int(totals["n"].iloc[0]),
        n_images=int(totals["n_images"].iloc[0]),
        n_patients=int(totals["n_patients"].iloc[0]),
        n_persons=None if pd.isna(n_persons) else int(n_persons),
        notes=tuple(_list_notes(cohort, by, unit, rows, totals)),
    )


Columns = dict[str, object]


def _lay_out(labels: pd.DataFrame, counted: Columns) -> pd.DataFrame:
    """Put counts beside their labels, which are text in an empty table too."""
    return pd.DataFrame({**{name: labels[name].array for name in labels.columns}, **counted})


def _count_whole(cohort: Cohort, unit: str) -> Columns:
    """Count the cohort as one group, once for all of its tables."""
    remembered = _WHOLES.setdefault(cohort, {})
    if unit not in remembered:
        n_images = len(read_images(cohort).table)
        remembered[unit] = _count(cohort, np.zeros(n_images, dtype=int), 1, unit)
    return remembered[unit]


def _count(cohort: Cohort, groups: np.ndarray, n_groups: int, unit: str) -> Columns:
    """Count the units of each group."""
    images = read_images(cohort)
    units = take_units(cohort, unit, groups)
    n_of = np.bincount(units.group, minlength=n_groups)
    columns: Columns = {"unit": pd.array([unit] * n_groups, dtype="str"), "n": n_of}
    for name, of_each in images.names.items():
        n_each = _count_distinct(groups, of_each, n_groups)
        columns[f"n_{name}s"] = pd.array(n_each, dtype="Int64") if name == "person" else n_each
    # Persons are missing where the images were not inspected.
    columns.setdefault("n_persons", pd.array([pd.NA] * n_groups, dtype="Int64"))
    columns |= _count_views(images.views, groups, n_groups)
    columns |= _measure_age(units, n_groups)
    columns |= _count_sex(units, n_of)
    for name, column in OUTCOMES.items():
        columns |= _count_answers(name, units.group, units.codes[column], n_of)
    if not _has_negative_tests(cohort):
        # Only positive tests are recorded: 188 of 188 would be read as a rate.
        columns |= {f"rt_pcr_{end}": np.full(n_groups, np.nan) for end in ("share", "low", "high")}
    return columns


def _count_distinct(groups: np.ndarray, names: np.ndarray, n_groups: int) -> np.ndarray:
    """Count the distinct names of each group."""
    pairs = np.unique(groups * (len(names) + 1) + names)
    return np.bincount(pairs // (len(names) + 1), minlength=n_groups)


def _count_views(views: np.ndarray, groups: np.ndarray, n_groups: int) -> Columns:
    counts = {
        column: np.bincount(groups[views == view], minlength=n_groups)
        for view, column in VIEW_COLUMNS.items()
    }
    n_images = np.bincount(groups, minlength=n_groups)
    return {**counts, "n_other_view": n_images - sum(counts.values())}


def _measure_age(units: Units, n_groups: int) -> Columns:
    """Average the ages that are known."""
    known = ~np.isnan(units.numbers["age"])
    age, group = units.numbers["age"][known], units.group[known]
    order = np.lexsort((age, group))
    n_known = np.bincount(group, minlength=n_groups)
    sums = np.bincount(group, weights=age, minlength=n_groups)
    starts = np.cumsum(n_known) - n_known
    quartiles = {
        name: _interpolate(age[order], starts, n_known, share)
        for name, share in (("age_median", 0.5), ("age_q1", 0.25), ("age_q3", 0.75))
    }
    return {"age_known": n_known, **quartiles, "age_mean": _divide(sums, n_known)}


def _interpolate(
    values: np.ndarray, starts: np.ndarray, counts: np.ndarray, share: float
) -> np.ndarray:
    """Take a quantile of each run of sorted values, between two of them by proportion."""
    quantiles = np.full(len(counts), np.nan)
    some = counts > 0
    place = share * (counts[some] - 1)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, counts[some] - 1)
    low, high = values[starts[some] + below], values[starts[some] + above]
    quantiles[some] = low + (place - below) * (high - low)
    return quantiles


def _count_sex(units: Units, n_of: np.ndarray) -> Columns:
    sex, n_groups = units.codes["sex"], len(n_of)
    male, female = (
        np.bincount(units.group[sex == code], minlength=n_groups) for code in (MALE, FEMALE)
    )
    low, high = compute_wilson(male, male + female)
    return {
        "sex_male": male,
        "sex_female": female,
        "sex_not_recorded": n_of - male - female,
        "male_ratio": _divide(male, n_of),
        "male_share": _divide(male, male + female),
        "male_low": low,
        "male_high": high,
    }


def _count_answers(name: str, group: np.ndarray, answers: np.ndarray, n_of: np.ndarray) -> Columns:
    """Count yes, no, unclear and not recorded."""
    yes, no, unclear, blank = (
        np.bincount(group[answers == code], minlength=len(n_of))
        for code in (YES, NO, UNCLEAR, BLANK)
    )
    low, high = compute_wilson(yes, yes + no)
    return {
        f"{name}_yes": yes,
        f"{name}_no": no,
        f"{name}_unclear": unclear,
        f"{name}_not_recorded": blank,
        f"{name}_recorded": yes + no,
        f"{name}_share": _divide(yes, yes + no),
        f"{name}_low": low,
        f"{name}_high": high,
    }


def _has_negative_tests(cohort: Cohort) -> bool:
    """Check whether any RT-PCR is recorded as negative."""
    return bool((read_images(cohort).codes["RT_PCR_positive"] == NO).any())


def _divide(counts: np.ndarray, of: np.ndarray) -> np.ndarray:
    return np.divide(counts, of, out=np.full(len(of), np.nan), where=of > 0)


# ---- what to know of a table


def _list_notes(
    cohort: Cohort, by: str, unit: str, rows: pd.DataFrame, totals: pd.DataFrame
) -> Iterator[str]:
    n_total = int(totals["n"].iloc[0])
    yield f"The unit is the {unit}: {format_units(n_total, unit)} in total."
    if not n_total:
        yield "No X-ray is left. Widen the filters."
        return
    n_other = len(cohort.table) - int(totals["n_images"].iloc[0])
    if n_other:
        yield f"{n_other:,} rows that are not X-rays are not counted."
    yield from _explain_unit(by, unit, int(rows["n"].sum()), n_total)
    yield from _list_conflicts(cohort, unit)
    yield "Percentages are of recorded answers; a blank is not a no."
    if not _has_negative_tests(cohort):
        yield "Only positive RT-PCR results were recorded, so no percentage is given."


def _explain_unit(by: str, unit: str, n_sum: int, n_total: int) -> Iterator[str]:
    if unit == "image":
        yield (
            "People with many images have more weight, and intervals are too narrow, as images are "
            "treated as independent."
        )
        if by == "view":
            yield "Table 4 of the paper also counts images, although its column is headed patients."
        return
    yield f"For each {unit}, the first recorded value among the images of the row is used."
    if n_sum > n_total:
        yield (
            f"A {unit} with images in two rows is counted in both: the rows add up to {n_sum:,}, "
            f"not {n_total:,}."
        )


def _list_conflicts(cohort: Cohort, unit: str) -> Iterator[str]:
    """Describe how many units have several values where only the first is used."""
    if unit == "image":
        return
    found = []
    for name, column in {"age": "age", "sex": "sex", **OUTCOMES}.items():
        n_several = count_conflicts(cohort, unit, column)
        if n_several:
            found.append(f"{_CONFLICT_WORDS.get(name, name)} ({n_several:,})")
    if found:
        yield f"Some {unit}s have more than one value recorded: {', '.join(found)}."


_CONFLICT_WORDS = {"went_icu": "ICU", "covid": "COVID-19 or not", "rt_pcr": "RT-PCR"}
