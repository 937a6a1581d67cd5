"""DVC's command line, which works in a folder whose path has braces, too: `python -m heirloom.lineage.dvc_program add …`.

DVC 3.67 makes a pattern of the path of its cache, for a line on progress, and ends in a KeyError or a ValueError at a brace in it
(`findings/dvc-folder-with-braces.sh`).
"""

from __future__ import annotations

import sys
from typing import Any


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


def main() -> int:
    """Run DVC's command line."""
    from dvc import cli

    allow_braces()
    return int(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
