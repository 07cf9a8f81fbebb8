"""The cohort: a folder of X-rays and their metadata as one checked, typed table.

A cohort's folder has the layout of the COVID-19 Image Data Collection: metadata.csv, images
in images/, annotations in annotations/. Every row of the metadata is a row of the table:
rows without a file, CT rows and unreadable images stay, with their reason. Leaving rows out
is a selection, which is explicit and remembered.
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import NOT_RECORDED, Progress
from cxrlib.cohort.annotations import find_lung_masks, read_lung_boxes, read_scores
from cxrlib.cohort.extra_columns import EXTRA, ExtraColumn, type_extra
from cxrlib.cohort.findings import is_usable, parse_finding
from cxrlib.cohort.form import METADATA_FILE
from cxrlib.cohort.import_notes import read_import_notes
from cxrlib.cohort.input_problems import ProblemLog
from cxrlib.cohort.metadata import (
    PAPER_FRONTAL_VIEWS,
    XRAY_VIEWS,
    YES_NO_COLUMNS,
    Records,
    find_frontal_views,
    find_lacking,
    read_records,
    type_records,
)
from cxrlib.cohort.planted_truth import make_encodable, read_planted
from cxrlib.cohort.regions import UNKNOWN, find_place, find_subdivision, split_country
from cxrlib.cohort.states import label_states
from cxrlib.errors import ImageError, SelectionError
from cxrlib.html_repr import format_html
from cxrlib.storage import hash_annotations, hash_files, locate_image

if TYPE_CHECKING:
    from cxrlib.storage import Store

COLUMNS = (
    "image_id", "row", "patient_id", "person_id", "offset", "sex", "age", "finding",
    "finding_type", "finding_genus", "usable_finding", *YES_NO_COLUMNS, "temperature",
    "pO2_saturation", "leukocyte_count", "neutrophil_count", "lymphocyte_count", "view",
    "modality", "is_xray", "date", "location", "country", "sub_region", "region", "filename",
    "file_status", "file_reason", "sha256", "width", "height", "article", "source", "url",
    "license", "clinical_notes", "other_notes", "geographic_mean", "opacity_mean", "has_lung_box",
    "has_lung_mask", "is_last_image", "state", "state_reasons", "state_overlap",
)  # fmt: skip


SHOWN_COLUMNS = (
    *("image_id", "patient_id", "offset", "sex", "age", "finding", "view", "country"),
    "state",
)
"""Columns that a notebook shows of a cohort."""


class Keeping(NamedTuple):
    """Hold one step of a selection.

    Parameters
    ----------
    keep : Series of bool
        On the index of a cohort's table, without missing values.
    label : str
        What is kept, in words.
    reasons : Series of str or None
        Why a row goes, for counting; `label` with "not" before it where None.
    """

    keep: pd.Series
    label: str
    reasons: pd.Series | None = None


@dataclass(frozen=True)
class SelectionStep:
    """Hold the counts of one selection.

    Parameters
    ----------
    label : str
        What was kept, in words.
    n_images, n_patients : int
        Rows left, and patient ids of the X-rays among them.
    removed : dict of str to int
        Rows taken away, by reason.
    """

    label: str
    n_images: int
    n_patients: int
    removed: dict[str, int]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Hold a cohort: its table, the problems of its files, and the selections made.

    Parameters
    ----------
    name : str
        "Demo (synthetic)", or the folder's name.
    root : Path
        The folder, resolved.
    table : DataFrame
        One row an image, in the file's order, with the columns `COLUMNS`, then the extra ones as
        "extra:NAME". Text not recorded is missing (not ""), except for filename and
        file_reason. `row` counts the records of metadata.csv as a spreadsheet does, the header
        being row 1.
    problems : DataFrame
        Bad input, a line each: file, row, column, value, problem, action.
    readings : DataFrame
        Values that are not in our form and were understood: file, column, value, read_as, rule,
        n_rows.
    duplicates : DataFrame
        Near-identical images: image_id_1, image_id_2, patient_id_1, patient_id_2, likeness,
        agreement, overlap and matches (see `cxrlib.cohort.near_duplicates`). Those under two ids
        made the person_id.
    fingerprint : str
        SHA-256 over metadata, annotations and the contents of the X-rays' files, the same
        wherever the folder lies.
    is_synthetic : bool
        Whether the folder says that it is made up (planted.json).
    planted : dict
        What planted.json holds; {} for a real cohort.
    steps : tuple of SelectionStep
        Selections that led here; () for the whole cohort.
    appearance : DataFrame or None
        What the image files look like, by sha256 (see `cxrlib.cohort.appearance`); None if the
        images were not inspected.
    cache : Path or None
        Folder that it was loaded with, which keeps what is computed of it.
    extra : tuple of ExtraColumn
        Columns of metadata.csv beyond those that are known, and labels that were attached.
    notes : tuple of str
        What the import of the cohort says of every number of it; () where it was not imported.
    frontal_views : tuple of str
        Views that count as frontal (`cxrlib.cohort.metadata.find_frontal_views`): of the map, the
        tables and the tasks.
    lacking : mapping
        Columns of the form without a value, each with "no such column" or "no value" (see
        `cxrlib.cohort.list_lacking_columns`).
    """

    name: str
    root: Path
    table: pd.DataFrame
    problems: pd.DataFrame
    duplicates: pd.DataFrame
    fingerprint: str
    is_synthetic: bool
    planted: dict[str, Any]
    steps: tuple[SelectionStep, ...] = ()
    appearance: pd.DataFrame | None = None
    cache: Path | None = None
    extra: tuple[ExtraColumn, ...] = ()
    readings: pd.DataFrame = field(default_factory=lambda: ProblemLog().tabulate_readings())
    notes: tuple[str, ...] = ()
    frontal_views: tuple[str, ...] = PAPER_FRONTAL_VIEWS
    lacking: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Cohort({self.name!r}, {self.n_images} images of {self.n_patients} patients)"

    def _repr_html_(self) -> str:
        """Show counts and the first and last rows in a notebook."""
        heading = f"{self.name}: {self.n_images:,} images of {self.n_patients:,} patients"
        return format_html(heading, self.table[list(SHOWN_COLUMNS)])

    @property
    def n_images(self) -> int:
        """Number of rows."""
        return len(self.table)

    @property
    def n_patients(self) -> int:
        """Number of patient ids as recorded, of X-rays only: CT rows bring some of their own."""
        return len(np.unique(self._xray_patients[self._xray_patients >= 0]))

    @property
    def n_persons(self) -> int | None:
        """Number of persons on X-rays, or None if the images were not inspected."""
        persons = self.table.loc[self.table["is_xray"], "person_id"]
        return None if len(persons) and persons.isna().all() else int(persons.nunique())

    def select(self, keep: pd.Series, label: str, *, reasons: pd.Series | None = None) -> "Cohort":
        """Keep the rows marked True; remember what went.

        Parameters
        ----------
        keep : Series of bool
            On the table's index, without missing values.
        label : str
            What is kept, in words.
        reasons : Series of str, optional
            Why a row goes, for counting; `label` with "not" before it unless given.

        Returns
        -------
        Cohort
            The same cohort with fewer rows, numbered anew, and one step more.

        Raises
        ------
        SelectionError
            If `keep` does not fit the table.
        """
        return self.select_in_steps([Keeping(keep, label, reasons)])

    def select_in_steps(self, keepings: Sequence[Keeping]) -> "Cohort":
        """Keep the rows that all steps keep; remember what went at each.

        The same as one `select` after the other, in a fraction of the time: rows of a wide table
        are slow to take, and here they are taken once.

        Parameters
        ----------
        keepings : sequence of Keeping
            All of them on this cohort's table.

        Raises
        ------
        SelectionError
            If a step does not fit the table.
        """
        left, steps = np.ones(self.n_images, dtype=bool), list(self.steps)
        for keeping in keepings:
            kept = left & self._check_keep(keeping)
            steps.append(self._count_step(keeping, left, kept))
            left = kept
        table = self.table[left].reset_index(drop=True)
        return replace(self, table=table, steps=tuple(steps))

    def _check_keep(self, keeping: Keeping) -> NDArray[np.bool_]:
        """Return which rows a step keeps, shape (n_images,)."""
        keep = keeping.keep
        if not keep.index.equals(self.table.index) or keep.isna().any():
            raise SelectionError(
                f"The selection {keeping.label!r} has {len(keep)} values for {self.n_images} "
                "images, or some are missing: it needs True or False for each row of the cohort's "
                "table."
            )
        return keep.to_numpy(dtype=bool)

    def _count_step(
        self, keeping: Keeping, before: NDArray[np.bool_], after: NDArray[np.bool_]
    ) -> SelectionStep:
        """Count what a step left, and why the others went."""
        gone = before & ~after
        if keeping.reasons is None:
            removed = {f"not {keeping.label}": int(gone.sum())} if gone.any() else {}
        else:
            why = keeping.reasons.reindex(self.table.index).to_numpy(dtype=object)[gone]
            removed = dict(Counter(str(each) for each in why if not pd.isna(each)).most_common())
        patients = self._xray_patients[after]
        return SelectionStep(
            label=keeping.label,
            n_images=int(after.sum()),
            n_patients=len(np.unique(patients[patients >= 0])),
            removed=removed,
        )

    @cached_property
    def _xray_patients(self) -> NDArray[np.intp]:
        """Number the patient of each row, shape (n_images,); -1 where it is no X-ray."""
        patients, _ = pd.factorize(self.table["patient_id"])
        return np.where(self.table["is_xray"].to_numpy(dtype=bool), patients, -1)

    @cached_property
    def keeping_xrays(self) -> Keeping:
        """Give the step that keeps X-rays."""
        reasons = "modality " + self.table["modality"].fillna("not recorded")
        return Keeping(self.table["is_xray"], "X-rays", reasons)

    def select_xrays(self) -> "Cohort":
        """Keep X-rays."""
        return self.select_in_steps([self.keeping_xrays])

    def select_with_file(self) -> "Cohort":
        """Keep images that have a file and, where images were inspected, a readable one."""
        status = self.table["file_status"]
        return self.select(status == "ok", "with a readable file", reasons=status)

    def select_views(self, views: Iterable[str]) -> "Cohort":
        """Keep X-rays of some views; "not recorded" keeps those without one.

        Raises
        ------
        SelectionError
            If a view is neither one of X-rays nor one that the table has.
        """
        views = tuple(views)
        view = self.table["view"]
        known = (*XRAY_VIEWS, NOT_RECORDED)
        unknown = [v for v in views if v not in known and not (view == v).any()]
        if unknown:
            there = ", ".join(sorted(view.dropna().unique()))
            raise SelectionError(f"There is no view {unknown[0]!r}. The cohort has {there}.")
        reasons = ("view " + view.fillna("not recorded")).where(
            self.table["is_xray"], "not an X-ray"
        )
        keep = self.table["is_xray"] & view.fillna(NOT_RECORDED).isin(views)
        return self.select(keep, f"view {', '.join(views)}", reasons=reasons)

    def select_frontal(self) -> "Cohort":
        """Keep frontal X-rays: the `frontal_views`."""
        return self.select_views(self.frontal_views)

    def select_usable_finding(self) -> "Cohort":
        """Keep images whose finding is not "todo", "Unknown" or blank."""
        reasons = "finding " + self.table["finding"].fillna("not recorded")
        return self.select(self.table["usable_finding"], "with a diagnosis", reasons=reasons)

    def image_path(self, image_id: str) -> Path:
        """Return the path of an image's file, which lies within the cohort's folder.

        Raises
        ------
        SelectionError
            If the cohort has no such image.
        ImageError
            If the image has no file that can be used.
        """
        place = self._places.get(image_id)
        if place is None:
            near = difflib.get_close_matches(image_id, self._places, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SelectionError(f"Cohort {self.name!r} has no image {image_id!r}.{hint}")
        filename, status, reason = place
        if status != "ok":
            raise ImageError(Path(filename or image_id), reason or "it is not an X-ray")
        # Looked at again: the folder may have changed since the cohort was loaded.
        path, _, reason = locate_image(self.root, filename)
        if path is None:
            raise ImageError(Path(filename), reason)
        return path

    @cached_property
    def _places(self) -> dict[str, tuple[str, str, str]]:
        """Map image ids to file name, file status and its reason."""
        columns = self.table[["filename", "file_status", "file_reason"]]
        rows = columns.itertuples(index=False, name=None)
        return dict(zip(self.table["image_id"], rows, strict=True))


# ---- loading


def load_cohort(
    root: Path | str,
    *,
    store: "Store | None" = None,
    name: str | None = None,
    inspect_images: bool = True,
    on_progress: Progress | None = None,
) -> Cohort:
    """Load a cohort from its folder.

    Parameters
    ----------
    root : Path or str
        Folder with metadata.csv, images/ and annotations/.
    store : Store, optional
        Keeps hashes and signatures of images, so that a second start reads only what is
        new. Without one everything is read anew.
    name : str, optional
        Name to show; from planted.json, else the folder's.
    inspect_images : bool, default True
        Whether to decode the images. Without, person_id, width and height are missing and
        file_status "ok" only says that there is a file.
    on_progress : callable, optional
        Called with a stage in words, the number done and the number of all.

    Returns
    -------
    Cohort

    Raises
    ------
    CohortError
        If the folder or its metadata.csv cannot be used as a whole. What is wrong with
        single rows, cells, images and annotations is in `Cohort.problems`.

    Examples
    --------
    >>> load_cohort("no/such/folder")
    Traceback (most recent call last):
    cxrlib.errors.CohortError: There is no folder 'no/such/folder'. Give the folder that ...
    """
    problems = ProblemLog()
    records = read_records(Path(root), problems)
    root = Path(root).resolve()
    table = type_records(records, problems)
    extra_table, extra = _type_extra(records, problems)
    _add_places(table, problems)
    _add_findings(table)
    _add_annotations(table, root, problems)
    paths = _add_files(table, root)
    hashes = _add_hashes(table, paths, store, on_progress)
    appearance = None
    if inspect_images:
        duplicates = add_persons(table, paths, hashes, store, on_progress)
        appearance = _inspect_appearance(table, paths, store, on_progress)
    else:
        table["person_id"] = pd.Series(pd.NA, index=table.index, dtype="str")
        table[["width", "height"]] = pd.NA
        duplicates = _describe_pairs(table, _NO_PAIRS)
    table = table.astype({"width": "Int64", "height": "Int64"})
    _report_files(table, problems)
    planted, is_synthetic = read_planted(root, problems)
    notes = read_import_notes(root, problems)
    title = planted.get("name") or root.name or str(root)
    frontal = find_frontal_views(table, is_synthetic=is_synthetic)
    return Cohort(
        name=name or make_encodable(" ".join(title.split())),
        root=root,
        table=table.join(label_states(table, frontal=frontal))[list(COLUMNS)].join(extra_table),
        problems=problems.to_table(),
        readings=problems.tabulate_readings(),
        duplicates=duplicates,
        fingerprint=_compute_fingerprint(records.data, root, table),
        is_synthetic=is_synthetic,
        planted=planted,
        appearance=appearance,
        cache=None if store is None else store.root,
        extra=extra,
        notes=notes,
        frontal_views=frontal,
        lacking=find_lacking(records),
    )


def _type_extra(
    records: Records, problems: ProblemLog
) -> tuple[pd.DataFrame, tuple[ExtraColumn, ...]]:
    """Type the columns that are not known."""
    columns = [column for column in records.table.columns if column.startswith(EXTRA)]
    names = [column.removeprefix(EXTRA) for column in columns]
    return type_extra(names, records.table[columns], records.rows, problems)


def count_cohort(cohort: Cohort) -> dict[str, object]:
    """Count a cohort in numbers that JSON can hold.

    Patients and persons are counted over X-ray rows; n_missing are X-rays without a file,
    n_unreadable those whose file cannot be decoded, n_outside those whose file name leaves
    the folder. n_persons is None if the images were not inspected.
    """
    xrays = cohort.table[cohort.table["is_xray"]]
    status = xrays["file_status"].value_counts()
    return {
        "name": cohort.name,
        "is_synthetic": cohort.is_synthetic,
        "n_images": cohort.n_images,
        "n_xray": len(xrays),
        "n_xray_with_file": int(status.get("ok", 0)),
        "n_patients": cohort.n_patients,
        "n_persons": cohort.n_persons,
        "n_missing": int(status.get("no file", 0)),
        "n_unreadable": int(status.get("unreadable", 0)),
        "n_outside": int(status.get("outside", 0)),
        "n_problems": len(cohort.problems),
        "n_extra_columns": len(cohort.extra),
        "fingerprint": cohort.fingerprint,
    }


# ---- what the metadata say


def _add_places(table: pd.DataFrame, problems: ProblemLog) -> None:
    """Add country, sub_region and region."""
    locations = table["location"].fillna("")
    countries = {
        str(place): _find_country(str(place), n, problems)
        for place, n in locations.value_counts().items()
    }
    country = locations.map(countries)
    places = {name: find_place(name) for name in country.unique()}
    for row, name, location in zip(table["row"], country, locations, strict=True):
        if name != UNKNOWN and places[name] is None:
            either = find_subdivision(location)
            problems.add(
                METADATA_FILE,
                f"it could be {either[1]}: write the country after it"
                if either
                else "the country is not in the table of regions",
                "its region is Unknown",
                row=int(row),
                column="location",
                value=name,
            )
    found = [places[name] for name in country]
    table["country"] = [p.country if p else c for p, c in zip(found, country, strict=True)]
    table["sub_region"] = [p.sub_region if p else UNKNOWN for p in found]
    table["region"] = [p.region if p else UNKNOWN for p in found]


def _find_country(location: str, n_rows: int, problems: ProblemLog) -> str:
    """Find the country of a location; a state or province stands for its country."""
    subdivision = find_subdivision(location)
    if subdivision is None or not subdivision[0]:
        return split_country(location)
    country, name = subdivision
    rule = f"{name} is in {country}"
    problems.add_reading(
        METADATA_FILE, "location", location, read_as=country, rule=rule, n_rows=n_rows
    )
    return country


def _add_findings(table: pd.DataFrame) -> None:
    """Add finding_type, finding_genus and usable_finding."""
    findings = table["finding"].fillna("")
    parsed = [parse_finding(finding) for finding in findings]
    table["finding_type"] = pd.Series([f.kind for f in parsed], index=table.index, dtype="str")
    table["finding_genus"] = pd.Series([f.genus for f in parsed], index=table.index, dtype="str")
    table["usable_finding"] = [is_usable(finding) for finding in findings]


def _add_annotations(table: pd.DataFrame, root: Path, problems: ProblemLog) -> None:
    """Add geographic_mean, opacity_mean, has_lung_box and has_lung_mask."""
    names = [name for name in table["filename"] if name]
    scores = read_scores(root, names, problems).reindex(table["filename"])
    for column in scores.columns:
        table[column] = scores[column].array
    boxes = read_lung_boxes(root, names, problems)
    table["has_lung_box"] = table["filename"].isin(boxes["filename"])
    table["has_lung_mask"] = table["filename"].isin(find_lung_masks(root, names, problems))


# ---- files


def _add_files(table: pd.DataFrame, root: Path) -> dict[int, Path]:
    """Add file_status and file_reason; return the paths of the X-rays that have a file."""
    paths = {}
    statuses, reasons = [], []
    columns = table[["is_xray", "filename"]].itertuples(name=None)
    for i, is_xray, filename in columns:
        path, status, reason = (
            locate_image(root, filename) if is_xray else (None, "not an X-ray", "")
        )
        if path is not None:
            paths[i] = path
        statuses.append(status)
        reasons.append(reason)
    table["file_status"] = statuses
    table["file_reason"] = reasons
    return paths


def _add_hashes(
    table: pd.DataFrame,
    paths: dict[int, Path],
    store: "Store | None",
    on_progress: Progress | None,
) -> dict[int, str]:
    """Add sha256; a file that cannot be opened becomes unreadable."""
    files = list(dict.fromkeys(paths.values()))
    hashes, failures = hash_files(files, store=store, on_progress=on_progress)
    table["sha256"] = pd.Series(
        {i: hashes[path] for i, path in paths.items() if path in hashes}, dtype="str"
    ).reindex(table.index)
    for i, path in paths.items():
        if path in failures:
            _mark_unreadable(table, i, failures[path])
    return {i: hashes[path] for i, path in paths.items() if path in hashes}


def _mark_unreadable(table: pd.DataFrame, i: int, reason: str) -> None:
    table.loc[i, "file_status"] = "unreadable"
    table.loc[i, "file_reason"] = reason


def _report_files(table: pd.DataFrame, problems: ProblemLog) -> None:
    """Note X-rays whose file cannot be used; of missing ones only how many, where several are."""
    bad = table[table["is_xray"] & (table["file_status"] != "ok")]
    is_missing = bad["file_status"] == "no file"
    if is_missing.sum() > 1:
        problems.add(
            METADATA_FILE,
            f"{is_missing.sum():,} of {table['is_xray'].sum():,} X-rays have no file",
            "the rows are kept without an image; they are listed as missing files",
            column="filename",
        )
        bad = bad[~is_missing]
    for row, filename, reason in bad[["row", "filename", "file_reason"]].itertuples(
        index=False, name=None
    ):
        problems.add(
            METADATA_FILE,
            reason,
            "the row is kept without an image",
            row=int(row),
            column="filename",
            value=filename,
        )


# ---- persons


_NO_PAIRS = pd.DataFrame(columns=["first", "second", "likeness", "agreement", "overlap", "matches"])


def add_persons(
    table: pd.DataFrame,
    paths: dict[int, Path],
    hashes: dict[int, str],
    store: "Store | None",
    on_progress: Progress | None,
) -> pd.DataFrame:
    """Add person_id, width and height; return the near-identical images."""
    from cxrlib.cohort.near_duplicates import MIN_AGREEMENT_WITHIN, find_near_duplicates
    from cxrlib.cohort.persons import inspect_images, merge_persons

    files = {sha256: paths[i] for i, sha256 in hashes.items()}
    seen = inspect_images(files, store=store, on_progress=on_progress)
    for i, sha256 in hashes.items():
        if sha256 in seen.failures:
            _mark_unreadable(table, i, seen.failures[sha256])
    found = seen.table.reindex(table["sha256"]).set_index(table.index)
    table["width"] = found["width"].astype("Int64")
    table["height"] = found["height"].astype("Int64")
    looks = found.set_axis(table["image_id"]).dropna(subset="signature")
    found_pairs = find_near_duplicates(looks, store=store, on_progress=on_progress)
    duplicates = _describe_pairs(table, found_pairs)
    is_across = duplicates["patient_id_1"] != duplicates["patient_id_2"]
    is_copy = is_across | (duplicates["agreement"] >= MIN_AGREEMENT_WITHIN)
    duplicates = duplicates[is_copy].reset_index(drop=True)
    pairs = zip(duplicates["patient_id_1"], duplicates["patient_id_2"], strict=True)
    persons = merge_persons(table["patient_id"].unique(), pairs)
    table["person_id"] = table["patient_id"].map(persons)
    return duplicates


def _inspect_appearance(
    table: pd.DataFrame,
    paths: dict[int, Path],
    store: "Store | None",
    on_progress: Progress | None,
) -> pd.DataFrame:
    """Measure what the readable images look like."""
    from cxrlib.cohort.appearance import inspect_appearance

    readable = table.index[table["file_status"] == "ok"].intersection(list(paths))
    files = {table["sha256"][i]: paths[i] for i in readable}
    return inspect_appearance(files, store=store, on_progress=on_progress)


def _describe_pairs(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Put the patient ids beside pairs of image ids."""
    patient = table.set_index("image_id")["patient_id"]
    return pd.DataFrame(
        {
            "image_id_1": pairs["first"].astype("str"),
            "image_id_2": pairs["second"].astype("str"),
            "patient_id_1": pairs["first"].map(patient).astype("str"),
            "patient_id_2": pairs["second"].map(patient).astype("str"),
            "likeness": pairs["likeness"].astype(float),
            "agreement": pairs["agreement"].astype(float),
            "overlap": pairs["overlap"].astype(float),
            "matches": pairs["matches"].astype("int64"),
        }
    )


# ---- the fingerprint


def _compute_fingerprint(metadata: bytes, root: Path, table: pd.DataFrame) -> str:
    """Hash the metadata, the annotations (names, contents) and the X-rays (names, hashes)."""
    digest = hashlib.sha256(hashlib.sha256(metadata).digest())
    for part in (hash_annotations(root), _list_contents(table)):
        for name, sha256 in sorted(part):
            digest.update(f"{len(name)} {name} {sha256}\n".encode("utf-8", "surrogateescape"))
        digest.update(b"\n")
    return digest.hexdigest()


def _list_contents(table: pd.DataFrame) -> set[tuple[str, str]]:
    """Return name and content hash of each X-ray's file, "none" where it cannot be opened."""
    xrays = table[table["is_xray"]]
    return set(zip(xrays["filename"], xrays["sha256"].fillna("none"), strict=True))
