"""Groups in config: which rows belong together, so that each group is measured and the first to vanish is seen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from heirloom.specs.base import Strict
from heirloom.specs.judges import RowMeasure
from heirloom.specs.source import AnySource, FilesSource, HubSource, TextSource
from heirloom.specs.vector_source import MixtureSource, NormalSource, TableSource

if TYPE_CHECKING:
    from heirloom.specs.experiment import Experiment

_NAMES = ("category", "boolean")
"""Types of columns whose values are names."""


class ColumnGroups(Strict):
    """Rows by what a column of the source says: of a table the row itself, of text the row of its document."""

    column: str = Field(
        min_length=1,
        description="Of a table, a column of type `category` or `boolean`, where a synthetic row has a value of its own. Of text in files "
        "or on a hub, a column of names, booleans or whole numbers, with at most 100 different values; a synthetic row has the group of "
        "the row that it continues.",
    )


class QuantileGroups(Strict):
    """Rows by a number that each has by itself, parted where the original rows have quantiles."""

    measure: RowMeasure = Field(
        description="`norm`: Euclidean norm (vectors); `tokens`: number of tokens (text); `distinct_tokens`: the share of different tokens."
    )
    quantiles: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        min_length=1, description="Shares of the original rows at which groups part, ascending: [0.1] makes two groups."
    )

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if any(low >= high for low, high in pairwise(self.quantiles)):
            raise ValueError(f"quantiles must ascend, got {self.quantiles}")
        return self

    @property
    def names(self) -> list[str]:
        """The groups, from the smallest numbers on, such as q0-10."""
        percents = [f"{100 * share:g}" for share in (0.0, *self.quantiles, 1.0)]
        return [f"q{low}-{high}" for low, high in pairwise(percents)]


def _form(groups: Any) -> str:
    """Return which form of groups something is meant to be, as no key is called."""
    match groups:
        case {"column": _} | ColumnGroups():
            return "by column"
        case {} | QuantileGroups():
            return "by quantile"
    return "by component"


Component = Literal["component"]
Groups = Annotated[
    Annotated[Component, Tag("by component")] | Annotated[ColumnGroups, Tag("by column")] | Annotated[QuantileGroups, Tag("by quantile")],
    Discriminator(_form),
]


def row_misfits(experiment: Experiment) -> Iterator[str]:
    """Yield why the rows of an experiment cannot be told apart by groups or by a classifier, each with what is allowed."""
    groups, source = experiment.groups, experiment.source
    is_of_blocks = isinstance(source, TextSource) and source.text.pairs is None
    if experiment.share_estimate and not (experiment.has_rows and (is_of_blocks or isinstance(source, (NormalSource, MixtureSource)))):
        yield "share_estimate reads rows of text in blocks, or vectors of a normal law or a mixture; leave it out"
    if isinstance(source, TextSource) and source.group_column != (groups.column if isinstance(groups, ColumnGroups) else None):
        yield f"source.group_column is {source.group_column!r}, which is set from groups.column: leave it out"
    if groups is None:
        return
    if not experiment.has_rows:
        yield "groups are of rows, of which family.path: statistics has none; use path: rows"
    match groups:
        case ColumnGroups(column=name):
            yield from _column_misfits(name, source, continues_rows=experiment.continues_rows)
        case QuantileGroups(measure=measure):
            needs_text, has_text = measure != "norm", isinstance(source, TextSource)
            if needs_text != has_text or isinstance(source, TableSource):
                fitting = _fitting(source, has_text=has_text)
                yield f"groups.measure is {measure!r}, which rows of source {source.name!r} do not have; allowed: {fitting}"
        case _:
            if not isinstance(source, MixtureSource):
                yield f"groups is 'component', which source 'mixture' has; rows of source {source.name!r} have none"


def _fitting(source: AnySource, *, has_text: bool) -> str:
    if isinstance(source, TableSource):
        return "{column: NAME}"
    return "tokens, distinct_tokens" if has_text else "norm"


def _column_misfits(name: str, source: AnySource, *, continues_rows: bool) -> Iterator[str]:
    match source:
        case TableSource(columns=kinds):
            columns = [column for column, kind in kinds.items() if kind in _NAMES]
            if name not in columns:
                choice = ", ".join(columns) or "none in this source"
                yield f"groups.column is {name!r}; a column of a table with the type category or boolean is allowed: {choice}"
        case FilesSource() | HubSource():
            if not continues_rows:
                prompts = "a synthetic row of text has the group of the row that it continues, and with family.sampling.prompts: none"
                yield f"groups.column is {name!r}; {prompts} it continues none: set prompts to original, or leave groups out"
        case _:
            yield f"groups.column is {name!r}; source {source.name!r} has no columns: table, files and hub have"
