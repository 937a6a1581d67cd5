"""A row's two ancestries. By text: the prompt it continues, down to the article. By model: who wrote it, and what that had read.

``#N`` at the end of a reference is the row at position N of the file, from 0. ``#BORN/ROW`` is the row with that id that was born in that
generation, and real rows are born in generation 0; ``#BORN/ROW/REPLICA`` where there are replicas. In a training set, which holds rows of
many births, an id alone would not be unique, and a position says nothing of another set: BORN/ROW names a row wherever it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.lineage import lookup
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project, locate
from heirloom.workflow import folders

MARK = "#"
_ROW = re.compile(rf"(?P<bare>.+){MARK}(?P<row>\d+(?:/\d+){{0,2}})")


@dataclass(frozen=True)
class Text:
    """A row, and where it stands.

    Attributes
    ----------
    path
        The dataset, as manifests know it.
    position
        From 0.
    row
        Its columns, without tokens.
    is_edited
        Whether the row that it was found from is this one with other tokens, and no continuation.
    """

    path: str
    position: int
    row: Mapping[str, Any]
    is_edited: bool = False


@dataclass(frozen=True)
class Writer:
    """A model among a row's ancestors, and what it had read.

    Attributes
    ----------
    checkpoint
        Its path; where a chain did not keep it, the path it would have.
    sha256
        The checkpoint's fingerprint.
    start
        Path of the checkpoint whose weights its training began from, if any.
    train
        Path of its training set; None where that was not kept.
    read
        (generation of birth, fingerprint of the model that wrote it) → rows of its training set, over all replicas; real rows are born in
        generation 0 and have no model. Empty where the training set was not kept.
    """

    checkpoint: str
    sha256: str
    start: str | None
    train: str | None
    read: Mapping[tuple[int, str | None], int]

    @property
    def births(self) -> dict[int, int]:
        """Generation of birth → rows of its training set, oldest first."""
        births: dict[int, int] = {}
        for born, model in sorted(self.read, key=lambda key: key[0]):
            births[born] = births.get(born, 0) + self.read[born, model]
        return births


@dataclass(frozen=True)
class RowTrace:
    """Where a row came from.

    Attributes
    ----------
    reference
        What was asked for.
    texts
        The row itself; the row that it continues or edits; the same real row in the pool. Of a vector, the row alone.
    article
        Document, title, split, first row and number of rows of the document that the last of these was cut from; None for vectors.
    source
        The settings of the real data's source.
    writers
        The row's writer first, then, newest first, all models that wrote what these had read, or whose weights they began from; empty for
        a real row.
    """

    reference: str
    texts: tuple[Text, ...]
    article: Mapping[str, Any] | None
    source: Mapping[str, Any]
    writers: tuple[Writer, ...]


def split_reference(reference: str) -> tuple[str, str]:
    """Return a reference without its row, and the row as it was written, empty if there is none."""
    match = _ROW.fullmatch(reference)
    return (match["bare"], match["row"]) if match else (reference, "")


def trace_row(reference: str) -> RowTrace:
    """Return both ancestries of the row that ``REF#row`` names.

    Raises
    ------
    HeirloomError
        If there is no such row, what is named has no rows, or something on the way is not here.
    """
    artefact, text = row_of(reference)
    project = artefact.project
    texts = (text, *_texts(project, text))
    pool = project.artefact(_pool(project, texts[-1].path))
    article = _article(project, texts[-1])
    return RowTrace(reference, texts, article, pool.slice.get("source", {}), _writers(project, text))


def row_of(reference: str) -> tuple[Artefact, Text]:
    """Return the dataset and the row that ``REF#row`` names; errors as for `trace_row`."""
    dataset, row = split_reference(reference)
    artefact = locate(dataset)
    if "row" not in _columns(artefact.project, artefact.path):
        raise HeirloomError(f"{dataset}: has no rows to trace; training sets, synthetic sets and real rows have")
    return artefact, _text(artefact.project, artefact.path, row)


def home_of(project: Project, text: Text) -> str:
    """Return the path of the set that a synthetic row was written into, or that a real row was taken from."""
    return _pool(project, text.path) if text.row["kind"] == "real" else _home(project, text)


def _columns(project: Project, path: str) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(project.data(path)).names) if path.endswith(".parquet") else []


def _text(project: Project, path: str, row: str) -> Text:
    """Return the row of a dataset that a position, or birth, id and replica name."""
    numbers = [int(number) for number in row.split("/")]
    data = project.data(path)
    position = numbers[0]
    if len(numbers) > 1:
        born, row_id, *replica = numbers
        position = lookup.position_of(data, row_id, born, *replica)
    return Text(path, position, lookup.row_at(data, position))


