"""Tests of `cxrlib.charts.cohort`."""
