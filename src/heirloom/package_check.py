"""Whether what an installed package offers keeps the contract: the promises of built-in families, judges and measures, one by one.

Legend of shapes: R replicas, N rows of a replica, W numbers of a row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from heirloom import sources
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.errors import HeirloomError, short
from heirloom.families import is_built_in
from heirloom.families.abilities import PROTOCOLS
from heirloom.families.base import Family, Measuring, Sets
from heirloom.families.external.check import Finding
from heirloom.families.promises import lacks
from heirloom.judges import installed
from heirloom.measures import scales
from heirloom.runtime import packages
from heirloom.runtime.packages import FAMILIES, JUDGES, MEASURES
from heirloom.runtime.streams import Stream
from heirloom.specs import packages as planned_packages
from heirloom.specs import tasks
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.experiment import Experiment
from heirloom.specs.judges import LIKELIHOODS, PlannedPackageJudge, RowMeasure
from heirloom.specs.measures import PlannedPackageMeasure
from heirloom.specs.vector_source import Law
from heirloom.steps import own_measures

_STREAM = Stream(("plugin", "check"))
_ROWS, _REPLICAS = 24, 2
_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "normal": {"dim": 2},
    "mixture": {"means": [[0.0, 0.0], [3.0, 3.0]]},
    "categorical": {"law": {"kind": "zipf", "types": 5}},
    "linear": {"features": 2},
}
"""Source → what its law needs beside the numbers of rows."""
_LAWS = {get_args(law.model_fields["name"].annotation)[0]: law for law in Law.__subclasses__()}
"""Names of the laws whose rows a family is tried on."""
_JUDGE_NAMES = {*LIKELIHOODS, *get_args(RowMeasure)}
_IS_TAKEN: Mapping[str, Callable[[str], bool]] = {
    FAMILIES: is_built_in,
    JUDGES: _JUDGE_NAMES.__contains__,
    MEASURES: lambda name: f"{name}." == tasks.PREFIX or scales.is_amount(name),
}
"""Group of entry points → whether Heirloom itself has a family, a judge or a measure of some name."""

Promises = Iterator[tuple[str, Callable[[], None]]]


def check(package: str) -> Iterator[tuple[str, list[Finding]]]:
    """Yield what each entry point of a package is, and what becomes of its promises.

    Raises
    ------
    HeirloomError
        If there is no such package, or it offers nothing.
    """
    points = packages.offers(package)
    if not points:
        raise HeirloomError(f"package {package}: has no entry point under {FAMILIES}, {MEASURES} or {JUDGES}; there is nothing to check")
    promises_of: dict[str, Callable[[str], Promises]] = {FAMILIES: family_promises, MEASURES: _measure_promises, JUDGES: _judge_promises}
    for point in points:
        yield f"{point.group} {point.name}", list(_findings(_with_name(point, promises_of[point.group](point.name))))


def _with_name(point: EntryPoint, promises: Promises) -> Promises:
    """Yield that a name is free and its package can be imported, and then its other promises."""

    def name_is_free() -> None:
        if _IS_TAKEN[point.group](point.name):
            raise HeirloomError(f"the name {point.name!r} is taken by Heirloom itself; give another one")
        packages.load(cast("Any", point.group), point.name)

    yield "the name is free, and the package can be imported", name_is_free
    yield from promises


def _findings(promises: Promises) -> Iterator[Finding]:
    is_broken = False
    for promise, keep in promises:
        if is_broken:
            yield Finding(promise, "not tried")
            continue
        try:
            keep()
        except _NotTriedError as reason:
            yield Finding(promise, "not tried", str(reason))
            return
        except HeirloomError as error:
            is_broken = True
            yield Finding(promise, "broken", str(error))
        except Exception as error:  # noqa: BLE001, whatever the package's own code raises
            is_broken = True
            yield Finding(promise, "broken", f"{type(error).__name__}: {short(' '.join(str(error).split()), 200)}")
        else:
            yield Finding(promise, "holds")


class _NotTriedError(Exception):
    """A promise cannot be tried here."""


def family_promises(name: str, module: ModuleType | None = None) -> Promises:
    """Yield each promise of a family, and what tries it.

    Parameters
    ----------
    module
        A family of Heirloom's own; by default that of the installed package.
    """
    trial = _FamilyTrial(name, module)
    yield "it has Spec, Fit, Sampling and the functions of a family", trial.functions
    yield "it has the functions of its abilities, and of no others", trial.abilities
    yield "a config that names it is sound", trial.config
    yield "train: equal rows and streams give equal bytes of safetensors and JSON", trial.bytes
    yield "load: the model comes back the same", trial.loading
    yield "sample: (replicas, rows, numbers), finite, the same from the same stream alone", trial.sampling
    yield "evaluate: finite numbers by name, the same every time", trial.measures


class _FamilyTrial:
    """One trial of a family; later promises use what earlier ones have made."""

    def __init__(self, name: str, module: ModuleType | None) -> None:
        self.name, self.own_module = name, module

    def functions(self) -> None:
        """Refuse a module that lacks what every family has."""
        self.module = self.own_module or packages.load(FAMILIES, self.name)
        absent = [part for part in ("Spec", "Fit", "Sampling") if part not in vars(self.module)]
        absent += lacks(self.module, Family)
        if absent:
            raise HeirloomError(f"it lacks {', '.join(absent)}, or has them with other parameters; see heirloom.families.base.Family")
        self.spec = self.module.Spec
        if not (isinstance(self.spec, type) and issubclass(self.spec, FamilySpec)):
            raise HeirloomError("Spec is no class of heirloom.specs.declaration.FamilySpec")

    def abilities(self) -> None:
        """Refuse a family whose functions are not those of the abilities that it declares."""
        kept = {ability for ability, protocol in PROTOCOLS.items() if not lacks(self.module, protocol)}
        declared = self.spec.abilities & PROTOCOLS.keys()
        if kept != declared:
            raise HeirloomError(f"Spec.abilities says {sorted(declared)}, and the functions are those of {sorted(kept)}")
        strange = sorted(set(self.spec.sources) - set(sources.SOURCES))
        if strange:
            raise HeirloomError(f"Spec.sources has {', '.join(strange)}; allowed are {', '.join(sources.SOURCES)}")

    def config(self) -> None:
        """Read a config of the family, and draw the rows that it is tried on."""
        law = next((source for source in self.spec.sources if source in _LAWS), None)
        if law is None:
            raise _NotTriedError(f"its sources are {', '.join(self.spec.sources)}; rows are drawn here for {', '.join(_LAWS)} alone")
        source = {"name": law, "rows": 2 * _ROWS, "test_rows": _ROWS, **_SETTINGS.get(law, {})}
        replicas = 1 if self.spec.is_single else _REPLICAS
        settings = {"source": source, "regimes": ["replace"], "generations": 1, "rows": _ROWS, "num_replicas": replicas}
        try:
            self.experiment = Experiment.model_validate({"family": {"name": self.name}, **settings})
        except ValidationError as error:
            raise HeirloomError("; ".join(fault["msg"] for fault in error.errors())) from None
        draws = sources.module(law)
        self.truth = draws.law(self.experiment.source)
        pool_RNW = draws.draw(self.experiment.source, replicas, _STREAM.child("rows"))
        self.rows = Dataset.of(vector_table(pool_RNW[:, :_ROWS]))
        self.held_out = Dataset.of(vector_table(draws.draw_test(self.experiment.source, replicas, _STREAM.child("rows"))))

    def bytes(self) -> None:
        """Refuse a training that gives other bytes the second time, or another kind of file."""
        self.model = self._trained()
        (first, names), (second, _) = self._saved(self.model), self._saved(self._trained())
        if first != second:
            raise HeirloomError("two trainings on equal rows from equal streams gave other bytes")
        strange = sorted(name for name in names if not name.endswith((".safetensors", ".json")))
        if strange:
            raise HeirloomError(f"save wrote {', '.join(strange)}; allowed are *.safetensors and *.json")

    def loading(self) -> None:
        """Refuse a model that comes back as another one."""
        with tempfile.TemporaryDirectory() as folder:
            self.module.save(self.model, Path(folder) / "one")
            loaded = self.module.load(Path(folder) / "one")
            is_same = self._saved(loaded)[0] == self._saved(self.model)[0]
        if not is_same or not np.array_equal(self._sampled(loaded, "drawing"), self._sampled(self.model, "drawing")):
            raise HeirloomError("a model that was saved and loaded has other bytes, or other rows")

    def sampling(self) -> None:
        """Refuse rows of another shape, that are not finite, or that no stream decides."""
        x_RNW = self._sampled(self.model, "drawing")
        expected = self.rows.by_replica().shape
        if x_RNW.shape != expected or not np.isfinite(x_RNW).all():
            raise HeirloomError(f"sample gave the shape {x_RNW.shape}; it must be {expected}, of finite numbers")
        if np.array_equal(x_RNW, self._sampled(self.model, "another")):
            raise HeirloomError("two streams gave the same rows: the stream must decide what is drawn")

    def measures(self) -> None:
        """Refuse measures that are no finite numbers, or others the second time."""
        rows = Dataset.of(vector_table(self._sampled(self.model, "drawing")))
        sets = Sets(rows, rows, self.held_out, self.rows)
        measured = [self._measured(sets), self._measured(sets)]
        if not measured[0] or not all(isinstance(value, float) and np.isfinite(value) for value in measured[0].values()):
            raise HeirloomError(f"evaluate gave {short(repr(measured[0]), 200)}; it must be finite numbers by name")
        if measured[0] != measured[1]:
            raise HeirloomError("evaluate gave other numbers the second time")

    def _trained(self) -> Any:
        fit = self.experiment.family.training.fit_settings(0, None)
        return self.module.train(self.rows, fit, None, _STREAM.child("fitting"))

    def _sampled(self, model: Any, name: str) -> NDArray[np.float64]:
        settings = self.experiment.family.sampling_of(self.experiment.source)
        return np.concatenate(list(self.module.sample(model, None, _ROWS, settings, _STREAM.child(name))), axis=1)

    def _measured(self, sets: Sets) -> dict[str, float]:
        measuring = Measuring(1, truth=self.truth)
        measures: dict[str, float] = self.module.evaluate(self.model, sets, self.model, measuring, _STREAM.child("measuring"))
        return measures

    def _saved(self, model: Any) -> tuple[str, list[str]]:
        """Return the hash of a model's files, and their names."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "model"
            self.module.save(model, place)
            names = [file.name for file in place.rglob("*") if file.is_file()]
            return str(fingerprint(place)["sha256"]), names


