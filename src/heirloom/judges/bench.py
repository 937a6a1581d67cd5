"""The bench of judges: each is asked in turn, and the rows that it keeps are handed to the next.

Legend of shapes: R replicas, N rows of a replica, M real rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom import selection
from heirloom.data.choice import subset
from heirloom.data.dataset import Dataset
from heirloom.families import family
from heirloom.families.abilities import Judge
from heirloom.judges import commands, installed, measures
from heirloom.runtime.streams import Stream
from heirloom.specs.judges import Judgement, MeasureJudge, PlannedModel, PlannedPackageJudge
from heirloom.specs.programs import Program

Scores = NDArray[np.float64]


class JudgeModel(NamedTuple):
    """A model that judges, and its family."""

    family: str
    model: Any

    def log_likelihoods(self, rows: Dataset, chunk_rows: int) -> Scores:
        """Return the log-likelihood of each row in nats, shape (R, N)."""
        return cast("Judge", family(self.family)).log_likelihoods(self.model, rows, chunk_rows)


@dataclass(frozen=True)
class Witnesses:
    """What judges may look at beside the rows; each is None, or left out, where no judge asks for it.

    Parameters
    ----------
    origin, parent
        The model of generation 0, and the one that wrote the rows.
    models
        Reference in the config → a model of another experiment.
    original
        The rows that the origin was trained on.
    chunk_rows
        Rows that are scored together.
    """

    origin: JudgeModel | None
    parent: JudgeModel | None
    models: Mapping[str, JudgeModel]
    original: Dataset | None
    chunk_rows: int


def select(rows: Dataset, judgements: Sequence[Judgement], witnesses: Witnesses, stream: Stream) -> tuple[Dataset, list[dict[str, float]]]:
    """Return the rows that all judges let pass, and of each judge how many rows it was given and how many it kept.

    A judge that does not know which rows are real has ``real_rows`` and ``real_wins`` beside them (`real_wins`).

    Raises
    ------
    HeirloomError
        If a judge fails, or keeps no row.
    """
    notes = []
    for number, judgement in enumerate(judgements):
        judge_stream = stream.child("judge", number) if number else stream
        scores, blind_notes = _scores(rows, judgement, witnesses, judge_stream)
        kept_rows = selection.select(rows, scores, judgement, judge_stream)
        notes.append({"given": rows.num_rows, "kept": kept_rows.num_rows, **blind_notes})
        rows = kept_rows
    return rows, notes


def real_wins(real_M: Scores, synthetic_N: Scores) -> float:
    """Return the share of pairs of a real and a synthetic row in which the real one has the higher score; a tie is half of one.

    It is the statistic of Mann and Whitney (1947) divided by the number of pairs: 1/2 for a judge that cannot tell the two apart.
    """
    ascending_N = np.sort(synthetic_N)
    lower = np.searchsorted(ascending_N, real_M, side="left")
    not_higher = np.searchsorted(ascending_N, real_M, side="right")
    return float((lower + not_higher).mean() / 2 / len(ascending_N))


def _scores(rows: Dataset, judgement: Judgement, witnesses: Witnesses, stream: Stream) -> tuple[Scores, dict[str, float]]:
    """Return the score of each row, shape (R, N), and what a blind judge made of real rows."""
    if judgement.keep == "random":
        return np.zeros(_shape(rows)), {}
    match judgement.by:
        case MeasureJudge(measure=name):
            return measures.MEASURES[name](rows), {}
        case PlannedModel(model=reference):
            return witnesses.models[reference].log_likelihoods(rows, witnesses.chunk_rows), {}
        case PlannedPackageJudge() as judge:
            return installed.score(judge, rows, _shape(rows), stream.child("package")), {}
        case Program() as program:
            return _asked_program(program, rows, judgement.hides_kind, witnesses, stream)
    return _likelihoods(rows, judgement, witnesses), {}


def _likelihoods(rows: Dataset, judgement: Judgement, witnesses: Witnesses) -> Scores:
    origin, parent, chunk_rows = witnesses.origin, witnesses.parent, witnesses.chunk_rows
    scores = np.zeros(())
    if judgement.by != "parent":
        assert origin is not None
        scores = origin.log_likelihoods(rows, chunk_rows)
    if judgement.by == "likelihood":
        return scores
    assert parent is not None
    parent_scores = parent.log_likelihoods(rows, chunk_rows)
    return parent_scores if judgement.by == "parent" else scores - parent_scores


def _asked_program(
    program: Program, rows: Dataset, is_blind: bool, witnesses: Witnesses, stream: Stream
) -> tuple[Scores, dict[str, float]]:
    """Return a program's scores; where it must not know which rows are real, as many original ones are among those that it reads."""
    table = commands.content(rows)
    reference = witnesses.original if "{original}" in program.command else None
    program_stream = stream.child("program")
    if not is_blind:
        return commands.score(program, table, reference, program_stream).reshape(_shape(rows)), {}
    assert witnesses.original is not None
    num_real = min(table.num_rows, witnesses.original.num_rows)
    places = subset(stream.child("blind"), witnesses.original.num_rows, num_real, 1)[0]
    real = commands.content(witnesses.original.take(places))
    order = stream.child("shuffle").generator().permutation(table.num_rows + num_real)
    shuffled_rows = pa.concat_tables([table, real]).take(pa.array(order))
    scores = np.empty(len(order))
    scores[order] = commands.score(program, shuffled_rows, reference, program_stream)
    synthetic_scores, real_scores = np.split(scores, [table.num_rows])
    notes = {"real_rows": num_real, "real_wins": real_wins(real_scores, synthetic_scores)}
    return synthetic_scores.reshape(_shape(rows)), notes


def _shape(rows: Dataset) -> tuple[int, int]:
    """Return replicas and rows of each; text has one replica."""
    if "replica" not in rows.pieces[0].columns:
        return 1, rows.num_rows
    num_replicas = 1 + max(int(batch.column(0).to_numpy().max()) for batch in rows.batches(["replica"]) if batch.num_rows)
    return num_replicas, rows.num_rows // num_replicas
