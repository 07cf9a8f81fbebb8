"""The scores that the paper prints of its baselines, as it prints them.

Tables 5, 6, 8, 9 and 10 to 14 of Cohen et al. 2020b (Prospective Predictions), each a file in
its printed shape and order; feature sets and tasks stand under our names, everything else as
printed: "39/2" are 39 images of the positive class and 2 of the other in the held-out region.

Tables 5 and 6 are means over the regions of the tables of folds, with the sample standard
deviation; Tables 10 to 14 score the predicted class, not a value that ranks (see
`cxrlib.baselines.evaluation.paper_score_comparison`). Both follow from the printed numbers and are
tests.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cxrlib.literature.csv_tables import read_rows

MEAN = "mean"
"""The fold of a number that is a mean over held-out regions."""

DECIMALS = 2
"""How many every score is printed with."""

METRIC_TITLES = ("AUROC", "AUPRC", "Correlation", "R2", "MAE")

_FEATURE_SETS = read_rows("feature-sets")

FEATURE_TITLES: Mapping[str, str] = MappingProxyType(
    {row["features"]: row["printed as"] for row in _FEATURE_SETS}
)
"""What the paper calls its feature sets, by ours."""

PRINTED_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {row["features"]: row["parameters"] for row in _FEATURE_SETS}
)
"""The parameters that the paper counts, as printed; the same in all tables."""


@dataclass(frozen=True)
class ClassCounts:
    """Count the images that a score is taken from.

    Parameters
    ----------
    n_images : int
    n_positive, n_negative : int or None, optional
        By class; None where the task predicts a number.
    """

    n_images: int
    n_positive: int | None = None
    n_negative: int | None = None

    def describe(self) -> str:
        """Format the counts as a reader takes them in.

        Examples
        --------
        >>> ClassCounts(10, 1, 9).describe(), ClassCounts(36).describe()
        ('1 positive and 9 negative images', '36 images')
        """
        if self.n_positive is None:
            return f"{self.n_images:,} images"
        return f"{self.n_positive:,} positive and {self.n_negative:,} negative images"


@dataclass(frozen=True)
class PublishedScore:
    """Hold one printed score.

    Parameters
    ----------
    table : str
        "Table 13 (2020-12)".
    task, features : str
        By our names: "icu-stay", "outputs".
    fold : str
        The held-out region, or `MEAN`.
    metric : str
        "auroc", "auprc", "correlation", "r2" or "mae".
    value : float
    sd : float or None
        Of a mean: the sample standard deviation over regions (over regions and seeds for
        pixels).
    seed : int or None
        Of pixels by region: which of the three lines, 0 to 2 in the paper's order. That
        they are the seeds in this order is assumed.
    test : ClassCounts
        The images tested; of a mean, of all its regions.
    """

    table: str
    task: str
    features: str
    fold: str
    metric: str
    value: float
    sd: float | None
    seed: int | None
    test: ClassCounts


@dataclass(frozen=True)
class PublishedTask:
    """Hold what the paper says of a task besides its scores.

    Parameters
    ----------
    name : str
        By our names: "icu-stay".
    title : str
        As printed.
    means_table, folds_table : str
        Where its scores stand: "Table 5 (2020-12)", "Table 13 (2020-12)".
    metrics : tuple of str
        In the order of the table of means.
    whole : ClassCounts
        All images of the task; more than are tested, since some regions only train.
    tests : mapping of str to ClassCounts
        The images of each region that is tested, in the order of the table of means.
    as_of : str
        The date of the collection's state, in words.
    notes : tuple of str
        What a reader of its numbers should know.
    """

    name: str
    title: str
    means_table: str
    folds_table: str
    metrics: tuple[str, ...]
    whole: ClassCounts
    tests: Mapping[str, ClassCounts]
    as_of: str
    notes: tuple[str, ...]

    @property
    def tested(self) -> ClassCounts:
        """Count the images of all regions that are tested."""
        return add_up_counts(self.tests.values())


# ---- from files to scores


def _place(number: str) -> str:
    return f"Table {number} (2020-12)"


def _read_counts(text: str) -> ClassCounts:
    """Read the images of a test: "39/2", positive and negative, or "36"."""
    first, _, second = text.partition("/")
    if not second:
        return ClassCounts(int(first))
    return ClassCounts(int(first) + int(second), int(first), int(second))


def add_up_counts(counts: Iterable[ClassCounts]) -> ClassCounts:
    """Add up counts; by class where there are classes."""
    parts = list(counts)
    n_images = sum(part.n_images for part in parts)
    if any(part.n_positive is None for part in parts):
        return ClassCounts(n_images)
    n_positive = sum(part.n_positive or 0 for part in parts)
    return ClassCounts(n_images, n_positive, n_images - n_positive)


def _read_task(row: Mapping[str, str]) -> PublishedTask:
    """Read what is said of a task; a note of no row is of all tasks of its table of means."""
    name, means = row["task"], f"table-{row['table of means']}"
    folds = read_rows(f"table-{row['table of regions']}")
    tested = {fold["held-out region"]: _read_counts(fold["images"]) for fold in folds}
    return PublishedTask(
        name=name,
        title=row["title"],
        means_table=_place(row["table of means"]),
        folds_table=_place(row["table of regions"]),
        metrics=tuple(_read_scores(read_rows(means)[0])),
        whole=_read_counts(row["images"]),
        tests=MappingProxyType({each: tested[each] for each in row["tested regions"].split(", ")}),
        as_of=row["as of"],
        notes=tuple(
            note["note"]
            for note in read_rows("notes")
            if note["table"] == means and note["row"] in ("", name)
        ),
    )


def _read_scores(row: Mapping[str, str]) -> dict[str, str]:
    """Read the cells of a line that are scores, by metric, in the order of its table."""
    return {title.lower(): cell for title, cell in row.items() if title in METRIC_TITLES}


PUBLISHED_TASKS: Mapping[str, PublishedTask] = MappingProxyType(
    {row["task"]: _read_task(row) for row in read_rows("tasks")}
)
"""The paper's tasks by our name, in the order of Tables 5 and 6."""


