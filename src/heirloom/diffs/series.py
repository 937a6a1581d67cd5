"""A series: the matrix of distances between all pairs of generations, and the path, which words died when.

Shapes: G datasets, V types of all of them together.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.artefacts.files import dumps
from heirloom.diffs.common import common
from heirloom.diffs.comparison import compare
from heirloom.diffs.options import Options
from heirloom.diffs.render.blocks import Block, Line, Section, Table, Texts, number
from heirloom.diffs.result import SCHEMA_VERSION, Measure
from heirloom.diffs.sides import Side, locate
from heirloom.diffs.views import viewed_side
from heirloom.diffs.words import Lexicon
from heirloom.measures.text import BANDS
from heirloom.runtime.headway import laps
from heirloom.spreadsheets import guarded

_OPPOSITE = {"narrower": "broader", "broader": "narrower"}


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
        return all(verdict == "same" for verdict in chain.from_iterable(self.verdicts))

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
        for name_a, distances, verdicts in zip(self.names, self.distances, self.verdicts, strict=True):
            for name_b, distance, verdict in zip(self.names, distances, verdicts, strict=True):
                writer.writerow((guarded(name_a), guarded(name_b), distance, verdict))
        return text.getvalue()


def series(datasets: Sequence[str | Path | Side], options: Options, *, ordered: bool = True) -> Series:
    """Return all pairs of some datasets, and the path through them.

    Each pair is compared once; the verdict of B against A is that of A against B turned round.

    Parameters
    ----------
    ordered
        Whether they follow one another, as generations do; else there is no path.
    """
    located_sides = (one if isinstance(one, Side) else locate(one) for one in datasets)
    sides = [viewed_side(side, options) for side in located_sides]
    size = len(sides)
    distances = np.zeros((size, size))
    verdicts = [["same"] * size for _ in range(size)]
    distance_name = ""
    for i, j in laps([*combinations(range(size), 2)]):
        diff = compare(sides[i], sides[j], options)
        if diff.distribution:
            distance_name = diff.distribution.distance_name
            distances[i, j] = distances[j, i] = diff.distribution.distance
        verdict = diff.verdict.direction or diff.verdict.answer
        verdicts[i][j] = verdict
        verdicts[j][i] = _OPPOSITE.get(verdict, verdict)
    return Series(
        names=tuple(side.name for side in sides),
        distance_name=distance_name,
        distances=tuple(map(tuple, distances.tolist())),
        verdicts=tuple(map(tuple, verdicts)),
        path=_path(sides, options.max_examples) if ordered else (),
    )


def page(result: Series) -> list[Section]:
    """Return the sections of a series."""
    names = _short(result.names)
    distances = tuple((name, *map(number, row)) for name, row in zip(names, result.distances, strict=True))
    verdicts = tuple((name, *row) for name, row in zip(names, result.verdicts, strict=True))
    matrices = (Table(result.distance_name, ("", *names), distances), Table("row against column: B is …", ("", *names), verdicts))
    return [Section(f"All pairs of {result.names[0]} … {result.names[-1]}", matrices), *_path_section(result, names)]


def _path_section(result: Series, names: Sequence[str]) -> list[Section]:
    if not result.path:
        return []
    bands = [share.name for share in result.path[0].alive]
    columns = ("", "types", *bands, "died", "reborn")
    rows, examples = [], []
    for name, step in zip(names, result.path, strict=True):
        shares = [f"{100 * share.b:.1f} %" for share in step.alive]
        rows.append((name, number(step.types), *shares, number(step.died), number(step.reborn)))
        if step.died_examples:
            examples.append(f"{name}: {', '.join(step.died_examples)}")
    blocks: list[Block] = [
        Line(f"Share of the types of {result.names[0]} that are still there, by how often it had them."),
        Table("", columns, tuple(rows)),
    ]
    if examples:
        blocks.append(Texts("last seen before: the most frequent that never came back", tuple(examples)))
    return [Section("What died when", tuple(blocks))]


def _path(sides: Sequence[Side], examples: int) -> tuple[Step, ...]:
    shared = common(sides[0], sides[-1])
    if shared.kind == "vectors":
        return ()
    lexicon = shared.lexicon()
    side_counts = [_counts(side, lexicon) for side in sides]
    counts_GV = np.stack([np.pad(counts, (0, len(lexicon) - len(counts))) for counts in side_counts])
    alive_GV = counts_GV > 0
    first_counts_V = counts_GV[0]
    bands = {label: (first_counts_V >= band.start) & (first_counts_V < band.stop) for label, band in BANDS.items()}
    steps = []
    for index, side in enumerate(sides):
        alive_V, previous_V = alive_GV[index], alive_GV[max(0, index - 1)]
        died_V = alive_GV[0] & previous_V & ~alive_GV[index:].any(axis=0)
        died = np.flatnonzero(died_V)
        most_frequent = died[np.argsort(-first_counts_V[died], kind="stable")][:examples]
        shares = [Measure(f"seen {label}", 1.0, float(alive_V[band_V].mean())) for label, band_V in bands.items() if band_V.any()]
        num_reborn = int((alive_GV[0] & ~previous_V & alive_V).sum())
        died_examples = tuple(lexicon.spell(most_frequent.tolist()))
        steps.append(Step(side.name, int(alive_V.sum()), tuple(shares), len(died), num_reborn, died_examples))
    return tuple(steps)


def _counts(side: Side, lexicon: Lexicon) -> NDArray[np.int64]:
    counts = np.zeros(0, np.int64)
    for batch in side.batches([lexicon.column]):
        words = lexicon.read(batch.column(0))
        batch_counts = np.bincount(words.values, minlength=len(counts))
        batch_counts[: len(counts)] += counts
        counts = batch_counts
    return counts


def _short(names: Sequence[str]) -> list[str]:
    """Return the part of each name that tells it from the others."""
    last_parts = [re.sub(r"^.*/", "", name) for name in names]
    return last_parts if len(set(last_parts)) == len(last_parts) else list(names)
