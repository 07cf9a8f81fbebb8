"""The record of one patient as a file: a table or JSON, with flags, licences and provenance."""

import pandas as pd

from cxrlib.cohort import Cohort
from cxrlib.quality import Ledger

__all__ = ["record_csv", "record_json", "record_table"]


def record_table(cohort: Cohort, patient_id: str, ledger: Ledger) -> pd.DataFrame:
    """Tabulate all that is recorded of a patient's X-rays, a row an image."""
    raise NotImplementedError


def record_csv(cohort: Cohort, patient_id: str, ledger: Ledger) -> bytes:
    """Write a patient's record as CSV under lines that say where it is from."""
    raise NotImplementedError


def record_json(cohort: Cohort, patient_id: str, ledger: Ledger) -> bytes:
    """Write a patient's record as JSON."""
    raise NotImplementedError
