"""What leaves the program: maps and tables that say where they come from."""

import io
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
    Trajectory,
    compute_trajectory,
    find_story,
    map_points,
    map_table,
    select_bad_points,
)

__all__ = [
    "DEATHS_LABEL",
    "csv_with_header",
    "map_page",
    "provenance",
    "stops_table",
    "write_map_page",
    "write_map_table",
]

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
        f"Map: {settings.method}, {settings.n_neighbors} neighbours, minimum distance "
        f"{settings.min_dist:g}, seed {settings.seed}; "
        f"{len(mapped.projection.image_ids):,} images (unit: image); the axes have no unit",
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


def stops_table(paths: Sequence[Trajectory]) -> pd.DataFrame:
    """List the days of trajectories, one row a patient and day.

    Returns
    -------
    DataFrame
        Patient, day, number of images, views, state, days since the last stop and the step's
        length in map units (missing for the first day).
    """
    rows = []
    for path in paths:
        steps = [None, *path.steps]
        for stop, step in zip(path.stops, steps, strict=True):
            rows.append(
                {
                    "Patient": path.patient_id,
                    "Day": stop.day,
                    "Images": len(stop.images),
                    "Views": ", ".join(sorted({image.view for image in stop.images})),
                    "State": stop.state,
                    "Days since last": None if step is None else step.gap,
                    "Step, map units": None if step is None else round(step.length, 2),
                }
            )
    columns = ["Patient", "Day", "Images", "Views", "State", "Days since last", "Step, map units"]
    return pd.DataFrame(rows, columns=columns)


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
    figure = plot_map(points, density, paths, theme="light", density_label=label)
    notice, *origin = provenance(mapped)
    caption = caption_map(
        points,
        cohort=cohort.name,
        extractor=mapped.extractor.title,
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
    )


def write_map_page(mapped: MappedCohort, out: Path, *, patients: Sequence[str] = ()) -> None:
    """Write `map_page` to a file, whole or not at all."""
    _write_whole(out, map_page(mapped, patients).encode())


def write_map_table(mapped: MappedCohort, out: Path) -> None:
    """Write the map's points as Parquet, the provenance in the file's own metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    points = map_table(mapped.mapped.table, mapped.projection)
    table = pa.Table.from_pandas(points, preserve_index=False)
    about = {b"about": "\n".join(provenance(mapped)).encode()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **about})
    target = io.BytesIO()
    pq.write_table(table, target)
    _write_whole(out, target.getvalue())


def _write_whole(out: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; raises CxrError if it cannot be."""
    partial = out.with_name(f".{out.name}.part")
    try:
        partial.write_bytes(data)
        partial.replace(out)
    except OSError as error:
        raise CxrError(
            f"{str(out)!r} cannot be written: {error.strerror}. Name a folder that exists and "
            "has room."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
