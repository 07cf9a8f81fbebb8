"""Images selected on the map: from a lasso or an address to image ids, compared with the rest.

An address names images by their rows of metadata.csv, as a spreadsheet counts them: "12-15,40".
The rest is the other images on the map that the filters keep.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.embedding import EmbeddingSet
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.summary import Comparison, compare_groups, compare_numbers

MOST_IN_ADDRESS = 40
"""Images that an address can hold: 40 rows apart are some 200 characters."""
VARIABLES = ("state", "view", "region", "source")
"""What selected images are compared in, beside the outputs."""
NAMES = ("Selected", "Rest")
_SPAN = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_MOST_DRAWN = 4_000_000  # persons times resamples: 32 MB
_RESAMPLES = (200, 1000)

Spans = tuple[tuple[int, int], ...]


# ---- addresses


def format_rows(rows: Collection[int]) -> str:
    """Format rows as an address holds them.

    Examples
    --------
    >>> format_rows([40, 12, 13, 15, 14])
    '12-15,40'
    """
    numbers = np.unique(np.asarray(list(rows), dtype=int))
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1) if len(numbers) else []
    return ",".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def describe_rows(rows: Collection[int], *, most: int = 60) -> str:
    """Describe which rows; of very many only the first ranges.

    Examples
    --------
    >>> describe_rows([2, 4, 6, 7], most=2)
    'rows 2, 4 and 1 more range of metadata.csv (the header is row 1)'
    """
    spans = format_rows(rows).split(",")
    more = f" and {format_units(len(spans) - most, 'more range')}" if len(spans) > most else ""
    return f"rows {', '.join(spans[:most])}{more} of metadata.csv (the header is row 1)"


def read_rows(text: str) -> Spans:
    """Read rows as an address holds them: first and last of each span.

    Raises
    ------
    SelectionError
        If a part is no row and no span of rows.

    Examples
    --------
    >>> read_rows("12-15, 40")
    ((12, 15), (40, 40))
    """
    spans = []
    for part in text.replace(" ", "").split(","):
        found = _SPAN.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise SelectionError(
                f"Rows {text[:60]!r} cannot be read: {part[:20]!r} is not a row or a range. Write "
                "rows of metadata.csv as in 12-15,40, the smaller number first."
            )
        spans.append((first, last))
    return tuple(spans)


@dataclass(frozen=True)
class RowsRead:
    """Hold what an address asks for.

    Parameters
    ----------
    image_ids : tuple of str
        In the order of the rows.
    remarks : tuple of str
        The parts that cannot be used, in sentences.
    """

    image_ids: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def find_rows(table: pd.DataFrame, text: str, *, most: int | None = MOST_IN_ADDRESS) -> RowsRead:
    """Find the images of some rows; what cannot be found is returned as a remark, not raised.

    Parameters
    ----------
    table : DataFrame
        Images with row and image_id: those on the map.
    text : str
        As `format_rows` gives it, or anything that an address holds.
    most : int, optional
        More images than this are none: a lasso's link never holds more.
    """
    if not text.strip():
        return RowsRead(())
    try:
        spans = read_rows(text)
    except SelectionError as error:
        return RowsRead((), (str(error),))
    rows = table["row"].to_numpy(dtype=int)
    order = np.argsort(rows, kind="stable")
    inside = np.zeros(len(rows), dtype=bool)
    empty = []
    for first, last in spans:
        start, stop = np.searchsorted(rows[order], [first, last + 1])
        inside[order[start:stop]] = True
        if stop - start < last - first + 1:
            empty.append((first, last, int(last - first + 1 - (stop - start))))
    if most is not None and inside.sum() > most:
        return RowsRead(
            (),
            (
                f"Rows {text[:60]!r} are {inside.sum():,} images, too many for a link (maximum "
                f"{most}). Select them by lasso or by filters.",
            ),
        )
    kept = order[inside[order]]
    remarks = (_describe_empty(empty),) if empty else ()
    return RowsRead(tuple(table["image_id"].iloc[kept]), remarks)


def _describe_empty(spans: Sequence[tuple[int, int, int]]) -> str:
    """Describe which rows have no image on the map."""
    n_rows = sum(n for _, _, n in spans)
    named = ", ".join(
        f"{first}" if first == last else f"{first}-{last}" for first, last, _ in spans[:8]
    )
    more = f" and {len(spans) - 8} more" if len(spans) > 8 else ""
    return f"No image on this map in {format_units(n_rows, 'row')} of {named}{more}."


# ---- the chart


def read_clicked(points: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """Read the image ids of the marks that were clicked or lassoed on a chart, each once.

    Parameters
    ----------
    points : sequence of mapping
        With ``customdata``: an image's id, or a list that begins with one. Points without are
        passed over: a backdrop, a label.
    """
    found: dict[str, None] = {}
    for point in points:
        custom = point.get("customdata")
        if isinstance(custom, list | tuple):
            custom = custom[0] if custom else None
        if isinstance(custom, str):
            found[custom] = None
    return tuple(found)


# ---- compared with the rest


@dataclass(frozen=True)
class ChosenImages:
    """Hold selected images compared with the rest of the map.

    Parameters
    ----------
    image_ids : tuple of str
        Those that are on the map and that the filters leave, in the order of the file.
    n_patients, n_persons : int
        Of them.
    n_rest, n_rest_persons : int
        Images and persons of the rest.
    n_left_out : int
        Chosen images that are not on the map, or that the filters leave out.
    shares : Comparison
        Of states, views, regions and sources; unit: image.
    outputs : Comparison or None
        Means of the extractor's outputs; None where there are no embeddings.
    """

    image_ids: tuple[str, ...]
    n_patients: int
    n_persons: int
    n_rest: int
    n_rest_persons: int
    n_left_out: int
    shares: Comparison
    outputs: Comparison | None

    @property
    def n_images(self) -> int:
        """Count the chosen images."""
        return len(self.image_ids)


def compare_chosen(
    cohort: Cohort,
    points: pd.DataFrame,
    image_ids: Collection[str],
    embeddings: EmbeddingSet | None = None,
) -> ChosenImages:
    """Compare selected images with the rest of the map, by 1000 draws of persons.

    Where persons are very many there are fewer draws, 200 at least.

    Parameters
    ----------
    cohort : Cohort
        The whole one.
    points : DataFrame
        Images on the map that the filters leave: image_id, patient_id, person_id.
    image_ids : collection of str
        Chosen; those not among the points are counted and left out.
    embeddings : EmbeddingSet, optional
        Of the map, for its outputs.

    Raises
    ------
    SelectionError
        If no chosen image is among the points.
    """
    wanted = set(image_ids)
    inside = points["image_id"].isin(wanted).to_numpy(dtype=bool)
    if not inside.any():
        raise SelectionError(
            f"None of the {format_units(len(wanted), 'selected image')} is on the map with these "
            "filters. Select others, or widen the filters."
        )
    n_draws = _MOST_DRAWN // max(points["patient_id"].nunique(), 1)
    how: dict[str, Any] = {"names": NAMES, "n_resamples": int(np.clip(n_draws, *_RESAMPLES))}
    ids = cohort.table["image_id"]
    first, second = (ids.isin(points["image_id"][side]) for side in (inside, ~inside))
    shares = compare_groups(cohort, first, second, unit="image", variables=VARIABLES, **how)
    outputs = None
    if embeddings is not None and len(embeddings.info.output_names):
        numbers = _lay_out_outputs(cohort, embeddings)
        outputs = compare_numbers(cohort, first, second, numbers, **how)
    people = points["person_id"].fillna(points["patient_id"])
    return ChosenImages(
        image_ids=tuple(ids[first]),
        n_patients=int(points["patient_id"][inside].nunique()),
        n_persons=int(people[inside].nunique()),
        n_rest=int((~inside).sum()),
        n_rest_persons=int(people[~inside].nunique()),
        n_left_out=len(wanted) - int(inside.sum()),
        shares=shares,
        outputs=outputs,
    )


def _lay_out_outputs(cohort: Cohort, embeddings: EmbeddingSet) -> pd.DataFrame:
    """Give each row of the cohort its outputs, NaN where it has none."""
    numbers = pd.DataFrame(
        embeddings.outputs.astype(np.float64),
        index=list(embeddings.image_ids),
        columns=list(embeddings.info.output_names),
    )
    numbers = numbers.reindex(cohort.table["image_id"])
    return numbers.set_axis(cohort.table.index)


def describe_chosen(chosen: ChosenImages) -> str:
    """Describe how many images are selected, and how many are not."""
    people = format_units(chosen.n_patients, "patient")
    if chosen.n_persons != chosen.n_patients:
        people += f" ({format_units(chosen.n_persons, 'person')})"
    words = (
        f"{format_units(chosen.n_images, 'image')} of {people} selected; the rest of the map: "
        f"{format_units(chosen.n_rest, 'image')} of "
        f"{format_units(chosen.n_rest_persons, 'person')}."
    )
    if chosen.n_left_out:
        left_out = format_units(chosen.n_left_out, "more selected image")
        words += f" Not counted: {left_out}, filtered out or not on this map."
    return words


CHOSEN_COLUMNS = (
    *("row", "image_id", "patient_id", "person_id", "offset", "view", "state", "state_reasons"),
    *("in_icu", "intubation_present", "survival", "finding", "region", "country", "source"),
    *("license", "x", "y"),
)


def chosen_table(points: pd.DataFrame, image_ids: Collection[str]) -> pd.DataFrame:
    """Tabulate selected images with what is recorded of them, in the order of the file.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.maps.map_points`.
    image_ids : collection of str
    """
    columns = [name for name in CHOSEN_COLUMNS if name in points]
    return points.loc[points["image_id"].isin(set(image_ids)), columns].sort_values(
        "row", kind="stable", ignore_index=True
    )
