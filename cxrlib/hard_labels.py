"""What AUROC and AUPRC are when a predicted class is scored as if it ranked the images.

A predicted class ranks in two steps only: the images called positive, then the others. Both
scores then follow from a table of hits and false alarms, AUROC is the balanced accuracy, and a
printed pair of scores says which tables it can come from.
"""

from dataclasses import dataclass

__all__ = ["Confusion", "list_confusions"]


@dataclass(frozen=True)
class Confusion:
    """Hold how many images of each class are called positive.

    Parameters
    ----------
    n_positive, n_negative : int
        Images of each class, at least one.
    n_hits : int
        Positive images that are called positive.
    n_false_alarms : int
        Negative images that are called positive.

    Examples
    --------
    >>> found = Confusion(n_positive=1, n_negative=9, n_hits=1, n_false_alarms=2)
    >>> round(found.auroc, 2), round(found.auprc, 2)
    (0.89, 0.33)
    """

    n_positive: int
    n_negative: int
    n_hits: int
    n_false_alarms: int

    @property
    def auroc(self) -> float:
        """Give the area under the curve of two steps: the balanced accuracy."""
        hit_rate = self.n_hits / self.n_positive
        return (hit_rate + 1 - self.n_false_alarms / self.n_negative) / 2

    @property
    def auprc(self) -> float:
        """Give the average precision: two steps, the second at the prevalence.

        This is scikit-learn's ``average_precision_score``, not the area under straight lines
        between the points.
        """
        prevalence = self.n_positive / (self.n_positive + self.n_negative)
        n_called = self.n_hits + self.n_false_alarms
        if n_called == 0:
            return prevalence
        hit_rate = self.n_hits / self.n_positive
        return hit_rate * self.n_hits / n_called + (1 - hit_rate) * prevalence

    def describe(self) -> str:
        """Say in words what was called positive.

        Examples
        --------
        >>> Confusion(1, 9, 1, 2).describe()
        '1 of 1 positive and 2 of 9 negative images called positive'
        """
        return (
            f"{self.n_hits:,} of {self.n_positive:,} positive and {self.n_false_alarms:,} of "
            f"{self.n_negative:,} negative images called positive"
        )


def list_confusions(
    n_positive: int, n_negative: int, *, auroc: float, auprc: float, decimals: int = 2
) -> tuple[Confusion, ...]:
    """List the tables of hits and false alarms that a printed pair of scores can come from.

    Parameters
    ----------
    n_positive, n_negative : int
        Images of each class.
    auroc, auprc : float
        As printed.
    decimals : int, default 2
        How many are printed. A number half-way between two may have been rounded to either.

    Returns
    -------
    tuple of Confusion
        None where the scores were not taken from predicted classes. In large classes many
        tables print the same.

    Examples
    --------
    >>> [found.describe() for found in list_confusions(1, 9, auroc=0.89, auprc=0.33)]
    ['1 of 1 positive and 2 of 9 negative images called positive']
    """
    half = 0.5 * 10.0**-decimals + 1e-9
    every = (
        Confusion(n_positive, n_negative, n_hits, n_false_alarms)
        for n_hits in range(n_positive + 1)
        for n_false_alarms in range(n_negative + 1)
    )
    return tuple(
        found
        for found in every
        if abs(found.auroc - auroc) <= half and abs(found.auprc - auprc) <= half
    )
