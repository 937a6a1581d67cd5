"""What a job has to do, from the config alone: operations, memory, bytes left on disk.

Legend: P parameters, V vocabulary, L layers, E width, N rows, W numbers per row (tokens), B rows of a batch or chunk.
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
_ITEMS, _REQUESTS = 1_000, 4
"""Items of a task that nobody has counted yet, and requests of an item."""
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
    disk_bytes
        Bytes left on disk.
    """

    operations: float
    memory: float
    disk_bytes: float


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
    operations_per_number = _PARSING if experiment.is_text else 50
    return Work(operations_per_number * numbers, 8 * numbers, experiment.family.number_bytes * numbers)


def fetching(config: Config, job: Job) -> Work:
    """Return the work of a pretrained model."""
    parameters = config.experiments[job.experiment].model_size.parameters
    return Work(_UNPACKING * parameters, 2 * _STORED * parameters, _STORED * parameters)


def mixing(config: Config, job: Job) -> Work:
    """Return the work of a training set."""
    experiment = config.experiments[job.experiment]
    numbers = _training_numbers(config, job)
    size = experiment.family.number_bytes * numbers
    return Work(10 * numbers, size, size)


def training(config: Config, job: Job) -> Work:
    """Return the work of a training."""
    experiment, generation = config.experiments[job.experiment], job.generation or 0
    numbers, size = _training_numbers(config, job), experiment.model_size
    operations = _operations_per_number(experiment, size, generation) * numbers
    checkpoint_bytes = experiment.family.saved_models * _STORED * size.parameters
    disk_bytes = checkpoint_bytes if experiment.keeps_checkpoint(generation) else 0
    return Work(operations, _training_memory(experiment, size, numbers), disk_bytes)


def blending(config: Config, job: Job) -> Work:
    """Return the work of a model that is moved: two are read and one is written."""
    experiment = config.experiments[job.experiment]
    parameters = experiment.model_size.parameters
    disk_bytes = _STORED * parameters if experiment.keeps_checkpoint(job.generation or 0) else 0
    return Work(3 * parameters, 3 * _STORED * parameters, disk_bytes)


def sampling(config: Config, job: Job) -> Work:
    """Return the work of a synthetic set."""
    experiment = config.experiments[job.experiment]
    if experiment.text is None:
        return selecting(config, job)
    numbers, size = _synthetic_numbers(config, job), experiment.model_size
    with_prompts = _synthetic_rows(config, job) * experiment.text.mean_context
    settings = experiment.family.sampling
    operations = 2 * _parameters_per_token(size) * with_prompts * settings.num_beams
    stacked_copy = _STORED * size.parameters * settings.borrows_engine
    memory = _decoding_memory(experiment, size, settings.num_beams) + stacked_copy
    return Work(operations, memory, experiment.family.number_bytes * numbers)


def selecting(config: Config, job: Job) -> Work:
    """Return the work of a pass over a synthetic set."""
    numbers = _synthetic_numbers(config, job)
    disk_bytes = config.experiments[job.experiment].family.number_bytes * numbers
    return Work(50 * numbers, _COPIES * disk_bytes, disk_bytes)


def evaluating(config: Config, job: Job) -> Work:
    """Return the work of a generation's measures."""
    experiment = config.experiments[job.experiment]
    if experiment.is_text:
        tokens, size = _numbers(experiment, experiment.evaluation_rows + experiment.rows), experiment.model_size
        return Work(2 * _parameters_per_token(size) * tokens, _decoding_memory(experiment, size), 0)
    numbers = _training_numbers(config, job)
    return Work(50 * numbers, _COPIES * experiment.family.number_bytes * numbers, 0)


def examining(config: Config, job: Job) -> Work:
    """Return the work of an examination: each request is read once, and no longer than a row."""
    experiment = config.experiments[job.experiment]
    tasks, size = experiment.tasks, experiment.model_size
    assert tasks is not None
    requests = len(tasks.names) * (tasks.limit or _ITEMS) * _REQUESTS
    tokens = requests * experiment.source.row_numbers
    logits_bytes = _LOGITS * size.vocabulary * tasks.batch_rows * experiment.source.row_numbers
    return Work(2 * _parameters_per_token(size) * tokens, _STORED * size.parameters + logits_bytes, 0)


