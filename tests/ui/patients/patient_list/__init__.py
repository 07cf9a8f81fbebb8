"""Tests of `ui.patients.patient_list`."""
