"""The import of a cohort: from a source's tables to a folder in our form, row by row."""

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping as Dict, Sequence
from pathlib import Path

from cxrlib.aliases import Progress
from cxrlib.cohort import METADATA_COLUMNS, METADATA_FILE, match_column, name_extra
from cxrlib.errors import CohortError
from cxrlib.importing.images import ImageCounts, ImageFinder, is_safe
from cxrlib.importing.mapping import Images, check_columns
from cxrlib.importing.recipes import NamedMapping
from cxrlib.importing.report import ColumnReport, ImportReport, write_report
from cxrlib.importing.rows import Row, RowMaker, split_cell
from cxrlib.importing.source_tables import JoinedTables, list_tables
from cxrlib.importing.steps import ADDED, READ, STEPS, Step
from cxrlib.importing.target import check_apart, copy_file, link_folder, write_target
from cxrlib.storage import ANNOTATIONS_FOLDER, IMAGES_FOLDER

MOST_SPELLINGS = 200  # pairs of ids that are named
STAGE = "Importing rows"
INTERVAL = 5000  # rows between two reports of progress


class Importer:
    """Import a source by a mapping.

    Parameters
    ----------
    source : Path
        Folder.
    named : NamedMapping
    options : sequence of str

    Raises
    ------
    CohortError
        If the source is no folder, or the mapping does not fit it.
    """

    def __init__(self, source: Path, named: NamedMapping, options: Sequence[str] = ()) -> None:
        if not source.is_dir():
            raise CohortError(f"There is no folder {str(source)!r}. Give the folder of the source.")
        self.root = source.resolve()
        self.named = named
        self.mapping = mapping = named.mapping.choose(options)
        self.tables = JoinedTables(self.root, mapping)
        self._allow_absent()
        header = self.tables.header
        check_columns(self.mapping, header, named.text, named.name)
        self._check_step(header)
        self.maker = RowMaker(self.mapping, header)
        self.ours, self._places = self._order_ours()
        self._extra = list(self._list_extra(header))
        self.report = ImportReport(
            NamedMapping(named.name, named.text, self.mapping),
            self.root.name,
            tuple(options),
            columns=[ColumnReport(name, self._describe(name)) for name in self.ours],
            extra={name: origin for name, origin, _ in self._extra},
        )
        self._spellings: dict[str, str] = {}

    def _allow_absent(self) -> None:
        """Let columns of an optional table be blank where the source lacks the table."""
        if not self.tables.absent:
            return
        header = self.tables.header
        columns = {
            name: cell.model_copy(update={"optional": True})
            if any(each not in header for each in cell.columns)
            else cell
            for name, cell in self.mapping.columns.items()
        }
        recode = tuple(
            each.model_copy(
                update={"columns": tuple(name for name in each.columns if name in header)}
            )
            for each in self.mapping.recode
        )
        self.mapping = self.mapping.model_copy(update={"columns": columns, "recode": recode})

    def _check_step(self, header: Dict[str, int]) -> None:
        step = self.mapping.step
        if step and step not in STEPS:
            raise CohortError(
                f"{self.named.name} names a step {step!r}; there are: {', '.join(STEPS)}."
            )
        missing = [name for name in READ.get(step, ()) if name not in header]
        if missing:
            raise CohortError(
                f"The step {step!r} of {self.named.name} reads a column {missing[0]!r}, which the "
                "source lacks. Take the step away, or give the table that has it."
            )

    def _order_ours(self) -> tuple[list[str], list[int]]:
        """Order our columns as the form does; file names come from the images."""
        made = [*self.maker.columns, *ADDED.get(self.mapping.step, ())]
        made = list(dict.fromkeys([*made, "filename"]))
        ours = [name for name in METADATA_COLUMNS if name in made]
        return ours, [made.index(name) for name in ours]

    def _describe(self, name: str) -> str:
        if name in ADDED.get(self.mapping.step, ()):
            return f"by the step {self.mapping.step!r}"
        if name == "filename" and self.mapping.images is not None:
            return "path of the image: " + ", or ".join(
                cell.text or cell.describe() for cell in self.mapping.images.file
            )
        return self.mapping.columns[name].describe()

    # ---- extra columns

    def _list_extra(
        self, header: Dict[str, int]
    ) -> Iterator[tuple[str, str, Callable[[Row], str]]]:
        """List the columns that stay: name, origin, and what gives their cells.

        A column that one of ours takes over as it is stands there already.
        """
        copied = {name for cell in self.mapping.columns.values() for name in cell.kept}
        copied |= self._find_copied_name()
        recoded = {name: each for each in self.mapping.recode for name in each.columns}
        taken: list[str] = []
        for column, place in header.items():
            if column in copied and column not in recoded:
                continue
            name = name_apart(column, taken)
            taken.append(name)
            if column in recoded:
                values = recoded[column].values
                yield name, f"{column}, values written anew", _make_recoded(place, values)
            else:
                yield name, column, _make_plain(place)
        for each in self.mapping.indicators:
            every = re.compile(each.each)
            split = _make_splitter(every, header[each.from_])
            for label in each.names:
                name = name_apart(label, taken)
                taken.append(name)
                yield (
                    name,
                    f"whether {each.from_} has {label}",
                    _make_has(split, label, each.absent),
                )

    def _find_copied_name(self) -> set[str]:
        """Find the column whose cells are the file names as they are, if there is one."""
        images = self.mapping.images
        if images is None or images.anywhere or images.endings != ("",) or len(images.file) > 1:
            return set()
        match = re.fullmatch(r"(?:[^{}]*/)?\{([^{}:]+)\}", images.file[0].text)
        return {match[1]} if match else set()

    # ---- rows

    def read(self, on_progress: Progress | None = None) -> Iterator[tuple[list[str], str, bool]]:
        """Read all rows: our cells with the extra ones, the image's name, whether it is there."""
        blank = frozenset(self.mapping.blank)
        self.report.images = ImageCounts()
        finder = ImageFinder(self.root, self._find_images(), self.tables.header)
        self.finder = finder
        if self.maker.needs_dates:
            for _, row in self.tables.read_rows():
                self.maker.see_dates(_clear(row, blank))
            self.tables.reset()
        step = STEPS.get(self.mapping.step)
        added = ADDED.get(self.mapping.step, ())
        for number, cells in self.tables.read_rows():
            row = _clear(cells, blank)
            made = self.maker.make(row)
            if step is not None:
                made = self._take_step(step, row, made, added)
            name, is_there = finder.find(row, number)
            if self.mapping.images is not None:
                made.append(name)
            ours = [made[place] for place in self._places]
            self._count(ours, number)
            yield ours + [take(row) for _, _, take in self._extra], name, is_there
            if on_progress is not None and self.report.n_rows % INTERVAL == 0:
                on_progress(STAGE, self.report.n_rows, 0)
        if on_progress is not None:
            on_progress(STAGE, self.report.n_rows, self.report.n_rows)
        finder.count_unnamed()
        self.report.images = finder.counts
        self.report.tables = self.tables.counts
        self.report.unread = self._list_unread()

    def _find_images(self) -> Images:
        """Find images by their file names where the mapping names these only."""
        if self.mapping.images is not None:
            return self.mapping.images
        return Images(file=(self.mapping.columns["filename"],))

    def _take_step(self, step: Step, row: Row, made: list[str], added: Sequence[str]) -> list[str]:
        header = self.tables.header
        names = list(dict.fromkeys([*self.maker.columns, *added]))
        ours = dict.fromkeys(names, "") | dict(zip(self.maker.columns, made, strict=True))
        step(lambda name: row[header[name]], ours)
        return [ours[name] for name in names]

    def _count(self, ours: Sequence[str], number: int) -> None:
        self.report.n_rows += 1
        for report, cell in zip(self.report.columns, ours, strict=True):
            if cell:
                report.see(cell, number)
        patient = ours[self.ours.index("patientid")]
        if patient:
            first = self._spellings.setdefault(fold_id(patient), patient)
            pairs = self.report.spellings
            is_new = first != patient and (first, patient) not in pairs
            if is_new and len(pairs) < MOST_SPELLINGS:
                pairs.append((first, patient))

    def _list_unread(self) -> list[str]:
        read = {path for each in (self.tables.first, *self.tables.others) for path in each.paths}
        there = [path for path in list_tables(self.root) if path not in read]
        return [path.relative_to(self.root).as_posix() for path in there]

    # ---- writing

    def run_dry(self, on_progress: Progress | None = None) -> ImportReport:
        """Read everything and write nothing."""
        for _ in self.read(on_progress):
            pass
        return self.report

    def run(
        self, target: Path, *, copy: bool = False, on_progress: Progress | None = None
    ) -> ImportReport:
        """Write the cohort.

        Parameters
        ----------
        target : Path
            New or empty folder, apart from the source.
        copy : bool, default False
            Whether images are copied; otherwise the folder images/ is a link to the source's.
        on_progress : callable, optional

        Raises
        ------
        CohortError
            If it cannot be written; the target is then not there, and the same command goes on.
        """
        check_apart(self.root, target)
        self.report.how = "copied" if copy else "linked"
        begun = {
            "source": str(self.root),
            "mapping": self.mapping.model_dump(mode="json"),
            "copy": copy,
        }
        with write_target(target, begun) as work:
            self._write_rows(work, copy, on_progress)
            self._write_annotations(work, copy)
            write_report(self.report, work)
        return self.report

    def _write_rows(self, work: Path, copy: bool, on_progress: Progress | None) -> None:
        rows = self.read(on_progress)
        with (work / METADATA_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*self.ours, *(name for name, _, _ in self._extra)])
            for cells, name, is_there in rows:
                writer.writerow(cells)
                if copy and is_there:
                    path = self.root / self.finder.folder / name
                    copy_file(path, work / IMAGES_FOLDER / name)
            file.flush()
            os.fsync(file.fileno())
        folder = self.root / self.finder.folder
        if not copy and self.report.images.n_dicom:
            raise CohortError(
                f"{self.finder.folder or self.root.name!r} holds {self.report.images.n_dicom:,} "
                "DICOM files, which are never linked, since they name patients. Copy the other "
                "images: --copy."
            )
        if copy or not folder.is_dir():
            (work / IMAGES_FOLDER).mkdir(exist_ok=True)
        else:
            link_folder(folder, work / IMAGES_FOLDER)

    def _write_annotations(self, work: Path, copy: bool) -> None:
        name = self.mapping.annotations
        folder = self.root / name
        if not name or not is_safe(name) or not folder.is_dir():
            return
        if not folder.resolve().is_relative_to(self.root):
            self.report.warnings.append(f"{name} is a link that leaves the source: left out.")
        elif not copy:
            link_folder(folder, work / ANNOTATIONS_FOLDER)
        else:
            for parent, _, names in os.walk(folder):
                for each in names:
                    path = Path(parent, each)
                    if path.is_file() and path.resolve().is_relative_to(self.root):
                        copy_file(path, work / ANNOTATIONS_FOLDER / path.relative_to(folder))


