"""The `external` family in config: a model that the user's own programs train and sample (`specs.programs`)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Sampling, Start, Training
from heirloom.specs.declaration import DensityFamily
from heirloom.specs.programs import Circumstances, Command, Program


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


class External(DensityFamily, Circumstances):
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

    @property
    def training(self) -> ExternalTraining:
        """The program that trains, as a job runs it."""
        return ExternalTraining(command=self.train.command, start=self.train.start, **self.program_fields())

    @property
    def sampling(self) -> ExternalSampling:
        """The program that samples, as a job runs it."""
        return ExternalSampling(command=self.sample.command, **self.program_fields())

    def sampling_of(self, row_numbers: int) -> ExternalSampling:
        """Return the program that samples, which must write rows of so many numbers."""
        return self.sampling.model_copy(update={"row_numbers": row_numbers})

    @property
    def measurement(self) -> Program | None:
        """The program that measures, as a job runs it."""
        return None if self.measure is None else Program(command=self.measure.command, **self.program_fields())
