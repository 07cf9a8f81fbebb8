"""Groupings: by what images are held out together, as one word, and the group of each image.

``region``, ``sub-region``, ``country`` and ``source`` are places and sites. ``column:NAME`` takes
the values of any column of the record, or of a column that metadata.csv has besides, as groups.
``persons:5`` deals persons into five parts of equal class balance, for a cohort of one place;
``persons:5x10`` does so ten times. ``cohort:NAME`` tests on one of two cohorts that were joined and
trains on the other.
"""

import difflib
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.scores import MEAN, POOLED
from cxrlib.cohort import EXTRA, UNKNOWN, format_plainly, shorten_value
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units

HOLD_OUTS = ("region", "sub-region", "country", "source")
"""What can be held out of any cohort: places from large to small, and sites."""

GROUP_COLUMNS = (
    *("patient_id", "person_id", "article", "source", "region", "sub_region", "country", "view"),
    *("sex", "finding", "finding_type", "date", "location", "license"),
)
"""Columns of the record whose values can be groups; extra columns besides."""

MAX_PARTS = 50
MAX_REPEATS = 100
COHORT = "cohort"
"""Column of the rows of two joined cohorts."""

_COLUMNS = {"region": "region", "sub-region": "sub_region", "country": "country"}
_HELP = (
    f"Choose one of {', '.join(HOLD_OUTS)}, a column as in column:site, or parts of the persons as "
    "in persons:5 or, ten times, persons:5x10."
)


@dataclass(frozen=True)
class Grouping:
    """Hold what is held out.

    Parameters
    ----------
    kind : {"place", "column", "persons", "cohort"}
    name : str
        Of the place, column or cohort; "" for persons.
    n_parts, n_repeats : int
        Of persons; 0 and 1 else.
    """

    kind: Literal["place", "column", "persons", "cohort"]
    name: str = ""
    n_parts: int = 0
    n_repeats: int = 1

    def to_text(self) -> str:
        """Write it in its one spelling."""
        if self.kind == "place":
            return self.name
        if self.kind != "persons":
            return f"{self.kind}:{self.name}"
        return f"persons:{self.n_parts}" + (f"x{self.n_repeats}" if self.n_repeats > 1 else "")


def parse_hold_out(text: str) -> Grouping:
    """Read what is held out.

    Raises
    ------
    SelectionError
        If it is not understood; the message says what there is.

    Examples
    --------
    >>> parse_hold_out("persons:5x10").n_repeats, parse_hold_out("column:site").name
    (10, 'site')
    """
    if text in HOLD_OUTS:
        return Grouping("place", text)
    kind, colon, name = text.partition(":")
    if kind in ("column", "cohort") and name.strip():
        return Grouping(kind, name.strip())  # type: ignore[arg-type]
    if kind == "persons" and colon:
        return _parse_persons(text, name.strip())
    raise SelectionError(f"Cannot hold out by {text[:60]!r}. {_HELP}")


def _parse_persons(text: str, numbers: str) -> Grouping:
    match = re.fullmatch(r"([0-9]{1,4})(?:x([0-9]{1,4}))?", numbers)
    n_parts, n_repeats = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
    if not (2 <= n_parts <= MAX_PARTS and 1 <= n_repeats <= MAX_REPEATS):
        raise SelectionError(
            f"Cannot hold out by {text[:60]!r}. Write persons:5 for five parts of the persons, or "
            f"persons:5x10 to deal them ten times: 2 to {MAX_PARTS} parts, 1 to {MAX_REPEATS} "
            "times."
        )
    return Grouping("persons", "", n_parts, n_repeats)


def name_group(hold_out: str) -> str:
    """Name one group in words, without anything that is markup; a name stays as it is.

    Examples
    --------
    >>> name_group("region"), name_group("column:site"), name_group("persons:5x10")
    ('region', '“site” group', 'part of the persons')
    """
    try:
        grouping = parse_hold_out(hold_out)
    except SelectionError:
        return hold_out  # which is the name of a group already
    if grouping.kind == "column":
        return f"“{format_plainly(grouping.name, 40)}” group"
    return {"persons": PERSON_PART, "cohort": "cohort"}.get(grouping.kind, grouping.name)


PERSON_PART = "part of the persons"


def format_held_out(number: int | None, hold_out: str) -> str:
    """Name what is held out, with their count where one is given.

    Examples
    --------
    >>> format_held_out(1, "country"), format_held_out(2, "sub-region")
    ('1 country', '2 sub-regions')
    >>> format_held_out(None, "country"), format_held_out(5, "persons:5")
    ('countries', '5 parts of the persons')
    """
    noun = name_group(hold_out)
    plural = {"country": "countries", PERSON_PART: "parts of the persons"}.get(noun, f"{noun}s")
    if number is None:
        return plural
    return f"{number:,} {noun if number == 1 else plural}"


def describe_grouping(hold_out: str) -> str:
    """Describe in a few words how images are held out, for lists and headings.

    Examples
    --------
    >>> describe_grouping("country"), describe_grouping("persons:5x10")
    ('by country', 'by 5 parts of the persons, dealt 10 times')
    """
    grouping = parse_hold_out(hold_out)
    if grouping.kind == "persons":
        times = f", dealt {grouping.n_repeats} times" if grouping.n_repeats > 1 else ""
        return f"by {grouping.n_parts} parts of the persons{times}"
    if grouping.kind == "cohort":
        return f"tested on cohort {format_plainly(grouping.name)}"
    return f"by {name_group(hold_out)}"