def name_apart(column: str, taken: Sequence[str]) -> str:
    """Name an extra column so that it is none of ours and none that is taken.

    Examples
    --------
    >>> name_apart("Age", []), name_apart("ward", ["ward"])
    ('Age (source)', 'ward (2)')
    """
    return name_extra(f"{column} (source)" if match_column(column) else column, taken)


def fold_id(patient: str) -> str:
    """Fold an id so that two spellings of one become equal.

    Examples
    --------
    >>> fold_id("P-007 ") == fold_id("p 7")
    True
    """
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\s_.-]+", " ", patient.casefold()).strip())


def _clear(row: list[str], blank: frozenset[str]) -> list[str]:
    """Make cells blank that say that nothing is recorded."""
    return ["" if cell in blank else cell for cell in row] if blank else row


def _make_plain(place: int) -> Callable[[Row], str]:
    return lambda row: row[place]


def _make_recoded(place: int, values: Dict[str, str]) -> Callable[[Row], str]:
    return lambda row: values.get(row[place], row[place])


def _make_splitter(every: re.Pattern[str], place: int) -> Callable[[Row], frozenset[str]]:
    """Split the cell of a row once for all labels that are asked of it."""
    last: dict[str, frozenset[str]] = {}

    def split(row: Row) -> frozenset[str]:
        cell = row[place]
        if cell not in last:
            last.clear()
            last[cell] = frozenset(split_cell(every, cell, {}))
        return last[cell]

    return split


def _make_has(
    split: Callable[[Row], Iterable[str]], label: str, absent: str
) -> Callable[[Row], str]:
    def take(row: Row) -> str:
        found = split(row)
        return "" if not found else "yes" if label in found else absent

    return take
