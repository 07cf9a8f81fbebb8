"""Filters, their written syntax, and the images they select."""
