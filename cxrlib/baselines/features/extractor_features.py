"""Feature sets of extractors: outputs and embeddings from the store, for the rows of a task."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cxrlib.baselines.features.feature_matrix import FeatureChoice, Features
from cxrlib.baselines.features.feature_sums import FILE_ENDINGS
from cxrlib.cohort import Cohort
from cxrlib.embedding.extractors import (
    ExtractorInfo,
    describe_extractor,
    describe_stale,
    is_current,
    list_extractor_names,
)
from cxrlib.embedding.extractors.densenet import LUNG_OPACITY
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES
from cxrlib.errors import SelectionError
from cxrlib.number_text import format_units
from cxrlib.storage import EmbeddingStore, Store

if TYPE_CHECKING:
    from cxrlib.baselines.tasks import TaskRows

DEFAULT_EXTRACTOR = "densenet121-res224-all"
"""The network of the paper (2020-12, section 4.2); sets of it are named without it."""
FOUR_OUTPUTS = (LUNG_OPACITY, "Pneumonia", "Infiltration", "Consolidation")
"""The outputs that the paper picked by hand, in its order."""
# An embedding is "intermediate" in links, files and records, as in the paper: see `spell_set_name`.
CONSTRUCTIONS = ("intermediate", "outputs", "4-outputs", "lung-opacity")
_PICKED = {"4-outputs": FOUR_OUTPUTS, "lung-opacity": (LUNG_OPACITY,)}


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Hold what the store has of a cohort's images, by content."""

    places: Mapping[str, int]
    outputs: NDArray[np.float32]
    embedding: NDArray[np.float32]


def load_extractor_features(name: str, rows: "TaskRows", store: Store) -> Features:
    """Load outputs or embeddings, named as `load_features` of `feature_sets` says.

    Raises
    ------
    SelectionError
        If there is no such set, or no image of the task is embedded.
    """
    extractor, construction = _split_name(name)
    info = _find_info(extractor, name, store)
    if construction not in list_constructions(info):
        raise SelectionError(
            f"Extractor {info.name!r} has no outputs for {construction!r}: it needs "
            f"{', '.join(_PICKED[construction])}. Choose one of: "
            f"{', '.join(f'{extractor}:{each}' for each in list_constructions(info))}."
        )
    numbers = _read_numbers(rows.cohort, info, store)
    kept, places, missing = _find_places(rows, numbers)
    if missing and not kept:
        raise SelectionError(
            f"None of the task's {format_units(len(missing), 'image')} is embedded by extractor "
            f"{info.name!r}. {describe_embedding_command(info.name)}"
        )
    columns, matrix = _construct(construction, info, numbers)
    return Features(
        name=name,
        title=format_construction(construction, info),
        kind="network",
        columns=columns,
        image_ids=tuple(kept),
        matrix=matrix[places].astype(np.float64),
        n_parameters=len(columns) + 1,
        origin=_describe_origin(info),
        missing=missing,
    )


def make_set_name(construction: str, extractor: str) -> str:
    """Name a construction of an extractor as `load_features` takes it."""
    return construction if extractor == DEFAULT_EXTRACTOR else f"{extractor}:{construction}"


def format_construction(construction: str, info: ExtractorInfo) -> str:
    """Name a construction on screen, as the paper does, with the extractor.

    Examples
    --------
    >>> info = ExtractorInfo("texture", "Texture", "", "texture-v1", 2, ("Brightness",))
    >>> format_construction("outputs", info)
    '1 output of Texture'
    """
    titles = {
        "intermediate": "Embedding",
        "outputs": format_units(len(info.output_names), "output"),
        "4-outputs": "4 outputs",
        "lung-opacity": "Lung Opacity output",
    }
    return f"{titles[construction]} of {info.title}"


def list_constructions(info: ExtractorInfo) -> tuple[str, ...]:
    """List the constructions that an extractor has the outputs for."""
    names = set(info.output_names)
    return tuple(each for each in CONSTRUCTIONS if names.issuperset(_PICKED.get(each, ())))


