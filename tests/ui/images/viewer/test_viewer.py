"""What the viewer sends to the browser: addresses of this server, boxes in fractions."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cxrlib.display import Box
from ui.images.viewer.viewer import Picture, describe_picture, show_viewer

PLACE = "/xray/demo/a%20b.png?kind=full&expires=1700000000&token=abc"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.org/a.png",
        "//example.org/a.png",
        "\\\\example.org/a.png",
        "/\\example.org/a.png",
        "/\t/example.org/a.png",
        " //example.org/a.png",
        "javascript:alert(1)",
        "data:text/html,<b>",
        "http://[broken",
        "file:///etc/passwd",
    ],
)
def test_no_picture_comes_from_outside(url) -> None:
    """Refuse an address of another host, however it is written, in each place."""
    for place in ("url", "mask_url", "preview_url"):
        with pytest.raises(ValueError, match="not one of this server"):
            Picture(**{"url": PLACE, "alt": "", place: url})


@pytest.mark.parametrize("url", [PLACE, "data:image/png;base64,AA==", "xray/a.png", "./a.png"])
def test_addresses_of_this_server_pass(url) -> None:
    """Take paths, also relative ones, and pictures that are their own address."""
    assert describe_picture(Picture(url=url, alt=""))["url"] == url


def test_a_new_token_is_the_same_picture() -> None:
    """Keep what the reader has set when only the address's expiry moves on."""
    names = {
        describe_picture(Picture(url=f"/xray/demo/a.png?kind=full&expires={i}&token=t{i}", alt=""))[
            "name"
        ]
        for i in range(3)
    }
    assert names == {"/xray/demo/a.png?kind=full"}
    others = [PLACE, PLACE.replace("demo", "own"), PLACE.replace("a%20b", "a%23b")]
    assert len({describe_picture(Picture(url=url, alt=""))["name"] for url in others}) == 3
    assert describe_picture(Picture(url=PLACE, alt="", name="one"))["name"] == "one"


def test_boxes_are_numbers_that_json_can_hold() -> None:
    """Turn NumPy's numbers into plain ones."""
    box = Box("Right <b>", np.float64(0.1), np.float64(0.2), np.float64(0.3), np.float64(0.4))
    sent = json.loads(json.dumps(describe_picture(Picture(url=PLACE, alt="", boxes=[box]))))
    assert sent["boxes"] == [{"label": "Right <b>", "place": [0.1, 0.2, 0.3, 0.4]}]


@pytest.mark.parametrize("side", [-0.1, 1.1, 240.0, float("nan"), float("inf")])
def test_boxes_in_pixels_are_refused(side) -> None:
    """A box that is not in fractions would be drawn far away."""
    picture = Picture(url=PLACE, alt="", boxes=[Box("Right", 0, 0, side, 1)])
    with pytest.raises(ValueError, match="fractions"):
        describe_picture(picture)


@pytest.mark.parametrize("count", [0, 3])
def test_one_picture_or_two(count) -> None:
    """None and three are refused before anything is shown."""
    with pytest.raises(ValueError, match="shows 1 or 2 pictures"):
        show_viewer([Picture(url=PLACE, alt="")] * count, key="viewer")


def show_two() -> None:
    """Show two viewers, as a script."""
    from ui.images.viewer import Picture, show_viewer

    for key in ("one", "two"):
        show_viewer([Picture(url=f"/{key}.png", alt=key)], key=key)


def test_two_viewers_stand_on_one_page(caplog) -> None:
    """The component is registered once, and again for another runtime."""
    for _ in range(2):
        page = AppTest.from_function(show_two).run()
        assert not page.exception
        page.run()
        assert not page.exception
    assert "cxr_viewer" not in caplog.text
