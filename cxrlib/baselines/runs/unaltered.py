"""A run from whose features, or images, a shortcut was taken away, beside the unaltered one."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxrlib.aliases import ShouldStop
from cxrlib.baselines.evaluation import (
    DEALING,
    LocoResult,
    compare_results,
    format_metric,
    format_score,
)
from cxrlib.baselines.runs.differences import (
    find_headline,
    format_change,
    format_over,
    look_up_scores,
)
from cxrlib.baselines.runs.runs import Run, run_beside
from cxrlib.errors import SelectionError
from cxrlib.html_repr import format_html
from cxrlib.short_repr import short_repr
from cxrlib.storage import Store

UNALTERED_COLUMNS = (
    *("fold", "metric", "altered", "unaltered", "unaltered_all", "difference", "low", "high"),
    *("n_used", "n_dropped", "reason"),
)


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class Unaltered:
    """Hold the unaltered evaluation beside a run from which a shortcut was taken away.

    Parameters
    ----------
    table : DataFrame
        `UNALTERED_COLUMNS`: ``altered`` is the run's score, ``unaltered`` that of the unaltered
        model on the same test images, ``difference`` the first less the second with its 95 %
        interval over the same resamples, and ``unaltered_all`` the unaltered score on all of its
        test images, which are more where the classes were matched.
    result : LocoResult
        The unaltered evaluation.
    removal : str
        What was taken away, as a clause.
    is_matched : bool
    """

    table: pd.DataFrame
    result: LocoResult
    removal: str
    is_matched: bool
    __repr__ = short_repr

    def _repr_html_(self) -> str:
        return format_html(f"{self.removal.capitalize()}, beside the unaltered", self.table)

    def describe(self, metric: str) -> str:
        """Say in a sentence what taking the shortcut away changed: the mean, or the pooled."""
        lead = f"{self.removal[:1].upper()}{self.removal[1:]}"
        row = find_headline(self.table, metric)
        if isinstance(row, str):
            return f"{lead}: the difference to the unaltered score is not estimable: {row}"
        name = f"{format_metric(str(row['metric']))} {format_score(row['altered'])}"
        unaltered = f"unaltered {format_score(row['unaltered'])}"
        if self.is_matched:
            whole = format_score(row["unaltered_all"])
            unaltered = f"{unaltered} on the same matched test images and {whole} on all of them"
        over = format_over(row, self.result.settings.hold_out)
        return f"{lead}: {name} ({over}), {unaltered}; difference {format_change(row)}."


def compare_unaltered(
    run: Run, store: Store, *, should_stop: ShouldStop | None = None
) -> Unaltered:
    """Run again with nothing taken away, and compare in pairs on the same test images.

    Kept in the store as the shortcuts of a run are, outside the run log.

    Raises
    ------
    SelectionError
        If nothing was taken away.
    """
    settings = run.spec.settings
    if not settings.removal:
        raise SelectionError(
            "Nothing was taken away in this run: erase or match a shortcut to compare."
        )
    plain = replace(settings, erase="", match="")
    result = run_beside(run, store, run.result.features, settings=plain, should_stop=should_stop)
    table = compare_results(run.result, _keep_tested(result, run.result))
    altered = np.array(look_up_scores(run.result, table))
    table = table.assign(
        altered=altered,
        unaltered=altered - table["difference"].to_numpy(dtype=float),
        unaltered_all=look_up_scores(result, table),
    )
    return Unaltered(table[list(UNALTERED_COLUMNS)], result, settings.removal, bool(settings.match))


def _keep_tested(result: LocoResult, other: LocoResult) -> LocoResult:
    """Keep the predictions of images that another evaluation tested too: of one that matched."""
    names = [name for name in ("image_id", DEALING) if name in result.predictions]
    own, others = (pd.MultiIndex.from_frame(each.predictions[names]) for each in (result, other))
    predictions = result.predictions[own.isin(others)].reset_index(drop=True)
    return replace(result, predictions=predictions)
