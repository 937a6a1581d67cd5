"""A convolutional variational autoencoder for images, retrained on what it decodes: the publication's VAE experiment.

`sample`, `train` and `evaluate` are the family; `model` is the network. Rows are images of uint8 pixels; there is one model a lineage.
"""

from heirloom.families.vae.blend import blended
from heirloom.families.vae.evaluate import evaluate, log_likelihoods
from heirloom.families.vae.model import load_folder as load
from heirloom.families.vae.model import save_folder as save
from heirloom.families.vae.sample import sample
from heirloom.families.vae.train import train
from heirloom.specs.base import NoSettings as Sampling
from heirloom.specs.vae import Vae as Spec
from heirloom.specs.vae import VaeFit as Fit

__all__ = ["Fit", "Sampling", "Spec", "blended", "evaluate", "load", "log_likelihoods", "sample", "save", "train"]
