"""Feature sets: what a model is given of each image."""
