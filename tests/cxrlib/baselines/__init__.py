"""Tests of `cxrlib.baselines`."""
