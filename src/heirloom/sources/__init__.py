"""Where real data comes from: one module a source, loaded when it is asked for.

Every source has ``preflight(spec)`` and ``input_files(spec)``; one of text has ``documents(spec)`` and
``text_bytes(spec)``, one of vectors ``draw``, ``draw_test`` (arrays of shape (R, N, W)) and ``law`` (the truth, as JSON).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from heirloom.errors import HeirloomError
from heirloom.sources import splits
from heirloom.sources.text import Document
from heirloom.specs.source import AnyTextSource, Source
from heirloom.specs.vector_source import VectorSource
from heirloom.streams import Stream

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
}

_AMPLE_BYTES = 100  # English fills one entry of a vocabulary for each 80 bytes or so (3 MB give 38,000)


def module(name: str) -> ModuleType:
    """Return the module of a source."""
    return importlib.import_module(SOURCES[name])


def documents(spec: AnyTextSource) -> Iterator[Document]:
    """Yield the documents of a text source, one at a time.

    Raises
    ------
    HeirloomError
        If the source cannot be read or holds no text at all.
    """
    number = 0
    for number, document in enumerate(module(spec.name).documents(spec), 1):  # noqa: B007  counted for the check below
        yield document
    if number == 0:
        raise HeirloomError(f"source: {spec.name} holds no text")


def preflight(spec: Source) -> None:
    """Check what can be checked cheaply before any job starts, writing nothing.

    Text so short that it might not fill the vocabulary is read, divided and tokenized to see whether it does.

    Raises
    ------
    HeirloomError
        With the file or key that is wrong.
    """
    source = module(spec.name)
    source.preflight(spec)
    if isinstance(spec, VectorSource) or spec.text.vocab_size is None:
        return
    known_bytes = source.text_bytes(spec)
    if known_bytes is not None and known_bytes < _AMPLE_BYTES * spec.text.vocab_size:
        _check_small(spec, spec.text.vocab_size)


def input_files(spec: Source) -> list[Path]:
    """Return the user's files that a source reads, so that a changed file is noticed; none for a package or the hub."""
    files: list[Path] = module(spec.name).input_files(spec)
    return files


def _check_small(spec: AnyTextSource, size: int) -> None:
    from heirloom import tokenization

    read = list(documents(spec))
    splits.assign([document.split for document in read], spec.text.split, Stream(("preflight",)))
    texts = [document.text for document in read if document.split in (None, "train")]
    next(tokenization.encode_rows(texts, tokenization.fit(texts, size), spec.text.row_tokens))
