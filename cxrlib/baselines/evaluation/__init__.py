"""Leave-one-region-out evaluation: folds, models, scores, intervals, and their checks."""
