"""Filters: their values and the rows they leave out."""

import gc
import weakref
from pathlib import Path

import pytest

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.errors import SelectionError
from cxrlib.quality import FLAGS
from cxrlib.selection import FILTERS, find_reasons, list_choices, list_numbers
from tests.cohort_factory import make_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Give seven X-rays of four patients and a CT row, with blanks in every column."""
    rows: list[dict[str, object]] = [
        {"patientid": "a", "view": "L", "offset": 10, "age": 40, "survival": "Y", "sex": "M"},
        {"patientid": "a", "view": "PA", "offset": 2, "age": 40, "survival": "Y", "sex": "M"},
        {"patientid": "b", "view": "PA", "offset": -3, "age": 0.5, "survival": "N"},
        {"patientid": "b", "view": "AP", "finding": "Pneumonia/Viral/SARS"},
        {"patientid": "c", "view": "AP", "finding": "Pneumonia/Viral", "location": "Rome, Italy"},
        {"patientid": "d", "view": "PA", "finding": "", "location": "Nowhere-at-all"},
        {"patientid": "d", "view": "PA", "finding": "Tuberculosis", "license": "CC BY"},
        {"patientid": "e", "view": "Axial", "modality": "CT", "age": 99},
    ]
    root = make_cohort(tmp_path_factory.mktemp("filters") / "cohort", rows)
    return load_cohort(root, inspect_images=False)


def values(cohort: Cohort, name: str) -> list[str]:
    """List the values of a filter."""
    return [choice.value for choice in list_choices(cohort, name)]


def test_views_stand_in_the_known_order(cohort: Cohort) -> None:
    """PA comes before L whatever their counts are, and CT rows bring no values."""
    assert list_choices(cohort, "view") == [("PA", 4, 3), ("AP", 2, 2), ("L", 1, 1)]


def test_answers_stand_in_the_known_order(cohort: Cohort) -> None:
    """A blank is a value of its own, after the answers."""
    assert list_choices(cohort, "survival") == [("yes", 2, 1), ("no", 1, 1), (NOT_RECORDED, 4, 3)]


def test_what_is_not_known_stands_last(cohort: Cohort) -> None:
    """Not recorded and Unknown come last even where they are most frequent."""
    assert values(cohort, "sex") == ["M", NOT_RECORDED]
    assert values(cohort, "region") == ["Europe", "Unknown"]
    assert values(cohort, "licence") == ["CC BY", NOT_RECORDED]
    assert values(cohort, "country") == ["Italy", "Nowhere-at-all", "Unknown"]


def test_findings_are_counted_with_all_below_them(cohort: Cohort) -> None:
    """A level of the tree has the images of the levels below it."""
    assert list_choices(cohort, "finding") == [
        ("Pneumonia", 5, 3),
        ("Pneumonia/Viral", 5, 3),
        ("Pneumonia/Viral/COVID-19", 3, 2),
        ("Pneumonia/Viral/SARS", 1, 1),
        ("Tuberculosis", 1, 1),
        (NOT_RECORDED, 1, 1),
    ]


def test_numbers_stand_in_their_own_order(cohort: Cohort) -> None:
    """Days are sorted as numbers, not as text; the CT row's age is not among them."""
    assert values(cohort, "day") == ["-3", "2", "10", NOT_RECORDED]
    assert list_numbers(cohort, "day") == [-3, 2, 10]
    assert list_numbers(cohort, "age") == [0.5, 40]


def test_flags_are_all_listed(cohort: Cohort) -> None:
    """A flag that no image has is listed with 0."""
    assert tuple(values(cohort, "without")) == tuple(FLAGS)
    assert ("state overlap", 0, 0) in list_choices(cohort, "without")


@pytest.mark.parametrize("name", [n for n, f in FILTERS.items() if f.kind == "choice"])
def test_choices_add_up_to_all_xrays(cohort: Cohort, name: str) -> None:
    """Every X-ray has exactly one value, and each value keeps what it announces."""
    choices = list_choices(cohort, name)
    assert sum(choice.n_images for choice in choices) == 7
    for choice in choices:
        stays = find_reasons(cohort, name, (choice.value,)).isna() & cohort.table["is_xray"]
        assert int(stays.sum()) == choice.n_images


def test_reasons_name_the_value(cohort: Cohort) -> None:
    """A row's reason says what it has instead; None where it stays."""
    reasons = find_reasons(cohort, "view", ("AP", "L"))
    assert reasons.tolist()[:7] == [None, "view PA", "view PA", None, None, "view PA", "view PA"]
    assert find_reasons(cohort, "survival", ("no",)).tolist()[1:4] == [
        "survived",
        None,
        "survival: not recorded",
    ]


def test_a_range_leaves_out_what_is_not_recorded(cohort: Cohort) -> None:
    """Both ends belong to a range; a blank is outside of any and says so."""
    reasons = find_reasons(cohort, "day", (-3, 2)).tolist()
    assert reasons[:4] == ["day above 2", None, None, "day not recorded"]
    assert find_reasons(cohort, "age", (1, float("inf"))).tolist()[2] == "age below 1"


def test_finding_keeps_what_is_below_and_not_what_sounds_alike(cohort: Cohort) -> None:
    """Pneumonia/Viral keeps its genera, but "Pneumonia/Vir" is no level of it."""
    assert int(find_reasons(cohort, "finding", ("Pneumonia/Viral",)).isna().sum()) == 6
    assert int(find_reasons(cohort, "finding", ("Pneumonia/Vir",)).isna().sum()) == 0
    assert int(find_reasons(cohort, "finding", ("Pneumonia/Viral/SARS",)).isna().sum()) == 1


def test_the_first_flag_is_the_reason(cohort: Cohort) -> None:
    """Flags are named in their own order, whatever order they were asked in."""
    reasons = find_reasons(cohort, "without", ("no licence", "no day"))
    assert reasons.tolist()[3] == "no day"
    assert reasons.tolist()[0] == "no licence"


def test_unknown_filter_is_named() -> None:
    """A filter that does not exist is an error that lists those there are."""
    with pytest.raises(SelectionError, match="no filter 'colour'"):
        list_choices(Cohort.__new__(Cohort), "colour")


def test_only_ranges_have_numbers(cohort: Cohort) -> None:
    """Asking a filter of words for numbers is an error."""
    with pytest.raises(SelectionError, match="'view' has no numbers"):
        list_numbers(cohort, "view")


def test_a_cohort_is_not_kept_alive(tmp_path: Path) -> None:
    """What is remembered of a cohort goes with it."""
    cohort = load_cohort(make_cohort(tmp_path / "cohort"), inspect_images=False)
    list_choices(cohort, "view")
    gone = weakref.ref(cohort)
    del cohort
    gc.collect()
    assert gone() is None


def test_the_answer_cannot_be_changed_from_outside(cohort: Cohort) -> None:
    """Emptying a returned list leaves the next answer whole."""
    list_choices(cohort, "view").clear()
    assert len(list_choices(cohort, "view")) == 3
