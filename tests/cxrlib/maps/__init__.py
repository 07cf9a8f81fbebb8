"""Tests of `cxrlib.maps`."""
