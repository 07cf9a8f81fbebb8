"""Why images are not on a map, and what would bring them."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxrlib.aliases import NOT_RECORDED
from cxrlib.cohort import Cohort, load_cohort
from cxrlib.maps import (
    ProjectionSettings,
    default_settings,
    describe_off_map,
    list_widenings,
    select_for_map,
)
from tests.cohort_factory import draw_image, make_cohort

ROWS = [
    *[{"view": "PA"}] * 2,
    *[{"view": ""}] * 3,
    *[{"view": "L"}] * 2,
    *[{"view": "AP", "finding": ""}] * 2,
    {"view": "", "finding": "todo"},
    {"view": "PA", "filename": "gone.png"},
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Load a cohort of eleven rows: two for a map, the others each with a reason or two."""
    images = {f"image{i}.png": draw_image(i) for i in range(1, 11)}
    return load_cohort(make_cohort(tmp_path_factory.mktemp("off") / "c", ROWS, images=images))


def test_describe_off_map_counts_each_xray_once(cohort: Cohort) -> None:
    """By the first reason; the numbers add up, and each names what would bring it."""
    assert describe_off_map(cohort, default_settings(cohort)) == (
        "9 of 11 X-rays are not on the map: 1 without a file (put it into images/), 4 without a "
        "view (column view), 2 of view L, 2 without a diagnosis (column finding)."
    )
    told = describe_off_map(cohort, default_settings(cohort), n_on_map=1)
    assert told.startswith("10 of 11")
    assert told.endswith("1 not processed yet (the data page does it).")


def test_describe_off_map_where_none_is_an_xray_and_where_all_are_on_it(tmp_path: Path) -> None:
    """Words for neither are left out."""
    whole = load_cohort(make_cohort(tmp_path / "all", [{}, {}]))
    assert describe_off_map(whole, default_settings(whole)) == ""
    scans = load_cohort(make_cohort(tmp_path / "ct", [{"modality": "CT", "view": "Axial"}]))
    assert describe_off_map(scans, default_settings(scans)).startswith("None of the 1 row")


def test_list_widenings_add_what_they_say(cohort: Cohort) -> None:
    """Most first, then all of it together; nothing is offered that adds no image."""
    settings = default_settings(cohort)
    found = list_widenings(cohort, settings)
    assert [(each.label, each.n_more) for each in found] == [
        ("Add images without a view", 3),
        ("Add images of view L", 2),
        ("Add images without a diagnosis", 2),
        ("Add all X-rays with a file", 8),
    ]
    for each in found:
        n_images = select_for_map(cohort, each.settings).n_images
        assert n_images == select_for_map(cohort, settings).n_images + each.n_more
    assert list_widenings(cohort, found[-1].settings) == []


def test_projection_settings_keep_their_keys() -> None:
    """What was added later is in a map's or a job's name only where it is chosen."""
    plain = ProjectionSettings()
    assert "needs_finding" not in plain.to_dict()
    assert replace(plain, needs_finding=False).to_dict()["needs_finding"] is False


def test_select_for_map_takes_images_without_a_view(cohort: Cohort) -> None:
    """As a view of its own name; others stay out."""
    settings = ProjectionSettings(views=(NOT_RECORDED,), needs_finding=False)
    chosen = select_for_map(cohort, settings).table
    assert chosen["view"].isna().all()
    assert len(chosen) == 4
