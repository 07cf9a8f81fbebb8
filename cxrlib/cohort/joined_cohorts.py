"""Two cohorts as one: to train on the first and test on the second, nobody on both sides.

Persons are merged across the two by the rule within one: ids that share a near-identical image are
one person. An id that both cohorts have is one person where any id of both shares an image with
itself in the other, since the two then number the same people; else two people who are called
alike, which a sentence says.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cxrlib.aliases import Progress
from cxrlib.cohort.cohort import Cohort, add_persons
from cxrlib.cohort.extra_columns import EXTRA, ExtraColumn, type_extra
from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.persons import merge_persons
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units

if TYPE_CHECKING:
    from cxrlib.storage import Store

COHORT_COLUMN = "cohort"
"""Column of the joined table: the name of the cohort that a row comes from."""
VERSION = "joined-v1"


@dataclass(frozen=True, eq=False, repr=False)
class JoinedCohort(Cohort):
    """Hold two cohorts as one.

    Its table has a column "cohort" more. An image or patient id of the second that the first has
    too gets the second's name after it.

    Parameters
    ----------
    parts : tuple of Cohort
        The first and the second.
    note : str
        How persons were matched, in sentences.
    second_ids : mapping of str to str
        Image ids of the second as the second has them.
    """

    parts: tuple[Cohort, ...] = ()
    note: str = ""
    second_ids: Mapping[str, str] = field(default_factory=dict)

    def image_path(self, image_id: str) -> Path:
        """Return the path of an image's file, in the folder of its own cohort; raises as there."""
        if image_id in self.second_ids:
            return self.parts[1].image_path(self.second_ids[image_id])
        return self.parts[0].image_path(image_id)

    @property
    def test_name(self) -> str:
        """Name of the second cohort."""
        return str(self.table[COHORT_COLUMN].iloc[-1])


def join_cohorts(
    first: Cohort,
    second: Cohort,
    *,
    store: "Store | None" = None,
    on_progress: Progress | None = None,
) -> JoinedCohort:
    """Join two whole cohorts.

    Parameters
    ----------
    first, second : Cohort
        To train on and to test on.
    store : Store, optional
        Keeps which images are near-identical.
    on_progress : callable, optional

    Raises
    ------
    SelectionError
        If one is filtered, or both are the same.
    """
    for cohort in (first, second):
        if cohort.steps:
            raise SelectionError(
                f"Cohort {cohort.name!r} is filtered ({cohort.steps[-1].label}). Join whole "
                "cohorts; give the filters to the run, for example where='view=AP'."
            )
    if first.fingerprint == second.fingerprint:
        raise SelectionError(
            f"{first.name!r} and {second.name!r} are the same cohort: there is nothing else to "
            "test on. Name another folder."
        )
    names = (first.name, second.name if second.name != first.name else f"{second.name} (2)")
    tables = [_take_table(each, name) for each, name in zip((first, second), names, strict=True)]
    ids = _rename(tables, "image_id", names[1])
    shared = set(tables[0]["patient_id"]) & set(tables[1]["patient_id"])
    _rename(tables, "patient_id", names[1])
    table = pd.concat(tables, ignore_index=True)
    text, extra = _join_extra(first, second)
    problems = pd.concat([first.problems, second.problems], ignore_index=True)
    appearances = [each.appearance for each in (first, second) if each.appearance is not None]
    digest = f"{VERSION} {first.fingerprint} {second.fingerprint}"
    appearance = pd.concat(appearances) if appearances else None
    joined = JoinedCohort(
        name=f"{names[0]} and {names[1]}",
        root=first.root,
        table=table,
        problems=problems,
        readings=pd.concat([first.readings, second.readings], ignore_index=True),
        duplicates=pd.concat([first.duplicates, second.duplicates], ignore_index=True),
        fingerprint=hashlib.sha256(digest.encode("ascii")).hexdigest(),
        is_synthetic=first.is_synthetic or second.is_synthetic,
        planted={},
        appearance=None if appearance is None else appearance[~appearance.index.duplicated()],
        cache=first.cache if store is None else store.root,
        extra=extra,
        notes=tuple(dict.fromkeys((*first.notes, *second.notes))),
        # Where one is the paper's the joined one counts as the paper does.
        frontal_views=min(first.frontal_views, second.frontal_views, key=len),
        lacking={name: why for name, why in first.lacking.items() if name in second.lacking},
        parts=(first, second),
        second_ids={new: own for own, new in ids.items()},
    )
    return _match_persons(_add_extra(joined, text), shared, names[1], store, on_progress)


def _take_table(cohort: Cohort, name: str) -> pd.DataFrame:
    columns = [column for column in cohort.table if not str(column).startswith(EXTRA)]
    return cohort.table[columns].assign(**{COHORT_COLUMN: name})


def _rename(tables: list[pd.DataFrame], column: str, name: str) -> dict[str, str]:
    """Give the second's ids that the first has another name; return all of the second's."""
    taken, names = set(tables[0][column]), {}
    for own in dict.fromkeys(tables[1][column]):
        found = own if own not in taken else f"{own} ({name})"
        while found in taken:
            found += "#"
        names[own] = found
        taken.add(found)
    tables[1][column] = tables[1][column].map(names).astype(tables[0][column].dtype)
    return names


