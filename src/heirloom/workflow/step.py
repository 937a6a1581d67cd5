"""What a step of the workflow is: one value that says what it makes and takes, where it may run, and where its functions stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, cast

from heirloom.artefacts.kinds import GENERATION, LINEAGE, REAL, Key, Kind, Place

if TYPE_CHECKING:
    from heirloom.config import Config
    from heirloom.planning.work import Work
    from heirloom.steps.slices import Slice as AnySlice

Find = Callable[["Config", Key], Sequence[str]]
"""Finds the paths of what a job takes in one role; none where the job has no need of it."""

Spread = Literal["machines", "batches", "processes", "shards"]
"""What a step's work can be divided among: machines, processes that share each batch (which changes bytes), processes, jobs."""


class Job(NamedTuple):
    """One job: its step and its key. What its step does not tell apart is None; real data has the regime `kinds.REAL`."""

    step: str
    experiment: str
    regime: str = REAL
    seed: int | None = None
    generation: int | None = None

    @property
    def key(self) -> Key:
        """The job without its step."""
        return Key(*self[1:])


@dataclass(frozen=True)
class Role:
    """A role that artefacts play in a step.

    Attributes
    ----------
    find
        Finds their paths.
    words
        What they are, for people.
    is_needed
        Whether every job of the step has one.
    is_many
        Whether a job may have several.
    """

    find: Find
    words: str
    is_needed: bool = True
    is_many: bool = False


class Module(Protocol):
    """What a step's module ``heirloom.steps.<name>`` offers."""

    Slice: type[AnySlice]
    """The type of a job's slice."""
    slice_of: Callable[[Config, Key], AnySlice]
    """Returns the slice of a job."""
    run: Callable[..., None]
    """Does a job: slice, role → path of the inputs, role → path of the outputs."""


@dataclass(frozen=True)
class Step:
    """A step of the workflow.

    Attributes
    ----------
    name
        What its command, its rule and its manifests call it.
    words
        What it does, in a sentence.
    makes
        Role → kind of the artefacts that it makes.
    exists
        Whether what has a key (an experiment, a lineage, a generation) has this step at all, by the config.
    takes
        Role → artefacts that go in.
    optional
        Roles of what only some of its jobs make.
    leaves
        Kinds that a job may leave beside what it makes: no rule names them, and no job can be asked for them.
    priority
        Snakemake's; 0 where nothing but tables waits for what it makes.
    is_accelerated
        Whether a job may compute on an accelerator.
    spread
        What the work of a job can be divided among.
    counted
        Kinds of datasets whose tokens a job reads or writes, for the table of costs. By default the rows that it makes.
    joins_members
        Whether one job makes what belongs to all members of a population.
    is_asked
        Whether a config asks for what it makes, which no other step takes.
    work
        ``module:function`` that says what a job has to do: (config, job) → `planning.work.Work`.
    """

    name: str
    words: str
    makes: Mapping[str, Kind]
    work: str
    exists: Callable[[Config, Key], bool]
    takes: Mapping[str, Role] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    leaves: tuple[Kind, ...] = ()
    priority: int = 0
    is_accelerated: bool = False
    spread: frozenset[Spread] = frozenset()
    counted: tuple[Kind, ...] | None = None
    joins_members: bool = False
    is_asked: bool = False

    @property
    def main(self) -> Kind:
        """The kind that stands for all that it makes: its log and its costs lie beside that."""
        return next(iter(self.makes.values()))

    @property
    def place(self) -> Place:
        """The folder that a job works in: of an experiment's real data, a lineage or a generation."""
        return self.main.folder

    @property
    def leaves_one(self) -> bool:
        """Whether a job leaves one artefact, and nothing else."""
        return len(self.makes) == 1 and not self.leaves

    @property
    def opens_model(self) -> bool:
        """Whether its jobs load the libraries that a model of the family needs."""
        return self.is_accelerated or self.main.form == "model"

    @property
    def datasets(self) -> tuple[Kind, ...]:
        """Kinds of datasets whose tokens count for the costs of a job."""
        return tuple(kind for kind in self.makes.values() if kind.form == "rows") if self.counted is None else self.counted

    def runs(self, config: Config, key: Key) -> bool:
        """Return whether the step of a key is a job of its own, and not a part of its lineage's only one. The origin's always are."""
        is_part = self.place == GENERATION and key.generation != 0 and config.experiments[key.experiment].is_chain
        return not is_part and self.exists(config, key)

    def job(self, key: Key) -> Job:
        """Return the job that makes what belongs to a key: one for a whole lineage where the step has one place for it."""
        seed = key.seed if self.place in {GENERATION, LINEAGE} or key.regime == REAL else None
        return Job(self.name, key.experiment, key.regime, seed, key.generation if self.place == GENERATION else None)

    def inputs(self, config: Config, key: Key) -> dict[str, list[str]]:
        """Return role → paths of what a job takes."""
        return {name: list(role.find(config, key)) for name, role in self.takes.items()}

    def slice(self, config: Config, key: Key) -> AnySlice:
        """Return the slice of a job."""
        return self.load().slice_of(config, key)

    def load(self) -> Module:
        """Return the module that does it, imported when it is asked for."""
        return cast("Module", import_module(f"heirloom.steps.{self.name}"))

    def expect(self, config: Config, job: Job) -> Work:
        """Return what a job has to do."""
        function: Callable[[Config, Job], Work] = resolve_name(self.work)
        return function(config, job)
