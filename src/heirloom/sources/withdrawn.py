"""Withdrawn passages: text that a source still has and that nothing is made from any more.

A passage is cut out of its document as soon as this is read, before documents are divided, a tokenizer is fitted and rows are cut. So what
follows is made as from a source in which the passage never stood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from heirloom.errors import HeirloomError
from heirloom.sources.text import Document
from heirloom.specs.withdrawn import Withdrawn


def without(documents: Iterable[Document], passages: Sequence[Withdrawn]) -> Iterator[Document]:
    """Yield documents without the withdrawn passages, which are cut out in turn: each is told as the ones before it left the document.

    Raises
    ------
    HeirloomError
        If a document does not have a passage: the source has changed since the withdrawal.
    """
    remaining = {passage.document for passage in passages}
    for number, document in enumerate(documents):
        text = document.text
        for passage in passages:
            if passage.document == number:
                text = _cut(text, passage)
        remaining.discard(number)
        yield document if text is document.text else replace(document, text=text)
    if remaining:
        raise HeirloomError(f"source.withdrawn: there is no document {min(remaining)} in the source; it has changed since the withdrawal")


def sha256_of(passage: str) -> str:
    """Return the hash that a withdrawal names its passage by."""
    return hashlib.sha256(passage.encode("utf-8", "surrogatepass")).hexdigest()


def _cut(text: str, passage: Withdrawn) -> str:
    if sha256_of(text[passage.start : passage.end]) != passage.sha256:
        place = f"characters {passage.start} to {passage.end} of document {passage.document}"
        raise HeirloomError(f"source.withdrawn: {place} are not the withdrawn passage; the source has changed since the withdrawal")
    return text[: passage.start] + text[passage.end :]
