"""A map's shading in one text."""

import pytest

from cxrlib.errors import SelectionError
from cxrlib.maps import DEFINITIONS
from cxrlib.notebook import read_surface


def test_read_surface_knows_every_definition() -> None:
    """As on screen, in small letters, with hyphens; thresholds by either score."""
    for name in DEFINITIONS:
        if name != "severity":
            assert read_surface(name).definition == name
            assert read_surface(name.lower().replace(",", "").replace(" ", "-")).definition == name
    for text in ("extent>=4", "severity 4", "geographic_mean=4", "extent score >= 4"):
        wish = read_surface(text)
        assert (wish.definition, wish.severity, wish.at_least) == (
            "severity",
            "geographic_mean",
            4.0,
        )
    assert read_surface("opacity≥2.5").severity == "opacity_mean"
    assert read_surface("none").kind == "none"
    assert read_surface("filters").definition == "current filter"
    assert read_surface("filter", kind="share").kind == "share"
    wish = read_surface("tube", kind="share", within="AP")
    assert (wish.kind, wish.view) == ("share", "AP")
    with pytest.raises(SelectionError, match="AP Supine"):
        read_surface("tube", within="Ap")


@pytest.mark.parametrize("text", ["", "ill", "extent>=", "opacity>=much"])
def test_read_surface_rejects_another_definition(text: str) -> None:
    """The message lists what there is."""
    with pytest.raises(SelectionError, match="'ICU or tube'"):
        read_surface(text)
