"""Where real data comes from: one module a source, loaded when it is asked for.

Every source has ``preflight(spec)`` and ``source_files(spec)``, and one that reads files ``is_here(spec)``, whether they are on this
machine; one of text has ``documents(spec, counts)`` and ``text_bytes(spec)``, one of vectors ``draw``, ``draw_test`` (arrays of shape
(R, N, W), of tables the table) and ``law`` (the truth, as JSON); one that may lie on a hub has ``fetch(spec)``.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.sources import input_files, splits
from heirloom.sources.hub_repository import moved_revisions as moved_revisions
from heirloom.sources.input_files import Change as Change
from heirloom.sources.input_files import SourceFile
from heirloom.sources.input_files import changed_files as changed_files
from heirloom.sources.text import Counts, Document
from heirloom.sources.withdrawn import without
from heirloom.specs.vector_source import VectorSource

if TYPE_CHECKING:  # a job has no need of the config's models
    from heirloom.specs.source import AnyTextSource, Source

SOURCES = {
    "wikipedia": "heirloom.sources.wikipedia",
    "files": "heirloom.sources.files",
    "hub": "heirloom.sources.hub",
    "normal": "heirloom.sources.normal",
    "mixture": "heirloom.sources.mixture",
    "categorical": "heirloom.sources.categorical",
    "bernoulli": "heirloom.sources.bernoulli",
    "poisson": "heirloom.sources.poisson",
    "linear": "heirloom.sources.linear",
    "mnist": "heirloom.sources.mnist",
    "table": "heirloom.sources.table",
}

PAIRS = "heirloom.sources.pairs"
"""Reads prompts and completions, whichever source they are in."""

_DRAWN = frozenset({"normal", "mixture", "bernoulli", "poisson", "linear"})
_ON_HUB = frozenset({"hub", "mnist"})
_OF_FILES = frozenset({"files", "hub", "table", "mnist", "categorical"})
SMALL_BYTES = 1 << 25
"""A source of so many bytes is read through by a thorough check, in seconds."""
_AMPLE_BYTES = 100  # English fills one entry of a vocabulary for each 80 bytes or so (3 MB give 38,000)
_QUICK_BYTES = 1_000_000
"""Text that is read at every start of Snakemake: a second's work."""


def module(name: str) -> ModuleType:
    """Return the module of a source."""
    return importlib.import_module(SOURCES[name])


def documents(spec: AnyTextSource, counts: Counts | None = None) -> Iterator[Document]:
    """Yield the documents of a text source, one at a time.

    Parameters
    ----------
    counts
        Gains the numbers of documents that were read and dropped (`text.with_text`).

    Raises
    ------
    HeirloomError
        If the source cannot be read or holds no text at all.
    """
    number = 0
    tally: Counts = Counter() if counts is None else counts
    source = module(spec.name) if spec.text.pairs is None else importlib.import_module(PAIRS)
    all_documents = source.documents(spec, tally)
    left = without(all_documents, spec.withdrawn) if spec.withdrawn else all_documents
    for number, document in enumerate(left, 1):  # noqa: B007  counted for the check below
        yield document
    if number == 0:
        raise HeirloomError(f"source: {spec.name} holds no text")


def preflight(spec: Source) -> None:
    """Check what can be checked cheaply before any job starts, writing nothing.

    Text so short that it might not fill the vocabulary is read, divided and tokenized to see whether it does, if it is at most 1 MB:
    `check_vocabulary` looks at longer ones, too.

    Raises
    ------
    HeirloomError
        With the file or key that is wrong.
    """
    source = module(spec.name)
    source.preflight(spec)
    input_files.check(source_files(spec))
    if isinstance(spec, VectorSource):
        return
    if spec.group_column is not None:
        from heirloom.sources import group_values  # which a job has no need of, unless its source has columns

        for file in source_files(spec):
            group_values.check_header(file.place, spec.group_column)
    if spec.text.pairs is not None:
        importlib.import_module(PAIRS).preflight(spec)
        return
    known_bytes = source.text_bytes(spec)
    if known_bytes is not None and known_bytes <= _QUICK_BYTES:
        check_vocabulary(spec)


def check_vocabulary(spec: AnyTextSource) -> None:
    """Refuse text that does not fill its vocabulary, having read it if it might be too short.

    Raises
    ------
    HeirloomError
        With the number of entries that it fills.
    """
    if spec.text.pairs is not None or spec.text.vocab_size is None:
        return
    known_bytes = module(spec.name).text_bytes(spec)
    if known_bytes is not None and known_bytes < _AMPLE_BYTES * spec.text.vocab_size:
        _check_small(spec, spec.text.vocab_size)


def source_files(spec: Source) -> list[SourceFile]:
    """Return the files that a source reads, the user's or a package's; none where rows are drawn or come from a hub."""
    files: list[SourceFile] = module(spec.name).source_files(spec)
    return files


def check_rows(spec: Source) -> None:
    """Read a small source of files that are on this machine through, for what its job would stop at; a hub is not asked.

    Raises
    ------
    HeirloomError
        With the file, its line or row, and what is wrong.
    """
    if is_small(spec):
        module(spec.name).check_rows(spec)


def is_small(spec: Source, most_bytes: int = SMALL_BYTES) -> bool:
    """Return whether a source is of files that are on this machine, and all of them together have at most so many bytes."""
    is_local = spec.name in _OF_FILES and is_here(spec)
    return is_local and sum(file.place.stat().st_size for file in source_files(spec)) <= most_bytes


def is_here(spec: Source) -> bool:
    """Return whether a source can be read without a hub: its files, or some of them, are on this machine, or it needs none."""
    return spec.name in _DRAWN or bool(module(spec.name).is_here(spec))


def fetch(spec: Any) -> tuple[Any, list[SourceFile]]:
    """Return a source with the commit that it is read at, and the files that a hub gave; every other source as it is.

    Raises
    ------
    HeirloomError
        If the hub gives no answer, and its local cache does not have the files.
    """
    if spec.name not in _ON_HUB:
        return spec, []
    fetched: tuple[Any, list[SourceFile]] = module(spec.name).fetch(spec)
    return fetched


def _check_small(spec: AnyTextSource, size: int) -> None:
    from heirloom.data import tokenization

    corpus = list(documents(spec))
    splits.assign([document.split for document in corpus], spec.text.split, Stream(("preflight",)))
    texts = [document.text for document in corpus if document.split in (None, "train")]
    if spec.text.packing is None:
        held_out = {document.text for document in corpus if document.split in ("valid", "test")}
        texts = [text for text in texts if text not in held_out]
    tokenizer = tokenization.fit(texts, size)
    next(tokenization.encode_rows(texts, tokenizer, spec.text.row_tokens))
