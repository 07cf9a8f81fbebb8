"""What leaves the program: maps and tables that say where they come from."""

import contextlib
import io
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from cxrlib import NOTICE, __version__
from cxrlib.charts.document import map_html
from cxrlib.charts.trajectories import plot_map
from cxrlib.charts.words import DENSITY_LABEL, caption_map, describe_map
from cxrlib.density import estimate_density
from cxrlib.errors import CxrError
from cxrlib.pipeline import MappedCohort
from cxrlib.trajectories import (
    PAPER_PATIENTS,
    TABLE_COLUMNS,
    Trajectory,
    compute_trajectory,
    find_story,
    map_points,
    select_bad_points,
)

__all__ = [
    "DEATHS_LABEL",
    "csv_with_header",
    "map_page",
    "points_table",
    "provenance",
    "stops_table",
    "tell_story",
    "write_map_page",
    "write_map_table",
]

STOP_COLUMNS = (
    *("patient_id", "day", "n_images", "views", "state", "n_in_state"),
    *("days_since_previous", "step_map_units"),
)
# What makes a state, so that a reader of an export can count again.
STATE_COLUMNS = (
    *("in_icu", "intubation_present", "survival", "is_last_image"),
    *("state_reasons", "state_overlap", "finding", "region"),
)

# A cell that starts with one of these is run by a spreadsheet.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

# What the density is of where last images before death count as well (paper, section 5.4).
DEATHS_LABEL = "images in the ICU, with a tube or last before death"


def provenance(mapped: MappedCohort) -> list[str]:
    """List what an export must say of itself, one line each, the notice first."""
    cohort, settings = mapped.cohort, mapped.projection.settings
    kind = " (synthetic: no patient is behind it)" if cohort.is_synthetic else ""
    return [
        NOTICE,
        f"Cohort: {cohort.name}{kind}; fingerprint {cohort.fingerprint}",
        f"Extractor: {mapped.extractor.title}; its {settings.features}",
        f"Map of {len(mapped.projection.image_ids):,} images (unit: image), the axes have no unit: "
        f"{mapped.projection.describe()}",
        f"Made by cxrlib {__version__} on {date.today().isoformat()}",
    ]


