"""What a slice starts and whom it asks: commands, interpreters and servers, at their places in it.

A manifest is a file of others. Whoever redoes its job starts what its slice names, and so asks before whether the config names the same.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from heirloom.errors import short

_STARTED = ("command", "python", "url")
"""Keys of `specs.programs.Program` and `specs.endpoint.Endpoint` whose values are started or asked."""
_HANDED_OVER = "settings"
"""What a program is handed as a file: whatever its keys are called, nobody starts it."""


def undeclared(recorded: Mapping[str, Any], planned: Mapping[str, Any]) -> str:
    """Return in words the first program or server that a recorded slice names and the config's slice of the job does not have in its place.

    Parameters
    ----------
    planned
        The slice of the config's job; empty where the config has no such job.

    Returns
    -------
    an empty string if the config names all of them
    """
    declared = dict(_named(json.loads(json.dumps(planned))))
    for place, value in _named(recorded):
        if declared.get(place) != value:
            words = shlex.join(map(str, value)) if isinstance(value, list) else str(value)
            return f"the {place[-1]} {short(words, 100)}"
    return ""


def _named(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield place → value of what a part of a slice names."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in _STARTED and inner:
                yield (*place, key), inner
            elif key != _HANDED_OVER:
                yield from _named(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _named(inner, (*place, str(number)))
