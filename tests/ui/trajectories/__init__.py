"""Tests of `ui.trajectories`."""
