"""Tests of `ui.patients`."""
