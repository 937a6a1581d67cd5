"""What a family promises, in words: a module with these functions is a family.

`train` cannot tell a real row from a synthetic one, `sample` knows no regime and no generation, and neither sees a path: what a
model is shown is decided in `mixing`, and who descends from whom is written down in `steps`. `abilities` has what some families can do
beside.

Legend of shapes: R replicas, N rows, W numbers per row (dimensions or tokens), B rows of a chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.runtime.streams import Stream

if TYPE_CHECKING:  # no step depends on what families say of themselves
    from heirloom.specs.declaration import FamilySpec


@dataclass(frozen=True)
class Sets:
    """The datasets that a generation is measured on.

    Parameters
    ----------
    sample
        The generation's synthetic set; at generation 0 as many real training rows, so that every generation's figures come
        from the same sample size.
    scored
        The rows that are scored under the origin: the synthetic set; at generation 0 held-out real rows, because the origin has seen
        its own training rows and finds them too easy.
    held_out
        Real rows that no model is trained on.
    original
        The rows that the origin was trained on: the reference for what is lost.
    """

    sample: Dataset
    scored: Dataset
    held_out: Dataset
    original: Dataset


@dataclass(frozen=True)
class Measuring:
    """Settings of a measurement.

    Parameters
    ----------
    chunk_rows
        Rows scored together.
    vocab_size
        Tokens in the vocabulary (text); 0 where the model says it.
    truth
        The true law's ``mean`` (list of W) and ``covariance`` (W lists of W) (vectors).
    generation
        How often the text has been written anew (text); 0 for real text.
    divergence_rows
        Rows of generated and of real text that MAUVE compares (text); 0 leaves it out.
    settings
        The family's own settings of a measurement (`FamilySpec.measurement`), as JSON has them; None where it has none.
    completion_tokens
        Most tokens of an answer (pairs); 0 where rows are no pairs.
    decode
        Makes text of lists of token ids (pairs).
    """

    chunk_rows: int
    vocab_size: int = 0
    truth: Mapping[str, Any] | None = None
    generation: int = 0
    divergence_rows: int = 0
    settings: Mapping[str, Any] | None = None
    completion_tokens: int = 0
    decode: Callable[[Sequence[Sequence[int]]], list[str]] | None = None


class Family(Protocol):
    """A kind of model. Models are opaque: only their own family looks inside."""

    Spec: type[FamilySpec]
    """What the family says of itself, and its part of a config."""
    Fit: Any
    """The pydantic model of one generation's training settings (`specs.base.Training`)."""
    Sampling: Any
    """The pydantic model of the sampling settings (`specs.base.Sampling`)."""

    def train(self, rows: Dataset, fit: Any, start: Any, stream: Stream) -> Any:
        """Return the model fitted to ``rows``, from the weights of the model ``start`` where one is given.

        Raises
        ------
        HeirloomError
            If the rows cannot be fitted: too few, degenerate, a loss that is not finite, weights that do not change.
        """
        ...

    def sample(
        self, model: Any, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: Any, stream: Stream
    ) -> Iterator[NDArray[Any]]:
        """Yield sampled values in order of row id.

        A vector family yields one array of shape (R, num_rows, W), or, if R is 1, any number of such arrays with its rows one after the
        other. A text family is given its prompts as full chunks of shape (B, W) and yields the continuation of each, of the same shape;
        what the last chunk was filled up with is dropped by the caller.
        """
        ...

    def evaluate(self, model: Any, sets: Sets, origin: Any, measuring: Measuring, stream: Stream) -> dict[str, float]:
        """Return this generation's measures: finite numbers by name."""
        ...

    def save(self, model: Any, folder: Path) -> None:
        """Write the model as safetensors and JSON into a new folder, byte for byte the same for the same model."""
        ...

    def load(self, folder: Path) -> Any:
        """Return the model that `save` wrote."""
        ...
