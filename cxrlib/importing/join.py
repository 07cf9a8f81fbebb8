"""Several cohorts written as one: ids that collide made distinct, persons of both named.

Images get a second name on the same disk, or are copied where that cannot be. Persons are found as
in one cohort, by near-identical images. Where an id that two cohorts have shares an image with
itself in the other, both number the same people and their equal ids are one; else equal ids are
different people, and the later cohort's get its name after them.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxrlib import __version__
from cxrlib.aliases import Progress
from cxrlib.cohort import (
    COHORT_COLUMN,
    EXTRA,
    IMPORT_FILE,
    METADATA_COLUMNS,
    METADATA_FILE,
    ProblemLog,
    load_cohort,
    name_extra,
    read_import_notes,
    read_records,
)
from cxrlib.errors import CohortError
from cxrlib.importing.report import REPORT_FILE
from cxrlib.importing.target import check_apart, share_file, write_target
from cxrlib.number_text import format_units
from cxrlib.storage import ANNOTATIONS_FOLDER, IMAGES_FOLDER, hash_file, locate_image, write_whole

if TYPE_CHECKING:
    from cxrlib.storage import Store

STAGE = "Joining images"
MOST_NAMED = 50


@dataclass
class JoinReport:
    """Hold what a join did.

    Parameters
    ----------
    names : list of str
        Of the cohorts.
    n_rows : dict of str to int
        Images of each.
    renamed : dict of str to list of str
        Patient ids of each cohort that got its name, since an earlier one has them.
    same_numbers : list of str
        Cohorts whose equal ids are one person.
    persons : list of dict
        Persons with images in more than one cohort: their patient ids by cohort.
    n_linked, n_copied, n_missing : int
        Images.
    left : list of str
        What is not carried over, in words.
    notes : list of str
    """

    names: list[str]
    n_rows: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, list[str]] = field(default_factory=dict)
    same_numbers: list[str] = field(default_factory=list)
    persons: list[dict[str, list[str]]] = field(default_factory=list)
    n_linked: int = 0
    n_copied: int = 0
    n_missing: int = 0
    left: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_joined(
    roots: Sequence[Path],
    target: Path,
    *,
    store: "Store | None" = None,
    on_progress: Progress | None = None,
) -> JoinReport:
    """Write several cohorts as one.

    Parameters
    ----------
    roots : sequence of Path
        Folders in our form, two or more.
    target : Path
        New or empty folder, apart from all of them.
    store : Store, optional
        Keeps what is computed of the images.
    on_progress : callable, optional

    Raises
    ------
    CohortError
        If one cannot be read, two are the same, or the target cannot be written.
    """
    folders = [root.resolve() for root in roots]
    if len(folders) < 2:
        raise CohortError("A join takes at least two cohorts: name another folder.")
    for i, folder in enumerate(folders):
        check_apart(folder, target)
        if folder in folders[:i]:
            raise CohortError(f"{folder.name!r} is named twice. Name each cohort once.")
    names = _name_cohorts(folders)
    report = JoinReport(names)
    tables = [_read_table(folder, name) for folder, name in zip(folders, names, strict=True)]
    begun = {"join": [[str(folder), hash_file(folder / METADATA_FILE)] for folder in folders]}
    with write_target(target, begun) as work:
        originals = _rename_ids(tables, report)
        for folder, name, table in zip(folders, names, tables, strict=True):
            report.n_rows[name] = len(table)
            _place_images(folder, name, table, work, report, on_progress)
            _leave_annotations(folder, name, report)
        joined = pd.concat(tables, ignore_index=True).fillna("")
        _write_table(joined, work)
        _match_persons(joined, originals, work, report, store, on_progress)
        report.notes = _collect_notes(folders)
        _write_report(report, work)
    return report


def _name_cohorts(folders: Sequence[Path]) -> list[str]:
    """Name the cohorts by their folders, each once, so that a name can be one of a folder."""
    names: list[str] = []
    for folder in folders:
        names.append(name_extra(folder.name or "cohort", names))
    return names


def _read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read the cells of a cohort's metadata.csv as they are, with the name of the cohort."""
    table = read_records(folder, ProblemLog()).table
    taken = f"{EXTRA}{COHORT_COLUMN}"
    if taken in table:
        table = table.rename(columns={taken: f"{EXTRA}{COHORT_COLUMN} (before)"})
    return table.assign(**{taken: name})


def _rename_ids(tables: Sequence[pd.DataFrame], report: JoinReport) -> dict[tuple[str, str], str]:
    """Give ids that an earlier cohort has another name; return the old one of each by cohort."""
    taken: set[str] = set()
    originals: dict[tuple[str, str], str] = {}
    for name, table in zip(report.names, tables, strict=True):
        own = [each for each in dict.fromkeys(table["patientid"]) if each]
        given: dict[str, str] = {"": ""}
        for each in own:
            new = each if each not in taken else f"{each} ({name})"
            while new in taken or (new != each and new in own):
                new += "#"
            given[each] = new
            originals[name, new] = each
        taken |= set(given.values())
        report.renamed[name] = [each for each in own if given[each] != each]
        table["patientid"] = table["patientid"].map(given)
    return originals


