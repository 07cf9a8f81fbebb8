"""The scores that the paper prints of its baselines, as it prints them.

Tables 5, 6, 8, 9 and 10 to 14 of Cohen et al. 2020b (Prospective Predictions), typed from the
paper in its order. A line below is a row of the paper, its cells parted by bars; feature sets
and tasks stand under our names, everything else as printed: "39/2" are 39 images of the
positive class and 2 of the other in the held-out region.

Tables 5 and 6 are means over the regions of the tables of folds, with the sample standard
deviation; Tables 10 to 14 score the predicted class, not a value that ranks (see
`cxrlib.hard_labels`). Both follow from the printed numbers and are tests.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cxrlib.errors import SelectionError

__all__ = [
    "FEATURE_TITLES",
    "MEAN",
    "PRINTED_PARAMETERS",
    "PUBLISHED_SCORES",
    "PUBLISHED_TASKS",
    "ClassCounts",
    "PublishedScore",
    "PublishedTask",
    "add_up_counts",
    "find_published_task",
    "find_scores",
]

MEAN = "mean"
"""The fold of a number that is a mean over held-out regions."""

DECIMALS = 2
"""How many every score is printed with."""

FEATURE_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "intermediate": "Intermediate features",
        "outputs": "18 outputs",
        "4-outputs": "4 outputs",
        "lung-opacity": "lung opacity output",
        "pixels": "Image pixels (MLP)",
        "prevalence": "Baseline prevalence",
    }
)
"""What the paper calls its feature sets, by ours."""

PRINTED_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "intermediate": "1024+1",
        "outputs": "18+1",
        "4-outputs": "4+1",
        "lung-opacity": "1+1",
        "pixels": "5017801",
        "prevalence": "1+1",
    }
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
        """Write the counts as a reader takes them in.

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


# ---- the means: AUROC and AUPRC, then correlation, R² and MAE

_TABLE_5 = """
covid-19           | outputs      | 18+1    | 0.58±0.12 | 0.78±0.16
covid-19           | intermediate | 1024+1  | 0.57±0.12 | 0.77±0.15
covid-19           | 4-outputs    | 4+1     | 0.50±0.01 | 0.73±0.22
covid-19           | prevalence   | 1+1     | 0.50±0.00 | 0.73±0.22
covid-19           | lung-opacity | 1+1     | 0.50±0.01 | 0.73±0.22
covid-19           | pixels       | 5017801 | 0.48±0.06 | 0.72±0.20
viral-or-bacterial | outputs      | 18+1    | 0.82±0.26 | 0.97±0.04
viral-or-bacterial | intermediate | 1024+1  | 0.70±0.19 | 0.84±0.13
viral-or-bacterial | lung-opacity | 1+1     | 0.56±0.08 | 0.72±0.31
viral-or-bacterial | 4-outputs    | 4+1     | 0.52±0.03 | 0.71±0.30
viral-or-bacterial | prevalence   | 1+1     | 0.50±0.00 | 0.71±0.30
viral-or-bacterial | pixels       | 5017801 | 0.50±0.01 | 0.71±0.23
survival           | lung-opacity | 1+1     | 0.55±0.08 | 0.86±0.05
survival           | 4-outputs    | 4+1     | 0.54±0.07 | 0.85±0.05
survival           | prevalence   | 1+1     | 0.50±0.00 | 0.84±0.04
survival           | pixels       | 5017801 | 0.50±0.00 | 0.84±0.03
survival           | intermediate | 1024+1  | 0.50±0.00 | 0.84±0.04
survival           | outputs      | 18+1    | 0.47±0.03 | 0.84±0.03
icu-stay           | outputs      | 18+1    | 0.81±0.10 | 0.50±0.24
icu-stay           | intermediate | 1024+1  | 0.71±0.18 | 0.40±0.21
icu-stay           | 4-outputs    | 4+1     | 0.55±0.15 | 0.35±0.36
icu-stay           | prevalence   | 1+1     | 0.50±0.00 | 0.28±0.26
icu-stay           | lung-opacity | 1+1     | 0.42±0.12 | 0.28±0.26
icu-stay           | pixels       | 5017801 | 0.40±0.13 | 0.28±0.20
intubated          | intermediate | 1024+1  | 0.61±0.06 | 0.40±0.21
intubated          | prevalence   | 1+1     | 0.50±0.00 | 0.32±0.21
intubated          | pixels       | 5017801 | 0.50±0.07 | 0.32±0.17
intubated          | lung-opacity | 1+1     | 0.50±0.00 | 0.32±0.21
intubated          | outputs      | 18+1    | 0.45±0.22 | 0.35±0.26
intubated          | 4-outputs    | 4+1     | 0.45±0.00 | 0.31±0.20
"""

