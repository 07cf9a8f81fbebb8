"""An uploaded X-ray on a cohort's map: its position, and how unlike the cohort's images it is.

The map is not fitted again. The X-ray goes to the weighted mean of the places of the images that
are nearest to it in the numbers the map was made from. How far these are is set against the same
distance of the cohort's own images, each among those of other persons. Nothing about an outcome
is worked out: where an image lies says nothing about the patient it is of.
"""

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlib.aliases import Floats
from cxrlib.embedding import find_nearest, weigh_neighbours
from cxrlib.errors import CxrError
from cxrlib.number_text import FEW, format_units
from cxrlib.short_repr import short_repr
from cxrlib.storage import ExtractorInfo, hash_file

if TYPE_CHECKING:
    from cxrlib.maps import MappedCohort

ALLOW_VARIABLE = "CXR_ALLOW_UPLOADS"
"""Set to 1 by ``serve --allow-uploads``; whatever else it holds, uploads are off."""
WEIGHTS_VARIABLE = "CXR_WEIGHTS"
"""The weights file the server was started with, where it was one of the user's own."""
N_NEIGHBOURS = 15
N_REFERENCE = 1000
"""Of larger cohorts so many images, evenly spaced in the order of their hashes, are measured."""
FAR = 0.95
"""An upload is called unlike the cohort from this share of the cohort's own images on."""


@dataclass(frozen=True, eq=False)
class Upload:
    """Hold what was computed from an uploaded X-ray; neither its bytes nor its header.

    Parameters
    ----------
    kind : str
        "PNG", "JPEG" or "DICOM".
    width, height : int
        Pixels.
    embedding : ndarray of shape (n_features,), float32
    outputs : ndarray of shape (n_outputs,), float32
    info : ExtractorInfo
    picture : bytes
        A JPEG of at most 1024 pixels a side, made from the decoded pixels.
    picture_size : tuple of int
        Its width and height, pixels.
    notes : tuple of str
        What reading it took, in sentences: a window, an inversion.
    sha256 : str
        Of the uploaded bytes.
    """

    kind: str
    width: int
    height: int
    embedding: Floats
    outputs: Floats
    info: ExtractorInfo
    picture: bytes
    picture_size: tuple[int, int]
    notes: tuple[str, ...]
    sha256: str
    __repr__ = short_repr

    @property
    def picture_url(self) -> str:
        """The picture as an address that holds it."""
        return f"data:image/jpeg;base64,{base64.b64encode(self.picture).decode()}"


@dataclass(frozen=True, eq=False)
class Reference:
    """Hold the distances of a cohort's own images when each is placed as an upload is.

    Each is placed among the images of other persons: an upload's person is not in the cohort.

    Parameters
    ----------
    distances : ndarray of shape (n_images,)
        To the k-th nearest image of another person, in the numbers of the map; sorted.
    embedding_distances : ndarray of shape (n_images,)
        The same in the whole embedding: what outputs do not tell apart, it often does.
    misses : ndarray of shape (n_images,)
        From the place on the map to the one its neighbours give, map units, sorted.
    k : int
        Neighbours.
    n_pool : int
        Distinct images of the map.
    """

    distances: Floats
    embedding_distances: Floats
    misses: Floats
    k: int
    n_pool: int
    __repr__ = short_repr

    @property
    def n_images(self) -> int:
        """Count the images measured."""
        return len(self.distances)


