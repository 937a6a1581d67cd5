"""Regimes in config: which rows a generation's training set is mixed from, declared and never programmed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict
from heirloom.specs.judges import LIKELIHOODS
from heirloom.specs.repair import Repair
from heirloom.specs.row_sizes import Draws, Sizes
from heirloom.specs.schedules import Scheduling
from heirloom.specs.selection import Select, Selection, judges_of, kept_share, selected_rows
from heirloom.specs.sizes import MOST_BATCH_ROWS


class Original(Scheduling):
    """Rows from the original set: the real rows that the origin was trained on."""

    scheduled: ClassVar[tuple[str, ...]] = ("share",)
    curved: ClassVar[tuple[str, ...]] = ("share",)

    share: float = Field(ge=0.0, le=1.0, description="Rows taken, as a share of the experiment's `rows` (0 to 1).")
    draw: Literal["fixed", "redrawn"] = Field(
        "redrawn", description="`fixed`: the same rows in every generation; `redrawn`: a new draw each generation."
    )
    continuation: Literal["independent", "excluded"] = Field(
        "independent",
        description="Where rows are continued prompts: `independent` draws the kept rows and the continuations apart, so that a row can "
        "stand beside its own continuation; `excluded` leaves out the continuation of a kept row, so that each prompt gives one row: "
        "itself, or what a model made of it.",
    )
    batch_rows: int | None = Field(
        None,
        ge=1,
        le=MOST_BATCH_ROWS,
        description="Kept rows are whole batches of so many rows: their number is rounded up. Null: the share, rounded to rows.",
    )

    def rows(self, budget: int) -> int:
        """Return how many rows are kept in a budget of ``budget`` rows.

        Whole batches are those of the code published with Shumailov et al. (2024), in which the first ceil(share x batches) batches of
        all rows are kept; the last batch of a budget may be a short one.
        """
        if self.batch_rows is None:
            return round(self.share * budget)
        num_batches = math.ceil(self.share * budget / self.batch_rows - 1e-9)
        return min(budget, num_batches * self.batch_rows)


class Edit(Strict):
    """Synthetic rows are original rows in which the tokens that the origin finds too easy are drawn anew by the parent."""

    above: float = Field(
        gt=0.0, lt=1.0, description="A token is drawn anew if its probability under the origin's model is at least this (0 to 1)."
    )


class Regime(Sizes):
    """How generation g's training set is mixed. Shares are of the generation's budget: the experiment's `rows`, unless it grows."""

    scheduled: ClassVar[tuple[str, ...]] = (*Sizes.scheduled, "fresh", "pool")
    curved: ClassVar[tuple[str, ...]] = ("fresh", "pool")

    original: Original | None = Field(None, description="Rows kept from the original set.")
    fresh: float = Field(0.0, ge=0.0, le=1.0, description="Share of real rows that no model of the lineage has seen before (0 to 1).")
    pool: float = Field(
        0.0, ge=0.0, le=1.0, description="Share of real rows redrawn from the whole real training pool (0 to 1); 1 is the control."
    )
    synthetic: Literal["latest", "all", "none"] = Field(
        "latest", description="Synthetic sets offered: the newest, those of every generation so far, or none."
    )
    budget: Literal["fixed", "grows", "drawn"] = Field(
        "fixed",
        description="`fixed`: `rows` rows, synthetic ones filling what the real shares leave; `grows`: the union of everything "
        "offered; `drawn`: `rows` rows drawn evenly from that union.",
    )
    select: Selection | None = Field(
        None, description="Which synthetic rows are kept, by a judge or by several, each given what the one before kept; null keeps all."
    )
    edit: Edit | None = Field(
        None, description="Write synthetic rows by editing original rows (text only); null lets the parent write them whole."
    )
    repair: Repair | None = Field(None, description="How a generation's model is moved after its training; null leaves it as it is.")
    real_weight: Annotated[float, Field(gt=0.0, lt=1.0)] | Literal["golden"] | None = Field(
        None,
        description="Weight of all real rows together in training, the synthetic ones having the rest (0 to 1). `golden`: "
        "(sqrt(k^2 + 4 k) - k) / 2 with k = real rows / synthetic rows. Null: every row counts the same.",
    )

    @property
    def real_share(self) -> float:
        """Rows that are real for certain, as a share of the budget."""
        return (self.original.share if self.original else 0.0) + self.fresh + self.pool

    @property
    def needs_rows(self) -> bool:
        """Whether it acts on rows that are drawn, and not on their statistics alone."""
        has_other_sizes = (self.growth, self.scale, self.multiple) != (0.0, 1.0, 1.0) or bool(self.schedules.keys() & set(Sizes.scheduled))
        return has_other_sizes or self.select is not None or bool(self.abilities - {"repair"})

    @property
    def is_scheduled(self) -> bool:
        """Whether shares or sizes follow a list or a curve."""
        return bool(self.schedules) or (self.original is not None and bool(self.original.schedules))

    @property
    def has_real_rows(self) -> bool:
        """Whether any generation is trained on real rows for certain."""
        return self.redraws_pool or (self.original is not None and any(self.original.values("share")))

    @property
    def redraws_pool(self) -> bool:
        """Whether any generation takes rows from the real training pool."""
        return any(self.values("pool")) or any(self.values("fresh"))

    @property
    def num_values(self) -> int:
        """Generations from 1 on until no share and no size changes by a list or a curve."""
        return max(super().num_values, self.original.num_values if self.original else 1)

    def at(self, generation: int) -> Regime:
        """Return the regime of a generation, from 1: its shares and sizes as numbers."""
        if not self.is_scheduled:
            return self
        original = self.original.at(generation) if self.original else None
        return super().at(generation).model_copy(update={"original": original})

    def until(self, generation: int) -> Regime:
        """Return the regime of the generations 1 to ``generation``."""
        if not self.is_scheduled:
            return self
        original = self.original.until(generation) if self.original else None
        return super().until(generation).model_copy(update={"original": original})

    def turns(self, last: int) -> list[int]:
        """Return the generations that stand for all of 1 to ``last``: all where sizes grow, else until nothing changes, and the last."""
        num_turns = last if self.growth else min(last, self.num_values)
        return sorted({*range(1, num_turns + 1), last})

    @property
    def excludes_continuations(self) -> bool:
        """Whether a kept original row takes the place of its own continuation."""
        return self.original is not None and self.original.continuation == "excluded"

    def real_rows(self, budget: int) -> dict[str, int]:
        """Return how many real rows of each kind are in a budget of ``budget`` rows, by the key that asks for them."""
        original = self.original.rows(budget) if self.original else 0
        return {"original": original, "fresh": round(self.fresh * budget), "pool": round(self.pool * budget)}

    def filling_rows(self, rows: int, generation: int) -> int | None:
        """Return how many synthetic rows fill a generation's budget; None where the training set has as many as are offered or drawn."""
        if self.synthetic == "none":
            return 0
        budget = self.budget_rows(rows, generation)
        return budget - sum(self.at(generation).real_rows(budget).values()) if self.budget == "fixed" else None

    def fresh_rows(self, rows: int, generation: int) -> list[int]:
        """Return how many fresh real rows each of the generations 1 … ``generation`` takes, from the experiment's ``rows`` per replica.

        Each is the share `fresh` of that generation's budget, rows × (g + 1)^`growth`, rounded, halves to the even number.
        """
        return [round(self.at(g).fresh * self.budget_rows(rows, g)) for g in range(1, generation + 1)]

    @property
    def judges(self) -> tuple[Select, ...]:
        """The judges of synthetic rows, in the order in which they are asked."""
        return judges_of(self.select)

    @property
    def candidates(self) -> int:
        """Candidates that are sampled for each row: K where the first judge keeps the best of K."""
        return (self.judges and self.judges[0].best_of) or 1

    @property
    def sizes(self) -> Draws:
        """How many rows a generation has, alone; of synthetic ones `rows`, whatever the budget, where only measures read them."""
        if self.synthetic == "none":
            return Draws()
        schedules = {name: schedule for name, schedule in self.schedules.items() if name in Sizes.scheduled}
        return Draws(growth=self.growth, scale=self.scale, multiple=self.multiple, schedules=schedules, best_of=self.candidates)

    def candidate_rows(self, rows: int, generation: int) -> int:
        """Return how many rows a set of candidates has, from the experiment's ``rows`` (rows per replica)."""
        return rows if self.synthetic == "none" else super().candidate_rows(rows, generation)

    def trained_rows(self, rows: int, generation: int) -> int:
        """Return how many rows a generation is trained on, from the experiment's ``rows`` (rows per replica), as `mixing.mix` mixes them.

        Parameters
        ----------
        generation
            From 1: the origin has a count of its own.
        """
        budget = self.budget_rows(rows, generation)
        if self.budget != "grows":
            return budget
        real_rows = sum(self.at(generation).real_rows(budget).values())
        if self.synthetic == "all":
            real_rows += sum(self.fresh_rows(rows, generation - 1))
        rows_per_set = selected_rows(self.judges, self.sampled_rows(rows, generation))
        num_sets = {"latest": 1, "all": generation, "none": 0}[self.synthetic]
        return real_rows + num_sets * rows_per_set

    @property
    def is_control(self) -> bool:
        """Whether all rows are real and redrawn from the whole training pool."""
        return self.pool == 1.0 and self.synthetic == "none" and "pool" not in self.schedules

    @property
    def is_plain(self) -> bool:
        """Whether every generation has as many rows, all of its synthetic ones offered, unedited and of equal weight."""
        return not self.needs_rows and not self.abilities and not self.is_scheduled

    @property
    def abilities(self) -> frozenset[str]:
        """What the regime asks of a family beyond the four steps: `edit`, `repair`, `select` by its own likelihoods, `weigh`."""
        needs = {
            "edit": self.edit is not None,
            "repair": self.repair is not None,
            "select": any(judge.asks in LIKELIHOODS for judge in self.judges),
            "weigh": self.real_weight is not None,
        }
        return frozenset(ability for ability, is_needed in needs.items() if is_needed)

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        faults = [*self._budget_faults(), *self._synthetic_faults(), *self._weight_faults(), *self._prompt_faults()]
        faults += self._judge_faults()
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _budget_faults(self) -> Iterator[str]:
        if self.budget == "fixed" and self.real_share > 1.0 + 1e-9:
            yield f"the real shares add up to {self.real_share:g}; with `budget: fixed` at most 1 is allowed"
        if self.synthetic == "none" and abs(self.real_share - 1.0) > 1e-9:
            yield f"without synthetic rows the real shares must add up to 1, not {self.real_share:g}"
        if self.synthetic == "all" and self.budget == "fixed":
            yield "`synthetic: all` needs `budget: grows` (keep everything) or `budget: drawn` (draw `rows` from it)"

    def _synthetic_faults(self) -> Iterator[str]:
        if self.growth and self.budget != "fixed":
            yield "`growth` needs `budget: fixed`: the other budgets depend on the sets that are offered"
        if self.synthetic == "none" and (self.multiple != 1.0 or self.select or self.edit or self.repair):
            yield "without synthetic rows there is nothing for `multiple`, `select`, `edit` or `repair` to act on"
        synthetic_share = 1.0 - self.real_share
        supply = self.multiple * kept_share(self.judges)
        if self.budget == "fixed" and self.synthetic == "latest" and supply < synthetic_share - 1e-9:
            need = f"synthetic rows must fill {synthetic_share:g} of the budget"
            yield f"{need}, but `multiple` and `select` leave {supply:g}; raise `multiple`"

    def _weight_faults(self) -> Iterator[str]:
        if self.real_weight is None:
            return
        is_full_of_real = self.budget == "fixed" and self.real_share > 1.0 - 1e-9
        is_one_sided = self.synthetic == "none" or not self.real_share or is_full_of_real
        if is_one_sided:
            yield "`real_weight` needs real and synthetic rows in the training set"
        if self.budget == "drawn":
            yield "`real_weight` needs `budget: fixed` or `grows`: what is drawn evenly has no weights"

    def _judge_faults(self) -> Iterator[str]:
        if any(judge.best_of for judge in self.judges[1:]):
            yield "`best_of` is for the first judge of `select`, which alone sees all candidates for a row"
        if self.budget == "grows" and any(judge.keep == "above" for judge in self.judges):
            yield "`keep: above` keeps as many rows as pass, which nobody knows before; it needs `budget: fixed` or `drawn`"

    def _prompt_faults(self) -> Iterator[str]:
        """Yield why not every prompt can give one row, itself or its continuation."""
        if not self.excludes_continuations:
            return
        needs = {
            "synthetic: latest": self.synthetic == "latest",
            "budget: fixed": self.budget == "fixed",
            "multiple: 1": self.multiple == 1,
        }
        exclusions = {"fresh": self.fresh, "pool": self.pool, "select": self.select, "edit": self.edit}
        faults = [f"needs `{key}`" for key, holds in needs.items() if not holds]
        faults += [f"goes without `{key}`" for key, value in exclusions.items() if value]
        if faults:
            yield f"`original.continuation: excluded` {' and '.join(faults)}: each prompt gives one row, itself or its continuation"
