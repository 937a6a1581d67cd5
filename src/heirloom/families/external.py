"""A model that the user's own programs train and sample: rows, models and synthetic rows are handed over as files.

A program is given copies and never an artefact to write to: the rows of a training are written anew, without their ancestry, so that no
program can tell a real row from a synthetic one, and what it makes is taken only when it is as declared.

Legend of shapes: N rows, D dimensions.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom.artefacts.files import dumps, write_text
from heirloom.artefacts.fingerprints import fingerprint, sha256_file
from heirloom.data.arrow import as_matrix
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError, short
from heirloom.families import algebra
from heirloom.families.base import Measuring, Sets
from heirloom.measures import mixtures, replicas, vectors
from heirloom.runtime import program
from heirloom.runtime.streams import Stream
from heirloom.specs.external import External, ExternalSampling, ExternalTraining, Program

Spec = External
Fit = ExternalTraining
Sampling = ExternalSampling

_COLUMN = "x"
_SEEDS = 2**31
_SYNTHETIC = "family.sample.command: {synthetic}"
_MEASURES = "family.measure.command: {measures}"
_MEASURE_NAME = re.compile("[a-z][a-z0-9_]{0,63}")


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
    _write_rows(rows, train_file)
    sha256 = sha256_file(train_file)
    places = {"{train}": str(train_file), "{checkpoint}": str(model.folder), "{start}": str(start.folder) if start else ""}
    with _unchanged(start):
        _run(fit, places, stream, scratch)
    if sha256_file(train_file) != sha256:
        raise HeirloomError(f"family.train.command changed its input {train_file.name}")
    if not any(file.is_file() for file in model.folder.rglob("*")):
        raise HeirloomError("family.train.command ended well, but left no folder with a file at {checkpoint}")
    return model


def sample(
    model: Model, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: ExternalSampling, stream: Stream
) -> Iterator[NDArray[np.float64]]:
    """Run the program that samples, and yield its rows as arrays of shape (1, N, D).

    Raises
    ------
    HeirloomError
        If the program's code is not as it was planned, the program fails, or its rows are not as declared.
    """
    with tempfile.TemporaryDirectory(prefix="heirloom-sample-") as scratch:
        file = Path(scratch, "synthetic.parquet")
        places = {"{checkpoint}": str(model.folder), "{num_rows}": str(num_rows), "{synthetic}": str(file)}
        with _unchanged(model):
            _run(settings, places, stream, Path(scratch))
        yield from _read_rows(file, num_rows, settings.row_numbers)


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the rows that the model has written: their mean and covariance against the true law, and their tails."""
    truth, x_RND = mixtures.truth(measuring.truth), sets.sample.by_replica()
    covariance_RDD = algebra.scatter(x_RND)[1] / x_RND.shape[1]
    measured = {
        "covariance_trace": vectors.covariance_trace(covariance_RDD),
        "mean_squared_error": vectors.mean_squared_distance(x_RND.mean(axis=1), mixtures.moments(truth)[0][0]),
        **mixtures.tail_masses(x_RND, truth),
    }
    measures = replicas.summarise_each(measured)
    if measuring.settings is None:
        return measures
    own_measures = _measure(Program.model_validate(measuring.settings), model, sets, stream)
    repeated = sorted(own_measures.keys() & measures.keys())
    if repeated:
        raise HeirloomError(f"{_MEASURES} has {', '.join(repeated)}, which Heirloom measures itself; give other names")
    return measures | own_measures


def _measure(settings: Program, model: Model, sets: Sets, stream: Stream) -> dict[str, float]:
    """Run the program that measures, and return what it has measured."""
    with tempfile.TemporaryDirectory(prefix="heirloom-measure-") as scratch:
        synthetic, held_out, file = (Path(scratch, name) for name in ("synthetic.parquet", "held_out.parquet", "measures.json"))
        _write_rows(sets.sample, synthetic)
        _write_rows(sets.held_out, held_out)
        places = {"{checkpoint}": str(model.folder), "{synthetic}": str(synthetic), "{held_out}": str(held_out), "{measures}": str(file)}
        with _unchanged(model):
            _run(settings, places, stream, Path(scratch))
        return _read_measures(file)


def _read_measures(file: Path) -> dict[str, float]:
    """Return the measures that a program wrote.

    Raises
    ------
    HeirloomError
        If there is no such file, or it is no JSON object of names and finite numbers.
    """
    if not file.is_file():
        raise HeirloomError(f"{_MEASURES} was not written, though the command ended well")
    try:
        measures = json.loads(file.read_bytes())
    except ValueError as error:
        raise HeirloomError(f"{_MEASURES} is no JSON: {error}") from None
    if not isinstance(measures, dict):
        raise HeirloomError(f"{_MEASURES} is {short(repr(measures))}; it must be an object of names and numbers")
    for name, value in measures.items():
        if not _MEASURE_NAME.fullmatch(name):
            raise HeirloomError(f"{_MEASURES} has the name {short(repr(name))}; allowed are a-z, 0-9 and _, a letter first")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise HeirloomError(f"{_MEASURES} has {name}: {short(repr(value))}; allowed are finite numbers")
    return {name: float(value) for name, value in measures.items()}


