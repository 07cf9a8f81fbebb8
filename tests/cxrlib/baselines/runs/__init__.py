"""Tests of `cxrlib.baselines.runs`."""
