"""Sample: let a generation's parent write the synthetic set, and note who wrote each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from heirloom import mixing, streams, tokenization
from heirloom.ancestry import Writer
from heirloom.dataset import Dataset, write_batches
from heirloom.families import family
from heirloom.manifest import recorded_sha256
from heirloom.rows import text_table, vector_table
from heirloom.steps.common import finish, naming
from heirloom.streams import Stream


def run(step: Mapping[str, Any], checkpoint: str, train: str, original: str | None, tokenizer: str | None, synthetic: str) -> None:
    """Write the synthetic set that the parent's model makes.

    Parameters
    ----------
    checkpoint, train
        The parent's model, and the rows it was trained on: they say how deep its own rows are.
    original, tokenizer
        Real rows to draw prompts from, and the tokenizer: for text only.
    synthetic
        The file to write.
    """
    model = family(step["family"]).load(Path(checkpoint))
    writer = Dataset.open(train).tally.writer(recorded_sha256(checkpoint))
    if original is None or tokenizer is None:
        write_batches(synthetic, vectors(step, model, writer, step["generation"]).to_batches())
    else:
        prompts = choose_prompts(Dataset.open(original), step["rows"], step["seed"])
        write_batches(synthetic, _texts(step, model, writer, prompts, Path(tokenizer)))
    finish(step, {"checkpoint": checkpoint, "train": train, "prompts": original or "", "tokenizer": tokenizer or ""}, [synthetic])


def vectors(step: Mapping[str, Any], model: Any, writer: Writer, generation: int) -> pa.Table:
    """Return a vector family's synthetic rows."""
    module = family(step["family"])
    settings = module.Sampling.model_validate(step["sampling"])
    stream = streams.step(step["seed"], step["regime"], generation, "sample")
    with naming(generation):
        (x_RNW,) = module.sample(model, None, step["rows"], settings, stream)
    return vector_table(x_RNW, born=generation, writer=writer)


def choose_prompts(original: Dataset, num_rows: int, seed: int) -> Dataset:
    """Return the real rows that are continued: the same ones in every generation and regime, so that texts compare side by side."""
    return mixing.mix_origin(original, num_rows, Stream((seed, "prompts")))


def _texts(step: Mapping[str, Any], model: Any, writer: Writer, prompts: Dataset, tokenizer: Path) -> Iterator[pa.RecordBatch]:
    module = family(step["family"])
    settings = module.Sampling.model_validate(step["sampling"])
    stream = streams.step(step["seed"], step["regime"], step["generation"], "sample")
    decoder = tokenization.from_json(tokenizer.read_text(encoding="utf-8"))
    parents: list[int] = prompts.table(["row"])["row"].to_pylist()
    first = 0
    for tokens_BT in module.sample(model, prompts.chunks("tokens", step["chunk_rows"]), len(parents), settings, stream):
        kept = tokens_BT[: len(parents) - first]  # the last chunk was filled up
        yield from text_table(
            kept,
            tokenization.decode(decoder, kept),
            first_row=first,
            born=step["generation"],
            parent=parents[first : first + len(kept)],
            writer=writer,
        ).to_batches()
        first += len(kept)
