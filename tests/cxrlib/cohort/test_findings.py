"""Findings are split into type and genus."""

import pytest

from cxrlib.cohort import is_usable, parse_finding
from cxrlib.cohort.findings import Finding


@pytest.mark.parametrize(
    ("finding", "kind", "genus"),
    [
        ("Pneumonia/Viral/COVID-19", "Viral", "COVID-19"),
        ("Pneumonia/Viral/Herpes ", "Viral", "Herpes"),
        (" Pneumonia / Bacterial ", "Bacterial", None),
        ("Pneumonia/Bacterial/Staphylococcus/MRSA", "Bacterial", "Staphylococcus"),
        ("Pneumonia/Lipoid", "Lipoid", None),
        ("Pneumonia", None, None),
        ("Pneumonia//", None, None),
        ("Tuberculosis", None, None),
        ("No Finding", None, None),
        ("", None, None),
        ("/", None, None),
    ],
)
def test_parse_finding(finding: str, kind: str | None, genus: str | None) -> None:
    """Type and genus come from the second and third level under pneumonia."""
    assert parse_finding(finding) == Finding(kind, genus)


@pytest.mark.parametrize("finding", ["todo", "Todo ", "Unknown", "", "  "])
def test_unusable(finding: str) -> None:
    """The collection's own filter leaves these out."""
    assert not is_usable(finding)
