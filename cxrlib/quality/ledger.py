"""The quality ledger: one row a flag, with what it means and what to do.

A flag removes no image. ``Selection(without=(rule,))`` leaves the flagged images out, and
`count_without_flagged` counts what is left. Use the whole cohort: a rule that compares images or
rows sees only those it is given.
"""

import io
import weakref
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.html_repr import format_html
from cxrlib.number_text import format_units
from cxrlib.quality.rules import RULES, SEVERITIES, Rule

LEDGER_COLUMNS = (
    *("rule", "severity", "image_id", "patient_id", "row", "column", "value"),
    *("meaning", "action"),
)
EFFECT_COLUMNS = (
    *("rule", "n_flagged", "n_images", "n_images_left", "n_patients", "n_patients_left"),
    *("n_persons", "n_persons_left", "n_published", "n_published_left"),
)


@dataclass(frozen=True, eq=False)
class Ledger:
    """Hold the flags of a cohort's X-rays.

    Parameters
    ----------
    table : DataFrame
        A row a flag, by rule and row: `LEDGER_COLUMNS`. An image can have several flags of one
        rule, in several columns or with several other images.
    rules : tuple of Rule
        All rules, those without a flag too.
    unchecked : tuple of str
        Names of rules that could not be judged, as the images were not inspected.
    """

    table: pd.DataFrame
    rules: tuple[Rule, ...]
    unchecked: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Ledger({len(self.table)} flags by {len(self.rules)} rules)"

    def _repr_html_(self) -> str:
        return format_html(f"{format_units(len(self.table), 'flag')} of X-rays", self.count())

    def count(self) -> pd.DataFrame:
        """Count by rule.

        Returns
        -------
        DataFrame
            rule, severity, title, n_flags, n_images, n_patients, meaning, action, the most
            serious first; counts are missing where a rule could not be judged.
        """
        by_rule = self.table.groupby("rule", sort=False)
        counts = pd.DataFrame(
            {
                "n_flags": by_rule.size(),
                "n_images": by_rule["image_id"].nunique(),
                "n_patients": by_rule["patient_id"].nunique(),
            }
        ).reindex([rule.name for rule in self.rules], fill_value=0)
        counts = counts.astype("Int64")
        counts.loc[list(self.unchecked)] = pd.NA
        words = pd.DataFrame(
            [(r.name, r.severity, r.title, r.meaning, r.action) for r in self.rules],
            columns=["rule", "severity", "title", "meaning", "action"],
        )
        table = words.join(counts, on="rule")
        order = table["severity"].map({name: i for i, name in enumerate(SEVERITIES)})
        shown = ["rule", "severity", "title", *counts.columns, "meaning", "action"]
        return table.loc[order.sort_values(kind="stable").index, shown].reset_index(drop=True)

    def keep(self, image_ids: Iterable[str]) -> "Ledger":
        """Keep the flags of some images, as of a selection; they were found on all."""
        kept = self.table[self.table["image_id"].isin(list(image_ids))]
        return Ledger(kept.reset_index(drop=True), self.rules, self.unchecked)

    def choose(self, rules: Sequence[str]) -> "Ledger":
        """Keep some rules; all of them unless any is named.

        Raises
        ------
        SelectionError
            If there is no rule of a name.
        """
        names = [get_rule(name).name for name in rules]
        if not names:
            return self
        return Ledger(
            self.table[self.table["rule"].isin(names)].reset_index(drop=True),
            tuple(rule for rule in self.rules if rule.name in names),
            tuple(name for name in self.unchecked if name in names),
        )


# A cohort's table never changes, and every run of a page asks the same of it.
_LEDGERS: weakref.WeakKeyDictionary[Cohort, Ledger] = weakref.WeakKeyDictionary()


