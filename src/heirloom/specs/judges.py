"""Judges in config: who scores the rows that a model has written.

A judge is one of Heirloom's own (a likelihood, a model of another experiment, a number of each row), a program of the user's, or a function
of an installed package. Which rows are kept stands beside it (`specs.selection`).
"""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Key
from heirloom.errors import short
from heirloom.specs.base import Strict
from heirloom.specs.packages import Package
from heirloom.specs.programs import Circumstances, Command, Program

_LIKELIHOOD_WORDS = {
    "likelihood": "log-likelihood under the origin's model",
    "parent": "log-likelihood under the model that wrote the row",
    "detector": "log ratio of the likelihoods under the origin's model and under the one that wrote the row",
}
LIKELIHOODS = tuple(_LIKELIHOOD_WORDS)
"""Judges that ask the family for log-likelihoods under models of the lineage itself."""

_MODEL = re.compile(rf"({kinds.NAME})/({kinds.NAME})/({kinds.NUMBER})/({kinds.NUMBER})(?::{kinds.CHECKPOINT.name})?")
FORMS = f"{', '.join(LIKELIHOODS)}, {{model: …}}, {{measure: …}}, {{command: …}}, {{judge: …}}"
"""What a judge may be, for messages."""
RowMeasure = Literal["norm", "tokens", "distinct_tokens"]


def _known_word(word: Any) -> Any:
    if word not in LIKELIHOODS:
        raise ValueError(f"a judge is one of {FORMS}, not {short(repr(word))}")
    return word


Likelihood = Annotated[Literal["likelihood", "parent", "detector"], BeforeValidator(_known_word)]


class ModelJudge(Strict):
    """A model of the same config: it scores a row by its log-likelihood."""

    model: str = Field(description="The checkpoint that judges, as `experiment/regime/seed/generation` of this config.")

    @model_validator(mode="after")
    def _is_reference(self) -> Self:
        if not _MODEL.fullmatch(self.model):
            raise ValueError(f"model is {short(self.model)!r}; it must be experiment/regime/seed/generation, such as large/origin/0/0")
        return self

    @property
    def key(self) -> Key:
        """The generation whose checkpoint it is; that of generation 0 is the origin's, in every regime."""
        match = _MODEL.fullmatch(self.model)
        assert match is not None
        experiment, regime, seed, generation = match.groups()
        return Key(experiment, regime if int(generation) else kinds.ORIGIN, int(seed), int(generation))


class PlannedModel(ModelJudge):
    """A model that judges, with the name of its family."""

    family: str


class MeasureJudge(Strict):
    """A number that each row has by itself."""

    measure: RowMeasure = Field(
        description="`norm`: Euclidean norm (vectors); `tokens`: number of tokens (text); `distinct_tokens`: the share of tokens that no "
        "earlier one of the row equals (text)."
    )

    @property
    def is_of_text(self) -> bool:
        """Whether rows must be text for it, rather than vectors."""
        return self.measure != "norm"


class CommandJudge(Command, Circumstances):
    """A program of the user's: rows in `{rows}` (Parquet), a score for each at `{scores}` (Parquet: row, score) out."""

    section = "select.by"
    needed = ("{rows}", "{scores}")
    optional = ("{original}", *Command.optional)

    @property
    def program(self) -> Program:
        """The program as a job runs it."""
        return Program(command=self.command, **self.program_fields())

    def __hash__(self) -> int:
        """Return a hash by the command alone: settings cannot be hashed, and regimes are."""
        return hash(self.command)


class PackageJudge(Strict):
    """A judge of an installed package, by its entry point under `heirloom.judges`."""

    judge: Annotated[str, Field(pattern=f"^{kinds.NAME}$", max_length=64)] = Field(description="Its name among the entry points.")
    settings: dict[str, Any] = Field({}, description="Handed to the judge.")

    def __hash__(self) -> int:
        """Return a hash by the name alone: settings cannot be hashed, and regimes are."""
        return hash(self.judge)


class PlannedPackageJudge(PackageJudge):
    """A judge of an installed package as a job knows it."""

    package: Package


def _form(judge: Any) -> str:
    """Return which form of a judge something is meant to be, as no key is called."""
    match judge:
        case {"model": _} | ModelJudge():
            return "by model"
        case {"measure": _} | MeasureJudge():
            return "by measure"
        case {"command": _} | CommandJudge() | Program():
            return "by command"
        case {"judge": _} | PackageJudge():
            return "by judge"
    return "by word"


_Word = Annotated[Likelihood, Tag("by word")]
_Model = Annotated[ModelJudge, Tag("by model")]
_PlannedModel = Annotated[PlannedModel, Tag("by model")]
_Measure = Annotated[MeasureJudge, Tag("by measure")]
_Program = Annotated[Program, Tag("by command")]
_Command = Annotated[CommandJudge, Tag("by command")]
_Package = Annotated[PackageJudge, Tag("by judge")]
_PlannedPackage = Annotated[PlannedPackageJudge, Tag("by judge")]
Judge = Annotated[_Word | _Model | _Measure | _Command | _Package, Discriminator(_form)]
PlannedJudge = Annotated[_Word | _PlannedModel | _Measure | _Program | _PlannedPackage, Discriminator(_form)]
"""A judge as a job knows it."""


def judge_words(judge: PlannedJudge | None) -> str:
    """Return who judges, for people; chance where nobody does."""
    match judge:
        case ModelJudge(model=reference):
            return f"log-likelihood under {reference}"
        case MeasureJudge(measure=name):
            return name
        case PlannedPackageJudge(judge=name, package=package):
            return f"judge {name} of package {package.package} {package.version}"
        case Program(command=command):
            return f"command {short(shlex.join(command), 200)}"
        case None:
            return "chance"
    return _LIKELIHOOD_WORDS[judge]
