"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from heirloom.cli.commands import app
from heirloom.cli.panels import PANELS


def markdown() -> str:
    """Return a section per panel and a sub-section per command, those that only jobs call left out."""
    root: Any = typer.main.get_command(app)
    lines: list[str] = []
    for panel in PANELS:
        lines += [f"## {panel}", ""]
        for name, command in root.commands.items():
            if command.rich_help_panel == panel and not command.hidden:
                lines += _section(f"heirloom {name}", command)
    return "\n".join(lines)


def _section(name: str, command: Any) -> Iterator[str]:
    """Yield the lines of a command, or of each command of a group."""
    inner: dict[str, Any] | None = vars(command).get("commands")
    if inner is not None:
        for word, each in inner.items():
            yield from _section(f"{name} {word}", each)
        return
    context = command.make_context(name, [], resilient_parsing=True)
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield from [f"### {name}", "", command.help or "", "", "```text", usage, "```", ""]
    records = [parameter.get_help_record(context) for parameter in command.params if not parameter.hidden]
    rows = [f"| `{_cell(spelling)}` | {_cell(meaning)} |" for spelling, meaning in filter(None, records)]
    if rows:
        yield from ["| argument or option | meaning |", "|---|---|", *rows, ""]
    if command.epilog:
        yield from [f"`{command.epilog.removeprefix('Example: ')}`", ""]


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
