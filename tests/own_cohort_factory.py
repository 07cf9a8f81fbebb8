"""Small cohorts with columns of their own: what was planted in them is known."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cxrlib.baselines.features import Features, features_from_matrix
from cxrlib.cohort import Cohort, load_cohort
from tests.cohort_factory import HEADER, draw_image, make_cohort

OWN = ("Later", "icu_los", "copy", "crp", "stage", "site", "empty", "const", "remarks")
PLACES = ("Milan, Italy", "Wuhan, China", "Lima, Peru")


def make_own_cohort(
    root: Path,
    *,
    n_images: int = 60,
    seed: int = 0,
    first: int = 0,
    has_places: bool = True,
    prefix: str = "p",
    own: Mapping[str, list[object]] | None = None,
    images: Mapping[str, np.ndarray] | None = None,
) -> Cohort:
    """Write and load a cohort whose extra columns are known.

    "Later" is yes for every second person; "icu_los" is filled in for those only, "copy" says the
    same by other words, "crp" is a number that nothing predicts, "stage" and "site" are drawn.

    Parameters
    ----------
    root : Path
    n_images : int
        Of as many persons.
    seed : int
        Of what is drawn, the pictures included.
    first : int
        Number of the first person.
    has_places : bool
        Whether locations and days are recorded.
    prefix : str
        Of patient ids.
    own : mapping, optional
        More columns, or others in the place of these.
    images : mapping, optional
        Pictures by file name in the place of drawn ones.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for i in range(n_images):
        later = i % 2 == 0
        rows.append(
            {
                "patientid": f"{prefix}{first + i:03d}",
                "location": PLACES[i % 3] if has_places else "",
                "doi": f"10.1000/{prefix}{first + i}",
                "sex": "MF"[i // 2 % 2],
                "age": 30 + i % 40,
                "Later": "yes" if later else "no",
                "icu_los": int(rng.integers(1, 20)) if later else "",
                "copy": 1 if later else 0,
                "crp": round(float(rng.normal(50, 10)), 2),
                "stage": ("mild", "moderate", "a;b=c")[rng.integers(3)],
                "site": "ABC"[rng.integers(3)],
                "empty": "NA",
                "const": "yes",
                "remarks": f"remark {i}",
                **{name: cells[i] for name, cells in (own or {}).items()},
            }
        )
    names = [name for name in dict.fromkeys((*OWN, *(own or {}))) if name not in HEADER]
    drawn = {f"image{i + 1}.png": draw_image(1000 * (seed + 1) + i) for i in range(n_images)}
    header = (*HEADER, *names)
    root = make_cohort(root, rows, images=drawn | dict(images or {}), header=header)
    return load_cohort(root)


def make_planted(cohort: Cohort, column: str, *, noise: float = 1.0, seed: int = 0) -> Features:
    """Make three columns of which the first says something of a yes/no column."""
    table = cohort.table
    matrix = np.random.default_rng(seed).normal(size=(len(table), 3))
    matrix[:, 0] = noise * matrix[:, 0] + (table[column].astype(str) == "yes").to_numpy()
    return features_from_matrix(matrix, list(table["image_id"]), ["a", "b", "c"], name="outside")
