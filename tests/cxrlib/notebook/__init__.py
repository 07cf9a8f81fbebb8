"""Tests of the library as notebooks use it."""
