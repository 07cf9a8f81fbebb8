"""Tests of `cxrlib.quality.ledger`."""
