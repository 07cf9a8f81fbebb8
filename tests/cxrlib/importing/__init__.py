"""Tests of `cxrlib.importing`."""
