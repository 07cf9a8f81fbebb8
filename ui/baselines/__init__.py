"""Parts of the baselines page."""
