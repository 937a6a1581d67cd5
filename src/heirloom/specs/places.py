"""What a path, a glob or the name of an image may look like in a config."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST_PATH, _LONGEST_NAME = 4095, 255
"""Bytes of a path and of a name in it that Linux takes."""


def _checked(path: str) -> str:
    """Return a path that an operating system can have."""
    stray = _CONTROL.search(path)
    if stray:
        raise ValueError(f"the character U+{ord(stray[0]):04X} stands in no path that is read")
    size, longest_name = len(path.encode()), max(len(name.encode()) for name in path.split("/"))
    if size > _LONGEST_PATH or longest_name > _LONGEST_NAME:
        limits = f"a path has at most {_LONGEST_PATH} bytes, and {_LONGEST_NAME} in each name"
        raise ValueError(f"{limits}; this one has {size:,}, and {longest_name:,} in a name")
    return path


Place = Annotated[str, Field(min_length=1), AfterValidator(_checked)]
"""A path, a glob, or the id of a repository on a hub."""
Image = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./][A-Za-z0-9_./:@%+=~-]*$", max_length=_LONGEST_PATH)]
"""A container image: Snakemake writes it into a line for a shell, so it is one word without quotes."""
PackageName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=_LONGEST_NAME)]
"""An installed package as Python imports it, without a dot: to look for a package inside another one, Python would import the other."""