def describe_held_out(hold_out: str) -> str:
    """Describe what is held out, as a clause.

    Examples
    --------
    >>> describe_held_out("region"), describe_held_out("cohort:b")
    ('each region held out once', 'trained on the first cohort, tested on cohort b')
    >>> describe_held_out("persons:5x10")
    'each of 5 parts of the persons held out once, dealt 10 times'
    """
    grouping = parse_hold_out(hold_out)
    if grouping.kind == "cohort":
        return f"trained on the first cohort, tested on cohort {format_plainly(grouping.name)}"
    if grouping.kind == "persons":
        times = f", dealt {grouping.n_repeats} times" if grouping.n_repeats > 1 else ""
        return f"each of {grouping.n_parts} parts of the persons held out once{times}"
    return f"each {name_group(hold_out)} held out once"


# ---- the group of each image


def list_groups(table: pd.DataFrame, hold_out: str, *, repeat: int = 0) -> np.ndarray:
    """Name the group of each image; "Unknown" where it is not recorded.

    One that is called as a score over groups is gets a name of its own: "mean (country)".

    Parameters
    ----------
    table : DataFrame
        Of a task's rows.
    hold_out : str
        As `parse_hold_out` reads it.
    repeat : int, default 0
        Which dealing of persons; nothing else depends on it.

    Returns
    -------
    ndarray of str, shape (n_images,)

    Raises
    ------
    SelectionError
        If there is no such way to hold out, no such column, or there are fewer persons than parts.
    """
    grouping = parse_hold_out(hold_out)
    if grouping.kind == "persons":
        return deal_persons(table, grouping.n_parts, repeat)
    names = _read_names(table, grouping)
    noun = grouping.name if grouping.kind == "place" else grouping.kind
    own = {name: f"{name} ({noun})" for name in (MEAN, POOLED)}
    return np.array([own.get(name, name) for name in names], dtype=object)


def _read_names(table: pd.DataFrame, grouping: Grouping) -> list[str]:
    """Read the name of each image's group."""
    if grouping.kind == "place":
        column = _COLUMNS.get(grouping.name, grouping.name)
    else:
        column = _find_column(table, grouping)
    values = table[column].to_numpy(dtype=object, na_value="")
    names = [str(value).strip() or UNKNOWN for value in values]
    return names if grouping.kind == "place" else [shorten_value(name) for name in names]


def _find_column(table: pd.DataFrame, grouping: Grouping) -> str:
    """Find the column of the rows that holds the groups."""
    if grouping.kind == "cohort":
        name = grouping.name[:60]
        if COHORT not in table:
            raise SelectionError(
                f"There is no cohort {name!r} to test on. Name its folder with --test-on."
            )
        if not (table[COHORT] == grouping.name).any():
            raise SelectionError(
                f"No image of cohort {name!r} can be tested: none has this label, these features, "
                "and passes the filters. A stored feature set holds the images of both cohorts; "
                f"where both have an id, that of the second is written 'ID ({name})'."
            )
        return COHORT
    if f"{EXTRA}{grouping.name}" in table:
        return f"{EXTRA}{grouping.name}"
    if grouping.name in GROUP_COLUMNS and grouping.name in table:
        return grouping.name
    extra = [str(name).removeprefix(EXTRA) for name in table if str(name).startswith(EXTRA)]
    there = ", ".join([*map(repr, extra[:8]), *GROUP_COLUMNS])
    # A task quotes names and says "extra:"; here all that follows the colon is the name.
    bare = grouping.name.removeprefix(EXTRA).strip('"')
    near = difflib.get_close_matches(bare[:80], [*extra, *GROUP_COLUMNS], n=1)
    hint = f"Did you mean column:{near[0]}? " if near else ""
    raise SelectionError(
        f"There is no column {grouping.name[:60]!r} to hold out by. {hint}Use {there}."
    )


def name_sources(table: pd.DataFrame) -> pd.Series:
    """Name the source of each image; one whose source is not recorded moves with its person."""
    sources = table["source"].fillna("").astype(str).str.strip()
    return sources.where(sources != "", "\0" + table["person_id"].astype(str))


def deal_persons(table: pd.DataFrame, n_parts: int, repeat: int = 0) -> np.ndarray:
    """Deal persons into parts with equal shares of the classes, or of low and high numbers.

    All images of a person are in one part. The order of the rows does not matter, and nothing is
    drawn: a person's place among those of like labels is a hash of id and `repeat`.

    Parameters
    ----------
    table : DataFrame
        person_id and y of each image.
    n_parts : int
    repeat : int, default 0
        Another gives another dealing.

    Returns
    -------
    ndarray of str, shape (n_images,)
        "part 1 of 5" and so on.

    Raises
    ------
    SelectionError
        If there are fewer persons than parts.
    """
    persons = table["person_id"].astype(str)
    means = table["y"].astype(float).groupby(persons.to_numpy()).mean()
    if len(means) < n_parts:
        raise SelectionError(
            f"{format_units(len(means), 'person')} cannot be dealt into {n_parts} parts. Use at "
            f"most persons:{max(len(means), 2)}, or widen the task."
        )
    place = {
        person: hashlib.sha256(f"{repeat} {person}".encode("utf-8", "surrogatepass")).hexdigest()
        for person in means.index
    }
    order = sorted(means.index, key=lambda each: (means[each], place[each]))
    # Neighbours in label go to different parts; which of them goes where is left to the hash.
    stratum = {person: i // n_parts for i, person in enumerate(order)}
    dealt = sorted(means.index, key=lambda each: (stratum[each], place[each]))
    part = {person: i % n_parts + 1 for i, person in enumerate(dealt)}
    width = len(str(n_parts))  # so that part 10 comes after part 9
    return np.array([f"part {part[each]:0{width}} of {n_parts}" for each in persons], dtype=object)
