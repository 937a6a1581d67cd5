"""How `heirloom --help` is divided: what one wants to do, in the order in which one comes to it. Commands of jobs are not shown."""

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


class Panels(typer.core.TyperGroup):
    """All commands, each under its panel."""

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
