"""What a card is about: an artefact, and what its own and its neighbours' manifests and rows say of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.kinds import Key
from heirloom.errors import HeirloomError
from heirloom.export import licences
from heirloom.judges.notes import Note
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project
from heirloom.lineage.settings import setting
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.family import SPECS
from heirloom.workflow.steps import target_of


@dataclass(frozen=True)
class Subject:
    """A dataset or checkpoint and its circumstances.

    Attributes
    ----------
    key
        Its experiment, regime, seed and generation.
    real
        The real rows that its lineage draws from.
    train
        The training set of its generation; None for real data, and where it is not to be had.
    licence
        Of the real data.
    config
        The config file that it is exported with.
    selected
        The rows of its generation that judges let pass; None where there are no judges, and where the rows are not to be had.
    """

    artefact: Artefact
    key: Key
    real: Artefact
    train: Artefact | None
    licence: licences.Licence
    config: Path
    selected: Artefact | None = None

    @property
    def name(self) -> str:
        """Its reference, with the revision that was asked for."""
        return self.artefact.name

    @property
    def generation(self) -> int | None:
        """None for an experiment's real data."""
        return self.key.generation

    @property
    def family(self) -> str:
        """The family of the model that it is, or that wrote it; empty for real and mixed rows."""
        return setting(self.artefact.slice, "family") or ""

    @property
    def source(self) -> Mapping[str, Any]:
        """Settings of the source of the real data."""
        source: Mapping[str, Any] = self.real.slice["source"]
        return source

    @property
    def mixing(self) -> Mapping[str, Any] | None:
        """The regime's declaration; None for real data and the origin, and where there is no training set to tell it."""
        if self.train is None or not self.generation:
            return None
        mixing: Mapping[str, Any] | None = setting(self.train.slice, "mixing")
        return mixing

    @property
    def judge_notes(self) -> Sequence[Note]:
        """What the judges of its generation did."""
        judges: Sequence[Note] = () if self.selected is None else self.selected.manifest.get("judges", ())
        return judges

    @property
    def is_text(self) -> bool:
        """Whether rows are text rather than vectors."""
        return "text" in self.source

    @property
    def rows(self) -> Literal["text", "pairs", "vectors", "table"]:
        """What rows are: text, a prompt and its completion, vectors, or rows of a table."""
        if not self.is_text:
            return "table" if "columns" in self.source else "vectors"
        return "pairs" if self.source["text"].get("rows") == "pairs" else "text"

    @property
    def library(self) -> str:
        """The library that opens a checkpoint: Heirloom where it does not know the family."""
        return SPECS.get(self.family, FamilySpec).library

    @property
    def request(self) -> str:
        """What Snakemake is asked for to make it: its path, or the trajectory of the chain that it is a snapshot of."""
        target = target_of(self.artefact.step, self.artefact.path)
        words = [target] if self.config == Path(paths.CONFIG) else ["--configfile", str(self.config), "--", target]
        return shlex.join(words)


@dataclass(frozen=True)
class RowCounts:
    """Counts of a dataset's rows, and its depth (models since a human: mean, largest) where the dataset says it."""

    total: int
    synthetic: int
    depth: tuple[float, int] | None

    @property
    def sentence(self) -> str:
        """How many of the rows a model wrote."""
        return f"{self.synthetic:,} of {self.total:,} rows ({100 * self.synthetic / self.total:.1f} %)"


def describe(artefact: Artefact, config: Path) -> Subject:
    """Return the subject of an artefact's card.

    Parameters
    ----------
    config
        Asked for the licence of the real data.

    Raises
    ------
    HeirloomError
        If it lies outside of ``data/``, or the real data have no manifest here.
    """
    key = kinds.key_of(artefact.path)
    if key is None:
        raise HeirloomError(f"{artefact.name}: no artefact; those lie under data/")
    real = _pool(artefact.project, key)
    train = None if key.generation is None else _artefact_with_manifest(artefact.project, kinds.TRAIN.at(key))
    selected = _artefact_with_manifest(artefact.project, kinds.SELECTED.at(key)) if key.generation else None
    licence = licences.of(key.experiment, real.slice["source"], config)
    return Subject(artefact, key, real, train, licence, config, selected)


def count_rows(rows: Path) -> RowCounts:
    """Return how many rows of a dataset a model wrote, and the depth where the dataset has it, holding one batch at a time."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    synthetic, depth_sum, largest_depth = 0, 0.0, 0
    with pq.ParquetFile(rows) as file:
        total = file.metadata.num_rows
        has_depth = {"depth", "depth_max"} <= set(file.schema_arrow.names)
        columns = ["kind", "depth", "depth_max"] if has_depth else ["kind"]
        for batch in file.iter_batches(columns=columns):
            is_synthetic = pc.equal(batch["kind"], "synthetic")
            synthetic += pc.sum(is_synthetic).as_py() or 0
            if has_depth:
                depth_sum += pc.sum(batch["depth"]).as_py()
                largest_depth = max(largest_depth, pc.max(batch["depth_max"]).as_py())
    return RowCounts(total, synthetic, (depth_sum / total, largest_depth) if has_depth else None)


def training_counts(checkpoint: Subject) -> RowCounts | None:
    """Return the counts of the training set of a checkpoint, if it is to be had.

    Raises
    ------
    HeirloomError
        If it is here, and not as it was recorded.
    """
    train = checkpoint.train
    return count_rows(train.data()) if train and train.is_here else None


def _pool(project: Project, key: Key) -> Artefact:
    """Return the real rows that a lineage draws from: those of its seed, where it has drawn its own."""
    seed_pool = _artefact_with_manifest(project, kinds.REAL_TRAIN.of_pool(key.experiment, key.seed)) if key.seed else None
    return seed_pool or project.recorded_artefact(kinds.REAL_TRAIN.path(key.experiment))


def _artefact_with_manifest(project: Project, path: str) -> Artefact | None:
    """Return an artefact if its manifest is here; None for one that was not kept or not pulled, or that a revision lacks."""
    return project.recorded_artefact(path) if project.has_manifest(path) else None
