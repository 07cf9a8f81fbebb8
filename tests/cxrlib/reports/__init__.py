"""Tests of `cxrlib.reports`."""
