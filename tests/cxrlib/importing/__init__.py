"""Tests of `cxrlib.cohort.cohort`."""
