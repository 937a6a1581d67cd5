"""The JSON schema of config files, generated from the models, for editors; `--fix` writes it, otherwise a difference is an error."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Any

from heirloom.artefacts.files import dumps, write_text
from heirloom.errors import HeirloomError
from heirloom.specs import until
from heirloom.specs.base import Strict
from heirloom.specs.experiment import Experiment
from heirloom.specs.grid import DESIGNS, Axis
from heirloom.specs.population import Exchange, Membership, Population, Seat
from heirloom.variants import OF_GRIDS

FILE = Path("schemas/config.schema.json")


@cache
def generate(config: type[Strict]) -> dict[str, Any]:
    """Return the schema of a config file as people write it, grids not yet expanded, from the model of what is read (`config.Config`).

    It is made once in a process, because every config with a fault asks for it; nobody may change what is returned.
    """
    schema: dict[str, Any] = config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    experiment = schema["$defs"][Experiment.__name__]
    for key in OF_GRIDS:
        experiment["properties"].pop(key)
    until.on_file(experiment, schema["$defs"])
    grid = {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{Axis.__name__}"}, "minProperties": 1}
    experiment["properties"]["grid"] = {**grid, "description": "Axes of variants; each point becomes an experiment <name>__<labels>."}
    designs = "`crossed`: every combination of labels; `switched`: all first labels, each other label alone, and all last labels together."
    design = {"enum": list(DESIGNS), "default": "crossed", "description": f"Which points of the grid are run. {designs}"}
    experiment["properties"]["design"] = design
    schema["$defs"][Axis.__name__] = Axis.model_json_schema()
    _add_population(experiment, schema["$defs"])
    return schema


def _add_population(experiment: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Change an experiment's schema to what a config file has: a population, which may hold the rows, in place of a membership."""
    for model in (Membership, Seat, Exchange):
        definitions.pop(model.__name__)
    population = Population.model_json_schema(ref_template="#/$defs/{model}")
    definitions |= population.pop("$defs")
    experiment["properties"]["population"] = population
    experiment["required"].remove("rows")
    experiment["anyOf"] = [{"required": ["rows"]}, {"required": ["population"]}]


def run(config: type[Strict], *, fix: bool, file: Path = FILE) -> None:
    """Write the schema, or compare it with the file.

    Raises
    ------
    HeirloomError
        If the file differs and is not to be fixed; the message shows the first difference.
    """
    schema = dumps(generate(config))
    if fix:
        write_text(file, schema)
        return
    content = file.read_text(encoding="utf-8") if file.is_file() else ""
    if content != schema:
        difference = difflib.unified_diff(content.splitlines(), schema.splitlines(), lineterm="", n=0)
        changes = [line for line in difference if line[:1] in "+-"][2:]  # after the names of the two files
        raise HeirloomError(f"{file} is out of date ({changes[0] if changes else 'missing'}); run: heirloom schema --fix")
