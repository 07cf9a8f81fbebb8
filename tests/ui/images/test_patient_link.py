"""The way from an image to its patient."""

from pathlib import Path

import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import SelectionError
from tests.cohort_factory import make_cohort
from ui.images.patient_link import find_patient
from ui.session.shown_patient import Shown

DAYS = ("0", "4", "9")


def test_the_image_stands_beside_its_prior(tmp_path: Path) -> None:
    """The patient of the image, and no image of anybody else."""
    rows = [{"patientid": "a/b", "offset": day} for day in DAYS]
    cohort = load_cohort(make_cohort(tmp_path, [{"patientid": "c", "offset": "3"}, *rows]))
    assert find_patient(cohort, "own", "image3.png") == Shown(
        "own", "a/b", "image3.png", "image2.png"
    )
    assert find_patient(cohort, "own", "image1.png") == Shown("own", "c", "image1.png", None)


def test_what_is_no_x_ray_has_no_place_on_the_page(tmp_path: Path) -> None:
    """The page shows X-rays; a CT slice is refused by name, not shown as one."""
    rows = [{"patientid": "a"}, {"patientid": "a", "modality": "CT", "view": "Axial"}]
    cohort = load_cohort(make_cohort(tmp_path, rows))
    with pytest.raises(SelectionError, match=r"image2\.png"):
        find_patient(cohort, "own", "image2.png")
