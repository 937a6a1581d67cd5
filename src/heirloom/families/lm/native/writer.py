"""What continues prompts with a Llama: the engine that fits the settings and the device."""

from __future__ import annotations

from functools import partial

from heirloom.families.lm.decoding import Decoding, Writer
from heirloom.families.lm.native import beam_completion, beams, completion, generation, static
from heirloom.families.lm.native.model import Llama
from heirloom.families.lm.pairs import Completer
from heirloom.specs.decoding import Decoding as Settings


def writer(model: Llama, settings: Settings, banned: tuple[int, ...] = ()) -> Writer:
    """Return what continues prompts (B, P) by N tokens, given uniforms (B, N), which beams leave unused. No ``banned`` token is written."""
    precision, decoding = settings.precision, Decoding.of(settings, banned)
    if settings.beams > 1:
        return lambda prompts, num_new, _: beams.search(model, prompts, num_new, settings.beams, decoding, precision)
    if model.device.type == "cuda":
        return static.writer(model, decoding, precision)
    return partial(generation.continue_prompts, model, decoding=decoding, precision=precision)


def completer(model: Llama, settings: Settings) -> Completer:
    """Return what completes prompts (`lm.pairs`), by draws or by a beam search."""
    decoding, precision = Decoding.of(settings), settings.precision
    if settings.beams > 1:
        return partial(beam_completion.complete_prompts, model, settings.beams, decoding=decoding, precision=precision)
    return partial(completion.complete_prompts, model, decoding=decoding, precision=precision)
