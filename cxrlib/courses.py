"""An extractor's outputs along one patient's days, beside how much they differ within a day.

Outputs are never a probability of disease. Two images of one person, taken on one day in one
view, differ too: by how the patient breathed and lay, by the machine, by how the picture was
published. A change between days means little while it is not larger than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlib.embeddings import EmbeddingSet
from cxrlib.extractors.info import ExtractorInfo

__all__ = [
    "KINDS",
    "Noise",
    "OutputCourse",
    "choose_outputs",
    "compare_outputs",
    "course_table",
    "describe_course",
    "estimate_noise",
    "output_course",
]

MIN_PAIRS, MIN_PERSONS = 10, 5
N_RESAMPLES = 1000

#: How two images of one patient and one day can differ in view, in words.
KINDS = {
    "same view": "two images of one person, day and view",
    "other frontal view": "two frontal images of one person and day, of different views",
    "frontal and lateral": "a frontal and a lateral image of one person and day",
}


@dataclass(frozen=True)
class OutputCourse:
    """Hold outputs of one patient's images.

    Parameters
    ----------
    table : DataFrame
        A row an image: image_id, row, day (NaN where not recorded), view ("not recorded" where
        blank), state, has_values; by day, undated last.
    values : ndarray of shape (n_images, n_outputs)
        In the table's order; NaN where the extractor has no numbers of the image.
    outputs : tuple of str
        Names of the columns of `values`.
    info : ExtractorInfo
    """

    table: pd.DataFrame
    values: np.ndarray
    outputs: tuple[str, ...]
    info: ExtractorInfo


@dataclass(frozen=True)
class Noise:
    """Hold how much outputs differ between two images of one person and day.

    Parameters
    ----------
    table : DataFrame
        A row an output and kind of `KINDS`: output, kind, n_pairs, n_persons, most_pairs (of one
        person), median and p90 of the absolute difference, each with the ends of its 95 %
        interval (median_low, median_high, p90_low, p90_high), and reason, "" where estimable.
    pairs : dict of str to ndarray
        By kind, absolute differences of shape (n_pairs, n_outputs).
    info : ExtractorInfo
    n_resamples, seed : int
    """

    table: pd.DataFrame
    pairs: dict[str, np.ndarray]
    info: ExtractorInfo
    n_resamples: int
    seed: int


def choose_outputs(info: ExtractorInfo) -> tuple[str, ...]:
    """Choose the outputs to show first: those the paper uses, or a summary of the texture."""
    raise NotImplementedError


def output_course(
    rows: pd.DataFrame, embeddings: EmbeddingSet, outputs: Sequence[str] | None = None
) -> OutputCourse:
    """Collect outputs of one patient's images."""
    raise NotImplementedError


def course_table(course: OutputCourse) -> pd.DataFrame:
    """Return the numbers behind a course: image_id, day, view, state, a column an output."""
    raise NotImplementedError


def estimate_noise(
    table: pd.DataFrame,
    embeddings: EmbeddingSet,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Noise:
    """Estimate how much outputs differ between two images of one person and day."""
    raise NotImplementedError


def compare_outputs(
    course: OutputCourse, first: str, second: str, noise: Noise | None = None
) -> pd.DataFrame:
    """Compare outputs of two images with what two images of one day differ by."""
    raise NotImplementedError


def describe_course(course: OutputCourse, noise: Noise | None = None) -> str:
    """Say a course in plain sentences: the text alternative of `cxrlib.charts.courses`."""
    raise NotImplementedError
