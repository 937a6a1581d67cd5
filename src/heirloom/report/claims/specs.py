"""Claims as data: a statement, its source, the experiments that can test it, and the expression that tests it.

An expression is a small tree of declared parts (a measure, its closed form, a ratio, a difference), never code in a string.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from heirloom import config_faults, strict_yaml
from heirloom.artefacts.kinds import ORIGIN
from heirloom.errors import HeirloomError
from heirloom.specs.base import Strict
from heirloom.specs.regime import Regime

SHIPPED = Path(__file__).with_name("claims.yaml")

When = Literal["origin", "first", "middle", "last"]


class Measurement(Strict):
    """What an arm measures at a generation."""

    measure: str = Field(description="Metric.")
    arm: str = Field(description="A name under `arms`.")
    at: When = Field("last", description="Generation: 0, 1, half of the last, or the last.")
    over: Literal["mean", "median"] = Field("mean", description="What stands for the replicas of a lineage, where there are several.")
    settings: dict[str, Any] = Field({}, description="Dotted key → value, where another variant of the same grid is meant.")

    def __str__(self) -> str:
        variant = "".join(f", {key.rsplit('.', 1)[-1]} {value}" for key, value in self.settings.items())
        median = "" if self.over == "mean" else f", {self.over}"
        return f"{self.measure}({self.arm}, {self.at}{median}{variant})"

    @property
    def metrics(self) -> tuple[str, str]:
        """The metrics that a run may record for the measure: itself, or its mean or median over replicas."""
        return self.measure, f"{self.measure}.{self.over}"


class ClosedForm(Strict):
    """The closed form of a measure of an arm at a generation."""

    expected: str = Field(description="Metric that has a closed form.")
    arm: str = Field(description="A name under `arms`.")
    at: When = "last"

    def __str__(self) -> str:
        return f"theory of {self.expected}({self.arm}, {self.at})"


class Ratio(Strict):
    """One quantity divided by another."""

    ratio: Annotated[tuple[Quantity, Quantity], Field(strict=False)]

    def __str__(self) -> str:
        return f"{_in_brackets(self.ratio[0])} / {_in_brackets(self.ratio[1])}"


class Difference(Strict):
    """One quantity minus another."""

    difference: Annotated[tuple[Quantity, Quantity], Field(strict=False)]

    def __str__(self) -> str:
        return f"{self.difference[0]} - {_in_brackets(self.difference[1])}"


Quantity = Annotated[Measurement | ClosedForm | Ratio | Difference, Field(union_mode="smart")]
Leaf = Measurement | ClosedForm


class Test(Strict):
    """A quantity, and the region in which it must lie."""

    __test__ = False  # keeps pytest from collecting it

    quantity: Quantity
    above: float | None = Field(None, description="The whole interval lies above this number.")
    below: float | None = Field(None, description="The whole interval lies below this number.")
    premise: bool = Field(
        False, description="What the claim presupposes: where this is not supported, the experiment says nothing of the claim."
    )

    def __str__(self) -> str:
        if self.above is not None and self.below is not None:
            return f"{self.above:g} < {self.quantity} < {self.below:g}"
        return f"{self.quantity} > {self.above:g}" if self.above is not None else f"{self.quantity} < {self.below:g}"

    @model_validator(mode="after")
    def _has_a_region(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("a test needs `above`, `below` or both")
        return self


class Where(Strict):
    """Which experiments can test a claim, by what their family declares and by their settings; without a key, all can."""

    rows: Literal["text", "vectors"] | None = Field(None, description="What the family declares that its rows are.")
    family: str | None = Field(None, description="One family, where the statement is about this kind of model alone.")
    settings: dict[str, Any] = Field({}, description="Dotted key of the experiment → the value that it must have.")


class Claim(Strict):
    """A statement of the literature and how a run tests it."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    short: str = Field(min_length=1, max_length=40, description="The statement in a few words, for a line of the terminal.")
    statement: str
    source: str = Field(description="Author, year, and where it is said.")
    where: Where = Where()
    existential: bool = Field(
        False, description="The statement says that something can happen: one experiment shows it, and none can contradict it."
    )
    expectation: bool = Field(
        False,
        description="The statement holds for the mean over chains alone; generations beyond those at which the replicas of a run can "
        "estimate this mean are left out.",
    )
    needs: str = Field(
        "", description="What a measure needs that no family can do yet: without the measure the claim is not built, and this is printed."
    )
    tests: list[Test] = Field(min_length=1, description="All of them must hold.")

    @property
    def leaves(self) -> list[Leaf]:
        """Every measure and closed form that the tests name."""
        return [leaf for test in self.tests for leaf in leaves(test.quantity)]

    @property
    def arms(self) -> set[str]:
        """Every arm that the tests name, without the origin."""
        return {leaf.arm for leaf in self.leaves} - {ORIGIN}


class Claims(Strict):
    """All claims, and what their arms are: a regime of a config plays the arm whose declaration it has, whatever its name."""

    schema_version: int = Field(1, ge=1, le=1)
    arms: dict[str, Regime]
    any_share: dict[str, list[str]] = Field(
        {}, description="Arm → dotted keys of its declaration that may have any value here; a share must lie between 0 and 1."
    )
    claims: list[Claim] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        counts = Counter(claim.id for claim in self.claims)
        duplicates = sorted(name for name, count in counts.items() if count > 1)
        if duplicates:
            raise ValueError(f"id {duplicates[0]!r} is given twice")
        self._check_arms("any_share", self.any_share)
        for claim in self.claims:
            self._check_arms(claim.id, claim.arms)
        return self

    def _check_arms(self, place: str, names: Iterable[str]) -> None:
        strangers = sorted(set(names) - set(self.arms))
        if strangers:
            raise ValueError(f"{place}: arm {strangers[0]!r} is not under `arms` ({', '.join(self.arms)})")


def leaves(quantity: Quantity) -> Iterator[Leaf]:
    """Yield the measures and closed forms of an expression, from left to right."""
    match quantity:
        case Ratio():
            parts = quantity.ratio
        case Difference():
            parts = quantity.difference
        case _:
            yield quantity
            return
    for part in parts:
        yield from leaves(part)


@cache
def load(path: Path = SHIPPED) -> Claims:
    """Return the claims of a YAML file, by default those that Heirloom ships.

    Raises
    ------
    HeirloomError
        If the file is missing, is not YAML with one meaning, or does not validate. The message names every fault and its key.
    """
    if not path.is_file():
        raise HeirloomError(f"{path}: no such file of claims")
    raw, faults = strict_yaml.read(path)
    try:
        claims = Claims.model_validate(raw)
    except ValidationError as error:
        schema_faults = config_faults.validation(error, raw, Claims.model_json_schema())
        faults = config_faults.merge(faults, schema_faults)
    if faults:
        raise HeirloomError(*config_faults.lines(faults, str(path)))
    return claims


def _in_brackets(quantity: Quantity) -> str:
    return f"({quantity})" if isinstance(quantity, Ratio | Difference) else str(quantity)
