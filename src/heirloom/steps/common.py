"""What every step does around its function: say how an artefact was made."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from heirloom import device, paths
from heirloom.errors import HeirloomError
from heirloom.manifest import Input, recorded_sha256, seal

LIBRARIES = ("ml_dtypes", "numpy", "peft", "pyarrow", "scipy", "safetensors", "sklearn", "tokenizers", "torch", "transformers")
"""Libraries whose version can change bytes; those that a step has imported are named in its manifest."""


def finish(
    step: Mapping[str, Any],
    inputs: Mapping[str, str | Sequence[str]],
    artefacts: Sequence[str],
    sources: Sequence[Input] = (),
    **more: Any,
) -> None:
    """Write manifests and fingerprints of the artefacts that a step has made.

    Parameters
    ----------
    step
        The step's slice.
    inputs
        Role → path, or paths, of the artefacts that went in; they enter by path and fingerprint.
    sources
        Files that went in and are no artefacts: the user's, a package's, a hub's.
    more
        Further entries of the manifest.
    """
    made_by = made_of(step, inputs)
    seal(artefacts, {**made_by, "inputs": [*made_by["inputs"], *sources], **more})


def made_of(step: Mapping[str, Any], inputs: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """Return everything that decides an artefact's bytes: the step's slice, its inputs, the machine's kind."""
    return {"slice": dict(step), "inputs": artefact_inputs(inputs), "environment": environment(step.get("family"))}


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


def artefact_inputs(inputs: Mapping[str, str | Sequence[str]]) -> list[Input]:
    """Return the inputs that a step has, by role, path and recorded fingerprint.

    Roles stand in alphabetical order, several inputs of a role in the order in which they went in.
    """
    listed = {role: [several] if isinstance(several, str) else several for role, several in sorted(inputs.items())}
    named = [(role, path) for role, several in listed.items() for path in several if path]
    return [Input(role, paths.inside(path), recorded_sha256(path)) for role, path in named]
