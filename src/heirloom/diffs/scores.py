"""How likely rows are to a model, as it was found before: private memory in ``.heirloom/scores/``, which may be deleted at any moment.

What is remembered stands under all that its numbers follow from: the fingerprint of the checkpoint, that of the rows' tokens, the code,
and what of the machine changes rounding. A file that answers another question, or is not as it was written, is not believed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from heirloom import codehash
from heirloom.artefacts.files import dumps
from heirloom.diffs.cells import Ragged
from heirloom.environment import environment
from heirloom.families import module_name
from heirloom.runtime import device
from heirloom.sources import memory
from heirloom.stats.samples import Floats

FOLDER = Path("scores")
"""Below the folder of what Heirloom remembers."""

_LIBRARIES = ("numpy", "torch", "transformers")
"""Packages that compute a likelihood, whether this process has loaded them or not."""
_LOADED = ("kernels", "libraries")
"""What `environment` tells of the libraries that happen to be loaded."""


@dataclass(frozen=True)
class Question:
    """The question how likely some rows are to a model.

    Attributes
    ----------
    checkpoint, rows
        Fingerprints: of the model's artefact, and of the rows' lengths and tokens.
    num_rows
        How many rows there are.
    code
        Hash of the code that opens the model and scores rows.
    num_threads
        Among which a sum is divided.
    """

    family: str
    checkpoint: str
    rows: str
    num_rows: int
    code: str
    num_threads: int

    @property
    def content(self) -> dict[str, Any]:
        """The question with the machine that would answer it, as JSON holds it."""
        return {**asdict(self), "machine": _machine()}

    @property
    def name(self) -> str:
        """The name that its answer is remembered under."""
        return str(FOLDER / f"{hashlib.sha256(dumps(self.content).encode()).hexdigest()}.json")


def question(family: str, checkpoint: str, tokens: Ragged, num_threads: int) -> Question:
    """Return the question how likely some rows of tokens are to the model of a checkpoint's fingerprint."""
    rows = hashlib.sha256(tokens.lengths.astype("<i8").tobytes() + tokens.values.astype("<i8").tobytes()).hexdigest()
    return Question(family, checkpoint, rows, len(tokens.lengths), _code(family), num_threads)


def recalled(asked: Question) -> Floats | None:
    """Return the log-likelihood of each row in nats, shape (N,); None if it is not remembered, or what is there is not to be believed."""
    remembered = memory.recall(asked.name)
    values = remembered.get("log_likelihoods")
    if remembered.get("question") != asked.content or not isinstance(values, list) or len(values) != asked.num_rows:
        return None
    are_numbers = all(isinstance(value, float) for value in values)
    likelihoods_N = np.array(values if are_numbers else [], np.float64)
    return likelihoods_N if are_numbers and np.isfinite(likelihoods_N).all() else None


def remember(asked: Question, likelihoods_N: Floats) -> None:
    """Keep the log-likelihood of each row in nats, shape (N,)."""
    memory.remember(asked.name, {"question": asked.content, "log_likelihoods": likelihoods_N.astype(np.float64).tolist()})


@cache
def _code(family: str) -> str:
    module = module_name(family)
    return codehash.digest(f"{module}:load", f"{module}:log_likelihoods")


@cache
def _machine() -> dict[str, Any]:
    """Return what can change the rounding of a likelihood, so far as it is known without opening a model."""
    circumstances = {name: value for name, value in environment(can_use_gpu=False).items() if name not in _LOADED}
    gpus = [str(driver) for driver in device.GPU_DRIVERS if driver.exists()]
    chosen_device = [os.environ.get(device.VARIABLE, ""), os.environ.get("CUDA_VISIBLE_DEVICES", "")]
    return {**circumstances, "device": [*chosen_device, *gpus], "libraries": {name: _version(name) for name in _LIBRARIES}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
