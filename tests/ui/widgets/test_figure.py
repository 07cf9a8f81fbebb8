"""A figure's menu: what the browser may ask for, and what it is given."""

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from cxrlib.charts.scores import Series, plot_forest
from cxrlib.charts.style import Imprint, chart_template, lift_reasons
from ui.widgets.figure import _Paper, answer_request

ASKED = {"id": "1-2", "kind": "svg", "width": 640, "height": 400.5}


def make_paper(description: str = "Two points.") -> _Paper:
    """Make what a menu holds of a figure."""
    figure = go.Figure(go.Scatter(x=[1, 2], y=[1, 2]), layout={"template": chart_template("light")})
    imprint = Imprint("Where?", "A caption.", ("notice", "Filters: View AP"))
    return _Paper(lambda: figure, imprint, description, "map-2026-01-31")


def test_a_figure_is_drawn_as_large_as_it_was_seen() -> None:
    """The answer carries the request's name, a file name, and a figure with its words."""
    answer = answer_request(ASKED, make_paper())
    assert answer is not None
    assert (answer["id"], answer["file"], answer["scale"]) == ("1-2", "map-2026-01-31.svg", 1)
    layout = json.loads(answer["figure"])["layout"]
    assert layout["width"] == 640
    assert layout["height"] - layout["margin"]["b"] == pytest.approx(400.5 - 44)
    for words in ("Where?", "A caption.", "Filters: View AP"):
        assert words in layout["title"]["text"]


def test_a_png_has_two_pixels_for_one() -> None:
    """A PNG is made at twice its size."""
    answer = answer_request({**ASKED, "kind": "png"}, make_paper())
    assert answer is not None
    assert (answer["scale"], answer["file"]) == (2, "map-2026-01-31.png")


def test_text_alternatives_hold_no_control_characters() -> None:
    """An SVG is XML, which has no place for them."""
    answer = answer_request(ASKED, make_paper("id\x00\x1b[31m"))
    assert answer is not None
    assert answer["description"].isprintable()


@pytest.mark.parametrize(
    "asked",
    [
        None,
        "svg",
        [],
        {},
        {**ASKED, "kind": "pdf"},
        {**ASKED, "kind": ["svg"]},
        {**ASKED, "id": 7},
        {**ASKED, "width": "640"},
        {**ASKED, "width": math.nan},
        {**ASKED, "width": True},
        {**ASKED, "height": 10**9},
        {**ASKED, "height": -1},
        {"kind": "svg", "id": "1"},
    ],
)
def test_what_is_no_request_is_not_answered(asked: object) -> None:
    """Anything may come from a browser; nothing is drawn for what makes no sense."""
    drawn: list[int] = []
    paper = _Paper(lambda: drawn.append(1) or go.Figure(), Imprint("", "", ()), "", "f")
    assert answer_request(asked, paper) is None
    assert not drawn


def show_both() -> None:
    """Show a figure and a table as a page does."""
    import pandas as pd
    import plotly.graph_objects as go

    from ui.widgets.figure import show_figure
    from ui.widgets.saving import Saving
    from ui.widgets.table import show_table

    table = pd.DataFrame({"id": ["=1+1"], "n": [3]})
    show_figure(
        go.Figure(go.Bar(x=["a"], y=[3])),
        key="bars",
        alt="One bar.",
        numbers=lambda: table,
        caption="One bar, <b>of three</b>.",
        provenance=["notice", "Filters: none"],
        file_stem="bars",
        more=[Saving("Page (HTML)", "bars.html", "text/html", lambda: "<p>")],
        config={"displayModeBar": False},
    )
    show_table(
        table.rename(columns={"n": "Images"}),
        key="numbers",
        provenance=["notice", "Filters: none"],
        file_stem="numbers",
        numbers=table,
        placeholder="–",
    )
    show_table(table, key="plain", provenance=["notice"], file_stem="plain")


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """Keep what each download button would send, by its file's name."""
    kept: dict[str, Callable[[], bytes]] = {}

    def keep(label: str, data: Callable[[], bytes], file_name: str, **_: object) -> bool:
        kept[file_name] = data
        return False

    monkeypatch.setattr("ui.widgets.figure.st.download_button", keep)
    return kept


def test_figures_and_tables_are_saved_with_their_origin(
    saved: dict[str, Callable[[], bytes]],
) -> None:
    """The numbers carry header lines, a table its own columns, and no cell is a formula."""
    page = AppTest.from_function(show_both).run()
    assert not page.exception
    assert list(saved) == ["bars.csv", "bars.html", "numbers.csv", "plain.csv"]
    assert saved["bars.html"]() == "<p>"
    for name in ("bars.csv", "numbers.csv"):
        assert saved[name]().decode().splitlines() == [
            "# notice",
            "# Filters: none",
            "id,n",
            "'=1+1,3",
        ]
    assert saved["plain.csv"]().decode().splitlines()[1:] == ["id,n", "'=1+1,3"]
    shown = page.dataframe[0].value
    assert isinstance(shown, pd.DataFrame)
    assert list(shown.columns) == ["id", "Images"]
    texts = "".join(e.proto.body for e in page.get("html"))
    assert "One bar, &lt;b&gt;of three&lt;/b&gt;." in texts


def test_a_saved_figure_has_room_for_the_reasons_that_the_screen_shows_beside_it() -> None:
    """The browser measures the figure without them."""
    scores = pd.DataFrame(
        [
            {"fold": "Asia", "metric": "auroc", "value": 0.6, "low": 0.5, "high": 0.7},
            {"fold": "Oceania", "metric": "auroc", "reason": "One class only."},
        ]
    )
    figure = plot_forest([Series("texture", scores)], "auroc")
    paper = replace(make_paper(), figure=lambda: figure)
    seen = lift_reasons(figure).layout.height
    answer = answer_request({**ASKED, "height": seen}, paper)
    assert answer is not None
    layout = json.loads(answer["figure"])["layout"]
    room = layout["margin"]["b"] - figure.layout.margin.b
    assert layout["height"] - room == pytest.approx(figure.layout.height)
    assert any("One class only" in note["text"] for note in layout["annotations"])
