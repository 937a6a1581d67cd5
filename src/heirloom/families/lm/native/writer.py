"""What continues prompts with a Llama: the engine that fits the settings and the device."""

from __future__ import annotations

from functools import partial

from heirloom.families.lm.decoding import Decoding, Writer
from heirloom.families.lm.native import beams, generation, static
from heirloom.families.lm.native.model import Llama
from heirloom.specs.decoding import Decoding as Settings


def writer(model: Llama, settings: Settings, banned: tuple[int, ...] = ()) -> Writer:
    """Return what continues prompts (B, P) by N tokens, given uniforms (B, N), which beams leave unused. No ``banned`` token is written."""
    precision, decoding = settings.precision, Decoding.of(settings, banned)
    if settings.beams > 1:
        return lambda prompts, num_new, _: beams.search(model, prompts, num_new, settings.beams, decoding, precision)
    if model.device.type == "cuda":
        return static.writer(model, decoding, precision)
    return partial(generation.continue_prompts, model, decoding=decoding, precision=precision)
