"""Charts of the trajectories page."""
