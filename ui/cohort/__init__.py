"""Parts of the cohort page."""
