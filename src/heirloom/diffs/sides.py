"""A side of the comparison: where its rows lie, what columns they have, and what its manifest says; read in bounded batches.

A side is any Parquet file, a folder of Parquet files (as on the Hugging Face hub), a folder that `datasets` saved, or a
dataset of Heirloom, by path or by reference. `locate` needs no Arrow, so that comparing fingerprints starts at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import reading
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.manifest import inputs
from heirloom.diffs import refusals, storage
from heirloom.diffs.view import View
from heirloom.errors import HeirloomError, listed
from heirloom.runtime import child

if TYPE_CHECKING:
    import pyarrow as pa

    from heirloom.artefacts.manifest import Input
    from heirloom.lineage.artefact import Artefact

MAX_BATCH_ROWS = 8192
MAX_BATCH_BYTES = 1 << 26

SAVED_SPLITS = "dataset_dict.json"
"""Where `datasets` lists the splits of a saved `DatasetDict`."""
_RANGE = re.compile(r"(?P<before>.*/)(?P<first>\d+)\.\.(?P<last>\d+)(?P<after>(?::\w+)?(?:@.+)?)")
_LINEAGE = re.compile(r"(?P<lineage>[^/.]+/[^/.]+/\d+)(?:/\d+(?P<after>:\w+)?)?/?")


@dataclass(frozen=True, eq=False)
class Side:
    """A dataset that is compared; files and columns are looked at when they are asked for, rows never at once.

    Attributes
    ----------
    name
        What it is called.
    path
        The file or folder that it is, or is a part of.
    artefact
        What Heirloom knows of it; None of a dataset that it did not write.
    parts
        Those files of a folder that belong to it, where not all do.
    view
        How its columns are read.
    is_table
        Whether this process has written its file, of a table in memory.
    """

    name: str
    path: Path
    artefact: Artefact | None = None
    parts: tuple[Path, ...] = ()
    view: View = field(default_factory=View)
    is_table: bool = False

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the bytes; of some files of a folder one over their names and bytes."""
        if not self.parts:
            return reading.sha256(self.path)
        lines = "".join(f"{file.relative_to(self.path).as_posix()} {reading.sha256(file)}\n" for file in self.parts)
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def is_ours(self) -> bool:
        """Whether Heirloom wrote it, so that its columns mean what their names say."""
        return self.artefact is not None

    @property
    def slice(self) -> Mapping[str, Any]:
        """The config slice it was made from, or nothing."""
        return self.artefact.slice if self.artefact else {}

    @property
    def path_here(self) -> str:
        """Its path inside the project at hand, which has its tokenizer and its origin; empty where it is of another, or of none."""
        return self.artefact.path if self.artefact and self.artefact.project.root == Path() else ""

    def inputs(self, role: str) -> list[Input]:
        """Return what went into it in a role, as its manifest has it."""
        return inputs(self.artefact.manifest, role) if self.artefact else []

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Its files.

        Raises
        ------
        HeirloomError
            If there are none, or one belongs to an artefact that is not as it was recorded.
        """
        return tuple(reading.any_file(file) for file in _files(self))

    @cached_property
    def schema(self) -> pa.Schema:
        """The types of its columns, as they are read.

        Raises
        ------
        HeirloomError
            If a file cannot be read, columns differ between files, or a column has a type that is not read.
        """
        return self.view.schema(self._described[0], self.name)

    def stored_type(self, column: str) -> pa.DataType:
        """Return the type in which a column lies in the file."""
        return self._described[0].field(self.view.stored_name(column)).type

    @property
    def num_rows(self) -> int:
        """How many rows it has; errors as for `schema`."""
        return self._described[1]

    @cached_property
    def _readable_files(self) -> tuple[Path, ...]:
        return tuple(map(storage.readable, self.files))

    @property
    def row_bytes(self) -> int:
        """About the bytes of a row once decompressed, at least 1."""
        return self._described[2] // max(1, self.num_rows) + 1

    @property
    def size(self) -> int:
        """Its bytes on disk."""
        return sum(file.stat().st_size for file in self.files)

    def has(self, *columns: str) -> bool:
        """Return whether every one of the columns is there."""
        return all(column in self.schema.names for column in columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, some columns of them in the order asked for, never more than a batch at a time.

        Raises
        ------
        HeirloomError
            If a file is damaged, or a cell takes more bytes than are allowed.
        """
        batch_rows = max(1, min(MAX_BATCH_ROWS, MAX_BATCH_BYTES // self.row_bytes))
        stored_names = list(map(self.view.stored_name, columns))
        for name, file in zip(self.files, self._readable_files, strict=True):
            child.opening(name)
            try:
                for batch in storage.batches(file, stored_names, batch_rows):
                    refusals.check_cells(name, batch, self.view.max_cell_bytes)
                    yield self.view.batch(batch, columns)
            except refusals.read_errors() as error:
                raise HeirloomError(f"{name}: damaged ({refusals.cause(error)})") from None

    @cached_property
    def _described(self) -> tuple[pa.Schema, int, int]:
        """Columns, rows, and bytes once decompressed."""
        child.opening(self.path)
        try:
            schemas, rows, sizes = zip(*map(storage.about, self._readable_files), strict=True)
        except refusals.read_errors() as error:
            raise HeirloomError(f"{self.path}: cannot be read as Parquet or Arrow ({refusals.cause(error)})") from None
        first = schemas[0]
        for file, schema in zip(self.files, schemas, strict=True):
            if schema.names != first.names:
                unlike = f"columns {listed(schema.names)} differ from those of {self.files[0]}: {listed(first.names)}"
                raise HeirloomError(f"{file}: {unlike}")
            refusals.check_columns(file, schema)
        return first, sum(rows), sum(sizes)


def locate(text: str | Path) -> Side:
    """Return the dataset that a path or a reference names.

    Raises
    ------
    HeirloomError
        If there is nothing there, the reference is wrong, or it names an artefact that is not as it was recorded.
    """
    from heirloom.lineage import project, references

    elsewhere = None if Path(text).exists() else _elsewhere(str(text))
    if elsewhere is not None:
        return Side(str(text), elsewhere)
    path = Path(text) if Path(text).name else Path(text).resolve()
    if not (str(text) and path.name):
        raise HeirloomError(f"{str(text)!r} is no dataset's name: give a path, a reference or a hub id")
    is_path = path.exists() and not references.is_reference(str(text))
    artefact = project.at(path) if is_path else project.locate(str(text))
    if artefact is None:
        return Side(references.name_of(path), reading.any_file(path), _copied(path))
    return Side(artefact.name, artefact.data(), artefact)


def _elsewhere(text: str) -> Path | None:
    """Return a copy of what a revision of a repository or an address names; None if the text is neither.

    What lies in a lineage of this project has revisions by its ledger, which `project.locate` reads.
    """
    from heirloom.lineage import references
    from heirloom.workflow import folders

    if "://" in text:
        from heirloom.diffs.memory import downloaded

        return downloaded(text)
    path, mark, _ = text.rpartition(references.REVISION_MARK)
    if not mark or references.is_reference(text) or folders.lineage_of(path) is not None:
        return None
    from heirloom.diffs import versions

    asked = versions.version(text)
    return versions.fetched(asked) if asked else None


def example_series(reference: str) -> str:
    """Return how the series of a lineage is written, of which a reference names a generation, or the lineage; else of another's."""
    match = _LINEAGE.fullmatch(reference)
    return f"{match['lineage']}/0..5{match['after'] or ''}" if match else "lm/replace/0/0..5"


def generations(text: str) -> list[str] | None:
    """Return the references of ``experiment/regime/seed/first..last[:what][@revision]``, or None if the text is no series.

    Raises
    ------
    HeirloomError
        If the series has fewer than two generations.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last = int(match["first"]), int(match["last"])
    if last <= first:
        raise HeirloomError(f"{text}: a series runs upwards, as in {match['before']}0..5")
    return [f"{match['before']}{generation}{match['after']}" for generation in range(first, last + 1)]


def siblings(text: str, key: str) -> list[str]:
    """Return the references of a dataset in all seeds, or all regimes, that have it on disk.

    Parameters
    ----------
    text
        One of them.
    key
        ``seed`` or ``regime``.

    Raises
    ------
    HeirloomError
        If it is another key, the text is no reference of a generation, or only one of them is on disk.
    """
    from heirloom.lineage import references

    if key not in ("seed", "regime"):
        raise HeirloomError(f"--across {key}: allowed are seed and regime")
    path = Path(references.find(text))
    wildcards = kinds.GENERATION.wildcards(path.as_posix())
    if wildcards is None:
        raise HeirloomError(f"--across {key}: {text} is no generation of a lineage, as transformer/replace/0/5 is")
    names = {**wildcards, key: "*"}
    folders = Path().glob(kinds.GENERATION.path(names["experiment"], names["regime"], names["seed"], names["generation"]))
    sibling_paths = sorted((folder / path.name for folder in folders if (folder / path.name).exists()), key=_natural)
    if len(sibling_paths) < 2:
        raise HeirloomError(f"--across {key}: only one {key} has {path.name} of {text} on disk")
    return [references.name_of(one) for one in sibling_paths]


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts numbers in a path as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.as_posix())]


def _copied(path: Path) -> Artefact | None:
    """Return the artefact that a file elsewhere is a copy of, if the manifest beside it tells of its bytes: it may be another's."""
    from heirloom.lineage.artefact import Artefact
    from heirloom.lineage.project import Project

    manifest_file = Path(paths.manifest(path))
    if not manifest_file.is_file() or read_json(manifest_file).get("sha256") != reading.sha256(path):
        return None
    return Artefact(Project(), str(path), manifest.read(manifest_file), ())


def _files(side: Side) -> tuple[Path, ...]:
    if side.parts or side.path.is_file():
        return side.parts or (side.path,)
    files = storage.files_below(side.path)
    if not files:
        raise HeirloomError(f"{side.path}: a folder without a Parquet or Arrow file, CSV or JSON lines is no dataset")
    return files
