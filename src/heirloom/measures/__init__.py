"""Measures: pure functions from arrays, counts and texts to numbers; formula, unit and source stand in each docstring."""
