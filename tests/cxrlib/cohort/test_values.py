"""Cells as hospitals and collections write them."""

from datetime import date

import pytest

from cxrlib.cohort import read_column, read_dates, read_value


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        *(("survival", cell, "yes") for cell in ("Y", "1", "TRUE", "ja", "J")),
        *(("in_icu", cell, "no") for cell in ("n", "0", "False", "Nein")),
        ("sex", "weiblich", "F"),
        ("sex", "Man", "M"),
        ("age", "045Y", "45"),
        ("age", "006M", "0.5"),
        ("age", "50+", "50"),
        ("age", "≥ 50", "50"),
        ("age", "early 40s", "42"),
        ("age", "in his 50s", "55"),
        ("age", "45,5", "45.5"),
        ("age", "45 yo", "45"),
        ("age", "6 months", "0.5"),
        ("pO2_saturation", "low 90s", "92"),
        ("pO2_saturation", "91-92", "91.5"),
        ("pO2_saturation", "92 %", "92"),
        ("temperature", "101.3 F", "38.5"),
        ("temperature", "38,5 °C", "38.5"),
        ("lymphocyte_count", "<0.3", "0.3"),
        ("offset", "day 3", "3"),
        ("offset", "−2", "-2"),
        ("modality", "DX", "X-ray"),
        ("view", "AP_horizontal", "AP Supine"),
        ("view", "AP (upright)", "AP Erect"),
        ("view", "postero-anterior", "PA"),
        *((column, "N/A", "") for column in ("survival", "sex", "age", "view")),
    ],
)
def test_read_value_understands_what_means_one_thing(column: str, cell: str, value: str) -> None:
    """The value is that of the form, and the rule is named where it is written another way."""
    reading = read_value(column, cell)
    assert reading.value == value
    assert reading.rule or cell in {"Y", "n"}


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("temperature", "1,234"), ("age", "fifty"), ("age", "-inf"), ("age", "inf"), ("age", "9-5"),
        ("sex", "w"), ("view", "portable"), ("view", "oblique"), ("modality", "MRI"),
        ("survival", "perhaps"), ("offset", "a few days"), ("age", "1 000"), ("age", "५०"),
    ],
)  # fmt: skip
def test_read_value_leaves_what_could_mean_two_things(column: str, cell: str) -> None:
    """It is not understood, rather than guessed."""
    assert read_value(column, cell).value is None


@pytest.mark.parametrize("column", ["finding", "clinical_notes", "patientid", "no such column"])
def test_read_value_leaves_text(column: str) -> None:
    """A patient called "NA" or "1" stays so."""
    assert read_value(column, " NA ") == ("NA", "")


def test_read_column_reads_w_as_woman_only_where_it_must() -> None:
    """With an F beside it, W is something else."""
    assert read_column("sex", ["M", "W"])["W"].value == "F"
    assert read_column("sex", ["M", "W", "f"])["W"].value is None


def test_read_dates_tells_the_day_by_the_column() -> None:
    """A column that shows no day above 12 is not understood."""
    assert read_dates(["13/03/20", "04/03/2020", ""]) == [
        date(2020, 3, 13),
        date(2020, 3, 4),
        None,
    ]
    assert read_dates(["3/13/2020", "04-03-2020"]) == [date(2020, 3, 13), date(2020, 4, 3)]
    assert read_dates(["04/03/2020", "05/05/2020"]) == [None, date(2020, 5, 5)]
    assert read_dates(["13/03/2020", "03/13/2020"]) == [None, None]
    assert read_dates(["4.3.2020", "2020-03-04", "31.2.2020", "2020"]) == [
        date(2020, 3, 4),
        date(2020, 3, 4),
        None,
        None,
    ]
