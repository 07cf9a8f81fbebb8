"""Write folders of foreign collections for tests of imports."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from cxrlib.importing import Importer, ImportReport, NamedMapping, parse_mapping
from tests.cohort_factory import draw_image

PLAIN = """
[[table]]
file = "films.csv"

[images]
file = "png/{film}"
endings = [".png"]

[columns]
patientid = "patient"
"""


def write_table(
    path: Path,
    rows: Sequence[Mapping[str, object]],
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> Path:
    """Write rows as separated text, packed where the name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def draw(path: Path, seed: int) -> Path:
    """Draw an image file that differs from those of other seeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_image(seed)).save(path)
    return path


def make_source(root: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write films.csv, and an image for each row that names a film."""
    write_table(root / "films.csv", rows)
    for seed, row in enumerate(rows, start=1):
        if row.get("film"):
            draw(root / "png" / f"{row['film']}.png", seed)
    return root


def name_mapping(text: str, name: str = "own.toml") -> NamedMapping:
    """Give a mapping its name."""
    return NamedMapping(name, text, parse_mapping(text, name))


def import_by(text: str, source: Path, target: Path, **options: bool) -> ImportReport:
    """Import a source by the text of a mapping."""
    return Importer(source, name_mapping(text)).run(target, **options)


def read_back(target: Path) -> list[dict[str, str]]:
    """Read the rows of a written metadata.csv."""
    with (target / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
