"""Leaks: columns of the record that give a label away without any image.

Of a column of one's own nobody knows what it was made from: a length of stay in the ICU, filled in
for those who were there, predicts the ICU. Each other column is asked how well it ranks the label
alone, by its values and by whether it is filled in.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import NOT_RECORDED
from cxrlib.baselines.features.label_columns import list_label_columns
from cxrlib.baselines.tasks import FORMED
from cxrlib.cohort import EXTRA, YES_NO_COLUMNS, format_plainly
from cxrlib.number_text import format_units

if TYPE_CHECKING:
    from cxrlib.baselines.tasks import TaskRows

GIVES_AWAY = 0.95
"""Score from which on a column gives the label away."""
IS_SAME = 0.995
"""Score from which on a column of two values, or of numbers for a number, is the label."""
FEWEST = 5
"""Images with a value, of each class, below which a column is not asked."""

RECORD_COLUMNS = (
    *YES_NO_COLUMNS,
    *("finding", "sex", "age", "offset", "temperature", "pO2_saturation", "leukocyte_count"),
    *("neutrophil_count", "lymphocyte_count", "geographic_mean", "opacity_mean"),
)
"""Columns of every record that are asked, besides the extra ones."""


@dataclass(frozen=True)
class Leak:
    """Hold a column that gives a label away.

    Parameters
    ----------
    column : str
        Of the cohort's table.
    by : {"values", "pattern"}
        By what it holds, or by whether it is filled in.
    score : float
        AUROC of the column alone; of a number the absolute rank correlation.
    n_images : int
        It was computed on.
    is_label : bool
        Whether it is the label itself under another name.
    is_class : bool
    """

    column: str
    by: str
    score: float
    n_images: int
    is_label: bool
    is_class: bool

    @property
    def title(self) -> str:
        """Name the column on screen."""
        return format_plainly(self.column.removeprefix(EXTRA))

    def describe(self) -> str:
        """Say it in a sentence."""
        name = f"“{self.title}”"
        if self.by == "pattern":
            name = f"Whether {name} is filled in"
        metric = "AUROC" if self.is_class else "rank correlation"
        same = " It is the label under another name." if self.is_label else ""
        return (
            f"{name} gives the label away: {metric} {self.score:.2f} alone "
            f"({format_units(self.n_images, 'image')}).{same}"
        )


def find_leaks(rows: "TaskRows") -> tuple[Leak, ...]:
    """Find the columns that give the label of a task away.

    Of the paper's tasks the extra columns are asked; of others those of every record too.

    Parameters
    ----------
    rows : TaskRows

    Returns
    -------
    tuple of Leak
        The strongest first; each column once, by its values where both give the label away.
    """
    y = rows.table["y"].to_numpy(dtype=float)
    if len(y) == 0 or np.ptp(y) == 0:
        return ()
    is_class = rows.task.kind == "classes"
    images = rows.cohort.table.set_index("image_id").loc[rows.table["image_id"]]
    asked = list_other_columns(rows, with_record=rows.task.name == FORMED)
    found = []
    for column in asked:
        leak = _ask_column(images[column], y, is_class=is_class, n_columns=len(asked))
        found += [leak] if leak is not None else []
    return tuple(sorted(found, key=lambda leak: (-leak.score, leak.column)))


def list_other_columns(rows: "TaskRows", *, with_record: bool) -> tuple[str, ...]:
    """List the columns beside that of the label: the extra ones, and those of the record."""
    own = {*list_label_columns(rows.task.column), *(column for column, _ in rows.task.without)}
    extra = [column.column for column in rows.cohort.extra if column.kind != "empty"]
    record = RECORD_COLUMNS if with_record else ()
    return tuple(column for column in (*extra, *record) if column not in own)


def _ask_column(
    values: pd.Series, y: NDArray[np.float64], *, is_class: bool, n_columns: int
) -> Leak | None:
    """Ask a column for the label, by its values and by its pattern."""
    column, is_there = str(values.name), find_filled(values)
    tried = [
        (by, score, n, is_two)
        for by, labels, (score, n, is_two) in (
            (
                "values",
                y[is_there],
                _score_values(values[is_there], y[is_there], is_class=is_class),
            ),
            ("pattern", y, (*_score(is_there.astype(float), y, is_class=is_class), True)),
        )
        if score >= GIVES_AWAY
        and not _could_be_chance(score, labels, is_class=is_class, n_columns=n_columns)
    ]
    if not tried:
        return None
    by, score, n, is_two = tried[0]
    covers = n >= IS_SAME * len(y)
    is_label = by == "values" and score >= IS_SAME and covers and (is_two or not is_class)
    return Leak(column, by, score, n, is_label, is_class)


def _could_be_chance(
    score: float, y: NDArray[np.float64], *, is_class: bool, n_columns: int
) -> bool:
    """Tell whether the best of so many columns of noise could score so high, at 5 %."""
    from scipy.stats import norm

    n = len(y)
    if is_class:
        n_positive = int((y == 1).sum())
        spread = np.sqrt((n + 1) / (12 * n_positive * (n - n_positive)))
        z = (score - 0.5) / spread
        if score == 1:  # where the normal tail is far too heavy
            return 2 * 2 * n_columns / math.comb(n, n_positive) >= 0.05
    else:
        z = score * np.sqrt(n - 1)
    return bool(2 * norm.sf(z) * 2 * max(n_columns, 1) >= 0.05)


def find_filled(values: pd.Series) -> NDArray[np.bool_]:
    """Tell which rows have a value; "unclear" and "not recorded" are none."""
    words = values.astype(object)
    return (words.notna() & ~words.isin([NOT_RECORDED, "unclear"])).to_numpy(dtype=bool)


def _score_values(
    values: pd.Series, y: NDArray[np.float64], *, is_class: bool
) -> tuple[float, int, bool]:
    """Score the values of a column alone; say on how many images, and whether they are two."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float)
        return *_score(numbers, y, is_class=is_class), len(np.unique(numbers)) == 2
    codes, names = pd.factorize(values.astype(object))
    # With few images a value, the share of a class among them says what these images are.
    if len(names) < 2 or len(names) * FEWEST > len(codes):
        return 0.0, len(codes), False
    means = np.bincount(codes, weights=y) / np.bincount(codes)
    return *_score(means[codes], y, is_class=is_class), len(names) == 2


def _score(x: NDArray[np.float64], y: NDArray[np.float64], *, is_class: bool) -> tuple[float, int]:
    """Score numbers alone, in the better direction; 0 where there are too few images."""
    from scipy.stats import rankdata

    n = len(y)
    if n < 2 * FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0, n
    ranks = rankdata(x)
    if not is_class:
        return float(abs(np.corrcoef(ranks, rankdata(y))[0, 1])), n
    n_positive = int((y == 1).sum())
    if min(n_positive, n - n_positive) < FEWEST:
        return 0.0, n
    pairs = ranks[y == 1].sum() - n_positive * (n_positive + 1) / 2
    auroc = pairs / (n_positive * (n - n_positive))
    return float(max(auroc, 1 - auroc)), n


def describe_leaks(rows: "TaskRows", most: int = 5) -> Iterator[str]:
    """Say which columns give the label away, a sentence each, the strongest first."""
    found = find_leaks(rows)
    yield from (leak.describe() for leak in found[:most])
    if len(found) > most:
        yield f"{format_units(len(found) - most, 'more column')} give the label away too."
