"""Measures of the user's own in config: programs that look at a generation of any family."""

from __future__ import annotations

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
