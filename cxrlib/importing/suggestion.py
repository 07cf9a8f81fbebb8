"""A mapping proposed for a source that nobody has described: from names and from contents.

Each line of the proposal says why. It is a draft: whoever imports reads it and mends it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from cxrlib.cohort import match_column, read_value
from cxrlib.errors import CohortError
from cxrlib.importing.images import ENDINGS, walk_images
from cxrlib.importing.importer import Importer
from cxrlib.importing.mapping import Table
from cxrlib.importing.recipes import find_recipe, list_recipes
from cxrlib.importing.source_tables import SourceTable, list_tables

N_SAMPLE = 2000  # rows of a table that are looked at
LEAST_UNDERSTOOD = 0.8  # share of the cells of a column that must be understood
LEAST_IMAGES = 0.5  # share of the cells of a column that must name an image
MOST_TABLES = 20
MOST_VALUES = 8  # values that a reason or a line of values names

SYNONYMS: dict[str, tuple[str, ...]] = {
    "patientid": (
        "patientid",
        "patient",
        "subjectid",
        "subject",
        "participant",
        "caseid",
        "mrn",
        "pid",
    ),
    "offset": ("offset", "day", "days", "dayoffset", "daysfromadmission", "followupday"),
    "sex": ("sex", "gender", "patientsex", "patientgender", "geschlecht", "sexo"),
    "age": ("age", "patientage", "ageyears", "ageatstudy", "alter", "edad"),
    "finding": ("finding", "findings", "findinglabels", "diagnosis", "label", "labels", "class"),
    "survival": ("survival", "survived", "alive"),
    "RT_PCR_positive": ("rtpcrpositive", "pcrpositive", "pcr", "rtpcr", "pcrresult"),
    "intubated": ("intubated", "everintubated", "ventilated"),
    "intubation_present": ("intubationpresent", "tube", "endotrachealtube", "tubepresent"),
    "went_icu": ("wenticu", "icu", "icuadmission", "everinicu"),
    "in_icu": ("inicu", "icuatimage"),
    "needed_supplemental_O2": ("neededsupplementalo2", "supplementaloxygen", "oxygen"),
    "extubated": ("extubated",),
    "temperature": ("temperature", "temp", "bodytemperature"),
    "pO2_saturation": ("po2saturation", "spo2", "sao2", "oxygensaturation", "saturation"),
    "leukocyte_count": ("leukocytecount", "wbc", "wbccount", "leukocytes"),
    "neutrophil_count": ("neutrophilcount", "neutrophils"),
    "lymphocyte_count": ("lymphocytecount", "lymphocytes"),
    "view": ("view", "viewposition", "projection", "position", "appa", "viewpositiondicom"),
    "modality": ("modality", "modalitydicom", "technique"),
    "date": ("date", "studydate", "acquisitiondate", "imagedate", "studydatedicom"),
    "location": ("location", "hospital", "site", "country", "place", "center", "centre"),
    "doi": ("doi",),
    "url": ("url", "link", "address", "source"),
    "license": ("license", "licence"),
    "clinical_notes": ("clinicalnotes", "notes", "note", "report", "comment", "remarks"),
    "other_notes": ("othernotes",),
}
"""Names, in small letters without signs, that our columns have elsewhere; likelier first."""
TEXTS = {"patientid", "finding", "date", "location", "doi", "url", "license", "clinical_notes"}
_DATE = re.compile(r"\d{8}(\.0)?|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.*")


@dataclass
class Suggestion:
    """Hold a proposed mapping.

    Parameters
    ----------
    text : str
        As TOML, with comments that say why.
    recipes : list of str
        Recipes that fit the source as they are.
    """

    text: str
    recipes: list[str] = field(default_factory=list)


@dataclass
class _Sample:
    """Hold the first rows of a table."""

    source: SourceTable
    rows: list[list[str]]

    @property
    def name(self) -> str:
        return self.source.paths[0].relative_to(self.source.root).as_posix()

    def cells(self, column: str) -> list[str]:
        place = self.source.header.index(column)
        return [row[place] for row in self.rows if row[place]]


def suggest_mapping(source: Path) -> Suggestion:
    """Propose a mapping for a source.

    Parameters
    ----------
    source : Path
        Folder with at least one table of separated text.

    Raises
    ------
    CohortError
        If there is no such folder, or no table in it.
    """
    if not source.is_dir():
        raise CohortError(f"There is no folder {str(source)!r}. Give the folder of the source.")
    root = source.resolve()
    samples = list(_read_samples(root))
    if not samples:
        raise CohortError(
            f"{root.name!r} has no table (.csv, .tsv, .txt, also .gz) in its first three folders. "
            "Export one as comma-separated text, a row per image."
        )
    images = walk_images(root)
    first, pattern = _choose_first(samples, images)
    lines = [
        f"# A draft for {root.name!r}: read each line, mend what is wrong, then import with",
        "# --mapping FILE.toml. Columns that no line names stay as extra columns.",
        f"title = {quote(root.name)}",
        "",
        *_write_tables(first, samples),
        *_write_images(pattern, first, images),
        *_write_columns(first),
    ]
    # A name can hold what no comment may: a line's end, a control character.
    clean = ("".join(sign if sign.isprintable() else "?" for sign in line) for line in lines)
    return Suggestion("\n".join(clean) + "\n", _find_fitting(root))


def _read_samples(root: Path) -> Iterator[_Sample]:
    """Read the first rows of each table that has some."""
    for path in list_tables(root)[:MOST_TABLES]:
        name = path.relative_to(root).as_posix()
        try:
            table = SourceTable(root, [path], Table.model_validate({"file": name}))
            rows = [cells for _, cells in islice(table.read_rows(), N_SAMPLE)]
        except CohortError:
            continue  # not a table: a licence, a README
        if rows and len(table.header) > 1:
            yield _Sample(table, rows)


def _find_fitting(root: Path) -> list[str]:
    fitting = []
    for name in list_recipes():
        try:
            Importer(root, find_recipe(name))
        except CohortError:
            continue
        fitting.append(name)
    return fitting


# ---- tables and images


@dataclass
class _Pattern:
    """Hold how a column names the images."""

    column: str
    file: str
    anywhere: bool
    endings: tuple[str, ...]
    share: float


def _choose_first(
    samples: Sequence[_Sample], images: Sequence[str]
) -> tuple[_Sample, _Pattern | None]:
    """Choose the table with a row an image: the one that names most images, or else most rows."""
    found = [(sample, _find_pattern(sample, images)) for sample in samples]
    best, pattern = max(found, key=lambda each: each[1].share * len(each[0].rows) if each[1] else 0)
    if pattern is not None:
        return best, pattern
    return max(samples, key=lambda each: (len(each.rows), len(each.source.header))), None


def _find_pattern(sample: _Sample, images: Sequence[str]) -> _Pattern | None:
    """Find the column whose cells are names of images, with or without folder and ending."""
    best: _Pattern | None = None
    paths, names = set(images), Counter(each.rpartition("/")[2] for each in images)
    stems: dict[str, list[str]] = {}
    for each in images:
        stems.setdefault(each.rpartition("/")[2].rpartition(".")[0], []).append(each)
    for column in sample.source.header:
        cells = list(dict.fromkeys(sample.cells(column)))
        if not cells or re.search(r"[{}:]", column):  # such a name fits into no braces
            continue
        tries = (
            (column, "path", [cell for cell in cells if cell in paths]),
            (column, "name", [cell for cell in cells if cell in names]),
            (column, "stem", [cell for cell in cells if cell in stems]),
        )
        for _, kind, hits in tries:
            share = len(hits) / len(cells)
            if share >= LEAST_IMAGES and (best is None or share > best.share):
                best = _make_pattern(column, kind, hits, share, images, stems)
    return best


def _make_pattern(
    column: str,
    kind: str,
    hits: Sequence[str],
    share: float,
    images: Sequence[str],
    stems: dict[str, list[str]],
) -> _Pattern:
    brace = "{" + column + "}"
    if kind == "path":
        return _Pattern(column, brace, False, (), share)
    by_name = {each.rpartition("/")[2]: each for each in images}
    found = [stems[hit][0] if kind == "stem" else by_name[hit] for hit in hits]
    folders = {each.rpartition("/")[0] for each in found}
    endings = Counter("." + each.rpartition(".")[2] for each in found) if kind == "stem" else {}
    anywhere = len(folders) > 1
    folder = "" if anywhere else next(iter(folders))
    file = f"{folder}/{brace}" if folder else brace
    return _Pattern(column, file, anywhere, tuple(endings), share)


def _write_tables(first: _Sample, samples: Sequence[_Sample]) -> Iterator[str]:
    yield "[[table]]"
    yield f"file = {quote(first.name)}"
    yield ""
    for other in samples:
        if other is first:
            continue
        key = _find_key(first, other)
        if key is None:
            yield f"# {other.name} is not joined: no column of it is a key of the first table."
            continue
        clashes = set(other.source.header) & set(first.source.header) - {key}
        yield f"# {key!r} is in both tables, and each value of it once in {other.name}."
        yield "[[table]]"
        yield f"file = {quote(other.name)}"
        yield f"by = [{quote(key)}]"
        if clashes:
            yield f"prefix = {quote(Path(other.name).stem + ' ')}"
        yield ""


def _find_key(first: _Sample, other: _Sample) -> str | None:
    """Find a column of both tables that is a key of the second."""
    for column in other.source.header:
        if column not in first.source.header:
            continue
        cells = other.cells(column)
        is_key = len(set(cells)) == len(cells) == len(other.rows)
        if is_key and set(cells) & set(first.cells(column)):
            return column
    return None


def _write_images(pattern: _Pattern | None, first: _Sample, images: Sequence[str]) -> Iterator[str]:
    yield "[images]"
    if pattern is None:
        yield f"# No column names the {len(images):,} image files that were found: write the path."
        yield f"file = {quote('images/{' + first.source.header[0] + '}')}"
        yield f"endings = [{', '.join(map(quote, sorted(ENDINGS)[:4]))}]"
    else:
        yield f"# {pattern.share:.0%} of the values of {pattern.column!r} name an image file."
        yield f"file = {quote(pattern.file)}"
        if pattern.endings:
            yield f"endings = [{', '.join(map(quote, pattern.endings))}]"
        if pattern.anywhere:
            yield "anywhere = true"
    yield ""


# ---- columns


def _write_columns(first: _Sample) -> Iterator[str]:
    """Propose a column for each of ours, likeliest first; no column is proposed twice."""
    yield "[columns]"
    taken: set[str] = set()
    for ours, names in SYNONYMS.items():
        found = _find_column(first, ours, names, taken)
        if found is None:
            if ours == "patientid":
                yield "# No column looks like a patient id: name it."
                yield f"patientid = {quote(first.source.header[0])}"
            continue
        column, reason, strange = found
        taken.add(column)
        yield f"# {reason}"
        if strange:
            values = ", ".join(f'{quote(value)} = "?"' for value in strange)
            yield f"# Not understood: give values = {{ {values} }}"
        yield f"{ours} = {quote(column)}"
    if "modality" not in {match_column(name) for name in first.source.header}:
        yield "# No column says so; without it views decide."
        yield 'modality = { constant = "X-ray" }'
    rest = [name for name in first.source.header if name not in taken]
    yield f"# Extra columns: {', '.join(rest) or 'none'}"


def _find_column(
    first: _Sample, ours: str, names: Sequence[str], taken: set[str]
) -> tuple[str, str, list[str]] | None:
    """Find a column by its name, or by its contents where these can only be one thing."""
    folded = {re.sub(r"[^a-z0-9]", "", name.casefold()): name for name in first.source.header}
    for name in names:
        column = folded.get(name, "")
        if column and column not in taken and _may_be(ours, first.cells(column)):
            share, strange, shown = _judge(ours, first.cells(column))
            reason = f"The name {column!r}"
            if ours not in TEXTS and first.cells(column):
                reason += f"; {share:.0%} of its values are understood ({shown})"
            return column, f"{reason}.", strange
    if ours not in ("sex", "view", "modality"):
        return None
    for column in first.source.header:
        cells = first.cells(column)
        share, strange, shown = _judge(ours, cells)
        if column not in taken and cells and share >= LEAST_UNDERSTOOD and _is_telling(ours, cells):
            return (
                column,
                f"{share:.0%} of the values of {column!r} are of {ours}: {shown}.",
                strange,
            )
    return None


def _may_be(ours: str, cells: Sequence[str]) -> bool:
    """Tell whether cells may be of a column: not dates where days are meant, for example."""
    if ours in TEXTS or not cells:
        return True
    if ours == "offset" and sum(bool(_DATE.fullmatch(cell)) for cell in cells) > len(cells) / 2:
        return False
    return _judge(ours, cells)[0] > 0


def _judge(ours: str, cells: Sequence[str]) -> tuple[float, list[str], str]:
    """Give the share of cells that are understood, those that are not, and the most frequent."""
    counts = Counter(cells)
    strange = [value for value, _ in counts.most_common() if read_value(ours, value).value is None]
    n_strange = sum(counts[value] for value in strange)
    shown = ", ".join(f"{value} {n:,}" for value, n in counts.most_common(4))
    shown = "".join(sign if sign.isprintable() else " " for sign in shown)[:80]
    return 1 - n_strange / max(len(cells), 1), strange[:MOST_VALUES], shown


def _is_telling(ours: str, cells: Sequence[str]) -> bool:
    """Tell whether contents alone decide: words, and more than one of them but for modality."""
    values = set(cells)
    is_number = all(re.fullmatch(r"[\d.]+", value) for value in values)
    return not is_number and (ours == "modality" or len(values) > 1)


def quote(text: str) -> str:
    r"""Write a text as a TOML string.

    Examples
    --------
    >>> quote('a "b"')
    '"a \\"b\\""'
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
