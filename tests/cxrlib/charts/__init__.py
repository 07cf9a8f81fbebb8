"""Tests of `cxrlib.charts`."""
