"""Tests of `cxrlib.display`."""