_TABLE_6 = """
geographic-extent | 4-outputs    | 4+1    | 0.82±0.05 | 0.62±0.05  | 1.11±0.08
geographic-extent | outputs      | 18+1   | 0.80±0.09 | 0.59±0.17  | 1.15±0.15
geographic-extent | lung-opacity | 1+1    | 0.80±0.05 | 0.58±0.02  | 1.15±0.01
geographic-extent | intermediate | 1024+1 | 0.77±0.06 | 0.41±0.17  | 1.41±0.08
geographic-extent | prevalence   | 1+1    | 0.00±0.00 | -0.33±0.25 | 2.14±0.31
opacity           | 4-outputs    | 4+1    | 0.79±0.07 | 0.61±0.11  | 0.73±0.10
opacity           | lung-opacity | 1+1    | 0.79±0.07 | 0.60±0.09  | 0.76±0.10
opacity           | outputs      | 18+1   | 0.66±0.13 | 0.29±0.26  | 0.90±0.16
opacity           | intermediate | 1024+1 | 0.68±0.11 | -0.09±0.45 | 1.20±0.26
opacity           | prevalence   | 1+1    | 0.00±0.00 | -0.26±0.20 | 1.30±0.00
"""

# ---- the regions held out: correlation, MAE and R² (8, 9), AUPRC and AUROC (10 to 14)

_TABLE_8 = """
intermediate | 1024+1 | 36 | 0.73 | 1.46 | 0.30  | linear | Asia
intermediate | 1024+1 | 41 | 0.82 | 1.35 | 0.53  | linear | Europe
prevalence   | 1+1    | 36 | 0.00 | 1.92 | -0.15 | linear | Asia
prevalence   | 1+1    | 41 | 0.00 | 2.36 | -0.51 | linear | Europe
outputs      | 18+1   | 36 | 0.73 | 1.25 | 0.47  | linear | Asia
outputs      | 18+1   | 41 | 0.86 | 1.04 | 0.71  | linear | Europe
4-outputs    | 4+1    | 36 | 0.78 | 1.17 | 0.58  | linear | Asia
4-outputs    | 4+1    | 41 | 0.86 | 1.06 | 0.66  | linear | Europe
lung-opacity | 1+1    | 36 | 0.77 | 1.15 | 0.57  | linear | Asia
lung-opacity | 1+1    | 41 | 0.83 | 1.16 | 0.60  | linear | Europe
"""

_TABLE_9 = """
intermediate | 1024+1 | 36 | 0.60 | 1.39 | -0.41 | linear | Asia
intermediate | 1024+1 | 41 | 0.76 | 1.02 | 0.22  | linear | Europe
prevalence   | 1+1    | 36 | 0.00 | 1.30 | -0.12 | linear | Asia
prevalence   | 1+1    | 41 | 0.00 | 1.30 | -0.40 | linear | Europe
outputs      | 18+1   | 36 | 0.57 | 1.02 | 0.11  | linear | Asia
outputs      | 18+1   | 41 | 0.76 | 0.79 | 0.48  | linear | Europe
4-outputs    | 4+1    | 36 | 0.75 | 0.80 | 0.54  | linear | Asia
4-outputs    | 4+1    | 41 | 0.84 | 0.66 | 0.69  | linear | Europe
lung-opacity | 1+1    | 36 | 0.74 | 0.83 | 0.53  | linear | Asia
lung-opacity | 1+1    | 41 | 0.84 | 0.69 | 0.67  | linear | Europe
"""

