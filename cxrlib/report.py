"""What leaves the program: maps and tables that say where they come from."""

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from cxrlib import NOTICE, __version__
from cxrlib.charts.trajectories import plot_map, write_map_html
from cxrlib.density import estimate_density
from cxrlib.pipeline import MappedCohort
from cxrlib.trajectories import (
    Trajectory,
    compute_trajectory,
    find_story,
    map_points,
    map_table,
    select_bad_points,
)

__all__ = ["csv_with_header", "provenance", "steps_table", "write_map_page", "write_map_table"]


def provenance(mapped: MappedCohort) -> list[str]:
    """List what an export must say of itself, one line each, the notice first."""
    cohort, settings = mapped.cohort, mapped.projection.settings
    kind = " (synthetic: no patient is behind it)" if cohort.is_synthetic else ""
    return [
        NOTICE,
        f"Cohort: {cohort.name}{kind}; fingerprint {cohort.fingerprint}",
        f"Features: {mapped.extractor.label}, {settings.features}"
        + (f"; {mapped.extractor.note}" if mapped.extractor.note else ""),
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
    return (
        f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
    )


def steps_table(paths: Sequence[Trajectory]) -> pd.DataFrame:
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


def write_map_page(mapped: MappedCohort, out: Path, *, patients: Sequence[str] = ()) -> None:
    """Write the map as a page that opens anywhere, with its caveat and provenance.

    Parameters
    ----------
    patients : sequence of str
        Whose paths are drawn; by default the cohort's story.

    Raises
    ------
    SelectionError
        If a patient is not in the cohort.
    """
    cohort, projection = mapped.cohort, mapped.projection
    chosen = list(patients) or list(find_story(cohort.table, projection, planted=cohort.planted))
    points = map_points(mapped.mapped.table, projection)
    density = estimate_density(select_bad_points(points))
    paths = [compute_trajectory(cohort.table, projection, patient) for patient in chosen]
    figure = plot_map(points, density, paths, theme="light")
    notice, *rest = provenance(mapped)
    write_map_html(figure, out, caption="\n".join(rest), notice=notice, theme="light")


def write_map_table(mapped: MappedCohort, out: Path) -> None:
    """Write the map's points as Parquet, the provenance in the file's own metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(
        map_table(mapped.mapped.table, mapped.projection), preserve_index=False
    )
    about = "\n".join(provenance(mapped)).encode()
    pq.write_table(
        table.replace_schema_metadata({**(table.schema.metadata or {}), b"about": about}), out
    )
