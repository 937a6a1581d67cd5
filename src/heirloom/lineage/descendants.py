"""Descendants: all that was made from an artefact, or all that carries a row: as text, in prompts, by the models that learnt from it.

Manifests say what was made from what, and columns say which rows. A model carries a row if its training set does, if its training began
from a model that does, or if the row chose its epoch. A job for a whole chain does not say which of its generations had which rows: if the
model that it began with carries the row, all its models count as carriers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Kind
from heirloom.errors import HeirloomError
from heirloom.lineage import trace_row
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import locate
from heirloom.lineage.recorded_jobs import in_order
from heirloom.lineage.row_shares import RowKey, Shares, count
from heirloom.numerals import counted
from heirloom.workflow.steps import STEPS, made_kinds


@dataclass(frozen=True)
class Descendant:
    """An artefact that was made from another, or that carries a row.

    Attributes
    ----------
    shares
        Of a dataset, the rows that carry the row; None of anything else, and where no row was asked for.
    """

    artefact: Artefact
    shares: Shares | None = None

    @property
    def kind(self) -> Kind:
        """What it is."""
        return _kind(self.artefact.path)


@dataclass(frozen=True)
class Descendants:
    """What was made from something.

    Attributes
    ----------
    reference
        What was asked for.
    all
        In the order in which they are made.
    """

    reference: str
    all: list[Descendant] = field(default_factory=list)


def _kind(path: str) -> Kind:
    """Return the kind of an artefact."""
    key = kinds.key_of(path)
    assert key is not None
    return next(kind for kind in made_kinds() if kind.at(key) == path)


def descendants(reference: str) -> Descendants:
    """Return what was made from the artefact, or carries the row, that ``REF`` or ``REF#row`` names.

    Raises
    ------
    HeirloomError
        If there is no such artefact or row, a manifest is not as it was recorded, or a dataset that must be read is not here.
    """
    if not trace_row.split_reference(reference)[1]:
        artefact = locate(reference)
        return Descendants(reference, [Descendant(one) for one in _made_from({artefact.path}, artefact)])
    artefact, text = trace_row.row_of(reference)
    home, key = trace_row.home_of(artefact.project, text), _key(text)
    return Descendants(reference, list(_carriers(artefact.project.artefact(home), key)))


def _key(text: trace_row.Text) -> RowKey:
    return RowKey(text.row["row"], text.row.get("born", 0), text.row.get("replica", 0))


def _made_from(paths: set[str], artefact: Artefact) -> Iterator[Artefact]:
    """Yield what was made from an artefact, directly or not."""
    for candidate in _in_order(artefact):
        if any(edge.path in paths for edge in candidate.inputs):
            paths.add(candidate.path)
            yield candidate


def _in_order(artefact: Artefact) -> list[Artefact]:
    """Return the artefacts of an experiment in an order in which each stands after what it was made from."""
    experiment = Path(artefact.path).parts[1]
    return in_order(one for one in artefact.project.artefacts_of(experiment) if kinds.key_of(one.path))


def _carriers(home: Artefact, key: RowKey) -> Iterator[Descendant]:
    """Yield what carries a row, the set that it was taken from or written into first."""
    carrying, writers = {home.path}, set[str]()
    for artefact in _in_order(home):
        inputs = [edge for edge in artefact.inputs if edge.path in carrying]
        if artefact.path != home.path and not inputs:
            continue
        form = _kind(artefact.path).form
        if form == "rows":
            begins_with_carrier = _runs_whole_lineage(artefact) and any(edge.role == "checkpoint" for edge in inputs)
            shares = count(artefact.data(), key, None if begins_with_carrier else writers)
            if not shares.carries:
                continue
            yield Descendant(artefact, shares)
        else:
            if form == "model" and not _learnt(artefact, carrying):
                continue
            yield Descendant(artefact)
        yield from _fitted_tokenizer(artefact, home)
        carrying.add(artefact.path)
        writers |= {artefact.sha256} if form == "model" else set()


def _fitted_tokenizer(artefact: Artefact, home: Artefact) -> Iterator[Descendant]:
    """Yield the tokenizer that was fitted on the real training rows, right behind these. What it reads does not count as carrying a row."""
    if artefact.path != home.path or home.path != kinds.REAL_TRAIN.of_pool(Path(home.path).parts[1]):
        return
    path = kinds.TOKENIZER.path(Path(home.path).parts[1])
    if home.project.sha256(path) and "tokenizer" not in home.project.artefact(path).manifest:
        yield Descendant(home.project.artefact(path))


def _runs_whole_lineage(artefact: Artefact) -> bool:
    """Return whether the step that made an artefact has one job for all generations of a lineage."""
    step = STEPS.get(artefact.step)
    return step is not None and step.place == kinds.LINEAGE


def _learnt(model: Artefact, carrying: set[str]) -> bool:
    """Return whether a model carries what some artefacts carry: by its training set, its start, or the rows that chose its epoch."""
    roles = {"train", "start", "valid", "checkpoint"} if _runs_whole_lineage(model) else {"train", "start", "valid"}
    key = kinds.key_of(model.path)
    own_rows = kinds.TRAIN.at(key) if key else ""
    return own_rows in carrying or any(edge.role in roles and edge.path in carrying for edge in model.inputs)


def lines(result: Descendants) -> Iterator[str]:
    """Yield descendants for people, one a line, and what they are in all."""
    width = max((len(one.artefact.name) for one in result.all), default=0)
    for one in result.all:
        yield f"{one.artefact.name:<{width}}  {_words(one)}"
    sets = sum(one.kind.form == "rows" for one in result.all)
    models = sum(one.kind.form == "model" for one in result.all)
    counts = counted(sets, "dataset"), counted(models, "model"), counted(len(result.all) - sets - models, "other artefact")
    yield f"{result.reference}: {', '.join(counts)}"


def _words(one: Descendant) -> str:
    if one.shares is None:
        return one.kind.word
    total = one.shares.total
    parts = {"as text": one.shares.text, "in prompts": one.shares.prompts, "by model": one.shares.by_model}
    words = [f"{number:,} {name} ({100 * number / total:.3g} %)" for name, number in parts.items() if number]
    return f"{one.kind.word}: of {counted(total, 'row')} {', '.join(words)}"


def as_json(result: Descendants) -> str:
    """Return descendants for programs, as JSON."""
    entries = []
    for one in result.all:
        entry = {"reference": one.artefact.name, "path": one.artefact.path, "sha256": one.artefact.sha256, "form": one.kind.form}
        entries.append(entry | ({"shares": one.shares._asdict()} if one.shares else {}))
    return json.dumps({"reference": result.reference, "descendants": entries}, indent=2)


FORMATS = {"table": lambda result: "\n".join(lines(result)), "json": as_json}


def check_format(form: str) -> None:
    """Refuse a format that there is not.

    Raises
    ------
    HeirloomError
        Naming those that there are.
    """
    if form not in FORMATS:
        raise HeirloomError(f"--format {form}: allowed are {', '.join(FORMATS)}")
