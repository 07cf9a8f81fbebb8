"""Tests of `cxrlib.patients.patient_list`."""
