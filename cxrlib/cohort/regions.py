"""Countries, sub-regions and regions of the United Nations' M49 standard.

The table is our own, written by sub-region from the standard's list of countries and areas
(https://unstats.un.org/unsd/methodology/m49/). Names are the short ones people write; the
standard's long forms and other common names are aliases. All 248 entries of the standard
are here. Taiwan is not a separate entry of
the standard; it is counted with Eastern Asia here, as are Hong Kong and Macao.
"""

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["UNKNOWN", "Place", "find_place", "split_country"]

UNKNOWN = "Unknown"

# region -> sub-region -> countries and areas, separated by ";".
M49: dict[str, dict[str, str]] = {
    "Africa": {
        "Northern Africa": "Algeria; Egypt; Libya; Morocco; Sudan; Tunisia; Western Sahara",
        "Sub-Saharan Africa": (
            # Eastern Africa
            "British Indian Ocean Territory; Burundi; Comoros; Djibouti; Eritrea; Ethiopia; "
            "French Southern Territories; Kenya; Madagascar; Malawi; Mauritius; Mayotte; "
            "Mozambique; Réunion; Rwanda; Seychelles; Somalia; South Sudan; Tanzania; Uganda; "
            "Zambia; Zimbabwe; "
            # Middle Africa
            "Angola; Cameroon; Central African Republic; Chad; Congo; "
            "Democratic Republic of the Congo; Equatorial Guinea; Gabon; Sao Tome and Principe; "
            # Southern Africa
            "Botswana; Eswatini; Lesotho; Namibia; South Africa; "
            # Western Africa
            "Benin; Burkina Faso; Cabo Verde; Côte d'Ivoire; Gambia; Ghana; Guinea; "
            "Guinea-Bissau; Liberia; Mali; Mauritania; Niger; Nigeria; Saint Helena; Senegal; "
            "Sierra Leone; Togo"
        ),
    },
    "Americas": {
        "Latin America and the Caribbean": (
            # Caribbean
            "Anguilla; Antigua and Barbuda; Aruba; Bahamas; Barbados; "
            "Bonaire, Sint Eustatius and Saba; British Virgin Islands; Cayman Islands; Cuba; "
            "Curaçao; Dominica; Dominican Republic; Grenada; Guadeloupe; Haiti; Jamaica; "
            "Martinique; Montserrat; Puerto Rico; Saint Barthélemy; Saint Kitts and Nevis; "
            "Saint Lucia; Saint Martin; Saint Vincent and the Grenadines; Sint Maarten; "
            "Trinidad and Tobago; Turks and Caicos Islands; United States Virgin Islands; "
            # Central America
            "Belize; Costa Rica; El Salvador; Guatemala; Honduras; Mexico; Nicaragua; Panama; "
            # South America
            "Argentina; Bolivia; Bouvet Island; Brazil; Chile; Colombia; Ecuador; "
            "Falkland Islands; French Guiana; Guyana; Paraguay; Peru; "
            "South Georgia and the South Sandwich Islands; Suriname; Uruguay; Venezuela"
        ),
        "Northern America": (
            "Bermuda; Canada; Greenland; Saint Pierre and Miquelon; United States"
        ),
    },
    "Asia": {
        "Central Asia": "Kazakhstan; Kyrgyzstan; Tajikistan; Turkmenistan; Uzbekistan",
        "Eastern Asia": (
            "China; Hong Kong; Japan; Macao; Mongolia; North Korea; South Korea; Taiwan"
        ),
        "South-eastern Asia": (
            "Brunei; Cambodia; Indonesia; Laos; Malaysia; Myanmar; Philippines; Singapore; "
            "Thailand; Timor-Leste; Vietnam"
        ),
        "Southern Asia": (
            "Afghanistan; Bangladesh; Bhutan; India; Iran; Maldives; Nepal; Pakistan; Sri Lanka"
        ),
        "Western Asia": (
            "Armenia; Azerbaijan; Bahrain; Cyprus; Georgia; Iraq; Israel; Jordan; Kuwait; "
            "Lebanon; Oman; Palestine; Qatar; Saudi Arabia; Syria; Turkey; "
            "United Arab Emirates; Yemen"
        ),
    },
    "Europe": {
        "Eastern Europe": (
            "Belarus; Bulgaria; Czechia; Hungary; Moldova; Poland; Romania; Russia; Slovakia; "
            "Ukraine"
        ),
        "Northern Europe": (
            "Åland Islands; Denmark; Estonia; Faroe Islands; Finland; Guernsey; Iceland; "
            "Ireland; Isle of Man; Jersey; Latvia; Lithuania; Norway; Svalbard and Jan Mayen; "
            "Sweden; United Kingdom"
        ),
        "Southern Europe": (
            "Albania; Andorra; Bosnia and Herzegovina; Croatia; Gibraltar; Greece; Holy See; "
            "Italy; Malta; Montenegro; North Macedonia; Portugal; San Marino; Serbia; Slovenia; "
            "Spain"
        ),
        "Western Europe": (
            "Austria; Belgium; France; Germany; Liechtenstein; Luxembourg; Monaco; "
            "Netherlands; Switzerland"
        ),
    },
    "Oceania": {
        "Australia and New Zealand": (
            "Australia; Christmas Island; Cocos Islands; Heard Island and McDonald Islands; "
            "New Zealand; Norfolk Island"
        ),
        "Melanesia": "Fiji; New Caledonia; Papua New Guinea; Solomon Islands; Vanuatu",
        "Micronesia": (
            "Guam; Kiribati; Marshall Islands; Micronesia; Nauru; Northern Mariana Islands; "
            "Palau; United States Minor Outlying Islands"
        ),
        "Polynesia": (
            "American Samoa; Cook Islands; French Polynesia; Niue; Pitcairn; Samoa; Tokelau; "
            "Tonga; Tuvalu; Wallis and Futuna"
        ),
    },
    # The standard puts Antarctica in no region.
    "Antarctica": {"Antarctica": "Antarctica"},
}

