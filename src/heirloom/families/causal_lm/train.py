"""Fine-tune a causal language model on a dataset, and keep the epoch whose validation loss is lowest."""

from __future__ import annotations

import copy
import logging
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.causal_lm import lora, memory, optimisation
from heirloom.families.causal_lm.model import CausalLM, build, check_context, check_tokens
from heirloom.families.causal_lm.optimisation import Examples
from heirloom.specs.causal_lm import CausalTraining
from heirloom.streams import Stream

log = logging.getLogger(__name__)


def train(rows: Dataset, fit: CausalTraining, start: CausalLM | None, stream: Stream, validation: Dataset | None = None) -> CausalLM:
    """Return the model fine-tuned on ``rows``, from ``start``, or from new weights of its architecture.

    Parameters
    ----------
    validation
        Held-out real rows, for ``best_epoch: real``.

    Raises
    ------
    HeirloomError
        If there are fewer rows than a batch, rows do not fit the model, a loss is not finite, no weight changes, or memory runs out.
    """
    if start is None:
        raise HeirloomError("a causal_lm has no weights of its own: it must be given the model of family.model, or a checkpoint")
    if rows.num_rows < fit.batch_rows:
        raise HeirloomError(
            f"the training set has {rows.num_rows} rows, fewer than family.training.batch_rows = {fit.batch_rows}; lower it"
        )
    minibatches.use_deterministic_kernels()
    pupil = _beginning(start, fit, stream)
    with minibatches.memory_mapped(rows, "tokens", np.int32) as tokens_NT, memory.enough("training", "family.training.micro_rows"):
        check_tokens(start, tokens_NT, "training rows")
        check_context(start, tokens_NT.shape[1], "training rows")
        train_on, held_NT = _divided(tokens_NT, rows, fit, validation, stream)
        before = optimisation.checksums(pupil)
        _epochs(pupil, train_on, held_NT, fit, stream)
    after = optimisation.checksums(pupil)
    if not after or after == before:
        raise HeirloomError(
            f"no weight changed in {fit.epochs} epochs at learning_rate {fit.learning_rate}: it is too small, or all are frozen"
        )
    whole = pupil if fit.lora and fit.lora.checkpoint == "adapter" else lora.merged(pupil)
    return CausalLM(whole.eval(), start.folder)


def learning_rate(epoch: int, fit: CausalTraining) -> float:
    """Return the learning rate of an epoch (from 0): f + (l - f) (1 + cos(pi epoch / epochs)) / 2, from l towards f.

    Loshchilov and Hutter (2017), SGDR, equation 5, without restarts, stepped once an epoch: f itself is never reached.
    """
    falling = (1.0 + math.cos(math.pi * epoch / fit.epochs)) / 2.0
    return fit.final_learning_rate + (fit.learning_rate - fit.final_learning_rate) * falling


def _beginning(start: CausalLM, fit: CausalTraining, stream: Stream) -> Any:
    """Return the module that is trained, apart from ``start``, which stays as it is."""
    if fit.start == "scratch":
        return build(copy.deepcopy(start.module.config), stream.child("initial")).module
    module = lora.merged(copy.deepcopy(start.module))
    return lora.wrapped(module, fit.lora, stream.child("adapters")) if fit.lora else module


def _divided(
    tokens_NT: NDArray[Any], rows: Dataset, fit: CausalTraining, validation: Dataset | None, stream: Stream
) -> tuple[Examples, NDArray[Any] | None]:
    """Return the rows to train on, and those that choose the epoch, if any do."""
    weight_N = rows.weights() if rows.is_weighted else None
    everything = Examples(tokens_NT, np.arange(len(tokens_NT)), weight_N)
    if fit.best_epoch == "last":
        return everything, None
    if fit.best_epoch == "real":
        if validation is None:
            raise HeirloomError("family.training.best_epoch: real needs the real validation split")
        return everything, validation.head("tokens", fit.validation_rows or validation.num_rows)
    count = max(1, round(fit.validation_share * len(tokens_NT)))
    order = stream.child("validation").generator().permutation(len(tokens_NT))
    if len(tokens_NT) - count < fit.batch_rows:
        raise HeirloomError(f"holding out {count} of {len(tokens_NT)} rows for validation leaves fewer than batch_rows = {fit.batch_rows}")
    held_NT = tokens_NT[np.sort(order[:count])][: fit.validation_rows]
    return Examples(tokens_NT, np.sort(order[count:]), weight_N), held_NT


def _epochs(pupil: Any, examples: Examples, held_NT: NDArray[Any] | None, fit: CausalTraining, stream: Stream) -> None:
    """Train in place, and leave the weights of the best epoch."""
    optimiser = optimisation.adamw(pupil, fit)
    lowest, kept = math.inf, None
    for epoch, batches in enumerate(optimisation.each_epoch(examples, fit, stream)):
        rate = learning_rate(epoch, fit)
        loss = optimisation.run(pupil, optimiser, batches, rate, fit, stream.child("noise", epoch))
        said = f"epoch {epoch + 1} of {fit.epochs}: learning rate {rate:.3g}, training loss {loss:.4f} nats a token"
        if held_NT is None:
            log.info("%s", said)
            continue
        score = _validation_loss(pupil, held_NT)
        log.info("%s, validation loss %.4f", said, score)
        if score < lowest:
            lowest, kept = score, optimisation.snapshot(pupil) if epoch + 1 < fit.epochs else None
    if kept is not None:
        optimisation.restore(pupil, kept)


def _validation_loss(pupil: Any, held_NT: NDArray[Any]) -> float:
    """Return the mean nats a token of the rows that choose the epoch."""
    from heirloom.families.causal_lm.scoring import position_losses

    loss = float(position_losses(CausalLM(pupil.eval()), held_NT).mean())
    if not math.isfinite(loss):
        raise HeirloomError(f"the validation loss is {loss}; family.training.learning_rate must be smaller")
    return loss
