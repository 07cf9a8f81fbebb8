"""What a visit holds: the current cohort, filters, jobs, and cached resources."""
