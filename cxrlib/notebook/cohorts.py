"""Cohorts for a notebook: load one, make the demo, choose images; where results are kept."""

import os
from pathlib import Path

from cxrlib.cohort import Cohort, load_cohort as read_cohort
from cxrlib.selection import check_selection, parse_where, select
from cxrlib.storage import Store, find_default_cache
from cxrlib.system import ProgressLine

DEMO_PATIENTS = 250
CACHE_VARIABLE = "CXR_CACHE"


def load_cohort(folder: Path | str, *, cache: Path | str | None = None) -> Cohort:
    """Load a cohort from its folder.

    Parameters
    ----------
    folder : Path or str
        Folder with metadata.csv, images/ and, where there are any, annotations/, in the layout of
        the COVID-19 Image Data Collection.
    cache : Path or str, optional
        Folder of everything that is computed of the cohort, from now on; by default that of the
        environment variable CXR_CACHE, else `cxrlib.storage.find_default_cache`.

    Returns
    -------
    Cohort
        `table` has one row an image, `n_images` rows; `problems` names each file, row and cell
        that cannot be used. Days are in `offset`, ages in years.

    Raises
    ------
    CohortError
        If the folder or its metadata.csv cannot be used as a whole.
    StoreError
        If the cache cannot be read or written.

    References
    ----------
    Cohen et al. 2020b, COVID-19 Image Data Collection: Prospective Predictions Are the Future.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> cohort = cxr.load_cohort("covid-chestxray-dataset")  # doctest: +SKIP
    >>> cohort  # doctest: +SKIP
    Cohort('covid-chestxray-dataset', 950 images of 472 patients)
    """
    return read_cohort(folder, store=Store(_find_cache(cache)), on_progress=ProgressLine())


def load_demo(*, cache: Path | str | None = None) -> Cohort:
    """Load the synthetic demo cohort; generate it first where it is not there.

    It is the demo of the command line and the dashboard. No patient is behind it. The first time
    takes about a minute.

    Parameters
    ----------
    cache : Path or str, optional
        As in `load_cohort`; the demo lies in its folder demo/.

    Returns
    -------
    Cohort
        About 800 images of 250 patient ids.

    Raises
    ------
    CohortError
        If the demo cannot be written, or the folder holds something else.
    StoreError
        If the cache cannot be read or written.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> cohort = cxr.load_demo()  # doctest: +SKIP
    """
    root = make_demo(_find_cache(cache) / "demo")
    return load_cohort(root, cache=cache)


def make_demo(folder: Path, *, seed: int | None = None, n_patients: int = DEMO_PATIENTS) -> Path:
    """Generate the demo cohort unless it is there, with a progress line.

    Parameters and errors are those of `cxrlib.synthetic.generate_demo`.
    """
    from cxrlib.synthetic import generate_demo

    options = {} if seed is None else {"seed": seed}
    return generate_demo(folder, n_patients=n_patients, on_progress=ProgressLine(), **options)


def select_images(cohort: Cohort, where: str) -> Cohort:
    """Keep the X-rays that filters choose.

    Parameters
    ----------
    cohort : Cohort
    where : str
        Filters as ``--where`` of the command line takes them: ``"view=AP,PA; day=..7"``.

    Returns
    -------
    Cohort
        With fewer rows; `steps` says how many went and why.

    Raises
    ------
    SelectionError
        If there is no such filter, or the cohort has no such value; the message names those it has.

    Examples
    --------
    >>> import cxrlib as cxr
    >>> early = cxr.select_images(cohort, "view=AP,PA; day=..7")  # doctest: +SKIP
    """
    return select(cohort, check_selection(cohort, parse_where(where)))


def open_store(cohort: Cohort, cache: Path | str | None) -> Store:
    """Open the named cache, or the one that the cohort was loaded with."""
    return Store(_find_cache(cohort.cache if cache is None else cache))


def _find_cache(cache: Path | str | None) -> Path:
    """Find the cache: the named one, that of the environment, or the default."""
    return Path(cache or os.environ.get(CACHE_VARIABLE) or find_default_cache())
