"""Expected times in words, no finer than an estimate can be."""

from __future__ import annotations


def words(seconds: float) -> str:
    """Return an expected time in its largest unit. rich writes times as clocks do (0:08:24), finer than an estimate can be."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"
