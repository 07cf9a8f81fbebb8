"""Protocols: two, by name, with what they do in words."""

import pytest

from cxrlib.baselines.evaluation import CORRECTED, PROTOCOLS, PUBLISHED, LocoSettings, find_protocol
from cxrlib.errors import SelectionError


def test_protocols_are_found_by_name() -> None:
    """Another name is an error that names those there are."""
    assert [find_protocol(each.name) for each in PROTOCOLS] == [PUBLISHED, CORRECTED]
    with pytest.raises(SelectionError, match=r"'honest'.*published, corrected"):
        find_protocol("honest")


def test_protocols_say_what_they_do() -> None:
    """In full sentences that differ where the protocols do."""
    published, corrected = PUBLISHED.describe(), CORRECTED.describe()
    assert all(each.endswith(".") for each in (*published, *corrected))
    assert "AUROC and AUPRC are computed on the predicted class, as in the paper." in published
    assert "AUROC and AUPRC are computed on decision values." in corrected
    assert "No person and no article is in both training and test." in corrected
    assert len(set(published) & set(corrected)) == 1


def test_guards_are_those_of_the_protocol_and_the_strict_one() -> None:
    """In the order in which they are applied."""
    assert LocoSettings().guards == ("person", "article")
    assert LocoSettings(is_strict=True).guards == ("person", "article", "source")
    assert LocoSettings(PUBLISHED).guards == ()
    assert LocoSettings(PUBLISHED, is_strict=True).guards == ("source",)


def test_settings_that_cannot_be_are_refused() -> None:
    """The value and what would be right are named."""
    with pytest.raises(SelectionError, match=r"'planet'.*region, sub-region, country, source"):
        LocoSettings(hold_out="planet")
    with pytest.raises(SelectionError, match="seed is -1"):
        LocoSettings(seed=-1)
    with pytest.raises(SelectionError, match="n_resamples is -5"):
        LocoSettings(n_resamples=-5)
