"""Tests of `cxrlib.quality.rules`."""
