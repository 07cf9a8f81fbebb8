"""The list of patients: find one, sort them, go to the next."""

from ui.patients.patient_list.patient_list import (
    load_everybody,
    load_patients,
    read_asked,
    show_patient_list,
)

__all__ = ["load_everybody", "load_patients", "read_asked", "show_patient_list"]
