"""The settings that the numbers among the results are of: written beside the tables, and compared with what the config says now.

Whoever describes numbers reads the config for it, and a config can be edited without a run.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from heirloom.artefacts.files import dumps, read_json, write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError, first_of, short
from heirloom.lineage.settings import by_dotted_key
from heirloom.planning import changes, table_age
from heirloom.variants import VARIANT_MARK

_EXPERIMENTS = "experiments"
_DEFAULT = "default"
"""Stands for a value that is not written, because it is the key's default."""


def write(config: Config) -> None:
    """Write what the config says of each experiment and its arms, without what is as by default, and of which measures the tables are."""
    content = {_EXPERIMENTS: _settings(config), table_age.MEASURES: table_age.digest(config)}
    write_text(config.results.settings, dumps(content))


def digest(config: Config) -> str:
    """Return a hash of what the config says of each experiment and its arms."""
    return hashlib.sha256(dumps(_settings(config)).encode()).hexdigest()


def note(config: Config) -> str:
    """Return a line on results whose numbers are of other settings than the config's; empty where they are of these."""
    path = config.results.settings
    if not Path(path).is_file():
        return f"{path}: missing, so that nobody can tell of which settings the numbers are; {config.results.repair}"
    recorded, planned = read_json(path).get(_EXPERIMENTS, {}), json.loads(dumps(_settings(config)))
    lines = [line for key, settings in planned.items() for line in _differences(key, recorded.get(key), settings)]
    if not lines:
        return ""
    return f"{config.results.folder}: the numbers are of other settings: {first_of(lines)}; {config.results.snakemake} makes them anew"


def check(config: Config) -> None:
    """Refuse results whose numbers are of other settings than the config's.

    Raises
    ------
    HeirloomError
        The message names the experiment and the key.
    """
    line = note(config)
    if line:
        raise HeirloomError(line)


def check_data(config: Config) -> None:
    """Refuse data that were made under other settings than the config's: tables of them would be said to be of these.

    Raises
    ------
    HeirloomError
        The message names the key, and its value in the data and in the config.
    """
    settings = changes.changed_settings(config)
    if settings:
        fault = f"the data are of other settings: {first_of(settings)}"
        raise HeirloomError(f"{config.results.config_file}: {fault}; {config.results.snakemake} makes them anew")


def _settings(config: Config) -> dict[str, Any]:
    """Return experiment → its declaration, with those of its arms."""
    declarations = {}
    for key, experiment in config.experiments.items():
        arms = {name: config.regimes[name].model_dump(mode="json", exclude_defaults=True) for name in experiment.regimes}
        declarations[key] = experiment.model_dump(mode="json", exclude_defaults=True) | {"arms": arms}
    return declarations


def _differences(key: str, recorded: dict[str, Any] | None, planned: dict[str, Any]) -> list[str]:
    """Return a line for each setting of an experiment that is another one than that of the numbers."""
    name = key.partition(VARIANT_MARK)[0]
    if recorded is None:
        return [f"experiment {name} is new"]
    one, other = by_dotted_key(recorded), by_dotted_key(planned)
    keys = [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]
    return [f"{name}, {setting.removeprefix('arms.')} {_shown(one, setting)} → {_shown(other, setting)}" for setting in keys]


def _shown(settings: dict[str, Any], key: str) -> str:
    return short(json.dumps(settings[key], ensure_ascii=False)) if key in settings else _DEFAULT
