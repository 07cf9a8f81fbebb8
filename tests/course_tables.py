"""Make small tables and embeddings of courses for tests, without any file."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrlib.embedding import EmbeddingSet, lay_out_feature_space
from cxrlib.patients import PathShares, SimilarPatients, find_similar_patients, path_shares
from cxrlib.storage import ExtractorInfo

DEFAULTS = {
    "is_xray": True,
    "file_status": "ok",
    "state": "unknown",
    "state_reasons": "",
    "sex": "M",
    "finding": "Pneumonia",
    "article": None,
    "source": None,
    "sha256": None,
    "geographic_mean": None,
    "opacity_mean": None,
}
TEXTS = ("image_id", "patient_id", "person_id", "view", "article", "source", "sha256", "sex")
NUMBERS = ("offset", "geographic_mean", "opacity_mean")


def make_table(rows: Sequence[tuple], **columns: object) -> pd.DataFrame:
    """Make rows of a cohort's table.

    Parameters
    ----------
    rows : sequence of tuple
        image_id, patient_id, offset (None: not recorded), view (None likewise), and perhaps a
        dict of further cells. A person is the patient unless told.
    **columns : object
        Cells of all rows.
    """
    full = []
    for place, (image_id, patient_id, offset, view, *rest) in enumerate(rows):
        cells = {"image_id": image_id, "patient_id": patient_id, "person_id": patient_id}
        cells |= {"offset": offset, "view": view, "row": place + 2, **DEFAULTS, **columns}
        full.append(cells | (rest[0] if rest else {}))
    table = pd.DataFrame(full)
    for name in NUMBERS:
        table[name] = pd.array(table[name].to_list(), dtype="Float64")
    for name in TEXTS:
        table[name] = pd.array(table[name].to_list(), dtype="str")
    return table


def make_embeddings(
    image_ids: Sequence[str],
    outputs: np.ndarray,
    names: Sequence[str] = (),
    *,
    label: str = "Test measures",
    note: str = "",
) -> EmbeddingSet:
    """Make embeddings whose vectors are their outputs."""
    outputs = np.asarray(outputs, dtype=np.float32).reshape(len(image_ids), -1)
    names = tuple(names) or tuple(f"output {i}" for i in range(outputs.shape[1]))
    info = ExtractorInfo("test", label, "", "test-v1", outputs.shape[1], names, note)
    sha256s = tuple(f"{place:064x}" for place in range(len(image_ids)))
    return EmbeddingSet(tuple(image_ids), sha256s, outputs, outputs, info)


def find_similar(
    table: pd.DataFrame,
    embeddings: EmbeddingSet,
    patient_id: str,
    *,
    features: str = "outputs",
    **options: object,
) -> SimilarPatients:
    """Find similar patients in the space of some embeddings."""
    space = lay_out_feature_space(table, embeddings, features=features)
    return find_similar_patients(table, space, patient_id, **options)


def find_shares(
    table: pd.DataFrame, embeddings: EmbeddingSet, patient_id: str, **options: object
) -> PathShares:
    """Find the shares of a patient's neighbours in the space of some embeddings."""
    return path_shares(table, lay_out_feature_space(table, embeddings), patient_id, **options)
