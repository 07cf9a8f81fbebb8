"""Names in the store of what is computed from an evaluation's images, features and settings."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version

from cxrlib.baselines.evaluation.groupings import list_groups
from cxrlib.baselines.evaluation.loco_result import DEALING
from cxrlib.baselines.evaluation.protocols import LocoSettings
from cxrlib.baselines.evaluation.shortcut_removal import hash_removal
from cxrlib.baselines.features import Features, match_features
from cxrlib.baselines.tasks import TaskRows

#: Packages whose version can change a digit.
PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas")
READ_COLUMNS = (
    *("image_id", "person_id", "article", "source", "region", "sub_region", "country", "y"),
)
"""Columns of the rows that an evaluation reads."""


def list_versions() -> dict[str, str]:
    """List the versions of the packages that can change a digit of a run."""
    return dict(_find_versions())


@functools.cache  # found on disk, some 10 ms each
def _find_versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in PACKAGES)


def make_evaluation_key(
    kind: str,
    rows: TaskRows,
    features: Features,
    settings: LocoSettings,
    extra: Sequence[object] = (),
) -> str:
    """Name something by all that an evaluation depends on: who, which labels, what is learnt from.

    The order of rows does not matter, nor do rows without features: those of a task and those of
    its result have one name.

    Parameters
    ----------
    kind : str
        What it is; the name begins with it.
    rows : TaskRows
    features : Features
    settings : LocoSettings
    extra : sequence
        What else matters, such as a version, as JSON can hold it.

    Returns
    -------
    str
        Letters, digits and "-".
    """
    features = match_features(features, rows)
    table = rows.table[rows.table["image_id"].isin(features.image_ids)]
    table = table.sort_values("image_id", kind="stable")
    hold_out = settings.hold_out
    parts: list[object] = [
        list_versions(),
        rows.task.kind,
        rows.task.event,
        asdict(settings),
        features.key,
        features.kind,
        table[list(READ_COLUMNS)].astype(str).to_numpy().tolist(),
        list(extra),
        # Values of other columns are not among those read; for places nothing changes.
        *([list_groups(table, hold_out).tolist()] if hold_out.startswith("column:") else []),
    ]
    if settings.is_repeated:
        parts.append(DEALING)  # once predictions were averaged in place of scores
    if settings.erase or settings.match:
        parts.append(hash_removal(replace(rows, table=table), settings.erase, settings.match))
    text = json.dumps(parts, sort_keys=True, allow_nan=False)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
