"""Completions of original prompts: chunks in the layout of length buckets, written down in the order of their rows.

A chunk holds prompts of like length, and which ones is a function of all lengths alone (`data.buckets`): shards and jobs that go on
after a kill make the same chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.artefacts import manifest, paths
from heirloom.data import pairs
from heirloom.data.ancestry import Writer
from heirloom.data.columns import PROMPT
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit
from heirloom.families import family
from heirloom.runtime.streams import Stream
from heirloom.steps.common import Paths

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from heirloom.families.abilities import Completer, PairEditor
    from heirloom.families.lm.served.completion import Served
    from heirloom.steps.sample import Slice, Text


def new_chunks(step: Slice, module: Any, text: Text, numbers: range, settings: Any, stream: Stream) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of the chunks of these numbers, shape (B, C), padding behind: written by a model or a server, or edited.

    Parameters
    ----------
    module
        The family.
    text
        Its prompts are original rows, whose end tokens say where a model is to stop.
    """
    assert text.prompts is not None
    limit = Limit(pairs.stops(text.prompts), step.completion_tokens)
    if step.edit is not None:
        rows = pairs.answered_chunks(text.prompts, step.chunk_rows, numbers)
        return cast("PairEditor", module).edit_completions(text.model, text.judge, rows, limit, step.edit.above, settings, stream)
    complete = text.served.complete if text.served else cast("Completer", module).complete
    return complete(text.model, pairs.prompt_chunks(text.prompts, step.chunk_rows, numbers), limit, settings, stream)


@contextmanager
def served(
    step: Slice, inputs: Paths, model: Any, prompts: Dataset | None, tokenizer: Tokenizer, stream: Stream
) -> Iterator[Served | None]:
    """Yield the server that completes prompts, probed, where the config names one.

    Parameters
    ----------
    step
        The slice of the step `sample`.
    model, prompts, tokenizer
        The parent, the original rows whose prompts are completed, and what makes text of tokens.
    stream
        The step's own.
    """
    settings = family(step.family).Sampling.model_validate(step.sampling)
    if not settings.is_served or prompts is None:
        yield None
        return
    from heirloom.families.lm.served import completion

    record = manifest.read(paths.manifest(inputs["tokenizer"])).get("tokenizer", {})
    place = completion.Place(Path(inputs["checkpoint"]), Path(inputs["tokenizer"]), record)
    first_chunk = next(pairs.prompt_chunks(prompts, step.chunk_rows, range(1)))
    limit = pairs.Limit(pairs.stops(prompts), step.completion_tokens)
    with completion.served(place, model, first_chunk, limit, settings, tokenizer, stream.child("probe")) as server:
        yield server


def texts(
    chunks: Iterable[NDArray[np.int32]], prompts: Dataset, chunk_rows: int, tokenizer: Tokenizer, born: int, writer: Writer
) -> Iterator[pa.RecordBatch]:
    """Yield the written rows in order, with their prompts, their text and their ancestry."""
    from heirloom.steps.real_pairs import written  # with readers of tokenizers, which other rows have no need of

    stops = pairs.stops(prompts)
    rows = pairs.windows(prompts, ["row", PROMPT], chunk_rows)
    for (window, completions), (_, batch) in zip(pairs.in_order(chunks, prompts, chunk_rows), rows, strict=True):
        stopped = np.array([tokens[-1] in stops for tokens in completions.to_pylist()])
        parents = batch.column(batch.schema.get_field_index("row")).to_pylist()
        table = written(
            cast("pa.ListArray", batch.column(batch.schema.get_field_index(PROMPT))),
            completions,
            stopped,
            tokenizer,
            first_row=window.start,
            born=born,
            parent=parents,
            writer=writer,
        )
        yield from table.to_batches()
