"""A small cohort with three regions, known labels and numbers from outside, for tests of runs."""

from pathlib import Path

import numpy as np

from cxrlib.baselines.features import Features, features_from_matrix
from cxrlib.cohort import Cohort, load_cohort
from tests.cohort_factory import draw_image, make_cohort

PLACES = ("Milan, Italy", "Wuhan, China", "Lima, Peru")
A_PLACE = 16
"""Persons of each place, one image each, every second one dead."""


def make_run_cohort(root: Path, first: int = 1) -> Cohort:
    """Write and load 48 X-rays of as many persons, sixteen in each of three regions.

    Pictures are drawn from number `first` on: two cohorts of the same have no picture in common.
    """
    licences = ("CC BY-NC-SA 4.0", "", "CC BY-NC-ND")
    rows: list[dict[str, object]] = [
        {
            "patientid": f"p{i:02d}",
            "offset": 1 + i % 6,
            "survival": "YN"[i % 2],
            "view": ("PA", "AP")[i % 3 == 0],
            "sex": "MF"[i // 2 % 2],
            "age": 30 + i,
            "location": PLACES[i // A_PLACE],
            "doi": f"10.1000/{i + first - 1}",
            "url": f"https://site{i % 4}.example/{i}",
            "license": licences[i % 3],
        }
        for i in range(len(PLACES) * A_PLACE)
    ]
    rows += [{"patientid": "late", "offset": 30, "survival": "Y"}, {"patientid": "blank"}]
    images = {f"image{i}.png": draw_image(i + first - 1) for i in range(1, len(rows) + 1)}
    return load_cohort(make_cohort(root, rows, images=images))


def make_outside(cohort: Cohort, *, noise: float = 2.0, name: str = "outside") -> Features:
    """Make three columns of which the first says something of survival."""
    table = cohort.table
    random = np.random.default_rng(7).normal(size=(len(table), 3))
    random[:, 0] = noise * random[:, 0] + (table["survival"].astype(str) == "yes").to_numpy()
    return features_from_matrix(random, list(table["image_id"]), ["a", "b", "c"], name=name)
