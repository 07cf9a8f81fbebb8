"""Whom and what the patients page shows, and how a link from another page says it."""

from dataclasses import dataclass

__all__ = ["PARAMETERS", "Shown", "name_pair"]

PARAMETERS = ("patient", "image", "prior")


@dataclass(frozen=True)
class Shown:
    """Hold whom and what the page shows.

    Parameters
    ----------
    slug : str
        Of the cohort: patients and images are those of one cohort.
    patient_id : str
    image_id, prior_id : str or None
        The two images that were chosen; both None for the default pair.
    """

    slug: str
    patient_id: str
    image_id: str | None = None
    prior_id: str | None = None


def name_pair(shown: Shown) -> dict[str, str]:
    """Give what a link to this page says of a pair, and by it of the patient.

    The patient's own parameter is another page's widget, and Streamlit drops it on the way here.
    """
    values = (shown.image_id, shown.prior_id)
    return {name: value for name, value in zip(PARAMETERS[1:], values, strict=True) if value}
