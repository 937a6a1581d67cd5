"""The config: every scientific choice, read once, validated, expanded into experiments, and never a machine fact.

`load` and `parse` return a `Config` whose grids are expanded: an experiment with a `grid` becomes one experiment a variant,
named ``<experiment>__<variant>``, and only such keys are ever seen by paths, references and Snakemake.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from heirloom import row_counts
from heirloom.device import GPU_FAMILIES, Choice
from heirloom.errors import HeirloomError
from heirloom.paths import RESERVED
from heirloom.specs.base import Strict
from heirloom.specs.family import ABILITIES, FEATURE_FAMILIES, PARALLEL_FAMILIES, SINGLE_FAMILIES, SOURCES, SUBSETS, TEXT_FAMILIES, Family
from heirloom.specs.grid import DESIGNS, Axis, Name, points, size
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.regime import Regime
from heirloom.specs.source import Source

SCHEMA_VERSION = 1
VARIANT_MARK = "__"
MAX_VARIANTS = 500


class Every(Strict):
    """Each k-th generation."""

    every: int = Field(ge=1, description="k: generations k, 2 k, 3 k, …")


class Experiment(Strict):
    """One family, one source of real data, one set of sizes."""

    family: Family = Field(description="The kind of model and its settings, by step.")
    source: Source = Field(description="Where the real data comes from.")
    regimes: list[Name] = Field(min_length=1, description="Arms: names of regimes.")
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1, description="Seeds; one lineage a regime and seed.")
    generations: int = Field(ge=1, description="Last generation G; the chain is 0 … G.")
    rows: int = Field(ge=1, description="Rows a generation: sampled from the parent, and the budget that the regimes share out.")
    origin_rows: Annotated[int, Field(ge=1)] | Literal["all"] | None = Field(
        None, description="Real rows that the origin is trained on: a count, `all` of the training pool, or by default `rows`."
    )
    num_replicas: int = Field(1, ge=1, description="Independent chains inside one lineage (vector families only).")
    granularity: Literal["step", "chain"] = Field(
        "step", description="`step`: every step a job; `chain`: a lineage is one job. Changes no byte of a snapshot."
    )
    snapshots: list[Annotated[int, Field(ge=1)]] = Field(
        [],
        description="Generations whose datasets and checkpoint a `chain` keeps; hashes and measures of all are kept anyway.",
    )
    chunk_rows: int = Field(128, ge=1, description="Rows sampled or scored together; changes the bytes, not the law.")
    shards: int = Field(
        1, ge=1, description="Jobs that a generation's synthetic text is shared out to, for clusters; one more gathers. Changes no byte."
    )
    num_processes: int = Field(
        1, ge=1, description="Processes (torchrun) that share each training batch and each sampling job; changes the bytes of training."
    )
    num_nodes: int = Field(1, ge=1, description="Machines that those processes are spread over; divides num_processes. Changes no byte.")
    num_gpus: int = Field(
        0, ge=0, description="Accelerators that a scheduler is asked for, on each machine of a training, sampling, selection or evaluation."
    )
    device: Choice = Field(
        "auto", description="Where a language model lives: `cuda`, `cpu`, or by default a GPU where there is one. Changes the bytes."
    )
    keep_checkpoints: Literal["all", "last", "none"] | Every = Field(
        "all",
        description="Which checkpoints after the origin's stay on disk when nothing in the run needs them any more: `all`, `last`, "
        "`{every: k}`, `none`. Manifests and fingerprints always stay. Changes no byte.",
    )
    evaluation_rows: int = Field(1000, ge=1, description="At most this many held-out rows are scored each generation.")
    divergence_rows: int = Field(
        0, ge=0, description="Rows of generated and of real text, at most, that MAUVE compares by generation 0's features; 0 leaves it out."
    )
    variant_of: str | None = Field(None, description="Set by grid expansion; not for config files.")
    point: dict[str, str] = Field({}, description="Axis to label, set by grid expansion; not for config files.")

    @property
    def original_rows(self) -> int | None:
        """Rows of the original set, a replica; None for the whole pool."""
        return None if self.origin_rows == "all" else self.origin_rows or self.rows

    @property
    def is_text(self) -> bool:
        """Whether rows are tokens rather than vectors."""
        return self.family.name in TEXT_FAMILIES

    @property
    def pretrained(self) -> Pretrained | None:
        """The pretrained model that the family begins from, if it does."""
        return getattr(self.family, "model", None)

    @property
    def has_rows(self) -> bool:
        """Whether synthetic rows are drawn, and not only their sufficient statistics."""
        return getattr(self.family, "path", "rows") == "rows"

    def keeps_checkpoint(self, generation: int) -> bool:
        """Return whether a generation's checkpoint stays; the origin's does, because every arm begins from it."""
        match self.keep_checkpoints:
            case "last":
                return generation in {0, self.generations}
            case Every(every=every):
                return generation % every == 0
        return generation == 0 or self.keep_checkpoints == "all"

    @model_validator(mode="before")
    @classmethod
    def _tokenizer_of_the_model(cls, raw: Any) -> Any:
        """Fill in a pretrained model as the source's tokenizer: it is named once."""
        match raw:
            case {"family": {"model": model}, "source": dict(source)} if isinstance(source.get("text", {}), dict):
                return {**raw, "source": {**source, "text": {"tokenizer": model, **source.get("text", {})}}}
        return raw

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.source.name not in (fitting := SOURCES[self.family.name]):
            raise ValueError(f"family {self.family.name!r} needs one of the sources {', '.join(fitting)}, not {self.source.name!r}")
        if self.family.name in SINGLE_FAMILIES and self.num_replicas != 1:
            raise ValueError(f"num_replicas is {self.num_replicas}; family {self.family.name!r} has 1: list more seeds instead")
        if self.shards > 1 and not self.is_text:
            raise ValueError(f"shards is {self.shards}; rows of family {self.family.name!r} are written by 1 job: shards are for text")
        if self.num_processes > 1 and self.family.name not in PARALLEL_FAMILIES:
            able = ", ".join(sorted(PARALLEL_FAMILIES))
            raise ValueError(f"num_processes is {self.num_processes}; family {self.family.name!r} has 1 (more: {able})")
        if self.device != "auto" and self.family.name not in GPU_FAMILIES:
            able = ", ".join(sorted(GPU_FAMILIES))
            raise ValueError(f"device is {self.device!r}; family {self.family.name!r} computes on the CPU (a choice have: {able})")
        if self.divergence_rows and self.family.name not in FEATURE_FAMILIES:
            able = ", ".join(sorted(FEATURE_FAMILIES))
            raise ValueError(f"divergence_rows is {self.divergence_rows}; family {self.family.name!r} has no features (more: {able})")
        if self.num_processes % self.num_nodes:
            raise ValueError(f"num_nodes is {self.num_nodes}, which does not divide num_processes, {self.num_processes}")
        if self.is_text and self.pretrained is None and self.source.text.tokenizer is not None:  # type: ignore[union-attr]
            raise ValueError(f"source.text.tokenizer is for families with a pretrained model; {self.family.name!r} fits its own")
        return self

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        if self.granularity == "chain" and self.is_text:
            raise ValueError(f"granularity: chain is for vector families; {self.family.name!r} runs by step")
        if self.granularity == "chain" and self.keep_checkpoints != "all":
            raise ValueError("keep_checkpoints is for granularity: step; a chain keeps the generations that snapshots lists")
        if self.granularity != "chain" and not self.has_rows:
            raise ValueError("family.path: statistics has no rows to hand from job to job; it needs granularity: chain")
        for what, given in (("seeds", self.seeds), ("regimes", self.regimes)):
            if len(set(given)) < len(given):
                raise ValueError(f"{what} lists something twice: {given}")
        if late := [g for g in self.snapshots if g > self.generations]:
            raise ValueError(f"snapshots {late} are later than the last generation, {self.generations}")
        return self


