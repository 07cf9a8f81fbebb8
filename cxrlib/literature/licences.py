"""What the licence of an image lets a copy of it do: leave the program changed, unchanged, not.

The collection's images come from many articles, each under its own licence or none. A text that
is not known here grants nothing, nor does a blank one: nothing is guessed in the reader's favour.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from cxrlib.literature.bibliography import article_link

METADATA_LICENCE = (
    "The metadata of the public collection (github.com/ieee8023/covid-chestxray-dataset) are "
    "CC BY-NC-SA 4.0: no commercial use, share alike"
)
"""What its own documentation says of the tables, for records of it that leave the program."""

Row = pd.Series | Mapping[Any, Any]
"""A row of a cohort's table, by column."""

NO_LICENCE = "none recorded"
WITHHELD = ("no licence", "licence not known")
"""Why an image must not be passed on at all."""
LONGEST_NAME = 80  # characters of a text from a file that an export shows on a line
LONGEST_TEXT = 120  # characters; longer ones are sentences, and these can take back what they name

_TERMS = {"nc": "no commercial use", "nd": "no derivatives", "sa": "share alike"}
# What the six licences of today ask for beyond credit; older ones named the same in any order.
_COMBINATIONS = ({""}, {"sa"}, {"nd"}, {"nc"}, {"nc", "sa"}, {"nc", "nd"})
_VERSIONS = ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")
_UNPORTED = ("international", "unported", "generic", "igo")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212_"), "-")
_LONG_WORDS = (
    (r"creative commons", "cc"),
    (r"attribution", "by"),
    (r"non-?commercial", "nc"),
    (r"share-?alike", "sa"),
    (r"no-?deriv(ative)?s?", "nd"),
)
_ADDRESS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/(?:licenses/(?P<terms>[a-z-]+)|"
    r"publicdomain/(?P<free>zero|mark))/(?P<version>\d\.\d)(?:/igo)?/?"
    r"(?:(?:legalcode|deed)(?:\.[a-z-]{2,7})?)?"
)
_FREE = {
    r"cc ?(0|zero)( 1\.0)?( universal)?": ("CC0 1.0", "zero"),
    r"(cc )?public domain( mark)?( 1\.0)?": ("public domain", "mark"),
}
_APACHE = re.compile(r"apache( licen[cs]e,?)?( version)? v?2(\.0)?")


@dataclass(frozen=True)
class Licence:
    """Hold what a licence allows; `is_granted` comes first, without it nothing else counts.

    Parameters
    ----------
    name : str
        In one spelling where it is known, in quotes as recorded where not; "none recorded" for
        a blank.
    is_granted : bool
        Whether copies may be passed on at all, with credit.
    allows_changes : bool
        Whether changed copies may: scaled, cropped, encoded anew, drawn on.
    is_noncommercial, is_share_alike : bool
        Whether copies are for non-commercial use only; whether what is made of them has to go
        out under the same licence.
    words : str
        What it holds back, as a clause; "" where it asks for credit at most.
    url : str
        Its text, where the version is known.
    """

    name: str
    is_granted: bool = False
    allows_changes: bool = False
    is_noncommercial: bool = False
    is_share_alike: bool = False
    words: str = ""
    url: str = ""

    @property
    def passing_on(self) -> str:
        """What may be passed on: "changed copies", "unchanged copies only", "nothing"."""
        if not self.is_granted:
            return "nothing"
        return "changed copies" if self.allows_changes else "unchanged copies only"


SYNTHETIC = Licence("synthetic", True, True, words="drawn by a program, no licence is needed")
"""Images of a cohort that says it is synthetic; what their licence column says is made up too."""


def read_licence(text: object) -> Licence:
    """Read the licence of an image as recorded.

    Parameters
    ----------
    text : str or missing
        Cell of the column license.

    Examples
    --------
    >>> read_licence("CC BY-NC-ND 4.0").words
    'no commercial use, no derivatives'
    >>> read_licence("listed as authorized for everyone").is_granted
    False
    """
    if not isinstance(text, str) or not text.strip():
        return Licence(NO_LICENCE, words="no licence is recorded: nothing is granted")
    name = text.strip()
    found = _read(name) if len(name) <= LONGEST_TEXT else None
    unknown = "not a licence that is known here: nothing is granted"
    return found or Licence(f"“{shorten(name)}”", words=unknown)


@lru_cache(maxsize=1024)
def _read(name: str) -> Licence | None:
    plain = " ".join(unicodedata.normalize("NFKC", name).translate(_DASHES).lower().split())
    return _read_address(plain) or _read_free(plain) or _read_terms(plain)


