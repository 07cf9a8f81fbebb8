"""The last step of a flow: the images that a score of their own rests on."""

from dataclasses import replace

import pandas as pd

from cxrlib.baselines.evaluation import LocoSettings, keep_scored, run_loco
from cxrlib.baselines.tasks.task_rows import FLOW_COLUMNS
from cxrlib.cohort import SelectionStep
from tests.task_rows_factory import draw_features, draw_rows


def test_the_last_step_counts_what_a_score_rests_on() -> None:
    """Groups with a score stay, the others go with their name; nothing is lost on the way."""
    rows = draw_rows()
    asia = rows.table["region"].eq("Asia")
    rows.table.loc[asia, "y"] = 1.0  # one class only
    n = len(rows.table)
    first = SelectionStep("all", n, n, {})
    rows = replace(rows, steps=(first,), flow=pd.DataFrame(columns=list(FLOW_COLUMNS)))
    result = run_loco(rows, draw_features(rows), LocoSettings(n_resamples=0))
    kept = keep_scored(result)
    scored = set(result.folds.loc[result.folds["is_scored"].astype(bool), "fold"])
    assert scored
    assert not scored & {"Asia", "Unknown"}
    assert set(kept.table["region"]) == scored
    removed = kept.steps[-1].removed
    assert removed["no score for region Asia"] == asia.sum()
    assert "no score for region Unknown" in removed
    assert kept.n_images + sum(removed.values()) == n
