"""Sample: let a generation's parent write the synthetic set, and note who wrote each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom import mixing, streams, tokenization
from heirloom.ancestry import Writer
from heirloom.dataset import Dataset, write_batches
from heirloom.families import family
from heirloom.families.base import Editor
from heirloom.manifest import recorded_sha256
from heirloom.rows import text_table, vector_table
from heirloom.specs.regime import Sizes
from heirloom.steps.common import finish, naming
from heirloom.streams import Stream


def run(step: Mapping[str, Any], inputs: Mapping[str, str], synthetic: str) -> None:
    """Write the synthetic set that the parent's model makes.

    Parameters
    ----------
    inputs
        ``checkpoint`` and ``train``: the parent's model, and the rows it was trained on, which say how deep its own rows are. For text
        ``tokenizer``, ``prompts`` (real rows to continue or to edit) and ``judge`` (the checkpoint that says which tokens are too easy
        where rows are edited); empty where the step has none.
    synthetic
        The file to write.
    """
    load = family(step["family"]).load
    model, train = load(Path(inputs["checkpoint"])), Dataset.open(inputs["train"])
    writer = train.tally.writer(recorded_sha256(inputs["checkpoint"]))
    if inputs["tokenizer"]:
        prompts, judge = inputs["prompts"], inputs["judge"]
        read = choose_prompts(Dataset.open(prompts), _num_rows(step, step["generation"]), step["seed"]) if prompts else None
        written = _written(step, model, load(Path(judge)) if judge else None, read)
        write_batches(synthetic, _texts(step, written, writer, read, Path(inputs["tokenizer"])))
    else:
        tables = vectors(step, model, writer, step["generation"])
        write_batches(synthetic, (batch for table in tables for batch in table.to_batches()))
    finish(step, inputs, [synthetic])


def vectors(step: Mapping[str, Any], model: Any, writer: Writer, generation: int) -> Iterator[pa.Table]:
    """Yield a vector family's synthetic rows."""
    module = family(step["family"])
    settings = module.Sampling.model_validate(step["sampling"])
    stream = streams.step(step["seed"], step["regime"], generation, "sample")
    first = 0
    with naming(generation):
        for x_RNW in module.sample(model, None, _num_rows(step, generation), settings, stream):
            yield vector_table(x_RNW, first_row=first, born=generation, writer=writer)
            first += x_RNW.shape[1]


def choose_prompts(original: Dataset, num_rows: int, seed: int) -> Dataset:
    """Return the real rows that are continued: the same ones in every generation and regime, so that texts compare side by side."""
    return mixing.mix_origin(original, num_rows, Stream((seed, "prompts")))


def _num_rows(step: Mapping[str, Any], generation: int) -> int:
    return Sizes.model_validate(step.get("sizes", {})).sampled_rows(step["rows"], generation)


def _written(step: Mapping[str, Any], model: Any, judge: Any, read: Dataset | None) -> Iterator[NDArray[np.int32]]:
    """Yield the tokens of new rows, chunk by full chunk: real rows continued or edited, or rows that begin from nothing."""
    module = family(step["family"])
    settings = module.Sampling.model_validate(step["sampling"])
    stream = streams.step(step["seed"], step["regime"], step["generation"], "sample")
    num_rows, size = _num_rows(step, step["generation"]), step["chunk_rows"]
    if read is None:
        empty = np.full((size, step["row_tokens"]), tokenization.END_OF_DOCUMENT_ID, np.int32)
        return module.sample(model, repeat(empty, -(-num_rows // size)), num_rows, settings, stream)
    if judge is not None:
        return cast("Editor", module).edit(model, judge, read.chunks("tokens", size), step["edit"]["above"], settings, stream)
    return module.sample(model, read.chunks("tokens", size), num_rows, settings, stream)


def _texts(
    step: Mapping[str, Any], written: Iterator[NDArray[np.int32]], writer: Writer, read: Dataset | None, tokenizer: Path
) -> Iterator[pa.RecordBatch]:
    """Yield the written rows with their text and ancestry."""
    decoder = tokenization.from_json(tokenizer.read_text(encoding="utf-8"))
    num_rows = _num_rows(step, step["generation"])
    parents: list[int] | None = None if read is None else read.table(["row"])["row"].to_pylist()
    first = 0
    for tokens_BT in written:
        kept = tokens_BT[: num_rows - first]  # the last chunk was filled up
        yield from text_table(
            kept,
            tokenization.decode(decoder, kept),
            first_row=first,
            born=step["generation"],
            parent=parents[first : first + len(kept)] if parents else None,
            writer=writer,
        ).to_batches()
        first += len(kept)
