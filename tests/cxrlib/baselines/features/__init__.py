"""Tests of `cxrlib.baselines.features`."""
