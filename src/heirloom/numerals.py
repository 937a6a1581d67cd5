"""Numbers with what they count, in the singular or the plural."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with what is counted: ``1 row``, ``20 rows``; or of other words in full ``1 row differs``, ``20 rows differ``.

    Parameters
    ----------
    several
        The plural; by default the singular with an s.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def num_rows(number: int) -> str:
    """Return a number of rows."""
    return counted(number, "row")
