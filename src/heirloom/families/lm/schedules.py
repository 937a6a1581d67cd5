"""Learning rates: how large a step of AdamW is."""

from __future__ import annotations

import math
from collections.abc import Callable

Rate = Callable[[int, int], float]
"""From a step's number (from 0) and the number of all steps to its learning rate."""


def warmed_cosine(peak: float, warmup: float) -> Rate:
    """Return a rate that rises linearly to ``peak`` over the share ``warmup`` of all steps, and falls along half a cosine to zero."""

    def rate(step: int, total_steps: int) -> float:
        warm_steps = warmup * total_steps
        if step < warm_steps:
            return peak * (step + 1) / (warm_steps + 1)
        share_done = (step - warm_steps) / (total_steps - warm_steps)
        return peak * 0.5 * (1.0 + math.cos(math.pi * share_done))

    return rate


def cosine_by_epoch(first: float, final: float, epochs: int) -> Rate:
    """Return the rate f + (l - f) (1 + cos(pi epoch / epochs)) / 2, from l = ``first`` towards f = ``final``, the epochs from 0.

    Loshchilov and Hutter (2017), SGDR, equation 5, without restarts, stepped once an epoch: f itself is never reached.
    """

    def rate(step: int, total_steps: int) -> float:
        epoch = step * epochs // total_steps
        falling = (1.0 + math.cos(math.pi * epoch / epochs)) / 2.0
        return final + (first - final) * falling

    return rate
