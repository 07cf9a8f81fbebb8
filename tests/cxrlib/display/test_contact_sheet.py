"""Order and pages of a contact sheet."""

import itertools

import numpy as np
import pandas as pd
import pytest

from cxrlib.cohort import load_cohort
from cxrlib.display import ORDERS, PER_PAGE, cut_page, find_page, order_images
from cxrlib.errors import SelectionError
from tests.cohort_factory import make_cohort

ROWS = [
    {"patientid": "10", "offset": 3, "view": "L", "finding": "No Finding"},
    {"patientid": "9", "offset": "", "view": "AP", "in_icu": "Y"},
    {"patientid": "9", "offset": 5, "view": "PA", "in_icu": "N"},
    {"patientid": "9", "offset": -2, "view": "AP Supine"},
    {"patientid": "a10", "offset": 0, "finding": ""},
    {"patientid": "a9", "offset": 0, "in_icu": "Y"},
    {"patientid": "ct", "modality": "CT", "view": "Axial"},
]


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    """Give the table of a small cohort."""
    folder = make_cohort(tmp_path_factory.mktemp("sheet") / "cohort", ROWS)
    return load_cohort(folder, inspect_images=False).table


def places(ordered: pd.DataFrame) -> list[int]:
    """Give the places of rows in the file, from 0."""
    return (ordered["row"] - 2).tolist()


def test_patients_stand_in_the_order_of_numbers(table) -> None:
    """9 before 10, days in order, no day last; what is no X-ray is not there."""
    assert places(order_images(table, "patient")) == [3, 2, 1, 0, 5, 4]


def test_other_orders(table) -> None:
    """What the order is by comes first, what is not known of it last."""
    assert places(order_images(table, "file")) == [0, 1, 2, 3, 4, 5]
    assert order_images(table, "view")["view"].tolist() == [
        *("PA", "PA", "PA", "AP", "AP Supine", "L")
    ]
    states = order_images(table, "state")["state"].tolist()
    assert states == sorted(states, key=["bad", "good", "unknown"].index)
    assert len(set(states)) == 3
    assert places(order_images(table, "finding"))[-1] == 4


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_rows_changes_nothing(table, order) -> None:
    """A shuffled table gives the same sheet, and each X-ray stands on it once."""
    shuffled = table.sample(frac=1, random_state=3)
    ordered = order_images(table, order)["image_id"].tolist()
    assert order_images(shuffled, order)["image_id"].tolist() == ordered
    assert sorted(ordered) == sorted(table.loc[table["is_xray"], "image_id"])


def test_an_unknown_order_is_named(table) -> None:
    """Say which there are."""
    with pytest.raises(SelectionError, match=r"Order 'size' is unknown.*patient"):
        order_images(table, "size")


def test_hostile_ids_are_ordered() -> None:
    """Signs that are digits elsewhere, and numbers without end, are no trouble."""
    names = ["²", "٣", "9" * 5000, "", "1\n", "<b>", "0x1", "-3"]
    table = pd.DataFrame(
        {
            "is_xray": True,
            "row": np.arange(len(names)),
            "offset": np.nan,
            "patient_id": pd.array(names, dtype="str"),
        }
    )
    assert len(order_images(table, "patient")) == len(names)


@pytest.mark.parametrize("n_images", [0, 1, 59, 60, 61, 697, 100_000])
def test_pages_hold_every_image_once(n_images) -> None:
    """The pages in a row are the sheet, and a place is found on its page."""
    n_pages = cut_page(n_images, 1).n_pages
    pages = [cut_page(n_images, number) for number in range(1, n_pages + 1)]
    assert pages[0].start == 0
    assert pages[-1].stop == n_images
    assert all(a.stop == b.start for a, b in itertools.pairwise(pages))
    assert all(page.stop - page.start <= PER_PAGE for page in pages)
    for place in {0, n_images // 2, n_images - 1} - {-1}:
        if place < n_images:
            page = cut_page(n_images, find_page(place))
            assert page.start <= place < page.stop


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (3, 3), (4, 3), (10**30, 3)])
def test_a_page_past_the_end_is_the_last(asked, given) -> None:
    """A page that a filter took away shows what is left."""
    assert cut_page(130, asked).number == given
