"""Tests of the library; the folders mirror those of `cxrlib`."""
