"""Tests of `cxrlib.charts.style`."""
