"""Findings are split into type and genus."""

import pandas as pd
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.findings import Finding, count_pneumonia, is_usable, parse_finding
from tests.cohort_factory import make_cohort


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


def test_count_pneumonia(tmp_path) -> None:
    """Levels not given are told from levels that do not apply."""
    findings = ["Pneumonia/Viral/COVID-19"] * 3
    findings += ["Pneumonia/Lipoid", "Pneumonia/Bacterial", "Pneumonia", "Tuberculosis", ""]
    rows = [{"finding": finding} for finding in findings]
    table = load_cohort(make_cohort(tmp_path, rows), inspect_images=False).table
    counted = count_pneumonia(table)
    expected = {
        ("Viral", "COVID-19"): 3,
        ("Lipoid", "Not applicable"): 1,
        ("Bacterial", "Unknown"): 1,
        ("Unknown", "Unknown"): 1,
    }
    assert counted.set_index(["type", "genus"])["n_images"].to_dict() == expected
    assert count_pneumonia(table.iloc[:0]).empty
    shuffled = table.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(count_pneumonia(shuffled), counted)


def test_real_collection(real_root) -> None:
    """Every published cell of Table 1 is there; the collection has grown since."""
    published = {
        ("Viral", "COVID-19"): 468,
        ("Viral", "SARS"): 16,
        ("Viral", "MERS-CoV"): 10,
        ("Viral", "Varicella"): 5,
        ("Viral", "Influenza"): 4,
        ("Viral", "Herpes"): 3,
        ("Bacterial", "Streptococcus"): 13,
        ("Bacterial", "Klebsiella"): 9,
        ("Bacterial", "E.Coli"): 4,
        ("Bacterial", "Nocardia"): 4,
        ("Bacterial", "Mycoplasma"): 5,
        ("Bacterial", "Legionella"): 7,
        ("Bacterial", "Unknown"): 2,
        ("Bacterial", "Chlamydophila"): 1,
        ("Bacterial", "Staphylococcus"): 1,
        ("Fungal", "Pneumocystis"): 24,
        ("Fungal", "Aspergillosis"): 2,
        ("Lipoid", "Not applicable"): 8,
        ("Aspiration", "Not applicable"): 1,
        ("Unknown", "Unknown"): 59,
    }
    cohort = load_cohort(real_root, inspect_images=False).select_frontal()
    counted = count_pneumonia(cohort.table).set_index(["type", "genus"])["n_images"].to_dict()
    assert set(counted) == set(published)
    assert all(counted[cell] >= n_images for cell, n_images in published.items())