def _read_address(plain: str) -> Licence | None:
    """Read the address of a Creative Commons licence."""
    match = _ADDRESS.fullmatch(plain)
    if match is None:
        return None
    if match["free"]:
        return _free("CC0 1.0" if match["free"] == "zero" else "public domain", match["free"])
    return _read_terms(f"cc {match['terms']} {match['version']}")


def _read_free(plain: str) -> Licence | None:
    """Read what gives up all rights, and the one software licence that the collection names."""
    if _APACHE.fullmatch(plain.replace("-", " ")):
        return Licence("Apache 2.0", True, True, url="https://www.apache.org/licenses/LICENSE-2.0")
    for pattern, (name, path) in _FREE.items():
        if re.fullmatch(pattern, plain.replace("-", " ")):
            return _free(name, path)
    return None


def _free(name: str, path: str) -> Licence:
    return Licence(name, True, True, url=f"https://creativecommons.org/publicdomain/{path}/1.0/")


def _read_terms(plain: str) -> Licence | None:
    """Read a Creative Commons licence by its terms: "cc by-nc-sa 4.0", or in long words."""
    for pattern, short in _LONG_WORDS:
        plain = re.sub(pattern, short, plain)
    plain = re.sub(r"( public)? licen[cs]e$", "", plain).replace("-", " ")
    words = re.sub(r"^ccby\b", "cc by", plain).split()
    if words[:2] != ["cc", "by"]:
        return None
    rest = words[1:]
    terms = [word for word in rest[1:] if word in _TERMS]
    version, port = ([*rest[1 + len(terms) :], "", ""])[:2]
    is_whole = len(rest) <= 1 + len(terms) + bool(version) + bool(port)
    if rest[1 : 1 + len(terms)] != terms or len(set(terms)) < len(terms) or not is_whole:
        return None
    version = f"{version}.0" if re.fullmatch("[1-4]", version) else version
    if set(terms or [""]) not in _COMBINATIONS or version not in ("", *_VERSIONS):
        return None
    if port not in ("", *_UNPORTED):
        return None
    return _grant(sorted(terms), version, port)


def _grant(terms: list[str], version: str, port: str) -> Licence:
    """Make a Creative Commons licence of its terms."""
    path = "-".join(["by", *terms])
    tail = "igo/" if port == "igo" else ""
    return Licence(
        name=f"CC {path.upper()} {version}".rstrip() + (" IGO" if tail else ""),
        is_granted=True,
        allows_changes="nd" not in terms,
        is_noncommercial="nc" in terms,
        is_share_alike="sa" in terms,
        words=", ".join(_TERMS[term] for term in terms),
        url=f"https://creativecommons.org/licenses/{path}/{version}/{tail}" if version else "",
    )


def licence_of(row: Row, *, is_synthetic: bool = False) -> Licence:
    """Return the licence of an image; all images of a synthetic cohort are free.

    Parameters
    ----------
    row : Series or mapping
        Of a cohort's table.
    is_synthetic : bool, default False
        `Cohort.is_synthetic`.
    """
    return SYNTHETIC if is_synthetic else read_licence(row["license"])


# ---- what stays behind


def why_withheld(row: Row, *, is_synthetic: bool = False) -> str:
    """Say why an unchanged copy of an image must stay here, "" where it may go out."""
    licence = licence_of(row, is_synthetic=is_synthetic)
    if row["file_status"] != "ok":
        return "no readable file"
    if licence.is_granted:
        return ""
    return WITHHELD[0 if licence.name == NO_LICENCE else 1]


def why_left_out(row: Row, *, is_synthetic: bool = False) -> str:
    """Say why a scaled copy of an image is not in an export, "" where it is.

    Examples
    --------
    >>> why_left_out({"license": "CC BY-ND 4.0", "file_status": "ok"})
    'changes forbidden: not shown scaled'
    """
    reason = why_withheld(row, is_synthetic=is_synthetic)
    if reason:
        return reason if reason == "no readable file" else f"{reason}: not shown"
    licence = licence_of(row, is_synthetic=is_synthetic)
    return "" if licence.allows_changes else "changes forbidden: not shown scaled"


# ---- what an export says


def credit(row: Row, *, is_synthetic: bool = False) -> str:
    """Credit an image on one line: its file, where it was published, its licence.

    Parameters
    ----------
    row : Series or mapping
        Of a cohort's table. Its texts are anybody's: control signs are taken out, markup is
        not escaped.
    is_synthetic : bool, default False
        `Cohort.is_synthetic`.
    """
    licence = licence_of(row, is_synthetic=is_synthetic)
    held = f" ({licence.words})" if licence.words else ""
    name = shorten(row["filename"]) if row["filename"] else "no file named"
    if is_synthetic:
        return f"{name}; {SYNTHETIC.words}"
    return f"{name}; {_format_origin(row['article'], row['source'])}; {licence.name}{held}"


