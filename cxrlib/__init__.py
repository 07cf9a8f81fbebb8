"""Explore chest X-ray cohorts: embeddings, maps, trajectories and baselines.

For research and teaching. Not a diagnostic device.
"""

__version__ = "0.1.0"
NOTICE = "For research and teaching. Not for diagnosis."
