"""Images that leave the program: scaled copies in figures, unmodified files in an archive.

Both ask each image's licence first (`cxrlib.licences`), and both name what they leave out.
"""

import base64
import io
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from cxrlib.cohort import Cohort
from cxrlib.errors import ImageError, ReportError
from cxrlib.images import decode_described
from cxrlib.licences import (
    METADATA_LICENCE,
    cite_images,
    credit,
    describe_licences,
    licence_of,
    shorten,
    why_left_out,
    why_withheld,
)
from cxrlib.quality_rules.files import ENDINGS
from cxrlib.report import csv_with_header, provenance
from cxrlib.store import Store
from cxrlib.thumbnails import load_thumbnail, read_unchanged

__all__ = [
    "MAX_PACK_BYTES",
    "PICTURE_SIDE",
    "ImagePack",
    "pack_images",
    "pictures_for_export",
    "placeholders",
    "tell_pictures",
]

PICTURE_SIDE = 256  # pixels; twice what a timeline shows of one
JPEG_QUALITY = 85
MAX_PACK_BYTES = 256 << 20
"""Most bytes of the images of an archive, which is made in memory."""

UNREADABLE = "the file cannot be read any more"
CREDITS_FILE = "CREDITS.csv"
README_FILE = "README.txt"
LONGEST_STEM = 60  # characters; paths of old systems end at 260
KNOWN_ENDINGS = {ending for endings in ENDINGS.values() for ending in endings}


# ---- scaled copies in figures


def pictures_for_export(
    cohort: Cohort, store: Store, rows: pd.DataFrame, *, side: int = PICTURE_SIDE
) -> dict[str, str]:
    """Return scaled pictures of the images whose licence lets changed copies go out.

    A scaled copy is a changed one: images that forbid derivatives are not among them, nor those
    without a licence. For a figure on screen use the addresses of `ui.image_route` instead.

    Parameters
    ----------
    cohort : Cohort
    store : Store
        Where thumbnails are kept.
    rows : DataFrame
        Of the cohort's table.
    side : int, default 256
        Longest side, pixels.

    Returns
    -------
    dict of str to str
        ``data:image/jpeg;base64,...`` by image id. Files that cannot be read have none: see
        `placeholders`.
    """
    pictures = {}
    for row in rows.to_dict("records"):
        if why_left_out(row, is_synthetic=cohort.is_synthetic):
            continue
        image_id = str(row["image_id"])
        try:
            path = cohort.image_path(image_id)
            data = load_thumbnail(path, str(row["sha256"]), store)
        except ImageError:
            continue
        encoded = base64.b64encode(_shrink(data, side)).decode("ascii")
        pictures[image_id] = f"data:image/jpeg;base64,{encoded}"
    return pictures


