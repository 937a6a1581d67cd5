"""What a program of the user's has measured, checked before it is taken."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError, short

MEASURES = "family.measure.command: {measures}"
"""How messages name the file of measures."""

_MEASURE_NAME = re.compile("[a-z][a-z0-9_]{0,63}")


def read_measures(file: Path, words: str = MEASURES) -> dict[str, float]:
    """Return the measures that a program wrote.

    Parameters
    ----------
    words
        How messages name the file.

    Raises
    ------
    HeirloomError
        If there is no such file, or it is no JSON object of names and finite numbers.
    """
    if not file.is_file():
        raise HeirloomError(f"{words} was not written, though the command ended well")
    try:
        measures = json.loads(file.read_bytes())
    except ValueError as error:
        raise HeirloomError(f"{words} is no JSON: {error}") from None
    return checked_measures(measures, words)


def checked_measures(measures: Any, words: str) -> dict[str, float]:
    """Return measures that are names and finite numbers; ``words`` say in messages whose they are.

    Raises
    ------
    HeirloomError
        If they are anything else.
    """
    if not isinstance(measures, dict):
        raise HeirloomError(f"{words} is {short(repr(measures))}; it must be an object of names and numbers")
    for name, value in measures.items():
        if not _MEASURE_NAME.fullmatch(name):
            raise HeirloomError(f"{words} has the name {short(repr(name))}; allowed are a-z, 0-9 and _, a letter first")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise HeirloomError(f"{words} has {name}: {short(repr(value))}; allowed are finite numbers")
    return {name: float(value) for name, value in measures.items()}
