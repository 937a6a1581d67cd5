"""The losses of language models that distrust confident tokens: their gradients and the laws that they fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from heirloom import config as configuration
from heirloom.artefacts.kinds import Key
from heirloom.errors import HeirloomError
from heirloom.families.lm.loss import token_losses
from heirloom.families.lm.native.learner import cross_entropy_gradients
from heirloom.runtime.streams import Stream
from heirloom.specs.loss import Loss
from heirloom.workflow.steps import STEPS

TRUNCATED = {"truncated": 0.8}


@pytest.mark.parametrize("body", [{"truncated": 0.3}, {"label_smoothing": 0.1}, {"truncated": 0.3, "label_smoothing": 0.1}])
def test_both_engines_descend_the_same_loss(body: dict[str, Any]) -> None:
    loss, generator = Loss.model_validate(body), Stream((0, "gradients")).generator()
    hidden, head = (torch.from_numpy(generator.standard_normal(shape)).requires_grad_() for shape in ((600, 5), (12, 5)))
    labels = torch.from_numpy(generator.integers(0, 12, 600))
    losses = token_losses(hidden @ head.T, labels, loss)
    torch.autograd.backward(losses.mean())
    with torch.no_grad():
        value, by_hidden, by_head = cross_entropy_gradients(hidden, head, labels, loss=loss)
    assert value == pytest.approx(float(losses.mean().detach()))
    torch.testing.assert_close(by_hidden, hidden.grad)
    torch.testing.assert_close(by_head, head.grad)


def test_a_token_that_the_model_is_sure_of_costs_nothing_and_counts_in_the_mean() -> None:
    logits = torch.tensor([[5.0, 0.0], [0.0, 0.0]])
    losses = token_losses(logits, torch.tensor([0, 0]), Loss.model_validate(TRUNCATED))
    assert losses.tolist() == [0.0, pytest.approx(0.6931472)]


def fitted(counts: list[int], loss: Loss) -> list[float]:
    """Return the law that a unigram's logits come to by gradient descent."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    hidden, logits = torch.ones(len(labels), 1, dtype=torch.float64), torch.zeros(len(counts), 1, dtype=torch.float64)
    for step in range(1800):
        _, _, gradient = cross_entropy_gradients(hidden, logits, labels, loss=loss)
        logits -= gradient * (1.0 if step < 1000 else 0.05)
    law: Tensor = logits[:, 0].softmax(0)
    return law.tolist()


@pytest.mark.parametrize(("counts", "law"), [([90, 7, 3], [0.8, 0.14, 0.06]), ([60, 30, 10], [0.6, 0.3, 0.1]), ([95, 5], [0.8, 0.2])])
def test_a_truncated_loss_fits_a_common_type_as_its_bound_and_the_rest_in_proportion(counts: list[int], law: list[float]) -> None:
    assert fitted(counts, Loss.model_validate(TRUNCATED)) == pytest.approx(law, abs=5e-3)


def test_smoothed_labels_fit_a_mean_of_the_frequencies_and_the_uniform_law() -> None:
    law = [0.94 * share + 0.02 for share in (0.9, 0.07, 0.03)]
    assert fitted([90, 7, 3], Loss(label_smoothing=0.06)) == pytest.approx(law, abs=1e-6)


def config(loss: dict[str, Any] | None) -> configuration.Config:
    body = {
        "family": {"name": "transformer", "training": {"loss": loss} if loss is not None else {}},
        "source": {"name": "wikipedia", "text": {"vocab_size": 300, "row_tokens": 8}},
        "regimes": ["replace"],
        "rows": 10,
        "generations": 1,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": body}})


def test_a_config_without_a_loss_has_the_slice_that_it_had() -> None:
    key = Key("e", "replace", 0, 1)
    assert "loss" not in STEPS["train"].slice(config(None), key).json_fields()["fit"]
    assert STEPS["train"].slice(config(TRUNCATED), key).json_fields()["fit"]["loss"] == {"truncated": 0.8, "label_smoothing": 0.0}
    with pytest.raises(HeirloomError, match="`truncated`, `label_smoothing` or both"):
        config({})
