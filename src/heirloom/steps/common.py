"""What every step does around its function: say how an artefact was made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from heirloom.artefacts import paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.artefacts.manifest import Input, seal
from heirloom.environment import environment
from heirloom.errors import HeirloomError
from heirloom.families import family
from heirloom.specs import packages
from heirloom.steps.slices import Slice

Paths = Mapping[str, str]
"""Role → path of an artefact that goes into a step or comes out of it; several paths are separated by spaces, none is empty."""

_PACKAGE_FILE = re.compile(r"(?P<package>\w+)==(?P<version>[^/]+)/")


def finish(
    step: Slice,
    inputs: Mapping[str, str | Sequence[str]],
    artefacts: Sequence[str],
    sources: Sequence[Input] = (),
    **entries: Any,
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
    entries
        Further entries of the manifest.
    """
    if step.package is not None:
        packages.check(step.package)
    made_by = provenance(step, inputs)
    made_by["inputs"] += sources
    made_by["environment"]["libraries"] |= _packages(sources)
    seal(artefacts, {**made_by, **entries})


def provenance(step: Slice, inputs: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """Return everything that decides an artefact's bytes: the step's slice, its inputs, the machine's kind."""
    can_use_gpu = step.family is not None and "gpu" in family(step.family).Spec.abilities
    return {"slice": step.json_fields(), "inputs": artefact_inputs(inputs), "environment": environment(can_use_gpu=can_use_gpu)}


@contextmanager
def naming(generation: int | str) -> Iterator[None]:
    """Say in which generation bad input came to light."""
    try:
        yield
    except HeirloomError as error:
        raise HeirloomError(f"generation {generation}: {error}") from None


def _packages(sources: Sequence[Input]) -> dict[str, str]:
    """Return package → version of the files that come from installed packages, imported or only read."""
    matches = (_PACKAGE_FILE.match(source.path) for source in sources)
    return {match["package"]: match["version"] for match in matches if match}


def artefact_inputs(inputs: Mapping[str, str | Sequence[str]]) -> list[Input]:
    """Return the inputs that a step has, by role, path and recorded fingerprint.

    Roles stand in alphabetical order, several inputs of a role in the order in which they went in.
    """
    entries = []
    for role, artefacts in sorted(inputs.items()):
        role_paths = [artefacts] if isinstance(artefacts, str) else artefacts
        entries += [Input(role, paths.project_path(path), recorded_sha256(path)) for path in role_paths if path]
    return entries
