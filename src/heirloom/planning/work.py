"""What a job has to do, from the config alone: operations, memory, bytes left on disk.

Legend: P parameters, V vocabulary, L layers, E width, N rows, W numbers a row (tokens), B rows of a batch or chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

from heirloom.config import Config
from heirloom.specs.experiment import Experiment
from heirloom.specs.model_size import ModelSize
from heirloom.specs.regime import Regime
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS

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
    """Return what a job has to do, by the function that its step names (`workflow.steps`).

    Operations are those of Kaplan et al. 2020 ("Scaling laws for neural language models", section 2.1): 6 P a token trained on, 2 P a token
    read or written; for vectors, a pass over the numbers.
    """
    return STEPS[job.step].expect(config, job)


def reading(config: Config, job: Job) -> Work:
    """Return the work of real data."""
    experiment = config.experiments[job.experiment]
    numbers = _pool_numbers(experiment)
    operations = (_PARSING if experiment.is_text else 50) * numbers
    return Work(operations, 8 * numbers, experiment.family.number_bytes * numbers)


def fetching(config: Config, job: Job) -> Work:
    """Return the work of a pretrained model."""
    parameters = config.experiments[job.experiment].model_size.parameters
    return Work(_UNPACKING * parameters, 2 * _STORED * parameters, _STORED * parameters)


def mixing(config: Config, job: Job) -> Work:
    """Return the work of a training set."""
    experiment = config.experiments[job.experiment]
    trained = _trained_numbers(config, job)
    return Work(10 * trained, experiment.family.number_bytes * trained, experiment.family.number_bytes * trained)


def training(config: Config, job: Job) -> Work:
    """Return the work of a training."""
    experiment, generation = config.experiments[job.experiment], job.generation or 0
    trained, size = _trained_numbers(config, job), experiment.model_size
    operations = _training(experiment, size, generation) * trained
    left = experiment.family.saved_models * _STORED * size.parameters if experiment.keeps_checkpoint(generation) else 0
    return Work(operations, _training_memory(experiment, size, trained), left)


def sampling(config: Config, job: Job) -> Work:
    """Return the work of a synthetic set."""
    experiment = config.experiments[job.experiment]
    if not experiment.is_text:
        return selecting(config, job)
    sampled, size = _sampled_numbers(config, job), experiment.model_size
    prompted = 2 * sampled
    settings = experiment.family.sampling
    again = _STORED * size.parameters * settings.borrows_engine  # stacked anew
    memory = _decoding_memory(experiment, size, settings.num_beams) + again
    return Work(2 * _reach(size) * prompted * settings.num_beams, memory, experiment.family.number_bytes * sampled)


def selecting(config: Config, job: Job) -> Work:
    """Return the work of a pass over a synthetic set."""
    on_disk = config.experiments[job.experiment].family.number_bytes * _sampled_numbers(config, job)
    return Work(50 * _sampled_numbers(config, job), _COPIES * on_disk, on_disk)


def evaluating(config: Config, job: Job) -> Work:
    """Return the work of a generation's measures."""
    experiment = config.experiments[job.experiment]
    if experiment.is_text:
        read, size = _numbers(experiment, experiment.evaluation_rows + experiment.rows), experiment.model_size
        return Work(2 * _reach(size) * read, _decoding_memory(experiment, size), 0)
    trained = _trained_numbers(config, job)
    return Work(50 * trained, _COPIES * experiment.family.number_bytes * trained, 0)


def chaining(config: Config, job: Job) -> Work:
    """Return the work of a whole lineage."""
    experiment, regime = config.experiments[job.experiment], config.regimes[job.regime]
    trained = [_numbers(experiment, trained_rows(experiment, regime, g)) for g in range(1, experiment.generations + 1)]
    pool, original = _pool_numbers(experiment), _numbers(experiment, trained_rows(experiment, None, 0))
    drawn = pool * bool(regime.pool or regime.fresh) + original * (regime.original is not None and regime.original.draw == "redrawn")
    real = pool if experiment.has_rows else drawn or original * (regime.original is not None)
    operations = experiment.generations * (_A_GENERATION + _DRAWING * drawn)
    held = _POOL_MEMORY * real
    if experiment.has_rows:
        made = _numbers(experiment, experiment.rows)
        operations += _training(experiment, experiment.model_size, 1) * sum(trained) + _A_ROW * made * experiment.generations
        held += _HELD_MEMORY * (trained[-1] + made * (experiment.generations if regime.synthetic == "all" else 1))
    return Work(operations, held, 2 * experiment.family.number_bytes * sum(trained[g - 1] for g in experiment.snapshots if g))


def trained_rows(experiment: Experiment, regime: Regime | None, generation: int) -> int:
    """Return how many rows a generation is trained on, a replica; the origin has no regime."""
    if regime is None or generation == 0:
        return experiment.original_rows or ASSUMED_POOL_ROWS
    return regime.trained_rows(experiment.rows, generation)


def _trained_numbers(config: Config, job: Job) -> int:
    """Return how many numbers a job's training set has."""
    experiment = config.experiments[job.experiment]
    return _numbers(experiment, trained_rows(experiment, config.regimes.get(job.regime), job.generation or 0))


def _sampled_numbers(config: Config, job: Job) -> int:
    """Return how many numbers a job's synthetic set has."""
    experiment = config.experiments[job.experiment]
    return _numbers(experiment, config.regimes[job.regime].sampled_rows(experiment.rows, job.generation or 0))


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
