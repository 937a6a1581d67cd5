"""The slice of a step: what of the config it depends on, and the hash of its code, as one typed value a job.

The slice is what Snakemake compares (the params trigger), what the step is run with, and what the manifest records. Each step's module has
its own (`steps.mix.Slice` …). A key that is in no slice (``granularity``, names of experiments) changes no byte and reruns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import PlainSerializer

from heirloom import codehash
from heirloom.artefacts.kinds import ORIGIN, Key
from heirloom.families import is_built_in, module_name
from heirloom.runtime import streams
from heirloom.runtime.device import Choice
from heirloom.runtime.packages import FAMILIES
from heirloom.runtime.streams import Stream
from heirloom.specs import packages
from heirloom.specs.base import Strict
from heirloom.specs.packages import Package
from heirloom.specs.population import Seat

if TYPE_CHECKING:
    from heirloom.config import Config
    from heirloom.specs.experiment import Experiment

_Section = TypeVar("_Section", bound=Strict)

Settings = dict[str, Any]
"""Settings as JSON has them, which only the family or the source that they are for can read."""

Files = list[dict[str, str]]
"""Files that a step reads and that are no artefacts: role, path and sha256 of each (`planned_files`)."""


def non_default_settings(section: Strict) -> Settings:
    """Return what a part of the config chooses other than the default: a key that is added later leaves slices without it as they are.

    A default that changes reruns what it concerns all the same, because it is code.
    """
    return section.model_dump(mode="json", exclude_defaults=True)


def full_settings(section: Strict) -> Settings:
    """Return a part of the config with its defaults."""
    return section.model_dump(mode="json")


NonDefault = Annotated[_Section, PlainSerializer(non_default_settings)]
"""A part of the config, of which a slice says what it chooses other than the default."""
Full = Annotated[_Section, PlainSerializer(full_settings)]
"""A part of the config, of which a slice says everything."""


class Slice(Strict):
    """What every step depends on.

    A field with a default is absent from the JSON unless it is given: so a field that is added later leaves other slices as they are.
    """

    name: ClassVar[str]
    """The step's name, which the JSON holds as ``step``."""

    step: str
    code: str
    num_threads: int
    device: Choice = "auto"
    family: str | None = None
    package: NonDefault[Package] | None = None

    def json_fields(self) -> Settings:
        """Return the slice as JSON holds it: the fields that were given, and no others."""
        return self.model_dump(mode="json", exclude_unset=True)


class LineageSlice(Slice):
    """The slice of a step of a lineage; the regime of generation 0 is the origin. A member of a population has a seat."""

    regime: str
    seed: int
    seat: Seat | None = None

    @property
    def lineage(self) -> Stream:
        """The stream of the lineage: experiments share theirs, but the members of a population have one each."""
        shared = streams.lineage(self.seed, self.regime)
        return shared.child("member", self.seat.name) if self.seat else shared

    @property
    def member(self) -> int | None:
        """The member's place in its population, from 0; None outside of one."""
        return self.seat.number if self.seat else None

    def stream(self, generation: int) -> Stream:
        """Return the stream of the step in one generation."""
        return self.lineage.child(generation, self.name)


class GenerationSlice(LineageSlice):
    """The slice of a step of one generation."""

    generation: int


def common(config: Config, step: type[Slice], *entries: str) -> Settings:
    """Return the fields that every slice has: the step's name, the hash of the code that it reaches from some entries, threads."""
    return {"step": step.name, "code": _code(entries), "num_threads": config.num_threads}


def place(config: Config, key: Key) -> Settings:
    """Return the fields that say which generation it is, and in a population whose."""
    membership = config.experiments[key.experiment].membership
    seat_field: Settings = {"seat": membership.seat} if membership else {}
    return {"regime": ORIGIN if key.generation == 0 else key.regime, "seed": key.seed, "generation": key.generation, **seat_field}


def chunks(experiment: Experiment) -> Settings:
    """Return the field for the rows that are sampled or scored together: of text alone."""
    return {"chunk_rows": experiment.chunk_rows} if experiment.is_text else {}


def device(experiment: Experiment) -> Settings:
    """Return the field for where a model lives: absent where nothing was chosen."""
    return {"device": experiment.device} if experiment.device != "auto" else {}


def package(experiment: Experiment) -> Settings:
    """Return the field for the package that the experiment's family comes from: absent where the family is Heirloom's own."""
    name = experiment.family.name
    return {} if is_built_in(name) else {"package": packages.planned(FAMILIES, name)}


def family_code(experiment: Experiment, functions: Sequence[str]) -> list[str]:
    """Return the entries, for the hash of the code, of what a step calls of the experiment's family; none of a package's (`package`)."""
    if not is_built_in(experiment.family.name):
        return []
    return [f"{module_name(experiment.family.name)}:{function}" for function in functions]


@cache
def _code(entries: tuple[str, ...]) -> str:
    return codehash.digest(*entries)
