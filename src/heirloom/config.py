"""The config: every scientific choice, read once, validated, expanded into experiments, and never a machine fact.

`load` and `parse` return a `Config` whose grids are expanded: an experiment with a `grid` becomes one experiment a variant,
named ``<experiment>__<variant>``, and a population one experiment a member. Only such keys are ever seen by paths, references and
Snakemake.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError, field_validator

from heirloom import compatibility, config_faults, populations, strict_yaml, variants
from heirloom import results as result_folders
from heirloom.errors import HeirloomError
from heirloom.results import Results
from heirloom.specs.base import Strict
from heirloom.specs.experiment import Experiment
from heirloom.specs.grid import Name
from heirloom.specs.ranking import Ranking
from heirloom.specs.ranking import faults as ranking_faults
from heirloom.specs.regime import Regime
from heirloom.specs.sizes import MOST_ROWS
from heirloom.strict_yaml import Fault

SCHEMA_VERSION = 1


class Config(Strict):
    """A whole config file, grids expanded."""

    schema_version: int = Field(SCHEMA_VERSION, ge=1, le=MOST_ROWS, description="Version of this file's layout.")
    num_threads: int = Field(1, ge=1, le=64, description="Threads of numerical work in one job; changes bytes, so it is scientific.")
    regimes: dict[Name, Regime] = Field(min_length=1, description="The rules by which training sets are mixed, by name.")
    experiments: dict[Name, Experiment] = Field(min_length=1, description="What is run, by name.")
    rankings: dict[str, Ranking] = Field(
        {}, description="Mitigations that compete on equal terms, by the name of the ranking; by default none."
    )
    _results: Results = PrivateAttr(result_folders.DEFAULT)

    def model_post_init(self, results: Results | None) -> None:
        """Note where the results lie, which validation is given beside the file's content."""
        self._results = results or self._results

    @property
    def results(self) -> Results:
        """Where its results lie; of a config that is no file, those of ``config.yaml``."""
        return self._results

    @field_validator("schema_version")
    @classmethod
    def _is_known(cls, version: int) -> int:
        if version > SCHEMA_VERSION:
            raise ValueError(f"version {version} is newer than {SCHEMA_VERSION}, the newest that this Heirloom reads")
        return version

    def key_of(self, experiment: Experiment) -> str:
        """Return the name of one of its experiments."""
        return next(key for key, value in self.experiments.items() if value is experiment)

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
        If the file is missing, is no YAML that says one thing, or does not validate; every fault is told, with its key. If its name
        cannot be that of a folder of results.
    """
    raw, reading_faults = strict_yaml.read(path)
    return parse(raw, str(path), reading_faults, result_folders.of(path))


def parse(raw: Any, file: str = "config", reading_faults: Sequence[Fault] = (), results: Results | None = None) -> Config:
    """Return the validated, expanded config of a mapping.

    Parameters
    ----------
    raw
        What the YAML file holds.
    file
        The file's name, for messages.
    reading_faults
        What was wrong with the file although it could be read; told together with what is found here.
    results
        Where the results of the file lie; by default those of ``config.yaml``.

    Raises
    ------
    HeirloomError
        Naming each fault, the misspelt keys first.
    """
    if not isinstance(raw, Mapping):
        content = "nothing" if raw is None else f"a {type(raw).__name__}"
        raise HeirloomError(f"{file}: expected a mapping with `regimes` and `experiments`, got {content}")
    raw = copy.deepcopy(dict(raw))
    misfits: list[Fault] = []
    if isinstance(raw.get("experiments"), Mapping):
        bodies, misfits = variants.expand(raw["experiments"])
        raw["experiments"], population_misfits = populations.expand(bodies)
        misfits += population_misfits
    config, invalid = _validate(raw, results)
    if misfits:  # they stand for no experiment, and that there is none is no fault of its own
        invalid = [fault for fault in invalid if fault.key != ("experiments",)]
    validation_faults = variants.shared_faults([*misfits, *invalid], raw.get("experiments"))
    faults = config_faults.merge(reading_faults, validation_faults)
    if faults or config is None:
        raise HeirloomError(*config_faults.lines(faults, file))
    return config


def _validate(raw: dict[str, Any], results: Results | None) -> tuple[Config | None, list[Fault]]:
    """Return the config and what is wrong with it: where it does not validate, what is wrong between the parts that do, too."""
    try:
        config = Config.model_validate(raw, context=results)
    except ValidationError as error:
        from heirloom import schema

        experiments = _sound_entries(Experiment, raw.get("experiments"))
        regimes = _sound_entries(Regime, raw.get("regimes"))
        misfits = compatibility.faults(experiments, regimes, raw.get("regimes"))
        return None, [*config_faults.validation(error, raw, schema.generate(Config)), *misfits]
    faults = list(compatibility.faults(config.experiments, config.regimes, config.regimes))
    for name, ranking in config.rankings.items():
        faults += [Fault(("rankings", name), text) for text in ranking_faults(ranking, config.experiments, config.regimes)]
    return config, faults


def _sound_entries(model: type[Strict], section: Any) -> dict[str, Any]:
    """Return the entries of a section that validate by themselves."""
    entries: dict[str, Any] = {}
    for name, body in section.items() if isinstance(section, Mapping) else ():
        with suppress(ValidationError):
            entries[name] = model.model_validate(body)
    return entries