def find_flags(cohort: Cohort) -> Ledger:
    """Find all flags of a cohort's X-rays; asked again for the same cohort, it remembers.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort: see the module. For a selection's flags use `Ledger.keep`.

    Returns
    -------
    Ledger
    """
    if cohort not in _LEDGERS:
        _LEDGERS[cohort] = _find_flags(cohort)
    return _LEDGERS[cohort]


def _find_flags(cohort: Cohort) -> Ledger:
    hits = {rule: sorted(rule.find(cohort), key=lambda hit: hit.at) for rule in RULES}
    found = pd.DataFrame(
        [
            (rule.name, rule.severity, rule.meaning, rule.action, *hit)
            for rule, its_hits in hits.items()
            for hit in its_hits
        ],
        columns=["rule", "severity", "meaning", "action", "at", "column", "value"],
    )
    at = found["at"].astype(int)
    rows = cohort.table[["image_id", "patient_id", "row"]].iloc[at].reset_index(drop=True)
    texts = found.drop(columns="at").astype("str")
    unchecked = [
        rule.name
        for rule in RULES
        if rule.needs_images and cohort.appearance is None and not hits[rule]
    ]
    return Ledger(rows.join(texts)[list(LEDGER_COLUMNS)], RULES, tuple(unchecked))


def get_rule(name: str) -> Rule:
    """Return a rule by its name.

    Raises
    ------
    SelectionError
        If there is none of that name.
    """
    for rule in RULES:
        if rule.name == name:
            return rule
    raise SelectionError(
        f"There is no rule {name[:60]!r}. Name one of: {', '.join(repr(r.name) for r in RULES)}."
    )


def mark_images(cohort: Cohort) -> pd.DataFrame:
    """List which rules flag each image.

    Returns
    -------
    DataFrame of bool
        A row an image on the index of the cohort's table, a column a rule.
    """
    flags = find_flags(cohort).table
    names, image_ids = pd.Index([rule.name for rule in RULES]), pd.Index(cohort.table["image_id"])
    marks = np.zeros((len(image_ids), len(names)), dtype=bool)
    marks[image_ids.get_indexer(flags["image_id"]), names.get_indexer(pd.Index(flags["rule"]))] = (
        True
    )
    return pd.DataFrame(marks, index=cohort.table.index, columns=names)


# ---- the effect of leaving flagged images out


