"""Tests of `cxrlib.synthetic`."""