_TABLE_10 = """
intermediate | 1024+1  | 39/2  | 0.95 | 0.50 | logistic | Asia
intermediate | 1024+1  | 7/3   | 0.70 | 0.50 | logistic | Americas
intermediate | 1024+1  | 3/4   | 0.60 | 0.75 | logistic | Oceania
intermediate | 1024+1  | 68/14 | 0.84 | 0.55 | logistic | Europe
prevalence   | 1+1     | 39/2  | 0.95 | 0.50 | logistic | Asia
prevalence   | 1+1     | 7/3   | 0.70 | 0.50 | logistic | Americas
prevalence   | 1+1     | 3/4   | 0.43 | 0.50 | logistic | Oceania
prevalence   | 1+1     | 68/14 | 0.83 | 0.50 | logistic | Europe
outputs      | 18+1    | 39/2  | 0.95 | 0.49 | logistic | Asia
outputs      | 18+1    | 7/3   | 0.70 | 0.50 | logistic | Americas
outputs      | 18+1    | 3/4   | 0.60 | 0.75 | logistic | Oceania
outputs      | 18+1    | 68/14 | 0.86 | 0.59 | logistic | Europe
4-outputs    | 4+1     | 39/2  | 0.95 | 0.50 | logistic | Asia
4-outputs    | 4+1     | 7/3   | 0.70 | 0.50 | logistic | Americas
4-outputs    | 4+1     | 3/4   | 0.43 | 0.50 | logistic | Oceania
4-outputs    | 4+1     | 68/14 | 0.83 | 0.52 | logistic | Europe
lung-opacity | 1+1     | 39/2  | 0.95 | 0.50 | logistic | Asia
lung-opacity | 1+1     | 7/3   | 0.70 | 0.50 | logistic | Americas
lung-opacity | 1+1     | 3/4   | 0.43 | 0.50 | logistic | Oceania
lung-opacity | 1+1     | 68/14 | 0.83 | 0.51 | logistic | Europe
pixels       | 5017801 | 39/2  | 0.94 | 0.42 | MLP      | Asia
pixels       | 5017801 | 39/2  | 0.95 | 0.50 | MLP      | Asia
pixels       | 5017801 | 39/2  | 0.95 | 0.50 | MLP      | Asia
pixels       | 5017801 | 7/3   | 0.67 | 0.43 | MLP      | Americas
pixels       | 5017801 | 7/3   | 0.65 | 0.36 | MLP      | Americas
pixels       | 5017801 | 7/3   | 0.70 | 0.50 | MLP      | Americas
pixels       | 5017801 | 3/4   | 0.43 | 0.50 | MLP      | Oceania
pixels       | 5017801 | 3/4   | 0.43 | 0.50 | MLP      | Oceania
pixels       | 5017801 | 3/4   | 0.43 | 0.50 | MLP      | Oceania
pixels       | 5017801 | 68/14 | 0.83 | 0.49 | MLP      | Europe
pixels       | 5017801 | 68/14 | 0.86 | 0.60 | MLP      | Europe
pixels       | 5017801 | 68/14 | 0.83 | 0.49 | MLP      | Europe
"""

_TABLE_11 = """
intermediate | 1024+1  | 3/3  | 0.75 | 0.83 | logistic | Oceania
intermediate | 1024+1  | 72/6 | 0.93 | 0.57 | logistic | Europe
prevalence   | 1+1     | 3/3  | 0.50 | 0.50 | logistic | Oceania
prevalence   | 1+1     | 72/6 | 0.92 | 0.50 | logistic | Europe
outputs      | 18+1    | 3/3  | 1.00 | 1.00 | logistic | Oceania
outputs      | 18+1    | 72/6 | 0.94 | 0.64 | logistic | Europe
4-outputs    | 4+1     | 3/3  | 0.50 | 0.50 | logistic | Oceania
4-outputs    | 4+1     | 72/6 | 0.93 | 0.54 | logistic | Europe
lung-opacity | 1+1     | 3/3  | 0.50 | 0.50 | logistic | Oceania
lung-opacity | 1+1     | 72/6 | 0.94 | 0.61 | logistic | Europe
pixels       | 5017801 | 3/3  | 0.50 | 0.50 | MLP      | Oceania
pixels       | 5017801 | 3/3  | 0.50 | 0.50 | MLP      | Oceania
pixels       | 5017801 | 3/3  | 0.50 | 0.50 | MLP      | Oceania
pixels       | 5017801 | 72/6 | 0.92 | 0.50 | MLP      | Europe
pixels       | 5017801 | 72/6 | 0.92 | 0.50 | MLP      | Europe
pixels       | 5017801 | 72/6 | 0.92 | 0.48 | MLP      | Europe
"""

