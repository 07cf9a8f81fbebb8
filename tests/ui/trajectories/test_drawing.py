"""What the map draws beside an X-ray that somebody brought, and what leaves the page then."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cxrlib.maps import SurfaceWish, colour_points, estimate_surface
from cxrlib.reports import map_page
from cxrlib.uploads import ALLOW_VARIABLE, Placed, Upload, place_upload
from ui.session.resources import Current, list_cohorts, load_current
from ui.trajectories.drawing import Drawing

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT = 120  # seconds
WISH = SurfaceWish("share", "ICU, tube or death", bandwidth=3.0)


@pytest.fixture
def current(served_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Current:
    """Give the map of the small demo cohort, on a server that allows uploads."""
    data, cache = served_demo
    monkeypatch.setenv("CXR_DATA", str(data))
    monkeypatch.setenv("CXR_CACHE", str(cache))
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    return load_current(list_cohorts()[0].slug)


def bring(current: Current) -> Upload:
    """Make what is kept of an upload, near the cohort's middle."""
    embeddings = current.mapped.embeddings
    return Upload(
        kind="PNG",
        width=300,
        height=300,
        embedding=embeddings.embedding.mean(axis=0),
        outputs=embeddings.outputs.mean(axis=0),
        info=embeddings.info,
        picture=b"",
        picture_size=(300, 300),
        notes=("SECRET",),
        sha256="5ec2e7" * 10,
    )


def draw(current: Current, placed: Placed | None) -> Drawing:
    """Draw as the page does."""
    return Drawing(
        current.mapped,
        current.marks,
        np.ones(len(current.points), dtype=bool),
        None if placed else estimate_surface(current.points, WISH),
        colour_points(current.points),
        (),
        (),
        None,
        None,
        placed,
        1.0,
    )


def test_nothing_of_an_upload_leaves_with_the_map(current: Current) -> None:
    """Star and joining lines are on the screen only; a page of its own has no shade either."""
    drawing = draw(current, place_upload(bring(current), current.mapped))
    assert '"star"' in drawing.draw(theme="light").to_json()
    assert '"star"' not in drawing.draw_for_paper().to_json()
    wish = drawing.wish(current.cohort, (), WISH)
    assert wish.surface.kind == "none"
    words = drawing.describe() + drawing.describe_picture(()) + map_page(current.mapped, wish)
    for secret in ("Background: share", "Background: density", "your X-ray", "SECRET", "5ec2e7"):
        assert secret not in words, secret


def test_a_map_without_an_upload_leaves_as_it_is_wished(current: Current) -> None:
    """Shade and caption are the page's; nobody chosen is nobody drawn."""
    drawing = draw(current, None)
    wish = drawing.wish(current.cohort, (), WISH)
    assert wish.surface == WISH
    page = map_page(current.mapped, wish)
    assert "Background: share of" in drawing.describe_picture(())
    assert "Background: share of" in page
    for outcome in ("(died)", "(survived)", "(survival"):
        assert outcome not in page
    assert "(ringed)" not in page + drawing.describe_picture(())


def test_rings_are_told_on_the_page_and_in_its_export(current: Current) -> None:
    """In the same words as those of the command line."""
    chosen = tuple(current.points["image_id"][:2])
    drawing = replace(draw(current, None), chosen=chosen)
    words = "2 images selected (ringed)."
    assert words in drawing.describe_picture(())
    assert words in map_page(current.mapped, drawing.wish(current.cohort, (), WISH))


def test_no_shade_stands_beside_an_upload(current: Current) -> None:
    """The page draws the star, and neither density nor share, until it is removed."""
    page = AppTest.from_file(str(ROOT / "ui" / "router.py"), default_timeout=TIMEOUT)
    page.run()
    assert "contour" in find_kinds(page)
    page.session_state["uploaded_xray"] = bring(current)
    page.run()
    assert not page.exception
    assert "contour" not in find_kinds(page)
    page.button(key="remove_upload").click().run()
    assert "contour" in find_kinds(page)


def find_kinds(page: AppTest) -> set[str]:
    """Tell of what kinds the traces of the page's first chart, the map, are."""
    figure = json.loads(page.get("plotly_chart")[0].proto.spec)
    return {trace["type"] for trace in figure["data"]}
