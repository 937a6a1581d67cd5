"""The `external` family in config: a model that the user's own programs train and sample (`specs.programs`), for each kind of row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Sampling, Start, Training
from heirloom.specs.declaration import FamilySpec, TextFamily
from heirloom.specs.programs import Circumstances, Command, Environment, Program
from heirloom.specs.vector_source import TableSource

if TYPE_CHECKING:
    from heirloom.specs.source import AnySource

Rows = Literal["vectors", "images", "text", "pairs", "table"]


class ExternalTraining(Training, Program):
    """The program that trains, and the weights that it is given."""

    start: Start = "scratch"

    @property
    def begins_from(self) -> Start:
        """Weights that a generation's training begins from."""
        return self.start


class ExternalSampling(Sampling, Program):
    """The program that writes rows, and what each must be.

    Attributes
    ----------
    rows
        What a row is.
    row_numbers
        Numbers that each row of a vector or an image must have; None where nobody asks yet.
    columns
        Name → type of the columns of a table.
    """

    rows: Rows = "vectors"
    row_numbers: int | None = None
    columns: dict[str, str] = Field({})

    @property
    def continues_rows(self) -> bool:
        """Whether a synthetic row continues, or answers, an original one."""
        return "{prompts}" in self.command


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


class ContinueCommand(SampleCommand):
    """The program that writes text, perhaps behind prompts."""

    optional = ("{prompts}", *Command.optional)


class AnswerCommand(Command):
    """The program that writes a completion for each of the prompts in `{prompts}` (Parquet)."""

    needed = ("{checkpoint}", "{prompts}", "{synthetic}")
    optional = ("{num_rows}", *Command.optional)


class MeasureCommand(Command):
    """The program that measures: `{"name": number}` as JSON at `{measures}` out."""

    needed = ("{measures}",)
    optional = ("{checkpoint}", "{synthetic}", "{held_out}", *Command.optional)


class LineageCommand(Command):
    """The program that trains and samples all generations of a lineage: requests on its standard input, answers on its output."""

    optional = ()


class External(FamilySpec, Circumstances):
    """A model that the user's own programs train and sample."""

    sources: ClassVar[tuple[str, ...]] = ("normal", "mixture")
    abilities = frozenset({"programs", "lineage"})
    is_single = True
    library = "the user's own programs"
    has_own_jobs = True

    name: Literal["external"]
    rows: Rows
    train: TrainCommand = Field(description="Trains a model.")
    sample: SampleCommand | AnswerCommand = Field(description="Writes a generation's synthetic rows.")
    lineage: LineageCommand | None = Field(
        None,
        description="With `granularity: chain`, trains and samples all generations after generation 0: it is started once per lineage, and "
        "asked by lines of JSON on its standard input.",
    )
    measure: MeasureCommand | None = Field(None, description="Measures a generation, beside Heirloom's own measures of the rows.")

    def program_fields(self) -> dict[str, Any]:
        """Return what the programs have in common; their time limit changes no byte, and jobs are told it apart (`runtime.program`)."""
        return {**super().program_fields(), "time_limit": None}

    @property
    def command_seconds(self) -> float | None:
        """Seconds after which a command is ended."""
        return self.time_limit

    @property
    def job_environment(self) -> Environment | None:
        """What its jobs run in, where it is not what Heirloom runs in."""
        return self.environment

    @property
    def training(self) -> ExternalTraining:
        """The program that trains, as a job runs it."""
        return ExternalTraining(command=self.train.command, start=self.train.start, **self.program_fields())

    @property
    def sampling(self) -> ExternalSampling:
        """The program that samples, as a job runs it."""
        return ExternalSampling(command=self.sample.command, rows=self.rows, **self.program_fields())

    def sampling_of(self, source: AnySource) -> ExternalSampling:
        """Return the program that samples, which must write rows as a source has them."""
        return self.sampling.model_copy(update={"row_numbers": source.row_numbers})

    @property
    def measurement(self) -> Program | None:
        """The program that measures, as a job runs it."""
        return None if self.measure is None else Program(command=self.measure.command, **self.program_fields())

    @property
    def has_own_measure(self) -> bool:
        """Whether the config gives a program that measures."""
        return self.measure is not None

    @property
    def lineage_program(self) -> Program | None:
        """The program that trains and samples a whole lineage, as a job runs it."""
        return None if self.lineage is None else Program(command=self.lineage.command, **self.program_fields())


class ExternalVectors(External):
    """Programs for vectors: a row is a list of numbers, in the column `x`."""

    rows: Literal["vectors"] = Field(description="What a row is: `vectors`, lists of numbers in the column `x`.")
    sample: SampleCommand = Field(description="Writes a generation's synthetic rows.")


class ExternalImages(External):
    """Programs for images: a row is the pixels of one, from 0 to 255, line by line, in the column `x`."""

    sources = ("mnist",)
    is_images = True
    number_bytes = 1.0

    rows: Literal["images"] = Field(description="What a row is: `images`, lists of whole numbers from 0 to 255 in the column `x`.")
    sample: SampleCommand = Field(description="Writes a generation's synthetic rows.")


class ExternalTable(External):
    """Programs for tables: a row has the columns that the source names, each of one type."""

    sources = ("table",)

    rows: Literal["table"] = Field(description="What a row is: one of a `table`, with the columns that the source names.")
    sample: SampleCommand = Field(description="Writes a generation's synthetic rows.")

    def sampling_of(self, source: AnySource) -> ExternalSampling:
        """Return the program that samples, which must write the columns of a source."""
        assert isinstance(source, TableSource)
        return self.sampling.model_copy(update={"columns": dict(source.columns)})


class _ExternalTexts(External):
    """What programs for text and for pairs share."""

    sources = TextFamily.sources
    is_text = True
    unit = "words"
    number_bytes = TextFamily.number_bytes

    def sampling_of(self, source: AnySource) -> ExternalSampling:
        """Return the program that samples: texts may have any length."""
        return self.sampling


class ExternalText(_ExternalTexts):
    """Programs for running text: a row is a text, in the column `text`."""

    rows: Literal["text"] = Field(description="What a row is: `text`, in the column `text`.")
    sample: ContinueCommand = Field(description="Writes a generation's synthetic rows; with `{prompts}` it continues real ones.")


class ExternalPairs(_ExternalTexts):
    """Programs for pairs: a row is a prompt and its completion, two texts."""

    abilities = External.abilities | {"pairs"}
    needs_pairs = True

    rows: Literal["pairs"] = Field(description="What a row is: `pairs`, texts in the columns `prompt` and `completion`.")
    sample: AnswerCommand = Field(description="Writes a completion for each prompt of a generation.")


AnyExternal = Annotated[ExternalVectors | ExternalImages | ExternalText | ExternalPairs | ExternalTable, Field(discriminator="rows")]
