"""Images in exports: scaled copies in figures, unmodified files in an archive.

Both check each image's licence first (`cxrlib.literature.licences`), and both name what they leave
out.
"""

import base64
import contextlib
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
from cxrlib.display import load_thumbnail
from cxrlib.errors import ImageError, ReportError
from cxrlib.images import decode_described, read_unchanged
from cxrlib.literature import (
    METADATA_LICENCE,
    cite_images,
    count_licences,
    credit,
    describe_licences,
    licence_of,
    shorten,
    why_left_out,
    why_withheld,
)
from cxrlib.quality.rules.files import ENDINGS
from cxrlib.reports.provenance import csv_with_header, list_provenance
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store

PICTURE_SIDE = 256  # pixels; twice what a timeline shows of one
JPEG_QUALITY = 85
_ASKED = ("image_id", "license", "file_status")  # columns that say whether an image may go out
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
    without a licence. For a figure on screen use the addresses of `ui.images.image_route` instead.

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
    for row in _read_asked(rows, "sha256"):
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


def _read_asked(rows: pd.DataFrame, *more: str) -> list[dict[str, Any]]:
    """Read of each image what says whether it may go out."""
    names = (*_ASKED, *more)
    cells = zip(*(rows[name].tolist() for name in names), strict=True)
    return [dict(zip(names, line, strict=True)) for line in cells]


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
    """Give the reason why images have no picture in an export, by image id.

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
        for row in _read_asked(rows)
        if row["image_id"] not in pictures
    }


def describe_pictures(
    cohort: Cohort, rows: pd.DataFrame, pictures: Mapping[str, str] | None = None
) -> list[str]:
    """Describe below a figure which images it shows, with credits and what their licences ask.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        Of the cohort's table: all images that have a place in the figure.
    pictures : mapping, optional
        Result of `pictures_for_export`. Without it, what licences allow: the same, unless a file
        went since the cohort was read, and known before any picture is made.

    Returns
    -------
    list of str
        One line each, for the figure's lines of origin.
    """
    kept_back = placeholders(cohort, rows, pictures or {})
    if pictures is None:
        kept_back = {image_id: why for image_id, why in kept_back.items() if why != UNREADABLE}
    narrow = rows[["image_id", "article", "source", "license"]]  # fifty columns are slow to take
    shown = narrow[~narrow["image_id"].isin(list(kept_back))]
    words = f"Pictures are scaled copies of {len(shown):,} of {len(rows):,} images"
    lines = [words] if len(shown) else []
    reasons = Counter(why.partition(":")[0] for why in kept_back.values())
    if reasons:
        words = ", ".join(f"{n:,} ({reason})" for reason, n in reasons.items())
        lines.append(f"Images without a picture: {words}")
    if cohort.is_synthetic:
        return [*lines, *describe_licences(shown, is_synthetic=True)]
    terms = count_licences(shown).describe_terms()
    return [*lines, *cite_images(shown), *([terms] if terms else [])]


# ---- unmodified files in an archive


@dataclass(frozen=True)
class PackPlan:
    """Hold what an archive of images would contain, before it is made.

    Parameters
    ----------
    n_images : int
        Images asked for.
    n_allowed : int
        Of these, those whose file is there and may go out.
    n_bytes : int
        Of their files together.
    refusal : str
        Why there would be no archive, in sentences; "" where there would be one.
    """

    n_images: int
    n_allowed: int
    n_bytes: int
    refusal: str


def plan_pack(cohort: Cohort, rows: pd.DataFrame) -> PackPlan:
    """Plan what `pack_images` would pack; looks at files, reads none."""
    paths, reasons = _locate(cohort, rows)
    n_bytes = _measure(paths)
    refusal = _refuse_none(reasons) if not paths else _refuse_large(len(paths), n_bytes)
    return PackPlan(len(rows), len(paths), n_bytes, refusal)


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
    __repr__ = short_repr

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
    paths, reasons = _locate(cohort, rows)
    if refusal := _refuse_large(len(paths), _measure(paths)):
        raise ReportError(refusal)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        names = _write_files(archive, cohort, rows, paths, reasons)
        if not names:
            raise ReportError(_refuse_none(reasons))
        contents = _list_contents(cohort, rows, names, reasons)
        _write(archive, CREDITS_FILE, csv_with_header(contents, list_provenance(cohort)))
        _write(archive, README_FILE, _format_readme(cohort, rows, contents, title))
    return ImagePack(target.getvalue(), contents)


def _write_files(
    archive: zipfile.ZipFile,
    cohort: Cohort,
    rows: pd.DataFrame,
    paths: Mapping[str, Path],
    reasons: dict[str, str],
) -> dict[str, str]:
    """Write image files one by one; return their names there, add why others are left out."""
    names: dict[str, str] = {}
    columns = (rows[name] for name in ("image_id", "filename", "sha256"))
    for number, (image_id, filename, sha256) in enumerate(zip(*columns, strict=True), start=1):
        if image_id not in paths:
            continue
        try:
            data = read_unchanged(paths[image_id], str(sha256))
            name = _make_name(number, filename, data, cohort)
        except ImageError as error:
            reasons[image_id] = error.reason
            continue
        _write(archive, name, data)
        names[image_id] = name
    return names


def _locate(cohort: Cohort, rows: pd.DataFrame) -> tuple[dict[str, Path], dict[str, str]]:
    """Find the files that may go out, and why others may not or have none, by image id."""
    paths, reasons = {}, {}
    for row in _read_asked(rows):
        image_id = str(row["image_id"])
        reason = why_withheld(row, is_synthetic=cohort.is_synthetic)
        if not reason:
            try:
                paths[image_id] = cohort.image_path(image_id)
                continue
            except ImageError as error:  # it went since the cohort was read
                reason = error.reason
        reasons[image_id] = reason
    return paths, reasons


def _measure(paths: Mapping[str, Path]) -> int:
    """Return the bytes of files together; one that went meanwhile says so when it is read."""
    n_bytes = 0
    for path in paths.values():
        with contextlib.suppress(OSError):
            n_bytes += path.stat().st_size
    return n_bytes


def _refuse_large(n_images: int, n_bytes: int) -> str:
    """Describe why files are too large for an archive, "" where they are not."""
    if n_bytes <= MAX_PACK_BYTES:
        return ""
    return (
        f"The files of these {n_images:,} images have {n_bytes >> 20:,} MiB; an archive holds at "
        f"most {MAX_PACK_BYTES >> 20:,} MiB. Choose fewer images, or copy the files from the "
        "cohort's folder."
    )


def _refuse_none(reasons: Mapping[str, str]) -> str:
    """Describe why there is nothing to pack: "(no licence: 2; no readable file: 1)"."""
    counts = Counter(reasons.values())
    words = "; ".join(f"{shorten(reason)}: {n:,}" for reason, n in counts.items())
    return f"No image may be passed on ({words or 'there is none'}). Save the record alone."


def _make_name(number: int, filename: str, data: bytes, cohort: Cohort) -> str:
    """Make a file's name in the archive from its number and what is harmless in its own name.

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
    return pd.DataFrame(lines)


