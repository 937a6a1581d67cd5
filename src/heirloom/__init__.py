"""Heirloom: what each generation of models inherits from the last."""

__version__ = "0.1.0"