def _format_origin(article: object, source: object) -> str:
    """Say where an image was published: a link where there is one, and the site."""
    if not isinstance(article, str):
        return "source not recorded" if not isinstance(source, str) else shorten(source)
    link = article_link(article) or shorten(article)
    is_told = not isinstance(source, str) or source in link
    return link if is_told else f"{link} ({shorten(str(source))})"


def shorten(text: object, *, longest: int = LONGEST_NAME) -> str:
    """Put text from a file on one line of printable signs, cut where it goes on and on."""
    line = " ".join("".join(s if s.isprintable() else " " for s in str(text)).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def cite_images(rows: pd.DataFrame, *, is_synthetic: bool = False) -> list[str]:
    """Credit images together, a line an article and licence, for below a figure.

    Parameters
    ----------
    rows : DataFrame
        Of a cohort's table: the images that are shown.

    Returns
    -------
    list of str
        "https://doi.org/10.1000/1: 3 images, CC BY-NC-SA 4.0", in the order of the rows.
    """
    if is_synthetic:
        return [f"{_count_images(len(rows))}: {SYNTHETIC.words}"] if len(rows) else []
    counts: Counter[tuple[str, str]] = Counter()
    columns = (rows[name] for name in ("article", "source", "license"))
    for article, source, text in zip(*columns, strict=True):
        counts[_format_origin(article, source), read_licence(text).name] += 1
    return [f"{origin}: {_count_images(n)}, {name}" for (origin, name), n in counts.items()]


def _count_images(n: int) -> str:
    return f"{n:,} image" if n == 1 else f"{n:,} images"


@dataclass(frozen=True)
class LicenceCounts:
    """Count images by what their licences allow.

    Parameters
    ----------
    n_images : int
    n_granted : int
        Images of which at least unchanged copies may go out.
    n_without, n_unknown : int
        Images without a licence, and with a text that is not known: nothing is granted.
    n_no_derivatives, n_noncommercial, n_share_alike : int
        Of those granted; one licence can be two of these.
    names : dict of str to int
        Images by licence, the most frequent first.
    """

    n_images: int
    n_granted: int
    n_without: int
    n_unknown: int
    n_no_derivatives: int
    n_noncommercial: int
    n_share_alike: int
    names: dict[str, int]

    def describe_terms(self) -> str:
        """Say what is held back: "Non-commercial: 3 of 4 images; share alike: 3"; "" if nothing."""
        held = {
            "non-commercial": self.n_noncommercial,
            "share alike": self.n_share_alike,
            "no derivatives, to be passed on unchanged only": self.n_no_derivatives,
            "no licence, not to be passed on": self.n_without,
            "licence not known, not to be passed on": self.n_unknown,
        }
        told = [f"{words}: {n:,}" for words, n in held.items() if n]
        if not told:
            return ""
        first, *rest = told
        of_all = f"{first[0].upper()}{first[1:]} of {_count_images(self.n_images)}"
        return "; ".join([of_all, *rest])


def count_licences(rows: pd.DataFrame, *, is_synthetic: bool = False) -> LicenceCounts:
    """Count the images of a cohort's table, or of rows of it, by what their licences allow."""
    if is_synthetic:
        licences = [SYNTHETIC] * len(rows)
    else:
        licences = [read_licence(text) for text in rows["license"]]
    granted = [licence for licence in licences if licence.is_granted]
    n_without = sum(licence.name == NO_LICENCE for licence in licences)
    names = Counter(licence.name for licence in licences)
    return LicenceCounts(
        n_images=len(licences),
        n_granted=len(granted),
        n_without=n_without,
        n_unknown=len(licences) - len(granted) - n_without,
        n_no_derivatives=sum(not licence.allows_changes for licence in granted),
        n_noncommercial=sum(licence.is_noncommercial for licence in granted),
        n_share_alike=sum(licence.is_share_alike for licence in granted),
        names=dict(names.most_common()),
    )


def describe_licences(rows: pd.DataFrame, *, is_synthetic: bool = False) -> list[str]:
    """Say under which licences images stand, and what these hold back, for an export's header.

    Returns
    -------
    list of str
        "Licences of 4 images: CC BY-NC-SA 4.0: 3; none recorded: 1" and, where something is
        held back, `LicenceCounts.describe_terms`.
    """
    counts = count_licences(rows, is_synthetic=is_synthetic)
    if not counts.n_images:
        return []
    if is_synthetic:
        return [f"Licence of {_count_images(counts.n_images)}: {SYNTHETIC.words}"]
    names = "; ".join(f"{name}: {n:,}" for name, n in counts.names.items())
    lines = [f"Licences of {_count_images(counts.n_images)}: {names}"]
    return [*lines, *filter(None, [counts.describe_terms()])]
