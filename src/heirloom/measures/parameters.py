"""Laws of one parameter, and weights: what they lose is their variance and their likeness to the truth; they have no tails of their own.

The measures are formulas of the fitted parameters, which their families write down.
"""

from __future__ import annotations

BULK = {"variance": -1, "rate": -1, "squared_error": 1}
"""Measures whose loss is late collapse, each with the direction of loss (`measures.stages`): p (1 - p) of a Bernoulli law; the rate of a
Poisson law, which is its variance; the squared distance of the parameters to the true ones."""

NO_TAILS = {
    "variance": "a law of two values has no tail",
    "rate": "the tail of a Poisson law follows from its rate and leaves with it",
    "squared_error": "the weights of a regression have no tail",
}
"""Of a law that is known by such a measure, the first that is measured: why nothing shows its tails (`measures.stages`)."""