_TABLE_12 = """
intermediate | 1024+1  | 20/3 | 0.87 | 0.50 | logistic | Asia
intermediate | 1024+1  | 4/1  | 0.80 | 0.50 | logistic | Americas
intermediate | 1024+1  | 19/3 | 0.86 | 0.50 | logistic | Europe
prevalence   | 1+1     | 20/3 | 0.87 | 0.50 | logistic | Asia
prevalence   | 1+1     | 4/1  | 0.80 | 0.50 | logistic | Americas
prevalence   | 1+1     | 19/3 | 0.86 | 0.50 | logistic | Europe
outputs      | 18+1    | 20/3 | 0.86 | 0.45 | logistic | Asia
outputs      | 18+1    | 4/1  | 0.80 | 0.50 | logistic | Americas
outputs      | 18+1    | 19/3 | 0.85 | 0.45 | logistic | Europe
4-outputs    | 4+1     | 20/3 | 0.87 | 0.50 | logistic | Asia
4-outputs    | 4+1     | 4/1  | 0.80 | 0.50 | logistic | Americas
4-outputs    | 4+1     | 19/3 | 0.89 | 0.61 | logistic | Europe
lung-opacity | 1+1     | 20/3 | 0.87 | 0.50 | logistic | Asia
lung-opacity | 1+1     | 4/1  | 0.80 | 0.50 | logistic | Americas
lung-opacity | 1+1     | 19/3 | 0.90 | 0.64 | logistic | Europe
pixels       | 5017801 | 20/3 | 0.87 | 0.50 | MLP      | Asia
pixels       | 5017801 | 20/3 | 0.87 | 0.50 | MLP      | Asia
pixels       | 5017801 | 20/3 | 0.87 | 0.50 | MLP      | Asia
pixels       | 5017801 | 4/1  | 0.80 | 0.50 | MLP      | Americas
pixels       | 5017801 | 4/1  | 0.80 | 0.50 | MLP      | Americas
pixels       | 5017801 | 4/1  | 0.80 | 0.50 | MLP      | Americas
pixels       | 5017801 | 19/3 | 0.86 | 0.50 | MLP      | Europe
pixels       | 5017801 | 19/3 | 0.86 | 0.50 | MLP      | Europe
pixels       | 5017801 | 19/3 | 0.86 | 0.50 | MLP      | Europe
"""

_TABLE_13 = """
intermediate | 1024+1  | 1/9   | 0.25 | 0.83 | logistic | Asia
intermediate | 1024+1  | 13/15 | 0.55 | 0.58 | logistic | Europe
prevalence   | 1+1     | 1/9   | 0.10 | 0.50 | logistic | Asia
prevalence   | 1+1     | 13/15 | 0.46 | 0.50 | logistic | Europe
outputs      | 18+1    | 1/9   | 0.33 | 0.89 | logistic | Asia
outputs      | 18+1    | 13/15 | 0.67 | 0.74 | logistic | Europe
4-outputs    | 4+1     | 1/9   | 0.10 | 0.44 | logistic | Asia
4-outputs    | 4+1     | 13/15 | 0.61 | 0.66 | logistic | Europe
lung-opacity | 1+1     | 1/9   | 0.10 | 0.33 | logistic | Asia
lung-opacity | 1+1     | 13/15 | 0.46 | 0.50 | logistic | Europe
pixels       | 5017801 | 1/9   | 0.11 | 0.56 | MLP      | Asia
pixels       | 5017801 | 1/9   | 0.10 | 0.50 | MLP      | Asia
pixels       | 5017801 | 1/9   | 0.10 | 0.50 | MLP      | Asia
pixels       | 5017801 | 13/15 | 0.46 | 0.30 | MLP      | Europe
pixels       | 5017801 | 13/15 | 0.46 | 0.27 | MLP      | Europe
pixels       | 5017801 | 13/15 | 0.46 | 0.27 | MLP      | Europe
"""

