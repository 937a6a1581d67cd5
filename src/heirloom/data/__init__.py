"""Rows: what a dataset holds, how it lies in memory and on disk, and the Arrow types that others write."""
