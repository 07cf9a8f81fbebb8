"""Test images of a run, largest errors first."""

import numpy as np
import pandas as pd

from cxrlib.baselines.evaluation.loco_result import LocoResult, take_first_dealing
from cxrlib.errors import SelectionError

WORST_COLUMNS = (
    *("image_id", "patient_id", "fold", "view", "offset", "source", "label", "predicted", "error"),
)


def rank_images(result: LocoResult, fold: str | None = None) -> pd.DataFrame:
    """Rank test images by their error, the largest first.

    The error of a class model is 1 less what it gives the true class, from its log-odds: over
    0.5 the predicted class is wrong. These are not probabilities of disease: nothing calibrates
    them. The error of a number is the absolute difference. Do not look for a disease in what is
    off before the source, the view and what is recorded of the image.

    Parameters
    ----------
    result : LocoResult
    fold : str, optional
        A held-out group; by default all.

    Returns
    -------
    DataFrame
        A row an image with the columns `WORST_COLUMNS`; ``label`` in the task's words, with
        ``predicted`` the share given to the positive class, or the predicted number, a mean
        over seeds where there are several. Ties are ordered by image.

    Raises
    ------
    SelectionError
        If nothing was predicted of that group; the message says why.
    """
    predictions = take_first_dealing(result.predictions)
    if fold is not None:
        predictions = predictions[predictions["fold"] == fold]
        if predictions.empty:
            raise SelectionError(_describe_missing_group(result, fold))
    kind = result.rows.task.kind
    value = predictions["value"].to_numpy(dtype=float)
    if kind == "classes":
        value = 1 / (1 + np.exp(-np.clip(value, -500, 500)))
    means = predictions.assign(predicted=value).groupby("image_id", sort=True)
    table = means.agg(fold=("fold", "first"), predicted=("predicted", "mean"), y=("y", "first"))
    table["error"] = (table["predicted"] - table["y"]).abs()
    known = result.rows.table.set_index("image_id")[
        ["patient_id", "view", "offset", "source", "label"]
    ]
    table = table.join(known).reset_index()
    table = table.sort_values(["error", "image_id"], ascending=[False, True], kind="stable")
    return table[list(WORST_COLUMNS)].reset_index(drop=True)


def _describe_missing_group(result: LocoResult, fold: str) -> str:
    rows = result.folds[result.folds["fold"] == fold]
    if rows.empty:
        names = ", ".join(map(repr, result.folds["fold"]))
        return f"No group {fold[:60]!r} was held out. There are {names[:400]}."
    return f"No image of {fold[:60]!r} was predicted: {rows['reason'].iloc[0]}"