_TABLE_14 = """
intermediate | 1024+1  | 2/10 | 0.25 | 0.65 | logistic | Asia
intermediate | 1024+1  | 7/8  | 0.54 | 0.57 | logistic | Europe
prevalence   | 1+1     | 2/10 | 0.17 | 0.50 | logistic | Asia
prevalence   | 1+1     | 7/8  | 0.47 | 0.50 | logistic | Europe
outputs      | 18+1    | 2/10 | 0.17 | 0.30 | logistic | Asia
outputs      | 18+1    | 7/8  | 0.53 | 0.61 | logistic | Europe
4-outputs    | 4+1     | 2/10 | 0.17 | 0.45 | logistic | Asia
4-outputs    | 4+1     | 7/8  | 0.45 | 0.45 | logistic | Europe
lung-opacity | 1+1     | 2/10 | 0.17 | 0.50 | logistic | Asia
lung-opacity | 1+1     | 7/8  | 0.47 | 0.50 | logistic | Europe
pixels       | 5017801 | 2/10 | 0.17 | 0.50 | MLP      | Asia
pixels       | 5017801 | 2/10 | 0.17 | 0.50 | MLP      | Asia
pixels       | 5017801 | 2/10 | 0.18 | 0.55 | MLP      | Asia
pixels       | 5017801 | 7/8  | 0.50 | 0.56 | MLP      | Europe
pixels       | 5017801 | 7/8  | 0.47 | 0.38 | MLP      | Europe
pixels       | 5017801 | 7/8  | 0.47 | 0.50 | MLP      | Europe
"""

# ---- what the tables say of the tasks: title, positive and negative images, tested regions

_CLASS_TASKS = """
covid-19           | COVID-19            | 128 | 27 | Americas, Asia, Europe, Oceania | 10
viral-or-bacterial | Viral or Bacterial  | 140 | 10 | Europe, Oceania                 | 11
survival           | Survival prediction | 46  | 7  | Americas, Asia, Europe          | 12
icu-stay           | ICU stay            | 17  | 27 | Asia, Europe                    | 13
intubated          | Intubated           | 12  | 23 | Asia, Europe                    | 14
"""

_NUMBER_TASKS = """
geographic-extent | Geographic Extent Score (0-8) | 94 | Asia, Europe | 8
opacity           | Opacity Score (0-6)           | 94 | Asia, Europe | 9
"""


def _place(number: int | str) -> str:
    return f"Table {number} (2020-12)"


_FOLD_TABLES = {
    _place(8): _TABLE_8,
    _place(9): _TABLE_9,
    _place(10): _TABLE_10,
    _place(11): _TABLE_11,
    _place(12): _TABLE_12,
    _place(13): _TABLE_13,
    _place(14): _TABLE_14,
}

# In the order of the tables of folds, and in that of the tables of means.
_FOLD_METRICS = {"classes": ("auprc", "auroc"), "number": ("correlation", "mae", "r2")}
_MEAN_METRICS = {"classes": ("auroc", "auprc"), "number": ("correlation", "r2", "mae")}

_HARD_LABELS = (
    "AUROC and AUPRC were computed on the predicted class, not on a value that ranks the images: "
    "this AUROC is the balanced accuracy, and 0.50 with an AUPRC equal to the prevalence is what "
    "a model scores that predicts one class only. The paper does not say so; every printed cell "
    "fits a table of hits and false alarms."
)
_TRAIN_ONLY = (
    "Images of regions that are not tested, and of no known region, train every model and are in "
    "no printed score."
)
_EARLY = (
    "From an earlier state of the collection than the other tables, of about June 2020: which "
    "one, the paper does not say."
)
_NO_CORRELATION = (
    "The paper prints a correlation of 0.00 for the baseline prevalence. A constant has no "
    "correlation: it is not defined, not zero."
)
_ONE_POSITIVE = (
    "Asia has a single positive image: its AUROC is half a matter of whether that one image is "
    "found, and it weighs as much in the mean as Europe's 28 images."
)
_TASK_NOTES = {
    "survival": (
        "The positive class is survival, 46 of 53 images; predicting it for everybody gives the "
        "printed AUPRC of 0.84. Americas has a single negative image.",
    ),
    "icu-stay": (_ONE_POSITIVE,),
    "intubated": ("Asia has two positive images.",),
    "viral-or-bacterial": (
        "The positive class is viral, 140 of 150 images. Of the 150, 66 stand in regions that are "
        "not tested. Oceania has three images of each class.",
    ),
}


