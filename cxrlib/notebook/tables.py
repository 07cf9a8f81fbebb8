"""Tables of a cohort for a notebook, beside those of `cxrlib.summary`."""

from typing import Literal

from cxrlib.cohort import Cohort
from cxrlib.notebook.cohorts import select_images
from cxrlib.quality import Ledger, find_flags
from cxrlib.summary import Comparison, compare_groups as compare_masks


def check_quality(cohort: Cohort) -> Ledger:
    """List what is doubtful about a cohort's X-rays. Nothing is removed.

    Parameters
    ----------
    cohort : Cohort
        The whole cohort: some rules compare images.

    Returns
    -------
    Ledger
        `table` has a row a flag: rule, severity, image, row of metadata.csv, value, what it means
        and what to do; ``count()`` has a row a rule. `select_images` with ``"without=RULE"``
        leaves the flagged images out.

    References
    ----------
    The rules name their sources in `cxrlib.quality.rules`.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> cxr.check_quality(cxr.load_demo()).count()  # doctest: +SKIP
    """
    return find_flags(cohort)


def compare_groups(
    cohort: Cohort,
    first: str,
    second: str | None = None,
    *,
    unit: Literal["image", "patient", "person"] = "patient",
    seed: int = 0,
    resamples: int = 1000,
) -> Comparison:
    """Compare two groups of X-rays that filters choose.

    `cxrlib.summary.compare_groups` takes any two groups, as masks.

    Parameters
    ----------
    cohort : Cohort
    first, second : str
        Filters as in `select_images`; without a second group the first is compared with the rest.
    unit : {"image", "patient", "person"}, default "patient"
        What is counted.
    seed : int, default 0
        Of the bootstrap over persons.
    resamples : int, default 1000

    Returns
    -------
    Comparison
        `table` has a row a variable: both groups with counts and denominators, the difference
        (shares as parts of 1, ages in years) with its 95 % interval, and the reason where there is
        none.

    Raises
    ------
    SelectionError
        If there is no such filter or value, or an image is in both groups.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> cxr.compare_groups(cxr.load_demo(), "view=AP", "view=PA")  # doctest: +SKIP
    """
    wheres = [first] if second is None else [first, second]
    masks = [
        cohort.table["image_id"].isin(select_images(cohort, where).table["image_id"])
        for where in wheres
    ]
    names = (first, "rest" if second is None else second)
    return compare_masks(cohort, *masks, names=names, unit=unit, seed=seed, n_resamples=resamples)
