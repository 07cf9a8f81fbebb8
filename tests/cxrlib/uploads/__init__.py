"""Tests of `cxrlib.uploads.placement`."""
