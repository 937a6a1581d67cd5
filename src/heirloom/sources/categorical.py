"""A categorical law as real data: uniform, Zipf's, any weights, or the words of a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.sources.input_files import SourceFile
from heirloom.specs.source import FilesSource, WikipediaSource
from heirloom.specs.vector_source import CategoricalLaw, CategoricalSource, Uniform, Weights, Words, Zipf

_WIKIPEDIA = WikipediaSource(name="wikipedia")


def preflight(spec: CategoricalSource) -> None:
    """Raise HeirloomError for a text that is not there."""
    source_files(spec)


def check_rows(spec: CategoricalSource) -> None:
    """Count the words of a text; errors as for `probabilities`."""
    if isinstance(spec.law, Words):
        probabilities(spec.law)


def source_files(spec: CategoricalSource) -> list[SourceFile]:
    """Return the files whose words are counted; none for any other law."""
    if not isinstance(spec.law, Words):
        return []
    from heirloom.sources import files, wikipedia

    if spec.law.text == "wikipedia":
        return wikipedia.source_files(_WIKIPEDIA)
    return files.source_files(_files(spec.law))


def is_here(spec: CategoricalSource) -> bool:
    """Return whether the text whose words are counted is on this machine; other laws need none."""
    if not isinstance(spec.law, Words):
        return True
    from heirloom.sources import files, wikipedia

    return wikipedia.is_here(_WIKIPEDIA) if spec.law.text == "wikipedia" else files.is_here(_files(spec.law))


def law(spec: CategoricalSource) -> dict[str, Any]:
    """Return the law as it is declared: a step works the probabilities out, since thousands do not fit a command line."""
    declared: dict[str, Any] = spec.law.model_dump(mode="json")
    return declared


def probabilities(law: CategoricalLaw) -> NDArray[np.float64]:
    """Return the probability of each type, shape (V,), all above 0.

    A text's are its word counts over their sum, from the most frequent word on, equal counts in alphabetical order; what
    a word is: `measures.text.words`.

    Raises
    ------
    HeirloomError
        If a text cannot be read or has no words.
    """
    weights_V = _weights(law)
    return weights_V / weights_V.sum()


def from_json(declared: dict[str, Any]) -> NDArray[np.float64]:
    """Return the probabilities of a law as `law` gives it."""
    validated: CategoricalLaw = TypeAdapter[CategoricalLaw](CategoricalLaw).validate_python(declared)
    return probabilities(validated)


def draw(spec: CategoricalSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the pool of real training rows of every replica, shape (R, spec.rows, 1): numbers of types.

    More replicas leave the earlier ones as they are.
    """
    return _rows(spec, (num_replicas, spec.rows), stream.child("pool"))


def draw_test(spec: CategoricalSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the held-out rows of every replica, as ``draw`` does; shape (R, spec.test_rows, 1)."""
    return _rows(spec, (num_replicas, spec.test_rows), stream.child("held_out"))


def _rows(spec: CategoricalSource, shape: tuple[int, int], stream: Stream) -> NDArray[np.float64]:
    upper_V = probabilities(spec.law).cumsum()
    upper_V[-1] = 1.0  # rounding must not leave a gap above the last type
    types = upper_V.searchsorted(stream.generator().random(shape), side="right")
    return types.astype(np.float64)[..., None]


@lru_cache(maxsize=8)
def _weights(law: CategoricalLaw) -> NDArray[np.float64]:
    match law:
        case Uniform():
            return np.ones(law.types)
        case Zipf():
            return np.arange(1.0, law.types + 1) ** -law.exponent
        case Weights():
            return np.array(law.weights)
        case Words():
            counts = _counts(law)
            if not counts:
                raise HeirloomError("source.law.text: no words in it")
            by_frequency = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            return np.array([count for _, count in by_frequency], dtype=np.float64)


def _counts(law: Words) -> Counter[str]:
    from heirloom import words

    return words.count(f" {text} " for text in _texts(law))  # a document is whole: its first and last word are not cut


def _texts(law: Words) -> Iterator[str]:
    from heirloom.sources import files, wikipedia

    counts: Counter[str] = Counter()
    is_wikipedia = law.text == "wikipedia"
    documents = wikipedia.documents(_WIKIPEDIA, counts) if is_wikipedia else files.documents(_files(law), counts)
    for document in documents:
        yield document.text


def _files(law: Words) -> FilesSource:
    assert law.text != "wikipedia"
    return FilesSource(name="files", paths=law.text)
