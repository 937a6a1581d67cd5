"""Programs of the user's in config: commands, and what decides the bytes that they make.

A command is a list of arguments. An argument that is one of the placeholders of its command is replaced by a path or a number; no
other argument is changed, and no shell reads any. What decides the bytes that a command makes (the command, the settings, the files of
its code, what `version` prints) is in the slices of the steps that run it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from heirloom import globs
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.errors import HeirloomError
from heirloom.runtime import program
from heirloom.specs.base import Many, Strict
from heirloom.specs.places import Image, Place

Arguments = Annotated[Many[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


class Environment(Strict):
    """What a family's programs run in."""

    python: Place | None = Field(None, description="The interpreter of a virtual environment; its folder comes first in the search path.")
    conda: Place | None = Field(
        None, description="A conda environment file for Snakemake (`--sdm conda`); Heirloom must be among its packages."
    )
    container: Image | None = Field(
        None, description="A container image for Snakemake (`--sdm apptainer`), in which Heirloom is installed."
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        chosen = [name for name, value in self if value is not None]
        if len(chosen) != 1:
            raise ValueError(f"give one of python, conda and container; given are {', '.join(chosen) or 'none'}")
        return self

    @property
    def of_job(self) -> dict[str, str]:
        """What a whole job runs in, as slices name it: an environment file by its bytes, or an image by its name."""
        if self.conda is not None:
            return {"conda": self.conda, "sha256": code_file(Path(self.conda), self.conda, "environment.conda").sha256}
        return {"container": self.container} if self.container is not None else {}


class CodeFile(Strict):
    """A file of a program's code, as slices name it."""

    path: str
    sha256: str


class Program(Strict):
    """One of the programs as a job runs it: everything that decides the bytes that it makes, and what ends it.

    Attributes
    ----------
    command
        The arguments, placeholders and all.
    settings
        What the program is handed as a file of JSON.
    files
        Its code, file by file.
    version
        What the command `version` printed when the job was planned.
    python, time_limit
        As for `heirloom.runtime.program.run`.
    job_environment
        What the job runs in, where it is a conda environment or a container.
    """

    command: Arguments
    settings: dict[str, Any] = Field({})
    files: Many[CodeFile] = ()
    version: str | None = None
    python: str | None = None
    time_limit: float | None = None
    job_environment: dict[str, str] = Field({})


class Command(Strict):
    """A program of the user's."""

    needed: ClassVar[tuple[str, ...]] = ()
    """Placeholders that its arguments must have."""
    optional: ClassVar[tuple[str, ...]] = ("{seed}", "{settings}")
    """Placeholders that they may have."""

    command: Arguments = Field(description="The program and its arguments. Placeholders are whole arguments.")

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> Self:
        allowed = (*self.needed, *self.optional)
        for placeholder in _placeholders(self.command):
            if placeholder not in allowed:
                raise ValueError(f"command has the placeholder {placeholder}; allowed are {', '.join(allowed) or 'none'}")
            if placeholder not in self.command:
                raise ValueError(f"command has {placeholder} inside an argument; a placeholder must be a whole argument")
        absent = [name for name in self.needed if name not in self.command]
        if absent:
            raise ValueError(f"command lacks the placeholder {', '.join(absent)}")
        return self


class Circumstances(Strict):
    """What programs run with, beside their commands."""

    section: ClassVar[str] = "family"
    """The part of a config that has them, for messages."""
    has_own_jobs: ClassVar[bool] = False
    """Whether Snakemake can put their jobs into a conda environment or a container."""

    code: Many[Place] = Field((), description="Files of the programs, as paths and globs; a change of their bytes runs the steps anew.")
    settings: dict[str, Any] = Field({}, description="Handed to the programs as a file of JSON, whose path stands for `{settings}`.")
    version: Arguments | None = Field(None, description="A command; what it prints is part of what the steps depend on.")
    environment: Environment | None = Field(None, description="What the programs run in; by default what Heirloom runs in.")
    time_limit: float | None = Field(None, gt=0, description="Seconds after which a command and its children are ended; none by default.")

    @model_validator(mode="after")
    def _environment_is_offered(self) -> Self:
        if self.environment is not None and self.environment.python is None and not self.has_own_jobs:
            raise ValueError("environment has no python; conda and container are for a family's programs alone")
        return self

    def program_fields(self) -> dict[str, Any]:
        """Return what the programs have in common as jobs run them: the fields of `Program` without the command."""
        python = None if self.environment is None else self.environment.python
        version = None if self.version is None else _version(self.version, python)
        shared = {"settings": self.settings, "files": tuple(_files(self.code, self.section)), "version": version, "python": python}
        of_job = {} if self.environment is None else self.environment.of_job
        return shared | {"time_limit": self.time_limit, "job_environment": of_job}


def _placeholders(arguments: tuple[str, ...]) -> Iterator[str]:
    for argument in arguments:
        yield from _PLACEHOLDER.findall(argument)


def _code_files(patterns: tuple[str, ...], section: str) -> list[Path]:
    """Return the files that paths and globs name, sorted, each once.

    Raises
    ------
    HeirloomError
        If a pattern names no file.
    """
    files: set[Path] = set()
    for pattern in patterns:
        globs.check_extent(pattern, f"{section}.code")
        place = Path(pattern)
        matches = [file for file in Path(place.anchor).glob(str(place.relative_to(place.anchor))) if file.is_file()]
        if not matches:
            raise HeirloomError(f"{section}.code: {pattern!r} names no file")
        files.update(matches)
    return sorted(files)


def _files(patterns: tuple[str, ...], section: str) -> Iterator[CodeFile]:
    """Yield the files of a program's code as slices name them."""
    for file in _code_files(patterns, section):
        yield code_file(file, file.as_posix(), f"{section}.code")


def code_file(file: Path, name: str, key: str) -> CodeFile:
    """Return a file of code as slices name it; its bytes are read once in a process as long as its stamp stays.

    Parameters
    ----------
    key
        What names the file, for messages.

    Raises
    ------
    HeirloomError
        If it is not there.
    """
    try:
        stamp = file.stat()
    except OSError as error:
        raise HeirloomError(f"{key}: {file}: {error.strerror}") from None
    globs.check_kind(file)
    return CodeFile(path=name, sha256=_sha256(file, stamp.st_mtime_ns, stamp.st_ctime_ns, stamp.st_size))


@lru_cache(maxsize=4096)
def _sha256(file: Path, written_ns: int, changed_ns: int, size: int) -> str:
    """Return the sha256 of a file, read once in a process as long as its stamp stays."""
    return sha256_file(file)


@lru_cache(maxsize=256)
def _version(command: tuple[str, ...], python: str | None) -> str:
    """Return what a command prints, asked once in a process."""
    return program.printed(command, python=python, time_limit=60)
