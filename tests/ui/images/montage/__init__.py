"""Tests of `ui.images.montage`."""