# country -> other names, separated by ";". Letters' case, accents, punctuation, "the" at the
# start, "and" or "&", "St" for "Saint" and an addition in brackets need no alias.
ALIASES: dict[str, str] = {
    # The comma of the full name parts it in a location.
    "Bonaire, Sint Eustatius and Saba": "Bonaire; Sint Eustatius and Saba",
    "Bolivia": "Plurinational State of Bolivia",
    "Bosnia and Herzegovina": "Bosnia",
    "Brunei": "Brunei Darussalam",
    "Cabo Verde": "Cape Verde",
    "China": "Mainland China; People's Republic of China; PR China; PRC",
    "Cocos Islands": "Keeling Islands",
    "Congo": "Republic of the Congo; Congo-Brazzaville",
    "Côte d'Ivoire": "Ivory Coast",
    "Czechia": "Czech Republic",
    "Democratic Republic of the Congo": (
        "DR Congo; DRC; Congo-Kinshasa; Democratic Republic of Congo; Zaire"
    ),
    "Eswatini": "Swaziland",
    "Falkland Islands": "Malvinas; Islas Malvinas; Falklands",
    "Faroe Islands": "Faeroe Islands; Faroes",
    "Germany": "Deutschland; Federal Republic of Germany",
    "Greece": "Hellas; Hellenic Republic",
    "Holy See": "Vatican; Vatican City; Vatican City State",
    "Hong Kong": (
        "Hong Kong SAR; Hong Kong SAR China; China Hong Kong Special Administrative Region; "
        "Hongkong"
    ),
    "Iran": "Islamic Republic of Iran; Iran Islamic Republic; IR Iran",
    "Ireland": "Republic of Ireland; Eire",
    "Italy": "Italia",
    "Kyrgyzstan": "Kyrgyz Republic",
    "Laos": "Lao PDR; Lao People's Democratic Republic",
    "Libya": "Libyan Arab Jamahiriya",
    "Macao": "Macau; Macao SAR; Macau SAR; China Macao Special Administrative Region",
    "Micronesia": "Federated States of Micronesia",
    "Moldova": "Republic of Moldova",
    "Myanmar": "Burma",
    "Netherlands": "Holland; Kingdom of the Netherlands",
    "North Korea": (
        "Democratic People's Republic of Korea; Korea Democratic People's Republic; DPRK; "
        "Korea North"
    ),
    "North Macedonia": "Macedonia; Former Yugoslav Republic of Macedonia; FYROM",
    "Palestine": "State of Palestine; Palestinian Territories; Gaza; West Bank",
    "Russia": "Russian Federation",
    "Réunion": "La Réunion; Reunion Island",
    "Saint Helena": "Ascension and Tristan da Cunha",
    "Saudi Arabia": "Kingdom of Saudi Arabia; KSA",
    "Singapore": "Republic of Singapore",
    "Slovakia": "Slovak Republic",
    "South Africa": "RSA; Republic of South Africa",
    "South Korea": "Korea; Republic of Korea; Korea Republic; Korea South; ROK",
    "Spain": "España",
    "Svalbard and Jan Mayen": "Svalbard and Jan Mayen Islands; Svalbard; Jan Mayen",
    "Syria": "Syrian Arab Republic",
    "Taiwan": "Taiwan Province of China; Republic of China; Taiwan ROC; Chinese Taipei",
    "Tanzania": "United Republic of Tanzania; Tanzania United Republic",
    "Timor-Leste": "East Timor",
    "Turkey": "Türkiye; Republic of Turkey; Republic of Türkiye",
    "United Arab Emirates": "UAE; Emirates",
    "United Kingdom": (
        "United Kingdom of Great Britain and Northern Ireland; UK; Great Britain; Britain; "
        "England; Scotland; Wales; Northern Ireland"
    ),
    "United States": ("United States of America; USA; US; U.S.A.; U.S.; America; Estados Unidos"),
    "United States Virgin Islands": "US Virgin Islands; Virgin Islands US",
    "British Virgin Islands": "Virgin Islands British",
    "Venezuela": "Bolivarian Republic of Venezuela",
    "Vietnam": "Viet Nam; Socialist Republic of Vietnam",
    "Wallis and Futuna": "Wallis and Futuna Islands",
    "Åland Islands": "Åland",
}


@dataclass(frozen=True)
class Place:
    """Say where a country lies.

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
    places = {}
    for region, sub_regions in M49.items():
        for sub_region, countries in sub_regions.items():
            for country in countries.split("; "):
                places[_fold(country)] = Place(country, sub_region, region)
    aliases = {
        _fold(alias): places[_fold(country)]
        for country, names in ALIASES.items()
        for alias in names.split("; ")
    }
    return {**aliases, **places}


_PLACES = _list_places()
