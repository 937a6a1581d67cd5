"""What a language model minimises per token: the cross-entropy, cut off where the model is sure, or against smoothed labels.

Truncated (ForTIFAI: Shabgahi, Aghazadeh, Mirhoseini and Koushanfar 2025, arXiv 2509.08972): -log p(label) where p(label) is at most gamma,
and 0 elsewhere, without a gradient through the choice; the mean runs over all tokens. A type whose frequency is above gamma is then
fitted as gamma, and the others share the rest in proportion. Smoothed (Szegedy et al. 2016, section 7): labels are (1 - eps) onehot +
eps / V, so frequencies f are fitted as (1 - eps) f + eps / V.

Legend of shapes: N tokens, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from heirloom.specs.loss import Loss


def scores_and_gradients(log_p_NV: Tensor, labels_N1: Tensor, loss: Loss | None) -> tuple[Tensor, Tensor]:
    """Return minus each token's loss in nats, shape (N, 1), and the loss's gradient by the logits, shape (N, V).

    Parameters
    ----------
    log_p_NV
        Log probabilities; their memory becomes the gradients'.
    labels_N1
        Token ids.
    loss
        None for the cross-entropy.
    """
    log_p_N1 = log_p_NV.gather(1, labels_N1)
    if loss is None:
        return log_p_N1, log_p_NV.exp_().scatter_add_(1, labels_N1, log_p_NV.new_full(labels_N1.shape, -1.0))
    smoothing, is_learnt_N1 = loss.label_smoothing, _is_learnt(log_p_N1, loss)
    scores_N1 = (1 - smoothing) * log_p_N1 + smoothing * log_p_NV.mean(dim=1, keepdim=True)
    gradients_NV = log_p_NV.exp_().sub_(smoothing / log_p_NV.shape[1])
    gradients_NV.scatter_add_(1, labels_N1, gradients_NV.new_full(labels_N1.shape, smoothing - 1))
    return scores_N1 * is_learnt_N1, gradients_NV.mul_(is_learnt_N1)


def token_losses(logits_NV: Tensor, labels_N: Tensor, loss: Loss) -> Tensor:
    """Return each token's loss in nats, shape (N,), for automatic differentiation."""
    losses_N = functional.cross_entropy(logits_NV, labels_N, reduction="none", label_smoothing=loss.label_smoothing)
    with torch.no_grad():
        log_p_N = -functional.cross_entropy(logits_NV, labels_N, reduction="none")
    return losses_N * _is_learnt(log_p_N, loss)


def _is_learnt(log_p: Tensor, loss: Loss) -> Tensor:
    """Return 1 for each label that the model is not sure of yet, and 0 for the others."""
    return torch.ones_like(log_p) if loss.truncated is None else (log_p.exp() <= loss.truncated).to(log_p.dtype)
