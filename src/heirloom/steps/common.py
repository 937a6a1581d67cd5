"""What every step does around its function: say how an artefact was made."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from heirloom import device
from heirloom.errors import HeirloomError
from heirloom.manifest import recorded_sha256, seal

LIBRARIES = ("ml_dtypes", "numpy", "peft", "pyarrow", "scipy", "safetensors", "sklearn", "tokenizers", "torch", "transformers")
"""Libraries whose version can change bytes; those that a step has imported are named in its manifest."""


def finish(
    step: Mapping[str, Any],
    inputs: Mapping[str, str | Sequence[str]],
    artefacts: Sequence[str],
    **more: Any,
) -> None:
    """Write manifests and fingerprints of the artefacts that a step has made.

    Parameters
    ----------
    step
        The step's slice.
    inputs
        Role → path, or paths, of the artefacts that went in; they enter by fingerprint.
    more
        Further entries of the manifest.
    """
    seal(artefacts, {**made_of(step, inputs), **more})


def made_of(step: Mapping[str, Any], inputs: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """Return everything that decides an artefact's bytes: the step's slice, its inputs' fingerprints, the machine's kind."""
    return {"slice": dict(step), "inputs": fingerprints(inputs), "environment": environment(step.get("family"))}


@contextmanager
def naming(generation: int | str) -> Iterator[None]:
    """Say in which generation bad input came to light."""
    try:
        yield
    except HeirloomError as error:
        raise HeirloomError(f"generation {generation}: {error}") from None


def environment(family: str | None) -> dict[str, Any]:
    """Return what can change bytes beside code and config: where the family's model lives, processor features, Python, libraries in use."""
    import numpy as np

    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    libraries = {name: sys.modules[name].__version__ for name in LIBRARIES if name in sys.modules}
    return {
        "device": device.chosen().type if family in device.GPU_FAMILIES else "cpu",
        "instruction_set": sorted(found),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "libraries": libraries,
    }


def fingerprints(inputs: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """Return role → recorded fingerprint, or fingerprints, of the inputs that are given."""
    return {
        role: recorded_sha256(given) if isinstance(given, str) else [recorded_sha256(path) for path in given]
        for role, given in inputs.items()
        if given
    }
