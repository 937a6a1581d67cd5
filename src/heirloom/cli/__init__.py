"""The command line: one sub-command per step and per tool. It reads arguments, calls one function, turns bad input into one line."""

from __future__ import annotations

import io
import sys

import typer

from heirloom.cli import diff, export, lineage, plan, results, steps
from heirloom.errors import BAD_INPUT, HeirloomError, printed

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="What each generation of models inherits.",
    epilog="The words are in docs/glossary.md",
)
for part in (steps, plan, results, lineage, diff):
    app.add_typer(part.app)
app.add_typer(export.app, name="export")


def main() -> None:
    """Run the command line; bad input ends in one line and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8
    try:
        app()
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr)
        sys.exit(BAD_INPUT)
