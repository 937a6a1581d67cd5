"""Judges in config: who scores the rows that a model has written, and which of them are kept.

A judge is one of Heirloom's own (a likelihood, a model of another experiment, a number of each row), or a program of the user's. What a
job of the step `select` knows of a judge is a `Judgement`, in which a program's code and version are those of the time of planning.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Key
from heirloom.errors import short
from heirloom.specs.base import Many, Strict
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
_FORMS = f"{', '.join(LIKELIHOODS)}, {{model: …}}, {{measure: …}}, {{command: …}}, {{judge: …}}"
RowMeasure = Literal["norm", "tokens", "distinct_tokens"]


def _known_word(word: Any) -> Any:
    if word not in LIKELIHOODS:
        raise ValueError(f"a judge is one of {_FORMS}, not {short(repr(word))}")
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


class Rule(Strict):
    """Which of the rows that a judge has scored are kept, and how often the judge errs."""

    keep: Literal["highest", "lowest", "random", "above"] = Field(
        "highest",
        description="Rows that ought to pass: those with the `highest` or `lowest` scores, as many at `random` (the judge is not asked: "
        "the control of a selection), or all whose score is at least `threshold` (`above`).",
    )
    share: float | None = Field(None, gt=0.0, lt=1.0, description="Share of the rows that ought to pass (0 to 1).")
    best_of: int | None = Field(
        None, ge=2, le=1000, description="K: K candidates are sampled for each row (of text: for each prompt), and one of them is kept."
    )
    threshold: float | None = Field(None, description="Lowest score that passes with `keep: above`, in the judge's unit.")
    true_keep: float = Field(1.0, ge=0.0, le=1.0, description="Share kept, at random, of the rows that ought to pass (0 to 1).")
    false_keep: float = Field(0.0, ge=0.0, le=1.0, description="Share kept, at random, of the rows that ought not to (0 to 1).")
    hides_kind: bool = Field(
        False,
        description="Whether the judge scores as many original rows among the synthetic ones, shuffled and without their origin. They are "
        "dropped afterwards; the manifest says how often they won.",
    )

    def selected_rows(self, rows: int) -> int:
        """Return how many of ``rows`` rows are kept; where nobody knows before (`above`), how many at most."""
        if self.best_of is not None:
            return rows // self.best_of
        return rows if self.share is None else sum(self.kept_sides(round(self.share * rows), rows))

    def kept_sides(self, num_top: int, rows: int) -> tuple[int, int]:
        """Return how many rows are kept rightly and wrongly, where ``num_top`` of ``rows`` ought to pass."""
        return round(self.true_keep * num_top), round(self.false_keep * (rows - num_top))

    @property
    def kept_share(self) -> float:
        """Rows that are kept, as a share of what was sampled for one candidate each; 1 where nobody knows before."""
        if self.share is None:
            return 1.0
        return self.share * self.true_keep + (1.0 - self.share) * self.false_keep

    @property
    def kept_words(self) -> str:
        """Which rows are kept, for people."""
        if self.best_of is not None:
            order = {"highest": "the highest", "lowest": "the lowest", "random": "one at random"}[self.keep]
            return f"{order} of {self.best_of} candidates for each row"
        if self.threshold is not None:
            return f"scores of at least {self.threshold:g}{self._error_words}"
        order = {"random": "at random"}.get(self.keep, f"with the {self.keep} scores")
        return f"{self.share:g} of the rows, {order}{self._error_words}"

    @property
    def _error_words(self) -> str:
        if (self.true_keep, self.false_keep) == (1.0, 0.0):
            return ""
        return f"; the judge keeps {self.true_keep:g} of those that ought to pass and {self.false_keep:g} of the others"


def _judge_words(judge: PlannedJudge | None) -> str:
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


class Judgement(Rule):
    """A judge and its rule as a job knows them."""

    by: PlannedJudge | None = None

    @property
    def words(self) -> str:
        """Who judges and what is kept, for people."""
        return f"{_judge_words(self.by)}: {self.kept_words}"


class Select(Rule):
    """A judge scores the rows of a synthetic set, some ought to pass, and the judge may err."""

    by: Judge | None = Field(
        None,
        description="`likelihood`: the log-likelihood under the origin's model, so that rows of low perplexity pass; `parent`: that under "
        "the model that wrote the row; `detector`: the log ratio of the two; `{model: …}`: the log-likelihood under a model of another "
        "experiment; `{measure: …}`: a number of the row; `{command: …}`: your own program; `{judge: …}`: one of an installed package. "
        "Needed unless `keep` is `random`.",
    )

    @property
    def model(self) -> ModelJudge | None:
        """The model of another experiment that judges, if one does."""
        return self.asks if isinstance(self.asks, ModelJudge) else None

    @property
    def roles(self) -> frozenset[str]:
        """What the judge looks at beside the rows, by its role in the step: `origin`, `parent`, `original`."""
        match self.asks:
            case CommandJudge(command=command):
                return frozenset({"original"}) if self.hides_kind or "{original}" in command else frozenset()
            case "likelihood":
                return frozenset({"origin"})
            case "parent":
                return frozenset({"parent"})
            case "detector":
                return frozenset({"origin", "parent"})
        return frozenset()

    @property
    def asks(self) -> Judge | None:
        """The judge that is asked; None where chance decides."""
        return None if self.keep == "random" else self.by

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        faults = [*self._count_faults(), *self._judge_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _count_faults(self) -> Iterator[str]:
        if self.keep == "above":
            if self.threshold is None:
                yield "keep is 'above', which needs a `threshold`"
            if self.share is not None or self.best_of is not None:
                yield "keep is 'above': the threshold says how many rows pass; leave out `share` and `best_of`"
            return
        if self.threshold is not None:
            yield f"threshold is for `keep: above`, not for {self.keep!r}"
        if (self.share is None) == (self.best_of is None):
            yield "give either `share` or `best_of`: how many rows pass"
        if self.best_of is not None and (self.true_keep, self.false_keep) != (1.0, 0.0):
            yield "`best_of` keeps one of K rows: leave out `true_keep` and `false_keep`"

    def _judge_faults(self) -> Iterator[str]:
        if not self.true_keep and not self.false_keep:
            yield "true_keep and false_keep are both 0: no row would be kept"
        if self.by is None and self.keep != "random":
            yield f"by is missing; a judge is one of {_FORMS}"
        if self.hides_kind and not isinstance(self.asks, CommandJudge):
            yield "hides_kind is for a judge by `command`: no other knows that its rows are synthetic"


def _number_of_judges(selection: Any) -> str:
    return "several" if isinstance(selection, list | tuple) else "one"


Selection = Annotated[
    Annotated[Select, Tag("one")] | Annotated[Annotated[Many[Select], Field(min_length=1)], Tag("several")],
    Discriminator(_number_of_judges),
]
"""One judge, or several in a row: each is given what the one before it has kept."""


def judges_of(selection: Select | Sequence[Select] | None) -> tuple[Select, ...]:
    """Return the judges of a selection in their order; none where there is no selection."""
    if selection is None:
        return ()
    return (selection,) if isinstance(selection, Select) else tuple(selection)


def selected_rows(judges: Sequence[Rule], rows: int) -> int:
    """Return how many of ``rows`` rows are left after all judges, at most."""
    for judge in judges:
        rows = judge.selected_rows(rows)
    return rows


def kept_share(judges: Sequence[Rule]) -> float:
    """Return the share of rows that is left after all judges, at most, of one candidate for each row."""
    return math.prod(judge.kept_share for judge in judges)
