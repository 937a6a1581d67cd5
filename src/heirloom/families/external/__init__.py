"""The family `external`: models that the user's own programs train and sample.

`programs` runs them, `handover` writes what they read and reads what they write, `check` tries whether they keep the contract.
"""

from __future__ import annotations

from heirloom.families.external.lineages import whole_lineage
from heirloom.families.external.programs import Model, evaluate, load, sample, save, train
from heirloom.specs.external import External, ExternalSampling, ExternalTraining

__all__ = ["Fit", "Model", "Sampling", "Spec", "evaluate", "load", "sample", "save", "train", "whole_lineage"]

Spec = External
Fit = ExternalTraining
Sampling = ExternalSampling