# ---- from lines to scores


def _split_lines(text: str) -> Iterator[list[str]]:
    for line in text.strip().splitlines():
        yield [cell.strip() for cell in line.split("|")]


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


def _read_tests(place: str, regions: str) -> Mapping[str, ClassCounts]:
    """Read how many images of each region are tested."""
    found = {line[-1]: _read_counts(line[2]) for line in _split_lines(_FOLD_TABLES[place])}
    return MappingProxyType({name.strip(): found[name.strip()] for name in regions.split(",")})


def _read_tasks() -> Iterator[PublishedTask]:
    for name, title, positive, negative, regions, number in _split_lines(_CLASS_TASKS):
        yield PublishedTask(
            name=name,
            title=title,
            means_table=_place(5),
            folds_table=_place(number),
            metrics=_MEAN_METRICS["classes"],
            whole=_read_counts(f"{positive}/{negative}"),
            tests=_read_tests(_place(number), regions),
            as_of="18 September 2020",
            notes=(_HARD_LABELS, _TRAIN_ONLY, *_TASK_NOTES.get(name, ())),
        )
    for name, title, n_images, regions, number in _split_lines(_NUMBER_TASKS):
        yield PublishedTask(
            name=name,
            title=title,
            means_table=_place(6),
            folds_table=_place(number),
            metrics=_MEAN_METRICS["number"],
            whole=_read_counts(n_images),
            tests=_read_tests(_place(number), regions),
            as_of="about June 2020",
            notes=(_EARLY, _TRAIN_ONLY, _NO_CORRELATION),
        )


PUBLISHED_TASKS: Mapping[str, PublishedTask] = MappingProxyType(
    {task.name: task for task in _read_tasks()}
)
"""The paper's tasks by our name, in the order of Tables 5 and 6."""


def _read_means() -> Iterator[PublishedScore]:
    """Read Tables 5 and 6: a mean and its standard deviation by task, features and metric."""
    for task_name, features, _, *cells in [*_split_lines(_TABLE_5), *_split_lines(_TABLE_6)]:
        task = PUBLISHED_TASKS[task_name]
        for metric, cell in zip(task.metrics, cells, strict=True):
            value, _, sd = cell.partition("±")
            yield PublishedScore(
                table=task.means_table,
                task=task.name,
                features=features,
                fold=MEAN,
                metric=metric,
                value=float(value),
                sd=float(sd),
                seed=None,
                test=task.tested,
            )


def _read_folds() -> Iterator[PublishedScore]:
    """Read Tables 8 to 14: a score by task, features, region, metric, and seed of pixels."""
    for task in PUBLISHED_TASKS.values():
        metrics = _FOLD_METRICS["number" if task.whole.n_positive is None else "classes"]
        n_seen: dict[str, int] = {}
        for features, _, counts, *cells, method, region in _split_lines(
            _FOLD_TABLES[task.folds_table]
        ):
            seed = n_seen.get(region, 0) if method == "MLP" else None
            n_seen[region] = n_seen.get(region, 0) + (method == "MLP")
            for metric, cell in zip(metrics, cells, strict=True):
                yield PublishedScore(
                    table=task.folds_table,
                    task=task.name,
                    features=features,
                    fold=region,
                    metric=metric,
                    value=float(cell),
                    sd=None,
                    seed=seed,
                    test=_read_counts(counts),
                )


PUBLISHED_SCORES: tuple[PublishedScore, ...] = (*_read_means(), *_read_folds())
"""Every printed score: the means first, then by task and region, in the paper's order."""


def find_published_task(name: str) -> PublishedTask:
    """Find a task of the paper by our name.

    Raises
    ------
    SelectionError
        If the paper has no such task.

    Examples
    --------
    >>> find_published_task("icu-stay").whole.describe()
    '17 positive and 27 negative images'
    """
    if name not in PUBLISHED_TASKS:
        raise SelectionError(
            f"The paper has no task {name!r}: nothing is printed to compare it with. It has "
            f"{', '.join(PUBLISHED_TASKS)}."
        )
    return PUBLISHED_TASKS[name]


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
