"""Tests of `cxrlib.jobs.job_queue`."""
