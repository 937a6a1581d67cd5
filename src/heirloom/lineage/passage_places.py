"""Where the text of a passage stands in a source: every document is read, one at a time, and searched for the very characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.sources import strangers

if TYPE_CHECKING:
    from heirloom.specs.source import AnyTextSource

MOST = 100
"""A text that stands at more places is a common turn of phrase, and no passage of one writer's."""


class Place(NamedTuple):
    """Characters of a document, as they are counted when the places before it have been cut out.

    Attributes
    ----------
    document
        The document's number in its source, from 0.
    start, end
        The first character, and the one behind the last.
    """

    document: int
    start: int
    end: int

    def __str__(self) -> str:
        """Return the place in words."""
        return f"characters {self.start} to {self.end} of document {self.document}"


def search(spec: AnyTextSource, text: str, first: Place | None = None) -> list[Place]:
    """Return the places to cut out of a source, in this order, so that a text stands nowhere in it.

    A cut can bring characters together that spell the text again, so a document is searched until it is in it no more.

    Parameters
    ----------
    first
        A place of the text that is cut out before its document is searched.

    Raises
    ------
    HeirloomError
        If the text stands at more places than `MOST`, is not at the first place, or the source cannot be read.
    """
    return [Place(*place) for place in strangers.guarded(lambda: list(_places(spec, text, first)), [spec])]


def _places(spec: AnyTextSource, text: str, first: Place | None) -> Iterator[Place]:
    fetched, _ = sources.fetch(spec)
    count = 0
    for number, document in enumerate(sources.documents(fetched)):
        left = document.text
        place = first if first is not None and first.document == number else _next(number, left, text)
        while place is not None:
            count += 1
            if left[place.start : place.end] != text:
                raise HeirloomError(f"{place} are not the passage: the source has changed since the real data were made from it")
            if count > MOST:
                raise HeirloomError(f"the passage stands at more than {MOST} places of the source; delete it there")
            yield place
            left = left[: place.start] + left[place.end :]
            place = _next(number, left, text)


def _next(document: int, left: str, text: str) -> Place | None:
    start = left.find(text)
    return Place(document, start, start + len(text)) if start >= 0 else None
