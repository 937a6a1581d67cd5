"""All commands: one per step and per tool. Each reads arguments and calls one function; bad input ends in one line."""

from __future__ import annotations

import copy
import errno
import io
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, NoReturn

import typer

from heirloom import __version__
from heirloom.cli import audit, diff, export, lineage, plan, plugin, project, results, steps
from heirloom.cli.panels import RUN, SHARE, Panels
from heirloom.errors import BAD_INPUT, HeirloomError, line, printed

_ROOM = "make room and run again: what is complete stays"
_RIGHTS = "nothing can be written there; what is complete stays"
_SHAPE = "a file stands where a folder belongs, or a folder where a file does; move it away"
_WAYS_OUT = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _ROOM),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), _RIGHTS),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), _SHAPE),
    errno.EIO: "the disk does not answer; heirloom verify says what is damaged",
}
"""What the system refuses → what to do."""
_MEMORY = "this needs more than the machine has, or than a limit lets it have (ulimit -v); the config's sizes of rows decide how much"

app = typer.Typer(
    cls=Panels,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the library that draws boxes takes longer to import than all the rest
    help="What each generation of models inherits.",
    epilog="The words are in docs/glossary.md",
)
_PARTS = (project, steps, plan, results, lineage, audit, diff)
for part in _PARTS:
    app.add_typer(part.app)
app.add_typer(export.app, name="export", rich_help_panel=SHARE)
app.add_typer(plugin.app, name="plugin", rich_help_panel=RUN)


def _print_version(is_asked: bool) -> None:
    """Print the version and end, if it is asked for."""
    if is_asked:
        print(f"heirloom {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Take the options that stand before a command."""


@cache
def tree() -> Callable[[], Any]:
    """Return all commands as one to be called: built once, in a worker for all of its jobs."""
    return typer.main.get_command(app)


def with_one(name: str) -> Callable[[], Any]:
    """Return the same with one command alone, which takes a tenth of the time; where there is none of that name, all of them."""
    registered = [command for part in _PARTS for command in part.app.registered_commands]
    named = [command for command in registered if name and name in (command.name, command.callback and command.callback.__name__)]
    if not named:
        return tree()
    alone = copy.copy(app)
    alone.registered_groups, alone.registered_commands = [], named
    return typer.main.get_command(alone)


def run(commands: Callable[[], Any] | None = None) -> None:
    """Run the command that this process was started with; bad input, or what the machine refuses, ends in one line and exit code 2.

    Parameters
    ----------
    commands
        What the command is one of; by default all.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8
    try:
        (commands or tree())()
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except MemoryError as error:
        from heirloom.credentials import first_line

        _end(f"out of memory ({first_line(error)}): {_MEMORY}")
    except OSError as error:
        if error.errno not in _WAYS_OUT or not isinstance(error.filename, str | bytes):
            raise
        _end(f"{os.fsdecode(error.filename)}: {error.strerror}; {_WAYS_OUT[error.errno]}")


def _end(text: str) -> NoReturn:
    """End with a message about the machine, which is no bug and so has no traceback."""
    print(line(text), file=sys.stderr)
    sys.exit(BAD_INPUT)
