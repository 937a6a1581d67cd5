"""Measures of the user's own in config: programs, or functions of an installed package, that look at a generation of any family."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from heirloom.specs.base import Strict
from heirloom.specs.packages import Package
from heirloom.specs.programs import Circumstances, Command, Program


class CommandMeasure(Command, Circumstances):
    """A program of the user's that measures a generation: `{"name": number}` as JSON at `{measures}` out."""

    section = "measures"
    needed = ("{measures}",)
    optional = ("{checkpoint}", "{synthetic}", "{held_out}", "{original}", *Command.optional)

    @property
    def program(self) -> Program:
        """The program as a job runs it."""
        return Program(command=self.command, **self.program_fields())

    def __hash__(self) -> int:
        """Return a hash by the command alone: settings cannot be hashed."""
        return hash(self.command)


class PackageMeasure(Strict):
    """A measure of an installed package: the entry point under `heirloom.measures` that is called as the measure is here."""

    settings: dict[str, Any] = Field({}, description="Handed to the measure.")

    def __hash__(self) -> int:
        """Return a hash of its type: settings cannot be hashed."""
        return hash(type(self))


class PlannedPackageMeasure(PackageMeasure):
    """A measure of an installed package as a job knows it."""

    package: Package


def _form(measure: Any) -> str:
    """Return which form of a measure something is meant to be, as no key is called."""
    match measure:
        case {"command": _} | CommandMeasure() | Program():
            return "by command"
    return "by package"


OwnMeasure = Annotated[Annotated[CommandMeasure, Tag("by command")] | Annotated[PackageMeasure, Tag("by package")], Discriminator(_form)]
PlannedMeasure = Annotated[
    Annotated[Program, Tag("by command")] | Annotated[PlannedPackageMeasure, Tag("by package")], Discriminator(_form)
]
"""A measure as a job knows it."""
