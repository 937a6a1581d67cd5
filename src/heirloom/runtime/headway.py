"""How far some work has come: a loop tells it to whoever listens, and knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")

Listener = Callable[[int, int], None]
"""Is told how many items are done, and of how many."""

_listeners: list[Listener] = []


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Let somebody listen to the loops of a block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def laps(items: Collection[_Item]) -> Generator[_Item]:
    """Yield some items, and tell the one who listens how many are done; with nobody there they are just the items."""
    listener = _listeners[-1] if _listeners else None
    for done, item in enumerate(items):
        if listener:
            listener(done, len(items))
        yield item
    if listener:
        listener(len(items), len(items))
