"""Tests of `cxrlib.storage`."""
