"""What the mathematics says of models that are trained on each other's rows: drift with migration, and how alike the models become.

In units of the true variance (sigma² = 1, true mean 0), entry g of a curve describing the models of generation g, as in `theory`. A member
k is fitted to n rows: r real ones with the mean X_k, and c[k][j] rows that model j of the generation before has written, each row read by
one member. With p = r / n and W = c / n, and with V_k = E[variance], B_kl = E[mean_k mean_l], A_kl = E[Z_k mean_l],

    B'_kl = p² E[X_k X_l] + p (A W')_kl + p (A W')_lk + (W B W')_kl + (k = l) sum_j c[k][j] V_j / n²,
    V'_k  = p + sum_j W_kj (V_j + B_jj) - B'_kk,
    A'_kl = p E[Z_k X_l] + (A W')_kl,

where Z_k is the mean of k's originals if rows are redrawn from them in every generation, and of the kept rows themselves if they are
fixed. Derived here; for maximum likelihood. Without real rows B is the probability of identity between two rows: for a categorical law
E[sum p_k p_l] = F + (1 - F) B_kl, where F is that of the true law, which is Wright's island model (1931, 1943) with exact numbers of
migrants. Private and public rows, new and old ones, are those of Vu, Reeves and Wenger (2025, arXiv 2505.21677).

Legend of shapes: M members, T fits, the origin included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.theory.moments import Curve


class Members(NamedTuple):
    """Expectations over populations.

    Attributes
    ----------
    variance
        E[fitted variance] of each member, shape (T, M).
    products
        E[mean_k mean_l], shape (T, M, M); on the diagonal the expected squared error of each mean.
    """

    variance: NDArray[np.float64]
    products: NDArray[np.float64]

    @property
    def mean_square(self) -> Curve:
        """E[(mean of the members' means)²], shape (T,)."""
        return np.asarray(self.products.mean(axis=(1, 2)))

    @property
    def spread(self) -> Curve:
        """E[variance of the means between members], with divisor M, shape (T,): how unlike the models are."""
        return np.asarray(np.trace(self.products, axis1=1, axis2=2) / self.products.shape[1] - self.mean_square)


def mixing(
    counts: Sequence[Sequence[float]], num_fits: int, num_originals: int, num_kept: int = 0, *, num_public: int = 0, is_fixed: bool = False
) -> Members:
    """Return the moments of a population (the module's recursion).

    Parameters
    ----------
    counts
        Synthetic rows of each reader (row) by writer (column) in every training set after the origin's.
    num_fits
        Models of each member, T.
    num_originals
        Rows that each origin is fitted to; it has no others to keep.
    num_kept
        Original rows in each training set after the origin's, r.
    num_public
        Originals that all members have in common.
    is_fixed
        Whether the kept rows are the same ones in every generation, and not redrawn from the originals.

    Raises
    ------
    HeirloomError
        If the members have unequal numbers of rows, or more rows are kept or public than there are originals.
    """
    c_MM = np.asarray(counts, np.float64)
    sizes = num_kept + c_MM.sum(axis=1)
    if len(set(sizes.tolist())) != 1 or not sizes[0]:
        raise HeirloomError(f"theory: members need equally many rows, got {sizes.astype(int).tolist()}")
    if max(num_kept, num_public) > num_originals:
        raise HeirloomError(f"theory: {num_kept} kept and {num_public} public rows, but {num_originals} originals")
    p, weights_MM = num_kept / sizes[0], c_MM / sizes[0]
    originals_MM = np.full(c_MM.shape, num_public / num_originals**2)
    kept_MM = originals_MM.copy()
    np.fill_diagonal(originals_MM, 1 / num_originals)
    np.fill_diagonal(kept_MM, 1 / max(num_kept, 1))
    common_MM = kept_MM if is_fixed else originals_MM
    products, shared = [originals_MM], originals_MM
    variance = [1 - np.diag(originals_MM)]
    for _ in range(num_fits - 1):
        old_MM, old_M = products[-1], variance[-1]
        carried_MM = shared @ weights_MM.T
        new_MM = p * p * kept_MM + p * (carried_MM + carried_MM.T) + weights_MM @ old_MM @ weights_MM.T
        new_MM += np.diag(c_MM @ old_M) / sizes[0] ** 2
        variance.append(p + weights_MM @ (old_M + np.diag(old_MM)) - np.diag(new_MM))
        products.append(new_MM)
        shared = p * common_MM + carried_MM
    return Members(np.array(variance), np.array(products))


def effective_size(counts: Sequence[Sequence[float]]) -> float:
    """Return the effective size of a population without real rows: 1 / (1 - λ), λ the factor by which its diversity decays in the end.

    The probabilities that two rows differ, H_kl = 1 - B_kl, follow H' = W H W' - diag(sum_j c[k][j] H_jj / n²), and λ is the largest
    eigenvalue of that map. One model of n rows has n; M models of n rows that read each other evenly have about n M. It is infinite where
    members stay apart, because what they have lost is not the same. Derived here.
    """
    c_MM = np.asarray(counts, np.float64)
    num_members = len(c_MM)
    weights_MM = c_MM / c_MM.sum(axis=1, keepdims=True)
    step = np.kron(weights_MM, weights_MM)
    diagonal = np.arange(num_members) * (num_members + 1)
    step[np.ix_(diagonal, diagonal)] -= c_MM / c_MM.sum(axis=1, keepdims=True) ** 2
    decay = 1 - float(np.abs(np.linalg.eigvals(step)).max())
    return 1 / decay if decay > 1e-12 else math.inf


def size_from_decay(first: float, last: float, generations: int) -> float:
    """Return the effective size that a diversity has decayed with: 1 / (1 - (last / first)^(1 / generations)).

    Parameters
    ----------
    first, last
        The expected diversity, 1 - sum p², at two generations; the last one smaller and not 0.
    generations
        Generations between the two.
    """
    return 1 / (1 - (last / first) ** (1 / generations))


def settled_mean_square(rows: int, num_members: int, new: float, private: float) -> float:
    """Return E[(mean of the members' means)²] where M models of known variance have settled, each reading all evenly.

    (β² / M + (1 - β)² + α² / ((1 - α²) M)) / n: α the share of synthetic rows, β that of private ones among the kept, and n the rows of
    each private set, of the public set and of what a model writes. From the recursion of Vu, Reeves and Wenger (2025, arXiv
    2505.21677) for squared loss; derived here for a mean.
    """
    old = private**2 / num_members + (1 - private) ** 2
    return (old + new**2 / ((1 - new**2) * num_members)) / rows
