"""Any causal language model of the `transformers` library, by its own tokenizer: the family that is correct for every architecture.

`sample`, `train`, `evaluate` and `log_likelihoods` are the family; `fetch` brings a pretrained model into the workflow.
"""

from heirloom.families.causal_lm.evaluate import evaluate, log_likelihoods
from heirloom.families.causal_lm.model import fetch, load, save
from heirloom.families.causal_lm.sample import sample
from heirloom.families.causal_lm.train import resume, train
from heirloom.specs.causal_lm import CausalLM as Spec
from heirloom.specs.causal_lm import CausalSampling as Sampling
from heirloom.specs.causal_lm import CausalTraining as Fit

__all__ = ["Fit", "Sampling", "Spec", "evaluate", "fetch", "load", "log_likelihoods", "resume", "sample", "save", "train"]
