"""The mapping language: a TOML file that says how another collection becomes a cohort of ours.

A mapping names the source's tables (the first has one row an image, the others are joined to it by
key columns), where each row's image is, and what each of our columns is made of::

    title = "Chest films of a hospital"

    [[table]]
    file = "films.csv"

    [[table]]
    file = "patients.csv"
    by = ["patient"]

    [images]
    file = "png/{film}"
    endings = [".png"]

    [columns]
    patientid = "patient"
    age = { from = "age in months", factor = 0.08333 }
    sex = { from = "gender", values = { "1" = "M", "2" = "F" } }
    modality = { constant = "X-ray" }

Columns of the source that no line names stay as extra columns. `docs/import.md` lists every key.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping as Dict, Sequence
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from cxrlib.cohort import METADATA_COLUMNS, match_column
from cxrlib.errors import CohortError

MAX_BYTES = 1 << 20
ORIGINS = ("from", "text", "constant", "given", "labels")
ESSENTIAL = "patientid"
IMAGE_COLUMN = "filename"


def _to_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"it is no regular expression ({error})") from error
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_to_list), Field(strict=False)]
"""One name or a list of them."""
Pattern = Annotated[str, BeforeValidator(_check_pattern)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Table(_Part):
    """Hold where one table of the source is, and by which columns it is joined.

    Parameters
    ----------
    file : tuple of str
        Paths within the source, ``*`` for any part of a name; the first that is there counts.
    all : bool
        Whether every file that fits is read, one after another.
    parts : str
        A regular expression with named groups: the rows are then the files that fit themselves,
        with a column "path" and one for each group found in the path.
    by : dict or tuple of str
        Key columns, as own = "the other's" where the names differ; none for the first table.
    encoding, delimiter : str
        By default found out.
    prefix : str
        Put before the names of its columns that are no keys.
    optional : bool
        Whether the source may lack it.
    """

    file: Names
    all: bool = False
    parts: Pattern = ""
    by: dict[str, str] | Names = ()
    encoding: str = ""
    delimiter: str = ""
    prefix: str = ""
    optional: bool = False

    @property
    def keys(self) -> dict[str, str]:
        """Key columns of the table, each with the column above that it equals."""
        return dict(self.by) if isinstance(self.by, dict) else {name: name for name in self.by}


class Cell(_Part):
    """Hold what one of our columns is made of.

    Parameters
    ----------
    from_ : tuple of str
        Columns of the source (in TOML: ``from``); the first that gives something counts.
    text : str
        A text with columns in braces: ``"{city}, {country}"``; ``{id:.2}`` takes two signs.
    constant : str
    given : str
        A column: `then` where it holds something, else `otherwise`.
    labels : dict or tuple of str
        Columns of labels: the names of the `positive` ones, joined; as column = "our name".
    match : str
        A regular expression: its first group, or all that fits, is taken.
    each : str
        A regular expression: everything that fits, joined.
    join : str
        Put between the parts of `each`, `labels` and `combine`.
    combine : bool
        Whether all columns of `from` that give something count, joined.
    values : dict of str
        Value to value; others stay.
    factor, plus : float
        Unit: number * factor + plus.
    minus : str
        A column whose number is subtracted.
    days_since_first : str
        The form of a date, such as ``"%Y%m%d"``: days since the patient's first date are taken.
    optional : bool
        Whether the source may lack the columns.
    """

    from_: Names = Field((), alias="from")
    text: str = ""
    constant: str = ""
    given: str = ""
    then: str = "yes"
    otherwise: str = ""
    labels: dict[str, str] | Names = ()
    positive: Names = ("1", "1.0")
    match: Pattern = ""
    each: Pattern = ""
    join: str = ", "
    combine: bool = False
    values: dict[str, str] = Field(default_factory=dict)
    factor: Annotated[float, Field(strict=False, allow_inf_nan=False)] = 1.0
    plus: Annotated[float, Field(strict=False, allow_inf_nan=False)] = 0.0
    minus: str = ""
    days_since_first: str = ""
    optional: bool = False

    @model_validator(mode="after")
    def _check_origin(self) -> "Cell":
        named = [name for name in ORIGINS if getattr(self, "from_" if name == "from" else name)]
        if len(named) != 1:
            raise ValueError(
                f"it needs one of {', '.join(ORIGINS)}, and has {' and '.join(named) or 'none'}"
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the source that it reads."""
        read = (*self.from_, *list_braces(self.text), *self.labels, self.given, self.minus)
        return tuple(dict.fromkeys(name for name in read if name))

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns that it takes over whole and unaltered: one, or all that it combines."""
        if not self.from_ or (len(self.from_) > 1 and not self.combine):
            return ()
        plain = Cell.model_validate({"from": list(self.from_), "combine": self.combine})
        here = self.model_copy(update={"optional": plain.optional, "join": plain.join})
        return self.from_ if here == plain else ()

    def describe(self) -> str:
        """Describe in a few words what the column is made of."""
        if self.constant:
            return f"always {self.constant!r}"
        if self.given:
            return f"{self.then!r} where {self.given!r} is given, else {self.otherwise!r}"
        origin = "text of " if self.text else "positive labels of " if self.labels else ""
        words = [
            origin
            + (" and " if self.combine or self.labels else ", else ").join(
                map(repr, self.columns[:3])
            )
        ]
        if len(self.columns) > 3:
            words[0] += f" and {len(self.columns) - 3} more"
        words += ["a part of it"] if self.match or self.each else []
        words += [f"{len(self.values)} values written anew"] if self.values else []
        words += [f"times {self.factor:g}"] if self.factor != 1 else []
        words += [f"plus {self.plus:g}"] if self.plus else []
        words += ["days since the patient's first"] if self.days_since_first else []
        return ", ".join(words)


def _to_cell(value: object) -> object:
    return {"from": value} if isinstance(value, (str, list)) else value


def _to_text(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    return [{"text": each} if isinstance(each, str) else each for each in values]


ColumnCell = Annotated[Cell, BeforeValidator(_to_cell)]
ImageCells = Annotated[tuple[Cell, ...], BeforeValidator(_to_text), Field(strict=False)]


class Images(_Part):
    """Hold where the image of a row is.

    Parameters
    ----------
    file : tuple of Cell
        Paths within the source, as texts with columns in braces; the first that is there counts.
    endings : tuple of str
        Put after each in turn.
    anywhere : bool
        Whether the last part of the path is looked for in all folders of the source.
    """

    file: ImageCells
    endings: Names = ("",)
    anywhere: bool = False


class Recode(_Part):
    """Hold value to value for columns that stay as extra columns."""

    columns: Names
    values: dict[str, str]


class Indicators(_Part):
    """Hold a list in a cell that becomes one extra column of yes and no for each name."""

    from_: str = Field(alias="from")
    each: Pattern
    names: Names
    absent: str = ""


class Option(_Part):
    """Hold what an option changes: other columns, and a note that says so on every number."""

    help: str
    note: str
    columns: dict[str, ColumnCell]


class Mapping(_Part):
    """Hold a checked mapping; its keys are those of the TOML file.

    Parameters
    ----------
    title : str
        Name of the cohort.
    about : str
    notes : tuple of str
        Sentences that pages and exports print beside every number of the cohort.
    blank : tuple of str
        Cells that say that nothing is recorded.
    table : tuple of Table
    images : Images or None
    annotations : str
        Folder of the source with annotations in the collection's layout.
    columns : dict of str to Cell
        By the names of our columns.
    recode, indicators, option
        See there.
    step : str
        A step in Python for what this language cannot say.
    """

    title: str = ""
    about: str = ""
    notes: Names = ()
    blank: Names = ()
    table: Annotated[tuple[Table, ...], Field(strict=False, min_length=1)]
    images: Images | None = None
    annotations: str = ""
    columns: dict[str, ColumnCell]
    recode: Annotated[tuple[Recode, ...], Field(strict=False)] = ()
    indicators: Annotated[tuple[Indicators, ...], Field(strict=False)] = ()
    option: dict[str, Option] = Field(default_factory=dict)
    step: str = ""

    def choose(self, options: Sequence[str]) -> "Mapping":
        """Return the mapping with options chosen.

        Raises
        ------
        CohortError
            If there is no such option.
        """
        columns, notes = dict(self.columns), list(self.notes)
        for name in options:
            if name not in self.option:
                there = ", ".join(self.option) or "none"
                raise CohortError(f"There is no option {name!r}; this mapping has: {there}.")
            columns |= self.option[name].columns
            notes.append(self.option[name].note)
        return self.model_copy(update={"columns": columns, "notes": tuple(notes)})


# ---- reading a mapping


def parse_mapping(text: str, name: str) -> Mapping:
    """Read a mapping from TOML.

    Parameters
    ----------
    text : str
    name : str
        Of the file, for messages.

    Raises
    ------
    CohortError
        With file, line, key, what is wrong and what would be right.
    """
    try:
        mapping = Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CohortError(f"{name} is not valid TOML: {_explain(error)}") from error
    except ValidationError as error:
        raise CohortError(_describe(error, text, name)) from error
    _check_targets(mapping, text, name)
    return mapping


def _explain(error: tomllib.TOMLDecodeError) -> str:
    words = str(error)
    if words.startswith("Cannot overwrite a value"):
        return words.replace("Cannot overwrite a value", "one key stands twice") + (
            ": two columns cannot become one. Name them as one list, from = [..]: the first that "
            "gives something counts."
        )
    return f"{words[:1].lower()}{words[1:]}."


def _describe(error: ValidationError, text: str, name: str) -> str:
    found = error.errors(include_url=False)
    # A key that is not known is the likelier slip than the one that is then missing.
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    place = [
        part for part in first["loc"] if not str(part).startswith(("function-", "tuple", "dict"))
    ]
    words = first["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in place) or "the mapping"
    where = f"{name}, line {find_line(text, place)}: {key}"
    if first["type"] == "extra_forbidden":
        return f"{where} is no key of a mapping.{_name_near(str(place[-1]), list_keys())}"
    if first["type"] == "missing":
        return f"{where} is missing."
    return f"{where} is {repr(first['input'])[:60]}: {words[:1].lower()}{words[1:]}."


def list_keys() -> list[str]:
    """List the keys of the mapping language."""
    models = (Mapping, Table, Cell, Images, Recode, Indicators, Option)
    return [field.alias or key for model in models for key, field in model.model_fields.items()]


def _check_targets(mapping: Mapping, text: str, name: str) -> None:
    """Refuse columns that are not ours, or that stand twice in two spellings."""
    chosen = [("columns",), *(("option", each, "columns") for each in mapping.option)]
    for path in chosen:
        columns = mapping.columns if len(path) == 1 else mapping.option[path[1]].columns
        seen: dict[str, str] = {}
        for key in columns:
            where = f"{name}, line {find_line(text, [*path, key])}: "
            known = match_column(key)
            if known in seen:
                raise CohortError(
                    f"{where}{key!r} and {seen[known]!r} are one column. Name them as one list, "
                    "from = [..]: the first that gives something counts."
                )
            if known != key:
                raise CohortError(
                    f"{where}there is no column {key!r} in our form."
                    f"{_name_near(key, METADATA_COLUMNS)} A column that no line names stays as an "
                    "extra column."
                )
            seen[known] = key
    if ESSENTIAL not in mapping.columns:
        raise CohortError(f"{name}: [columns] has no {ESSENTIAL}. Name the column of patient ids.")
    if mapping.images is None and IMAGE_COLUMN not in mapping.columns:
        raise CohortError(
            f"{name}: neither [images] nor a column {IMAGE_COLUMN} says which file is whose image."
        )


def find_line(text: str, place: Sequence[object]) -> int:
    r"""Find the line of a key in a TOML text, or of the deepest part of its path that is found.

    Examples
    --------
    >>> find_line("[columns]\nage = 'Age'\n", ["columns", "age"])
    2
    """
    lines = text.splitlines()
    at, found = 0, 0
    for part, following in zip(place, [*place[1:], None], strict=True):
        if isinstance(part, int):
            continue
        word = rf"""(?:^|[\s\[{{,."'])["']?{re.escape(str(part))}["']?\s*(?:=|\]|\.)"""
        nth = following if isinstance(following, int) else 0
        hits = [i for i in range(at, len(lines)) if re.search(word, lines[i])]
        heads = [i for i in hits if lines[i].lstrip().startswith("[[")]
        chosen = heads[nth : nth + 1] or hits[:1]
        if not chosen:
            break
        at = found = chosen[0]
    return found + 1


def _name_near(word: str, known: Iterable[str]) -> str:
    """Name the nearest known word, as a sentence; "" if none is near."""
    folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(word.casefold()[:80], list(folded), n=1, cutoff=0.5)
    return f" Did you mean {folded[near[0]]!r}?" if near else ""


# ---- a mapping and the columns that are there


def check_columns(mapping: Mapping, header: Dict[str, int], text: str, name: str) -> None:
    """Refuse a mapping that reads columns which the source lacks.

    Parameters
    ----------
    mapping : Mapping
    header : mapping of str to int
        Columns of the joined tables.
    text, name : str
        Of the mapping, for messages.

    Raises
    ------
    CohortError
        With line, key and the nearest column that is there.
    """
    for place, columns in _list_read(mapping):
        for column in columns:
            if column not in header:
                where = f"{name}, line {find_line(text, place)}: {'.'.join(map(str, place))}"
                shown = ", ".join(map(repr, list(header)[:12]))
                raise CohortError(
                    f"{where} reads a column {column!r}, which the source lacks."
                    f"{_name_near(column, header)} It has {shown}"
                    f"{' and more' if len(header) > 12 else ''}."
                )


def _list_read(mapping: Mapping) -> list[tuple[list[Any], tuple[str, ...]]]:
    """List which columns each key of a mapping reads."""
    cells = [(["columns", key], cell) for key, cell in mapping.columns.items()]
    if mapping.images:
        cells += [(["images", "file"], cell) for cell in mapping.images.file]
    read: list[tuple[list[Any], tuple[str, ...]]] = [
        (list(place), cell.columns) for place, cell in cells if not cell.optional
    ]
    read += [(["recode", i, "columns"], each.columns) for i, each in enumerate(mapping.recode)]
    read += [
        (["indicators", i, "from"], (each.from_,)) for i, each in enumerate(mapping.indicators)
    ]
    return read


def list_braces(text: str) -> list[str]:
    """List the columns in braces of a text.

    Examples
    --------
    >>> list_braces("files/p{subject:.2}/{dicom id}.jpg")
    ['subject', 'dicom id']
    """
    return [match[1] for match in BRACES.finditer(text)]


BRACES = re.compile(r"\{([^{}]+?)(?::\.(\d+))?\}")
