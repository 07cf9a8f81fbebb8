"""Runs: what was asked for, what came out, and the log of both."""