_CREDIT_COLUMNS = (
    *("image_id", "row", "patient_id", "offset", "view", "filename", "sha256"),
    *("article", "source", "license"),
)


def _format_readme(cohort: Cohort, rows: pd.DataFrame, contents: pd.DataFrame, title: str) -> bytes:
    """Format the archive's README as plain text."""
    is_packed = (contents["file"] != "").to_numpy()
    notice, *origin = list_provenance(cohort)
    left_out = [
        f"- {shorten(image_id)}: {shorten(reason)}"
        for image_id, reason in contents.loc[~is_packed, ["image_id", "left_out"]].to_numpy()
    ]
    parts = [
        [shorten(title)],
        [notice],
        [
            f"{is_packed.sum():,} of {len(contents):,} images, each an exact copy of the file in "
            "the cohort's folder, its metadata included. Files of the public collection may have "
            "been scaled before they were published. File names were made safe; CREDITS.csv "
            "has the recorded ones.",
        ],
        [
            "Each image has its own licence. Credit it as in CREDITS.csv, and keep to the "
            "conditions of its licence when you pass it on.",
            *describe_licences(rows[is_packed], is_synthetic=cohort.is_synthetic),
        ],
        ["Left out:", *left_out] if left_out else [],
        origin if cohort.is_synthetic else [*origin, METADATA_LICENCE],
    ]
    text = "\n\n".join("\n".join(part) for part in parts if part)
    return (text + "\n").encode("utf-8", "replace")


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Write a file without a time: the same files give the same bytes."""
    entry = zipfile.ZipInfo(name)  # of the year 1980
    entry.external_attr = 0o644 << 16
    is_image = "/" in name  # compressed already
    entry.compress_type = zipfile.ZIP_STORED if is_image else zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)
