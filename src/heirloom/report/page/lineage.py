"""The graph of datasets and checkpoints, drawn from the manifests: where each box stands, what it came from, and what is told of it."""

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
    """An artefact and its place: column and row count from 0, and so many gaps stand before the column."""

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
    origin, arms = (
        _kinds(config, Key(key, kinds.ORIGIN, seed, 0)),
        {one: _kinds(config, Key(key, one, seed, 1)) for one in experiment.regimes},
    )
    columns = [kind for kind in made_kinds() if any(kind in listed for listed in arms.values())]
    found = [Box(kinds.REAL_TRAIN.of_pool(key, experiment.pool_of(seed)), kinds.REAL_TRAIN, kinds.REAL, -1, 0, 0)]
    found += [Box(kind.path(key, "", seed, 0), kind, kinds.ORIGIN, 0, column, 0) for column, kind in enumerate(origin, 1)]
    for row, (regime, listed) in enumerate(arms.items(), 1):
        for place, generation in enumerate(kept_generations(experiment, MAX_GENERATIONS)):
            first = 1 + len(origin) + place * len(columns)
            places = [(kind, first + columns.index(kind)) for kind in listed]
            found += [
                Box(kind.path(key, regime, seed, generation), kind, regime, generation, column, row, place + 1) for kind, column in places
            ]
    return found


def _kinds(config: Config, key: Key) -> list[Kind]:
    """Return the kinds that are drawn of a generation, in the order in which they are made; a chain leaves what its steps would make."""
    steps = [step for step in STEPS.values() if step.place == kinds.GENERATION and step.exists(config, key)]
    return [kind for step in steps for kind in step.makes.values() if kind.is_drawn]


def context(results: ExperimentResults, boxes: Iterable[Box], known: Mapping[str, Artefact]) -> dict[str, Any] | None:
    """Return the drawing for the template, and what is told of each box for the script; None where nothing is here.

    Parameters
    ----------
    boxes
        Every artefact that could be shown (`boxes`).
    known
        Path → node (`nodes`).
    """
    shown = [box for box in boxes if box.path in known]
    if not shown:
        return None
    experiment = results.experiment
    shares = _shares(results.rows)
    spent = facts.ledger()
    drawn = [_drawn(box, known[box.path], shares, spent) for box in shown]
    told = [_told(box, known[box.path], shares, spent) for box in shown]
    return {
        "experiment": results.key,
        "seed": experiment.seeds[0],
        "width": max(box["x"] for box in drawn) + WIDTH + GAP,
        "height": max(box["y"] for box in drawn) + HEIGHT + GAP,
        "box": {"width": WIDTH, "height": HEIGHT},
        "boxes": drawn,
        "edges": _edges(shown, known),
        "rows": [{"name": name, "y": TOP + DOWN * row + HEIGHT / 2} for row, name in enumerate([kinds.ORIGIN, *experiment.regimes])],
        "heads": _heads(shown),
        "told": told,
        "shares": _table(experiment, shares),
    }


def _drawn(box: Box, node: Artefact, shares: Mapping[Share, float], spent: facts.Ledger) -> dict[str, Any]:
    share = _real_share(box, shares)
    lines = [box.kind.word, node.sha256[:8], *_sizes(node, share, spent)]
    placed = [{"words": words, "y": FIRST_LINE + LINE * place} for place, words in enumerate(lines)]
    return {"x": _x(box), "y": _y(box.row), "stage": box.stage, "lines": placed, "share": share, "name": _name(box)}


def _sizes(node: Artefact, share: float | None, spent: facts.Ledger) -> list[str]:
    """Return how many rows an artefact has and what part of them is real, and what it cost; nothing of what is not known."""
    rows, seconds = facts.rows(Path(node.path)), facts.seconds(node, spent)
    told = [f"{number(rows)} rows" if rows is not None else "", f"{_percent(share)} real" if share is not None else ""]
    return [words for words in (", ".join(filter(None, told)), "" if seconds is None else f"{seconds:,.1f} s") if words]


def _told(box: Box, node: Artefact, shares: Mapping[Share, float], spent: facts.Ledger) -> dict[str, Any]:
    """Return what the reader is told of an artefact, as pairs of words, and its manifest."""
    share = _real_share(box, shares)
    pairs = [*facts.facts(node, Path(node.path), spent), ("real rows", _percent(share) or "–")]
    return {"name": _name(box), "pairs": [[one, safe(other)] for one, other in pairs], "manifest": dumps(dict(node.manifest))}


def _edges(shown: Sequence[Box], known: Mapping[str, Artefact]) -> list[dict[str, Any]]:
    """Return the curves from what went in to what came out, both being shown."""
    places = {box.path: place for place, box in enumerate(shown)}
    first = min((box.generation for box in shown if box.generation > 0), default=0)
    edges = []
    for other, box in enumerate(shown):
        for given in known[box.path].inputs:
            if given.path in places and given.role != "held_out":
                one = shown[places[given.path]]
                x1, y1, x2, y2 = _x(one) + WIDTH, _y(one.row) + HEIGHT / 2, _x(box), _y(box.row) + HEIGHT / 2
                bend = max(12.0, (x2 - x1) / 2)
                d = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
                reach = "" if one.row == box.row else "far" if box.generation == first else "long"
                edges.append({"d": d, "reach": reach, "one": places[one.path], "other": other})
    return edges


def _heads(shown: Sequence[Box]) -> list[dict[str, Any]]:
    firsts: dict[int, Box] = {}
    for box in sorted(shown, key=lambda box: box.column):
        firsts.setdefault(box.generation, box)
    return [{"words": "real data" if g < 0 else f"generation {g}", "x": _x(box)} for g, box in sorted(firsts.items())]


def _x(box: Box) -> float:
    return MARGIN + ACROSS * box.column + GAP * box.gaps


def _y(row: int) -> float:
    return TOP + DOWN * row


def _name(box: Box) -> str:
    return references.name_of(box.path)


def _real_share(box: Box, shares: Mapping[Share, float]) -> float | None:
    known = {kinds.REAL_TRAIN: 1.0, kinds.SYNTHETIC: 0.0, kinds.TRAIN: shares.get((SHARES[0], box.regime, box.generation))}
    return known.get(box.kind)


def _shares(own: pd.DataFrame) -> dict[Share, float]:
    """Return (measure, regime, generation) → mean over seeds, of what the training sets were made of."""
    rows = own[own["metric"].isin(SHARES)]
    means = rows.groupby(["metric", "regime", "generation"], as_index=False)["value"].mean()
    return {(row.metric, row.regime, row.generation): float(row.value) for row in means.itertuples()}


def _table(experiment: Experiment, shares: Mapping[Share, float]) -> dict[str, Any]:
    """Return what each generation's training set was made of: a row an arm, a column a generation that is shown."""
    generations = [0, *kept_generations(experiment, 2 * MAX_GENERATIONS)]
    rows = []
    for regime in experiment.regimes:
        cells = [[shares.get((name, regime if g else kinds.ORIGIN, g)) for name in SHARES] for g in generations]
        rows.append(
            {
                "name": regime,
                "cells": [{"real": _percent(one), "tokens": _percent(two), "depth": number(three)} for one, two, three in cells],
            }
        )
    return {"generations": generations, "rows": rows}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3g} %"
