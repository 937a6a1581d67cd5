"""What a family says of itself, once: the class of its part of the config holds it, and everything else asks the class.

A class variable is a fact of the kind of model, the same in every config. A property or a method is an answer that the
settings give. The defaults hold for a family of vectors with one small model per replica; a family overrides what
is different about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from heirloom.specs.base import Sampling, Strict
from heirloom.specs.model_size import ModelSize, moments
from heirloom.specs.pretrained import Pretrained

if TYPE_CHECKING:
    from heirloom.specs.programs import Environment, Program
    from heirloom.specs.source import AnySource

Ability = Literal[
    "weigh",
    "select",
    "edit",
    "edit_pairs",
    "repair",
    "resume",
    "validate",
    "fetch",
    "statistics",
    "subset",
    "closed_forms",
    "share",
    "features",
    "gpu",
    "pairs",
    "programs",
    "lineage",
]
"""What a family can do beyond the four steps.

For a regime: `weigh` rows by their kind, `select` rows by a judge, `edit` text, and completions with `edit_pairs`, `repair` a
model after its training.
In a training: `resume` one that was killed, `validate` its states by real rows that it is not trained on, `fetch` a
pretrained model to begin from.
Without rows (``path: statistics``): draw a generation's `statistics`; tell those of a `subset`, which `budget: drawn` needs.
On a page: `closed_forms` beside what was simulated.
On a machine: `share` a step among several processes, make `features` of a text (which MAUVE compares), live on a `gpu`.
Of text: read and write `pairs` of a prompt and a completion, beside blocks.
By `programs` of the user's: train and sample; by one of them for a whole `lineage`.
Those with functions of their own are listed in `families.abilities.PROTOCOLS`.
"""


class FamilySpec(Strict):
    """The part of a config that chooses a family: its name, and one section for each step."""

    sources: ClassVar[tuple[str, ...]]
    """Names of the sources whose rows it can be trained on and measured against."""
    abilities: ClassVar[frozenset[Ability]] = frozenset()
    is_text: ClassVar[bool] = False
    """Whether rows are tokens rather than vectors."""
    needs_pairs: ClassVar[bool] = False
    """Whether rows must be a prompt and its completion."""
    is_single: ClassVar[bool] = False
    """Whether a lineage has one model: then its replicas are seeds."""
    is_density: ClassVar[bool] = False
    """Whether a model is a density with a mean and a covariance, whose total variance stands in a figure."""
    is_images: ClassVar[bool] = False
    """Whether rows are pixels of an image, and a model encodes them."""
    has_components: ClassVar[bool] = False
    """Whether a model is a mixture, whose components are drawn and compared."""
    relabels: ClassVar[bool] = False
    """Whether a synthetic row is a new label of a row that the origin was trained on, so that there must be as many."""
    learns_in_steps: ClassVar[bool] = False
    """Whether a fit goes on from weights, so that two models can be averaged only if they began from the same."""
    needs_torch: ClassVar[bool] = False
    """Whether a process with a model imports torch, which takes time and memory."""
    unit: ClassVar[Literal["words", "types"] | None] = None
    """What rows are made of that can die out, if anything."""
    library: ClassVar[str] = "heirloom"
    """The library that opens a checkpoint."""
    headlines: ClassVar[tuple[str, ...]] = ()
    """Measures that stand for it in the figure `beside_theory`; without any it has none."""
    absorbs_by_rounding: ClassVar[bool] = False
    """Whether a chain that is `absorbed` has shrunk to what its floating-point type holds of a point, which no closed form does."""
    number_bytes: ClassVar[float] = 8.0
    """Bytes on disk of one number of a row."""
    number_operations: ClassVar[float] = 50.0
    """Operations of one pass of a fit over one number of a row; a text family's follow from its size."""

    @property
    def has_rows(self) -> bool:
        """Whether synthetic rows are drawn, and not only their sufficient statistics."""
        return True

    @property
    def has_whole_weights(self) -> bool:
        """Whether a checkpoint holds all that its model is made of."""
        return True

    @property
    def validates(self) -> bool:
        """Whether real rows that it is not trained on choose among the states of a training."""
        return False

    @property
    def pretrained(self) -> Pretrained | None:
        """The pretrained model that generations begin from, if they do."""
        return None

    def sampling_of(self, source: AnySource) -> Sampling:
        """Return the settings by which rows like a source's are written."""
        settings: Sampling = self.sampling  # type: ignore[attr-defined]
        return settings

    @property
    def measurement(self) -> Strict | None:
        """What the family has to be told for a measurement, if anything."""
        return None

    @property
    def has_own_measure(self) -> bool:
        """Whether a program of the user's measures each generation."""
        return False

    @property
    def command_seconds(self) -> float | None:
        """Seconds after which a command of the user's is ended; None for no limit, or no command."""
        return None

    @property
    def lineage_program(self) -> Program | None:
        """The program of the user's that trains and samples a whole lineage of ``granularity: chain``, if one does."""
        return None

    @property
    def job_environment(self) -> Environment | None:
        """What jobs with commands of the user's run in, where it is not what Heirloom runs in."""
        return None

    @property
    def fewest_rows(self) -> int:
        """Rows that a fit needs."""
        return 1

    def fewest_drawn(self, dim: int) -> int:
        """Return how many rows the statistics that are drawn must stand for, with ``path: statistics`` in D dimensions."""
        return 1

    @property
    def divisor(self) -> Literal["n", "n-1"] | None:
        """Divisor of a covariance that is fitted to n rows; None where a fit has no such divisor."""
        return None

    @property
    def is_rounded(self) -> bool:
        """Whether its arithmetic is rounded on purpose, so that closed forms are not met."""
        return False

    @property
    def batch_rows(self) -> int:
        """Rows in one forward pass of a training by gradients; 0 where there is none."""
        return 0

    @property
    def saved_models(self) -> int:
        """Models that one checkpoint holds, at most."""
        return 1

    @property
    def is_opened_by_others(self) -> bool:
        """Whether `transformers` opens a checkpoint, once adapters that were saved alone are merged into what they adapt."""
        return False

    def passes(self, generation: int) -> int:
        """Return how often the fit of a generation goes over its rows."""
        return 1

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of one replica's model: here a mean and a covariance.

        Parameters
        ----------
        rows
            Rows of a generation.
        row_numbers
            Numbers of a row: dimensions, pixels or tokens.
        vocabulary
            Tokens in the vocabulary (text); 0 elsewhere.
        """
        return ModelSize(moments(row_numbers))


class DensityFamily(FamilySpec):
    """A density over vectors, compared with the source's own law."""

    sources = ("normal", "mixture")
    is_density = True


class TextFamily(FamilySpec):
    """A language model: rows are tokens, and a lineage has one model."""

    sources = ("wikipedia", "files", "hub")
    is_text = True
    is_single = True
    unit = "words"
    number_bytes = 3.5