def save(model: Model, folder: Path) -> None:
    """Write the files of the checkpoint; the model is that folder from now on."""
    shutil.copytree(model.folder, folder, dirs_exist_ok=True)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder, unread."""
    return Model(folder)


def _run(settings: Program, places: Mapping[str, str], stream: Stream, scratch: Path) -> None:
    """Run a program with its placeholders filled in."""
    _check_code(settings)
    seed = int(stream.child("seed").generator().integers(_SEEDS))
    settings_file = scratch / "settings.json"
    write_text(settings_file, dumps(settings.settings))
    values = {**places, "{seed}": str(seed), "{settings}": str(settings_file)}
    arguments = [values.get(argument, argument) for argument in settings.command]
    program.run(arguments, python=settings.python, time_limit=settings.time_limit)


def _check_code(settings: Program) -> None:
    """Refuse a program whose code is not as it was when the job was planned: the manifest would name other code."""
    for file in settings.files:
        place = Path(file.path)
        if not place.is_file() or sha256_file(place) != file.sha256:
            raise HeirloomError(f"{file.path}: family.code is not as it was when this job was planned; run snakemake again")


@contextmanager
def _unchanged(model: Model | None) -> Iterator[None]:
    """Refuse a program that writes into the checkpoint that it is given."""
    before = None if model is None else fingerprint(model.folder)
    yield
    if model is not None and fingerprint(model.folder) != before:
        raise HeirloomError(f"{model.folder}: the family's command changed this checkpoint, which it may only read; heirloom restore")


def _write_rows(rows: Dataset, file: Path) -> None:
    """Write what rows say, and not where they come from."""
    batches = rows.batches([_COLUMN])
    schema = pa.schema([pa.field(_COLUMN, pa.list_(pa.float64()))])
    with pq.ParquetWriter(file, schema, compression="none") as writer:
        for batch in batches:
            writer.write_batch(batch.cast(schema))


def _read_rows(file: Path, num_rows: int, row_numbers: int | None) -> Iterator[NDArray[np.float64]]:
    """Yield the rows of a file that a program wrote, batch by batch, each as an array of shape (1, N, D).

    Raises
    ------
    HeirloomError
        If there is no such file, it is no Parquet, or its rows are not as declared: columns, count, numbers per row, values.
    """
    try:
        parquet = pq.ParquetFile(file)
    except FileNotFoundError:
        raise HeirloomError(f"{_SYNTHETIC} was not written, though the command ended well") from None
    except pa.ArrowInvalid as error:
        raise HeirloomError(f"{_SYNTHETIC} is no Parquet file: {error}") from None
    with parquet:
        _check_columns(parquet.schema_arrow)
        if parquet.metadata.num_rows != num_rows:
            raise HeirloomError(f"{_SYNTHETIC} has {parquet.metadata.num_rows:,} rows; {num_rows:,} were asked for")
        for batch in parquet.iter_batches():
            yield _numbers(batch.column(0), row_numbers)[None]


def _check_columns(schema: pa.Schema) -> None:
    """Refuse other columns than the one of lists of numbers."""
    if schema.names == [_COLUMN]:
        (kind,) = schema.types
        if pa.types.is_list(kind) and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
            return
    columns = ", ".join(f"{column.name} ({column.type})" for column in schema)
    raise HeirloomError(f"{_SYNTHETIC} has the columns {short(columns, 200)}; allowed is one column {_COLUMN} of lists of numbers")


def _numbers(column: pa.ListArray, row_numbers: int | None) -> NDArray[np.float64]:
    """Return the lists of a column as an array of shape (N, D)."""
    lengths = set(column.value_lengths().to_pylist())
    expected = {row_numbers} if row_numbers else lengths - {None}
    if lengths != expected or len(lengths) != 1:
        amounts = ", ".join(sorted("no list" if length is None else f"{length:,}" for length in lengths)[:3])
        raise HeirloomError(f"{_SYNTHETIC} has rows of {amounts} numbers; each must have {row_numbers or 'as many as the others'}")
    values = column.flatten().cast(pa.float64())
    if values.null_count or not np.isfinite(values.to_numpy()).all():
        raise HeirloomError(f"{_SYNTHETIC} has numbers that are missing or not finite; all must be finite")
    return as_matrix(column.cast(pa.list_(pa.float64())))
