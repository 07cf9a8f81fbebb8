"""Tests of `cxrlib.embedding`."""
