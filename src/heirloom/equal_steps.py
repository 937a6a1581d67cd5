"""Equal steps: what one job of a run has made and another would make again, to the same bytes, is copied.

Two experiments that read the same text with the same settings have equal real data. The job that begins first notes where its artefacts
lie; the other waits for it, checks what lies there, copies it and seals it as its own. The notes lie in the folder of `sealed_steps` and
go with it: a run that ends well leaves none, and a run that is to make everything itself begins with none.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import dumps, read_json, replacing, write_text
from heirloom.artefacts.manifest import Input, seal
from heirloom.errors import HeirloomError

FOLDER = paths.FINISHED_STEPS / "equal"

_OF_ONE = ("schema_version", "path", "sha256", "size", "digest")
"""What a manifest says of its artefact alone."""

log = logging.getLogger(__name__)


@contextmanager
def one_at_a_time(step: Mapping[str, Any]) -> Iterator[None]:
    """Wait until no other job works on an equal slice; where the file system has no locks, do not wait."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _note(step).with_suffix(".lock").open("w") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def note(step: Mapping[str, Any], outputs: Mapping[str, str]) -> None:
    """Write down where the artefacts of a slice lie: role → path."""
    write_text(_note(step), dumps(dict(outputs)))


def copy(step: Mapping[str, Any], outputs: Mapping[str, str]) -> bool:
    """Copy what an equal job has made, if it lies whole in its place, and seal it; return whether it did.

    Parameters
    ----------
    step
        The step's slice; the step reads no artefact, and its slice has the hashes of the files that it reads.
    outputs
        Role → path of what the step makes.
    """
    if not _note(step).exists():
        return False
    try:
        source_of = read_json(_note(step))
        manifests = [_manifest(source_of[role], step) for role in outputs]
    except (HeirloomError, KeyError, OSError) as error:
        log.warning("%s; the step is done again", str(error).partition("; ")[0])
        return False
    for role, path in outputs.items():
        with replacing(path) as temporary:
            shutil.copyfile(source_of[role], temporary)
    content = {key: value for key, value in manifests[0].items() if key not in _OF_ONE}
    inputs = [Input(**fields) for fields in content["inputs"]]
    seal([*outputs.values()], {**content, "inputs": inputs})
    log.info("copied from %s, which an equal job has made", ", ".join(source_of[role] for role in outputs))
    return True


def _manifest(path: str, step: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of an artefact that is whole and of the same slice."""
    manifest.check(path)
    content = manifest.read(paths.manifest(path))
    if content.get("slice") != step:
        raise HeirloomError(f"{path}: made with another slice")
    return content


def _note(step: Mapping[str, Any]) -> Path:
    return FOLDER / f"{hashlib.sha256(dumps(dict(step)).encode()).hexdigest()}.json"
