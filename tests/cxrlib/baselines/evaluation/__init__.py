"""Tests of `cxrlib.baselines.evaluation`."""
