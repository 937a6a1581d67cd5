"""Documents: the unit in which real text is read, divided and cut into rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # a job has no need of the config's models
    from heirloom.specs.source import TextSource

Counts = Counter[str]
"""What a source counts while it is read."""


@dataclass(frozen=True)
class Document:
    """One article, file or row of real text.

    Parameters
    ----------
    title
        A name for people; it decides nothing.
    text
        The words, lines separated by newlines.
    split
        ``train``, ``valid`` or ``test`` where the data come already split, else None.
    group
        What its row says in the column of groups (`sources.group_values`); None where there is no such column.
    """

    title: str
    text: str
    split: str | None = None
    group: str | None = None


class Piece(NamedTuple):
    """A line or row of a source: its number from 1, its text (None for a null), and its group."""

    number: int
    text: str | None
    group: str | None = None


def split_at(lines: Iterable[str], separator: str, title: str) -> Iterator[Document]:
    """Join lines into documents, each starting at a line in which ``separator`` is found.

    Parameters
    ----------
    lines
        Text without ends of line.
    separator
        Regular expression; the matching line is the document's first and, without ``=`` and white space, its title.
    title
        Title of what precedes the first match.
    """
    starts = re.compile(separator)
    document: list[str] = []
    for line in lines:
        if starts.search(line):
            yield Document(title, "\n".join(document))
            title, document = line.strip(" =\t"), []
        document.append(line)
    yield Document(title, "\n".join(document))


def without_nulls(pieces: Iterable[Piece], counts: Counts) -> Iterator[tuple[int, str, str | None]]:
    """Yield number, text and group of each piece but the nulls, which are counted."""
    for number, text, group in pieces:
        if text is None:
            counts["null"] += 1
        else:
            yield number, text, group


def with_text(documents: Iterable[Document], spec: TextSource, counts: Counts) -> Iterator[Document]:
    """Drop short paragraphs, as ``spec.min_paragraph_words`` says, then documents without any word, unless documents are packed.

    Parameters
    ----------
    counts
        Gains the number of documents that were ``read``, and of those dropped as ``without_text``.
    """
    for document in documents:
        counts["read"] += 1
        text = _long_lines(document.text, spec.min_paragraph_words) if spec.min_paragraph_words else document.text
        if text.strip() or spec.text.packing:
            yield replace(document, text=text)
        else:
            counts["without_text"] += 1


def _long_lines(text: str, min_words: int) -> str:
    from heirloom.words import spaced_length  # regex is imported by the job that needs it

    return "\n".join(line for line in text.split("\n") if spaced_length(line) >= min_words)
