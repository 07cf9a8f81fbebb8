"""Table One: the characteristics of a cohort, with missing data and without p-values.

p-values would test whether groups that nobody randomised differ, which they do. Whoever wants
to compare two groups finds differences with intervals in `cxrlib.summary.group_comparison`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.html_repr import format_html
from cxrlib.number_text import FEW, format_average, format_share
from cxrlib.short_repr import short_repr
from cxrlib.summary.groupings import Groups, get_grouping, part_images
from cxrlib.summary.measures import VARIABLES, explain_sources, list_measures
from cxrlib.summary.units import read_images, take_units

OVERALL = "Overall"
_WIDE = ("Variable", "Value", "Missing")


@dataclass(frozen=True)
class TableOne:
    """Hold a Table One.

    Parameters
    ----------
    table : DataFrame
        A row a number of a group: group ("Overall" first; a value of that name, or of a
        column's in the wide table, stands with its grouping: "Overall (view)"), variable,
        title, value, kind ("count", "median" or "share"), n (units of the group), n_known,
        n_missing, n_yes, number (count, median in years, or share), low and high (quartiles
        of a median) and text, the number in words. A median of fewer than
        `cxrlib.number_text.FEW` is missing.
    unit : str
    by : str or None
    notes : tuple of str
    """

    table: pd.DataFrame
    unit: str
    by: str | None
    notes: tuple[str, ...]
    __repr__ = short_repr

    def _repr_html_(self) -> str:
        by = "" if self.by is None else f" by {self.by}"
        heading = f"Table One{by}, unit: {self.unit}"
        return format_html(heading, self.to_wide(), notes=self.notes)

    def to_wide(self) -> pd.DataFrame:
        """Lay the words out: variable, value, Missing (of all), Overall, a column a group."""
        overall = self.table[self.table["group"] == OVERALL]
        columns = zip(_WIDE, ("title", "value", "n_missing"), strict=True)
        wide = pd.DataFrame({name: overall[column].to_numpy() for name, column in columns})
        for group in self.table["group"].unique():
            wide[group] = self.table.loc[self.table["group"] == group, "text"].to_numpy()
        return wide


def make_table_one(
    cohort: Cohort,
    by: str | None = None,
    *,
    unit: str = "patient",
    variables: tuple[str, ...] = tuple(VARIABLES),
) -> TableOne:
    """Describe a cohort, whole and by group.

    Parameters
    ----------
    cohort : Cohort
        Its X-rays are counted.
    by : str, optional
        A grouping of `cxrlib.summary.GROUPINGS`.
    unit : {"image", "patient", "person"}, default "patient"
    variables : tuple of str
        Of `cxrlib.summary.measures.VARIABLES`; the one that the groups are made by is left out.

    Returns
    -------
    TableOne

    Raises
    ------
    SelectionError
        If there is no such grouping, unit or variable.
    """
    images = read_images(cohort)
    whole = Groups(np.zeros(len(images.table), dtype=int), pd.DataFrame({"row": [OVERALL]}))
    parts = [whole] if by is None else [whole, _rename(part_images(images.table, by), by)]
    variables = tuple(name for name in variables if name != by)
    rows = [row for part in parts for row in _describe_groups(cohort, part, unit, variables)]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    notes = [
        f"Unit: {unit}. Percentages are of recorded answers, with 95 % interval (Wilson); age is "
        "the median with quartiles.",
        "Missing: not recorded or unclear.",
    ]
    notes += filter(None, [explain_sources(cohort, variables)])
    if by is not None:
        notes.append(
            f"By {get_grouping(by).title.lower()}; no p-values, as patients were not randomised."
        )
    return TableOne(table=table, unit=unit, by=by, notes=tuple(notes))


_COLUMNS = (
    *("group", "variable", "title", "value", "kind", "n", "n_known", "n_missing"),
    *("n_yes", "number", "low", "high", "text"),
)


def _rename(groups: Groups, by: str) -> Groups:
    """Rename values called like columns of the table: "Overall", "Missing"."""
    names: list[str] = groups.labels["row"].tolist()
    taken = {OVERALL, *_WIDE, *names}
    for i, name in enumerate(names):
        if name in (OVERALL, *_WIDE):
            while names[i] in taken:
                names[i] += f" ({by})"
            taken.add(names[i])
    return Groups(groups.codes, groups.labels.assign(row=names))


def _describe_groups(
    cohort: Cohort, groups: Groups, unit: str, variables: tuple[str, ...]
) -> Iterator[dict[str, object]]:
    """Give the rows of each group of a grouping."""
    units = take_units(cohort, unit, groups.codes)
    measures = list_measures(cohort, units, variables)
    for place, name in enumerate(groups.labels["row"]):
        inside = units.group == place
        n = int(inside.sum())
        row = {"group": name, "n": n}
        yield row | _describe_count(n, unit)
        if "age" in variables:
            yield row | _describe_age(units.numbers["age"][inside], n, unit)
        for measure in measures:
            known = inside & measure.is_known
            about = {
                "variable": measure.variable,
                "title": measure.title,
                "value": measure.value,
            }
            n_yes = int((known & measure.is_yes).sum())
            share = _describe_share(n_yes, int(known.sum()), n)
            if measure.is_one_sided and n_yes:
                share |= {"number": np.nan, "text": f"{n_yes:,}, negatives not recorded"}
            yield row | about | share


def _describe_count(n: int, unit: str) -> dict[str, object]:
    return {
        "variable": "n",
        "title": unit.capitalize() + "s",
        "value": "",
        "kind": "count",
        "n_known": n,
        "n_missing": 0,
        "n_yes": n,
        "number": float(n),
        "low": np.nan,
        "high": np.nan,
        "text": f"{n:,}",
    }


def _describe_age(ages: np.ndarray, n: int, unit: str) -> dict[str, object]:
    known = ages[~np.isnan(ages)]
    low, middle, high = (
        map(float, np.quantile(known, [0.25, 0.5, 0.75])) if len(known) >= FEW else [np.nan] * 3
    )
    return {
        "variable": "age",
        "title": VARIABLES["age"],
        "value": "median (quartiles)",
        "kind": "median",
        "n_known": len(known),
        "n_missing": n - len(known),
        "n_yes": len(known),
        "number": middle,
        "low": low,
        "high": high,
        "text": format_average(middle, low, high, n_known=len(known), n_of=n, unit=unit),
    }


def _describe_share(n_yes: int, n_known: int, n: int) -> dict[str, object]:
    return {
        "kind": "share",
        "n_known": n_known,
        "n_missing": n - n_known,
        "n_yes": n_yes,
        "number": n_yes / n_known if n_known else np.nan,
        "low": np.nan,
        "high": np.nan,
        "text": format_share(n_yes, n_known),
    }
