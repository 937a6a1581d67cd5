"""Commands run in this process whose answer a child of it may print: what goes to standard output is caught in a file, not in Python."""

from __future__ import annotations

import tempfile
from contextlib import redirect_stdout

from heirloom.cli.commands import app
from heirloom.errors import BAD_INPUT, HeirloomError


def invoked(*arguments: object) -> tuple[int, str]:
    """Return a command's exit code and its output, or what it says of bad input."""
    with tempfile.TemporaryFile("w+") as file:
        with redirect_stdout(file):
            try:
                app(list(map(str, arguments)))
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
            except HeirloomError as error:
                return BAD_INPUT, str(error)
            finally:
                file.flush()
        file.seek(0)
        return code, file.read()