class Config(Strict):
    """A whole config file, grids expanded."""

    schema_version: int = Field(SCHEMA_VERSION, ge=1, description="Version of this file's layout.")
    num_threads: int = Field(1, ge=1, le=64, description="Threads of numerical work in one job; changes bytes, so it is scientific.")
    regimes: dict[Name, Regime] = Field(min_length=1, description="The rules by which training sets are mixed, by name.")
    experiments: dict[Name, Experiment] = Field(min_length=1, description="What is run, by name.")

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if self.schema_version > SCHEMA_VERSION:
            raise ValueError(f"schema_version {self.schema_version} is newer than {SCHEMA_VERSION}, the newest that this Heirloom reads")
        for reserved in RESERVED & set(self.regimes):
            raise ValueError(f"regimes.{reserved}: the name is reserved")
        for name, experiment in self.experiments.items():
            for regime in experiment.regimes:
                if regime not in self.regimes:
                    raise ValueError(
                        f"experiments.{name}.regimes: {regime!r} is not defined under regimes (defined: {', '.join(sorted(self.regimes))})"
                    )
                if not (experiment.has_rows or self.regimes[regime].is_plain):
                    raise ValueError(f"experiments.{name}.regimes: {regime!r} needs rows to act on; family.path: statistics draws none")
                family = experiment.family.name
                if not experiment.has_rows and self.regimes[regime].budget == "drawn" and family not in SUBSETS:
                    raise ValueError(
                        f"experiments.{name}.regimes: {regime!r} draws from rows of earlier generations (`budget: drawn`), of which "
                        f"family.path: statistics has none for {family!r}; use path: rows"
                    )
                if lacking := sorted(self.regimes[regime].abilities - ABILITIES.get(family, frozenset())):
                    raise ValueError(f"experiments.{name}.regimes: {regime!r} asks to {' and '.join(lacking)}, which {family!r} cannot")
        return self

    def lineages(self) -> Iterator[tuple[str, str, int]]:
        """Yield (experiment, regime, seed) of every lineage, in the order of the config."""
        for name, experiment in self.experiments.items():
            for regime, seed in itertools.product(experiment.regimes, experiment.seeds):
                yield name, regime, seed


