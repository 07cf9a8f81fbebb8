"""Tests of the dashboard's parts; the folders mirror those of `ui`."""
