"""Reasons under a figure: on paper in it, on a page as text."""

import pandas as pd

from cxrlib.charts.scores import Series, plot_forest
from cxrlib.charts.style import lift_reasons, read_reasons

SCORES = pd.DataFrame(
    [
        {"fold": "Asia", "metric": "auroc", "value": 0.6, "low": 0.5, "high": 0.7, "reason": ""},
        {"fold": "Oceania", "metric": "auroc", "value": None, "reason": "One class only."},
    ]
)


def test_lift_reasons_takes_them_out_with_their_room() -> None:
    """What is left is as the figure of the scored group alone; the reasons can be read."""
    figure = plot_forest([Series("texture", SCORES)], "auroc")
    title, reasons, room = read_reasons(figure)
    assert title == "Not estimable: 1 of 2 regions"
    assert [(name, "One class only" in why) for name, why in reasons] == [("Oceania", True)]
    alone = plot_forest([Series("texture", SCORES[:1])], "auroc")
    lifted = lift_reasons(figure)
    assert [note.text for note in lifted.layout.annotations] == [
        note.text for note in alone.layout.annotations
    ]
    assert lifted.layout.height == alone.layout.height == figure.layout.height - room
    assert lift_reasons(alone) is alone
    # The figure itself is left as it was.
    assert any("One class only." in note.text for note in figure.layout.annotations)
