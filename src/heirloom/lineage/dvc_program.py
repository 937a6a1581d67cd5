"""DVC's command line, which works in a folder whose path has braces, and after a kill: `python -m heirloom.lineage.dvc_program add …`.

DVC 3.67 makes a pattern of the path of its cache, for a line on progress, and ends in a KeyError or a ValueError at a brace in it
(`findings/dvc-folder-with-braces.sh`). It writes the list of its locks in place (`dvc/rwlock.py`): a process that is killed in that moment
leaves it empty, and every later command refuses it.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_TEMPORARY = Path(".dvc/tmp")


def allow_braces() -> None:
    """Let DVC take the braces of a path for what they are."""
    from dvc_data.hashfile import _progress

    progress: Any = _progress.QueryingProgress
    original = progress.__init__

    def with_literal_braces(self: Any, *arguments: Any, **options: Any) -> None:
        if options.get("name") is not None:
            options["name"] = options["name"].replace("{", "{{").replace("}", "}}")
        original(self, *arguments, **options)

    progress.__init__ = with_literal_braces


def forget_broken_locks() -> None:
    """Remove the list of DVC's locks if it cannot be read: who wrote it is gone, because the guard is held while it is written."""
    from dvc import lock, rwlock
    from voluptuous import Invalid

    file = _TEMPORARY / rwlock.RWLOCK_FILE
    if not file.is_file():
        return
    with suppress(lock.LockError), lock.make_lock(str(_TEMPORARY / rwlock.RWLOCK_LOCK), tmp_dir=str(_TEMPORARY)):
        try:
            rwlock.SCHEMA(json.loads(file.read_bytes()))
        except (ValueError, Invalid):
            file.unlink(missing_ok=True)


def main() -> int:
    """Run DVC's command line."""
    from dvc import cli

    allow_braces()
    forget_broken_locks()
    return int(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
