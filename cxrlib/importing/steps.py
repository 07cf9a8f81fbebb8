"""Steps in Python for what the mapping language cannot say, by the name that a mapping gives."""

from collections.abc import Callable, MutableMapping

from cxrlib.cohort import parse_number

Step = Callable[[Callable[[str], str], MutableMapping[str, str]], None]
"""Takes what gives a cell of the source by its column, and our cells by theirs, to be changed."""


def fill_hannover(source: Callable[[str], str], ours: MutableMapping[str, str]) -> None:
    """Compare the offsets of the Hannover repository, which count days from the image.

    In the ICU: admission on the day of the image or before, release after it or not given. Blood
    values count where they were taken on the day of the image; beyond a limit of detection
    (``inf``, ``-inf``) they are no number.
    """
    admission = parse_number(source("icu_admission_offset"))
    release = parse_number(source("icu_release_offset"))
    if admission is not None:
        is_in = admission <= 0 and (release is None or release > 0)
        ours["in_icu"] = "yes" if is_in else "no"
    for column, name in (("neutrophil_count", "neutrophils"), ("lymphocyte_count", "lymphocytes")):
        is_same_day = parse_number(source(f"{name}_offset")) == 0
        value = source(f"{name}_val")
        ours[column] = value if is_same_day and parse_number(value) is not None else ""


STEPS: dict[str, Step] = {"hannover": fill_hannover}
"""Steps by name."""
ADDED = {"hannover": ("in_icu", "neutrophil_count", "lymphocyte_count")}
"""Our columns that a step may fill."""
READ = {
    "hannover": (
        *("icu_admission_offset", "icu_release_offset", "neutrophils_offset", "neutrophils_val"),
        *("lymphocytes_offset", "lymphocytes_val"),
    )
}
"""Columns of the source that a step reads."""
