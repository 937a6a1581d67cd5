"""The `external` family in config: a model that the user's own programs train and sample.

A command is a list of arguments. An argument that is one of the placeholders of its command is replaced by a path or a number; no
other argument is changed, and no shell reads any. What decides the bytes that a command makes (the command, the settings, the files of
its code, what `version` prints) is in the slices of the steps that run it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from heirloom.artefacts.fingerprints import sha256_file
from heirloom.errors import HeirloomError
from heirloom.runtime import program
from heirloom.specs.base import Many, Sampling, Start, Strict, Training
from heirloom.specs.declaration import DensityFamily

Arguments = Annotated[Many[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


class Environment(Strict):
    """What a family's programs run in."""

    python: str = Field(min_length=1, description="The interpreter of a virtual environment; its folder comes first in the search path.")


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
    """

    command: Arguments
    settings: dict[str, Any] = Field({})
    files: Many[CodeFile] = ()
    version: str | None = None
    python: str | None = None
    time_limit: float | None = None


class ExternalTraining(Training, Program):
    """The program that trains, and the weights that it is given."""

    start: Start = "scratch"

    @property
    def begins_from(self) -> Start:
        """Weights that a generation's training begins from."""
        return self.start


class ExternalSampling(Sampling, Program):
    """The program that writes rows, and how many numbers each must have; None where nobody asks yet."""

    row_numbers: int | None = None


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
                raise ValueError(f"command has the placeholder {placeholder}; allowed are {', '.join(allowed)}")
            if placeholder not in self.command:
                raise ValueError(f"command has {placeholder} inside an argument; a placeholder must be a whole argument")
        absent = [name for name in self.needed if name not in self.command]
        if absent:
            raise ValueError(f"command lacks the placeholder {', '.join(absent)}")
        return self


class TrainCommand(Command):
    """The program that trains: rows in `{train}` (Parquet), a folder at `{checkpoint}` out."""

    needed = ("{train}", "{checkpoint}")
    optional = ("{start}", *Command.optional)

    start: Literal["scratch", "origin", "previous"] = Field(
        "scratch",
        description="The checkpoint that stands for `{start}`: none (`scratch`), generation 0's (`origin`) or the last generation's "
        "(`previous`). At generation 0 `{start}` is an empty argument.",
    )

    @model_validator(mode="after")
    def _start_is_read(self) -> Self:
        has_placeholder = "{start}" in self.command
        if has_placeholder and self.start == "scratch":
            raise ValueError("command has the placeholder {start}, and start is 'scratch'; allowed beside it are 'origin' and 'previous'")
        if not has_placeholder and self.start != "scratch":
            raise ValueError(f"start is {self.start!r}, and command has no placeholder {{start}}")
        return self


class SampleCommand(Command):
    """The program that writes rows: a model in `{checkpoint}`, `{num_rows}` rows at `{synthetic}` (Parquet) out."""

    needed = ("{checkpoint}", "{num_rows}", "{synthetic}")


class MeasureCommand(Command):
    """The program that measures: `{"name": number}` as JSON at `{measures}` out."""

    needed = ("{measures}",)
    optional = ("{checkpoint}", "{synthetic}", "{held_out}", *Command.optional)


class External(DensityFamily):
    """A model that the user's own programs train and sample."""

    abilities = frozenset({"programs"})
    is_density = False
    is_single = True
    library = "the user's own programs"

    name: Literal["external"]
    rows: Literal["vectors"] = Field(description="What a row is: `vectors`, lists of numbers in the column `x`.")
    train: TrainCommand = Field(description="Trains a model.")
    sample: SampleCommand = Field(description="Writes a generation's synthetic rows.")
    measure: MeasureCommand | None = Field(None, description="Measures a generation, beside Heirloom's own measures of the rows.")
    code: Many[str] = Field((), description="Files of the programs, as paths and globs; a change of their bytes runs the steps anew.")
    settings: dict[str, Any] = Field({}, description="Handed to the programs as a file of JSON, whose path stands for `{settings}`.")
    version: Arguments | None = Field(None, description="A command; what it prints is part of what the steps depend on.")
    environment: Environment | None = Field(None, description="What the programs run in; by default what Heirloom runs in.")
    time_limit: float | None = Field(None, gt=0, description="Seconds after which a command and its children are ended; none by default.")

    @property
    def training(self) -> ExternalTraining:
        """The program that trains, as a job runs it."""
        return ExternalTraining(command=self.train.command, start=self.train.start, **self._shared_fields())

    @property
    def sampling(self) -> ExternalSampling:
        """The program that samples, as a job runs it."""
        return ExternalSampling(command=self.sample.command, **self._shared_fields())

    def sampling_of(self, row_numbers: int) -> ExternalSampling:
        """Return the program that samples, which must write rows of so many numbers."""
        return self.sampling.model_copy(update={"row_numbers": row_numbers})

    @property
    def measurement(self) -> Program | None:
        """The program that measures, as a job runs it."""
        return None if self.measure is None else Program(command=self.measure.command, **self._shared_fields())

    def _shared_fields(self) -> dict[str, Any]:
        python = None if self.environment is None else self.environment.python
        version = None if self.version is None else _version(self.version, python)
        shared = {"settings": self.settings, "files": tuple(_files(self.code)), "version": version, "python": python}
        return shared | {"time_limit": self.time_limit}


def _placeholders(arguments: tuple[str, ...]) -> Iterator[str]:
    for argument in arguments:
        yield from _PLACEHOLDER.findall(argument)


def _code_files(patterns: tuple[str, ...]) -> list[Path]:
    """Return the files that paths and globs name, sorted, each once.

    Raises
    ------
    HeirloomError
        If a pattern names no file.
    """
    files: set[Path] = set()
    for pattern in patterns:
        place = Path(pattern)
        matches = [file for file in Path(place.anchor).glob(str(place.relative_to(place.anchor))) if file.is_file()]
        if not matches:
            raise HeirloomError(f"family.code: {pattern!r} names no file")
        files.update(matches)
    return sorted(files)


def _files(patterns: tuple[str, ...]) -> Iterator[CodeFile]:
    """Yield the files of a program's code as slices name them."""
    for file in _code_files(patterns):
        stamp = file.stat()
        yield CodeFile(path=file.as_posix(), sha256=_sha256(file, stamp.st_mtime_ns, stamp.st_ctime_ns, stamp.st_size))


@lru_cache(maxsize=4096)
def _sha256(file: Path, written_ns: int, changed_ns: int, size: int) -> str:
    """Return the sha256 of a file, read once in a process as long as its stamp stays."""
    return sha256_file(file)


@lru_cache(maxsize=256)
def _version(command: tuple[str, ...], python: str | None) -> str:
    """Return what a command prints, asked once in a process."""
    return program.printed(command, python=python, time_limit=60)
