"""What an import of DICOM files read, changed and left, in numbers: nothing of a file is quoted.

Not even the names of files and folders, which can hold names: a file is counted by its reason, and
known by its number among the files of the source in order of their paths.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cxrlib import __version__
from cxrlib.cohort import IMPORT_FILE
from cxrlib.images import TAGS
from cxrlib.importing.dicom_header import OLDEST, READ, REMARKS
from cxrlib.importing.dicom_source import COLUMNS, DicomSource
from cxrlib.importing.report import REPORT_FILE
from cxrlib.number_text import format_units
from cxrlib.storage import write_whole

MOST_NUMBERS = 20  # files of one reason that are named by number

NOTES = (
    "offset counts days from the patient's first study in the folder, not from first symptoms.",
    f"Ages of {OLDEST} years and more are written as {OLDEST}.",
    "Ids and file names are keyed hashes; the key is not in this folder. Intervals between studies "
    "are kept.",
    "Text in the pixels is flagged, not removed: look at each image before you pass it on.",
)


def make_record(source: DicomSource, fingerprint: str) -> dict[str, Any]:
    """Make the record of an import, of what JSON can hold; before the second pass, of all films."""
    from pydicom.datadict import keyword_for_tag

    made = source.made.values()
    films = [e.film for e in source.films if e.film.image in source.made or not source.made]
    present: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for tag, n in source.count_elements().items():
        group = tag >> 16
        if group % 2:
            other["private elements"] += n
        elif 0x6000 <= group <= 0x60FF:
            other["elements of overlays"] += n
        elif keyword := keyword_for_tag(tag):
            present[keyword] += n
        else:
            other["elements that the standard does not know"] += n
    kinds = ("failed", "not wanted", "other")
    return {
        "recipe": "dicom",
        "version": __version__,
        "key_fingerprint": fingerprint,
        "options": {
            "assume_chest": source.options.assume_chest,
            "keep_raw": source.options.keep_raw,
        },
        "notes": list(NOTES),
        "n_files": source.n_files,
        "n_rows": len(films),
        "n_patients": len({film.patient for film in films}),
        "n_studies": len({film.study for film in films}),
        "columns": {name: sum(bool(row[name]) for row in made) for name in COLUMNS},
        "left_out": {
            kind: _count_reasons((e.reason, e.number) for e in source.left if e.kind == kind)
            for kind in kinds
        },
        "n_links_to_folders": source.n_links,
        "remarks": dict(Counter(REMARKS[key] for film in films for key in film.remarks)),
        "pixels": {note.rstrip("."): n for note, n in source.notes.most_common()},
        "bits_stored": _count(str(film.bits) for film in films),
        "views": _count(film.view or "not recorded" for film in films),
        "view_from": _count(film.view_from or "nowhere" for film in films),
        "text_burned_in": _count(film.burned_in or "not recorded" for film in films),
        "text_seen": _count(row["text_seen"] for row in made),
        "ids_in_two_spellings": [list(group) for group in source.find_spellings()],
        "ids_that_contradict_themselves": [list(each) for each in source.find_contradictions()],
        "attributes_read": {
            name: {"n_films": present[name], "becomes": what} for name, what in READ.items()
        },
        "attributes_read_for_pixels": {
            name: present[name] for name in TAGS if present[name] and name not in READ
        },
        "attributes_left": {
            name: n for name, n in sorted(present.items()) if name not in {*READ, *TAGS}
        },
        "elements_left": dict(other),
    }


def _count(values: Any) -> dict[str, int]:  # noqa: ANN401
    return dict(Counter(values).most_common())


def _count_reasons(left: Iterator[tuple[str, int]]) -> dict[str, dict[str, Any]]:
    """Count files by reason, with the numbers of the first."""
    counted: dict[str, dict[str, Any]] = {}
    for reason, number in left:
        entry = counted.setdefault(reason, {"n_files": 0, "first": []})
        entry["n_files"] += 1
        if len(entry["first"]) < MOST_NUMBERS:
            entry["first"].append(number)
    return counted


def describe_record(record: Mapping[str, Any]) -> Iterator[str]:
    """Describe a record in lines, for a reader."""
    rows = format_units(record["n_rows"], "image")
    yield (
        f"{rows} of {format_units(record['n_patients'], 'patient')}, from "
        f"{format_units(record['n_files'], 'file')}. Read by the recipe dicom of cxrlib "
        f"{record['version']}, with the key {record['key_fingerprint']}."
    )
    for note in record["notes"]:
        yield f"Note: {note}"
    titles = {
        "failed": "Radiographs or damaged files that could not be used:",
        "not wanted": "DICOM files that are no radiographs of the chest, or copies:",
        "other": "Other files:",
    }
    for kind, title in titles.items():
        yield from _list_reasons(title, record["left_out"][kind])
    if record["n_links_to_folders"]:
        yield f"Links to folders, not followed: {record['n_links_to_folders']:,}"
    yield from _list_counts("Remarks, images:", record["remarks"])
    yield from _list_counts("Pixels, images:", record["pixels"])
    yield from _list_counts("Bits stored, images:", record["bits_stored"])
    yield from _list_counts("View, images:", record["views"])
    yield from _list_counts("View taken from, images:", record["view_from"])
    yield from _list_counts("Text burned in, as the file says, images:", record["text_burned_in"])
    yield from _list_counts("Letters seen at an edge of the pixels, images:", record["text_seen"])
    for group in record["ids_in_two_spellings"]:
        yield f"Patient ids {', '.join(group)} may be one in two spellings: kept apart."
    for patient, what in record["ids_that_contradict_themselves"]:
        yield f"Patient id {patient} has more than one {what}: it may be of two patients."
    yield "Attributes that were read, and what each became (images that have it):"
    for name, entry in record["attributes_read"].items():
        yield f"  {name}: {entry['becomes']} ({entry['n_films']:,})"
    yield from _list_counts(
        "Attributes that were read to show the pixels:", record["attributes_read_for_pixels"]
    )
    yield from _list_counts(
        "Attributes that were left, images that have them:", record["attributes_left"]
    )
    yield from _list_counts("Other elements that were left:", record["elements_left"])


def _list_reasons(title: str, reasons: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if reasons:
        yield title
    for reason, entry in reasons.items():
        numbers = ", ".join(f"{number}" for number in entry["first"])
        more = ", ..." if entry["n_files"] > len(entry["first"]) else ""
        yield f"  {entry['n_files']:,} x {reason} (number {numbers}{more} in order of paths)"


def _list_counts(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield title
    for name, n in counts.items():
        yield f"  {name}: {n:,}"


def write_report(record: Mapping[str, Any], folder: Path) -> None:
    """Write import.json and import.txt into a folder."""
    data = json.dumps(record, ensure_ascii=True, indent=1).encode("ascii")
    write_whole(folder / IMPORT_FILE, data)
    lines = "\n".join(describe_record(record))
    write_whole(folder / REPORT_FILE, f"{lines}\n".encode("utf-8", "replace"))
