"""Lineage: what was made, from what, by which jobs, and how all of it is kept and brought back.

A *lineage folder* is what DVC tracks as one: ``data/<experiment>/<regime>/seed=<n>`` or ``data/<experiment>/real``. A *unit* is a folder
that is recorded whole or not at all: a generation, a lineage's own top level, or an experiment's real data.
"""
