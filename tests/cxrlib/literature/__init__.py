"""Tests of `cxrlib.literature`."""
