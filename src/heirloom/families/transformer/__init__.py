"""A small Llama-architecture language model trained from scratch, on tensors of our own and checkpoints of Hugging Face's.

`sample`, `train`, `evaluate`, `edit` and `log_likelihoods` are the family;
`generation`, `training` and `scoring` are the loops under them, over `model`.
"""

from heirloom.families.transformer.checkpoint import load
from heirloom.families.transformer.checkpoint import save_folder as save
from heirloom.families.transformer.edit import edit
from heirloom.families.transformer.evaluate import evaluate, log_likelihoods
from heirloom.families.transformer.sample import sample
from heirloom.families.transformer.scoring import row_losses
from heirloom.families.transformer.train import resume, train
from heirloom.specs.decoding import Decoding as Sampling
from heirloom.specs.transformer import Transformer as Spec
from heirloom.specs.transformer import TransformerFit as Fit

__all__ = ["Fit", "Sampling", "Spec", "edit", "evaluate", "load", "log_likelihoods", "resume", "row_losses", "sample", "save", "train"]