def chaining(config: Config, job: Job) -> Work:
    """Return the work of a whole lineage."""
    experiment, regime = config.experiments[job.experiment], config.regimes[job.regime]
    generations = experiment.generations
    training_sets = [_numbers(experiment, trained_rows(experiment, regime, g)) for g in range(1, generations + 1)]
    operations = generations * (_A_GENERATION + _DRAWING * _redrawn_numbers(experiment, regime))
    memory = _POOL_MEMORY * _real_numbers(experiment, regime)
    if experiment.has_rows:
        synthetic_set = _numbers(experiment, experiment.rows)
        num_sets = generations if regime.synthetic == "all" else 1
        operations += _operations_per_number(experiment, experiment.model_size, 1) * sum(training_sets)
        operations += _A_ROW * synthetic_set * generations
        memory += _HELD_MEMORY * (training_sets[-1] + synthetic_set * num_sets)
    snapshots = sum(training_sets[g - 1] for g in experiment.snapshots if g)
    return Work(operations, memory, 2 * experiment.family.number_bytes * snapshots)


def _redrawn_numbers(experiment: Experiment, regime: Regime) -> int:
    """Return how many real numbers a chain draws from anew in each generation."""
    numbers = 0
    if regime.redraws_pool:
        numbers += _pool_numbers(experiment)
    if regime.original is not None and regime.original.draw == "redrawn":
        numbers += _original_numbers(experiment)
    return numbers


def _real_numbers(experiment: Experiment, regime: Regime) -> int:
    """Return how many real numbers a chain holds in memory."""
    if experiment.has_rows:
        return _pool_numbers(experiment)
    originals = _original_numbers(experiment) if regime.original is not None else 0
    return _redrawn_numbers(experiment, regime) or originals


def trained_rows(experiment: Experiment, regime: Regime | None, generation: int) -> int:
    """Return how many rows a generation is trained on, per replica; the origin has no regime."""
    if regime is None or generation == 0:
        return experiment.original_rows or ASSUMED_POOL_ROWS
    return regime.trained_rows(experiment.rows, generation)


def _training_numbers(config: Config, job: Job) -> int:
    """Return how many numbers a job's training set has."""
    experiment = config.experiments[job.experiment]
    rows = trained_rows(experiment, config.regimes.get(job.regime), job.generation or 0)
    return _numbers(experiment, rows)


def _synthetic_numbers(config: Config, job: Job) -> int:
    """Return how many numbers a job's synthetic set has."""
    return _numbers(config.experiments[job.experiment], _synthetic_rows(config, job))


def _synthetic_rows(config: Config, job: Job) -> int:
    """Return how many rows a job's synthetic set has, per replica."""
    return config.regimes[job.regime].sampled_rows(config.experiments[job.experiment].rows, job.generation or 0)


def _pool_numbers(experiment: Experiment) -> int:
    return _numbers(experiment, experiment.source.pool_rows or ASSUMED_POOL_ROWS)


def _original_numbers(experiment: Experiment) -> int:
    return _numbers(experiment, trained_rows(experiment, None, 0))


def _parameters_per_token(size: ModelSize) -> int:
    """Return how many parameters a token touches."""
    return size.parameters if size.layers else _COUNTING


def _numbers(experiment: Experiment, rows: int) -> int:
    """Return how many numbers so many rows of each replica have, of pairs on average."""
    numbers_of_row = experiment.text.mean_row if experiment.text else experiment.source.row_numbers
    return round(experiment.num_replicas * rows * numbers_of_row)


def _operations_per_number(experiment: Experiment, size: ModelSize, generation: int) -> float:
    """Return the operations of training per number of the training set."""
    family = experiment.family
    if not experiment.has_rows:
        return 0.1
    operations_per_pass = 6 * _parameters_per_token(size) if experiment.is_text else family.number_operations
    return family.passes(generation) * operations_per_pass


def _training_memory(experiment: Experiment, size: ModelSize, numbers: int) -> float:
    if not experiment.is_text:
        return _TRAINED * size.parameters + _COPIES * experiment.family.number_bytes * numbers
    tokens = experiment.family.batch_rows * experiment.source.row_numbers
    bytes_per_token = _ACTIVATIONS * size.layers * size.width + _LOGITS * size.vocabulary
    return _TRAINED * size.parameters + tokens * bytes_per_token


def _decoding_memory(experiment: Experiment, size: ModelSize, beams: int = 1) -> float:
    """Weights, and for a chunk of rows keys and values of every layer, prompt and continuation, and one position's logits."""
    cache_bytes = 2 * size.layers * size.width * 2 * experiment.source.row_numbers * 4
    logits_bytes = _LOGITS * size.vocabulary
    return _STORED * size.parameters + experiment.chunk_rows * beams * (cache_bytes + logits_bytes)
