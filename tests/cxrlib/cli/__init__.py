"""Tests of `cxrlib.cli`."""
