"""Tests of `ui.images.viewer`."""
