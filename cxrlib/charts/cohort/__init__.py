"""Charts of the cohort page."""
