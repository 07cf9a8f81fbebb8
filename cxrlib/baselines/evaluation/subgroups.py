"""Scores by sex and by age group, or why there is none.

Within a subgroup only pairs of images of one held-out group are compared, as in the pooled score:
regions differ in whom they published. Few persons are left; most subgroups of the public
collection have no score, which is the answer.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import NOT_RECORDED
from cxrlib.baselines.evaluation.fold_scores import count_pooled, draw_scores, pool_draws
from cxrlib.baselines.evaluation.loco_result import LocoResult, read_cases
from cxrlib.baselines.evaluation.protocols import describe_too_few
from cxrlib.baselines.evaluation.resampling import count_persons
from cxrlib.baselines.evaluation.scores import POOLED_METRICS

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
    few = count_persons(y, persons, is_class=is_class).fewest
    if reason := describe_too_few(few, is_class=is_class):
        return row | {"reason": reason}
    settings, cases = result.settings, read_cases(replace(result, predictions=mine))
    drawn = [
        draw_scores(replace(case, name=f"{fold}/{group}"), settings.n_resamples, settings.seed)
        for fold, case in cases.items()
    ]
    drawn = [each for each in drawn if each.pairs[1] > 0]
    if not drawn:
        by = settings.group
        return row | {"reason": f"No {by} has two images of this subgroup with different labels."}
    if reason := describe_too_few(count_pooled(drawn).fewest, is_class=is_class):
        return row | {"reason": f"Only pairs within a {settings.group} count. {reason}"}
    estimate = pool_draws(drawn)
    return row | {"value": estimate.value, "n_folds": len(drawn)} | estimate.to_cells()


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
