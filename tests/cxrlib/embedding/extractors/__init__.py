"""Tests of `cxrlib.embedding.extractors`."""