def _join_extra(first: Cohort, second: Cohort) -> tuple[pd.DataFrame, tuple[ExtraColumn, ...]]:
    """Type the extra columns of both anew: one name is one column."""
    names = list(dict.fromkeys(column.name for each in (first, second) for column in each.extra))
    parts = [
        pd.DataFrame({name: _write_words(cohort, name) for name in names}, index=cohort.table.index)
        for cohort in (first, second)
    ]
    text = pd.concat(parts, ignore_index=True)
    table, columns = type_extra(names, text, [0] * len(text), ProblemLog())
    notes = {
        column.name: column for each in (second, first) for column in each.extra if column.note
    }
    described = tuple(
        replace(column, note=notes[column.name].note, file=notes[column.name].file)
        if column.name in notes
        else column
        for column in columns
    )
    return table, described


def _write_words(cohort: Cohort, name: str) -> pd.Series:
    """Write an extra column as a file would have it, "" where it is not recorded or not there."""
    if f"{EXTRA}{name}" not in cohort.table:
        return pd.Series("", index=cohort.table.index)
    values = cohort.table[f"{EXTRA}{name}"].astype(object)
    return values.map(
        lambda value: "" if pd.isna(value) or value == "not recorded" else _write(value)
    )


def _write(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _add_extra(joined: JoinedCohort, table: pd.DataFrame) -> JoinedCohort:
    return replace(joined, table=joined.table.join(table))


# ---- persons


def _match_persons(
    joined: JoinedCohort,
    shared: set[str],
    name: str,
    store: "Store | None",
    on_progress: Progress | None,
) -> JoinedCohort:
    """Merge persons across both; without inspected images an id is a person."""
    table = joined.table.copy()
    if any(each.n_persons is None for each in joined.parts):
        return _match_ids(joined, table, shared, name)
    usable = table["file_status"].eq("ok")
    paths = {i: joined.image_path(str(table.at[i, "image_id"])) for i in table.index[usable]}
    hashes = {i: str(table.at[i, "sha256"]) for i in paths}
    duplicates = add_persons(table, paths, hashes, store, on_progress)
    renamed = {f"{own} ({name})": own for own in shared}
    pairs = list(zip(duplicates["patient_id_1"], duplicates["patient_id_2"], strict=True))
    is_same = any(renamed.get(b) == a or renamed.get(a) == b for a, b in pairs)
    if is_same:
        pairs += [(own, new) for new, own in renamed.items()]
        persons = merge_persons(table["patient_id"].unique(), pairs)
        table["person_id"] = table["patient_id"].map(persons)
    n_both = _count_both(table)
    note = _describe_persons(n_both, len(shared), is_same=is_same)
    return replace(joined, table=table, duplicates=duplicates, note=note)


def _match_ids(
    joined: JoinedCohort, table: pd.DataFrame, shared: Iterable[str], name: str
) -> JoinedCohort:
    """Where images were not looked at, equal ids are one person: no other sign says otherwise."""
    back = {f"{own} ({name})": own for own in shared}
    table["person_id"] = table["patient_id"].map(lambda each: back.get(each, each)).astype("str")
    note = "The images were not inspected, so persons are matched by their ids alone."
    return replace(joined, table=table, note=note)


def list_shared_persons(joined: JoinedCohort) -> pd.DataFrame:
    """List the persons with images in both of two joined cohorts.

    Returns
    -------
    DataFrame
        person_id; first_ids and second_ids, the patient ids of each cohort as it has them, joined
        by ", ".
    """
    own = pd.concat([each.table["patient_id"] for each in joined.parts], ignore_index=True)
    is_second = joined.table[COHORT_COLUMN].to_numpy() == joined.test_name
    persons = joined.table["person_id"]
    sides = [
        own[side].groupby(persons[side]).agg(lambda ids: ", ".join(dict.fromkeys(ids)))
        for side in (~is_second, is_second)
    ]
    both = pd.concat(sides, axis=1, join="inner", keys=["first_ids", "second_ids"])
    return both.rename_axis("person_id").reset_index()


def _count_both(table: pd.DataFrame) -> int:
    """Count the persons with images in both cohorts."""
    return int((table.groupby("person_id")[COHORT_COLUMN].nunique() > 1).sum())


def _describe_persons(n_both: int, n_shared: int, *, is_same: bool) -> str:
    both = f"{format_units(n_both, 'person')} {'has' if n_both == 1 else 'have'}"
    note = f"{both} images in both cohorts, by near-identical images."
    if not n_shared:
        return note
    ids = f"{format_units(n_shared, 'patient id')} {'is' if n_shared == 1 else 'are'} in both"
    if is_same:
        return (
            f"{both} images in both cohorts: {ids} and some of them share an image, so equal ids "
            "are one person."
        )
    return f"{note} {ids} and none shares an image, so equal ids are taken for different people."
