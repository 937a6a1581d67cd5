"""How large a model is: parameters, and what its memory depends on beside them."""

from __future__ import annotations

from dataclasses import dataclass

from heirloom.config import Experiment
from heirloom.specs.causal_lm import CausalLM
from heirloom.specs.gmm import Gmm
from heirloom.specs.ngram import Ngram
from heirloom.specs.source import TextSource
from heirloom.specs.transformer import Transformer
from heirloom.specs.vae import Vae

_IMAGE_PIXELS = 784


@dataclass(frozen=True)
class ModelSize:
    """The sizes of a model that work and memory follow from.

    Parameters
    ----------
    parameters
        Numbers that are trained, all replicas together.
    layers, width
        Blocks and numbers a token in the residual stream (text); 0 elsewhere.
    vocabulary
        Logits a token (text); 0 elsewhere.
    """

    parameters: int
    layers: int = 0
    width: int = 0
    vocabulary: int = 0


UNKNOWN = ModelSize(parameters=125_239_296, layers=12, width=768, vocabulary=50_272)
"""What a pretrained model is taken to be before anybody has seen it: OPT-125m, the publication's."""


def model_size(experiment: Experiment) -> ModelSize:
    """Return the size of an experiment's models; of families with a handful of parameters, the moments of one row."""
    match experiment.family:
        case Transformer() as family if isinstance(experiment.source, TextSource):
            return _transformer(family, experiment.source.text.vocab_size or 0)
        case CausalLM():
            return UNKNOWN
        case Ngram() as family if isinstance(experiment.source, TextSource):
            vocabulary = experiment.source.text.vocab_size or 0
            return ModelSize(family.training.order * experiment.rows * experiment.source.text.row_tokens, vocabulary=vocabulary)
        case Vae() as family:
            return ModelSize(_vae(family.training.channels, family.training.latent))
        case Gmm() as family:
            components = family.training.components
            return ModelSize(experiment.num_replicas * components * _moments(row_numbers(experiment)))
    return ModelSize(experiment.num_replicas * _moments(row_numbers(experiment)))


def row_numbers(experiment: Experiment) -> int:
    """Return the numbers of a row: tokens, pixels or dimensions."""
    if isinstance(experiment.source, TextSource):
        return experiment.source.text.row_tokens
    if isinstance(experiment.family, Vae):
        return _IMAGE_PIXELS
    return int(getattr(experiment.source, "dim", 1))


def _moments(dim: int) -> int:
    return dim * (dim + 1)


def _transformer(family: Transformer, vocabulary: int) -> ModelSize:
    """Count a Llama-architecture model with tied embeddings: V E + L (4 E² + 3 E I + 2 E) + E."""
    shape = family.training.architecture
    width, inner, layers = shape.hidden_size, shape.intermediate_size, shape.num_layers
    layer = 4 * width * width + 3 * width * inner + 2 * width
    return ModelSize(vocabulary * width + layers * layer + width, layers, width, vocabulary)


def _vae(channels: int, latent: int) -> int:
    """Count the publication's convolutional autoencoder: two convolutions of 4 × 4, two heads, and the same in reverse."""
    convolutions = 16 * channels * (1 + 2 * channels)
    flat = 2 * channels * _IMAGE_PIXELS // 16
    encoder = convolutions + 3 * channels + 2 * latent * (flat + 1)
    decoder = flat * (latent + 1) + convolutions + channels + 1
    return encoder + decoder
