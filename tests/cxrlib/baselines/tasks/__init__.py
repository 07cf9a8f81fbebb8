"""Tests of `cxrlib.baselines.tasks`."""
