"""Feature sets by name: the features a baseline may learn from.

The six constructions of the paper (2020-12, section 4.2) of its default network, the same of
other extractors, and the shortcuts. The untrained control and the shortcuts are in the same list
so that they are run beside the rest.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from cxrlib.aliases import Progress, ShouldStop
from cxrlib.baselines.features.feature_matrix import FeatureChoice, Features, list_images
from cxrlib.baselines.features.feature_sums import add_features, spell_sum, split_sum
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units

if TYPE_CHECKING:
    from cxrlib.baselines.tasks import TaskRows
    from cxrlib.cohort import Cohort
    from cxrlib.storage import Store

PIXELS_TITLE = "Image pixels"
PREVALENCE_TITLE = "Baseline prevalence"
PIXEL_PARAMETERS = 224 * 224 * 100 + 100 + 100 + 1
"""Weights and biases of a network with 100 hidden units and one output: 5,017,801, as printed."""


# ---- feature sets by name


def spell_set_name(name: str) -> str:
    """Write a feature set's name in the one spelling that links, files and records have.

    An extractor's embedding has the paper's word there, "intermediate"; "embedding" means the
    same.

    Examples
    --------
    >>> spell_set_name("embedding"), spell_set_name("texture:embedding + view")
    ('intermediate', 'texture:intermediate+view')
    """
    return spell_sum(name, _spell_part)


def _spell_part(name: str) -> str:
    extractor, colon, last = name.rpartition(":")
    return f"{extractor}{colon}intermediate" if last == "embedding" else name


def load_features(name: str, rows: "TaskRows", store: "Store") -> Features:
    """Load a feature set by name for the rows of a task.

    Parameters
    ----------
    name : str
        One of the paper's six ("embedding", which it calls "intermediate", "outputs",
        "4-outputs", "lung-opacity", "pixels", "prevalence"), the first four of another extractor
        ("texture:outputs"), a stored set of one's own by its name, or a shortcut ("view", "source",
        "recorded", "age-sex", "columns"); or a sum of these ("texture:outputs+age-sex").
    rows : TaskRows
    store : Store

    Returns
    -------
    Features
        In the order of the rows. Images without numbers are in `missing`.

    Raises
    ------
    SelectionError
        If there is no such set, or it has numbers of no image of the task; what to do is said.
    """
    parts = split_sum(spell_set_name(name))
    return add_features([_load_one(part, rows, store) for part in parts])


def _load_one(name: str, rows: "TaskRows", store: "Store") -> Features:
    """Load a set that is no sum."""
    from cxrlib.baselines.features.extractor_features import load_extractor_features
    from cxrlib.baselines.features.shortcuts import COLUMNS, SHORTCUTS
    from cxrlib.baselines.features.stored_sets import load_own_features
    from cxrlib.embedding import find_own_set

    if name == "prevalence":
        return _make_prevalence(rows)
    if name == "pixels":
        return load_pixel_features(rows, store)
    if name in (*SHORTCUTS, COLUMNS):
        return read_shortcut_features(name, rows)
    if (own := find_own_set(store, name)) is not None:
        return load_own_features(own, rows, store)
    return load_extractor_features(name, rows, store)


def need_pictures(name: str, store: "Store") -> bool:
    """Tell whether only images with a readable picture can have features of a set.

    Features of one's own are there whether or not the picture is: rows without it stay.
    """
    from cxrlib.embedding import find_own_set

    try:
        parts = split_sum(name)
    except SelectionError:
        return True
    return all(find_own_set(store, part) is None for part in parts)


def are_features_at_hand(name: str, rows: "TaskRows", store: "Store") -> bool:
    """Tell whether `load_features` has a set without decoding images, which takes a while."""
    from cxrlib.embedding import are_pixels_stored

    return name != "pixels" or are_pixels_stored(rows.cohort, list_images(rows), store)


# Pixels of a task are some 60 MB: results that are on show at once share them.
_pixels_in_use: WeakValueDictionary[object, Features] = WeakValueDictionary()


def load_pixel_features(
    rows: "TaskRows",
    store: "Store",
    *,
    n_workers: int = 0,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Features:
    """Load the images themselves as features, with progress: `load_features` for "pixels".

    The first time of a task its images are decoded, some tenths of a second each at worst; then
    they lie in the store. See `cxrlib.embedding.load_pixels` for the parameters.
    """
    from cxrlib.embedding import load_pixels

    image_ids = list_images(rows)
    contents = rows.cohort.table.set_index("image_id")["sha256"].reindex(list(image_ids))
    identity = (store.root, image_ids, tuple(contents))
    shared = _pixels_in_use.get(identity)
    if shared is not None:
        return shared
    pixels, kept, missing = load_pixels(
        rows.cohort,
        image_ids,
        store,
        n_workers=n_workers,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    if missing and not kept:
        raise SelectionError(
            f"None of the task's {format_units(len(missing), 'image')} could be decoded: "
            f"{next(iter(missing.values()))}. Check the files on the data page."
        )
    features = _make_pixel_features(pixels, kept, missing)
    if not missing:
        _pixels_in_use[identity] = features
    return features


def _make_pixel_features(
    pixels: NDArray[np.float32], image_ids: tuple[str, ...], missing: Mapping[str, str]
) -> Features:
    """Make a feature set of pixels."""
    from cxrlib.images import PREPROCESSING, SIDE

    return Features(
        name="pixels",
        title=PIXELS_TITLE,
        kind="pixels",
        columns=tuple(f"row {i // SIDE + 1} column {i % SIDE + 1}" for i in range(SIDE**2)),
        image_ids=image_ids,
        matrix=pixels.astype(np.float64),
        n_parameters=PIXEL_PARAMETERS,
        origin=(
            f"First channel of the images, {SIDE} x {SIDE} pixels in [-1024, 1024]. "
            f"Preprocessing: {PREPROCESSING}.",
        ),
        missing=missing,
    )


def _make_prevalence(rows: "TaskRows") -> Features:
    """Make the set without any information: one constant column."""
    image_ids = list_images(rows)
    return Features(
        name="prevalence",
        title=PREVALENCE_TITLE,
        kind="prevalence",
        columns=("constant",),
        image_ids=image_ids,
        matrix=np.ones((len(image_ids), 1)),
        n_parameters=2,
        origin=("One constant column: a model can only learn how common the classes are.",),
    )


def read_shortcut_features(name: str, rows: "TaskRows") -> Features:
    """Make a feature set of a shortcut; raises SelectionError if there is none of this name."""
    from cxrlib.baselines.features.shortcuts import read_shortcut

    shortcut = read_shortcut(name, rows)
    columns = tuple(str(column) for column in shortcut.table.columns)
    return Features(
        name=name,
        title=shortcut.title,
        kind="shortcut",
        columns=columns,
        image_ids=list_images(rows),
        matrix=shortcut.table.to_numpy(dtype=np.float64, copy=True),
        n_parameters=len(columns) + 1,
        origin=shortcut.origin,
    )


# ---- what there is to choose from


def list_feature_sets(cohort: "Cohort", store: "Store") -> tuple[FeatureChoice, ...]:
    """List the feature sets of a cohort: the paper's six, other extractors', shortcuts.

    Those that are not ready stay in the list and say why.

    Parameters
    ----------
    cohort : Cohort
    store : Store

    Returns
    -------
    tuple of FeatureChoice
    """
    from cxrlib.baselines.features.extractor_features import list_extractor_choices
    from cxrlib.baselines.features.shortcuts import COLUMNS, COLUMNS_TITLE, SHORTCUT_TITLES
    from cxrlib.baselines.features.stored_sets import list_own_choices

    networks = list_extractor_choices(cohort, store)
    own = [choice for choice in networks if ":" not in choice.name]
    others = [choice for choice in networks if ":" in choice.name]
    return (
        *own,
        _offer_pixels(cohort),
        FeatureChoice("prevalence", PREVALENCE_TITLE, "prevalence", 2),
        *list_own_choices(cohort, store),
        *others,
        *(FeatureChoice(name, title, "shortcut", 0) for name, title in SHORTCUT_TITLES.items()),
        *([FeatureChoice(COLUMNS, COLUMNS_TITLE, "shortcut", 0)] if cohort.extra else []),
    )


def _offer_pixels(cohort: "Cohort") -> FeatureChoice:
    """Offer the images themselves, if there are any."""
    table = cohort.table
    if (table["is_xray"] & table["file_status"].eq("ok")).any():
        return FeatureChoice("pixels", PIXELS_TITLE, "pixels", PIXEL_PARAMETERS)
    return FeatureChoice(
        *("pixels", PIXELS_TITLE, "pixels", PIXEL_PARAMETERS),
        is_ready=False,
        why_not="No X-ray of the cohort has a readable file.",
        what_to_do="Put the files into the cohort's images folder and load it again.",
    )
