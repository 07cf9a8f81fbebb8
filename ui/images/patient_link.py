"""The way from an image on any page to its patient on the patients page."""

from cxrlib.cohort import Cohort
from cxrlib.patients import pair_image
from ui.session.current_cohort import current_entry
from ui.session.resources import find_cohort
from ui.session.shown_patient import Shown, make_pair_parameters
from ui.widgets.page_link import show_page_link

__all__ = ["find_patient", "offer_patient"]


def offer_patient(image_id: str) -> None:
    """Show a quiet link to the patients page, with an image in its viewer.

    Parameters
    ----------
    image_id : str
        Of an X-ray of the cohort in use.
    """
    slug = current_entry().slug
    # The whole cohort: a prior that the filters leave out is the prior all the same.
    shown = find_patient(find_cohort(slug), slug, image_id)
    show_page_link(
        "patients",
        "Open the patient",
        asked=make_pair_parameters(shown),
        icon=":material/person_search:",
        tip="Show all images of this patient by day",
    )


def find_patient(cohort: Cohort, slug: str, image_id: str) -> Shown:
    """Find the patient of an image, and the image to put beside it.

    Parameters
    ----------
    cohort : Cohort
    slug : str
        The name this server knows the cohort by.
    image_id : str
    """
    table = cohort.table
    patient_id = table.loc[table["image_id"] == image_id, "patient_id"].iloc[0]
    rows = table[table["is_xray"] & (table["patient_id"] == patient_id)]
    pair = pair_image(rows, image_id)
    return Shown(slug, str(patient_id), pair.current, pair.prior)
