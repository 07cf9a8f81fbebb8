"""Charts of the baselines page."""
