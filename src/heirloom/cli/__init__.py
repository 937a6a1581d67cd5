"""The command line. It imports next to nothing before it knows who does the command: a worker of the run, or this process."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; bad input ends in one line and exit code 2."""
    if sys.argv[1:2] == ["worker"]:
        from heirloom.cli import worker

        worker.serve(sys.argv[2:])  # returns in the processes that it forks, a job's each
        from heirloom.cli import commands

        tree = commands.tree()
    else:
        from heirloom.cli import client

        client.hand_over()  # returns where this process does the command itself
        from heirloom.cli import commands

        tree = commands.with_one("".join(sys.argv[1:2]))
    from heirloom.cli import ending

    try:
        commands.run(tree)
    except SystemExit as end:
        ending.note(end.code)
        raise
