"""Baselines: tasks, feature sets, leave-one-region-out evaluation, and runs."""