def _shrink(data: bytes, side: int) -> bytes:
    """Encode a thumbnail smaller."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        if max(picture.size) <= side:
            return data
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        target = io.BytesIO()
        picture.save(target, format="JPEG", quality=JPEG_QUALITY)
    return target.getvalue()


def placeholders(cohort: Cohort, rows: pd.DataFrame, pictures: Mapping[str, str]) -> dict[str, str]:
    """Say why images have no picture in an export, by image id, for what stands in its place.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        Of the cohort's table.
    pictures : mapping
        Result of `pictures_for_export`.
    """
    return {
        str(row["image_id"]): why_left_out(row, is_synthetic=cohort.is_synthetic) or UNREADABLE
        for row in rows.to_dict("records")
        if row["image_id"] not in pictures
    }


def tell_pictures(cohort: Cohort, rows: pd.DataFrame, pictures: Mapping[str, str]) -> list[str]:
    """Say below a figure which images it shows, whose they are, and what their licences ask.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        Of the cohort's table: all images that have a place in the figure.
    pictures : mapping
        Result of `pictures_for_export`.

    Returns
    -------
    list of str
        One line each, for the figure's lines of origin.
    """
    shown = rows[rows["image_id"].isin(list(pictures))]
    lines = [f"Pictures are scaled copies of {len(shown):,} of {len(rows):,} images"]
    reasons = Counter(placeholders(cohort, rows, pictures).values())
    if reasons:
        words = "; ".join(f"{reason}: {n:,}" for reason, n in reasons.items())
        lines.append(f"Without a picture: {words}")
    is_synthetic = cohort.is_synthetic
    if not is_synthetic:
        lines += cite_images(shown)
    return [*lines, *describe_licences(shown, is_synthetic=is_synthetic)]


# ---- unmodified files in an archive


@dataclass(frozen=True)
class ImagePack:
    """Hold an archive of images and what is in it.

    Parameters
    ----------
    data : bytes
        A ZIP file: the folder images, CREDITS.csv, README.txt.
    contents : DataFrame
        What CREDITS.csv holds, a row an image asked for: file is its name in the archive, ""
        where it is left out, and left_out says why.
    """

    data: bytes
    contents: pd.DataFrame

    @property
    def n_packed(self) -> int:
        """Number of images in the archive."""
        return int((self.contents["file"] != "").sum())


def pack_images(cohort: Cohort, rows: pd.DataFrame, *, title: str = "Images") -> ImagePack:
    """Pack the unmodified files of images whose licence lets these go out into a ZIP file.

    Files are what the cohort's folder holds, byte for byte, so images that forbid derivatives
    are among them; names are made safe, and CREDITS.csv has the recorded ones beside them.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        Of the cohort's table, in the order they are numbered.
    title : str
        What the images are of, for the README: "Patient 19".

    Raises
    ------
    ReportError
        If no image may go out, or they are too large together.
    """
    reasons = {
        str(row["image_id"]): why_withheld(row, is_synthetic=cohort.is_synthetic)
        for row in rows.to_dict("records")
    }
    paths = _locate(cohort, reasons)
    _check_size(paths)
    files: dict[str, bytes] = {}
    names: dict[str, str] = {}
    for number, row in enumerate(rows.to_dict("records"), start=1):
        image_id = str(row["image_id"])
        if image_id not in paths:
            continue
        try:
            data = read_unchanged(paths[image_id], str(row["sha256"]))
            names[image_id] = _name_file(number, str(row["filename"]), data, cohort)
        except ImageError as error:
            reasons[image_id] = error.reason
            continue
        files[names[image_id]] = data
    contents = _list_contents(cohort, rows, names, reasons)
    if not files:
        raise ReportError(
            f"No image can be passed on ({_count_reasons(contents) or 'there is none'}). Save the "
            "record alone."
        )
    texts = {
        README_FILE: _write_readme(cohort, rows, contents, title),
        CREDITS_FILE: csv_with_header(contents, provenance(cohort)),
    }
    return ImagePack(_zip({**texts, **files}), contents)


def _locate(cohort: Cohort, reasons: dict[str, str]) -> dict[str, Path]:
    """Find the files that may go out; write down why others have none."""
    paths = {}
    for image_id, reason in reasons.items():
        if reason:
            continue
        try:
            paths[image_id] = cohort.image_path(image_id)
        except ImageError as error:
            reasons[image_id] = error.reason
    return paths


def _check_size(paths: Mapping[str, Path]) -> None:
    """Refuse what is too large before anything is read."""
    total = 0
    for path in paths.values():
        try:
            total += path.stat().st_size
        except OSError:  # it went meanwhile: reading it says so
            continue
    if total > MAX_PACK_BYTES:
        raise ReportError(
            f"The files of these {len(paths):,} images are {total >> 20:,} MiB together; an "
            f"archive holds at most {MAX_PACK_BYTES >> 20:,} MiB. Choose fewer images, or copy the "
            "files from the cohort's folder."
        )


def _name_file(number: int, filename: str, data: bytes, cohort: Cohort) -> str:
    """Name a file in the archive by its number and what is harmless in its own name.

    Raises
    ------
    ImageError
        If it has to be looked at, and is no image.
    """
    path = Path(filename)
    stem, ending = path.stem, path.suffix.lower()
    # Files of a cohort that was inspected were decoded; others could be anything.
    if cohort.appearance is None or ending not in KNOWN_ENDINGS:
        _, kind, _, _ = decode_described(data, path, side=64)
        ending = ending if ending in KNOWN_ENDINGS else ENDINGS[kind][0]
    harmless = re.sub(r"[^A-Za-z0-9._-]+", "_", stem)[:LONGEST_STEM].strip("._-")
    return f"images/{number:03d}{'-' if harmless else ''}{harmless}{ending}"


def _list_contents(
    cohort: Cohort, rows: pd.DataFrame, names: Mapping[str, str], reasons: Mapping[str, str]
) -> pd.DataFrame:
    """Tabulate what is in an archive, what is not, and whose it is."""
    lines: list[dict[str, Any]] = []
    for row in rows.to_dict("records"):
        licence = licence_of(row, is_synthetic=cohort.is_synthetic)
        image_id = str(row["image_id"])
        lines.append(
            {
                "file": names.get(image_id, ""),
                "left_out": "" if image_id in names else reasons[image_id],
                **{name: row[name] for name in _CREDIT_COLUMNS},
                "licence": licence.name,
                "licence_holds_back": licence.words,
                "licence_address": licence.url,
                "credit": credit(row, is_synthetic=cohort.is_synthetic),
            }
        )
    columns = ["file", "left_out", *_CREDIT_COLUMNS, "licence", "licence_holds_back"]
    return pd.DataFrame(lines, columns=[*columns, "licence_address", "credit"])


_CREDIT_COLUMNS = (
    *("image_id", "row", "patient_id", "offset", "view", "filename", "sha256"),
    *("article", "source", "license"),
)


def _count_reasons(contents: pd.DataFrame) -> str:
    """Count why images are left out: "no licence: 2; no readable file: 1"."""
    counts = Counter(reason for reason in contents["left_out"] if reason)
    return "; ".join(f"{shorten(reason)}: {n:,}" for reason, n in counts.items())


def _write_readme(cohort: Cohort, rows: pd.DataFrame, contents: pd.DataFrame, title: str) -> bytes:
    """Write what an archive says of itself, as plain text."""
    is_packed = (contents["file"] != "").to_numpy()
    notice, *origin = provenance(cohort)
    left_out = [
        f"- {shorten(image_id)}: {shorten(reason)}"
        for image_id, reason in contents.loc[~is_packed, ["image_id", "left_out"]].to_numpy()
    ]
    parts = [
        [shorten(title)],
        [notice],
        [
            f"{is_packed.sum():,} of {len(contents):,} images, each file as it lies in the "
            "cohort's folder, byte for byte, with all that it carries. Files of the public "
            "collection may have been scaled before they came there. Names were made safe; "
            "CREDITS.csv has the recorded ones.",
        ],
        [
            "Each image has a licence of its own. Credit it as CREDITS.csv says, and keep to what "
            "its licence holds back when you pass it on.",
            *describe_licences(rows[is_packed], is_synthetic=cohort.is_synthetic),
        ],
        ["Left out:", *left_out] if left_out else [],
        origin if cohort.is_synthetic else [*origin, METADATA_LICENCE],
    ]
    text = "\n\n".join("\n".join(part) for part in parts if part)
    return (text + "\n").encode("utf-8", "replace")


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Write a ZIP file; the same files give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)  # of the year 1980
            entry.external_attr = 0o644 << 16
            is_text = "/" not in name
            entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
            archive.writestr(entry, data)
    return target.getvalue()
