"""How large an experiment's models are, as the family says of one of them."""

from __future__ import annotations

from dataclasses import replace

from heirloom.config import Experiment
from heirloom.specs.model_size import ModelSize


def model_size(experiment: Experiment) -> ModelSize:
    """Return the size of an experiment's models: the parameters of all replicas together."""
    vocabulary = experiment.text.vocab_size or 0 if experiment.text else 0
    size = experiment.family.size(experiment.rows, experiment.source.row_numbers, vocabulary)
    return replace(size, parameters=experiment.num_replicas * size.parameters)
