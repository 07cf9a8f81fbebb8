"""Patients: the list, one patient's record and timeline, and similar patients."""
