"""Countries, sub-regions and regions of the United Nations' M49 standard.

The table (``m49.csv``) is our own, written by sub-region from the standard's list of countries
and areas (https://unstats.un.org/unsd/methodology/m49/). Names are the short ones people write;
the standard's long forms and other common names are its other names. Letters' case, accents,
punctuation, "the" at the start, "and" or "&", "St" for "Saint" and an addition in brackets need
none. All 248 entries of the standard are here. Taiwan is not a separate entry of the standard; it
is counted with Eastern Asia here, as are Hong Kong and Macao. The standard puts Antarctica in no
region.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from cxrlib.cohort.form import FOLDER
from cxrlib.literature import read_rows

UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Place:
    """Hold a country with its sub-region and region.

    Parameters
    ----------
    country : str
        Its name in this table.
    sub_region : str
        The M49 sub-region, in the standard's full form.
    region : str
        The M49 region: Africa, Americas, Asia, Europe or Oceania; for Antarctica, which the
        standard puts in none, its own name.
    """

    country: str
    sub_region: str
    region: str


def find_place(country: str) -> Place | None:
    """Find a country's M49 sub-region and region, or None if the table lacks it.

    A name is read as a country's: "Georgia" is the one in Western Asia, not the state.

    Parameters
    ----------
    country : str
        A country's name in English, in any case, with or without accents, also as lists
        sort it: "Korea, South".

    Returns
    -------
    Place or None

    Examples
    --------
    >>> find_place("Viet Nam")
    Place(country='Vietnam', sub_region='South-eastern Asia', region='Asia')
    >>> find_place("Atlantis") is None
    True
    """
    # "Congo (Kinshasa)" is a name as a whole, "Iran (Islamic Republic of)" before the bracket.
    first, _, rest = country.partition(",")
    spellings = (country, re.sub(r"\(.*?\)", " ", country), f"{rest} {first}")
    return next((_PLACES[name] for name in map(_fold, spellings) if name in _PLACES), None)


def split_country(location: str) -> str:
    """Return the country of a location: what follows the last comma, or "Unknown".

    Where that is no country but the last two parts are one, it is those.

    Examples
    --------
    >>> split_country("Cho Ray Hospital, Ho Chi Minh City, Vietnam ")
    'Vietnam'
    >>> split_country("Seoul, Korea, South")
    'Korea, South'
    >>> split_country(" ")
    'Unknown'
    """
    parts = [part.strip() for part in location.split(",")]
    both = ", ".join(parts[-2:])
    if parts[-1] and find_place(parts[-1]) is None and find_place(both) is not None:
        return both
    return parts[-1] or UNKNOWN


def find_subdivision(location: str) -> tuple[str, str] | None:
    """Find a state of the United States or a province of Canada at the end of a location.

    By its name in any case, or by its two capitals. A name that is a country's is the country
    ("Atlanta, Georgia"), and capitals that people write for a country as well are none of the two.

    Returns
    -------
    tuple of (str, str) or None
        The country and the name; the country is "" where the capitals mean a country too, and the
        name then says both.

    Examples
    --------
    >>> find_subdivision("Boston, MA"), find_subdivision("Berlin, DE")
    (('United States', 'Massachusetts'), ('', 'Delaware or Germany'))
    """
    *before, last = [part.strip() for part in location.split(",")]
    if not before or find_place(last) is not None:
        return None
    subdivisions = _list_subdivisions()
    return subdivisions.get(last) or subdivisions.get(_fold(last))


@cache
def _list_subdivisions() -> dict[str, tuple[str, str]]:
    """Map capitals and folded names to country and name; capitals of two countries to both."""
    found: dict[str, tuple[str, str]] = {}
    for row in read_rows("subdivisions", FOLDER):
        place = (row["country"], row["name"])
        found[_fold(row["name"])] = place
        found[row["code"]] = ("", f"{row['name']} or {row['also']}") if row["also"] else place
    return found


def _fold(name: str) -> str:
    """Reduce a name to what tells countries apart: lower-case words without accents."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = [c for c in plain if not unicodedata.combining(c) and c not in "'’`."]
    words = "".join(c if c.isalnum() else " " for c in letters).split()
    if words[:1] == ["the"]:
        words = words[1:]
    if words[:1] == ["st"]:
        words[0] = "saint"
    return " ".join(word for word in words if word != "and")


def _list_places() -> dict[str, Place]:
    """Build the look-up table from folded names and aliases to places."""
    places: dict[str, Place] = {}
    aliases: dict[str, Place] = {}
    for row in read_rows("m49"):
        place = Place(row["country"], row["sub-region"], row["region"])
        places[_fold(place.country)] = place
        aliases |= {_fold(name): place for name in row["other names"].split("; ") if name}
    return {**aliases, **places}


_PLACES = _list_places()
