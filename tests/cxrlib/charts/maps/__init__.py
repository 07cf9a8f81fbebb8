"""Tests of `cxrlib.charts.maps`."""
