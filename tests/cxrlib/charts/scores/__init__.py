"""Tests of `cxrlib.charts.scores.series`."""
