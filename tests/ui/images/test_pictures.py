"""A picture for the viewer carries the image's own address, words and overlays."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from cxrlib.cohort import load_cohort
from cxrlib.errors import ImageError
from tests.cohort_factory import make_cohort
from ui.images.pictures import describe_row, make_picture

HOSTILE = "a #1 ?x=<b>&'\"%2F.png"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Load a cohort of an image with overlays, one with a hostile name, one without a file."""
    rows = [
        {"patientid": "5", "offset": 3, "filename": "a.png", "view": "AP Supine"},
        {"patientid": "<i>6</i>", "filename": HOSTILE},
        {"patientid": "7", "filename": "gone.png"},
    ]
    root = make_cohort(tmp_path_factory.mktemp("pictures"), rows, boxes=["a.png"], masks=["a.png"])
    (root / "images" / "gone.png").unlink()
    return load_cohort(root)


def test_picture_with_overlays(cohort) -> None:
    """Its size, its boxes and the addresses of image, small copy and mask."""
    picture = make_picture(cohort, "demo", cohort.table.iloc[0], caption="A")
    kinds = [
        parse_qs(urlsplit(url).query)["kind"]
        for url in (picture.url, picture.preview_url, picture.mask_url)
    ]
    assert kinds == [["full"], ["thumb"], ["mask"]]
    assert (picture.width, picture.height, picture.caption) == (64, 80, "A")
    assert [box.label for box in picture.boxes] == ["Right Lung", "Left Lung"]
    assert picture.alt == "Chest X-ray: Patient 5, day 3, AP Supine"


def test_hostile_name_stays_one_part_of_the_address(cohort) -> None:
    """A name with signs that mean something in an address is escaped, and no address leaks it."""
    row = cohort.table.iloc[1]
    picture = make_picture(cohort, "demo", row)
    parts = urlsplit(picture.url)
    assert unquote(parts.path) == f"/xray/demo/{HOSTILE}"
    assert set(parse_qs(parts.query)) == {"kind", "expires", "token"}
    assert picture.mask_url is None
    assert picture.boxes == []
    assert describe_row(row) == "Patient <i>6</i>, day not recorded, PA"


def test_image_without_a_file_is_said_at_once(cohort) -> None:
    """Nothing is asked of the browser for it."""
    with pytest.raises(ImageError, match=r"gone\.png"):
        make_picture(cohort, "demo", cohort.table.iloc[2])


def test_a_changed_file_is_another_picture(cohort) -> None:
    """The viewer keeps what is set for a picture only while its content is the same."""
    row = cohort.table.iloc[0]
    changed = row.copy()
    changed["sha256"] = "0" * 64
    names = {make_picture(cohort, "demo", r).name for r in (row, row, changed)}
    assert len(names) == 2