def _judge_promises(name: str) -> Promises:
    def scores() -> None:
        judge = PlannedPackageJudge(judge=name, package=planned_packages.planned(JUDGES, name))
        faults = []
        for rows, shape in _datasets():
            try:
                pair = [installed.score(judge, rows, shape, _STREAM.child("score")) for _ in range(2)]
            except HeirloomError as error:
                faults.append(error)
                continue
            if np.isnan(pair[0]).any() or not np.array_equal(pair[0], pair[1]):
                raise HeirloomError("`score` gave NaN, or other scores from the same stream")
            return
        raise faults[0]

    yield "score: one number for each row of vectors or of text, the same from the same stream", scores


def _measure_promises(name: str) -> Promises:
    def measures() -> None:
        planned = PlannedPackageMeasure(package=planned_packages.planned(MEASURES, name))
        faults = []
        for rows, _ in _datasets():
            try:
                pair = [own_measures.call(name, planned, Sets(rows, rows, rows, rows), _STREAM.child("measure")) for _ in range(2)]
            except HeirloomError as error:
                faults.append(error)
                continue
            if pair[0] != pair[1]:
                raise HeirloomError("`measure` gave other numbers from the same stream")
            return
        raise faults[0]

    yield "measure: finite numbers by name of vectors or of text, the same from the same stream", measures


def _datasets() -> Iterator[tuple[Dataset, tuple[int, int]]]:
    """Yield rows of vectors and of text, with the shape that their scores have."""
    x_RNW = _STREAM.child("vectors").generator().standard_normal((_REPLICAS, _ROWS, 2))
    yield Dataset.of(vector_table(x_RNW)), (_REPLICAS, _ROWS)
    tokens = _STREAM.child("tokens").generator().integers(0, 9, (_ROWS, 4)).astype(np.int32)
    yield Dataset.of(text_table(tokens, [f"row {number}" for number in range(_ROWS)], first_row=0)), (1, _ROWS)
