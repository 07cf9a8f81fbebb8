"""The patient and images the patients page shows, and how a link from another page names them."""

from dataclasses import dataclass

__all__ = ["PARAMETERS", "Shown", "make_pair_parameters"]

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


def make_pair_parameters(shown: Shown) -> dict[str, str]:
    """Make the parameters of a link to a pair, and by it to the patient.

    The patient's own parameter is another page's widget, and Streamlit drops it on the way here.
    """
    values = (shown.image_id, shown.prior_id)
    return {name: value for name, value in zip(PARAMETERS[1:], values, strict=True) if value}
