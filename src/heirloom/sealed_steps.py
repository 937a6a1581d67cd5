"""Sealed steps: what a job of a scheduler has finished, for its next attempt.

A scheduler is given a cheap lineage as one job, a group of steps. When an attempt fails, Snakemake removes what every step of it has made,
and the next attempt runs every step. So each step of a submitted job leaves hard links to its sealed artefact in `FOLDER`; where slice,
inputs and digest agree, the step of a later attempt takes the artefact from there.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import link_or_copy, replacing
from heirloom.errors import HeirloomError

SUBMITTED = "HEIRLOOM_SUBMITTED"
"""Environment variable: this process belongs to a job that was submitted to a scheduler."""

FOLDER = paths.FINISHED_STEPS
"""Artefacts with their notes, each under its own path."""

log = logging.getLogger(__name__)


def keep(artefact: str) -> None:
    """Link an artefact that a submitted step has sealed, and its notes, into the folder; on the machine at hand do nothing."""
    if SUBMITTED not in os.environ:
        return
    try:
        _link_sealed(artefact, str(FOLDER / artefact))
    except OSError as error:  # the step itself is done
        log.warning("%s: not left for a later attempt (%s)", artefact, error)


def take(step: Mapping[str, Any], inputs: Mapping[str, str | Sequence[str]], artefact: str) -> bool:
    """Put the artefact of an earlier attempt in its place if this step would make the same; return whether it did.

    Parameters
    ----------
    step
        The step's slice.
    inputs
        Role → path, or paths, of the artefacts that go in; they count by recorded fingerprint.
    artefact
        What the step makes.
    """
    copy = FOLDER / artefact
    if SUBMITTED not in os.environ or not copy.exists():
        return False
    try:
        manifest.check(copy)
        if not _is_of(copy, step, inputs):
            return False
        _link_sealed(str(copy), artefact)
    except (HeirloomError, OSError) as error:
        log.warning("%s; it is dropped, and the step is done again", str(error).partition("; ")[0])
        drop(artefact)
        return False
    log.info("taken from %s, where an earlier attempt left it", copy)
    return True


def drop(artefact: str) -> None:
    """Remove an artefact and its notes from the folder."""
    for name in (paths.fingerprint(artefact), paths.manifest(artefact), artefact):
        path = FOLDER / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def empty() -> None:
    """Drop everything: a run has ended well and no attempt follows, or a run is to make everything itself."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def _is_of(artefact: Path, step: Mapping[str, Any], inputs: Mapping[str, str | Sequence[str]]) -> bool:
    """Return whether a sealed artefact was made by the same slice from the same artefacts; further inputs stand in the slice."""
    from heirloom.steps.common import artefact_inputs

    content = manifest.read(paths.manifest(artefact))
    try:
        edges = artefact_inputs(inputs)
    except HeirloomError:  # an input has no fingerprint: the step itself says so
        return False
    return bool(content.get("slice") == step and manifest.inputs(content)[: len(edges)] == edges)


def _link_sealed(source: str, target: str) -> None:
    """Link an artefact to another place, and its notes, the fingerprint last."""
    for name_of in (str, paths.manifest, paths.fingerprint):
        with replacing(name_of(target)) as temporary:
            _link(Path(name_of(source)), temporary)


def _link(source: Path, target: Path) -> None:
    """Link a file, or the files of a folder; copy where the file system refuses."""
    files = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else [source]
    for file in files:
        link_or_copy(file, target / file.relative_to(source))
