"""Schedules: settings that change from generation to generation, as a list or a named curve in place of a number.

A setting stays a number: that of generation 1. Where the config gives a list or a curve, `schedules` holds it, and `at` returns the
settings of one generation, as numbers alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from heirloom.errors import short
from heirloom.specs.base import Many, Strict
from heirloom.specs.curves import Curve

Values = Annotated[Many[float], Field(min_length=1, max_length=10_000)]
"""The value of generation 1, 2, and so on; the last one holds on."""


class Scheduling(Strict):
    """Base of a part of the config of which some numbers may be schedules."""

    scheduled: ClassVar[tuple[str, ...]] = ()
    """Names of the settings that may be a list."""
    curved: ClassVar[tuple[str, ...]] = ()
    """Names of those that may be a curve, too: shares of real rows."""

    schedules: dict[str, Values | Curve] = Field({}, exclude_if=lambda schedules: not schedules, description="Set from lists and curves.")

    @model_validator(mode="before")
    @classmethod
    def _lists_are_schedules(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        lists = {name: raw[name] for name in cls.scheduled if isinstance(raw.get(name), list | tuple)}
        curves = {name: raw[name] for name in cls.curved if isinstance(raw.get(name), dict)}
        if not lists and not curves:
            return raw
        for name, values in lists.items():
            if not values or not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
                raise ValueError(f"{name} is {short(str(values))}; a list has one number for each generation, the last one holding on")
        firsts = {name: values[0] for name, values in lists.items()}
        for name, curve in curves.items():
            with suppress(ValidationError):  # a faulty curve is refused below, where it stands
                firsts[name] = Curve.model_validate(curve).value(1)
        numbers = {key: value for key, value in raw.items() if key not in {*lists, *curves}}
        return {**numbers, **firsts, "schedules": {**lists, **curves}}

    @model_validator(mode="after")
    def _is_sound_at_each_generation(self) -> Self:
        unknown_names = sorted(self.schedules.keys() - set(self.scheduled))
        if unknown_names:
            raise ValueError(f"schedules has {', '.join(unknown_names)}; allowed are {', '.join(self.scheduled) or 'none'}")
        for generation in range(2, self.num_values + 1):
            try:
                type(self).model_validate(self.at(generation).model_dump(by_alias=True))
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"]))
                message = str(first["msg"]).removeprefix("Value error, ")
                raise ValueError(f"generation {generation}: {place}{': ' if place else ''}{message}") from None
        return self

    def __hash__(self) -> int:
        settings = tuple(value for name, value in self if name != "schedules")
        return hash((type(self), settings, *sorted(self.schedules)))

    @property
    def num_values(self) -> int:
        """Generations from 1 on until nothing changes any more; 1 without schedules."""
        return max([1, *(len(values) if isinstance(values, tuple) else values.num_values for values in self.schedules.values())])

    def values(self, name: str) -> list[float]:
        """Return every value that a setting has, in the order of the generations."""
        own_schedule = self.schedules.get(name)
        if own_schedule is None:
            return [float(dict(self)[name])]
        num_values = len(own_schedule) if isinstance(own_schedule, tuple) else own_schedule.num_values
        return [_value(own_schedule, generation) for generation in range(1, num_values + 1)]

    def at(self, generation: int) -> Self:
        """Return the settings of a generation, from 1, without schedules."""
        if not self.schedules:
            return self
        values = {name: _value(schedule, generation) for name, schedule in self.schedules.items()}
        return self.model_copy(update={**values, "schedules": {}})

    def until(self, generation: int) -> Self:
        """Return the settings of the generations 1 to ``generation``: later entries of lists are left out."""
        if not self.schedules:
            return self
        schedules = {name: values[:generation] if isinstance(values, tuple) else values for name, values in self.schedules.items()}
        return self.model_copy(update={"schedules": schedules})

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of a config file, in which a list or a curve stands in the number's place."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema)["properties"]
        properties.pop("schedules", None)
        for name in cls.scheduled:
            number = dict(properties[name])
            kept = {key: number.pop(key) for key in ("default", "description", "title") if key in number}
            shapes = [*number.pop("anyOf", [number]), {"type": "array", "items": number or {"type": "number"}, "minItems": 1}]
            curve = [Curve.model_json_schema()] if name in cls.curved else []
            properties[name] = {**kept, "anyOf": [*shapes, *curve]}
        return schema


def _value(schedule: tuple[float, ...] | Curve, generation: int) -> float:
    """Return a schedule's value at a generation, from 1; the last one of a list holds on."""
    if isinstance(schedule, Curve):
        return schedule.value(generation)
    return schedule[min(max(generation, 1), len(schedule)) - 1]
