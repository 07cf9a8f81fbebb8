"""Rules about images that occur more than once."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from cxrlib.cohort import YES_NO_COLUMNS, Cohort
from cxrlib.quality.rules.rule import Hit, format_cell, list_hits, read_rules

__all__ = ["LABELS", "RULES"]

LABELS = (
    *("view", "offset", "sex", "age", "finding"),
    *(column for column in YES_NO_COLUMNS if column != "RT_PCR_positive"),
)
"""Columns in which two copies of one image must not differ where both are recorded."""
SILENT = ("not recorded", "unclear", "todo", "Unknown")
MOST_NAMED = 3  # images or ids in one line
AGE_SLACK = 1  # years: a birthday may lie between two reports
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".dcm")
# A camera's or a publisher's counter ("image1", "fig2-a") names nothing.
COUNTER = re.compile(r"(image|img|fig|figure|scan|xray|cxr|pa|ap|l)?[\W_]*[0-9]{0,8}[\W_]*[a-z]?")

Pair = tuple[str, str, str, str, float]


def find_exact_duplicates(cohort: Cohort) -> list[Hit]:
    """Find images whose file is identical to another one."""
    hashes = cohort.table["sha256"].where(cohort.table["is_xray"])
    owners: dict[str, list[int]] = {}
    for at in np.flatnonzero(hashes.notna() & hashes.duplicated(keep=False)).tolist():
        owners.setdefault(str(hashes.iat[at]), []).append(at)
    names = cohort.table["image_id"].tolist()
    hits = []
    for same in owners.values():
        ordered = sorted(names[at] for at in same)
        for at in same:
            # Of thousands of copies only the first few are looked at.
            others = [name for name in ordered[: MOST_NAMED + 1] if name != names[at]]
            words = _format_some(others[:MOST_NAMED], len(same) - 1)
            hits.append(Hit(at, "filename", f"same file as {words}"))
    return hits


def find_near_duplicates(cohort: Cohort) -> list[Hit]:
    """Find images that are nearly identical to another one of the cohort as loaded."""
    return [
        Hit(at, "filename", f"nearly identical to {other} (agreement {agreement:.2f})")
        for at, other, _, _, agreement in _walk_pairs(cohort)
    ]


def find_two_ids(cohort: Cohort) -> list[Hit]:
    """Find the images of patient ids that share a near-identical image with another id."""
    partners: dict[str, set[str]] = {}
    for _, _, own, other, _ in _list_pairs(cohort):
        if own != other:
            partners.setdefault(own, set()).add(other)
            partners.setdefault(other, set()).add(own)
    patients = cohort.table["patient_id"]
    words = {
        own: "shares an image with " + _format_some(sorted(others)[:MOST_NAMED], len(others))
        for own, others in partners.items()
    }
    return list_hits(cohort, patients.isin(partners), "patient_id", patients.map(words))


def find_equal_names(cohort: Cohort) -> list[Hit]:
    """Find images whose file is called as one of another patient id or cohort, ending aside."""
    names = cohort.table["filename"].fillna("").astype("str").map(_take_stem)
    return _find_shared(cohort, names.where(~names.map(_is_counter), ""), "filename", "file name")


def find_equal_addresses(cohort: Cohort) -> list[Hit]:
    """Find images whose web address is an image's, and that of another patient id's or cohort's."""
    addresses = cohort.table["url"].fillna("").astype("str").map(_take_address)
    return _find_shared(cohort, addresses, "url", "image address")


def _find_shared(cohort: Cohort, keys: pd.Series, column: str, what: str) -> list[Hit]:
    """Find X-rays whose key, where it is not "", another patient id or cohort has too."""
    table = cohort.table[cohort.table["is_xray"]]
    whose = table["patient_id"].astype("str")
    if "cohort" in table:
        whose = whose + " of " + table["cohort"].astype("str")
    keys = keys[table.index]
    owners = whose[keys != ""].groupby(keys[keys != ""]).unique()
    owners = owners[owners.map(len) > 1]
    shared = keys.isin(owners.index)
    words = {
        at: f"same {what} as in "
        + _format_some(
            [own for own in sorted(owners[keys[at]])[: MOST_NAMED + 1] if own != whose[at]][
                :MOST_NAMED
            ],
            len(owners[keys[at]]) - 1,
        )
        for at in keys.index[shared]
    }
    positions = {label: at for at, label in enumerate(cohort.table.index)}
    return [Hit(positions[at], column, text) for at, text in words.items()]


def _take_stem(name: str) -> str:
    """Take the folder and the ending from a file's name: "a/Film.2.PNG" is "film.2"."""
    last = re.split(r"[\\/]", name)[-1].strip().casefold()
    ending = next((each for each in IMAGE_ENDINGS if last.endswith(each)), "")
    return last.removesuffix(ending)


def _is_counter(stem: str) -> bool:
    return COUNTER.fullmatch(stem) is not None


def _take_address(url: str) -> str:
    """Give the host and path of an image's address, "" for a page's: a page has many images."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if not parts.path.casefold().endswith(IMAGE_ENDINGS):
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    return f"{host}{parts.path}?{parts.query}"


def find_disagreeing_copies(cohort: Cohort) -> list[Hit]:
    """Find near-identical images with contradicting records."""
    places = _number_images(cohort)
    cells = {column: cohort.table[column].array for column in LABELS}
    hits = []
    for at, other, _, _, _ in _walk_pairs(cohort):
        if other not in places:  # a selection left it out
            continue
        for column, values in cells.items():
            own, twin = format_cell(values[at]), format_cell(values[places[other]])
            if _contradict(column, own, twin):
                hits.append(Hit(at, column, f"{own}, but {twin} in {other}"))
    return hits


def _contradict(column: str, mine: str, yours: str) -> bool:
    """Check whether two recorded values contradict each other."""
    if not mine or not yours or mine in SILENT or yours in SILENT:
        return False
    if column == "age":
        return abs(float(mine) - float(yours)) > AGE_SLACK
    if column == "finding":  # "Pneumonia" and "Pneumonia/Viral" agree as far as they go
        short, long = sorted((mine, yours), key=len)
        return not (long == short or long.startswith(f"{short}/"))
    return mine != yours


def _list_pairs(cohort: Cohort) -> list[Pair]:
    columns = ["image_id_1", "image_id_2", "patient_id_1", "patient_id_2", "agreement"]
    return list(cohort.duplicates[columns].itertuples(index=False, name=None))


def _number_images(cohort: Cohort) -> dict[str, int]:
    """Map the ids of X-rays to their positions."""
    is_xray = cohort.table["is_xray"].to_numpy()
    return {name: at for at, name in enumerate(cohort.table["image_id"]) if is_xray[at]}


def _walk_pairs(cohort: Cohort) -> Iterator[tuple[int, str, str, str, float]]:
    """Give each pair from both sides: position of the one, image, ids, agreement."""
    places = _number_images(cohort)
    for first, second, id_1, id_2, agreement in _list_pairs(cohort):
        if first in places:
            yield places[first], second, id_1, id_2, agreement
        if second in places:
            yield places[second], first, id_2, id_1, agreement


def _format_some(names: Sequence[str], n_all: int) -> str:
    """List some names, and how many more there are."""
    more = f" and {n_all - len(names)} more" if n_all > len(names) else ""
    return ", ".join(names) + more


RULES = read_rules(
    {
        "exact duplicate": find_exact_duplicates,
        "near duplicate": find_near_duplicates,
        "copies disagree": find_disagreeing_copies,
        "person under two ids": find_two_ids,
        "equal file names": find_equal_names,
        "equal image addresses": find_equal_addresses,
    }
)
