"""Environment variables that hold a number, read so that a slip is one line."""

from __future__ import annotations

import os

from heirloom.errors import HeirloomError, short


def seconds(name: str, default: float) -> float:
    """Return the number of seconds in an environment variable, or the default where it is not set.

    Raises
    ------
    HeirloomError
        If it holds no number from 0.
    """
    text = os.environ.get(name, "")
    try:
        number = float(text or default)
    except ValueError:
        number = float("nan")
    if not number >= 0:  # as of nan
        raise HeirloomError(f"the environment variable {name} is a number of seconds from 0, not {short(text)!r}")
    return number
