"""Repair of a variational autoencoder: a point on the line between two sets of weights."""

from __future__ import annotations

from heirloom.families.vae.model import Vae


def blended(model: Vae, base: Vae, base_share: float) -> Vae:
    """Return the model whose weights are b base + (1 - b) model, each weight by itself."""
    weights = {name: base_share * base.weights[name] + (1.0 - base_share) * weight for name, weight in model.weights.items()}
    return Vae(model.shape, weights)
