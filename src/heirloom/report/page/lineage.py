"""The graph of datasets and checkpoints, drawn from the manifests: the place of each box, its inputs, and its facts."""

from __future__ import annotations

import itertools
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
from heirloom.workflow.steps import STEPS, made_kinds

if TYPE_CHECKING:
    import pandas as pd

MAX_GENERATIONS = 5
WIDTH, HEIGHT = 152, 62
ACROSS, DOWN, GAP, MARGIN = 172, 84, 22, 130
TOP = 44
FIRST_LINE, LINE = 15, 13

SHARES = ("ancestry.real_row_share", "ancestry.real_token_share", "ancestry.depth_mean")

Share = tuple[str, str, int]
"""Measure, regime, generation."""


class Box(NamedTuple):
    """An artefact and its place: column and row count from 0, and ``gaps`` is the number of gaps before the column."""

    path: str
    kind: Kind
    regime: str
    generation: int
    column: int
    row: int
    gaps: int = 0

    @property
    def stage(self) -> str:
        """What it is drawn as: real rows, or the name of its kind."""
        return kinds.REAL if self.regime == kinds.REAL else self.kind.name


def nodes(boxes: Iterable[Box], project: Project) -> dict[str, Artefact]:
    """Return path → node of the boxes that can be drawn; none where no manifest is here."""
    return {box.path: project.artefact(box.path) for box in boxes if Path(paths.manifest(box.path)).is_file()}


def boxes(key: str, config: Config) -> list[Box]:
    """Return every artefact that could be shown, of the first seed: the real pool, the origin, and each arm's sets and checkpoints.

    A generation has a column for each kind that any of its arms has, so that generations stand below one another.
    """
    experiment = config.experiments[key]
    seed = experiment.seeds[0]
    origin_kinds = _kinds(config, Key(key, kinds.ORIGIN, seed, 0))
    kinds_of = {regime: _kinds(config, Key(key, regime, seed, 1)) for regime in experiment.regimes}
    all_kinds = set(itertools.chain.from_iterable(kinds_of.values()))
    columns = [kind for kind in made_kinds() if kind in all_kinds]
    pool = kinds.REAL_TRAIN.of_pool(key, experiment.pool_of(seed))
    graph = [Box(pool, kinds.REAL_TRAIN, kinds.REAL, -1, 0, 0)]
    graph += [Box(kind.path(key, "", seed, 0), kind, kinds.ORIGIN, 0, column, 0) for column, kind in enumerate(origin_kinds, 1)]
    for row, (regime, arm_kinds) in enumerate(kinds_of.items(), 1):
        for gaps, generation in enumerate(kept_generations(experiment, MAX_GENERATIONS), 1):
            first = 1 + len(origin_kinds) + (gaps - 1) * len(columns)
            for kind in arm_kinds:
                path = kind.path(key, regime, seed, generation)
                graph.append(Box(path, kind, regime, generation, first + columns.index(kind), row, gaps))
    return graph


def _kinds(config: Config, key: Key) -> list[Kind]:
    """Return the kinds that are drawn of a generation, in the order in which they are made; a chain leaves what its steps would make."""
    steps = [step for step in STEPS.values() if step.place == kinds.GENERATION and step.exists(config, key)]
    return [kind for step in steps for kind in step.makes.values() if kind.is_drawn]


def context(results: ExperimentResults, boxes: Iterable[Box], node_of: Mapping[str, Artefact]) -> dict[str, Any] | None:
    """Return the drawing for the template, and the facts of each box for the script; None where nothing is here.

    Parameters
    ----------
    boxes
        Every artefact that could be shown (`boxes`).
    node_of
        Path → node (`nodes`).
    """
    visible = [box for box in boxes if box.path in node_of]
    if not visible:
        return None
    experiment = results.experiment
    shares = _shares(results.rows)
    ledger = facts.ledger()
    drawings = [_drawing(box, node_of[box.path], shares, ledger) for box in visible]
    right = max(drawing["x"] for drawing in drawings)
    bottom = max(drawing["y"] for drawing in drawings)
    return {
        "experiment": results.key,
        "seed": experiment.seeds[0],
        "width": right + WIDTH + GAP,
        "height": bottom + HEIGHT + GAP,
        "box": {"width": WIDTH, "height": HEIGHT},
        "boxes": drawings,
        "edges": _edges(visible, node_of),
        "rows": _row_heads([kinds.ORIGIN, *experiment.regimes]),
        "heads": _column_heads(visible),
        "facts": [_facts(box, node_of[box.path], shares, ledger) for box in visible],
        "shares": _table(experiment, shares),
    }


