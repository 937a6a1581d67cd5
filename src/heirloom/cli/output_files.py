"""Where a command writes its answer: a file, or what a user names in place of one."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts.files import write_text
from heirloom.errors import HeirloomError


def write(output: Path, text: str) -> None:
    """Write to a file, which is replaced as a whole; what is a link, a pipe or a device, such as ``/dev/null``, is written through.

    Raises
    ------
    HeirloomError
        If it is no file and cannot be written, as a folder cannot.
    """
    if not (output.is_symlink() or (output.exists() and not output.is_file())):
        write_text(output, text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HeirloomError(f"--output {output}: cannot be written ({error.strerror})") from None
