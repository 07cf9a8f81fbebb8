"""Runs over the images of a cohort: the files that can be used, and the outcome of each image.

Embeddings and thumbnails are made once for each content; a report counts the cohort's rows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from cxrlib.cohort.cohort import Cohort
from cxrlib.errors import ImageError, SelectionError
from cxrlib.images import ImageFile
from cxrlib.short_repr import short_repr

FAILED_COLUMNS = ("image_id", "row", "filename", "reason")


@dataclass(frozen=True)
class RunReport:
    """Count the outcomes of a run; images are rows of the cohort's X-rays, each counted once.

    Parameters
    ----------
    n_computed : int
        Images whose embedding or thumbnail was made.
    n_cached : int
        Images whose embedding or thumbnail was in the store already.
    failed : DataFrame
        Columns image_id, row, filename, reason: images that could not be used, in the
        cohort's order.
    seconds : float
    n_left : int
        Images not come to, because the run was asked to stop.
    """

    n_computed: int
    n_cached: int
    failed: pd.DataFrame
    seconds: float
    n_left: int = 0
    __repr__ = short_repr


def locate_files(cohort: Cohort, rows: pd.DataFrame) -> tuple[dict[str, ImageFile], dict[str, str]]:
    """Find path and content of images, and why others have no file, by image id.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        Rows of its table: image_id and sha256 are read.

    Returns
    -------
    files : dict of str to ImageFile
    reasons : dict of str to str
        As clauses.
    """
    files, reasons = {}, {}
    for image_id, sha256 in zip(rows["image_id"], rows["sha256"], strict=True):
        try:
            files[image_id] = ImageFile(cohort.image_path(image_id), str(sha256))
        except ImageError as error:
            reasons[image_id] = error.reason
        except SelectionError as error:
            reasons[image_id] = str(error)
    return files, reasons


def count_run(
    rows: pd.DataFrame,
    files: Mapping[str, ImageFile],
    reasons: Mapping[str, str],
    *,
    made: Collection[str],
    bad: Mapping[str, str],
    n_cached: int,
    seconds: float,
) -> RunReport:
    """Count the outcomes of a cohort's rows.

    Parameters
    ----------
    rows : DataFrame
        The rows that the run was asked for: image_id, row and filename are read.
    files : mapping of str to ImageFile
        Those of them that can be used, by image id.
    reasons : mapping of str to str
        Why images have no file, by image id.
    made : collection of str
        Contents (SHA-256) that were made.
    bad : mapping of str to str
        Why contents could not be used.
    n_cached : int
    seconds : float
    """
    spoilt = {name: bad[file.sha256] for name, file in files.items() if file.sha256 in bad}
    failed = _tabulate({**reasons, **spoilt}, rows)
    n_computed = sum(file.sha256 in made for file in files.values())
    n_left = len(rows) - n_computed - n_cached - len(failed)
    return RunReport(n_computed, n_cached, failed, seconds, n_left)


def _tabulate(reasons: Mapping[str, str], rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate failures in the cohort's order."""
    failed = rows.loc[rows["image_id"].isin(reasons.keys()), ["image_id", "row", "filename"]]
    failed = failed.assign(reason=failed["image_id"].map(reasons).astype("str"))
    return failed.reset_index(drop=True)[list(FAILED_COLUMNS)]
