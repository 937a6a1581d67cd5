"""What every step does around its function: say how an artefact was made."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from heirloom.manifest import recorded_sha256, seal

LIBRARIES = ("numpy", "pyarrow", "scipy", "safetensors", "tokenizers", "torch", "transformers")
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
    seal(artefacts, {"slice": dict(step), "inputs": _fingerprints(inputs), "environment": environment(), **more})


def environment() -> dict[str, Any]:
    """Return what can change bytes beside code and config: processor features, Python and the libraries in use."""
    import numpy as np

    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    libraries = {name: sys.modules[name].__version__ for name in LIBRARIES if name in sys.modules}
    return {
        "device": "cpu",
        "instruction_set": sorted(found),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "libraries": libraries,
    }


def _fingerprints(inputs: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    return {
        role: recorded_sha256(given) if isinstance(given, str) else [recorded_sha256(path) for path in given]
        for role, given in inputs.items()
        if given
    }
