"""Tests of `ui.images`."""
