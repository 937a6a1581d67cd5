"""How far apart two laws over types are, without what finite counts add.

Shapes: V types, the union of both samples' types, aligned.
"""

from __future__ import annotations

from numpy.typing import ArrayLike


def jensen_shannon(counts_a: ArrayLike, counts_b: ArrayLike) -> float:
    """Return the Jensen-Shannon divergence H(m) - H(p)/2 - H(q)/2 in bits, m = (p + q) / 2, in [0, 1] (Lin 1991, eq. 3.3)."""
    raise NotImplementedError


def corrected_distance(divergence_bits: float, chance_bits: float) -> float:
    """Return the Jensen-Shannon distance, in [0, 1], of what is left of the divergence after what chance adds."""
    raise NotImplementedError
