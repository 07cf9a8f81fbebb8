"""Limitations of the collection, and what not to use the program for.

Short texts of our own; the source of each is a place in the papers that describe the
collection (keys of docs/references.md), so that a reader can look it up.
"""

from dataclasses import dataclass

from cxrlib.literature.csv_tables import read_rows

_REFERENCES = {"2020-03": "cohen2020", "2020-12": "cohen2020b"}
_PLACES = {reference: place for place, reference in _REFERENCES.items()}


@dataclass(frozen=True)
class Source:
    """Hold a place in one of the papers.

    Parameters
    ----------
    reference : str
        Key of the paper in docs/references.md.
    section : str
        "section 7", "Table 2", "abstract".
    """

    reference: str
    section: str

    def __str__(self) -> str:
        return f"{_PLACES[self.reference]}, {self.section}"


@dataclass(frozen=True)
class Limit:
    """Hold one limitation, or one use to avoid.

    Parameters
    ----------
    name : str
        Short, for addresses and tests.
    title : str
    text : str
        One to three sentences.
    sources : tuple of Source
        Where the papers say so, or what they say that the text answers.
    """

    name: str
    title: str
    text: str
    sources: tuple[Source, ...]

    @property
    def source_line(self) -> str:
        """The sources in one line: "2020-12, section 7; 2020-03, section 2"."""
        return "; ".join(str(source) for source in self.sources)


def _read_limits(kind: str) -> tuple[Limit, ...]:
    return tuple(
        Limit(row["name"], row["title"], row["text"], _read_sources(row["sources"]))
        for row in read_rows("limits")
        if row["kind"] == kind
    )


def _read_sources(text: str) -> tuple[Source, ...]:
    """Read "2020-12, section 7; 2020-03, section 2"."""
    places = [source.split(", ", 1) for source in text.split("; ")]
    return tuple(Source(_REFERENCES[place], section) for place, section in places)


LIMITS = _read_limits("cannot tell")
"""Limitations of the collection."""

NOT_FOR = _read_limits("not for")
"""What not to use the program for."""
