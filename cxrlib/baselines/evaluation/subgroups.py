"""Scores by sex and by age group, or why there is none.

Within a subgroup only pairs of images of one held-out group are compared, as in the pooled score:
regions differ in whom they published. Few persons are left; most subgroups of the public
collection have no score, which is the answer.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import NOT_RECORDED
from cxrlib.baselines.evaluation.loco_result import LocoResult
from cxrlib.baselines.evaluation.protocols import describe_too_few
from cxrlib.baselines.evaluation.resampling import (
    count_fewest,
    count_independent,
    find_interval_cells,
    weigh_images,
)
from cxrlib.baselines.evaluation.scores import POOLED_METRICS, sum_pairs

AGE_GROUPS = ("under 40", "40–59", "60–79", "80 and over")
_AGES = (40.0, 60.0, 80.0)  # years
_SEXES = {"F": "female", "M": "male"}

SUBGROUP_COLUMNS = (
    *("grouping", "group", "metric", "value", "low", "high", "n_images", "n_persons"),
    *("n_positive_persons", "n_negative_persons", "n_folds", "n_used", "n_dropped", "reason"),
)


def score_subgroups(result: LocoResult) -> pd.DataFrame:
    """Score the predictions of each sex and age group, pooled over pairs within held-out groups.

    Parameters
    ----------
    result : LocoResult

    Returns
    -------
    DataFrame
        A row a subgroup, those not recorded last, with `SUBGROUP_COLUMNS`: ``value`` is the
        AUROC (of numbers: the concordance) with its 95 % interval over persons. Where it is not
        estimable value is NaN and ``reason`` says why. Persons of a class are missing for
        numbers.
    """
    table = result.rows.table.set_index("image_id")
    sex = table["sex"].map(_SEXES).fillna(NOT_RECORDED)
    known = {"sex": sex, "age": pd.Series(derive_age_groups(table["age"]), index=table.index)}
    orders = {"sex": tuple(_SEXES.values()), "age": AGE_GROUPS}
    rows = [
        {"grouping": grouping, "group": group, **_score(result, names == group, group)}
        for grouping, names in known.items()
        for group in _list_groups(names, orders[grouping])
    ]
    return pd.DataFrame(rows, columns=list(SUBGROUP_COLUMNS))


def derive_age_groups(age: pd.Series) -> NDArray[np.object_]:
    """Name the age group of each; "not recorded" where the age is missing.

    Examples
    --------
    >>> list(derive_age_groups(pd.Series([39.5, 40, 80, np.nan])))
    ['under 40', '40–59', '80 and over', 'not recorded']
    """
    years = age.to_numpy(dtype=float, na_value=np.nan)
    names = np.array([*AGE_GROUPS, NOT_RECORDED], dtype=object)
    return names[np.where(np.isnan(years), len(AGE_GROUPS), np.digitize(years, _AGES))]


def _list_groups(names: pd.Series, order: tuple[str, ...]) -> Iterator[str]:
    """List all groups in order, and the unrecorded one where there is one."""
    yield from order
    if (names == NOT_RECORDED).any():
        yield NOT_RECORDED


def _score(result: LocoResult, is_in: pd.Series, group: str) -> dict[str, object]:
    """Score the images of a subgroup."""
    tested = result.predictions
    mine = tested[is_in.reindex(tested["image_id"]).to_numpy(dtype=bool)]
    is_class = result.rows.task.kind == "classes"
    row = _count(mine, result.rows.task.kind)
    y, persons = (mine[name].to_numpy() for name in ("y", "person_id"))
    reason = describe_too_few(count_fewest(y, persons, is_class=is_class), is_class=is_class)
    if reason:
        return row | {"reason": reason}
    once, resampled, n_folds = _sum_pairs(result, mine, group)
    if once[1] == 0:
        by = result.settings.hold_out
        return row | {"reason": f"No {by} has two images of this subgroup with different labels."}
    scores = np.divide(
        resampled[0],
        resampled[1],
        out=np.full(resampled.shape[1], np.nan),
        where=resampled[1] > 0,
    )
    cells = find_interval_cells(scores, count_independent(y, persons, is_class=is_class))
    return row | {"value": float(once[0] / once[1]), "n_folds": n_folds} | cells


def _count(mine: pd.DataFrame, kind: str) -> dict[str, Any]:
    """Begin the row of a subgroup."""
    images = mine.drop_duplicates("image_id")
    row: dict[str, Any] = {
        "metric": POOLED_METRICS[kind],
        **dict.fromkeys(("value", "low", "high"), np.nan),
        "n_images": len(images),
        "n_persons": images["person_id"].nunique(),
        **dict.fromkeys(("n_folds", "n_used", "n_dropped"), 0),
    }
    for name, label in (("positive", 1), ("negative", 0)):
        persons = images.loc[images["y"] == label, "person_id"].nunique()
        row[f"n_{name}_persons"] = persons if kind == "classes" else np.nan
    return row


def _sum_pairs(
    result: LocoResult, mine: pd.DataFrame, group: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Sum pairs over held-out groups and seeds: with everybody, and by resample."""
    settings = result.settings
    by = "chosen" if settings.protocol.ranking == "class" else "value"
    sums = np.zeros((2, settings.n_resamples + 1))
    names = set()
    for (fold, _), part in mine.groupby(["fold", "seed"], sort=True):
        persons = part["person_id"].to_numpy(dtype=object).astype(str)
        weights = weigh_images(persons, settings.n_resamples, settings.seed, f"{fold}/{group}")
        y, ranking = (part[name].to_numpy(dtype=float) for name in ("y", by))
        both = np.array(sum_pairs(y, ranking, weights, is_class=result.rows.task.kind == "classes"))
        sums += both
        if both[1, 0] > 0:
            names.add(fold)
    return sums[:, 0], sums[:, 1:], len(names)