def csv_with_header(table: pd.DataFrame, mapped: MappedCohort) -> bytes:
    """Write a table as CSV under comment lines that start with ``#``.

    `pandas.read_csv(..., comment="#")` would also cut values that hold a ``#``; skip the
    header by its number of lines instead: ``skiprows`` as many as start with ``# ``.
    """
    target = io.StringIO()
    for line in provenance(mapped):
        target.write(f"# {_one_line(line)}\n")
    table.map(_inert).to_csv(target, index=False)
    return target.getvalue().encode()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _inert(value: object) -> object:
    """Keep a spreadsheet from running a cell: text that looks like a formula gets a quote."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def points_table(points: pd.DataFrame) -> pd.DataFrame:
    """Choose the columns of the map's points that an export holds: enough to count again.

    Parameters
    ----------
    points : DataFrame
        Result of `cxrlib.trajectories.map_points`.
    """
    return points[[*TABLE_COLUMNS, *STATE_COLUMNS]]


def stops_table(paths: Sequence[Trajectory]) -> pd.DataFrame:
    """List the stops of trajectories, one row a patient and day.

    Returns
    -------
    DataFrame
        patient_id, day, n_images, views, state, n_in_state (images of the day in that state),
        days_since_previous and step_map_units (missing for the first day).
    """
    rows = [
        {
            "patient_id": path.patient_id,
            "day": stop.day,
            "n_images": len(stop.images),
            "views": ", ".join(sorted({image.view for image in stop.images})),
            "state": stop.state,
            "n_in_state": sum(image.state == stop.state for image in stop.images),
            "days_since_previous": None if step is None else step.gap,
            "step_map_units": None if step is None else round(step.length, 2),
        }
        for path in paths
        for stop, step in zip(path.stops, [None, *path.steps], strict=False)
    ]
    return pd.DataFrame(rows, columns=list(STOP_COLUMNS))


def tell_story(mapped: MappedCohort, patients: Sequence[str]) -> list[str]:
    """Tell what is known of the patients a map opens on, one sentence or two each.

    A synthetic cohort brings the words along; for the real collection they are the paper's.
    """
    captions = mapped.cohort.planted.get("story", {}).get("captions", {})
    told = [f"Patient {p}, synthetic: {captions[p]}" for p in patients if p in captions]
    is_paper = find_story(mapped.cohort.table, mapped.projection) == tuple(PAPER_PATIENTS)
    if is_paper and (shown := [PAPER_STORY[p] for p in patients if p in PAPER_STORY]):
        told.append(f"In the paper's Figure 3 {'; '.join(shown)}. {PAPER_MAP}")
    return told


PAPER_STORY = {
    "178": "patient 178 died in the ICU",
    "205": "patient 205 got worse and recovered",
    "332": "patient 332 recovered quickly",
}
PAPER_MAP = (
    "The paper fitted its map with the pretrained network and together with 1,767 images that "
    "cannot be redistributed, so places here differ from its figure."
)


def map_page(
    mapped: MappedCohort,
    patients: Sequence[str] = (),
    *,
    bandwidth: float | None = 1.0,
    include_deaths: bool = False,
) -> str:
    """Return the map as a page that opens anywhere, with its caption and provenance.

    Parameters
    ----------
    patients : sequence of str
        Whose paths are drawn; by default the cohort's story.
    bandwidth : float, optional
        Of the density, in map units; None draws none.
    include_deaths : bool, default False
        Whether the density counts the last images of patients who died.

    Raises
    ------
    SelectionError
        If a patient is not in the cohort.
    """
    cohort, projection = mapped.cohort, mapped.projection
    chosen = list(patients) or list(find_story(cohort.table, projection, planted=cohort.planted))
    points = map_points(mapped.mapped.table, projection)
    label = DEATHS_LABEL if include_deaths else DENSITY_LABEL
    density = None
    if bandwidth is not None:
        bad = select_bad_points(points, include_deaths=include_deaths)
        density = estimate_density(bad, bandwidth=bandwidth)
    paths = [compute_trajectory(cohort.table, projection, patient) for patient in chosen]
    figure = plot_map(points, density, paths, theme="light", density_label=label, scale=1.15)
    notice, *origin = provenance(mapped)
    caption = caption_map(
        points,
        cohort=cohort.name,
        extractor=mapped.extractor,
        method=projection.settings.method,
        features=projection.settings.features,
        bandwidth=None if density is None else bandwidth,
        density_label=label,
    )
    return map_html(
        figure,
        caption="\n".join([caption, *origin]),
        notice=notice,
        description=describe_map(points, density, paths, density_label=label),
        title=f"Map of {cohort.name}",
        stops=stops_table(paths),
        story=tell_story(mapped, chosen),
    )


def write_map_page(mapped: MappedCohort, out: Path, *, patients: Sequence[str] = ()) -> None:
    """Write `map_page` to a file, whole or not at all."""
    _write_whole(out, map_page(mapped, patients).encode())


def write_map_table(mapped: MappedCohort, out: Path) -> None:
    """Write the map's points as Parquet, the provenance in the file's own metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    points = points_table(map_points(mapped.mapped.table, mapped.projection))
    table = pa.Table.from_pandas(points, preserve_index=False)
    about = {b"about": "\n".join(provenance(mapped)).encode()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **about})
    target = io.BytesIO()
    pq.write_table(table, target)
    _write_whole(out, target.getvalue())


def _write_whole(out: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; raises CxrError if it cannot be."""
    partial = out.with_name(f".{uuid.uuid4().hex[:12]}.part")
    try:
        partial.write_bytes(data)
        partial.replace(out)
    except OSError as error:
        raise CxrError(
            f"{str(out)!r} cannot be written: {error.strerror}. Name a folder that exists and "
            "has room."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
