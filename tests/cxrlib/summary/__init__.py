"""Tests of `cxrlib.summary`."""
