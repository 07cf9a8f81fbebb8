"""Make cohorts of many patients in memory, for tests of lists."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlib.cohort import YES_NO_CATEGORIES, Cohort
from cxrlib.quality import Ledger
from cxrlib.quality.ledger import LEDGER_COLUMNS

ODD_IDS = (
    " a b / c d ",
    "../../etc/passwd",
    "<img src=x onerror=\"document.title='broken'\">",
    "<b>7</b> **bold** [link](http://example.org) $x$",
    "a&amp;b?patient=1#x",
    "long-" + "0123456789" * 49 + "-end",
    "مريض ١٢ (أشعة)",
    "\u202egnp.txet",
    "two\nlines\tand a tab",
    "🩻 n°5",
    "__proto__",
    "constructor",
    "'; DROP TABLE patients; --",
    "0",
    "007",
    "7",
    "n",
)
PLACES = (
    *(("Asia", "Japan"), ("Europe", "Spain"), ("Europe", "United Kingdom")),
    *(("Americas", "United States"), ("Oceania", "Australia"), ("Unknown", "Unknown")),
)
FINDINGS = (
    *("Pneumonia/Viral/COVID-19", "Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial/Klebsiella"),
    *("No Finding", "todo", "Tuberculosis"),
)
VIEWS = ("PA", "AP", "AP", "AP Supine", "L")


def make_patient_table(patient_ids: Sequence[str], *, seed: int = 0) -> pd.DataFrame:
    """Make X-ray rows of patients, one to twelve images each, with blanks as they occur."""
    rng = np.random.default_rng(seed)
    n_images = np.minimum(rng.geometric(0.5, len(patient_ids)), 12)
    owners = np.repeat(np.arange(len(patient_ids)), n_images)
    n = len(owners)

    def per_patient(values: Sequence[object]) -> np.ndarray:
        drawn = np.empty(len(patient_ids), dtype=object)
        drawn[:] = [values[i] for i in rng.integers(0, len(values), len(patient_ids))]
        return drawn[owners]

    places = per_patient(PLACES)
    answers = [YES_NO_CATEGORIES[i] for i in (0, 1, 3, 3, 3, 2)]
    ids = np.array(patient_ids, dtype=object)[owners]
    days = rng.integers(-2, 40, n).astype(float)
    days[rng.uniform(size=n) < 0.25] = np.nan
    return pd.DataFrame(
        {
            "image_id": [f"image{i}.png" for i in range(n)],
            "row": np.arange(2, n + 2),
            "patient_id": pd.Series(ids, dtype="str"),
            "person_id": pd.Series(ids, dtype="str"),
            "offset": pd.Series(days, dtype="Float64"),
            "age": pd.Series(per_patient([None, 30.0, 45.0, 62.0, 81.5]), dtype="Float64"),
            "sex": pd.Series(per_patient([None, "M", "F"]), dtype="str"),
            "finding": pd.Series(per_patient(FINDINGS), dtype="str"),
            "survival": _answers(per_patient(answers)),
            "went_icu": _answers(per_patient(answers)),
            "intubated": _answers(per_patient(answers)),
            "view": pd.Series(np.array(VIEWS, dtype=object)[rng.integers(0, 5, n)], dtype="str"),
            "is_xray": True,
            "region": pd.Series([region for region, _ in places], dtype="str"),
            "country": pd.Series([country for _, country in places], dtype="str"),
            "file_status": np.where(rng.uniform(size=n) < 0.05, "no file", "ok"),
            "geographic_mean": pd.Series([pd.NA] * n, dtype="Float64"),
        }
    )


def _answers(values: np.ndarray) -> pd.Series:
    return pd.Series(pd.Categorical(values, categories=list(YES_NO_CATEGORIES)))


def wrap_table(table: pd.DataFrame) -> Cohort:
    """Make a cohort of a table, without a folder."""
    nothing = pd.DataFrame()
    return Cohort("Made up", Path(), table, nothing, nothing, "0" * 64, True, {})


def make_ledger(table: pd.DataFrame, *, seed: int = 1) -> Ledger:
    """Make two flags an image, of random severities."""
    rng = np.random.default_rng(seed)
    rows = table.iloc[rng.integers(0, len(table), 2 * len(table))]
    severities = np.array(["error", "warning", "note"], dtype=object)
    chosen = severities[rng.choice(3, len(rows), p=[0.05, 0.35, 0.6])]
    flags = pd.DataFrame(dict.fromkeys(LEDGER_COLUMNS, ""), index=range(len(rows)))
    flags = flags.assign(
        severity=chosen,
        image_id=rows["image_id"].to_numpy(),
        patient_id=rows["patient_id"].to_numpy(),
    )
    return Ledger(flags, ())