@dataclass(frozen=True, eq=False)
class Placed:
    """Hold an upload's place on a map.

    Parameters
    ----------
    upload : Upload
    x, y : float
        Map units.
    spread : float
        Root mean square distance, on the map and weighted, of the neighbours from that place.
    neighbours : DataFrame
        A row a neighbour, nearest first: image_id, patient_id, view, source, distance (in the
        numbers of the map), weight (they sum to 1), x, y. No state and no outcome.
    distance : float
        To the last of them.
    quantile : float or None
        Share of the cohort's own images whose distance is as small or smaller; None where fewer
        than ten could be measured.
    embedding_quantile : float or None
        The same by distances in the whole embedding, to the k-th nearest in it.
    reference : Reference
    same_as : tuple of str
        Images of the map whose file is the very one uploaded.
    features : {"outputs", "embedding"}
        What distances are measured in.
    """

    upload: Upload
    x: float
    y: float
    spread: float
    neighbours: pd.DataFrame
    distance: float
    quantile: float | None
    embedding_quantile: float | None
    reference: Reference
    same_as: tuple[str, ...]
    features: str
    __repr__ = short_repr

    @property
    def is_far(self) -> bool:
        """Whether it is further off than nearly all of the cohort's own images, either way."""
        quantiles = (self.quantile, self.embedding_quantile)
        return max((each for each in quantiles if each is not None), default=0.0) >= FAR


def are_uploads_allowed() -> bool:
    """Tell whether the server was started with ``--allow-uploads``.

    Pages, the library and the server's own gate all ask here; a mode for teaching has to make it
    False.
    """
    return os.environ.get(ALLOW_VARIABLE) == "1"


def embed_upload(payload: bytes, info: ExtractorInfo, *, timeout: float = 120.0) -> Upload:
    """Compute an uploaded X-ray's numbers in a child process, by a map's extractor.

    Nothing is written to disk or to a log; the bytes are read in the child only.

    Parameters
    ----------
    payload : bytes
        A PNG, JPEG or DICOM file.
    info : ExtractorInfo
        The one behind the map.
    timeout : float, default 120
        Seconds.

    Raises
    ------
    CxrError
        If uploads are not allowed here, this one cannot be used (the message says why), or the
        extractor on this machine is another one now.
    """
    from cxrlib.jobs import TRUST_VARIABLE
    from cxrlib.uploads.isolated_process import run_piped

    if not are_uploads_allowed():
        raise CxrError(
            "This server accepts no uploads. Its operator can start it with: python -m cxrlib "
            "serve --allow-uploads."
        )
    parameters: dict[str, Any] = {"extractor": info.name}
    weights = os.environ.get(WEIGHTS_VARIABLE)
    if weights and _is_weights(Path(weights), info):
        parameters |= {"weights": weights, "trust_sha256": os.environ.get(TRUST_VARIABLE)}
    return _read_answer(run_piped("embed-upload", parameters, payload, timeout=timeout), info)


def _is_weights(path: Path, info: ExtractorInfo) -> bool:
    """Tell whether a map was made with a weights file: another cohort's may not be."""
    try:
        return hash_file(path) == info.weights_sha256
    except OSError:
        return False


def _read_answer(answer: Mapping[str, Any], info: ExtractorInfo) -> Upload:
    """Build an upload from what the child said."""
    used = ExtractorInfo.from_dict(answer["extractor"])
    if used.key != info.key:
        raise CxrError(
            f"The map was made with {info.key!r}, but this server would process an upload with "
            f"{used.key!r}: they cannot be compared. Start the server with the weights of the "
            "map, or compute the map again."
        )
    return Upload(
        kind=str(answer["kind"]),
        width=int(answer["width"]),
        height=int(answer["height"]),
        embedding=np.asarray(answer["embedding"], dtype=np.float32),
        outputs=np.asarray(list(answer["outputs"].values()), dtype=np.float32),
        info=used,
        picture=base64.b64decode(answer["picture"]),
        picture_size=(int(answer["picture_size"][0]), int(answer["picture_size"][1])),
        notes=tuple(str(note) for note in answer["notes"]),
        sha256=str(answer["sha256"]),
    )


# ---- placing


@dataclass(frozen=True, eq=False)
class _Pool:
    """Hold each distinct image of a map once, in the order of its hash.

    Parameters
    ----------
    image_ids : ndarray of str
    features : ndarray of shape (n_images, n_columns), float64
        What the map was made from.
    embedding : ndarray of shape (n_images, n_features), float32
    places : ndarray of shape (n_images, 2), float64
    persons : ndarray of shape (n_images,), int
    sha256s : ndarray of str
    """

    image_ids: NDArray[Any]
    features: Floats
    embedding: Floats
    places: Floats
    persons: NDArray[np.intp]
    sha256s: NDArray[Any]


