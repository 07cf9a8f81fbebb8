"""Tasks: what is predicted, from which images."""
