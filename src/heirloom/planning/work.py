"""What a job has to do, from the config alone: operations, memory, bytes left on disk.

Legend: P parameters, V vocabulary, L layers, E width, N rows, W numbers a row (tokens), B rows of a batch or chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

from heirloom.config import Config, Experiment
from heirloom.planning.jobs import Job
from heirloom.planning.models import model_size
from heirloom.specs.model_size import ModelSize
from heirloom.specs.regime import Regime

ASSUMED_POOL_ROWS = 40_000
"""Rows of a training pool nobody has counted yet: WikiText-2 has 37,000 of 64 tokens."""

_TRAINED, _STORED = 16, 4
"""Bytes a parameter in training (weights, gradient, AdamW's two moments; float32), and on disk."""
_ACTIVATIONS = 68
"""Bytes of activations a token, layer and unit of width in float32: twice the 34 of Korthikanti et al. 2022 ("Reducing activation
recomputation in large transformer models", equation 2), who count 16-bit numbers; without their attention matrix, which fused
attention does not keep."""
_LOGITS = 12
"""Bytes a logit: itself, its softmax and its gradient."""
_UNPACKING = 1_000
"""Operations a parameter of a pretrained model that is read, perhaps from a packed format, and written again."""
_COUNTING = 5_000
"""Operations a token of a text family that looks its counts up."""
_PARSING = 80_000
"""Operations a token of a text source that is parsed, tokenised and cut: 14 s for the default source."""
_A_GENERATION, _A_ROW, _DRAWING = 6e7, 5_000, 1_000
"""Operations of a generation of a chain, of each number that it samples, mixes and hashes, and of each number of the pool that it draws
from: 4 ms, 0.3 and 0.06 microseconds (docs/log.md)."""
_POOL_MEMORY, _HELD_MEMORY = 160, 40
"""Bytes of a number of the pool while a chain draws from it, and of a row that it holds (docs/log.md)."""
_COPIES = 6
"""Arrays as large as a vector dataset that a step holds at once."""


@dataclass(frozen=True)
class Work:
    """A job's work.

    Parameters
    ----------
    operations
        Floating-point operations.
    memory
        Bytes beside the interpreter and its libraries.
    written
        Bytes left on disk.
    """

    operations: float
    memory: float
    written: float


def work(config: Config, job: Job) -> Work:
    """Return what a job has to do.

    Operations are those of Kaplan et al. 2020 ("Scaling laws for neural language models", section 2.1): 6 P a token trained on, 2 P a token
    read or written; for vectors, a pass over the numbers.
    """
    experiment = config.experiments[job.experiment]
    if job.step == "real":
        return _real(experiment)
    if job.step == "pretrained":
        parameters = model_size(experiment).parameters
        return Work(_UNPACKING * parameters, 2 * _STORED * parameters, _STORED * parameters)
    regime = config.regimes.get(job.regime or "")
    if job.step == "chain":
        assert regime is not None
        return _chain(experiment, regime)
    return _step(experiment, regime, job)


def trained_rows(experiment: Experiment, regime: Regime | None, generation: int) -> int:
    """Return how many rows a generation is trained on, a replica; the origin has no regime."""
    if regime is None or generation == 0:
        return experiment.original_rows or ASSUMED_POOL_ROWS
    return regime.trained_rows(experiment.rows, generation)


def _chain(experiment: Experiment, regime: Regime) -> Work:
    trained = [_numbers(experiment, trained_rows(experiment, regime, g)) for g in range(1, experiment.generations + 1)]
    pool, original = _pool_numbers(experiment), _numbers(experiment, trained_rows(experiment, None, 0))
    drawn = pool * bool(regime.pool or regime.fresh) + original * (regime.original is not None and regime.original.draw == "redrawn")
    real = pool if experiment.has_rows else drawn or original * (regime.original is not None)
    operations = experiment.generations * (_A_GENERATION + _DRAWING * drawn)
    held = _POOL_MEMORY * real
    if experiment.has_rows:
        made = _numbers(experiment, experiment.rows)
        operations += _training(experiment, model_size(experiment), 1) * sum(trained) + _A_ROW * made * experiment.generations
        held += _HELD_MEMORY * (trained[-1] + made * (experiment.generations if regime.synthetic == "all" else 1))
    return Work(operations, held, 2 * experiment.family.number_bytes * sum(trained[g - 1] for g in experiment.snapshots if g))


def _step(experiment: Experiment, regime: Regime | None, job: Job) -> Work:
    generation = job.generation or 0
    trained = _numbers(experiment, trained_rows(experiment, regime, generation))
    sampled = _numbers(experiment, regime.sampled_rows(experiment.rows, generation)) if regime else 0
    size, on_disk = model_size(experiment), experiment.family.number_bytes
    match job.step:
        case "mix":
            return Work(10 * trained, on_disk * trained, on_disk * trained)
        case "train":
            operations = _training(experiment, size, generation) * trained
            left = experiment.family.saved_models * _STORED * size.parameters if experiment.keeps_checkpoint(generation) else 0
            return Work(operations, _training_memory(experiment, size, trained), left)
        case "sample" if experiment.is_text:
            prompted = 2 * sampled
            sampling = experiment.family.sampling
            again = _STORED * size.parameters * sampling.borrows_engine  # stacked anew
            memory = _decoding_memory(experiment, size, sampling.num_beams) + again
            return Work(2 * _reach(size) * prompted * sampling.num_beams, memory, on_disk * sampled)
        case "evaluate" if experiment.is_text:
            read = _numbers(experiment, experiment.evaluation_rows + experiment.rows)
            return Work(2 * _reach(size) * read, _decoding_memory(experiment, size), 0)
        case "evaluate":
            return Work(50 * trained, _COPIES * on_disk * trained, 0)
    return Work(50 * sampled, _COPIES * on_disk * sampled, on_disk * sampled)


def _real(experiment: Experiment) -> Work:
    numbers = _pool_numbers(experiment)
    operations = (_PARSING if experiment.is_text else 50) * numbers
    return Work(operations, 8 * numbers, experiment.family.number_bytes * numbers)


def _pool_numbers(experiment: Experiment) -> int:
    return _numbers(experiment, experiment.source.pool_rows or ASSUMED_POOL_ROWS)


def _reach(size: ModelSize) -> int:
    """Return how many parameters a token touches."""
    return size.parameters if size.layers else _COUNTING


def _numbers(experiment: Experiment, rows: int) -> int:
    return experiment.num_replicas * rows * experiment.source.row_numbers


def _training(experiment: Experiment, size: ModelSize, generation: int) -> float:
    """Return the operations of training a number of the training set."""
    family = experiment.family
    if not experiment.has_rows:
        return 0.1
    return family.passes(generation) * (6 * _reach(size) if experiment.is_text else family.number_operations)


def _training_memory(experiment: Experiment, size: ModelSize, numbers: int) -> float:
    if not experiment.is_text:
        return _TRAINED * size.parameters + _COPIES * experiment.family.number_bytes * numbers
    tokens = experiment.family.batch_rows * experiment.source.row_numbers
    return _TRAINED * size.parameters + tokens * (_ACTIVATIONS * size.layers * size.width + _LOGITS * size.vocabulary)


def _decoding_memory(experiment: Experiment, size: ModelSize, beams: int = 1) -> float:
    """Weights, and for a chunk of rows keys and values of every layer, prompt and continuation, and one position's logits."""
    cached = 2 * size.layers * size.width * 2 * experiment.source.row_numbers * 4
    return _STORED * size.parameters + experiment.chunk_rows * beams * (cached + _LOGITS * size.vocabulary)
