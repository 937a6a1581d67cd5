"""Rows that a server writes: the server, its requests, the probe before the first row, and completions."""
