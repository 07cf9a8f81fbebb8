"""The invented hospitals of the demo cohort and the style each one's images carry."""

from dataclasses import dataclass

__all__ = ["HOSPITALS", "REGIONS", "STYLE_SIGN", "Hospital"]

#: Regions in the order they are simulated; "" is a patient whose location is blank.
REGIONS: tuple[str, ...] = ("Asia", "Europe", "Americas", "Africa", "Oceania", "")

#: Direction of the planted style of the hospitals with sicker patients, by region. It flips
#: between regions, so that a model that learns the style is wrong elsewhere.
STYLE_SIGN: dict[str, int] = {
    "Asia": 1,
    "Europe": -1,
    "Americas": 1,
    "Africa": -1,
    "Oceania": 1,
    "": 0,
}


@dataclass(frozen=True)
class Hospital:
    """Hold one invented hospital.

    Parameters
    ----------
    number : int
        Its number, unique in the cohort.
    city, country, region : str
        Where it would be.
    is_referral : bool
        True where the sicker patients of the region are sent.
    """

    number: int
    city: str
    country: str
    region: str
    is_referral: bool

    @property
    def name(self) -> str:
        """Give the invented name."""
        return f"Demo Hospital {self.number}"

    @property
    def location(self) -> str:
        """Give the location as the metadata has it."""
        return f"{self.name}, {self.city}, {self.country}"

    @property
    def style_sign(self) -> int:
        """Give the planted style: +1 soft and bright, -1 crisp and dark, 0 neither."""
        sign = STYLE_SIGN[self.region]
        return sign if self.is_referral else -sign

    @property
    def site(self) -> str:
        """Give the invented web site that publishes its images."""
        return f"demo-hospital-{self.number}.example.org"


_PLACES = (
    ("Daegu", "South Korea", "Asia", True),
    ("Chennai", "India", "Asia", False),
    ("Izmir", "Turkey", "Asia", False),
    ("Osaka", "Japan", "Asia", True),
    ("Lyon", "France", "Europe", True),
    ("Turin", "Italy", "Europe", False),
    ("Leipzig", "Germany", "Europe", False),
    ("Seville", "Spain", "Europe", True),
    ("Recife", "Brazil", "Americas", True),
    ("Halifax", "Canada", "Americas", False),
    ("Denver", "United States", "Americas", False),
    ("Puebla", "Mexico", "Americas", True),
    ("Durban", "South Africa", "Africa", True),
    ("Kumasi", "Ghana", "Africa", False),
    ("Alexandria", "Egypt", "Africa", False),
    ("Hobart", "Australia", "Oceania", True),
    ("Dunedin", "New Zealand", "Oceania", False),
    ("", "", "", True),
    ("", "", "", False),
)

HOSPITALS: tuple[Hospital, ...] = tuple(
    Hospital(number, *place) for number, place in enumerate(_PLACES, start=1)
)