def _pool_images(mapped: "MappedCohort") -> _Pool:
    embeddings, projection = mapped.embeddings, mapped.projection
    rows = pd.DataFrame({"image_id": embeddings.image_ids, "sha256": embeddings.sha256s})
    # Copies of an image share a place: k copies would be k neighbours.
    rows = rows.sort_values(["sha256", "image_id"]).drop_duplicates("sha256")
    kept = rows.index.to_numpy()
    table = mapped.mapped.table.set_index("image_id").loc[rows["image_id"]]
    persons = table["person_id"].fillna(table["patient_id"])
    on_map = pd.Index(projection.image_ids).get_indexer(pd.Index(rows["image_id"]))
    return _Pool(
        image_ids=rows["image_id"].to_numpy(dtype=object),
        features=np.asarray(getattr(embeddings, projection.settings.features)[kept], np.float64),
        embedding=np.asarray(embeddings.embedding[kept], np.float32),
        places=np.asarray(projection.coordinates[on_map], np.float64),
        persons=pd.factorize(persons)[0],
        sha256s=rows["sha256"].to_numpy(dtype=object),
    )


def measure_reference(
    mapped: "MappedCohort", *, k: int = N_NEIGHBOURS, most: int = N_REFERENCE
) -> Reference:
    """Place a cohort's own images as an upload is placed, each among those of other persons.

    Parameters
    ----------
    mapped : MappedCohort
    k : int, default 15
    most : int, default 1000
        Of more images so many are taken, evenly spaced in the order of their hashes.

    Returns
    -------
    Reference
        Make it once a map. Images with fewer than k others are left out.
    """
    pool = _pool_images(mapped)
    n_pool = len(pool.image_ids)
    k = min(k, max(1, n_pool - 1))
    chosen = np.unique(np.linspace(0, n_pool - 1, min(most, n_pool)).astype(int))
    groups = (pool.persons[chosen], pool.persons)
    near, nearest = find_nearest(pool.features[chosen], pool.features, k, groups=groups)
    there = np.isfinite(near[:, -1])
    places = np.einsum("nk,nkc->nc", weigh_neighbours(near[there]), pool.places[nearest[there]])
    misses = np.hypot(*(places - pool.places[chosen[there]]).T)
    whole, _ = find_nearest(pool.embedding[chosen], pool.embedding, k, groups=groups)
    distances, whole_distances, all_misses = map(
        np.sort, (near[there, -1], whole[there, -1], misses)
    )
    return Reference(distances, whole_distances, all_misses, k, n_pool)


def place_upload(
    upload: Upload, mapped: "MappedCohort", reference: Reference | None = None
) -> Placed:
    """Place an upload on a cohort's map, and measure how unlike the cohort it is.

    Its place is the mean of those of its k nearest images, weighted by 1 / distance, where
    distances are Euclidean in the numbers that the map was made from. An image with a distance of
    nought is the same to the extractor: then only such ones count.

    Parameters
    ----------
    upload : Upload
    mapped : MappedCohort
    reference : Reference, optional
        Of the same map; measured anew without it.

    Returns
    -------
    Placed
    """
    reference = measure_reference(mapped) if reference is None else reference
    features = mapped.projection.settings.features
    pool = _pool_images(mapped)
    numbers = np.asarray(getattr(upload, features), np.float64)[None, :]
    near, nearest = find_nearest(numbers, pool.features, reference.k)
    near, nearest = near[0], nearest[0]
    weights = weigh_neighbours(near[None, :])[0]
    embedding = np.asarray(upload.embedding, np.float32)[None, :]
    whole = find_nearest(embedding, pool.embedding, reference.k)[0][0]
    x, y = weights @ pool.places[nearest]
    off = ((pool.places[nearest] - [x, y]) ** 2).sum(axis=1)
    table = mapped.mapped.table.set_index("image_id")
    same = table.index[table["sha256"].eq(upload.sha256).to_numpy(bool, na_value=False)]
    return Placed(
        upload=upload,
        x=float(x),
        y=float(y),
        spread=float(np.sqrt(weights @ off)),
        neighbours=_list_neighbours(table, pool, nearest, near, weights),
        distance=float(near[-1]),
        quantile=_rank(near[-1], reference.distances),
        embedding_quantile=_rank(whole[-1], reference.embedding_distances),
        reference=reference,
        same_as=tuple(map(str, same)),
        features=features,
    )


