"""Countries find their region and sub-region."""

from collections import Counter

import pytest

from cxrlib.cohort import UNKNOWN
from cxrlib.cohort.regions import Place, find_place, split_country
from cxrlib.literature import read_rows

ROWS = read_rows("m49")


def test_table_is_complete() -> None:
    """The standard's 248 entries and Taiwan, each in one place."""
    countries = [row["country"] for row in ROWS]
    assert len(countries) == len(set(countries)) == 249
    for row in ROWS:
        place = Place(row["country"], row["sub-region"], row["region"])
        assert find_place(place.country) == place
    sub_regions = {(row["region"], row["sub-region"]) for row in ROWS}
    assert Counter(region for region, _ in sub_regions) == {
        "Africa": 2,
        "Americas": 2,
        "Asia": 5,
        "Europe": 4,
        "Oceania": 4,
        "Antarctica": 1,
    }
    # Counts of the standard by region (Asia: 50 and Taiwan).
    counts = Counter(place.region for place in {find_place(country) for country in countries})
    assert counts == {
        "Africa": 60,
        "Americas": 57,
        "Asia": 51,
        "Europe": 51,
        "Oceania": 29,
        "Antarctica": 1,
    }


def test_aliases_hide_no_country() -> None:
    """An alias that is another country's name would move it."""
    aliases = [(row["country"], row["other names"]) for row in ROWS if row["other names"]]
    assert len(aliases) == 56
    for country, names in aliases:
        for alias in names.split("; "):
            assert find_place(alias).country == country


@pytest.mark.parametrize(
    ("name", "country", "sub_region"),
    [
        ("Viet Nam", "Vietnam", "South-eastern Asia"),
        ("south korea", "South Korea", "Eastern Asia"),
        ("Türkiye", "Turkey", "Western Asia"),
        ("Taiwan", "Taiwan", "Eastern Asia"),
        ("Hong Kong", "Hong Kong", "Eastern Asia"),
        ("China, Hong Kong Special Administrative Region", "Hong Kong", "Eastern Asia"),
        ("Iran (Islamic Republic of)", "Iran", "Southern Asia"),
        ("Congo (Kinshasa)", "Democratic Republic of the Congo", "Sub-Saharan Africa"),
        ("Congo", "Congo", "Sub-Saharan Africa"),
        ("U.S.A.", "United States", "Northern America"),
        ("The Netherlands", "Netherlands", "Western Europe"),
        ("Cote d'Ivoire", "Côte d'Ivoire", "Sub-Saharan Africa"),
        ("Côte d’Ivoire", "Côte d'Ivoire", "Sub-Saharan Africa"),
        ("St. Lucia", "Saint Lucia", "Latin America and the Caribbean"),
        ("Trinidad & Tobago", "Trinidad and Tobago", "Latin America and the Caribbean"),
        ("New Zealand", "New Zealand", "Australia and New Zealand"),
        ("Åland", "Åland Islands", "Northern Europe"),
        ("  Ivory   Coast ", "Côte d'Ivoire", "Sub-Saharan Africa"),
    ],
)
def test_common_spellings(name: str, country: str, sub_region: str) -> None:
    """Names as people write them."""
    place = find_place(name)
    assert (place.country, place.sub_region) == (country, sub_region)


@pytest.mark.parametrize("name", ["", " ", "Atlantis", "()", "the", "Ger", "Europe", "."])
def test_strangers(name: str) -> None:
    """What is no country's name has no place."""
    assert find_place(name) is None


@pytest.mark.parametrize(
    ("location", "country"),
    [
        ("Cho Ray Hospital, Ho Chi Minh City, Vietnam", "Vietnam"),
        ("Nottingham, United Kingdom ", "United Kingdom"),
        ("Italy", "Italy"),
        ("", UNKNOWN),
        ("Hannover, ", UNKNOWN),
        ("Lung, Atlantis", "Atlantis"),
        ("Seoul, Korea, South", "Korea, South"),
        ("Kinshasa, Congo, Democratic Republic of the", "Congo, Democratic Republic of the"),
    ],
)
def test_split_country(location: str, country: str) -> None:
    """The country is what follows the last comma, or the last but one where that makes one."""
    assert split_country(location) == country


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("Korea, South", "South Korea"),
        ("Korea, Democratic People's Republic of", "North Korea"),
        ("Congo, The Democratic Republic of the", "Democratic Republic of the Congo"),
        ("Iran, Islamic Republic of", "Iran"),
        ("Virgin Islands, U.S.", "United States Virgin Islands"),
        ("Taiwan, Province of China", "Taiwan"),
    ],
)
def test_names_as_lists_sort_them(name: str, country: str) -> None:
    """A name whose main word stands first, before a comma, is found alone and in a location."""
    assert find_place(name).country == country
    assert find_place(split_country(f"A Hospital, A Town, {name}")).region != UNKNOWN
