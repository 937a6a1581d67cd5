"""What a family promises, in words: a module with these functions is a family.

`train` cannot tell a real row from a synthetic one, `sample` knows no regime and no generation, and neither sees a path: what a
model is shown is decided in `mixing`, and who descends from whom is written down in `steps`.

Legend of shapes: R replicas, N rows, W numbers a row (dimensions or tokens), B rows of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.runtime.streams import Stream
from heirloom.specs.pretrained import Pretrained

if TYPE_CHECKING:  # no step depends on what families say of themselves
    from heirloom.specs.declaration import Ability, FamilySpec
    from heirloom.theory.arm import Arm


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
    """

    chunk_rows: int
    vocab_size: int = 0
    truth: Mapping[str, Any] | None = None
    generation: int = 0
    divergence_rows: int = 0


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
        self,
        model: Any,
        prompts: Iterable[NDArray[Any]] | None,
        num_rows: int,
        settings: Any,
        stream: Stream,
    ) -> Iterator[NDArray[Any]]:
        """Yield sampled values in order of row id.

        A vector family yields one array of shape (R, num_rows, W), or, if R is 1, any number of such arrays with its rows one after the
        other. A text family is given its prompts as full chunks of shape
        (B, W) and yields the continuation of each, of the same shape; what the last chunk was filled up with is dropped by the caller.
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


class Rowless(Family, Protocol):
    """A family whose fit needs a few sums over the rows only, so that a generation can be drawn without any row.

    The sums (sufficient statistics) are opaque, like models. A chain has the same law as with rows, by other draws:
    `steps.rowless`.
    """

    def summarise(self, rows: Dataset) -> Any:
        """Return the statistics of rows."""
        ...

    def draw(self, model: Any, num_rows: int, settings: Any, stream: Stream) -> Any:
        """Return the statistics that ``num_rows`` rows of `sample` would have, drawn directly."""
        ...

    def merge(self, parts: Sequence[Any]) -> Any:
        """Return the statistics of several sets of rows together."""
        ...

    def subset(self, statistics: Any, num_rows: int, stream: Stream) -> Any:
        """Return the statistics of ``num_rows`` rows chosen from a set without replacement.

        Raises
        ------
        HeirloomError
            If there are too few rows, or the statistics do not determine the law of a subset's.
        """
        ...

    def fitted(self, statistics: Any, fit: Any) -> Any:
        """Return the model that `train` would fit to rows with these statistics."""
        ...

    def measure(self, model: Any, origin: Any, measuring: Measuring) -> dict[str, float]:
        """Return the measures that need no rows."""
        ...


class Judge(Protocol):
    """What a family offers beside `Family` for regimes with `select`."""

    def log_likelihoods(self, model: Any, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
        """Return each row's log-likelihood in nats, shape (R, N); of text a row's tokens but the first."""
        ...


class Editor(Protocol):
    """What a text family offers beside `Family` for regimes with `edit`."""

    def edit(
        self, model: Any, judge: Any, rows: Iterable[NDArray[Any]], above: float, settings: Any, stream: Stream
    ) -> Iterator[NDArray[Any]]:
        """Yield chunks of rows in which tokens that the judge finds too easy are drawn anew.

        A token whose probability under ``judge``, given the tokens before it in its row, is at least ``above`` is drawn from ``model`` in
        that same context; the others stay, and so does the first, which has no context (Zhu et al. 2024, "How to Synthesize Text Data
        without Model Collapse?", ToEdit).
        """
        ...


class Resumable(Protocol):
    """What a family offers beside `Family` whose training takes long enough to be killed in the middle."""

    def resume(self, rows: Dataset, fit: Any, start: Any, stream: Stream, state: Path) -> Any:
        """Return what `train` would, byte for byte, going on from what an earlier call has left in the folder ``state``, if anything."""
        ...


class Fetched(Family, Protocol):
    """A family whose generations begin from a pretrained model."""

    def fetch(self, spec: Pretrained) -> Any:
        """Return the pretrained model that is meant."""
        ...


class Validated(Family, Protocol):
    """A family that can choose among the states of one training by real rows that it is not trained on."""

    def train(self, rows: Dataset, fit: Any, start: Any, stream: Stream, validation: Dataset | None = None) -> Any:
        """Return the model fitted to ``rows``; ``validation`` decides which of its states is kept."""
        ...


class ClosedForms(Protocol):
    """What a vector family offers beside `Family` whose measures have expectations that are known."""

    def expected_curves(self, family: Any, source: Any, arm: Arm) -> dict[str, NDArray[np.float64]]:
        """Return measure → its expectation over replicas, entry g for model g, shape (arm.num_fits,); {} where nobody has derived it.

        Parameters
        ----------
        family, source
            The family's own part of the config, and the source of real rows, one of `Spec.sources`.
        arm
            What generations are trained on; the origin is fitted to as many rows as they are.
        """
        ...


PROTOCOLS: Mapping[Ability, type] = {
    "statistics": Rowless,
    "select": Judge,
    "edit": Editor,
    "resume": Resumable,
    "fetch": Fetched,
    "validate": Validated,
    "closed_forms": ClosedForms,
}
"""Ability → the functions that a family with it has, and no other family; the abilities that are not here need none of their own."""
