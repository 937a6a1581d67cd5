"""The kinds of figures, in the order in which they are shown: the only list of them."""

from __future__ import annotations

from heirloom.report.figures import (
    ancestry,
    attribution,
    beside_theory,
    density,
    distance,
    distances,
    diversity,
    error_by_generation,
    error_by_rows,
    grid,
    latent,
    own_measures,
    population,
    scatter,
    share_estimate,
    synthetic_perplexity,
    tail_survival,
    test_perplexity,
    variance,
)

KINDS = (
    test_perplexity.KIND,
    synthetic_perplexity.KIND,
    tail_survival.KIND,
    diversity.KIND,
    ancestry.KIND,
    variance.KIND,
    latent.KIND,
    own_measures.KIND,
    grid.KIND,
    beside_theory.KIND,
    scatter.KIND,
    density.KIND,
    distance.KIND,
    attribution.KIND,
    error_by_rows.KIND,
    error_by_generation.KIND,
    distances.KIND,
    population.KIND,
    share_estimate.KIND,
)
