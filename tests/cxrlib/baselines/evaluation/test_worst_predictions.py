"""Test images in the order of their errors."""

import numpy as np
import pytest

from cxrlib.baselines.evaluation import LocoSettings, rank_images, run_loco
from cxrlib.baselines.evaluation.worst_predictions import WORST_COLUMNS
from cxrlib.errors import SelectionError
from tests.task_rows_factory import NUMBER, draw_features, draw_rows

QUICK = LocoSettings(n_resamples=0)


def with_record(rows):
    """Add the columns of the record that a list of images shows."""
    rows.table["view"] = "PA"
    rows.table["offset"] = np.nan
    rows.table["label"] = rows.table["y"].astype(str)
    return rows


def test_the_furthest_off_stand_first() -> None:
    """The error is what the model gives the wrong class, by a plain loop over predictions."""
    rows = with_record(draw_rows())
    result = run_loco(rows, draw_features(rows), QUICK)
    table = rank_images(result)
    assert list(table.columns) == list(WORST_COLUMNS)
    assert table["error"].is_monotonic_decreasing
    expected = {}
    for row in result.predictions.to_dict("records"):
        share = 1 / (1 + np.exp(-row["value"]))
        expected[row["image_id"]] = 1 - share if row["y"] == 1 else share
    assert len(table) == len(expected)
    found = dict(zip(table["image_id"], table["error"], strict=True))
    assert found == pytest.approx(expected)
    # An error over one half is a wrong class.
    chosen = result.predictions.set_index("image_id")
    wrong = chosen["chosen"] != chosen["y"]
    assert set(table.loc[table["error"] > 0.5, "image_id"]) == set(chosen.index[wrong])


def test_numbers_are_off_by_their_difference() -> None:
    """Of a number the error is the absolute difference, in its unit."""
    rows = with_record(draw_rows(task=NUMBER))
    result = run_loco(rows, draw_features(rows), QUICK)
    table = rank_images(result, "Asia")
    own = result.predictions[result.predictions["fold"] == "Asia"]
    assert len(table) == len(own)
    assert table["error"].iloc[0] == pytest.approx((own["value"] - own["y"]).abs().max())


def test_a_group_without_predictions_says_why() -> None:
    """What was not held out, and what could not be predicted, is named with its reason."""
    rows = with_record(draw_rows())
    result = run_loco(rows, draw_features(rows), QUICK)
    with pytest.raises(SelectionError, match=r"No group .Atlantis. was held out\. There are .Am"):
        rank_images(result, "Atlantis")
    with pytest.raises(SelectionError, match="No image of 'Unknown' was predicted: "):
        rank_images(result, "Unknown")