def count_without_flagged(
    cohort: Cohort, rules: Sequence[str] = (), *, flags: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Count what is left without the flagged images, rule by rule and together.

    Parameters
    ----------
    cohort : Cohort
        The cohort or a selection of it; its X-rays are counted.
    rules : sequence of str
        Names of rules; all of them unless given.
    flags : DataFrame of bool, optional
        `mark_images` of the whole cohort with the image ids as index, for a selection; found
        on `cohort` unless given.

    Returns
    -------
    DataFrame
        `EFFECT_COLUMNS`, a row a rule; where several are named, a last one "all of these".
        n_flagged are X-rays that go; n_published are frontal images with a usable finding, as
        the paper counts. Persons are missing where the images were not inspected.

    Raises
    ------
    SelectionError
        If there is no rule of a name.
    """
    names = [get_rule(name).name for name in rules] or [rule.name for rule in RULES]
    if flags is None:
        flags = mark_images(cohort).set_axis(cohort.table["image_id"])
    xrays = cohort.table[cohort.table["is_xray"]]
    marks = flags.reindex(xrays["image_id"], fill_value=False)[names].to_numpy(dtype=bool)
    flagged = dict(zip(names, marks.T, strict=True))
    if len(names) > 1 and len(rules):
        flagged["all of these"] = np.asarray(marks.any(axis=1))
    before = _count_rows(xrays, cohort.frontal_views)
    rows = []
    for name, mask in flagged.items():
        pairs = zip(before, _count_rows(xrays[~mask], cohort.frontal_views), strict=True)
        rows.append((name, int(mask.sum()), *(count for both in pairs for count in both)))
    table = pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))
    return table.astype(dict.fromkeys(EFFECT_COLUMNS[1:], "Int64"))


def _count_rows(xrays: pd.DataFrame, frontal: Sequence[str]) -> tuple[int, int, int | None, int]:
    """Count images, patients, persons (None if not known) and the images the paper counts."""
    persons = xrays["person_id"]
    is_published = xrays["view"].isin(frontal) & xrays["usable_finding"].astype(bool)
    n_persons = None if len(xrays) and persons.isna().all() else persons.nunique()
    return len(xrays), xrays["patient_id"].nunique(), n_persons, int(is_published.sum())


# ---- the report for the dataset maintainers


# How an image looks, and how states are derived here, is not an error of a record.
_NOT_RECORDS = ("small", "state overlap", "perhaps arrows", "perhaps inverted")
UPSTREAM = tuple(
    rule.name for rule in RULES if rule.severity != "note" and rule.name not in _NOT_RECORDS
)
"""Rules whose flags the dataset maintainers can correct: errors and warnings about records."""


def make_maintainer_report(
    cohort: Cohort,
    ledger: Ledger | None = None,
    *,
    rules: Sequence[str] = UPSTREAM,
    most: int = 40,
) -> str:
    """Make a Markdown report of the ledger for the dataset maintainers.

    Parameters
    ----------
    cohort : Cohort
    ledger : Ledger, optional
        Of the cohort; found unless given.
    rules : sequence of str
        Names of rules.
    most : int, default 40
        Flags listed of a rule; the rest is counted.

    Returns
    -------
    str
        Grouped by rule, the most serious first. All text from the cohort is in code spans, so
        that no markup in it takes effect.

    Raises
    ------
    SelectionError
        If there is no rule of a name.
    """
    ledger = (find_flags(cohort) if ledger is None else ledger).choose(rules)
    counts = ledger.count()
    counts = counts[counts["n_flags"].fillna(0) > 0]
    target = io.StringIO()
    n_flags, n_rules = int(counts["n_flags"].sum()), len(counts)
    target.write(f"# Doubtful records in {_code(cohort.name)}\n\n")
    target.write(
        f"{format_units(n_flags, 'flag')} by {format_units(n_rules, 'rule')}. Row numbers are "
        f"those of a spreadsheet: the header is row 1. Cohort fingerprint `{cohort.fingerprint}`. "
        "Found by automatic rules; please check the articles before changing records.\n"
    )
    for line in counts.to_dict("records"):
        flags = ledger.table[ledger.table["rule"] == line["rule"]]
        target.write(_report_rule(line, flags, most))
    return target.getvalue()


def _report_rule(line: Mapping[Hashable, Any], flags: pd.DataFrame, most: int) -> str:
    """Make one rule's part of the report."""
    head = (
        f"\n## {line['title']} ({line['severity']}, {format_units(line['n_images'], 'image')} of "
        f"{format_units(line['n_patients'], 'patient')})\n\n{line['meaning']} {line['action']}\n\n"
    )
    rows = flags.head(most)[["row", "image_id", "patient_id", "column", "value"]]
    lines = [
        f"| {row} | {_code(image)} | {_code(patient)} | {_code(column)} | {_code(value)} |"
        for row, image, patient, column, value in rows.itertuples(index=False, name=None)
    ]
    table = ["| row | image | patient | column | value |", "|---:|---|---|---|---|", *lines]
    rest = len(flags) - len(rows)
    if rest:
        table += ["", f"And {rest:,} more; the CSV file lists all."]
    return head + "\n".join(table) + "\n"


def _code(text: str) -> str:
    """Put text from the cohort into a code span of a table's cell."""
    line = "".join(sign if sign.isprintable() else " " for sign in text).strip()
    if not line:
        return "–"
    longest = max((len(run) for run in line.split("`") if not run), default=0)
    fence = "`" * (2 + longest if "`" in line else 1)
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")
