"""Resume state: what an unfinished job has done so far, where the job that comes after a kill finds it.

A state is a folder named by everything that its artefact is made of: the step's slice (with the hash of its code), its inputs and
the machine's kind. So work is never gone on with under other settings, and never half done by one kind of processor and half by another.
It lies outside the lineage, because Snakemake deletes the outputs of a failed job and nothing unfinished may be recorded.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import paths, processes
from heirloom.manifest import dumps, replacing
from heirloom.steps.common import made_of

log = logging.getLogger(__name__)


def folder(step: Mapping[str, Any], inputs: Mapping[str, str | Sequence[str]], artefact: str) -> Path:
    """Return the folder of an artefact's state, made or not.

    Parameters
    ----------
    step
        The step's slice.
    inputs
        Role → path, or paths, of the artefacts that go in; they count by fingerprint.
    """
    return paths.state(artefact) / hashlib.sha256(dumps(made_of(step, inputs)).encode()).hexdigest()[:16]


@contextmanager
def state(step: Mapping[str, Any], inputs: Mapping[str, str | Sequence[str]], artefact: str) -> Iterator[Path]:
    """Yield the folder of an artefact's state; once the artefact is finished, it goes, and so do states of other settings."""
    yield folder(step, inputs, artefact)
    processes.wait_for_all()
    if processes.rank() == 0:
        shutil.rmtree(paths.state(artefact), ignore_errors=True)


def chunks(kept: Path, wanted: range, make: Callable[[range], Iterator[NDArray[np.int32]]]) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of rows by number, each kept in a file as soon as it is made: those that are there already are read.

    Parameters
    ----------
    kept
        The folder of the files.
    wanted
        Numbers of the chunks.
    make
        Yields the chunks of these numbers.
    """
    first = next((number for number in wanted if not _file(kept, number).exists()), wanted.stop)
    if wanted.start < first < wanted.stop:
        log.info("%d of %d chunks are there already", first - wanted.start, len(wanted))
    for number in range(wanted.start, first):
        yield np.load(_file(kept, number))
    for number, tokens_BT in enumerate(make(range(first, wanted.stop)) if first < wanted.stop else (), first):
        with replacing(_file(kept, number)) as temporary:
            np.save(temporary, tokens_BT)
        yield tokens_BT


def _file(kept: Path, number: int) -> Path:
    return kept / f"chunk-{number:06}.npy"
