"""The lineage of datasets and checkpoints by generation, as the manifests tell it: the cell of each box, its inputs, and its facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import dumps
from heirloom.artefacts.kinds import Key, Kind
from heirloom.config import Config
from heirloom.diffs.render.blocks import number, safe
from heirloom.lineage import references
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project
from heirloom.report import facts
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.generations import kept_generations
from heirloom.specs.experiment import Experiment
from heirloom.workflow.steps import STEPS

if TYPE_CHECKING:
    import pandas as pd

MAX_GENERATIONS = 5
REAL_DATA = -1
"""Stands for the generation of the real rows, whose column comes first."""

SHARES = ("ancestry.real_row_share", "ancestry.real_token_share", "ancestry.depth_mean")

Share = tuple[str, str, int]
"""Measure, regime, generation."""


class Box(NamedTuple):
    """An artefact, and its cell: an arm's row (the origin's and the real rows' are one) and a generation."""

    path: str
    kind: Kind
    regime: str
    generation: int

    @property
    def stage(self) -> str:
        """What it is drawn as: real rows, or the name of its kind."""
        return kinds.REAL if self.regime == kinds.REAL else self.kind.name


def nodes(boxes: Iterable[Box], project: Project) -> dict[str, Artefact]:
    """Return path → node of the boxes that can be drawn; none where no manifest is here."""
    return {box.path: project.artefact(box.path) for box in boxes if Path(paths.manifest(box.path)).is_file()}


def boxes(key: str, config: Config) -> list[Box]:
    """Return every artefact that could be shown, of the first seed: the real pool, the origin, and each arm's sets and checkpoints."""
    experiment = config.experiments[key]
    seed = experiment.seeds[0]
    graph = [Box(kinds.REAL_TRAIN.of_pool(key, experiment.pool_of(seed)), kinds.REAL_TRAIN, kinds.REAL, REAL_DATA)]
    graph += [Box(kind.path(key, "", seed, 0), kind, kinds.ORIGIN, 0) for kind in _kinds(config, Key(key, kinds.ORIGIN, seed, 0))]
    for regime in experiment.regimes:
        arm_kinds = _kinds(config, Key(key, regime, seed, 1))
        for generation in kept_generations(experiment, MAX_GENERATIONS):
            graph += [Box(kind.path(key, regime, seed, generation), kind, regime, generation) for kind in arm_kinds]
    return graph


def _kinds(config: Config, key: Key) -> list[Kind]:
    """Return the kinds that are drawn of a generation, in the order in which they are made; a chain leaves what its steps would make."""
    steps = [step for step in STEPS.values() if step.place == kinds.GENERATION and step.exists(config, key)]
    return [kind for step in steps for kind in step.makes.values() if kind.is_drawn]


def context(results: ExperimentResults, boxes: Iterable[Box], node_of: Mapping[str, Artefact]) -> dict[str, Any] | None:
    """Return the table for the template, and the facts of each box for the script; None where nothing is here.

    Parameters
    ----------
    boxes
        Every artefact that could be shown (`boxes`).
    node_of
        Path → node (`nodes`).

    Returns
    -------
    ``seed``, ``heads`` of the columns, ``rows`` with ``name`` and ``cells`` (the boxes of each column), ``facts`` by the place of a box,
    and ``shares`` of real rows
    """
    visible = [box for box in boxes if box.path in node_of]
    if not visible:
        return None
    shares, ledger = _shares(results.rows), facts.ledger()
    generations = sorted({box.generation for box in visible})
    drawings = {box.path: _drawing(place, box, node_of[box.path], shares, ledger) for place, box in enumerate(visible)}
    places = {box.path: place for place, box in enumerate(visible)}
    return {
        "experiment": results.key,
        "seed": results.experiment.seeds[0],
        "heads": ["real data" if generation == REAL_DATA else f"generation {generation}" for generation in generations],
        "rows": [_row(name, generations, visible, drawings) for name in (kinds.ORIGIN, *results.experiment.regimes)],
        "facts": [_facts(box, node_of[box.path], shares, ledger, places) for box in visible],
        "shares": _table(results.experiment, shares),
    }


