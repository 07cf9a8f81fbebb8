"""Measures: the answers of each unit, and of whom they are known."""

from pathlib import Path

import numpy as np
import pytest

from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.summary.measures import VARIABLES, Measure, list_measures
from cxrlib.summary.units import take_units
from tests.cohort_factory import make_cohort


def list_all(cohort: Cohort, unit: str = "patient") -> dict[tuple[str, str], Measure]:
    """List all measures of a cohort as one group."""
    units = take_units(cohort, unit, np.zeros(len(cohort.table), dtype=int))
    return {(each.variable, each.value): each for each in list_measures(cohort, units)}


def test_someone_with_two_views_has_both(tmp_path: Path) -> None:
    """Of a patient any image counts for views and dated flags; blank places are not known."""
    rows: list[dict[str, object]] = [
        {"patientid": "a", "view": "PA", "in_icu": "N", "location": "Lima, Peru"},
        {"patientid": "a", "view": "AP", "in_icu": "Y"},
        {"patientid": "b", "view": "AP"},
    ]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    measures = list_all(cohort)
    assert measures["view", "PA"].is_yes.tolist() == [True, False]
    assert measures["view", "AP"].is_yes.tolist() == [True, True]
    assert measures["in_icu", "yes"].is_yes.tolist() == [True, False]
    assert measures["in_icu", "yes"].is_known.tolist() == [True, False]
    assert measures["region", "Americas"].is_known.tolist() == [True, False]
    assert ("region", "Unknown") not in measures


def test_only_the_most_frequent_sources_have_a_line(tmp_path: Path) -> None:
    """Ten sites give six lines, the most frequent first."""
    rows: list[dict[str, object]] = [
        {"url": f"http://s{i}.org"} for i in range(10) for _ in range(i + 1)
    ]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    sources = [value for variable, value in list_all(cohort) if variable == "source"]
    assert sources == [f"s{i}.org" for i in range(9, 3, -1)]


def test_one_sided_answers_are_told(tmp_path: Path) -> None:
    """RT-PCR without a negative is one-sided, survival without a death is not."""
    rows: list[dict[str, object]] = [{"RT_PCR_positive": "Y", "survival": "Y"}]
    cohort = load_cohort(make_cohort(tmp_path / "c", rows, images={}), inspect_images=False)
    measures = list_all(cohort)
    assert measures["RT_PCR_positive", "yes"].is_one_sided
    assert not measures["survival", "yes"].is_one_sided


def test_a_stranger_is_refused(tmp_path: Path) -> None:
    """The message lists the variables."""
    cohort = load_cohort(make_cohort(tmp_path / "c", images={}), inspect_images=False)
    units = take_units(cohort, "image", np.zeros(1, dtype=int))
    with pytest.raises(SelectionError, match=", ".join(VARIABLES)):
        list_measures(cohort, units, ("height",))