def _drawing(box: Box, node: Artefact, shares: Mapping[Share, float], ledger: facts.Ledger) -> dict[str, Any]:
    share = _real_share(box, shares)
    texts = [box.kind.word, node.sha256[:8], *_size_and_cost(node, share, ledger)]
    lines = [{"words": text, "y": FIRST_LINE + LINE * place} for place, text in enumerate(texts)]
    return {"x": _x(box), "y": _y(box.row), "stage": box.stage, "lines": lines, "share": share, "name": _name(box)}


def _size_and_cost(node: Artefact, share: float | None, ledger: facts.Ledger) -> list[str]:
    """Return how many rows an artefact has and what part of them is real, and what it cost; nothing of what is not known."""
    rows = facts.rows(Path(node.path))
    seconds = facts.seconds(node, ledger)
    size = "" if rows is None else f"{number(rows)} rows"
    real = "" if share is None else f"{_percent(share)} real"
    cost = "" if seconds is None else f"{seconds:,.1f} s"
    rows_line = ", ".join(filter(None, (size, real)))
    return [line for line in (rows_line, cost) if line]


def _facts(box: Box, node: Artefact, shares: Mapping[Share, float], ledger: facts.Ledger) -> dict[str, Any]:
    """Return the facts of an artefact, as pairs of words, and its manifest."""
    share = _real_share(box, shares)
    pairs = [*facts.facts(node, Path(node.path), ledger), ("real rows", _percent(share) or "–")]
    safe_pairs = [[name, safe(value)] for name, value in pairs]
    return {"name": _name(box), "pairs": safe_pairs, "manifest": dumps(dict(node.manifest))}


def _edges(visible: Sequence[Box], node_of: Mapping[str, Artefact]) -> list[dict[str, Any]]:
    """Return the curves from inputs to outputs, as far as both are shown; ``one`` and ``other`` are their places."""
    places = {box.path: place for place, box in enumerate(visible)}
    first = min((box.generation for box in visible if box.generation > 0), default=0)
    edges = []
    for place, box in enumerate(visible):
        for source in node_of[box.path].inputs:
            if source.path in places and source.role != "held_out":
                source_place = places[source.path]
                parent = visible[source_place]
                edges.append({"d": _curve(parent, box), "reach": _edge_style(parent, box, first), "one": source_place, "other": place})
    return edges


def _curve(parent: Box, child: Box) -> str:
    """Return the path of an edge in SVG: a cubic curve from the right side of one box to the left side of another."""
    x1, y1 = _x(parent) + WIDTH, _y(parent.row) + HEIGHT / 2
    x2, y2 = _x(child), _y(child.row) + HEIGHT / 2
    bend = max(12.0, (x2 - x1) / 2)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def _edge_style(parent: Box, child: Box, first: int) -> str:
    """Return the style of an edge: far into another row of the first generation, long into one of a later generation."""
    if parent.row == child.row:
        return ""
    return "far" if child.generation == first else "long"


def _row_heads(names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"name": name, "y": _y(row) + HEIGHT / 2} for row, name in enumerate(names)]


def _column_heads(visible: Sequence[Box]) -> list[dict[str, Any]]:
    firsts: dict[int, Box] = {}
    for box in sorted(visible, key=lambda box: box.column):
        firsts.setdefault(box.generation, box)
    return [{"words": "real data" if g < 0 else f"generation {g}", "x": _x(box)} for g, box in sorted(firsts.items())]


def _x(box: Box) -> float:
    return MARGIN + ACROSS * box.column + GAP * box.gaps


def _y(row: int) -> float:
    return TOP + DOWN * row


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
