"""Where a chain stops before its last generation: `generations: {at_most: G, until: {measure, above}}`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from heirloom.specs.base import Strict
from heirloom.specs.sizes import MOST_GENERATIONS


class Until(Strict):
    """The first generation of which a measure is above a number is the last one of the lineage."""

    measure: str = Field(
        min_length=1, description="A metric of the trajectory, such as `absorbed`: of several replicas the mean, or `absorbed.median`."
    )
    above: float = Field(description="The number, in the measure's unit.")


class AtMost(Strict):
    """How many generations a chain has at most, and where it stops."""

    at_most: int = Field(ge=1, le=MOST_GENERATIONS, description="Last generation G if the chain does not stop before.")
    until: Until


def with_until(raw: Any) -> Any:
    """Return an experiment as a config file has it with `generations` as a number, and beside it where its chains stop."""
    match raw:
        case {"generations": {"at_most": at_most, "until": until, **others}} if not others:
            return {**raw, "generations": at_most, "until": until}
    return raw


def on_file(schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Change an experiment's schema to what a config file has: a number of generations, or at most so many."""
    properties = schema["properties"]
    properties.pop("until")
    own_schema = AtMost.model_json_schema(ref_template="#/$defs/{model}")
    definitions |= own_schema.pop("$defs")
    generations = properties["generations"]
    words = {key: generations.pop(key) for key in ("description", "title")}
    properties["generations"] = {**words, "anyOf": [dict(generations), own_schema]}
