"""Which measure of a family a definition of collapse looks at: the first of a list that the family has."""

from __future__ import annotations

from heirloom.measures import mixtures, stages

RISK = {
    "test_perplexity": 1,
    "test_elbo": -1,
    "squared_l2": 1,
    "wasserstein2_squared": 1,
    "total_variation": 1,
    "mean_squared_error": 1,
    "squared_error": 1,
}
"""Distance of a model to the truth, or its loss on real rows, with the direction that is worse."""

BOUNDED = ("total_variation",)
"""Risks that cannot grow without bound, whatever the model."""

DIVERSITY = dict.fromkeys(
    ("covariance_trace", "variance", "diversity", "rate", "distinct_3", "latent_spread", "pixel_variance", "class_entropy"), 1
)
"""How much a model's rows differ: variance, or a number of different things; less of it is a loss."""

TAILS = dict.fromkeys(stages.EARLY, 1)
"""Shares of rows, or of rare types, that early collapse loses."""

MODES = dict.fromkeys(mixtures.MODES, 1)
"""Shares of rows between true modes."""

IMPROBABLE = dict.fromkeys(("tail_mass_99", "origin_perplexity.q99"), 1)
"""Rows that the truth hardly has: the share of them where one real row in a hundred lies, or how unlikely generation 0 finds the 99th."""

METRICS = tuple(name + statistic for role in (RISK, DIVERSITY, TAILS, MODES, IMPROBABLE) for name in role for statistic in ("", ".median"))
"""What any definition reads, by its own name or that of its median over replicas."""