def _rank(distance: float, distances: Floats) -> float | None:
    if len(distances) < FEW:
        return None
    return float(np.searchsorted(distances, distance, "right") / len(distances))


def _list_neighbours(
    table: pd.DataFrame, pool: _Pool, nearest: NDArray[np.intp], near: Floats, weights: Floats
) -> pd.DataFrame:
    image_ids = pool.image_ids[nearest]
    columns = table.loc[image_ids, ["patient_id", "view", "source"]].reset_index()
    return columns.assign(
        distance=near, weight=weights, x=pool.places[nearest, 0], y=pool.places[nearest, 1]
    )


# ---- words


def describe_placed(placed: Placed) -> str:
    """Describe how similar an upload is to the cohort, in plain sentences."""
    return " ".join(_describe_similarity(placed))


def _describe_similarity(placed: Placed) -> Iterator[str]:
    reference = placed.reference
    if placed.same_as:
        yield (
            f"This file is image {placed.same_as[0]!r} of this cohort, so its similarity to the "
            "others is nothing new."
        )
    if placed.quantile is None:
        yield (
            "Whether it resembles the cohort's images is not estimable: only "
            f"{format_units(reference.n_images, 'image')} of the cohort could be compared, "
            f"{FEW} are needed."
        )
        return
    yield (
        f"{'Unlike this cohort' if placed.is_far else 'Not unusual for this cohort'}: it is "
        f"{_describe_distance(placed)} of the cohort's own images."
    )
    if placed.is_far:
        yield "Its position on the map has no meaning."
    else:
        yield (
            "This does not check what the image shows: a hand, a lateral view or noise can also "
            "look usual."
        )


def _describe_distance(placed: Placed) -> str:
    """Describe than how many it is farther, by the map's features and by the whole embedding."""
    farther = f"farther from its nearest images than {_format_share(placed.quantile)}"
    if placed.features == "embedding":
        return farther
    return f"{farther} (by outputs) or {_format_share(placed.embedding_quantile)} (by embedding)"


def _format_share(quantile: float | None) -> str:
    if quantile is None or quantile in (0.0, 1.0):
        return "all" if quantile else "none"
    return f"{min(max(100 * quantile, 1), 99):.0f} %"


def list_upload_notes(placed: Placed) -> tuple[str, ...]:
    """List how an upload was read, placed and compared, in full sentences."""
    reference, upload = placed.reference, placed.upload
    numbers = "outputs" if placed.features == "outputs" else "embedding"
    notes = [
        f"{upload.kind}, {upload.width:,} x {upload.height:,} pixels.",
        *upload.notes,
        f"Position: the mean of its {len(placed.neighbours)} nearest of {reference.n_pool:,} "
        f"distinct images, weighted by 1 / distance in the {numbers} of {upload.info.title}. "
        f"These are {placed.spread:.1f} map units from that position (root mean square).",
    ]
    if reference.n_images >= FEW:
        notes.append(
            f"Distance to the last of them, by {numbers}: {placed.distance:.3g}. For "
            f"{format_units(reference.n_images, 'image')} of the map, each among images of other "
            f"persons: median {np.median(reference.distances):.3g}, 95 % under "
            f"{np.quantile(reference.distances, FAR):.3g}. Unlike means beyond 95 % of them, by "
            f"outputs or embedding. Their positions found in this way are "
            f"{np.median(reference.misses):.1f} map units off (median)."
        )
    notes.append(
        "No density, share or score is computed for it: the position of an image says nothing "
        "about its patient. For research and teaching, not for diagnosis."
    )
    return tuple(notes)
