"""Tests of `cxrlib.selection.selection`."""
