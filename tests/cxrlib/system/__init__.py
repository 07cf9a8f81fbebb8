"""Tests of `cxrlib.system`."""
