"""Rules about image files: missing, unreadable, misnamed, unusual, small."""

from pathlib import PurePosixPath

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.quality.rules.rule import Hit, list_hits, read_rules

__all__ = ["RULES", "SMALL_SIDE"]

SMALL_SIDE = 224
"""Pixels a side that the networks take: a smaller image is blown up."""

ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "BMP": (".bmp", ".dib"),
    "DIB": (".bmp", ".dib"),
    "PPM": (".pgm", ".ppm", ".pnm", ".pbm"),
    "TGA": (".tga",),
    "PCX": (".pcx",),
}
"""The extensions of each format; a format that is not listed has no right extension."""

USUAL_MODES = ("L", "RGB", "I;16", "I;16L", "I;16B", "I;16N")
MODE_WORDS = {
    "RGBA": "with transparency (RGBA)",
    "LA": "with transparency (LA)",
    "P": "a palette (P)",
    "PA": "a palette with transparency (PA)",
    "CMYK": "printing inks (CMYK)",
    "1": "black and white only (1)",
}


def find_no_file(cohort: Cohort) -> list[Hit]:
    """Find images without a file."""
    return list_hits(
        cohort, cohort.table["file_status"] == "no file", "filename", cohort.table["filename"]
    )


def find_unreadable(cohort: Cohort) -> list[Hit]:
    """Find files that cannot be decoded, and names that point outside the folder."""
    table = cohort.table
    words = table["filename"] + ": " + table["file_reason"]
    return list_hits(
        cohort, table["file_status"].isin(["unreadable", "outside"]), "filename", words
    )


def look_up(cohort: Cohort, measure: str) -> pd.Series:
    """Give a measure of each image's appearance, missing where it was not measured."""
    if cohort.appearance is None:
        return pd.Series(None, index=cohort.table.index, dtype="object")
    found = cohort.appearance[measure].reindex(cohort.table["sha256"])
    return found.set_axis(cohort.table.index)


def find_wrong_ending(cohort: Cohort) -> list[Hit]:
    """Find file names whose extension does not match the format."""
    formats = look_up(cohort, "format")
    endings = [PurePosixPath(name).suffix.lower() for name in cohort.table["filename"]]
    lies = [
        isinstance(kind, str) and ending not in ENDINGS.get(kind, ())
        for kind, ending in zip(formats, endings, strict=True)
    ]
    words = pd.Series([f"a {kind} file" for kind in formats], index=formats.index, dtype="str")
    return list_hits(cohort, pd.Series(lies, index=formats.index, dtype=bool), "filename", words)


def find_unusual_mode(cohort: Cohort) -> list[Hit]:
    """Find images stored neither as grey nor as plain colour."""
    modes = look_up(cohort, "mode")
    words = modes.map(lambda mode: MODE_WORDS.get(mode, mode), na_action="ignore")
    return list_hits(cohort, modes.notna() & ~modes.isin(USUAL_MODES), "filename", words)


def find_small(cohort: Cohort) -> list[Hit]:
    """Find images whose shorter side has fewer pixels than a network takes."""
    table = cohort.table
    sides = table[["width", "height"]].astype("Float64")
    words = table["width"].astype("str") + " x " + table["height"].astype("str") + " pixels"
    return list_hits(cohort, sides.min(axis=1) < SMALL_SIDE, "width", words)


RULES = read_rules(
    {
        "no file": find_no_file,
        "unreadable": find_unreadable,
        "wrong ending": find_wrong_ending,
        "unusual mode": find_unusual_mode,
        "small": find_small,
    }
)
