"""Tables of a notebook are those of the library, and can be shown."""

import pandas as pd
import pytest

import cxrlib as cxr
from cxrlib import summary
from cxrlib.cohort import Cohort
from cxrlib.errors import SelectionError
from cxrlib.quality import find_flags


def test_compare_groups_takes_filters(demo: Cohort) -> None:
    """As masks do; without a second group the rest is taken."""
    table = demo.table
    masks = (table["view"] == "AP", table["view"] == "PA")
    expected = summary.compare_groups(demo, *masks, unit="image", n_resamples=50)
    found = cxr.compare_groups(demo, "view=AP", "view=PA", unit="image", resamples=50)
    pd.testing.assert_frame_equal(found.table, expected.table)
    assert (found.first, found.second) == ("view=AP", "view=PA")
    rest = cxr.compare_groups(demo, "view=AP", unit="image", resamples=50)
    assert rest.n_first + rest.n_second == demo.n_images
    assert rest.second == "rest"


def test_compare_groups_rejects_groups_that_share_images(demo: Cohort) -> None:
    """And filters that the cohort does not have."""
    with pytest.raises(SelectionError):
        cxr.compare_groups(demo, "view=AP", "view=AP,PA")
    with pytest.raises(SelectionError, match="The cohort has"):
        cxr.compare_groups(demo, "view=XX")


def test_check_quality_is_the_ledger(demo: Cohort) -> None:
    """A row a flag; nothing is removed."""
    assert cxr.check_quality(demo).table.equals(find_flags(demo).table)


def test_tables_can_be_shown(demo: Cohort) -> None:
    """Each with a heading, the notice, and few rows."""
    for table, words in (
        (cxr.summarise(demo, "region", unit="patient"), "36 patients by region"),
        (cxr.make_table_one(demo, "view"), "Table One by view"),
        (cxr.make_table_one(demo), "Table One, unit: patient"),
        (cxr.compare_groups(demo, "view=AP", resamples=20), "view=AP ("),
        (cxr.check_quality(demo), "of X-rays"),
    ):
        page = table._repr_html_()
        assert words in page
        assert cxr.NOTICE in page
        assert page.count("<tr") <= 30
        assert len(repr(table)) <= 300
    missing = cxr.describe_missingness(demo, by="region")
    assert (missing["n_recorded"] + missing["n_unclear"] + missing["n_not_recorded"]).equals(
        missing["n"]
    )
