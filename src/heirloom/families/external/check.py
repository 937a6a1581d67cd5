"""Whether a user's programs keep the contract of `family: external`: each promise is tried on the source's rows, and has one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import sources
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import external
from heirloom.families.base import Measuring, Sets
from heirloom.runtime.streams import Stream
from heirloom.specs.experiment import Experiment
from heirloom.specs.external import External

_STREAM = Stream(("plugin", "check"))
_FEW_ROWS = 7
_Rows = NDArray[np.float64]


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


def check(experiment: Experiment) -> Iterator[Finding]:
    """Yield what becomes of each promise, in the order in which a run would ask for it.

    Parameters
    ----------
    experiment
        One of the family `external`: as many rows as it has are trained on and asked for.
    """
    assert isinstance(experiment.family, External)
    trial = _Trial(experiment, experiment.family)
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

    def __init__(self, experiment: Experiment, family: External) -> None:
        source = experiment.source
        module = sources.module(source.name)
        pool_RND = module.draw(source, 1, _STREAM.child("rows"))[:, : experiment.rows]
        self.rows = Dataset.of(vector_table(pool_RND))
        self.held_out = Dataset.of(vector_table(module.draw_test(source, 1, _STREAM.child("rows"))))
        self.truth = module.law(source)
        self.family, self.experiment = family, experiment

    def promises(self) -> Iterator[tuple[str, Callable[[], str | None]]]:
        """Yield each promise and what tries it, which returns why a thing that need not be so is not, or nothing."""
        rows = f"{self.experiment.rows:,}"
        yield f"train: {rows} rows give a checkpoint", self._train
        if self.family.train.start != "scratch":
            yield "train: a training goes on from a checkpoint", self._go_on
        yield f"sample: {rows} rows of {self.experiment.source.row_numbers} finite numbers", self._sample
        yield f"sample: 1 row, and {_FEW_ROWS} rows", self._sample_few
        yield "sample: another seed gives other rows", self._other_seed
        if self.family.measure is not None:
            yield "measure: names and finite numbers", self._measure
        yield "sample: the same seed gives the same rows (may differ)", self._same_rows
        yield "train: the same rows and seed give the same bytes (may differ)", self._same_bytes

    def _train(self) -> None:
        self.model = external.train(self.rows, self.family.training, None, _STREAM.child("train"))

    def _go_on(self) -> None:
        external.train(self.rows, self.family.training, self.model, _STREAM.child("train"))

    def _sample(self) -> None:
        self.synthetic = self._sampled(self.experiment.rows)

    def _sample_few(self) -> None:
        for count in (1, _FEW_ROWS):
            self._sampled(count)

    def _other_seed(self) -> None:
        if np.array_equal(self._sampled(self.experiment.rows, "other"), self.synthetic):
            raise HeirloomError("two seeds gave the same rows: {seed} must decide what is drawn")

    def _measure(self) -> None:
        assert self.family.measurement is not None
        settings = self.family.measurement.model_dump(mode="json")
        synthetic = Dataset.of(vector_table(self.synthetic))
        sets = Sets(synthetic, synthetic, self.held_out, self.rows)
        external.evaluate(self.model, sets, self.model, Measuring(1, truth=self.truth, settings=settings), _STREAM.child("measure"))

    def _same_rows(self) -> str | None:
        is_equal = np.array_equal(self._sampled(self.experiment.rows), self.synthetic)
        return None if is_equal else "they differ: a run cannot be repeated byte by byte"

    def _same_bytes(self) -> str | None:
        again = external.train(self.rows, self.family.training, None, _STREAM.child("train"))
        first, second = (_sha256(model.folder) for model in (self.model, again))
        return None if first == second else "they differ: a run cannot be repeated byte by byte"

    def _sampled(self, num_rows: int, name: str = "first") -> _Rows:
        settings = self.family.sampling_of(self.experiment.source.row_numbers)
        blocks = external.sample(self.model, None, num_rows, settings, _STREAM.child("sample", name))
        return np.concatenate([*blocks], axis=1)


def _sha256(folder: Path) -> str:
    return str(fingerprint(folder)["sha256"])
