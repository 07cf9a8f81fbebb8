"""The cohort in numbers: counts by group, Table One, missing data, group comparisons."""