def list_extractor_choices(cohort: Cohort, store: Store) -> list[FeatureChoice]:
    """List the sets of extractors: the paper's network first, then those anybody can compute.

    Other official networks stand in the list once they are embedded. An extractor with embeddings
    by several weights is named by its key.
    """
    stored: dict[str, list[ExtractorInfo]] = {}
    for info in filter(is_current, EmbeddingStore(store).list_extractors()):
        stored.setdefault(info.name, []).append(info)
    choices: list[FeatureChoice] = []
    for extractor in list_extractor_names(usable=True):
        infos = stored.get(extractor, [])
        is_open = extractor == DEFAULT_EXTRACTOR or extractor not in WEIGHTS_FILES
        if not infos and is_open:
            info = describe_extractor(extractor)
            why_not = f"No image is embedded by {info.title} ({extractor})."
            choices += _offer(info, extractor, why_not, is_ready=False)
        preferred = _prefer_checked(infos)
        for info in infos:
            name = extractor if preferred == [info] else info.key
            choices += _offer_stored(cohort, info, name, store)
    return choices


def _offer_stored(
    cohort: Cohort, info: ExtractorInfo, name: str, store: Store
) -> Iterator[FeatureChoice]:
    """Offer the sets of an extractor with embeddings, of this cohort or another."""
    n_embedded, n_images = _count_embedded(cohort, info, store)
    why_not = ""
    if n_embedded < n_images:
        n_left = format_units(n_images - n_embedded, "X-ray")
        why_not = f"{n_left} of {n_images:,} with a readable file are not embedded by {info.title}."
    return _offer(info, name, why_not, is_ready=n_embedded > 0)


def _offer(
    info: ExtractorInfo, name: str, why_not: str, *, is_ready: bool
) -> Iterator[FeatureChoice]:
    """Offer the sets of an extractor, with what is missing."""
    for construction in list_constructions(info):
        yield FeatureChoice(
            name=make_set_name(construction, name),
            title=format_construction(construction, info),
            kind="network",
            n_parameters=_count_columns(construction, info) + 1,
            is_ready=is_ready,
            why_not=why_not,
            what_to_do=describe_embedding_command(info.name) if why_not else "",
        )


def _count_embedded(cohort: Cohort, info: ExtractorInfo, store: Store) -> tuple[int, int]:
    """Count the X-rays with a readable file that are embedded, and all of them."""
    table = cohort.table
    usable = table.loc[table["is_xray"] & table["file_status"].eq("ok"), "sha256"]
    stored = _read_numbers(cohort, info, store).places
    return sum(sha256 in stored for sha256 in usable), len(usable)


def _count_columns(construction: str, info: ExtractorInfo) -> int:
    if construction == "intermediate":
        return info.n_features
    return len(_PICKED.get(construction, info.output_names))


def describe_embedding_command(extractor: str) -> str:
    """Describe how to compute the embeddings of an extractor."""
    command = f"python -m cxrlib embed --data DIR --extractor {extractor}"
    if extractor not in WEIGHTS_FILES:
        return f"Embed the cohort on the data page, or run: {command}"
    return (
        f"Embed the cohort on the data page, or run: {command} (downloads "
        f"{WEIGHTS_FILES[extractor].describe()}; without internet add --weights FILE)"
    )


# ---- which extractor


def _split_name(name: str) -> tuple[str, str]:
    """Split a set's name into extractor and construction."""
    extractor, colon, construction = name.rpartition(":")
    if construction not in CONSTRUCTIONS or (colon and not extractor):
        raise SelectionError(
            f"There is no feature set {name[:80]!r}. {_hint_at_file(name)}Choose embedding, "
            "outputs, 4-outputs, lung-opacity, pixels or prevalence, a set of another extractor "
            "such as 'texture:outputs', a stored set of your own, or a shortcut: view, source, "
            "recorded or age-sex; join several with a plus."
        )
    return extractor or DEFAULT_EXTRACTOR, construction


def _hint_at_file(name: str) -> str:
    """Say how a file becomes a set that can be added to others."""
    if not name.casefold().endswith(FILE_ENDINGS):
        return ""
    return "Store the file as a set first: python -m cxrlib features add FILE --name NAME. "


