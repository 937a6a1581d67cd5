"""A model that the user's own programs train and sample: rows, models and synthetic rows are handed over as files.

A program is given copies and never an artefact to write to: the rows of a training are written anew, without their ancestry, so that no
program can tell a real row from a synthetic one, and what it makes is taken only when it is as declared.

Legend of shapes: N rows, D numbers of a row.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from heirloom.artefacts.fingerprints import fingerprint, sha256_file
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families.base import Measuring, Sets
from heirloom.families.external import handover, lineages, measures_file, running
from heirloom.runtime.streams import Stream
from heirloom.specs.external import ExternalSampling, ExternalTraining
from heirloom.specs.programs import Program

if TYPE_CHECKING:
    from heirloom.families.external.rows_file import Written


@dataclass(frozen=True, eq=False)
class Model:
    """A checkpoint, in which only the user's programs look.

    Parameters
    ----------
    folder
        Where it lies: an artefact, or a temporary folder that goes with the model.
    """

    folder: Path


def train(rows: Dataset, fit: ExternalTraining, start: Model | None, stream: Stream) -> Model:
    """Run the program that trains.

    Raises
    ------
    HeirloomError
        If the program's code is not as it was planned, the program fails, or it leaves no checkpoint.
    """
    scratch = Path(tempfile.mkdtemp(prefix="heirloom-train-"))
    model = Model(scratch / "checkpoint")
    weakref.finalize(model, shutil.rmtree, scratch)
    train_file = scratch / "train.parquet"
    handover.write_rows(rows, train_file)
    sha256 = sha256_file(train_file)
    places = {"{train}": str(train_file), "{checkpoint}": str(model.folder), "{start}": str(start.folder) if start else ""}
    with _unchanged(start):
        running.run(fit, places, stream, scratch, step="train")
    if sha256_file(train_file) != sha256:
        raise HeirloomError(f"{lineages.command_key('train')} changed its input {train_file.name}")
    if not any(file.is_file() for file in model.folder.rglob("*")):
        raise HeirloomError(f"{lineages.command_key('train')} ended well, but left no folder with a file at {{checkpoint}}")
    return model


def sample(
    model: Model, prompts: Iterable[pa.Array] | None, num_rows: int, settings: ExternalSampling, stream: Stream
) -> Iterator[Written]:
    """Run the program that samples, and yield its rows: arrays of shape (1, N, D), or tables of the columns that it has written.

    Parameters
    ----------
    prompts
        Texts that the program is to continue or to answer, where it is handed any.

    Raises
    ------
    HeirloomError
        If the program's code is not as it was planned, the program fails, or its rows are not as declared.
    """
    from heirloom.families.external import rows_file  # a training needs no readers of rows

    with tempfile.TemporaryDirectory(prefix="heirloom-sample-") as scratch:
        file = Path(scratch, "synthetic.parquet")
        places = {"{checkpoint}": str(model.folder), "{num_rows}": str(num_rows), "{synthetic}": str(file)}
        if prompts is not None:
            prompts_file = Path(scratch, "prompts.parquet")
            handover.write_prompts(prompts, prompts_file)
            places["{prompts}"] = str(prompts_file)
        with _unchanged(model):
            running.run(settings, places, stream, Path(scratch), step="sample")
        yield from rows_file.read_rows(file, num_rows, settings)


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the rows that the model has written (`own_measures`), and let the user's program measure them."""
    from heirloom.families.external.own_measures import measures_of_rows

    measures = measures_of_rows(sets, measuring)
    if measuring.settings is None:
        return measures
    own_measures = measure(Program.model_validate(measuring.settings), model, sets, stream)
    repeated = sorted(own_measures.keys() & measures.keys())
    if repeated:
        raise HeirloomError(f"{measures_file.MEASURES} has {', '.join(repeated)}, which Heirloom measures itself; give other names")
    return measures | own_measures


def measure(settings: Program, model: Model, sets: Sets, stream: Stream) -> dict[str, float]:
    """Run the program that measures, and return what it has measured.

    Raises
    ------
    HeirloomError
        If the program's code is not as it was planned, the program fails, or its measures are none.
    """
    with tempfile.TemporaryDirectory(prefix="heirloom-measure-") as scratch:
        synthetic, held_out, file = (Path(scratch, name) for name in ("synthetic.parquet", "held_out.parquet", "measures.json"))
        handover.write_rows(sets.sample, synthetic)
        handover.write_rows(sets.held_out, held_out)
        places = {"{checkpoint}": str(model.folder), "{synthetic}": str(synthetic), "{held_out}": str(held_out), "{measures}": str(file)}
        with _unchanged(model):
            running.run(settings, places, stream, Path(scratch))
        return measures_file.read_measures(file)


def save(model: Model, folder: Path) -> None:
    """Write the files of the checkpoint; the model is that folder from now on."""
    shutil.copytree(model.folder, folder, dirs_exist_ok=True)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder, unread."""
    return Model(folder)


@contextmanager
def _unchanged(model: Model | None) -> Iterator[None]:
    """Refuse a program that writes into the checkpoint that it is given."""
    before = None if model is None else fingerprint(model.folder)
    yield
    if model is not None and fingerprint(model.folder) != before:
        raise HeirloomError(f"{model.folder}: the family's command changed this checkpoint, which it may only read; heirloom restore")