def _place_images(
    folder: Path,
    name: str,
    table: pd.DataFrame,
    work: Path,
    report: JoinReport,
    on_progress: Progress | None,
) -> None:
    """Put the images of a cohort into a folder of its own below images/."""
    below = name.replace("/", "_").replace("\\", "_").lstrip(".") or "cohort"
    placed: list[str] = []
    for done, filename in enumerate(table["filename"], start=1):
        path, _, _ = locate_image(folder, filename)
        new = f"{below}/{filename}" if filename else ""
        placed.append(new)
        if path is None:
            report.n_missing += 1
        elif share_file(
            path, work / IMAGES_FOLDER / below / path.relative_to(folder / IMAGES_FOLDER)
        ):
            report.n_linked += 1
        else:
            report.n_copied += 1
        if on_progress is not None:
            on_progress(STAGE, done, len(table))
    table["filename"] = placed


def _leave_annotations(folder: Path, name: str, report: JoinReport) -> None:
    """Name the annotations of a cohort, which are made for its own file names."""
    there = folder / ANNOTATIONS_FOLDER
    if there.is_dir() and (files := sum(path.is_file() for path in there.rglob("*"))):
        report.left.append(
            f"{format_units(files, 'file')} of {ANNOTATIONS_FOLDER}/ of {name} (severity scores, "
            "lung boxes and masks)"
        )


def _write_table(joined: pd.DataFrame, work: Path) -> None:
    known = [name for name in METADATA_COLUMNS if name in joined]
    extra = [name for name in joined if str(name).startswith(EXTRA)]
    header = [*known, *(str(name).removeprefix(EXTRA) for name in extra)]
    with (work / METADATA_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(joined[[*known, *extra]].itertuples(index=False, name=None))


# ---- persons


def _match_persons(
    joined: pd.DataFrame,
    originals: dict[tuple[str, str], str],
    work: Path,
    report: JoinReport,
    store: "Store | None",
    on_progress: Progress | None,
) -> None:
    """Find persons with images in several cohorts; make ids one where cohorts number alike."""
    cohort = load_cohort(work, store=store, on_progress=on_progress)
    of = dict(zip(joined["patientid"], joined[f"{EXTRA}{COHORT_COLUMN}"], strict=True))
    pairs = zip(cohort.duplicates["patient_id_1"], cohort.duplicates["patient_id_2"], strict=True)
    alike = {
        (of[a], of[b])
        for a, b in pairs
        if a in of and b in of and of[a] != of[b] and originals[of[a], a] == originals[of[b], b]
    }
    if alike:
        same = {name for pair in alike for name in pair}
        back = {new: own for (name, new), own in originals.items() if name in same and new != own}
        report.same_numbers = [name for name in report.names if name in same]
        report.renamed = {name: [] if name in same else ids for name, ids in report.renamed.items()}
        joined["patientid"] = joined["patientid"].replace(back)
        _write_table(joined, work)
        cohort = load_cohort(work, store=store, on_progress=on_progress)
    table = cohort.table[["person_id", "patient_id", f"{EXTRA}{COHORT_COLUMN}"]].drop_duplicates()
    for _, rows in table.groupby("person_id", sort=False):
        by_cohort = rows.groupby(f"{EXTRA}{COHORT_COLUMN}", sort=False)["patient_id"]
        if by_cohort.ngroups > 1:
            report.persons.append({str(name): sorted(ids) for name, ids in by_cohort})


# ---- the report


def _collect_notes(folders: Sequence[Path]) -> list[str]:
    notes = (note for folder in folders for note in read_import_notes(folder, ProblemLog()))
    return list(dict.fromkeys(notes))


def describe_join(report: JoinReport) -> Iterator[str]:
    """Describe a join in lines: images, ids, persons, what is not carried over."""
    parts = (f"{name} ({format_units(n, 'image')})" for name, n in report.n_rows.items())
    yield f"Joined: {', '.join(parts)}."
    yield (
        f"Images: {report.n_linked:,} linked, {report.n_copied:,} copied, {report.n_missing:,} "
        "without a file."
    )
    for name, ids in report.renamed.items():
        if ids:
            yield (
                f"{format_units(len(ids), 'patient id')} of {name} got its name, since an earlier "
                f"cohort has them: {', '.join(ids[:5])}{', ...' if len(ids) > 5 else ''}"
            )
    if report.same_numbers:
        yield (
            f"{' and '.join(report.same_numbers)} number the same people: an id that both have "
            "shares an image with itself, so equal ids are one patient."
        )
    yield f"{format_units(len(report.persons), 'person')} with images in more than one cohort."
    for person in report.persons[:MOST_NAMED]:
        yield "  " + "; ".join(f"{name}: {', '.join(ids)}" for name, ids in person.items())
    if len(report.persons) > MOST_NAMED:
        yield f"  and {len(report.persons) - MOST_NAMED:,} more: all are in {IMPORT_FILE}"
    for words in report.left:
        yield f"Not carried over: {words}."
    for note in report.notes:
        yield f"Note on every number: {note}"


def make_join_record(report: JoinReport) -> dict[str, Any]:
    """Make what import.json of a join holds, the notes first."""
    return {"notes": report.notes, "version": __version__, "joined": report.names} | {
        "n_rows": report.n_rows,
        "renamed_patient_ids": report.renamed,
        "same_numbers": report.same_numbers,
        "persons_in_several": report.persons,
        "images": {
            "linked": report.n_linked,
            "copied": report.n_copied,
            "without_a_file": report.n_missing,
        },
        "not_carried_over": report.left,
    }


def _write_report(report: JoinReport, work: Path) -> None:
    record = json.dumps(make_join_record(report), ensure_ascii=True, indent=1)
    write_whole(work / IMPORT_FILE, record.encode("ascii"))
    write_whole(work / REPORT_FILE, "\n".join([*describe_join(report), ""]).encode())