def _find_info(extractor: str, name: str, store: Store) -> ExtractorInfo:
    """Find the extractor of a name or key among those with embeddings."""
    stored = EmbeddingStore(store).list_extractors()
    current = [info for info in stored if is_current(info) and not info.is_outside]
    fitting = _prefer_checked(
        [info for info in current if info.key == extractor]
        or [info for info in current if info.name == extractor]
    )
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        construction = name.rpartition(":")[2]
        raise SelectionError(
            f"The cache holds embeddings by {len(fitting)} different weights of {extractor!r}. "
            f"Name one: {', '.join(f'{info.key}:{construction}' for info in fitting)}."
        )
    for info in stored:
        if extractor in (info.name, info.key) and (stale := describe_stale(info)):
            raise SelectionError(
                f"Feature set {name!r} needs embeddings of extractor {extractor!r}, and the cache "
                f"has none of this version. {stale}"
            )
    if extractor in list_extractor_names():
        describe_extractor(extractor)  # says what is wrong with one of another package
        raise SelectionError(
            f"Feature set {name!r} needs embeddings of extractor {extractor!r}, and the cache has "
            f"none. {describe_embedding_command(extractor)}"
        )
    raise SelectionError(
        f"There is no extractor {extractor[:80]!r}. Choose one of: "
        f"{', '.join(list_extractor_names())}."
    )


def _prefer_checked(infos: list[ExtractorInfo]) -> list[ExtractorInfo]:
    """Leave out weights that nobody checked if there are checked ones, as jobs do."""
    return [info for info in infos if info.note != "weights not verified"] or infos


# ---- numbers


def _read_numbers(cohort: Cohort, info: ExtractorInfo, store: Store) -> _Numbers:
    """Read what is stored of a cohort's images, once while nothing is added to the store."""
    contents = tuple(cohort.table["sha256"].dropna().unique())
    return _read_once(store.root, info, EmbeddingStore(store).sign(info), contents)


# Reading anew costs a tenth of a second, a task's rows a millisecond. The signature is there to
# tell one reading from another.
@lru_cache(maxsize=6)
def _read_once(
    root: Path, info: ExtractorInfo, signature: tuple[object, ...], contents: tuple[str, ...]
) -> _Numbers:
    found = EmbeddingStore(Store(root)).read(info, contents)
    places = {sha256: place for place, sha256 in enumerate(found.sha256s)}
    return _Numbers(places, found.outputs, found.embedding)


def _find_places(
    rows: "TaskRows", numbers: _Numbers
) -> tuple[list[str], NDArray[np.intp], dict[str, str]]:
    """Find the images that have numbers, where these are, and why the others have none."""
    table = rows.cohort.table
    columns = (table[name] for name in ("image_id", "sha256", "file_status", "file_reason"))
    files = {image_id: file for image_id, *file in zip(*columns, strict=True)}
    kept, places, missing = [], [], {}
    for image_id in rows.table["image_id"]:
        sha256, status, reason = files[image_id]
        place = numbers.places.get(sha256, -1)
        if status == "ok" and place >= 0:
            kept.append(str(image_id))
            places.append(place)
        else:
            missing[str(image_id)] = "not embedded yet" if status == "ok" else reason
    return kept, np.array(places, dtype=np.intp), missing


def _construct(
    construction: str, info: ExtractorInfo, numbers: _Numbers
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Give names and numbers of a construction's columns, for all images read."""
    if construction == "intermediate":
        return tuple(f"feature {i}" for i in range(1, info.n_features + 1)), numbers.embedding
    names = _PICKED.get(construction, info.output_names)
    return names, numbers.outputs[:, [info.output_names.index(name) for name in names]]


def _describe_origin(info: ExtractorInfo) -> tuple[str, ...]:
    weights = f"SHA-256 {info.weights_sha256}" if info.weights_sha256 else "none"
    return (
        f"Extractor: {info.title} ({info.name}).",
        f"Weights: {weights}.",
        f"Preprocessing: {info.preprocessing}. Outputs are taken before any sigmoid.",
    )
