"""What a family may offer beside `base.Family`: the functions of each ability that it declares.

Legend of shapes: R replicas, N rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Answered, Limit, Prompts
from heirloom.families.base import Family, Measuring
from heirloom.runtime.streams import Stream
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.programs import Program

if TYPE_CHECKING:  # no step depends on what families say of themselves
    from heirloom.specs.declaration import Ability
    from heirloom.theory.arm import Arm


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


class PairEditor(Protocol):
    """What a text family that completes prompts offers beside `Editor`, so that pairs, too, can be edited."""

    def edit_completions(
        self, model: Any, judge: Any, chunks: Iterable[Answered], limit: Limit, above: float, settings: Any, stream: Stream
    ) -> Iterator[NDArray[np.int32]]:
        """Yield the completions of each chunk, shape (B, C), in which tokens that the judge finds too easy are drawn anew, as in `Editor`.

        The first token is one of them: its context is the prompt. An end token stays, and where one is drawn, the token that was there
        stays: a completion keeps its length. Random numbers are keyed by the rows' ids and the place in the completion.
        """
        ...


class Repairable(Protocol):
    """What a family offers beside `Family` for regimes with `repair`."""

    def blended(self, model: Any, base: Any, base_share: float) -> Any:
        """Return the model b base + (1 - b) model, coordinate by coordinate; b = ``base_share`` may be below 0 or above 1."""
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


class Completer(Family, Protocol):
    """A text family that can be trained on pairs of a prompt and its completion, and completes prompts.

    Its `train` and `evaluate` are given pairs (`data.pairs.are_in`) where the source's rows are pairs: what is learnt is the completion,
    its end token included, given the prompt. Padding is `data.ragged.PADDING`, never a token. Of blocks, its `sample` writes as many tokens
    as `specs.base.TextSampling` says, whatever the prompts have.

    Legend of shapes: B rows of a chunk, P tokens of the longest prompt, C tokens of the longest completion.
    """

    def complete(self, model: Any, prompts: Iterable[Prompts], limit: Limit, settings: Any, stream: Stream) -> Iterator[NDArray[np.int32]]:
        """Yield the completions of each chunk of prompts, shape (B, C), C ≤ ``limit.tokens``: padding behind the end token.

        A completion that has stopped ends with one of ``limit.stops``. Random numbers are keyed by the rows' ids and the place in the
        completion: which other rows are in a chunk changes none of them.
        """
        ...

    def completion_losses(self, model: Any, prompts_BP: NDArray[Any], completions_BC: NDArray[Any]) -> NDArray[np.float64]:
        """Return -log p(token | prompt, completion before it) in nats for each token of completions, 0 for padding; shape (B, C).

        Parameters
        ----------
        prompts_BP, completions_BC
            Token ids, padding before each prompt and behind each completion.
        """
        ...


class Looping(Protocol):
    """What a family offers beside `Family` of which one program of the user's may make a whole lineage."""

    def whole_lineage(self, lineage: Program) -> AbstractContextManager[None]:
        """Let one program train and sample all that `train` and `sample` are called for inside the block."""
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
    "edit_pairs": PairEditor,
    "repair": Repairable,
    "resume": Resumable,
    "fetch": Fetched,
    "validate": Validated,
    "pairs": Completer,
    "closed_forms": ClosedForms,
    "lineage": Looping,
}
"""Ability → the functions that a family with it has, and no other family; the abilities that are not here need none of their own."""
