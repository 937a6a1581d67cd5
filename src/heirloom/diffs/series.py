"""A series: the matrix of distances between all pairs of generations, and the path, which words died when.

Shapes: G datasets, V types of all of them together.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.artefacts.files import dumps
from heirloom.diffs.common import common
from heirloom.diffs.comparison import Options, compare
from heirloom.diffs.render.blocks import Block, Line, Section, Table, Texts, number
from heirloom.diffs.result import SCHEMA_VERSION, Measure
from heirloom.diffs.sides import Side, locate
from heirloom.diffs.words import Lexicon
from heirloom.measures.text import BANDS


@dataclass(frozen=True)
class Step:
    """One dataset of a series.

    Parameters
    ----------
    types
        Its types.
    alive
        By frequency band of the first dataset: the share of that band's types that are here.
    died, reborn
        Types of the first dataset that the previous one had and this and all later ones lack; types of the first that the previous
        one lacked and this one has.
    died_examples
        The most frequent of those that died here.
    """

    name: str
    types: int
    alive: tuple[Measure, ...]
    died: int
    reborn: int
    died_examples: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """All pairs of a series: distance [i][j] and verdict [i][j] of dataset i against dataset j; the path for text."""

    names: tuple[str, ...]
    distance_name: str
    distances: tuple[tuple[float, ...], ...]
    verdicts: tuple[tuple[str, ...], ...]
    path: tuple[Step, ...]

    @property
    def same(self) -> bool:
        """Whether all hold the same rows."""
        return all(one == "same" for row in self.verdicts for one in row)

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def to_json(self) -> str:
        """Return sorted JSON."""
        return dumps(self.to_dict())

    def to_csv(self) -> str:
        """Return one line a pair: a, b, distance, verdict."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("a", "b", "distance", "verdict"))
        for one, distances, verdicts in zip(self.names, self.distances, self.verdicts, strict=True):
            writer.writerows((one, *rest) for rest in zip(self.names, distances, verdicts, strict=True))
        return text.getvalue()


def series(references: Sequence[str | Path], options: Options) -> Series:
    """Return all pairs of some datasets, and the path through them.

    Each pair is compared once; the verdict of B against A is that of A against B turned round.
    """
    sides = [locate(reference) for reference in references]
    size = len(sides)
    distances, verdicts, distance_name = np.zeros((size, size)), [["same"] * size for _ in range(size)], ""
    for i in range(size):
        for j in range(i + 1, size):
            found = compare(sides[i], sides[j], options)
            law = found.distribution
            distance_name = law.distance_name if law else distance_name
            distances[i, j] = distances[j, i] = law.distance if law else 0.0
            verdicts[i][j] = found.verdict.direction or found.verdict.answer
            verdicts[j][i] = {"narrower": "broader", "broader": "narrower"}.get(verdicts[i][j], verdicts[i][j])
    return Series(
        names=tuple(side.name for side in sides),
        distance_name=distance_name,
        distances=tuple(map(tuple, distances.tolist())),
        verdicts=tuple(map(tuple, verdicts)),
        path=_path(sides, options.max_examples),
    )


def page(found: Series) -> list[Section]:
    """Return the sections of a series."""
    short = _short(found.names)
    rows = tuple((name, *map(number, row)) for name, row in zip(short, found.distances, strict=True))
    verdicts = tuple((name, *row) for name, row in zip(short, found.verdicts, strict=True))
    matrix: list[Block] = [Table(found.distance_name, ("", *short), rows), Table("row against column: B is …", ("", *short), verdicts)]
    return [Section(f"All pairs of {found.names[0]} … {found.names[-1]}", tuple(matrix)), *_path_section(found, short)]


def _path_section(found: Series, short: Sequence[str]) -> list[Section]:
    if not found.path:
        return []
    bands = [one.name for one in found.path[0].alive]
    columns = ("", "types", *bands, "died", "reborn")
    rows = tuple(
        (name, number(step.types), *(f"{100 * one.b:.1f} %" for one in step.alive), number(step.died), number(step.reborn))
        for name, step in zip(short, found.path, strict=True)
    )
    died = tuple(f"{name}: {', '.join(step.died_examples)}" for name, step in zip(short, found.path, strict=True) if step.died_examples)
    blocks: list[Block] = [Line(f"Share of the types of {found.names[0]} that are still there, by how often it had them.")]
    blocks += [Table("", columns, rows), *([Texts("last seen before: the most frequent that never came back", died)] if died else [])]
    return [Section("What died when", tuple(blocks))]


def _path(sides: Sequence[Side], examples: int) -> tuple[Step, ...]:
    shared = common(sides[0], sides[-1])
    if shared.kind == "vectors":
        return ()
    lexicon = shared.lexicon()
    counted = [_counts(side, lexicon) for side in sides]
    counts = np.stack([np.pad(one, (0, len(lexicon) - len(one))) for one in counted])
    there = counts > 0
    first = counts[0]
    bands = {label: (first >= band.start) & (first < band.stop) for label, band in BANDS.items()}
    steps = []
    for number_, side in enumerate(sides):
        before = there[number_ - 1] if number_ else there[0]
        gone = there[0] & before & ~there[number_:].any(axis=0)
        named = np.flatnonzero(gone)[np.argsort(-first[gone], kind="stable")][:examples]
        alive = (Measure(f"seen {label}", 1.0, float(there[number_][band].mean())) for label, band in bands.items() if band.any())
        reborn = int((there[0] & ~before & there[number_]).sum())
        spelled = tuple(lexicon.spell(named.tolist()))
        steps.append(Step(side.name, int(there[number_].sum()), tuple(alive), int(gone.sum()), reborn, spelled))
    return tuple(steps)


def _counts(side: Side, lexicon: Lexicon) -> NDArray[np.int64]:
    counts = np.zeros(0, np.int64)
    for batch in side.batches([lexicon.column]):
        seen = np.bincount(lexicon.read(batch.column(0)).values, minlength=len(counts))
        seen[: len(counts)] += counts
        counts = seen
    return counts


def _short(names: Sequence[str]) -> list[str]:
    """Return the part of each name that tells it from the others."""
    lasts = [re.sub(r"^.*/", "", name) for name in names]
    return lasts if len(set(lasts)) == len(lasts) else list(names)
