"""The view of a radiograph: by hand what each header means."""

import pytest
from pydicom.dataset import Dataset

from cxrlib.cohort import XRAY_VIEWS
from cxrlib.importing.dicom_views import VIEW_KEYWORDS, read_view


def code(value: str, *modifiers: str, inner: str = "ViewModifierCodeSequence") -> list[Dataset]:
    """Make a sequence of one code with modifiers."""
    item = Dataset()
    item.CodeValue = value
    if modifiers:
        setattr(item, inner, [code(each)[0] for each in modifiers])
    return [item]


PLACED = "PatientOrientationModifierCodeSequence"
CASES = [
    ({}, "", ""),
    ({"ViewPosition": "PA"}, "PA", "ViewPosition"),
    ({"ViewPosition": " ap "}, "AP", "ViewPosition"),
    ({"ViewPosition": "LL"}, "L", "ViewPosition"),
    ({"ViewPosition": "RL"}, "L", "ViewPosition"),
    ({"ViewPosition": "LATERAL"}, "L", "ViewPosition"),
    ({"ViewPosition": "POSTERO_ANTERIOR"}, "PA", "ViewPosition"),
    ({"ViewPosition": "AP SUPINE"}, "AP Supine", "ViewPosition"),
    ({"ViewPosition": "AP", "PatientPosition": "HFS"}, "AP Supine", "ViewPosition"),
    ({"ViewPosition": "PA", "PatientPosition": "HFS"}, "PA", "ViewPosition"),
    ({"ViewPosition": "AP", "SeriesDescription": "CHEST AP ERECT"}, "AP Erect", "ViewPosition"),
    ({"ViewPosition": "AP", "SeriesDescription": "semi-erect"}, "AP", "ViewPosition"),
    ({"ViewPosition": "AP", "StudyDescription": "Thorax liegend"}, "AP Supine", "ViewPosition"),
    ({"ViewPosition": "AP", "StudyDescription": "erect or supine"}, "AP", "ViewPosition"),
    ({"ViewPosition": "LLD"}, "", ""),
    ({"ViewPosition": "LLD", "SeriesDescription": "chest pa"}, "PA", "SeriesDescription"),
    ({"ViewCodeSequence": code("R-10206")}, "AP", "ViewCodeSequence"),
    ({"ViewCodeSequence": code("272479007")}, "PA", "ViewCodeSequence"),
    ({"ViewCodeSequence": code("399198007")}, "L", "ViewCodeSequence"),
    ({"ViewCodeSequence": code("nothing")}, "", ""),
    (
        {
            "ViewPosition": "AP",
            "PatientOrientationCodeSequence": code("102538003", "40199007", inner=PLACED),
        },
        "AP Supine",
        "ViewPosition",
    ),
    (
        {"ViewPosition": "AP", "PatientOrientationCodeSequence": code("F-10440")},
        "AP Erect",
        "ViewPosition",
    ),
    ({"SeriesDescription": "Thorax p.a."}, "PA", "SeriesDescription"),
    ({"SeriesDescription": "Thorax a. p. im Liegen"}, "AP Supine", "SeriesDescription"),
    ({"SeriesDescription": "CHEST_LAT"}, "L", "SeriesDescription"),
    ({"ProtocolName": "Thorax seitlich"}, "L", "ProtocolName"),
    ({"StudyDescription": "CHEST PA AND LATERAL"}, "", ""),
    ({"StudyDescription": "Chest, 2 views"}, "", ""),
    ({"SeriesDescription": "PAULA APPLEBY LATHAM"}, "", ""),
    ({"StudyDescription": "PA and LAT", "SeriesDescription": "LAT"}, "L", "SeriesDescription"),
    ({"PatientOrientation": ["A", "F"]}, "L", "PatientOrientation"),
    ({"PatientOrientation": ["P", "F"]}, "L", "PatientOrientation"),
    ({"PatientOrientation": ["L", "F"]}, "", ""),
    ({"PatientOrientation": ""}, "", ""),
]


@pytest.mark.parametrize(("elements", "view", "origin"), CASES)
def test_read_view_by_hand(elements: dict, view: str, origin: str) -> None:
    """The surest attribute wins."""
    header = Dataset()
    for keyword, value in elements.items():
        assert keyword in VIEW_KEYWORDS
        setattr(header, keyword, value)
    read = read_view(header)
    assert (read.view, read.origin) == (view, origin)
    assert read.view in ("", *XRAY_VIEWS)


def test_read_view_says_what_contradicts_and_what_is_strange() -> None:
    """Neither changes the view."""
    assert read_view({"ViewPosition": "PA", "PatientOrientation": ["A", "F"]}).contradicted
    assert read_view({"ViewPosition": "LL", "PatientOrientation": ["L", "F"]}).contradicted
    assert not read_view({"ViewPosition": "PA", "PatientOrientation": ["L", "F"]}).contradicted
    assert not read_view({"PatientOrientation": ["A", "F"]}).contradicted
    assert read_view({"ViewPosition": "Mrs Schmidt"}).not_understood
    assert not read_view({"ViewPosition": "AP SUPINE"}).not_understood
