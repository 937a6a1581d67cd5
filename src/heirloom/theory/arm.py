"""A regime as closed forms see it: how many rows of which kind each generation is trained on, in plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from heirloom.theory import moments, population, regimes
from heirloom.theory.moments import Moments, Rule


@dataclass(frozen=True)
class Arm:
    """What a lineage's generations are trained on.

    Parameters
    ----------
    rows, num_fits
        Rows n of the origin and of a generation's budget, and how many models there are, the origin included.
    pool_rows
        Rows of the real training pool.
    real
        Kind (``fresh``, ``pool``, ``original``) → real rows of a training set of n rows; kinds without any are left out.
    is_fixed
        Whether the original rows are the same ones in every generation.
    synthetic, budget
        Which synthetic sets are offered, and whether a training set has n rows, grows, or is drawn from all that is offered.
    is_plain
        Whether every generation has as many rows, all of its synthetic ones offered, unedited and of equal weight.
    is_chosen
        Whether synthetic rows are selected or edited.
    weight
        Weight of all real rows together; None counts every row the same.
    parts
        (real rows, synthetic rows) of each model after the origin; empty where ``is_plain``.
    has_equal_sizes
        Whether all generations have as many rows, and no rows are chosen or weighed.
    base, base_share
        With which model each trained one is blended, and that model's share b in b base + (1 - b) trained; None where none is.
    counts, member
        In a population of copies, the synthetic rows of each reader by writer, and which reader the lineage is; else empty.
    num_originals, num_public
        In a population, rows that the origin is fitted to, and those among them that all members have.
    """

    rows: int
    num_fits: int
    pool_rows: int
    real: Mapping[str, int]
    is_fixed: bool
    synthetic: Literal["latest", "all", "none"]
    budget: Literal["fixed", "grows", "drawn"]
    is_plain: bool = True
    is_chosen: bool = False
    weight: float | None = None
    parts: Sequence[tuple[int, int]] = ()
    has_equal_sizes: bool = True
    base: Literal["origin", "previous"] | None = None
    base_share: float | None = None
    counts: Sequence[Sequence[int]] = ()
    member: int = 0
    num_originals: int = 0
    num_public: int = 0

    @property
    def name(self) -> Literal["replace", "control", "accumulate"] | None:
        """Which of the three regimes that have forms of their own it is, if any."""
        if not self.is_plain or self.counts:
            return None
        if self.synthetic == "all":
            accumulates = self.budget == "grows" and self.real == {"original": self.rows}
            return "accumulate" if accumulates else None
        if self.budget != "fixed":
            return None
        if not self.real:
            return "replace"
        return "control" if self.real == {"pool": self.rows} else None

    def moments(self, ddof: Rule) -> Moments | None:
        """Return the expected variance and squared mean of each model, in units of the true variance; None where nobody has derived them.

        Parameters
        ----------
        ddof
            How a model's variance follows from its training set's (`theory.moments`).
        """
        n, fits = self.rows, self.num_fits
        if not self.is_plain:
            return None
        if self.counts:
            return self._moments_of_member(ddof)
        if self.synthetic == "all" and self.real == {"original": n}:
            accumulation = {"grows": moments.accumulate, "drawn": moments.accumulate_fixed}[self.budget]
            return accumulation(n, fits, ddof)
        if self.synthetic == "all" or self.budget != "fixed" or len(self.real) > 1:
            return None
        match next(iter(self.real.items()), None):
            case ("fresh", num_fresh):
                return moments.fresh(n, fits, num_fresh, ddof)
            case ("pool", num_kept):
                return moments.keep(n, fits, num_kept, self.pool_rows, ddof)
            case ("original", num_kept) if self.is_fixed:
                return moments.keep_fixed(n, fits, num_kept, ddof)
            case ("original", num_kept):
                return moments.keep(n, fits, num_kept, ddof=ddof)
        return moments.replace(n, fits, ddof)

    def _moments_of_member(self, ddof: Rule) -> Moments | None:
        """Return `moments` of a member of a population (`theory.population.mixing`)."""
        if ddof != 0 or self.synthetic != "latest" or self.budget != "fixed" or self.real.keys() - {"original"}:
            return None
        num_kept = self.real.get("original", 0)
        members = population.mixing(
            self.counts, self.num_fits, self.num_originals, num_kept, num_public=self.num_public, is_fixed=self.is_fixed
        )
        return Moments(members.variance[:, self.member], members.products[:, self.member, self.member])

    def mixed_moments(self, ddof: int) -> Moments | None:
        """Return `moments` where sets are weighted, grow, or hold a multiple of synthetic rows (`theory.regimes.mixture`)."""
        if self.is_chosen or self.synthetic == "all" or self.budget == "drawn" or len(self.real) > 1:
            return None
        kind = next(iter(self.real), "fresh")
        originals: Literal["fixed", "redrawn"] = "fixed" if self.is_fixed else "redrawn"
        return regimes.mixture(
            self.rows,
            self.parts,
            real="fresh" if kind == "fresh" else originals,
            weight=self.weight,
            num_pool=self.pool_rows if kind == "pool" else None,
            ddof=ddof,
        )
