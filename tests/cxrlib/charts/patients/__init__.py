"""Tests of `cxrlib.charts.patients`."""
