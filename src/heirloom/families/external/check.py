"""Whether a user's programs keep the contract of `family: external`: each promise is tried on the source's rows, and has one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data import pairs
from heirloom.data.columns import PROMPT, PROMPT_TEXT
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import external
from heirloom.families.base import Sets
from heirloom.families.external import lineages, programs
from heirloom.families.external.rows_file import Written
from heirloom.runtime.streams import Stream
from heirloom.specs.experiment import Experiment
from heirloom.specs.external import External

_STREAM = Stream(("plugin", "check"))
_FEW_ROWS = 7
_ROWS = {
    "vectors": "{} finite numbers",
    "images": "{} pixels",
    "text": "text",
    "pairs": "a completion for each prompt",
    "table": "the {} columns of the source",
}


class Finding(NamedTuple):
    """What became of one promise.

    Parameters
    ----------
    promise
        What the programs must do, or may.
    verdict
        ``holds``, ``broken``, ``not tried`` because an earlier one is broken, or ``no`` of what they may do and do not.
    note
        Why.
    """

    promise: str
    verdict: Literal["holds", "broken", "not tried", "no"]
    note: str = ""


def check(experiment: Experiment, pool: Dataset, held_out: Dataset) -> Iterator[Finding]:
    """Yield what becomes of each promise, in the order in which a run would ask for it.

    Parameters
    ----------
    experiment
        One of the family `external`: as many rows as it has are trained on and asked for.
    pool, held_out
        Its real rows.
    """
    assert isinstance(experiment.family, External)
    trial = _Trial(experiment, experiment.family, pool, held_out)
    is_broken = False
    for promise, keep in trial.promises():
        if is_broken:
            yield Finding(promise, "not tried")
            continue
        try:
            note = keep()
        except HeirloomError as error:
            is_broken = True
            yield Finding(promise, "broken", str(error))
        else:
            yield Finding(promise, "holds" if note is None else "no", note or "")


class _Trial:
    """One trial of an experiment's programs; later promises use what earlier ones have made."""

    def __init__(self, experiment: Experiment, family: External, pool: Dataset, held_out: Dataset) -> None:
        self.num_rows = min(experiment.rows, pool.num_rows)
        self.rows, self.held_out = pool.take(np.arange(self.num_rows)), held_out
        self.family, self.experiment = family, experiment

    def promises(self) -> Iterator[tuple[str, Callable[[], str | None]]]:
        """Yield each promise and what tries it, which returns why a thing that need not be so is not, or nothing."""
        rows = f"{self.num_rows:,}"
        yield f"train: {rows} rows give a checkpoint", self._train
        if self.family.train.start != "scratch":
            yield "train: a training goes on from a checkpoint", self._go_on
        what = _ROWS[self.family.rows].format(self.experiment.source.row_numbers)
        yield f"sample: {rows} rows of {what}", self._sample
        yield f"sample: 1 row, and {_FEW_ROWS} rows", self._sample_few
        yield "sample: another seed gives other rows", self._other_seed
        if self.family.measure is not None:
            yield "measure: names and finite numbers", self._measure
        if self.family.lineage is not None:
            yield "lineage: one program trains, and samples twice", self._lineage
            yield "lineage: its rows are those of train and sample (may differ)", self._lineage_rows
        yield "sample: the same seed gives the same rows (may differ)", self._same_rows
        yield "train: the same rows and seed give the same bytes (may differ)", self._same_bytes

    def _train(self) -> None:
        self.model = external.train(self.rows, self.family.training, None, _STREAM.child("train"))

    def _go_on(self) -> None:
        external.train(self.rows, self.family.training, self.model, _STREAM.child("train"))

    def _sample(self) -> None:
        self.synthetic = self._sampled(self.num_rows)

    def _sample_few(self) -> None:
        for count in (1, min(_FEW_ROWS, self.num_rows)):
            self._sampled(count)

    def _other_seed(self) -> None:
        if self._sampled(self.num_rows, "other").equals(self.synthetic):
            raise HeirloomError("two seeds gave the same rows: {seed} must decide what is drawn")

    def _measure(self) -> None:
        assert self.family.measurement is not None
        synthetic = Dataset.of(self.synthetic)
        sets = Sets(synthetic, synthetic, self.held_out, self.rows)
        programs.measure(self.family.measurement, self.model, sets, _STREAM.child("measure"))

    def _lineage(self) -> None:
        assert self.family.lineage_program is not None
        with lineages.whole_lineage(self.family.lineage_program):
            model = external.train(self.rows, self.family.training, None, _STREAM.child("train"))
            samples = [self._sampled(self.num_rows, "first", model) for _ in range(2)]
        self.lineage_rows = samples[0]

    def _lineage_rows(self) -> str | None:
        return None if self.lineage_rows.equals(self.synthetic) else "they differ: a chain's bytes are not those of a run by steps"

    def _same_rows(self) -> str | None:
        is_equal = self._sampled(self.num_rows).equals(self.synthetic)
        return None if is_equal else "they differ: a run cannot be repeated byte by byte"

    def _same_bytes(self) -> str | None:
        again = external.train(self.rows, self.family.training, None, _STREAM.child("train"))
        first, second = (_sha256(model.folder) for model in (self.model, again))
        return None if first == second else "they differ: a run cannot be repeated byte by byte"

    def _sampled(self, num_rows: int, name: str = "first", model: external.Model | None = None) -> pa.Table:
        """Return rows that the program writes of a model, by default the first, as far as they say something."""
        settings = self.family.sampling_of(self.experiment.source)
        prompts = self.rows.take(np.arange(num_rows)) if settings.continues_rows else None
        texts = None if prompts is None else _texts(prompts)
        written = [*external.sample(model or self.model, texts, num_rows, settings, _STREAM.child("sample", name))]
        return _as_rows(written, prompts)


def _texts(prompts: Dataset) -> Iterator[pa.Array]:
    column = PROMPT_TEXT if pairs.are_in(prompts) else "text"
    for batch in prompts.batches([column]):
        yield batch.column(0)


def _as_rows(written: Sequence[Written], prompts: Dataset | None) -> pa.Table:
    """Return what a program has written in the columns of rows; completions beside the prompts that they answer."""
    tables = [values for values in written if isinstance(values, pa.Table)]
    if not tables:
        return vector_table(np.concatenate([*written], axis=1))
    table = pa.concat_tables(tables)
    if prompts is None or not pairs.are_in(prompts):
        return table
    answered = prompts.table([PROMPT, PROMPT_TEXT])
    return answered.append_column("text", table["completion"]).append_column("stopped", table["stopped"])


def _sha256(folder: Path) -> str:
    return str(fingerprint(folder)["sha256"])
