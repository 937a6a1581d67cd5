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

import numpy as np
from numpy.typing import NDArray

from heirloom import saved_files
from heirloom.artefacts import paths
from heirloom.artefacts.files import dumps
from heirloom.runtime import processes
from heirloom.steps.common import provenance
from heirloom.steps.slices import Slice

log = logging.getLogger(__name__)

Maker = Callable[[range], Iterator[NDArray[np.int32]]]
"""Makes the chunks of these numbers."""


def folder(step: Slice, inputs: Mapping[str, str | Sequence[str]], artefact: str) -> Path:
    """Return the folder of an artefact's state, made or not.

    Parameters
    ----------
    step
        The step's slice.
    inputs
        Role → path, or paths, of the artefacts that go in; they count by fingerprint.
    """
    digest = hashlib.sha256(dumps(provenance(step, inputs)).encode()).hexdigest()
    return paths.state(artefact) / digest[:16]


@contextmanager
def state(step: Slice, inputs: Mapping[str, str | Sequence[str]], artefact: str) -> Iterator[Path]:
    """Yield the folder of an artefact's state; once the artefact is finished, it goes, and so do states of other settings."""
    yield folder(step, inputs, artefact)
    processes.wait_for_all()
    if processes.rank() == 0:
        shutil.rmtree(paths.state(artefact), ignore_errors=True)


def chunks(store: Path, numbers: range, make: Maker) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of rows by number; each is kept in a file once it is made, and undamaged ones are read from theirs.

    Parameters
    ----------
    store
        The folder of the files.
    numbers
        Numbers of the chunks.
    make
        Yields the chunks of these numbers.
    """
    saved_chunks = saved_files.versions(store)
    num_saved = sum(_name(number) in saved_chunks for number in numbers)
    if 0 < num_saved < len(numbers):
        log.info("%d of %d chunks are there already", num_saved, len(numbers))
    number = numbers.start
    while number < numbers.stop:
        file = saved_files.first_intact_file(saved_chunks.get(_name(number), ()))
        if file:
            yield np.load(file)
            number += 1
            continue
        later_saved = (later for later in range(number + 1, numbers.stop) if _name(later) in saved_chunks)
        stop = next(later_saved, numbers.stop)
        yield from _new_chunks(store, range(number, stop), make)
        number = stop


def _new_chunks(store: Path, numbers: range, make: Maker) -> Iterator[NDArray[np.int32]]:
    for number, tokens_BT in zip(numbers, make(numbers), strict=True):
        with saved_files.replacing(store, _name(number)) as temporary:
            np.save(temporary, tokens_BT)
        yield tokens_BT


def _name(number: int) -> str:
    return f"chunk-{number:06}.npy"
