"""What a card is about: an artefact, and what its own and its neighbours' manifests and rows say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirloom import paths
from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.export import licences
from heirloom.export.artefacts import Artefact, checked, opened
from heirloom.lineage.settings import setting
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.family import SPECS
from heirloom.workflow.steps import target_of


@dataclass(frozen=True)
class Subject:
    """A dataset or checkpoint and its circumstances.

    Attributes
    ----------
    name
        The reference as asked for, in its shortest spelling.
    revision
        The git revision that was asked for, or None for what lies on disk.
    generation
        None for an experiment's real data.
    family
        Of the model that it is, or that wrote it; empty for real and mixed rows.
    source
        Settings of the source of the real data.
    real
        The manifest of the real data.
    mixing
        The regime's declaration; None for real data and the origin.
    """

    artefact: Artefact
    name: str
    revision: str | None
    experiment: str
    regime: str
    generation: int | None
    family: str
    source: Mapping[str, Any]
    real: Mapping[str, Any]
    mixing: Mapping[str, Any] | None
    licence: licences.Licence

    @property
    def is_text(self) -> bool:
        """Whether rows are text rather than vectors."""
        return "text" in self.source

    @property
    def library(self) -> str:
        """The library that opens a checkpoint: Heirloom where it does not know the family."""
        return SPECS.get(self.family, FamilySpec).library

    @property
    def target(self) -> str:
        """What Snakemake is asked for to make it: its path, or the trajectory of the chain that it is a snapshot of."""
        return target_of(self.artefact.step, self.artefact.recorded)


@dataclass(frozen=True)
class Rows:
    """Counts of a dataset's rows, and its depth (models since a human: mean, largest) where the dataset says it."""

    total: int
    synthetic: int
    depth: tuple[float, int] | None

    @property
    def sentence(self) -> str:
        """How many of the rows a model wrote."""
        return f"{self.synthetic:,} of {self.total:,} rows ({100 * self.synthetic / self.total:.1f} %)"


def describe(artefact: Artefact, name: str, revision: str | None, config: Path) -> Subject:
    """Return the subject of an artefact's card.

    Parameters
    ----------
    config
        Asked for the licence of the real data.

    Raises
    ------
    HeirloomError
        If the real data have no manifest here.
    """
    keys = _keys(artefact)
    slice_ = artefact.manifest["slice"]
    real = _pool(artefact, keys["experiment"], revision)
    source = real.manifest["slice"]["source"]
    generation = int(keys["generation"]) if "generation" in keys else None
    return Subject(
        artefact,
        name,
        revision,
        keys["experiment"],
        keys.get("regime", kinds.REAL),
        generation,
        setting(slice_, "family") or "",
        source,
        real.manifest,
        _mixing(artefact, revision) if generation else None,
        licences.of(keys["experiment"], source, config),
    )


def count(rows: Path) -> Rows:
    """Return how many rows of a dataset a model wrote, and the depth where the dataset has it, holding one batch at a time."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    synthetic, depths, deepest = 0, 0.0, 0
    with pq.ParquetFile(rows) as file:
        total = file.metadata.num_rows
        deep = {"depth", "depth_max"} <= set(file.schema_arrow.names)
        for batch in file.iter_batches(columns=["kind", "depth", "depth_max"] if deep else ["kind"]):
            synthetic += pc.sum(pc.equal(batch["kind"], "synthetic")).as_py() or 0
            if deep:
                depths += pc.sum(batch["depth"]).as_py()
                deepest = max(deepest, pc.max(batch["depth_max"]).as_py())
    return Rows(total, synthetic, (depths / total, deepest) if deep else None)


def learnt_from(checkpoint: Subject) -> Rows | None:
    """Return the counts of the training set of a checkpoint, if it is to be had.

    Raises
    ------
    HeirloomError
        If it is here, and not as it was recorded.
    """
    train = _training_set(checkpoint.artefact, checkpoint.revision)
    return count(checked(train).place) if train and train.place.exists() else None


def _pool(artefact: Artefact, experiment: str, revision: str | None) -> Artefact:
    """Return the real rows that an artefact's lineage draws from: those of its seed, where it has drawn its own."""
    key = kinds.key_of(artefact.recorded)
    if key and key.seed:
        try:
            return opened(kinds.REAL_TRAIN.of_pool(experiment, key.seed), revision)
        except HeirloomError:  # the seeds share their real rows
            pass
    return opened(kinds.REAL_TRAIN.path(experiment), revision)


def _mixing(artefact: Artefact, revision: str | None) -> Mapping[str, Any] | None:
    train = _training_set(artefact, revision)
    mixing: Mapping[str, Any] | None = setting(train.manifest["slice"], "mixing") if train else None
    return mixing


def _training_set(artefact: Artefact, revision: str | None) -> Artefact | None:
    path = kinds.TRAIN.path(**_keys(artefact))
    if revision is None:
        return opened(path) if Path(paths.manifest(path)).exists() else None
    try:
        return opened(path, revision)
    except HeirloomError:  # neither in the cache nor on a remote, or not kept: a card says less then
        return None


def _keys(artefact: Artefact) -> dict[str, str]:
    return kinds.GENERATION.wildcards(artefact.recorded) or kinds.REAL_FOLDER.wildcards(artefact.recorded) or {}