def _texts(project: Project, text: Text) -> Iterator[Text]:
    """Yield the row that a row continues or edits, that one's, and at last the real row in the pool it was taken from."""
    while text.row["parent"] is not None:
        home = project.artefact(_home(project, text))
        (prompts,) = home.input_paths("prompts")
        text = _find(project, prompts, text.row["parent"])
        yield replace(text, is_edited="edit" in home.slice)
    pool = _pool(project, text.path)
    if text.row["kind"] == "real" and pool != text.path:
        yield _find(project, pool, text.row["row"], text.row.get("replica", 0))


def _find(project: Project, path: str, row: int, replica: int = 0) -> Text:
    data = project.data(path)
    position = lookup.position_of(data, row, replica=replica)
    return Text(path, position, lookup.row_at(data, position))


def _home(project: Project, text: Text) -> str:
    """Return the synthetic set that a synthetic row was written into."""
    home = text.path
    while True:
        sets = project.artefact(home).input_paths("synthetic")
        sets_of_birth = [path for path in sets if folders.order(path)[0] == text.row["born"]]
        if len(sets_of_birth) > 1:  # of a population
            sets_of_birth = [path for path in sets_of_birth if _has_written(project, text.row["model"], path)]
        source = next(iter(sets_of_birth), None)
        if source is None:
            return home
        home = source  # of a training set perhaps the selection, and of that the set it was selected from


def _has_written(project: Project, model: str, path: str) -> bool:
    """Return whether a model has written the rows of a synthetic set."""
    return any(writer == model for _, writer in lookup.writers(project.data(path)))


def _pool(project: Project, path: str) -> str:
    """Return the real rows that a dataset's real rows were taken from."""
    if kinds.REAL_FOLDER.wildcards(path) is not None:
        return path
    experiment = Path(path).parts[1]
    return next(iter(project.artefact(path).input_paths("pool")), kinds.REAL_TRAIN.path(experiment))


def _article(project: Project, text: Text) -> dict[str, Any] | None:
    documents = kinds.DOCUMENTS.path(Path(text.path).parts[1])
    if text.row["kind"] != "real" or project.sha256(documents) is None:
        return None
    return lookup.document_of(project.data(documents), Path(text.path).stem, text.row["row"])


def _writers(project: Project, text: Text) -> tuple[Writer, ...]:
    """Return the writer of a row, and all models among its ancestors."""
    if text.row["model"] is None:
        return ()
    writers: dict[str, Writer] = {}
    stack = [_checkpoint(project, text.path, text.row["born"], text.row["model"])]
    while stack:
        checkpoint, sha256 = stack.pop()
        if checkpoint in writers:
            continue
        writer = _writer(project, checkpoint, sha256)
        writers[checkpoint] = writer
        if writer.start and kinds.GENERATION.wildcards(writer.start):  # else it is the pretrained model, which no lineage wrote
            stack.append((writer.start, str(project.sha256(writer.start))))
        stack += [_checkpoint(project, checkpoint, born, model) for born, model in writer.read if model]
    return tuple(sorted(writers.values(), key=lambda writer: folders.order(writer.checkpoint), reverse=True))


def _checkpoint(project: Project, path: str, born: int, sha256: str) -> tuple[str, str]:
    """Return path and fingerprint of the model that wrote a lineage's rows of one birth; kept or not, its generation is the one before."""
    keys = kinds.GENERATION.wildcards(path) or {}
    experiments = dict.fromkeys([keys["experiment"], *_experiments(project, path)])
    models = [kind.path(name, keys["regime"], keys["seed"], born - 1) for name, kind in product(experiments, kinds.MODELS)]
    return next((model for model in models if project.sha256(model) == sha256), models[0]), sha256


def _experiments(project: Project, path: str) -> list[str]:
    """Return the experiments whose models can have written what an artefact was made from: in a population several."""
    node = project.artefact(path)
    for train in node.input_paths("train"):
        return _experiments(project, train)
    keys = [kinds.key_of(name) for role in ("synthetic", "checkpoint") for name in node.input_paths(role)]
    return [key.experiment for key in keys if key is not None]


def _writer(project: Project, checkpoint: str, sha256: str) -> Writer:
    keys = kinds.GENERATION.wildcards(checkpoint) or {}
    if project.sha256(checkpoint) != sha256:  # a chain keeps some generations alone
        trajectory = kinds.TRAJECTORY.path(**keys)
        starts = project.artefact(trajectory).input_paths("checkpoint") if project.sha256(trajectory) else []
        starts = [path for path in starts if Path(path).parts[1] == keys["experiment"]]  # a population's job began from several
        return Writer(checkpoint, sha256, next(iter(starts), None), None, {})
    node = project.artefact(checkpoint)
    start = next(iter([*node.input_paths("start"), *node.input_paths("base")]), None)
    (train,) = node.input_paths("train") or [kinds.TRAIN.path(**keys)]  # a chain's checkpoint names the chain's inputs
    return Writer(checkpoint, sha256, start, train, lookup.writers(project.data(train)))
