"""Too little memory, said in one line: what was being done, and which key to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from heirloom.errors import HeirloomError

_SIGNS = ("can't allocate memory", "not enough memory", "out of memory")


@contextmanager
def guard(activity: str, remedy: str) -> Iterator[None]:
    """Turn a library's failure to allocate into one clear line.

    Parameters
    ----------
    activity, remedy
        What was being done, and what to lower.

    Raises
    ------
    HeirloomError
        If memory ran out.
    """
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in str(error) for sign in _SIGNS):
            raise HeirloomError(f"out of memory while {activity}; lower {remedy}") from None
        raise