def load(path: str | Path) -> Config:
    """Return the config in a YAML file.

    Raises
    ------
    HeirloomError
        If the file is missing, is no YAML mapping, or does not validate; the message names the key.
    """
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HeirloomError(f"{path}: no such config file") from None
    except yaml.YAMLError as error:
        raise HeirloomError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    return parse(raw, str(path))


def parse(raw: Any, where: str = "config") -> Config:
    """Return the validated, expanded config of a mapping.

    Parameters
    ----------
    raw
        What the YAML file holds.
    where
        The file's name, for messages.
    """
    if not isinstance(raw, Mapping):
        raise HeirloomError(f"{where}: expected a mapping with `regimes` and `experiments`, got {type(raw).__name__}")
    raw = copy.deepcopy(dict(raw))
    experiments = raw.get("experiments")
    if isinstance(experiments, Mapping):
        raw["experiments"] = {name: body for key, value in experiments.items() for name, body in _expanded(str(key), value, where)}
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise HeirloomError(f"{where}: {_one_line(error)}") from None
    for name, experiment in config.experiments.items():
        row_counts.check(name, experiment, config.regimes)
    return config


def _expanded(name: str, body: Any, where: str) -> list[tuple[str, Any]]:
    """Return the experiments that one entry stands for: itself, or one a point of its grid."""
    if VARIANT_MARK in name:
        raise HeirloomError(f"{where}: experiments.{name}: {VARIANT_MARK!r} is kept for variants of a grid")
    if not isinstance(body, Mapping) or "grid" not in body:
        return [(name, body)]
    body = dict(body)
    grid, design, where = body.pop("grid"), body.pop("design", "crossed"), f"{where}: experiments.{name}"
    if design not in DESIGNS:
        raise HeirloomError(f"{where}.design: {design!r} is none of {', '.join(DESIGNS)}")
    axes = _axes(grid, f"{where}.grid")
    if (number := size(axes, design)) > MAX_VARIANTS:
        raise HeirloomError(f"{where}.grid: {number} variants, at most {MAX_VARIANTS} are allowed")
    variants = {}
    for point in points(axes, design):
        variant = copy.deepcopy(body) | {"variant_of": name, "point": point}
        for label, axis in axes.items():
            _assign(variant, axis.key, copy.deepcopy(axis.values[point[label]]), f"{where}.grid")
        variants[name + VARIANT_MARK + "_".join(point.values())] = variant
    if len(variants) < number:
        raise HeirloomError(f"{where}.grid: labels joined by '_' name two variants alike; use other labels")
    return list(variants.items())


def _axes(grid: Any, where: str) -> dict[str, Axis]:
    """Return the axes of a grid as it stands in the file."""
    if not isinstance(grid, Mapping) or not grid:
        raise HeirloomError(f"{where}: expected axis → {{key, values}}")
    axes: dict[str, Axis] = {}
    for label, raw in grid.items():
        try:
            axis = Axis.model_validate(raw)
        except ValidationError as error:
            raise HeirloomError(f"{where}.{_one_line(error, str(label))}") from None
        for other, earlier in axes.items():
            if f"{axis.key}.".startswith(f"{earlier.key}.") or f"{earlier.key}.".startswith(f"{axis.key}."):
                raise HeirloomError(f"{where}: the axes {other} and {label} both set {max(axis.key, earlier.key, key=len)!r}")
        axes[str(label)] = axis
    return axes


def _assign(body: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Set a dotted key; validation of the whole then refuses a key that does not exist."""
    *parents, last = key.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
        if not isinstance(body, dict):
            raise HeirloomError(f"{where}: key {key!r} goes through {parent!r}, which holds no keys")
    body[last] = value


_BRANCHES = frozenset(SOURCES).union(*SOURCES.values())


def _one_line(error: ValidationError, prefix: str = "") -> str:
    """Return the first fault as ``key: what is wrong (given: …)``, and how many more there are."""
    faults = error.errors()
    first = faults[0]
    # pydantic repeats the tag of a discriminated union as a step of the key; the file has no such step
    steps = [
        str(step) for i, step in enumerate(first["loc"]) if not (i and step in _BRANCHES and first["loc"][i - 1] in ("family", "source"))
    ]
    message = first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) or given is None else ""
    key = ".".join(filter(None, [prefix, *steps]))
    more = f" [and {len(faults) - 1} more]" if len(faults) > 1 else ""
    return f"{key + ': ' if key else ''}{message}{'' if first['type'] == 'value_error' else shown}{more}"
