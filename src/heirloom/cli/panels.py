"""All commands as one: how `heirloom --help` is divided, and how the words of a command are read.

The help is divided by what one wants to do, in the order in which one comes to it. Commands of jobs are not shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import typer.core

RUN = "Run"
LOOK = "Look"
ASK = "Ask"
SHARE = "Share"
KEEP = "Keep"
PANELS = (RUN, LOOK, ASK, SHARE, KEEP)

_LONGEST = 300
"""Characters of a command's first sentence, which is folded and never cut."""


class _Words:
    """What the words of a command stand for. Plain text is taken as it is: for that, too, typer would import pydantic, half of a trace."""

    @staticmethod
    def coerce(value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of an argument or option."""
        is_one = param.nargs == 1 and not param.multiple
        is_text = isinstance(value, str) and value.isascii() and param.type_descriptor.annotation is str
        if is_one and (value is None or is_text):
            return value
        return type(param).get_runtime_param(param).coerce(value, param=param, ctx=ctx)


def _with_words(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        parameter.get_runtime_param = _Words
    return parameters


class Panels(typer.core.TyperGroup):
    """All commands, each under its panel."""

    def get_params(self, ctx: Any) -> Any:
        """Return the options that stand before a command."""
        return _with_words(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command of that name, or None."""
        command = super().get_command(ctx, cmd_name)
        _with_words(command.get_params(ctx) if command else [])
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section per panel."""
        rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, command in _shown(self):
            rows[command.rich_help_panel].append((name, command.get_short_help_str(_LONGEST)))
        for panel in PANELS:
            with formatter.section(panel):
                formatter.write_dl(rows[panel])


def _shown(group: typer.core.TyperGroup) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if not command.hidden:
            yield name, command
