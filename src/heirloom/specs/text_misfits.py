"""What an experiment on text asks for and its family, its rows or a server cannot do, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from heirloom.specs.family import families_with
from heirloom.specs.text import TextSettings

if TYPE_CHECKING:
    from heirloom.specs.experiment import Experiment


def text_misfits(experiment: Experiment, text: TextSettings) -> Iterator[str]:
    """Yield what the family cannot do with the text that it is given."""
    if text.pairs is not None:
        yield from _pair_misfits(experiment)
    else:
        if experiment.family.needs_pairs:
            yield "family.rows is 'pairs', and source.text.rows is 'blocks': set source.text.rows to pairs"
        yield from _block_misfits(experiment, text)
    if experiment.pretrained is None and text.tokenizer is not None:
        yield f"source.text.tokenizer is for families with a pretrained model; {experiment.family.name!r} fits its own"


def served_misfits(experiment: Experiment) -> Iterator[str]:
    """Yield what a server that writes rows does not go with."""
    if experiment.text is None or experiment.text.pairs is None:
        yield "family.sampling.endpoint needs source.text.rows: pairs; text from a server does not tell a block's tokens, nor its end"
    if experiment.num_processes > 1:
        yield f"num_processes is {experiment.num_processes}; with family.sampling.endpoint one process asks, by `concurrency` requests"
    if experiment.family.sampling.num_beams > 1:
        yield f"family.sampling.beams is {experiment.family.sampling.num_beams}; a server draws: leave out beams, or endpoint"


def _pair_misfits(experiment: Experiment) -> Iterator[str]:
    """Yield what rows of a prompt and a completion do not go with."""
    if "pairs" not in experiment.family.abilities:
        candidates = ", ".join(families_with("pairs"))
        yield f"source.text.rows is 'pairs'; family {experiment.family.name!r} reads and writes blocks alone (pairs: {candidates})"
    if not experiment.continues_rows:
        yield "sampling.prompts is 'none'; with source.text.rows: pairs each synthetic row completes the prompt of an original one"
    if experiment.divergence_rows:
        yield f"divergence_rows is {experiment.divergence_rows}; MAUVE compares blocks alone: leave it out with source.text.rows: pairs"


def _block_misfits(experiment: Experiment, text: TextSettings) -> Iterator[str]:
    """Yield why a family cannot write blocks as long as is asked."""
    prompt_tokens = (text.prompt_tokens or text.row_tokens) if experiment.continues_rows else text.written_tokens
    if prompt_tokens != text.written_tokens and not experiment.family.abilities & {"pairs", "programs"}:
        candidates = ", ".join(families_with("pairs"))
        lengths = f"source.text.new_tokens is {text.written_tokens} and a prompt has {prompt_tokens}"
        yield f"{lengths}; family {experiment.family.name!r} writes as many as a prompt has (more or fewer: {candidates})"
    if dict(experiment.family.sampling).get("new_tokens") is not None:
        yield "family.sampling.new_tokens is set from source.text.new_tokens: give it there"