def _read_means(table: str) -> Iterator[PublishedScore]:
    """Read a table of means: a mean and its standard deviation by task, features and metric."""
    for row in read_rows(table):
        task = PUBLISHED_TASKS[row["task"]]
        for metric, cell in _read_scores(row).items():
            value, _, sd = cell.partition("±")
            yield PublishedScore(
                table=task.means_table,
                task=task.name,
                features=row["features"],
                fold=MEAN,
                metric=metric,
                value=float(value),
                sd=float(sd),
                seed=None,
                test=task.tested,
            )


def _read_folds(task: str, table: str) -> Iterator[PublishedScore]:
    """Read a table of regions: a score by features, region, metric, and seed of pixels."""
    n_seen: Counter[str] = Counter()
    for row in read_rows(table):
        region, is_seeded = row["held-out region"], row["model"] == "MLP"
        for metric, cell in _read_scores(row).items():
            yield PublishedScore(
                table=PUBLISHED_TASKS[task].folds_table,
                task=task,
                features=row["features"],
                fold=region,
                metric=metric,
                value=float(cell),
                sd=None,
                seed=n_seen[region] if is_seeded else None,
                test=_read_counts(row["images"]),
            )
        n_seen[region] += is_seeded


PUBLISHED_SCORES: tuple[PublishedScore, ...] = (
    *_read_means("table-5"),
    *_read_means("table-6"),
    *(
        score
        for row in read_rows("tasks")
        for score in _read_folds(row["task"], f"table-{row['table of regions']}")
    ),
)
"""Every printed score: the means first, then by task and region, in the paper's order."""


def find_scores(
    task: str, *, features: str | None = None, fold: str | None = None, metric: str | None = None
) -> tuple[PublishedScore, ...]:
    """Find the printed scores of a task, fewer by feature set, fold or metric.

    Nothing is found where the paper prints nothing, and that is no error: a task, a feature set
    or a region of the reader's own has no published score.

    Examples
    --------
    >>> find_scores("icu-stay", features="outputs", fold="mean", metric="auroc")[0].value
    0.81
    >>> find_scores("icu-stay", features="outputs", fold="Oceania")
    ()
    """
    return tuple(
        score
        for score in PUBLISHED_SCORES
        if score.task == task
        and features in (None, score.features)
        and fold in (None, score.fold)
        and metric in (None, score.metric)
    )
