"""Models that are wider than their rows: how a model's variance follows from its training set's.

Each function returns a rule for `theory.moments`. Together with the moments' recursions they give, under replace with n rows
and a kernel of fixed variance h², E[var_t] = (1 - 1/n) E[var_(t-1)] + h², which tends to n h²; and E[var] + E[mean²], the
mean square distance of a drawn row from the true mean, grows by exactly h² a generation. Scott's rule has the factor
1 - 1/n + n^(-2/(D+4)) instead of an addend: above 1 for all n > 1, so the variance grows without bound. Derived here: a
draw is a row plus independent noise.
"""

from __future__ import annotations

from collections.abc import Callable

Rule = Callable[[int, float], float]


def kernel(variance: float) -> Rule:
    """Return the rule of a model that adds a fixed variance to its rows', in the curve's unit.

    A kernel density estimate with bandwidth h adds h² (trace D h²); a Gaussian mixture adds ``reg_covar`` (trace D reg_covar), because an M
    step keeps the rows' mean and covariance: sum_k w_k (C_k + m_k m_k') is the rows' second moment plus what is added to each C_k.
    """
    return lambda num_rows, sample_variance: sample_variance + variance


def scott(dim: int) -> Rule:
    """Return the rule of a kernel density estimate with Scott's bandwidth in D dimensions: the factor 1 + n^(-2/(D+4)) n / (n - 1)."""

    def rule(num_rows: int, sample_variance: float) -> float:
        kernel_share = num_rows ** (-2 / (dim + 4))
        return sample_variance * (1 + kernel_share * num_rows / (num_rows - 1))

    return rule