def _row(name: str, generations: Sequence[int], visible: Sequence[Box], drawings: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return an arm with the boxes of each generation; the real rows stand in the origin's row."""
    names = (kinds.REAL, kinds.ORIGIN) if name == kinds.ORIGIN else (name,)
    own = [box for box in visible if box.regime in names]
    cells = [[drawings[box.path] for box in own if box.generation == generation] for generation in generations]
    return {"name": name, "cells": cells}


def _drawing(place: int, box: Box, node: Artefact, shares: Mapping[Share, float], ledger: facts.Ledger) -> dict[str, Any]:
    share = _real_share(box, shares)
    lines = _size_and_cost(node, share, ledger)
    head = {"at": place, "stage": box.stage, "word": box.kind.word, "sha": node.sha256[:8], "name": _name(box)}
    return {**head, "lines": lines, "share": share}


def _size_and_cost(node: Artefact, share: float | None, ledger: facts.Ledger) -> list[str]:
    """Return how many rows an artefact has and what part of them is real, and what it cost; nothing of what is not known."""
    rows = facts.rows(Path(node.path))
    seconds = facts.seconds(node, ledger)
    size = "" if rows is None else f"{number(rows)} {'row' if rows == 1 else 'rows'}"
    real = "" if share is None else f"{_percent(share)} real"
    cost = "" if seconds is None else f"{seconds:,.1f} s"
    rows_line = ", ".join(filter(None, (size, real)))
    return [line for line in (rows_line, cost) if line]


def _facts(box: Box, node: Artefact, shares: Mapping[Share, float], ledger: facts.Ledger, places: Mapping[str, int]) -> dict[str, Any]:
    """Return the facts of an artefact, as pairs of words, its manifest, and the places of those that it was made from."""
    share = _real_share(box, shares)
    pairs = [*facts.facts(node, Path(node.path), ledger), ("real rows", _percent(share) or "–")]
    safe_pairs = [[name, safe(value)] for name, value in pairs]
    inputs = [source.path or "" for source in node.inputs if source.role != "held_out"]
    sources = [places[path] for path in inputs if path in places]
    return {"name": _name(box), "pairs": safe_pairs, "manifest": dumps(dict(node.manifest)), "sources": sources}


def _name(box: Box) -> str:
    return references.name_of(box.path)


def _real_share(box: Box, shares: Mapping[Share, float]) -> float | None:
    mix_share = shares.get((SHARES[0], box.regime, box.generation))
    share_of = {kinds.REAL_TRAIN: 1.0, kinds.SYNTHETIC: 0.0, kinds.TRAIN: mix_share}
    return share_of.get(box.kind)


def _shares(rows: pd.DataFrame) -> dict[Share, float]:
    """Return (measure, regime, generation) → mean over seeds of a measure of the training sets' ancestry."""
    ancestry = rows[rows["metric"].isin(SHARES)]
    means = ancestry.groupby(["metric", "regime", "generation"], as_index=False)["value"].mean()
    return {(row.metric, row.regime, row.generation): float(row.value) for row in means.itertuples()}


def _table(experiment: Experiment, shares: Mapping[Share, float]) -> dict[str, Any]:
    """Return the ancestry of each generation's training set: one row per arm, one column per generation that is shown."""
    generations = [0, *kept_generations(experiment, 2 * MAX_GENERATIONS)]
    rows = []
    for regime in experiment.regimes:
        cells = [_cell(regime if generation else kinds.ORIGIN, generation, shares) for generation in generations]
        rows.append({"name": regime, "cells": cells})
    return {"generations": generations, "rows": rows}


def _cell(regime: str, generation: int, shares: Mapping[Share, float]) -> dict[str, str]:
    real, tokens, depth = (shares.get((measure, regime, generation)) for measure in SHARES)
    return {"real": _percent(real), "tokens": _percent(tokens), "depth": number(depth)}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3g} %"
