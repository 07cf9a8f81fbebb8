"""What the image adds: a run's features with the shortcuts, less the shortcuts alone.

The score of an image's numbers says little where a shortcut reaches it too: what they share is
counted for both. The paired difference of "shortcuts and image" to "shortcuts" is what only the
image has. All shortcuts together are the strictest baseline: what they predict would be predicted
without looking. Age and sex alone are what a clinician knows beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from cxrlib.aliases import ShouldStop
from cxrlib.baselines.evaluation import (
    LOWER_IS_BETTER,
    MEAN,
    POOLED,
    Cells,
    LocoResult,
    compare_results,
    format_metric,
    format_score,
    is_number,
)
from cxrlib.baselines.features import (
    COLUMNS,
    SHORTCUTS,
    Features,
    add_features,
    join_sum,
    load_features,
    split_sum,
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

ALL = "all shortcuts"
BEYOND: Mapping[str, tuple[str, ...]] = {
    ALL: SHORTCUTS,
    "age and sex": ("age-sex",),
}
"""Baselines, by what they are called: the strictest first."""

ADDS_COLUMNS = (
    *("beyond", "fold", "metric", "difference", "low", "high", "alone", "together"),
    *("n_used", "n_dropped", "reason"),
)


@dataclass(frozen=True, eq=False)  # tables have no single truth to compare by
class ImageAdds:
    """Hold what a run's features add to shortcuts.

    Parameters
    ----------
    table : DataFrame
        `ADDS_COLUMNS`: ``beyond`` names the shortcuts, ``together`` is the score of features and
        shortcuts, ``alone`` of the shortcuts, ``difference`` the first less the second with its 95
        % interval; ``reason`` says why there is none.
    alone, together : dict of str to LocoResult
        The evaluations, by ``beyond``; those that could be made.
    noun : str
        What adds: "The image", or "These features" of numbers from outside.
    hold_out : str
        What is held out.
    but : str
        The shortcut of the run that is none of "all shortcuts", as a clause.
    """

    table: pd.DataFrame
    alone: dict[str, LocoResult]
    together: dict[str, LocoResult]
    noun: str
    hold_out: str = "region"
    but: str = ""
    __repr__ = short_repr

    def _repr_html_(self) -> str:
        return format_html(f"What {self.noun.lower()} adds to shortcuts", self.table)

    def describe(self, metric: str) -> tuple[str, ...]:
        """Say in a sentence for each baseline what is added to a score: the mean, or the pooled."""
        return tuple(self._describe(metric, beyond) for beyond in BEYOND)

    def _describe(self, metric: str, beyond: str) -> str:
        row = find_headline(self.table[self.table["beyond"] == beyond], metric)
        beyond += self.but if beyond == ALL else ""
        noun = f"{self.noun[:1].lower()}{self.noun[1:]}"
        is_one = not noun.endswith("s")
        if isinstance(row, str):
            verb = "adds" if is_one else "add"
            return f"What {noun} {verb} beyond {beyond} is not estimable: {row}"
        verdict = _judge(row, is_one=is_one)
        it = "it" if is_one else "them"
        scores = f"{format_score(row['alone'])} without {it}, {format_score(row['together'])} with"
        name = format_metric(str(row["metric"]))
        return (
            f"Beyond {beyond} {noun} {verdict}: {name} {format_change(row)}, "
            f"{format_over(row, self.hold_out)}; {scores}."
        )


def _judge(row: Cells, *, is_one: bool) -> str:
    """Say by the interval of a difference whether anything is added; lower errors are better."""
    s = "s" if is_one else ""
    if not is_number(row["low"]) or not is_number(row["high"]):
        return f"change{s} the score, without an interval"
    low, high = float(row["low"]), float(row["high"])
    if row["metric"] in LOWER_IS_BETTER:
        low, high = -high, -low
    if low > 0:
        return f"add{s} to the score"
    return f"make{s} the score worse" if high < 0 else f"add{s} nothing that can be told from 0"


def compute_image_adds(
    run: Run, store: Store, *, should_stop: ShouldStop | None = None
) -> ImageAdds:
    """Run shortcuts alone, and with the features of a run, on its very rows; compare in pairs.

    Kept in the store as the shortcuts of a run are, outside the run log.

    Parameters
    ----------
    run : Run
    store : Store
    should_stop : callable, optional
        Asked between fits.

    Raises
    ------
    SelectionError
        If the run's features look at no image, or are pixels, which a network of their own reads.
    """
    features = _take_image_part(run, store)
    noun = "These features" if features.kind == "outside" else "The image"
    tables, alone, together = [], {}, {}
    for beyond, names in BEYOND.items():
        shortcuts = [load_features(name, run.result.rows, store) for name in names]
        base, joined = add_features(shortcuts), add_features([features, *shortcuts])
        try:
            alone[beyond] = run.shortcuts.get(base.name) or run_beside(
                run, store, base, should_stop=should_stop
            )
            together[beyond] = run_beside(run, store, joined, should_stop=should_stop)
            table = _compare(together[beyond], alone[beyond])
        except SelectionError as error:  # such as a model of one's own that is not at hand
            table = pd.DataFrame({"fold": [MEAN, POOLED], "reason": str(error)})
            table["metric"] = str(run.scores["metric"].iloc[0])
        tables.append(table.reindex(columns=ADDS_COLUMNS).assign(beyond=beyond))
    table = pd.concat(tables, ignore_index=True)
    but = " but the other recorded columns" if COLUMNS in run.shortcuts else ""
    return ImageAdds(table, alone, together, noun, run.spec.settings.hold_out, but)


def uses_image(features: Features) -> bool:
    """Tell whether features use the image, and may be added to shortcuts."""
    return features.kind not in ("shortcut", "prevalence", "pixels")


def _take_image_part(run: Run, store: Store) -> Features:
    """Take of a run's features those that are no shortcut."""
    features = run.result.features
    if features.kind in ("shortcut", "prevalence"):
        raise SelectionError("These features do not use the image, so there is nothing it adds.")
    if features.kind == "pixels":
        raise SelectionError(
            "Pixels cannot be added to shortcuts: a network of its own reads them. Choose an "
            "extractor's outputs or embedding."
        )
    parts = split_sum(features.name)
    own = [part for part in parts if part not in (*SHORTCUTS, COLUMNS)]
    if len(own) == len(parts):
        return features
    return load_features(join_sum(own), run.result.rows, store)


def _compare(together: LocoResult, alone: LocoResult) -> pd.DataFrame:
    """Compare two evaluations in pairs, with the score of each."""
    table = compare_results(together, alone)
    return table.assign(
        together=look_up_scores(together, table), alone=look_up_scores(alone, table)
    )
