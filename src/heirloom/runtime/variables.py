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
    return number(name, default, "seconds")


def number(name: str, default: float, unit: str) -> float:
    """Return the number in an environment variable, or the default where it is not set.

    Raises
    ------
    HeirloomError
        If it holds no number from 0.
    """
    text = os.environ.get(name, "")
    try:
        value = float(text or default)
    except ValueError:
        value = float("nan")
    if not value >= 0:  # as of nan
        raise HeirloomError(f"the environment variable {name} is a number of {unit} from 0, not {short(text)!r}")
    return value
